//! What is wrong with a sample, a constant or a node, and what messages call the runtime.

use calibrant_runtime::RunError;

mod run;

pub use run::ConstantError;
pub(crate) use run::{KernelError, SetupFailed, StepError};

/// What messages call this runtime.
pub(crate) const NAME: &str = "embedded";

/// A run that failed outside any node.
pub(crate) fn failed(source: impl std::error::Error + Send + Sync + 'static) -> RunError {
    RunError::Runtime { runtime: NAME.to_owned(), source: source.into() }
}

/// An integer of a sample is outside the range that the executor computes with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "input `{input}` of sample `{sample}` has {value} at element {index}, outside the 32-bit range"
)]
pub struct RangeError {
    /// The input's name.
    pub input: String,
    /// Name of the sample.
    pub sample: String,
    /// Row-major index.
    pub index: usize,
    /// The integer.
    pub value: i64,
}
