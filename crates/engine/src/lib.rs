//! From an ONNX model to a TensorRT plan.
//!
//! Three questions, in the order in which a user meets them:
//!
//! * what can this TensorRT do? [`Abilities`];
//! * in which shapes will the model run? [`Profile`], [`given`](ShapeRange) or [`suggest`]ed;
//! * what does TensorRT make of it? [`build()`] writes the plan and says what it went through, [`inspect()`] reads one
//!   back.
//!
//! Nothing here finds a library, and nothing finds ranges: an INT8 plan comes from a model that carries `QuantizeLinear` and `DequantizeLinear`, or,
//! up to TensorRT 10, from ranges that the caller has or that TensorRT calibrates itself ([`Int8`]).
//! Works on Linux, x86-64 and aarch64; elsewhere it compiles, and opening a library is a typed error.

#![forbid(unsafe_code)]

mod abilities;
mod build;
mod error;
mod event;
#[doc(hidden)]
pub mod fuzzing;
mod inspect;
mod int8;
mod options;
mod ranges;
mod shapes;

pub use abilities::Abilities;
pub use build::{BuildSummary, Hint, LayerTypeSummary, TensorSummary, build, build_with};
pub use calibrant_tensorrt::{
    BoxError, Calibrator, ComputeCapability, DataType, Generation, HardwareCompatibilityLevel,
    Library, MemoryPoolType, Product, ProfilingVerbosity, Severity, Version,
};
pub use error::{BuildError, ProfileProblem};
pub use event::{BuildEvent, ParserMessage};
pub use inspect::{
    InspectError, LayerError, PlanHeader, PlanInspection, PlanLayer, PlanTensor, inspect,
};
pub use int8::{Int8, Int8Summary, Int8Via};
pub use options::{
    BuildOptions, Constraints, Dla, LayerPrecision, LeanRuntime, OptionError, PoolLimit, Precision,
    Refit, Setting, Unsupported, WayOut, numbered_compute_capabilities, parse_compute_capability,
    parse_constraints, parse_hardware_compatibility, parse_int8_via, parse_layer_precision,
    parse_memory_pool, parse_profiling_verbosity, parse_size,
};
pub use ranges::{Completed, Coverage, Rule};
pub use shapes::{BatchRange, OpenInput, Profile, ShapeError, ShapeRange, Suggestion, suggest};
