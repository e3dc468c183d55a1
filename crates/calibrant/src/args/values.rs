//! What flags take where it is one of a few words.

use std::fmt;
use std::str::FromStr;

use calibrant_calibration::{Method, ParseMethodError};
use calibrant_tensor::Layout;
use clap::ValueEnum;

/// The `--backend` that is no runtime but a build: TensorRT's own calibrators.
pub(crate) const TENSORRT: &str = "tensorrt";

/// A method of ours, or one that only TensorRT's calibrators have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MethodArg {
    Ours(Method),
    EntropyV1,
    Legacy,
}

impl FromStr for MethodArg {
    type Err = ParseMethodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "entropy-v1" => Ok(Self::EntropyV1),
            "legacy" => Ok(Self::Legacy),
            _ => text.parse().map(Self::Ours),
        }
    }
}

impl fmt::Display for MethodArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(method) => method.fmt(f),
            Self::EntropyV1 => f.write_str("entropy-v1"),
            Self::Legacy => f.write_str("legacy"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutArg {
    /// Channels, height, width.
    Nchw,
    /// Height, width, channels.
    Nhwc,
}

impl From<LayoutArg> for Layout {
    fn from(layout: LayoutArg) -> Self {
        match layout {
            LayoutArg::Nchw => Self::ChannelsFirst,
            LayoutArg::Nhwc => Self::ChannelsLast,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IoArg {
    /// As before, with casts behind the inputs and before the outputs.
    Fp32,
    /// The half type that the layers compute in.
    Model,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScaleArg {
    /// As calibrated.
    Fp32,
    /// Half, as the layers around them; some GPUs refuse it.
    Fp16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RefitArg {
    /// Any weights.
    Any,
    /// The weights it was built with, at no cost in speed.
    Identical,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    /// Build when a library is found.
    Auto,
    /// Do not build.
    None,
    /// Build, or fail with exit status 3.
    Require,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnBadSampleArg {
    /// The job fails and names it.
    Fail,
    /// It is left out, and listed in the report.
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecodeArg {
    /// The processor.
    Cpu,
    /// A GPU, with nvJPEG: its pixels are a little other than libjpeg-turbo's, and the manifest says so.
    Cuda,
    /// A GPU, with our own entropy decoder on the processor: the same tensors as `cpu`.
    CudaExact,
}

impl DecodeArg {
    /// As it is spelled.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::CudaExact => "cuda-exact",
        }
    }
}
