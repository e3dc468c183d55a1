//! What is known about builds that fail.

use std::fmt;

use calibrant_tensorrt::{Product, Version};

/// The first RTX that builds INT8 convolutions.
const RTX_WITH_INT8: Version = Version::from_raw(10_700);

/// What is known of a build that failed; displays as the way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// A quantized model, and a TensorRT-RTX that does not build such.
    OldRtx,
    /// Too little scratch memory.
    Workspace,
    /// One symbol for dimensions of different sizes.
    Dimensions,
    /// No GPU, and a build that needs one.
    NoGpu,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OldRtx => {
                "the model carries QuantizeLinear and DequantizeLinear, and TensorRT-RTX before 1.7 fails on INT8 \
                 convolutions; use TensorRT, or TensorRT-RTX 1.7"
            }
            Self::Workspace => "allow a larger workspace",
            Self::Dimensions => {
                "the model calls dimensions of different sizes by one name; give each a name of its own in the ONNX, \
                 as quantizing does"
            }
            Self::NoGpu => {
                "this needs an NVIDIA GPU and its driver; TensorRT-RTX builds without one, unless it builds for the \
                 GPU at hand"
            }
        })
    }
}

impl Hint {
    /// What the library, the model and the log tell of a failed build; none if this failure is unknown.
    pub(super) fn of(version: Version, quantized: bool, log: &[String]) -> Option<Self> {
        let says = |text: &str| log.iter().any(|line| line.contains(text));
        if version.product() == Product::TensorRtRtx && version < RTX_WITH_INT8 && quantized {
            return Some(Self::OldRtx);
        }
        if says("within workspace limit") {
            return Some(Self::Workspace);
        }
        if says("Input dimensions with this name have different constant values") {
            return Some(Self::Dimensions);
        }
        if says("CUDA initialization failure") || says("CUDA driver version is insufficient") {
            return Some(Self::NoGpu);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_failures_have_a_way_out() {
        let hint = |version, quantized, line: &str| {
            Hint::of(Version::from_raw(version), quantized, &[line.to_owned()])
        };
        let myelin = "CHECK(dtype == myelinTypeFloat";
        assert_eq!(hint(10_500, true, myelin), Some(Hint::OldRtx));
        assert_eq!(hint(10_701, true, "anything"), None);
        assert_eq!(hint(101_601, true, "anything"), None);
        assert_eq!(hint(10_500, false, "anything"), None);
        let workspace = "no tactics to implement the operation within workspace limit";
        assert_eq!(hint(10_701, false, workspace), Some(Hint::Workspace));
        let no_gpu = "CUDA initialization failure with error: 35";
        assert_eq!(hint(101_601, false, no_gpu), Some(Hint::NoGpu));
    }
}
