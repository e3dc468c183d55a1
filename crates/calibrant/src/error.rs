//! What can stop a job.

use std::path::PathBuf;

use calibrant_backend_embedded::LoadError;
use calibrant_calibration::{BackendError, CacheError, MergeError, Stale, TableError, WriteError};
use calibrant_dataset::{DatasetError, LabelError};
use calibrant_engine::{BuildError, InspectError, LocateError, ShapeError};
use calibrant_onnx::ValidateError;
use calibrant_preprocess::{PreprocessError, Preset, RecipeError};
use calibrant_rewrite::{RewriteError, ScaleError};

use crate::model::InputProblem;
use crate::output::OutputError;

/// Why a job ended without its report.
///
/// What had been completed before stays in the output folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The job was asked to stop.
    #[error("interrupted; what is complete stays in the output folder")]
    Interrupted,
    /// The flags or fields do not make a job.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The output folder cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The model cannot be read or written.
    #[error("cannot use the model `{}`", path.display())]
    Model {
        /// The model's file.
        path: PathBuf,
        /// What is wrong with it.
        source: calibrant_onnx::Error,
    },
    /// A file's bytes cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A picture gives no tensor.
    #[error("`{}` cannot be preprocessed", path.display())]
    Picture {
        /// The picture.
        path: PathBuf,
        /// What is wrong with it.
        source: PreprocessError,
    },
    /// The model is malformed.
    #[error("the model `{}` is not valid ONNX", path.display())]
    Invalid {
        /// The model's file.
        path: PathBuf,
        /// Everything that is wrong.
        source: ValidateError,
    },
    /// The model's graph cannot be followed.
    #[error("cannot follow the graph of `{}`", path.display())]
    Graph {
        /// The model's file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The samples cannot be found.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The labels do not fit the samples.
    #[error("the labels cannot be used")]
    Labels(#[from] LabelError),
    /// Samples and model do not fit.
    #[error("the samples do not fit the model `{}`: {problem}", model.display())]
    Fit {
        /// The model's file.
        model: PathBuf,
        /// In what they do not fit.
        problem: InputProblem,
    },
    /// The backend does not take the model.
    #[error("the embedded backend does not take this model")]
    Load(#[from] LoadError),
    /// Calibration failed.
    #[error("calibration failed")]
    Calibrate(#[from] BackendError),
    /// Every sample was skipped.
    #[error("all {skipped} samples were skipped, the first, `{name}`, because: {reason}")]
    NothingLeft {
        /// How many there were.
        skipped: usize,
        /// The first one's name.
        name: String,
        /// Why it was skipped.
        reason: String,
    },
    /// A calibration table cannot be made or read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A calibration cache cannot be made or read.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Calibration caches cannot be merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A model's Q/DQ pairs cannot be told in a calibration cache.
    #[error("`{}` cannot be told in a calibration cache", path.display())]
    Scales {
        /// The model's file.
        path: PathBuf,
        /// Why.
        source: ScaleError,
    },
    /// A calibration table was made from something else.
    #[error("`{}` does not belong to this job", file.display())]
    Stale {
        /// The table.
        file: PathBuf,
        /// In what it differs.
        source: Stale,
    },
    /// The result cannot be printed.
    #[error("cannot write to standard output")]
    Print(#[source] std::io::Error),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The model cannot be rewritten.
    #[error("the model `{}` cannot be quantized", path.display())]
    Rewrite {
        /// The model's file.
        path: PathBuf,
        /// Why.
        source: RewriteError,
    },
    /// No TensorRT, though one is required.
    #[error(transparent)]
    Locate(LocateError),
    /// No profile can be made for the model's dynamic inputs.
    #[error("no default profile can be made for this model")]
    Shapes(#[from] ShapeError),
    /// The plan cannot be read back.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// The plan was not built.
    #[error("the engine was not built")]
    Build(#[from] BuildError),
}

/// Flags or fields that do not make a job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// No samples, though ranges are needed.
    #[error("int8 needs ranges: give samples with --images, or ranges with --calibration-cache")]
    NoSamples,
    /// Two sources of ranges.
    #[error(
        "--images and --calibration-cache are two sources of ranges; leave --images out to use `{}`, or --calibration-cache to calibrate anew",
        .0.display()
    )]
    TwoSources(PathBuf),
    /// None of the kinds of file that can be shown.
    #[error("`{}` is neither a calibration table, nor a TensorRT calibration cache, nor an .onnx model, nor a plan", .0.display())]
    NothingToInspect(PathBuf),
    /// A cache holds one method's ranges, and does not say which.
    #[error("`{}` is a TensorRT cache, whose ranges are chosen already; leave --method out", .0.display())]
    MethodOfCache(PathBuf),
    /// A cache whose first line says nothing that TensorRT knows.
    #[error("the first line of `{}` is no header; say what it is to be with --version and --algorithm", .0.display())]
    NoHeader(PathBuf),
    /// Pictures, and no word on how they become tensors.
    #[error(
        "pictures need their preprocessing named, because a wrong one gives wrong ranges; \
         choose with --preset NAME (or --preprocess FILE):\n{}",
        Preset::listing()
    )]
    NoPreset,
    /// The preprocessing contradicts itself.
    #[error(transparent)]
    Recipe(RecipeError),
    /// The preprocessing file is none.
    #[error("`{}` is no preprocessing", file.display())]
    RecipeFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: RecipeError,
    },
    /// Preprocessing for samples that are tensors already.
    #[error("`{}` holds tensors, which take no preprocessing; leave --preset and its fields out", .0.display())]
    PresetForTensors(PathBuf),
}
