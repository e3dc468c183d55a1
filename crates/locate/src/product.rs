//! What is looked for, and what is known of it before anything is found.

use std::fmt;
use std::path::PathBuf;

use crate::environment::Environment;

/// A library that this program works with and does not come with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Product {
    /// NVIDIA's TensorRT, and TensorRT-RTX.
    TensorRt,
    /// Microsoft's ONNX Runtime.
    OnnxRuntime,
}

impl Product {
    /// The environment variable that names a folder with the libraries, or the library itself.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::TensorRt => "CALIBRANT_TENSORRT",
            Self::OnnxRuntime => "CALIBRANT_ONNXRUNTIME",
        }
    }

    /// What is fetched of it.
    #[must_use]
    pub fn fetched(self) -> &'static str {
        match self {
            Self::TensorRt => "TensorRT-RTX",
            Self::OnnxRuntime => "ONNX Runtime",
        }
    }

    /// Whose that is.
    pub(crate) fn maker(self) -> &'static str {
        match self {
            Self::TensorRt => "NVIDIA's",
            Self::OnnxRuntime => "Microsoft's",
        }
    }

    /// The packages of a Python environment that carry the libraries: the folder of the package, and of the libraries in it.
    pub(crate) fn python_packages(self) -> &'static [&'static str] {
        match self {
            Self::TensorRt => &["tensorrt_libs", "tensorrt_rtx_libs"],
            Self::OnnxRuntime => &["onnxruntime/capi"],
        }
    }

    /// The folder of the cache that holds what was fetched.
    pub(crate) fn shelf(self) -> &'static str {
        match self {
            Self::TensorRt => "tensorrt-rtx",
            Self::OnnxRuntime => "onnxruntime",
        }
    }

    /// The place that the environment names.
    pub(crate) fn named(self, environment: &Environment) -> Option<&PathBuf> {
        match self {
            Self::TensorRt => environment.tensorrt.as_ref(),
            Self::OnnxRuntime => environment.onnxruntime.as_ref(),
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TensorRt => "TensorRT",
            Self::OnnxRuntime => "ONNX Runtime",
        })
    }
}
