//! What can stop a command.

use std::path::PathBuf;

use calibrant_calibration::{
    CacheError, MergeError, MergeStatisticsError, Method, StatisticsError,
};
use calibrant_engine::InspectError;
use calibrant_files::WriteError;
pub(crate) use calibrant_job::Error as JobError;
use calibrant_job::guard::GuardError;
use calibrant_job::{ConfigError, first_few};
use calibrant_preprocess::{ForeignError, PreprocessError, Preset, RecipeError};
use calibrant_rewrite::ScaleError;
use calibrant_runtime::RunError;

/// Why a command ended without its result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// What stops a job stops a command, too.
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Usage(#[from] UsageError),
    #[error("`{}` cannot be preprocessed", path.display())]
    Picture { path: PathBuf, source: PreprocessError },
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    MergeStatistics(#[from] MergeStatisticsError),
    #[error("`{}` has no tensor `{tensor}`; it has {}", path.display(), first_few(tensors))]
    NoSuchTensor {
        path: PathBuf,
        tensor: String,
        /// The names there are, those most like it first.
        tensors: Vec<String>,
    },
    #[error("`{}` cannot be told in a calibration cache", path.display())]
    Scales { path: PathBuf, source: ScaleError },
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error("`{}` is there already; name it with --output to have it replaced, or another file", .0.display())]
    Unnamed(PathBuf),
    #[error("cannot write to standard output")]
    Print(#[source] std::io::Error),
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl From<GuardError> for Error {
    fn from(error: GuardError) -> Self {
        Self::Job(error.into())
    }
}

impl From<StatisticsError> for Error {
    fn from(error: StatisticsError) -> Self {
        Self::Job(error.into())
    }
}

impl From<CacheError> for Error {
    fn from(error: CacheError) -> Self {
        Self::Job(error.into())
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Job(error.into())
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        Self::Job(error.into())
    }
}

/// Flags that do not make a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsageError {
    #[error("there is no backend `{name}`, but there are {}", known.join(", "))]
    NoBackend { name: String, known: Vec<String> },
    #[error(
        "--backend onnxruntime needs the library that `none` keeps away; name one with --onnxruntime PATH, or have it looked for with --onnxruntime auto"
    )]
    KeptAway,
    #[error(
        "quantizing needs ranges: give samples with --images, or ranges with --calibration-cache"
    )]
    NoSamples,
    #[error(
        "--images and --calibration-cache are two sources of ranges; leave --images out to use `{}`, or --calibration-cache to calibrate anew",
        .0.display()
    )]
    TwoSources(PathBuf),
    #[error("`{}` is neither calibration statistics nor a calibration table, nor a TensorRT calibration cache, nor an .onnx model, nor a plan", .0.display())]
    NothingToInspect(PathBuf),
    #[error("`{}` holds statistics and `{}` does not; merge statistics with each other, or write each as a cache first with `calibrant cache convert`", statistics.display(), other.display())]
    MergeOfKinds {
        statistics: PathBuf,
        /// A table or cache.
        other: PathBuf,
    },
    #[error("statistics are added up exactly, under no header and by no rule; leave {0} out")]
    MergeFlag(&'static str),
    #[error("the first line of `{}` is no header; say what it is to be with --version and --algorithm", .0.display())]
    NoHeader(PathBuf),
    #[error("there is no preset `{name}`{}; choose one of:\n{}", meant(*nearest), Preset::listing())]
    UnknownPreset {
        name: String,
        /// The preset that is most likely meant.
        nearest: Option<&'static str>,
    },
    #[error(
        "{0} is a calibrator of TensorRT's; use it with --backend tensorrt, or choose minmax, entropy, percentile:P or mse"
    )]
    MethodOfTensorRt(String),
    #[error(
        "TensorRT's calibrators are entropy, minmax, entropy-v1 and legacy; {0} needs --backend embedded"
    )]
    NotTensorRts(Method),
    #[error(transparent)]
    Recipe(RecipeError),
    #[error("`{}` is no preprocessing; `calibrant preprocess --preset NAME --print` writes one", file.display())]
    RecipeFile { file: PathBuf, source: RecipeError },
    #[error("`{}` cannot be taken as preprocessing", file.display())]
    Foreign { file: PathBuf, source: ForeignError },
    #[error(
        "--decode {0} makes tensors of pictures by a --preset or --preprocess of this program's; leave it out"
    )]
    DecodeWithoutRecipe(&'static str),
}

/// What is most likely meant, as a remark behind a word that is none.
pub(crate) fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}
