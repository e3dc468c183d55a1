//! What can go wrong between samples and TensorRT.

use std::sync::Arc;

use calibrant_prefetch::StartError;
use calibrant_runtime::SourceError;
use calibrant_tensor::ElementType;

/// Why there is no next batch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The samples ended early.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The GPU, or its memory.
    #[error(transparent)]
    Cuda(#[from] calibrant_cuda::Error),
    /// TensorRT asks for an input that the samples do not have.
    #[error("TensorRT asks for input `{input}`; the samples have {}", list(.known))]
    UnknownInput {
        /// What it asks for.
        input: String,
        /// The inputs that the samples have.
        known: Vec<Arc<str>>,
    },
    /// TensorRT counts samples in 32 bits.
    #[error("a batch of {batch_size} samples is more than TensorRT can count; use a smaller one")]
    BatchSize {
        /// The size asked for.
        batch_size: usize,
    },
    /// The threads that bring the samples to the GPU could not be started.
    #[error(transparent)]
    Threads(#[from] StartError),
    /// There was an error before this call, which was reported then.
    #[error("the samples have ended with an error before")]
    Spent,
}

/// Why a tensor cannot be put into a slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlotError {
    /// The sample lacks an input.
    #[error("the sample has no tensor for input `{input}`; it has {}", list(.given))]
    MissingInput {
        /// The input's name.
        input: Arc<str>,
        /// The tensors that the sample has.
        given: Vec<Arc<str>>,
    },
    /// The tensor has more or fewer values than the input takes.
    #[error("input `{input}` takes {expected} values a sample, not {found}")]
    WrongLength {
        /// The input's name.
        input: Arc<str>,
        /// How many values a sample has.
        expected: usize,
        /// How many the tensor has.
        found: usize,
    },
    /// The tensor's values are of another type.
    #[error("input `{input}` takes {expected} values, not {found}")]
    WrongType {
        /// The input's name.
        input: Arc<str>,
        /// The type of the input.
        expected: ElementType,
        /// The type of the tensor.
        found: ElementType,
    },
    /// A 64-bit integer does not fit into the 32 bits that TensorRT has for it.
    #[error("input `{input}` has the value {value} at element {index}, which is none of its type")]
    TooLarge {
        /// The input's name.
        input: Arc<str>,
        /// What the sample holds.
        value: i64,
        /// Row-major index of the first such value.
        index: usize,
    },
}

fn list(names: &[Arc<str>]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
