//! The backend: a model, normalised, loaded and planned.

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calibrant_calibration::{
    Backend, BackendError, BackendInfo, BatchSource, Histograms, Statistics,
};
use calibrant_onnx::{Model, Topology, validate};

use crate::error::LoadError;
use crate::executor::{Executor, ExecutorError, TensorId};
use crate::inputs::ModelInput;
use crate::normalise::{NodeLabel, Normalised, label_of, normalise};
use crate::observed::{From, Observed, observed};
use crate::plan::{Plan, plan};
use crate::rten::Rten;
use crate::scope::Scope;

/// [`BackendInfo::name`].
pub(crate) const NAME: &str = "embedded";

/// Version of the executor as written into the manifest.
const VERSION: &str = "rten 0.27.0";

/// How to run a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Threads that run samples, one sample each at a time.
    pub workers: NonZeroUsize,
    /// Samples that run as one, put together along the first axis; at most as many as a batch of the source holds.
    ///
    /// 1 is right for every model with a dynamic batch dimension: more is not faster, and takes more memory.
    /// A model exported for a fixed batch needs that number here, and batches that are multiples of it.
    pub samples_per_run: NonZeroUsize,
    /// Which histograms are kept; [`Histograms::AndFaithful`] runs the first batch twice, because the widths of its bins
    /// must be known before any value is counted.
    pub histograms: Histograms,
}

/// A model ready to be calibrated on this machine's processor.
pub struct Embedded<E: Executor = Rten> {
    pub(crate) executor: E,
    pub(crate) plan: Plan,
    pub(crate) inputs: Vec<ModelInput>,
    pub(crate) observed: Vec<Observed>,
    pub(crate) constants: Vec<E::Value>,
    pub(crate) labels: Vec<NodeLabel>,
    pub(crate) options: Options,
}

impl Embedded {
    /// Loads `model` into [`Rten`].
    ///
    /// # Errors
    ///
    /// When the model is not valid, has nothing to observe, or uses what cannot be computed exactly.
    pub fn load(model: &Model, options: &Options) -> Result<Self, LoadError> {
        Self::load_into(model, options)
    }
}

impl<E: Executor> Embedded<E> {
    /// Loads `model` into the executor `E`.
    ///
    /// # Errors
    ///
    /// As [`Embedded::load`].
    pub fn load_into(model: &Model, options: &Options) -> Result<Self, LoadError> {
        validate(model)?;
        let topology = Topology::new(model.graph())?;
        let inputs = topology.data_inputs().map(ModelInput::new).collect::<Result<Vec<_>, _>>()?;
        let scope = Scope::new(&topology, model.opset().unwrap_or_default(), None);
        let observed = observed(&scope, options.histograms);
        if !observed.iter().any(|seen| seen.from == From::Values) {
            return Err(LoadError::NothingToObserve);
        }
        let Normalised { model: normalised, labels } = normalise(model, &scope, &observed)?;
        let plan = plan(&Topology::new(normalised.graph())?, &observed);
        let executor = caught(|| E::load(&normalised, &plan.tensors));
        let executor: E = executor.map_err(|error| refused(error, &labels))?;
        let constants = compute_constants(&executor, &plan.constants, &labels)?;
        let inputs = needed(inputs, &plan);
        Ok(Self { executor, plan, inputs, observed, constants, labels, options: *options })
    }

    /// Names of the tensors that are observed, the graph's inputs first, then in the order in which nodes make them.
    ///
    /// A tensor whose element type the model does not state is among them, and gets no statistics if it turns out not to
    /// be float.
    pub fn observed(&self) -> impl Iterator<Item = &str> {
        self.observed.iter().map(|seen| seen.name.as_str())
    }
}

impl<E: Executor> Backend for Embedded<E> {
    fn info(&self) -> BackendInfo {
        let notes = match self.options.samples_per_run.get() {
            1 => "runs every sample alone, so the batch size changes no activation".to_owned(),
            several => format!("runs {several} samples together"),
        };
        let mut notes = vec![notes];
        if self.options.histograms == Histograms::AndFaithful {
            notes.push(
                "keeps TensorRT's own histograms too, whose bins the first batch sets".to_owned(),
            );
        }
        BackendInfo { name: NAME.to_owned(), version: VERSION.to_owned(), notes }
    }

    fn calibrate(&mut self, source: &mut dyn BatchSource) -> Result<Statistics, BackendError> {
        crate::calibrate::calibrate(self, source)
    }
}

impl<E: Executor> fmt::Debug for Embedded<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded")
            .field("nodes", &self.labels.len())
            .field("slices", &self.plan.slices.len())
            .field("observed", &self.observed.len())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// What a panic said.
#[derive(Debug, thiserror::Error)]
#[error("it panicked: {message}")]
pub(crate) struct Panicked {
    message: String,
}

impl Panicked {
    fn new(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self { message: text.unwrap_or_else(|| "no message".to_owned()) }
    }
}

/// Calls the executor; a panic inside it becomes an error.
pub(crate) fn caught<V, X: std::convert::From<Panicked>>(
    call: impl FnOnce() -> Result<V, X>,
) -> Result<V, X> {
    // What a panic may leave half done are the call's own values, which are dropped, and the executor's cached plan,
    // which is only ever replaced whole.
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|payload| Err(Panicked::new(&*payload).into()))
}

/// Runs what depends on no input, once.
fn compute_constants<E: Executor>(
    executor: &E,
    constants: &[TensorId],
    labels: &[NodeLabel],
) -> Result<Vec<E::Value>, LoadError> {
    if constants.is_empty() {
        return Ok(Vec::new());
    }
    let values =
        executor.on_worker(|worker| caught(|| executor.run_slice(worker, Vec::new(), constants)));
    values.map_err(|error| refused(error, labels))
}

fn refused(ExecutorError { node, source }: ExecutorError, labels: &[NodeLabel]) -> LoadError {
    match node.and_then(|node| label_of(&node, labels)) {
        Some(label) => LoadError::Node { node: label.label.clone(), source },
        None => LoadError::Executor { source },
    }
}

/// Of the model's inputs those that the plan reads, in its order.
fn needed(inputs: Vec<ModelInput>, plan: &Plan) -> Vec<ModelInput> {
    let names: Vec<&str> = plan.inputs.iter().map(|input| input.name.as_str()).collect();
    inputs.into_iter().filter(|input| names.contains(&input.name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock").replace("\r\n", "\n");
        let (name, version) = VERSION.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")));
    }
}
