//! An opened library.

use tensorrt_sys::Version;

/// An opened TensorRT with its ONNX parser.
#[derive(Debug, Clone)]
pub struct Library {
    version: Version,
}

impl Library {
    /// Its version.
    pub fn version(&self) -> Version {
        self.version
    }
}

/// Why a library cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A version no table fits.
    #[error("{0} is of no generation this program knows")]
    UnknownGeneration(Version),
}

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Null.
    #[error("{0} returned null")]
    Null(&'static str),
}
