//! Why a library cannot be used, and what a session says.

use std::error::Error;
use std::path::PathBuf;

use calibrant_runtime::{LoadError, RunError};

use crate::library::{OLDEST, Version};

/// What messages call this runtime.
pub(crate) const NAME: &str = "onnxruntime";

/// Why a file cannot be used as ONNX Runtime.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The loader would take it out of the current folder.
    #[error(
        "{} would be taken out of the current folder, because LD_LIBRARY_PATH has an empty or a relative entry",
        file.display()
    )]
    LedAstray {
        /// The file that the loader would take.
        file: PathBuf,
    },
    /// The loader does not take it.
    #[error("{} cannot be loaded", path.display())]
    Load {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        source: libloading::Error,
    },
    /// It is another library.
    #[error("{} is no ONNX Runtime: it has no OrtGetApiBase", path.display())]
    Other {
        /// The library.
        path: PathBuf,
    },
    /// It is of a version that is not known here.
    #[error("{} is ONNX Runtime {version}; {OLDEST} or a later 1.x is needed", path.display())]
    Version {
        /// The library.
        path: PathBuf,
        /// Its version, as it says it.
        version: String,
    },
    /// The process has another one already.
    #[error(
        "{} cannot be used beside {}, which this process has opened: a process has one ONNX Runtime",
        path.display(),
        opened.display()
    )]
    Second {
        /// The library that was asked for.
        path: PathBuf,
        /// The one that is open.
        opened: PathBuf,
    },
    /// It cannot be set up.
    #[error("ONNX Runtime {version} at {} cannot be set up", path.display())]
    Setup {
        /// The library.
        path: PathBuf,
        /// Its version.
        version: Version,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The library said something that no node is to blame for.
pub(crate) fn cannot_load(source: impl Into<Box<dyn Error + Send + Sync>>) -> LoadError {
    LoadError::Other { runtime: NAME.to_owned(), source: source.into() }
}

/// A run that failed outside any node.
pub(crate) fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> RunError {
    RunError::Runtime { runtime: NAME.to_owned(), source: source.into() }
}
