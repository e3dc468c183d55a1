//! What to do instead of a setting that is not to be had.

use super::Precision;

/// What to do instead of a setting that is not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WayOut {
    /// Leave the setting out.
    LeaveOut(Setting),
    /// Choose one of these precisions.
    Precision(&'static [Precision]),
    /// Have the model carry its ranges, as Q/DQ nodes.
    Qdq,
    /// Find the ranges by other means than TensorRT's calibrators.
    OtherCalibration,
    /// Let a refit bring any weights.
    RefitAny,
    /// Something that no setting does, in words.
    Elsewhere(&'static str),
}

/// A setting of a build that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// [`optimization_level`](super::BuildOptions::optimization_level).
    OptimizationLevel,
    /// One of [`pools`](super::BuildOptions::pools).
    MemoryPool,
    /// [`calibration_profile`](super::BuildOptions::calibration_profile).
    CalibrationProfile,
    /// [`hardware_compatibility`](super::BuildOptions::hardware_compatibility).
    HardwareCompatibility,
    /// [`compute_capabilities`](super::BuildOptions::compute_capabilities).
    ComputeCapabilities,
    /// [`layer_precisions`](super::BuildOptions::layer_precisions) and
    /// [`constraints`](super::BuildOptions::constraints).
    LayerPrecisions,
}

impl WayOut {
    /// As the end of a message, which is nothing where the message itself says to leave something out.
    pub(super) fn behind_a_message(self) -> String {
        match self {
            Self::LeaveOut(_) => String::new(),
            Self::Precision(precisions) => {
                let names: Vec<&str> = precisions.iter().map(|it| it.in_words()).collect();
                format!("; use {}", names.join(" or "))
            }
            Self::Qdq => "; use a Q/DQ model".to_owned(),
            Self::OtherCalibration => "; have the ranges found without it".to_owned(),
            Self::RefitAny => "; allow a refit with any weights".to_owned(),
            Self::Elsewhere(words) => format!("; {words}"),
        }
    }
}

impl Precision {
    fn in_words(self) -> &'static str {
        match self {
            Self::Fp32 => "FP32",
            Self::Fp16 => "FP16",
            Self::Bf16 => "BF16",
            Self::Int8 => "INT8",
            Self::Int8Fp16 => "INT8 with FP16",
            Self::Best => "the fastest of all types",
        }
    }
}
