//! What can be wrong with a calibration cache as a whole.

use std::io;
use std::path::PathBuf;

use super::ParseCacheError;

/// Why a [`Cache`](super::Cache) cannot be made, read or written as a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The format has no way to write this name.
    #[error(
        "tensor name {name:?} cannot stand in a calibration cache: {why}; rename the tensor in the model"
    )]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// TensorRT's calibrators are for int8.
    #[error("a calibration cache is for int8 alone, and these ranges were chosen for {format}")]
    Format {
        /// What they were chosen for.
        format: String,
    },
    /// Two entries have the same name.
    #[error("tensor `{name}` occurs twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read the calibration cache `{}`", path.display())]
    Read {
        /// Its path, as it was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("`{}` is no TensorRT calibration cache", path.display())]
    Parse {
        /// Its path, as it was named.
        path: PathBuf,
        /// What is wrong in it.
        source: ParseCacheError,
    },
}
