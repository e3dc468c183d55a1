//! What can go wrong in a call.

use std::path::PathBuf;

use tensorrt_sys::{MissingMethod, MissingValue};

use crate::calibrator::BoxError;

/// A call that was not made, or failed. TensorRT tells its reasons to the log only: [`Library::subscribe`].
///
/// [`Library::subscribe`]: crate::Library::subscribe
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The loaded version has no such method; nothing was called.
    #[error(transparent)]
    MissingMethod(#[from] MissingMethod),
    /// The loaded version has no such setting; nothing was called.
    #[error(transparent)]
    MissingValue(#[from] MissingValue),
    /// TensorRT made no object.
    #[error("{call} made nothing")]
    Null {
        /// The vendor's name of it.
        call: &'static str,
    },
    /// TensorRT did not take what it was given.
    #[error("{call} refused {given}")]
    Refused {
        /// The vendor's name of it.
        call: &'static str,
        /// What it was given.
        given: String,
    },
    /// The ONNX parser refused the model; [`Parser::errors`](crate::Parser::errors) has its reasons.
    #[error("the ONNX parser refused the model")]
    Parse,
    /// A call of the calibrator failed.
    #[error("the calibrator failed in {callback}")]
    Calibrator {
        /// The method that TensorRT called, as `getBatch`.
        callback: &'static str,
        /// The calibrator's own error.
        source: BoxError,
    },
    /// TensorRT loaded no plugins from a library.
    #[error("TensorRT cannot load plugins from {}", path.display())]
    PluginLibrary {
        /// The library.
        path: PathBuf,
    },
    /// A name or path that C cannot take.
    #[error("{0:?} contains a zero byte")]
    ZeroByte(String),
    /// Dimensions that TensorRT cannot take.
    #[error(
        "{0:?} is no shape TensorRT can take: it has at most 8 dimensions, up to TensorRT 9 below 2^31"
    )]
    Shape(Vec<i64>),
}
