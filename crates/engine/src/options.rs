//! The settings of a build.

mod check;
mod spelling;
mod way_out;

use std::num::NonZeroU32;
use std::path::PathBuf;

use calibrant_tensorrt::{
    ComputeCapability, DataType, HardwareCompatibilityLevel, MemoryPoolType, ProfilingVerbosity,
    Severity,
};
use regex_lite::Regex;
use serde::Serialize;

use crate::shapes::Profile;

pub use self::check::Unsupported;
pub use self::spelling::{
    OptionError, numbered_compute_capabilities, parse_compute_capability, parse_constraints,
    parse_hardware_compatibility, parse_int8_via, parse_layer_precision, parse_memory_pool,
    parse_profiling_verbosity, parse_size,
};
pub use self::way_out::{Setting, WayOut};

/// The settings of a build. `None`, `false` and empty leave TensorRT's own default alone.
///
/// Not every TensorRT has every one of them: [`check`](Self::check) says so before any work is done.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildOptions {
    /// The types that layers may compute in; `None` for those that the model itself says. TensorRT 8 to 10 only: since
    /// 11, and in every RTX, the model says all of it.
    pub precision: Option<Precision>,
    /// What becomes of layers whose type was set, by the model or by [`layer_precisions`](Self::layer_precisions);
    /// `None` obeys where there are such.
    pub constraints: Option<Constraints>,
    /// The types of single layers; of several patterns that fit a layer, the last counts. TensorRT 8 to 10 only.
    pub layer_precisions: Vec<LayerPrecision>,
    /// Whether FP32 layers may round their inputs to TF32, as TensorRT lets them by default.
    pub tf32: Option<bool>,
    /// The shapes of dynamic inputs, one profile after the other; none for a model whose shapes are all fixed.
    pub profiles: Vec<Profile>,
    /// The shapes to calibrate in, by the usual shape of each range; `None` for those of the first profile.
    pub calibration_profile: Option<Profile>,
    /// The most scratch memory a layer may take, in bytes.
    pub workspace_bytes: Option<u64>,
    /// The limits of further memory pools.
    pub pools: Vec<PoolLimit>,
    /// How hard TensorRT searches, 0 to 5; its default is 3.
    pub optimization_level: Option<u8>,
    /// How often TensorRT times a kernel, to take the average.
    pub average_timing_iterations: Option<NonZeroU32>,
    /// The threads that TensorRT builds with.
    pub max_threads: Option<NonZeroU32>,
    /// How much the plan tells about its layers.
    pub profiling_verbosity: Option<ProfilingVerbosity>,
    /// A file that keeps kernel timings from build to build; read if it exists, written after a build. TensorRT-RTX has
    /// no use for one.
    pub timing_cache: Option<PathBuf>,
    /// Whether later versions of TensorRT are to run the plan, and what it brings along for that.
    pub version_compatible: Option<LeanRuntime>,
    /// Which other GPUs are to run the plan.
    pub hardware_compatibility: Option<HardwareCompatibilityLevel>,
    /// The GPUs a TensorRT-RTX plan is for; none for RTX's default set. Other products build for the GPU at hand.
    pub compute_capabilities: Vec<ComputeCapability>,
    /// Whether the plan is written without the weights that a refit brings back.
    pub strip_plan: bool,
    /// Whether the plan's weights can be exchanged.
    pub refit: Option<Refit>,
    /// Whether weights may stay in host memory and come to the GPU as layers need them.
    pub weight_streaming: bool,
    /// Whether kernels for weights of which two in four are zero may be chosen.
    pub sparse_weights: bool,
    /// The DLA to build for.
    pub dla: Option<Dla>,
    /// Libraries with plugins that the model needs; a version compatible plan carries them with it.
    pub plugins: Vec<PathBuf>,
    /// The least severe log message that becomes a [`BuildEvent::Log`](crate::BuildEvent::Log).
    pub log: Severity,
}

impl Default for BuildOptions {
    /// TensorRT's own defaults, and its warnings and errors as events.
    fn default() -> Self {
        Self {
            precision: None,
            constraints: None,
            layer_precisions: Vec::new(),
            tf32: None,
            profiles: Vec::new(),
            calibration_profile: None,
            workspace_bytes: None,
            pools: Vec::new(),
            optimization_level: None,
            average_timing_iterations: None,
            max_threads: None,
            profiling_verbosity: None,
            timing_cache: None,
            version_compatible: None,
            hardware_compatibility: None,
            compute_capabilities: Vec::new(),
            strip_plan: false,
            refit: None,
            weight_streaming: false,
            sparse_weights: false,
            dla: None,
            plugins: Vec::new(),
            log: Severity::Warning,
        }
    }
}

/// The types that the layers of a weakly typed network may compute in; TensorRT takes the fastest of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Precision {
    /// FP32 alone.
    #[serde(rename = "fp32")]
    Fp32,
    /// FP16 and FP32.
    #[serde(rename = "fp16")]
    Fp16,
    /// BF16 and FP32.
    #[serde(rename = "bf16")]
    Bf16,
    /// INT8 and FP32.
    #[serde(rename = "int8")]
    Int8,
    /// INT8, FP16 and FP32.
    #[serde(rename = "int8+fp16")]
    Int8Fp16,
    /// Whatever is fastest: INT8, FP16 and FP32. BF16 is not among them, because GPUs before Ampere refuse it.
    #[serde(rename = "best")]
    Best,
}

impl Precision {
    /// Whether layers may compute in INT8.
    pub fn has_int8(self) -> bool {
        matches!(self, Self::Int8 | Self::Int8Fp16 | Self::Best)
    }

    /// Whether layers may compute in FP16.
    pub fn has_fp16(self) -> bool {
        matches!(self, Self::Fp16 | Self::Int8Fp16 | Self::Best)
    }
}

/// What TensorRT makes of the types that were set for layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Constraints {
    /// The build fails where one cannot be met.
    Obey,
    /// TensorRT falls back to another type, and logs it.
    Prefer,
}

/// A type for the layers whose name a pattern fits, anywhere in it.
#[derive(Debug, Clone)]
pub struct LayerPrecision {
    /// Fits the names of the layers that are meant.
    pub pattern: Regex,
    /// The type: `Float`, `Half`, `Bf16` or `Int8`.
    pub precision: DataType,
}

impl LayerPrecision {
    /// A type for the layer of this name alone.
    pub fn exactly(name: &str, precision: DataType) -> Self {
        let pattern = Regex::new(&format!("^{}$", regex_lite::escape(name)));
        Self { pattern: pattern.expect("an escaped name is a pattern"), precision }
    }
}

impl PartialEq for LayerPrecision {
    fn eq(&self, other: &Self) -> bool {
        self.pattern.as_str() == other.pattern.as_str() && self.precision == other.precision
    }
}

/// The limit of a memory pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLimit {
    /// Which memory is limited.
    pub pool: MemoryPoolType,
    /// The limit.
    pub bytes: u64,
}

/// What a version compatible plan brings along to run in later versions of TensorRT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeanRuntime {
    /// The lean runtime.
    Included,
    /// Nothing; the application loads the lean runtime itself.
    Excluded,
}

/// Which weights a plan can be refitted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refit {
    /// Every weight can be replaced.
    Any,
    /// The same as those it was built with, so that no speed is lost: for plans written without their weights.
    Identical,
}

/// A deep learning accelerator, as Jetson and Drive machines have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dla {
    /// Which one.
    pub core: u8,
    /// Whether layers that it cannot run may run on the GPU.
    pub gpu_fallback: bool,
}
