//! A source and a backend that do what they are told, for tests of whatever drives the real ones.
//!
//! They are ordinary implementations of [`BatchSource`] and [`Backend`], so code under test cannot tell.

use std::collections::VecDeque;
use std::fmt;

use calibrant_prefetch::Batch;
use calibrant_tensor::TensorData;

use crate::{Backend, BackendError, BackendInfo, BatchSource, Sample, SourceError, Statistics};

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

impl<S: Send> BatchSource<S> for ScriptedSource<S> {
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

/// A backend whose activations are computed by a function of the sample.
pub struct ScriptedBackend {
    info: BackendInfo,
    run: Box<Run>,
}

/// Tensor names and values of one sample, or why there are none.
type Run = dyn FnMut(&Sample) -> Result<Vec<(String, Vec<f32>)>, BackendError> + Send;

impl ScriptedBackend {
    /// A backend called `scripted` whose activations are what `run` returns for each sample.
    pub fn new(
        run: impl FnMut(&Sample) -> Result<Vec<(String, Vec<f32>)>, BackendError> + Send + 'static,
    ) -> Self {
        let info = BackendInfo {
            name: "scripted".to_owned(),
            version: "1".to_owned(),
            notes: vec!["runs no network".to_owned()],
        };
        Self { info, run: Box::new(run) }
    }

    /// A backend that sees the float inputs of each sample and nothing else.
    pub fn identity() -> Self {
        Self::new(|sample| {
            let inputs = sample.inputs.iter();
            let floats = inputs.filter_map(|(name, tensor)| match &tensor.data {
                TensorData::F32(values) => Some((name.to_string(), values.clone())),
                _ => None,
            });
            Ok(floats.collect())
        })
    }
}

impl Backend for ScriptedBackend {
    fn info(&self) -> BackendInfo {
        self.info.clone()
    }

    fn calibrate(&mut self, source: &mut dyn BatchSource) -> Result<Statistics, BackendError> {
        let mut statistics = Statistics::default();
        while let Some(batch) = source.next_batch()? {
            for sample in batch.iter() {
                for (tensor, values) in (self.run)(sample)? {
                    statistics.observe(&tensor, &values).map_err(|error| {
                        BackendError::NonFinite {
                            tensor,
                            sample: sample.name.to_string(),
                            value: error.value,
                            index: error.index,
                        }
                    })?;
                }
                statistics.samples += 1;
            }
        }
        Ok(statistics)
    }
}

impl fmt::Debug for ScriptedBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedBackend").field("info", &self.info).finish_non_exhaustive()
    }
}
