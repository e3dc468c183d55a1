//! Where TensorRT is.

use std::convert::Infallible;
use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::str::FromStr;

use calibrant_tensorrt::{Library, Version};

use crate::environment::Environment;
use crate::error::LocateError;
use crate::fetch::FetchEvent;

/// Where the user wants TensorRT from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Wherever it is: `CALIBRANT_TENSORRT`, the loader's path, the Python environment, what was fetched before.
    Auto,
    /// NVIDIA's TensorRT-RTX, downloaded unless it was fetched before.
    Fetch,
    /// A folder with the libraries, or the library itself.
    Path(PathBuf),
}

impl FromStr for Source {
    type Err = Infallible;

    /// `auto`, `fetch`, or a path.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "auto" => Self::Auto,
            "fetch" => Self::Fetch,
            path => Self::Path(path.into()),
        })
    }
}

/// Which way led to a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// `--tensorrt PATH`.
    Given,
    /// `CALIBRANT_TENSORRT`.
    Variable,
    /// The loader's own path: `LD_LIBRARY_PATH`, `ld.so.conf`.
    Loader,
    /// A package of the Python environment.
    Python,
    /// Fetched by this program.
    Fetched,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given => "--tensorrt",
            Self::Variable => "CALIBRANT_TENSORRT",
            Self::Loader => "loader path",
            Self::Python => "Python environment",
            Self::Fetched => "fetched",
        })
    }
}

/// A TensorRT that was opened and can be built with.
#[derive(Debug, Clone)]
pub struct Found {
    /// The opened library and its ONNX parser.
    pub library: Library,
    /// Which way led to it.
    pub origin: Origin,
}

impl Found {
    /// The library's version.
    pub fn version(&self) -> Version {
        self.library.version()
    }
}

/// Finds TensorRT and opens it, with its ONNX parser.
///
/// `say` hears what a fetch does; it answers `Break` to cancel.
///
/// # Errors
/// [`LocateError`], with every place looked at and how to get a library.
pub fn locate(
    source: &Source,
    environment: &Environment,
    say: &mut dyn FnMut(FetchEvent) -> ControlFlow<()>,
) -> Result<Found, LocateError> {
    let _ = (source, environment, say);
    Err(LocateError::NotFound { tried: Vec::new() })
}
