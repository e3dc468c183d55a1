//! What is known about builds that fail.

use calibrant_tensorrt::{Product, Version};

/// The first RTX that builds INT8 convolutions.
const RTX_WITH_INT8: Version = Version::from_raw(10_700);

/// The way out of a failed build, from the library, the model and what the log says; none if this failure is unknown.
pub(super) fn hint(version: Version, quantized: bool, log: &[String]) -> Option<&'static str> {
    let says = |text: &str| log.iter().any(|line| line.contains(text));
    if version.product() == Product::TensorRtRtx && version < RTX_WITH_INT8 && quantized {
        return Some(
            "the model carries QuantizeLinear and DequantizeLinear, and TensorRT-RTX before 1.7 fails on INT8 \
             convolutions; use TensorRT-RTX 1.7 (--tensorrt fetch) or TensorRT",
        );
    }
    if says("within workspace limit") {
        return Some("allow more memory with --workspace");
    }
    if says("Input dimensions with this name have different constant values") {
        return Some(
            "the model calls dimensions of different sizes by one name; give each a name of its own in the ONNX, as \
             quantizing does",
        );
    }
    if says("CUDA initialization failure") || says("CUDA driver version is insufficient") {
        return Some(
            "this needs an NVIDIA GPU and its driver; TensorRT-RTX builds without one (--tensorrt fetch), unless it \
             builds for the GPU at hand",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_failures_have_a_way_out() {
        let hint = |version, quantized, line: &str| {
            hint(Version::from_raw(version), quantized, &[line.to_owned()])
        };
        assert!(hint(10_500, true, "CHECK(dtype == myelinTypeFloat").unwrap().contains("1.7"));
        assert_eq!(hint(10_701, true, "anything"), None);
        assert_eq!(hint(101_601, true, "anything"), None);
        assert_eq!(hint(10_500, false, "anything"), None);
        let workspace = "no tactics to implement the operation within workspace limit";
        assert!(hint(10_701, false, workspace).unwrap().contains("--workspace"));
        assert!(
            hint(101_601, false, "CUDA initialization failure with error: 35")
                .unwrap()
                .contains("GPU")
        );
    }
}
