//! The seam between this backend and whatever does the arithmetic.

use std::borrow::Cow;
use std::error::Error;

use calibrant_onnx::Model;

use crate::embedded::Panicked;

/// Runs parts of one graph on one thread.
///
/// A model is loaded once and shared by all workers; each keeps its own tensors between the slices that it runs.
pub trait Executor: Sized + Send + Sync {
    /// A tensor as the executor keeps it between two slices.
    type Value: Send + Sync;
    /// What a worker runs on: one thread.
    type Worker;

    /// Loads the normalised `model`, whose graph has no outputs of its own: any of `tensors` may be asked for, and
    /// [`TensorId`] is a place in that list.
    ///
    /// # Errors
    ///
    /// When the executor does not take the model.
    fn load(model: &Model, tensors: &[String]) -> Result<Self, ExecutorError>;

    /// Calls `work` on a thread of its own, on which all slices given to that worker run.
    fn on_worker<R: Send>(&self, work: impl FnOnce(&Self::Worker) -> R + Send) -> R;

    /// Runs the nodes that lead from `inputs` to `outputs` and returns the latter in order.
    ///
    /// Neither list names a tensor twice.
    ///
    /// # Errors
    ///
    /// When a node fails, or needs a tensor that is neither an input nor made from the inputs.
    fn run_slice(
        &self,
        worker: &Self::Worker,
        inputs: Vec<(TensorId, Feed<'_, Self::Value>)>,
        outputs: &[TensorId],
    ) -> Result<Vec<Self::Value>, ExecutorError>;

    /// The values of a float tensor in any fixed order, `None` for a tensor of another type.
    fn floats(value: &Self::Value) -> Option<Cow<'_, [f32]>>;
}

/// A tensor of the graph, as a place in the list that [`Executor::load`] was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// A tensor that a slice starts from.
#[derive(Debug, Clone)]
pub enum Feed<'a, V> {
    /// Floats of a sample, row-major.
    F32(&'a [usize], &'a [f32]),
    /// Whole or truth values of a sample, row-major.
    I32(&'a [usize], &'a [i32]),
    /// Bytes of a sample, row-major.
    U8(&'a [usize], &'a [u8]),
    /// A tensor that is needed again afterwards.
    Lent(&'a V),
    /// A tensor at its last use, whose memory may be written over.
    Given(V),
}

/// Why a model was not loaded, or a slice failed.
#[derive(Debug)]
pub struct ExecutorError {
    /// Name of the node at fault in the normalised model, where it is known.
    pub node: Option<String>,
    /// What the executor said.
    pub source: Box<dyn Error + Send + Sync>,
}

impl From<Panicked> for ExecutorError {
    fn from(panicked: Panicked) -> Self {
        Self { node: None, source: panicked.into() }
    }
}
