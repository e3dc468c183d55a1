//! Post-training quantization for TensorRT as one function: from an ONNX model and samples to ranges, a quantized model,
//! an engine and a report.
//!
//! [`run`] is the whole job: it reads and checks the model, runs it over the samples, writes the
//! calibration table and TensorRT's calibration cache, rewrites the model with Q/DQ nodes, has
//! TensorRT build the plan, and reports what happened. [`Config`] says every choice; nothing is
//! looked up on the way. [`Control`] says who follows it and what stops it.
//!
//! The parts are values, for those who want to swap one. What makes tensors of pictures is
//! [`Calibration::pictures`]: implement [`Preprocess`](calibrant_preprocess::Preprocess) for another
//! preprocessing (`examples/custom_preprocessor.rs`), or for a decoder of one's own under a preset's
//! arithmetic (`examples/custom_decoder.rs`). What runs the model is [`Calibration::backend`]: anything that
//! implements [`Runtime`](calibrant_runtime::Runtime). [`in_memory`] calibrates and quantizes without a file, and
//! [`files`] is the job's pipeline over files for a network of one's own.
//!
//! It knows no terminal and no flag: what an error says is what is wrong, and whoever offers the job to people adds how
//! they get out of it. The command line is the crate `calibrant`.

#![forbid(unsafe_code)]

mod run;

mod calibrate;
mod config;
mod control;
mod divide;
pub mod engine;
mod error;
pub mod files;
pub mod findings;
mod fit;
pub mod given;
pub mod guard;
pub mod in_memory;
mod memory;
mod model;
mod native;
mod output;
mod picture_input;
mod pictures;
mod precision;
pub mod provenance;
mod ranges;
mod report;
mod rewrite;
mod route;
mod shapes;
mod source;
mod suspects;
mod ultralytics;

pub use calibrant_engine::Int8Via;
pub use calibrate::load;
pub use config::{
    Backend, Calibration, Casts, Config, DEFAULT_BATCH_SIZE, DEFAULT_CACHE_VERSION,
    DEFAULT_ENGINE_BATCHES, DEFAULT_METHOD, Engine, EnginePolicy, Labelled, OnBadSample, Ranges,
    all_processors,
};
pub use control::{About, Cancel, Control, Event, Observer, Stage, Unobserved};
pub use error::{CacheProblem, ConfigError, Error};
pub use fit::InputProblem;
pub use memory::default_memory_bytes;
pub use model::LoadedModel;
pub use output::{
    CACHE, CACHE_MANIFEST, MODEL, MODEL_DATA, OutputError, PLAN, REPORT, ReportProblem, STATISTICS,
    TABLE,
};
pub use picture_input::{BatchAxis, NotAByte, PictureInput, PictureValues};
pub use pictures::Pictures;
pub use precision::{ParsePrecisionError, Precision};
pub use ranges::{Reused, reuse};
pub use report::{
    CalibrationReport, CopyReport, EngineReport, FileReport, Filled, ModelReport, NativeReport,
    NotRun, PROGRAM, PipelineReport, REPORT_SCHEMA_VERSION, Report, RunReport, SkippedSample,
    StageReport, StageTimes,
};
pub use rewrite::{note_inside, note_unranged};
pub use run::run;
pub use suspects::{Suspects, first_few};
pub use ultralytics::Ultralytics;
