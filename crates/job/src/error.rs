//! What can stop a job.

use std::path::PathBuf;

use calibrant_calibration::{
    CacheError, CacheManifestError, Method, Stale, StatisticsError, TableError, Target,
};
use calibrant_cast::CastError;
use calibrant_dataset::{DatasetError, LabelError};
use calibrant_decode_cuda::OpenError;
use calibrant_engine::{BuildError, ShapeError, Unsupported, Version};
use calibrant_locate::LocateError;
use calibrant_onnx::ValidateError;
use calibrant_prefetch::StartError;
use calibrant_rewrite::RewriteError;
use calibrant_runtime::{LoadError, RunError};

use crate::fit::InputProblem;
use crate::given::Wanted;
use crate::guard::GuardError;
use crate::output::OutputError;
use crate::precision::Precision;
use crate::ultralytics::Ultralytics;

/// Why a job ended without its report.
///
/// What had been completed before stays in the output folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The job was asked to stop.
    #[error("interrupted; what is complete stays in the output folder")]
    Interrupted,
    /// The fields do not make a job.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The output folder cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A file that was named for a result cannot become it.
    #[error(transparent)]
    Guard(#[from] GuardError),
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
        /// Its path, as it was named.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
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
    /// The runtime does not take the model.
    #[error("the {runtime} backend does not take this model")]
    Load {
        /// The runtime's name.
        runtime: String,
        /// Why not.
        source: LoadError,
    },
    /// The threads that read and prepare the samples could not be started.
    #[error("the samples cannot be read")]
    Threads(#[from] StartError),
    /// Calibration failed.
    #[error("calibration failed")]
    Calibrate(#[from] RunError),
    /// The GPU that TensorRT calibrates on cannot be used.
    #[error("calibrating with TensorRT needs the GPU")]
    Cuda(#[from] calibrant_cuda::Error),
    /// The GPU that is to decode cannot be used.
    #[error("the pictures cannot be decoded on the GPU")]
    Decode(#[source] OpenError),
    /// TensorRT cannot be fed.
    #[error("TensorRT cannot be fed")]
    Feed(#[source] Box<calibrant_backend_tensorrt::FeedError>),
    /// TensorRT built an engine, and did not calibrate for it as it should have.
    #[error("{reason}; no engine and no cache are kept")]
    NotCalibrated {
        /// What happened.
        reason: String,
    },
    /// The output folder has a calibration cache that cannot be used.
    #[error("`{}` is in the way", file.display())]
    CacheInTheWay {
        /// The cache.
        file: PathBuf,
        /// Why it cannot be used.
        source: Box<CacheProblem>,
    },
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
    /// A file has no ranges by the method asked for.
    #[error("`{}` gives no such ranges", path.display())]
    Ranges {
        /// The table or statistics.
        path: PathBuf,
        /// Why not.
        source: TableError,
    },
    /// Calibration statistics cannot be read.
    #[error(transparent)]
    Statistics(#[from] StatisticsError),
    /// A table alone, where the statistics that it was made from are needed.
    #[error(
        "`{}` holds the ranges of {method} alone; {wanted} come from `{}`, which is not there: put it back, or calibrate again",
        table.display(), statistics.display()
    )]
    NoStatistics {
        /// Where it lies.
        table: PathBuf,
        /// The method that its ranges were found by.
        method: Method,
        /// Where the statistics would be.
        statistics: PathBuf,
        /// What they are needed for.
        wanted: Wanted,
    },
    /// Statistics beside a table that was made from others.
    #[error(
        "`{}` is of another calibration than `{}` beside it; put the one that was written with the table there, or calibrate again",
        statistics.display(), table.display()
    )]
    OtherStatistics {
        /// Where it lies.
        table: PathBuf,
        /// Where the statistics would lie.
        statistics: PathBuf,
    },
    /// A calibration cache cannot be made or read.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A calibration table was made from something else.
    #[error("`{}` does not belong to this job", file.display())]
    Stale {
        /// The table.
        file: PathBuf,
        /// In what it differs.
        source: Stale,
    },
    /// Ranges of another model.
    #[error("the model `{}` has not one of the tensors that there are ranges for, so they belong to another; calibrate anew", model.display())]
    OtherModel {
        /// The model's file.
        model: PathBuf,
    },
    /// What lies beside a calibration cache cannot be read, though it may say which model the cache belongs to.
    #[error("`{}` would say which model `{}` belongs to, and cannot be read; calibrate anew, or move it away to have only the tensor names checked", beside.display(), file.display())]
    Beside {
        /// The cache.
        file: PathBuf,
        /// The table or manifest beside it.
        beside: PathBuf,
        /// What is wrong with that.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The model cannot be rewritten.
    #[error("the model `{}` cannot be quantized", path.display())]
    Rewrite {
        /// The model's file.
        path: PathBuf,
        /// Why.
        source: RewriteError,
    },
    /// The model cannot be quantized.
    #[error("the model cannot be quantized")]
    Quantize(#[source] RewriteError),
    /// The model in memory cannot be encoded.
    #[error("the model cannot be encoded")]
    Encode(#[source] calibrant_onnx::Error),
    /// The model cannot be brought to half precision.
    #[error("the model `{}` cannot be cast", path.display())]
    Cast {
        /// The model's file.
        path: PathBuf,
        /// Why.
        source: CastError,
    },
    /// No library, though one is required.
    #[error(transparent)]
    Locate(LocateError),
    /// No profile can be made for the model's dynamic inputs.
    #[error("no engine can be built without shapes")]
    Shapes(#[from] ShapeError),
    /// The plan was not built.
    #[error("the engine was not built")]
    Build(#[from] BuildError),
}

/// Why a calibration cache that an earlier job left cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheProblem {
    /// Nothing says what it was made from.
    #[error("there is no `{}` beside it that says what it was made from", manifest.display())]
    NoManifest {
        /// The file that would.
        manifest: PathBuf,
    },
    /// What says what it was made from is unreadable.
    #[error(transparent)]
    Manifest(CacheManifestError),
    /// Somebody changed it.
    #[error("it is not what its manifest was written for: somebody changed it")]
    Changed,
    /// TensorRT would refuse it.
    #[error("its first line is `{found}`, and this TensorRT takes `{expected}`")]
    Header {
        /// The first line.
        found: String,
        /// What it would have to be.
        expected: String,
    },
    /// It was made from something else.
    #[error(transparent)]
    Stale(Stale),
}

/// Fields that do not make a job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A cache holds one method's ranges, and does not say which.
    #[error("`{}` is a TensorRT cache, whose ranges are chosen already", .0.display())]
    MethodOfCache(PathBuf),
    /// A cache holds ranges, and nothing that they were found from.
    #[error("`{}` is a TensorRT cache, which has no histograms; name the calibration.stats that it was made from", .0.display())]
    HistogramOfCache(PathBuf),
    /// A setting that this TensorRT does not have.
    #[error(transparent)]
    Unsupported(Unsupported),
    /// TensorRT's calibrators, and no TensorRT that has them.
    #[error(
        "TensorRT's calibrators work while an int8 engine is built, and this job builds none; they need an int8 precision and TensorRT 8.5 to 10.16"
    )]
    NothingToBuild,
    /// TensorRT's calibrators are for int8.
    #[error("TensorRT's calibrators are for int8 alone, and the job is for {0}")]
    CalibratorOfInt8(Precision),
    /// TensorRT's own way to choose ranges is for int8.
    #[error("tensorrt-faithful is TensorRT's calibrator for int8 and knows no {0}")]
    FaithfulOfInt8(&'static str),
    /// What is to take the model computes in the format in a later version, or never.
    #[error("{taker} does not compute in {format}{}", since.as_ref().map_or_else(String::new, |since| format!(", which came with {since}")))]
    NoSuchFormat {
        /// The library found, or the target.
        taker: String,
        /// The format.
        format: &'static str,
        /// The first version that does.
        since: Option<String>,
    },
    /// A GPU that does not compute in the format.
    #[error(
        "GPUs of compute capability {given} do not compute in {format}, those of {least} and above do"
    )]
    FormatOfGpu {
        /// The compute capability asked for.
        given: String,
        /// The format.
        format: &'static str,
        /// The least that has it.
        least: String,
    },
    /// Ranges of a calibration cache, for another format.
    #[error("`{}` has ranges for int8, and {format} wants others", file.display())]
    CacheOfInt8 {
        /// The cache.
        file: PathBuf,
        /// The format asked for.
        format: &'static str,
    },
    /// TensorRT does not calibrate a quantized model.
    #[error("the model is quantized already ({0}); TensorRT calibrates float models")]
    QuantizedAlready(String),
    /// A way for int8 ranges, and a precision without int8.
    #[error("a way for int8 ranges to the builder is named, and {0} has no such ranges")]
    NoInt8ToHandOver(Precision),
    /// A cache for a target that reads none.
    #[error("{0} takes int8 from the model with Q/DQ nodes alone")]
    TargetWithoutRanges(&'static Target),
    /// An engine is to be built for a target, by another TensorRT than it has.
    #[error("{target} runs no engine that {found} builds")]
    OtherTensorRt {
        /// Which one, with its TensorRT.
        target: &'static Target,
        /// The library found.
        found: Version,
    },
    /// Another way for the ranges than TensorRT's own calibration takes.
    #[error(
        "TensorRT's calibrators find the ranges where they are needed, and hand them to nobody"
    )]
    ViaOfTensorRts,
    /// A header for the cache that TensorRT itself writes.
    #[error("the calibration cache of TensorRT's calibrators is its own, of its own version")]
    HeaderOfTensorRts,
    /// A layer precision that fits nothing.
    #[error("no node's name fits the layer precision `{0}`")]
    NoSuchLayer(String),
    /// A layer asked to be int8 where Q/DQ nodes say what is.
    #[error(
        "the layer precision `{0}=int8` needs a builder that chooses types, as TensorRT up to 10.16; here Q/DQ nodes say what is int8"
    )]
    LayerInt8(String),
    /// Pictures, and no word on how they become tensors.
    #[error("pictures need their preprocessing named, because a wrong one gives wrong ranges")]
    NoPreprocessing,
    /// Pictures, no word on how they become tensors, and a model that says it.
    #[error(
        "pictures need their preprocessing named, and {says}, whose preprocessing is `{preset}`"
    )]
    PreprocessingOf {
        /// What the model says.
        says: Ultralytics,
        /// The preset that it is trained with.
        preset: &'static str,
    },
    /// A GPU is to decode what it cannot.
    #[error(transparent)]
    Decode(OpenError),
    /// Samples that TensorRT's calibrators cannot be given.
    #[error(
        "TensorRT's calibrators take samples of one shape, put together along the first axis of every input, and those for `{input}` are not"
    )]
    ShapesOfTensorRts {
        /// An input of which they are not.
        input: String,
    },
    /// Preprocessing for samples that are tensors already.
    #[error("`{}` holds tensors, which take no preprocessing", .0.display())]
    PreprocessingOfTensors(PathBuf),
}
