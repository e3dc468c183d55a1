//! A source and a runtime that do what they are told, for tests of whatever drives the real ones.
//!
//! They are ordinary implementations of [`Source`] and [`Runtime`], so code under test cannot tell.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use calibrant_calibration::{BackendInfo, Histograms};
use calibrant_onnx::Model;
use calibrant_onnx::proto::NodeProto;
use calibrant_prefetch::Batch;
use calibrant_tensor::{ElementType, Tensor, TensorData};

use crate::{
    Availability, LeftOut, LoadError, Network, Observations, Reduction, Refusal, RunError, Runtime,
    Sample, Seen, Settings, Source, SourceError, Survey, Task, Wanted,
};

/// A source that gives the steps it was made from, then ends.
#[derive(Debug)]
pub struct ScriptedSource<S = Sample> {
    steps: VecDeque<Step<S>>,
}

/// What a [`ScriptedSource`] does when it is asked for a batch.
#[derive(Debug)]
pub enum Step<S = Sample> {
    /// Gives these samples.
    Batch(Vec<S>),
    /// Fails; whatever follows is not reached.
    Fail(SourceError),
}

impl<S> ScriptedSource<S> {
    /// A source of these steps.
    pub fn new(steps: impl IntoIterator<Item = Step<S>>) -> Self {
        Self { steps: steps.into_iter().collect() }
    }

    /// A source of `samples` in batches of `batch_size`; the last may be smaller.
    ///
    /// # Panics
    ///
    /// When `batch_size` is 0.
    pub fn of_samples(samples: &[S], batch_size: usize) -> Self
    where
        S: Clone,
    {
        Self::new(samples.chunks(batch_size).map(|batch| Step::Batch(batch.to_vec())))
    }
}

impl<S: Send> Source<S> for ScriptedSource<S> {
    fn next_batch(&mut self) -> Result<Option<Batch<S>>, SourceError> {
        match self.steps.pop_front() {
            Some(Step::Batch(samples)) => Ok(Some(Batch::detached(samples))),
            Some(Step::Fail(error)) => {
                self.steps.clear();
                Err(error)
            }
            None => Ok(None),
        }
    }
}

/// A runtime called `scripted`, whose activations are computed by a function of the sample.
#[derive(Clone)]
pub struct Scripted {
    /// The tensors that the script makes; `None` stands for the float inputs of the model.
    tensors: Option<Vec<String>>,
    refused: Vec<String>,
    run: Arc<Script>,
}

/// Tensors of one sample by name, or why there are none.
type Script = dyn Fn(&Sample) -> Result<Vec<(String, Tensor)>, RunError> + Send + Sync;

impl Scripted {
    /// A runtime that has the tensors of these names for any model, and computes them by `run`.
    pub fn new<N: Into<String>>(
        tensors: impl IntoIterator<Item = N>,
        run: impl Fn(&Sample) -> Result<Vec<(String, Tensor)>, RunError> + Send + Sync + 'static,
    ) -> Self {
        let tensors = tensors.into_iter().map(Into::into).collect();
        Self { tensors: Some(tensors), refused: Vec::new(), run: Arc::new(run) }
    }

    /// A runtime that sees the float inputs of the model and nothing else.
    #[must_use]
    pub fn identity() -> Self {
        let run = |sample: &Sample| {
            let inputs = sample.inputs.iter();
            Ok(inputs.map(|(name, tensor)| (name.to_string(), tensor.clone())).collect())
        };
        Self { tensors: None, refused: Vec::new(), run: Arc::new(run) }
    }

    /// The same, but that it does not run nodes of these operators.
    #[must_use]
    pub fn refusing<N: Into<String>>(mut self, operators: impl IntoIterator<Item = N>) -> Self {
        self.refused.extend(operators.into_iter().map(Into::into));
        self
    }

    fn has(&self, model: &Model) -> Vec<String> {
        self.tensors.clone().unwrap_or_else(|| {
            let inputs = model.inputs().into_iter();
            let floats =
                inputs.filter(|input| input.element.of_samples() == Some(ElementType::F32));
            floats.map(|input| input.name.to_string()).collect()
        })
    }

    fn refusal(&self, node: &NodeProto) -> Option<Refusal> {
        self.refused.iter().any(|operator| node.op() == operator).then_some(Refusal::Operator)
    }
}

impl Runtime for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn availability(&self) -> Availability {
        Availability {
            version: Some("1".to_owned()),
            notes: vec!["runs no network".to_owned()],
            ..Availability::usable("does what it is told")
        }
    }

    fn survey(&self, model: &Model) -> Result<Survey, LoadError> {
        Ok(Survey::of(model, |node| self.refusal(node)))
    }

    fn load(
        &self,
        model: &Model,
        wanted: &Wanted,
        _settings: &Settings,
    ) -> Result<Box<dyn Network>, LoadError> {
        let survey = self.survey(model)?;
        let unreached = survey.unreached(model)?;
        if unreached.iter().any(|tensor| !wanted.of_tensor(tensor).is_empty()) {
            survey.check(self.name())?;
        }
        let mut has = self.has(model);
        has.retain(|tensor| !unreached.contains(tensor));
        if let Some(tensor) = wanted.named().find(|name| !has.iter().any(|has| has == name)) {
            return Err(LoadError::NoTensor { tensor: tensor.to_owned() });
        }
        let task = |name: String| (wanted.of_tensor(&name), name);
        let tasks = has.into_iter().map(task).filter(|(task, _)| !task.is_empty()).collect();
        let inputs = model.inputs().into_iter().map(|input| input.name).collect();
        Ok(Box::new(ScriptedNetwork { tasks, inputs, run: Arc::clone(&self.run) }))
    }
}

/// A model that a script stands in for.
struct ScriptedNetwork {
    tasks: Vec<(Task, String)>,
    inputs: Vec<Arc<str>>,
    run: Arc<Script>,
}

/// What there is before anything is seen.
struct Blank {
    seen: Vec<Reduction>,
    /// Names of the samples that say how wide TensorRT's bins are.
    first_batch: Vec<String>,
}

impl ScriptedNetwork {
    /// Runs the samples of a batch and returns those that are left out.
    fn run_batch(
        &self,
        tasks: &[(Task, String)],
        batch: &[Sample],
        source: &mut dyn Source,
        seen: &mut [Reduction],
    ) -> Result<Vec<LeftOut>, RunError> {
        let mut left_out = Vec::new();
        for sample in batch {
            let before = source.leaves_out().then(|| seen.to_vec());
            match (self.run_sample(tasks, sample, source, seen), before) {
                (Ok(()), _) => {}
                (Err(error), Some(before)) if error.is_of_samples() => {
                    seen.clone_from_slice(&before);
                    let samples = vec![(sample.position, Arc::clone(&sample.name))];
                    left_out.push(LeftOut { samples, error });
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok(left_out)
    }

    fn run_sample(
        &self,
        tasks: &[(Task, String)],
        sample: &Sample,
        source: &mut dyn Source,
        seen: &mut [Reduction],
    ) -> Result<(), RunError> {
        self.check_inputs(sample)?;
        let tensors = (self.run)(sample)?;
        for (name, Tensor { shape, data }) in &tensors {
            if source.is_cancelled() {
                return Err(SourceError::cancelled().into());
            }
            let place = tasks.iter().position(|(_, tensor)| tensor == name);
            if let (Some(place), TensorData::F32(values)) = (place, data) {
                let samples = std::slice::from_ref(sample);
                let made = Seen { tensor: name, samples, shape, values };
                tasks[place].0.observe(&mut seen[place], &made)?;
            }
        }
        Ok(())
    }

    fn check_inputs(&self, sample: &Sample) -> Result<(), RunError> {
        let has = |input: &Arc<str>| sample.inputs.iter().any(|(name, _)| name == input);
        match self.inputs.iter().find(|input| !has(input)) {
            Some(input) => Err(RunError::MissingInput {
                input: input.to_string(),
                sample: sample.name.to_string(),
                given: sample.inputs.iter().map(|(name, _)| name.to_string()).collect(),
            }),
            None => Ok(()),
        }
    }

    fn is_faithful(&self) -> bool {
        let is_wanted =
            |(task, _): &(Task, String)| task.histograms() == Some(Histograms::AndFaithful);
        self.tasks.iter().any(is_wanted)
    }

    /// What there is before anything is seen; the first batch is run for the widths of TensorRT's bins if they are wanted.
    /// `None` where no sample of it can be run.
    fn blank(&self, first: &[Sample], source: &mut dyn Source) -> Result<Option<Blank>, RunError> {
        if !self.is_faithful() {
            let blank = self.tasks.iter().map(|(task, _)| task.blank(None)).collect();
            return Ok(Some(Blank { seen: blank, first_batch: Vec::new() }));
        }
        let alone = |(task, name): &(Task, String)| (task.statistics_alone(), name.clone());
        let tasks: Vec<_> = self.tasks.iter().map(alone).collect();
        let mut seen: Vec<_> = tasks.iter().map(|(task, _)| task.blank(None)).collect();
        let left_out = self.run_batch(&tasks, first, source, &mut seen)?;
        let is_used = |sample: &&Sample| left_out.iter().all(|it| it.position() != sample.position);
        let first_batch: Vec<String> =
            first.iter().filter(is_used).map(|sample| sample.name.to_string()).collect();
        let widths = self.tasks.iter().zip(&seen);
        let seen = widths.map(|((task, _), seen)| task.blank(Some(seen))).collect();
        Ok((!first_batch.is_empty()).then_some(Blank { seen, first_batch }))
    }
}

impl Network for ScriptedNetwork {
    fn info(&self) -> BackendInfo {
        BackendInfo {
            name: "scripted".to_owned(),
            version: "1".to_owned(),
            notes: vec!["runs no network".to_owned()],
        }
    }

    fn run(&mut self, source: &mut dyn Source) -> Result<Observations, RunError> {
        let mut observations = Observations::default();
        let (mut seen, mut left_out) = (None, Vec::new());
        while let Some(batch) = source.next_batch()? {
            if seen.is_none()
                && let Some(blank) = self.blank(&batch, source)?
            {
                observations.statistics.first_batch = blank.first_batch;
                seen = Some(blank.seen);
            }
            let mut nothing = self.tasks.iter().map(|(task, _)| task.blank(None)).collect();
            let seen = seen.as_mut().unwrap_or(&mut nothing);
            let more = self.run_batch(&self.tasks, &batch, source, seen)?;
            observations.statistics.samples += (batch.len() - more.len()) as u64;
            left_out.extend(more);
        }
        let named = self.tasks.iter().zip(seen.unwrap_or_default());
        named.for_each(|((_, name), seen)| observations.add(name, seen));
        left_out.into_iter().for_each(|it| source.left_out(it));
        Ok(observations)
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted")
            .field("tensors", &self.tensors)
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ScriptedNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedNetwork").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}
