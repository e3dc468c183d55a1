//! From an ONNX model to a TensorRT plan; finds or fetches the library.
//!
//! Three questions, in the order in which a user meets them:
//!
//! * where is TensorRT? [`locate()`] looks for it, [`fetch()`] gets NVIDIA's TensorRT-RTX, [`survey()`] lists all there is;
//! * in which shapes will the model run? [`Profile`], read from `--shapes`, or [`suggest`]ed;
//! * what does TensorRT make of it? [`build()`] writes the plan and says what it went through.
//!
//! Nothing here knows calibration: an INT8 plan comes from a model that carries `QuantizeLinear` and
//! `DequantizeLinear`, an FP16 plan from one that carries FP16 tensors.
//! Works on Linux, x86-64 and aarch64; elsewhere it compiles, and opening a library is a typed error.

#![forbid(unsafe_code)]

mod build;
mod environment;
mod error;
mod event;
mod fetch;
mod hash;
mod locate;
mod options;
mod shapes;
mod survey;

pub use build::{BuildSummary, TensorSummary, build};
pub use calibrant_tensorrt::{
    ComputeCapability, Generation, ProfilingVerbosity, Severity, Version,
};
pub use environment::Environment;
pub use error::{BuildError, FetchError, LocateError, ProfileProblem, Tried};
pub use event::{Event, ParserMessage};
pub use fetch::{FetchEvent, Fetched, fetch};
pub use locate::{Found, Origin, Source, locate};
pub use options::{
    BuildOptions, OptionError, parse_compute_capability, parse_profiling_verbosity, parse_size,
};
pub use shapes::{BatchRange, Profile, ShapeError, ShapeRange, suggest};
pub use survey::{Abilities, Survey, Surveyed, survey};
