//! Why a node is not taken, or fails.

use std::error::Error;

use calibrant_onnx::{DataType, TensorError};
use calibrant_runtime::{Refusal, Shortage};

use crate::panics::Panicked;

/// Why the executor does not take a node.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KernelError {
    #[error("the executor refuses it")]
    Load(#[source] rten::LoadError),
    #[error("the node cannot be encoded")]
    Encode(#[source] calibrant_onnx::Error),
    #[error(transparent)]
    Panicked(#[from] Panicked),
    #[error("tensor `{name}` is nowhere to be found")]
    Missing { name: String },
    #[error("input {index} is missing")]
    NoInput { index: usize },
    #[error("how much memory it takes is not known")]
    NoRule,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("it has no `{name}`")]
    NoBody { name: &'static str },
    #[error("its body has another number of inputs than it is given")]
    BodyInputs,
    #[error("its body has fewer outputs than are asked for")]
    BodyOutputs,
}

/// Why a constant is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConstantError {
    /// Its values cannot be had.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The executor has no such type, or the values do not fit it.
    #[error("constant `{name}` of {dtype:?} has no form that the executor computes with")]
    Form {
        /// The constant's name.
        name: String,
        /// Its element type.
        dtype: DataType,
    },
}

/// Why a node failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Operator(rten::RunError),
    #[error(transparent)]
    Panicked(#[from] Panicked),
    #[error(transparent)]
    Short(#[from] Shortage),
    #[error("it divides whole numbers by 0")]
    DivisionByZero,
    #[error("shapes {first:?} and {second:?} do not go together")]
    Broadcast { first: Vec<usize>, second: Vec<usize> },
    #[error("its {name} are no slice of a tensor")]
    SliceInput { name: &'static str },
    #[error("its {what} do not go together")]
    Unfit { what: &'static str },
    #[error("it has more outputs than its operator")]
    OutputCount,
    #[error("a condition or count is no single whole number")]
    Condition,
    #[error("its turns leave tensors of different types or shapes, or there is no turn")]
    Scan,
    #[error("an input of it has no value")]
    NoValue,
    #[error("an input of shape {input:?} and a window or weight of {kernel:?} do not go together")]
    Window { input: Vec<usize>, kernel: Vec<usize> },
    #[error(
        "its {name} is another than follows from its input, which ONNX and ONNX Runtime read differently"
    )]
    TwoReadings { name: &'static str },
    #[error("a tensor of {elements} elements is more than it can tell apart")]
    TooLarge { elements: usize },
    #[error("a product of matrices failed")]
    Product(#[source] rten_gemm::GemmError),
    /// Nobody is told: whoever asked to stop knows.
    #[error("somebody asked to stop")]
    Stopped,
}

impl StepError {
    /// Itself as the source of another error; what a run is short of, as everybody knows it.
    pub(crate) fn into_source(self) -> Box<dyn Error + Send + Sync> {
        match self {
            Self::Short(shortage) => shortage.into(),
            error => error.into(),
        }
    }
}

/// A node that no sample reaches, and that failed.
#[derive(Debug, thiserror::Error)]
#[error("{node} failed")]
pub(crate) struct SetupFailed {
    pub(crate) node: String,
    pub(crate) source: Box<dyn Error + Send + Sync>,
}
