//! Post-training quantization for TensorRT: from an ONNX model and a folder of images to a
//! calibrated INT8 engine.
//!
//! [`run`] is the whole job: it reads and checks the model, runs it over the samples, writes the
//! calibration table and TensorRT's calibration cache, rewrites the model with Q/DQ nodes, has
//! TensorRT build the plan, and reports what happened. [`Config`] says every choice; nothing is
//! looked up on the way.
//!
//! The parts are crates of their own for those who want to swap one: implement
//! [`Preprocess`](calibrant_preprocess::Preprocess) for another preprocessing and hand it over in
//! [`Calibration::preprocess`]; see `examples/custom_preprocessor.rs`, and
//! `examples/custom_decoder.rs` for a decoder of one's own under a preset's arithmetic.
//!
//! What runs the model is a value as well: implement [`Runtime`](calibrant_runtime::Runtime) and
//! hand it over in [`Calibration::backend`], or to [`cli::main_with`] for a command line that has it;
//! see `examples/own_runtime.rs`. [`in_memory`] calibrates and quantizes without a file, and
//! [`files`] is the job's pipeline over files for a network of one's own.
//!
//! The command line lives here too ([`cli`]), so that the `calibrant` binary and `cargo xtask` are
//! the same program.

mod run;

mod calibrate;
mod decode;
mod engine;
pub mod files;
mod findings;
mod fit;
mod given;
mod guard;
pub mod in_memory;
mod memory;
mod model;
mod native;
mod output;
mod precision;
mod provenance;
mod ranges;
mod rewrite;
mod route;
mod runtimes;
mod shapes;
mod source;
mod suspects;

mod config;
mod error;
mod observe;
mod printable;
mod report;

pub mod cli;

pub use calibrant_engine::Int8Via;
pub use config::{
    Backend, Calibration, Casts, Config, DEFAULT_BATCH_SIZE, DEFAULT_CACHE_VERSION,
    DEFAULT_ENGINE_BATCHES, DEFAULT_METHOD, Decode, Engine, EnginePolicy, OnBadSample, Ranges,
};
pub use error::{CacheProblem, Error, UsageError};
pub use fit::InputProblem;
pub use given::Wanted;
pub use guard::{GuardError, Role};
pub use memory::default_memory_bytes;
pub use observe::{Event, Observer, Stage, Unobserved};
pub use output::{
    CACHE, CACHE_MANIFEST, MODEL, MODEL_DATA, OutputError, PLAN, REPORT, ReportProblem, STATISTICS,
    TABLE,
};
pub use precision::{ParsePrecisionError, Precision};
pub use report::{
    CalibrationReport, CopyReport, EngineReport, FileReport, ModelReport, NativeReport,
    PipelineReport, REPORT_SCHEMA_VERSION, Report, RunReport, SkippedSample, StageReport,
    StageTimes,
};
pub use run::run;
pub use runtimes::{built_in, default_runtime};
pub use suspects::Suspects;
