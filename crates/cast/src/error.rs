//! Why a model cannot be cast.

use calibrant_onnx::{TensorError, TopologyError};
use calibrant_prepare::PrepareError;
use thiserror::Error;

/// Why a model cannot be cast.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CastError {
    /// A bound of a range is infinite or not a number.
    #[error("a bound of the range of tensor \"{tensor}\" is {bound}; bounds are finite numbers")]
    NonFiniteRange {
        /// Its name in the model.
        tensor: String,
        /// What was given.
        bound: f32,
    },
    /// No node answers to a name that was to get a precision of its own.
    #[error("no node and no tensor is called `{pattern}`, so it cannot get a precision of its own")]
    UnknownLayer {
        /// The name or pattern.
        pattern: String,
    },
    /// The model cannot be made ready.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The graph has no order.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The values of a constant cannot be had.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}
