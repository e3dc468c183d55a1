//! From an ONNX model to a TensorRT plan; finds or fetches the library.
//!
//! Three questions, in the order in which a user meets them:
//!
//! * where is TensorRT? [`locate()`] looks for it, [`fetch()`] gets NVIDIA's TensorRT-RTX, [`survey()`] lists all there is;
//! * in which shapes will the model run? [`Profile`], read from `--shapes`, or [`suggest`]ed;
//! * what does TensorRT make of it? [`build()`] writes the plan and says what it went through, [`inspect()`] reads one
//!   back.
//!
//! Nothing here finds ranges: an INT8 plan comes from a model that carries `QuantizeLinear` and `DequantizeLinear`, or,
//! up to TensorRT 10, from ranges that the caller has or that TensorRT calibrates itself ([`Int8`]).
//! Works on Linux, x86-64 and aarch64; elsewhere it compiles, and opening a library is a typed error.

#![forbid(unsafe_code)]

mod build;
mod environment;
mod error;
mod event;
mod fetch;
#[doc(hidden)]
pub mod fuzzing;
mod hash;
mod inspect;
mod int8;
mod locate;
mod options;
mod ranges;
mod shapes;
mod survey;

pub use build::{BuildSummary, LayerTypeSummary, TensorSummary, build, build_with};
pub use calibrant_tensorrt::{
    BoxError, CalibrationAlgoType, Calibrator, ComputeCapability, DataType, Generation,
    HardwareCompatibilityLevel, MemoryPoolType, ProfilingVerbosity, Severity, Version,
};
pub use environment::Environment;
pub use error::{BuildError, FetchError, LocateError, ProfileProblem, Tried};
pub use event::{Event, ParserMessage};
pub use fetch::{FetchEvent, Fetched, fetch};
pub use inspect::{
    InspectError, LayerError, PlanHeader, PlanInspection, PlanLayer, PlanTensor, inspect,
};
pub use int8::{Int8, Int8Summary, Int8Via, cache_algorithm};
pub use locate::{Found, Origin, Source, locate};
pub use options::{
    BuildOptions, Constraints, Dla, LayerPrecision, LeanRuntime, OptionError, PoolLimit, Precision,
    Refit, Unsupported, parse_algorithm, parse_compute_capability, parse_constraints,
    parse_hardware_compatibility, parse_int8_via, parse_layer_precision, parse_memory_pool,
    parse_precision, parse_profiling_verbosity, parse_size,
};
pub use ranges::{Completed, Coverage, Rule};
pub use shapes::{BatchRange, OpenInput, Profile, ShapeError, ShapeRange, Suggestion, suggest};
pub use survey::{Abilities, Survey, Surveyed, survey};
