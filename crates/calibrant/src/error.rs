//! What can stop a job.

use std::path::PathBuf;

use calibrant_calibration::{
    CacheError, CacheManifestError, MergeError, MergeStatisticsError, Method, Stale,
    StatisticsError, TableError, Target,
};
use calibrant_cast::CastError;
use calibrant_dataset::{DatasetError, LabelError};
use calibrant_decode_cuda::OpenError;
use calibrant_engine::{BuildError, InspectError, ShapeError, Unsupported, Version};
use calibrant_files::WriteError;
use calibrant_locate::LocateError;
use calibrant_onnx::ValidateError;
use calibrant_prefetch::StartError;
use calibrant_preprocess::{PreprocessError, Preset, RecipeError};
use calibrant_rewrite::{RewriteError, ScaleError};
use calibrant_runtime::{LoadError, RunError};

use crate::config::Decode;
use crate::fit::InputProblem;
use crate::given::Wanted;
use crate::guard::GuardError;
use crate::output::OutputError;
use crate::precision::Precision;
use crate::suspects::first_few;

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
    /// The runtime does not take the model.
    #[error("the {runtime} backend does not take this model{}", without_it(source))]
    Load {
        /// The runtime's name.
        runtime: String,
        /// Why not.
        source: LoadError,
    },
    /// The threads that read and prepare the samples could not be started.
    #[error("the samples cannot be read; --workers says how many threads do it")]
    Threads(#[from] StartError),
    /// Calibration failed.
    #[error("calibration failed")]
    Calibrate(#[from] RunError),
    /// The GPU that TensorRT calibrates on cannot be used.
    #[error("calibrating with TensorRT needs the GPU")]
    Cuda(#[from] calibrant_cuda::Error),
    /// The GPU that is to decode cannot be used.
    #[error("--decode {decode} needs the GPU")]
    Decode {
        /// What was asked for.
        decode: Decode,
        /// What is missing.
        source: OpenError,
    },
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
    #[error("`{}` is in the way; --recalibrate replaces it, another --output leaves it", file.display())]
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
    /// Calibration statistics cannot be merged.
    #[error(transparent)]
    MergeStatistics(#[from] MergeStatisticsError),
    /// A tensor that is not there.
    #[error("`{}` has no tensor `{tensor}`; it has {}", path.display(), first_few(tensors))]
    NoSuchTensor {
        /// The file.
        path: PathBuf,
        /// The name as given.
        tensor: String,
        /// The names there are, those most like it first.
        tensors: Vec<String>,
    },
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
    /// The result cannot be printed.
    #[error("cannot write to standard output")]
    Print(#[source] std::io::Error),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The model cannot be rewritten.
    #[error("the model `{}` cannot be quantized{}", path.display(), way_round(source))]
    Rewrite {
        /// The model's file.
        path: PathBuf,
        /// Why.
        source: RewriteError,
    },
    /// The model in memory cannot be quantized.
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
    /// No TensorRT, though one is required.
    #[error(transparent)]
    Locate(LocateError),
    /// No profile can be made for the model's dynamic inputs.
    #[error("no engine can be built without --shapes; --engine none stops before it")]
    Shapes(#[from] ShapeError),
    /// The plan cannot be read back.
    #[error(transparent)]
    Inspect(#[from] InspectError),
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

/// Flags or fields that do not make a job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// There is no such backend.
    #[error("there is no backend `{name}`, but there are {}", known.join(", "))]
    NoBackend {
        /// As it was given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// No samples, though ranges are needed.
    #[error(
        "quantizing needs ranges: give samples with --images, or ranges with --calibration-cache"
    )]
    NoSamples,
    /// Two sources of ranges.
    #[error(
        "--images and --calibration-cache are two sources of ranges; leave --images out to use `{}`, or --calibration-cache to calibrate anew",
        .0.display()
    )]
    TwoSources(PathBuf),
    /// None of the kinds of file that can be shown.
    #[error("`{}` is neither calibration statistics nor a calibration table, nor a TensorRT calibration cache, nor an .onnx model, nor a plan", .0.display())]
    NothingToInspect(PathBuf),
    /// A cache holds one method's ranges, and does not say which.
    #[error("`{}` is a TensorRT cache, whose ranges are chosen already; leave --method out", .0.display())]
    MethodOfCache(PathBuf),
    /// A cache holds ranges, and nothing that they were found from.
    #[error("`{}` is a TensorRT cache, which has no histograms; name the calibration.stats that it was made from", .0.display())]
    HistogramOfCache(PathBuf),
    /// Statistics are merged with each other only.
    #[error("`{}` holds statistics and `{}` does not; merge statistics with each other, or write each as a cache first with `calibrant cache convert`", statistics.display(), other.display())]
    MergeOfKinds {
        /// A file of statistics.
        statistics: PathBuf,
        /// A table or cache.
        other: PathBuf,
    },
    /// A flag that says how caches are merged.
    #[error("statistics are added up exactly, under no header and by no rule; leave {0} out")]
    MergeFlag(&'static str),
    /// A cache whose first line says nothing that TensorRT knows.
    #[error("the first line of `{}` is no header; say what it is to be with --version and --algorithm", .0.display())]
    NoHeader(PathBuf),
    /// A setting that this TensorRT does not have.
    #[error(transparent)]
    Unsupported(Unsupported),
    /// TensorRT's calibrators, and no TensorRT that has them.
    #[error(
        "--backend tensorrt calibrates while it builds an int8 engine; it needs an int8 --precision and TensorRT 8.5 to 10.16"
    )]
    NothingToBuild,
    /// TensorRT's calibrators are for int8.
    #[error(
        "--backend tensorrt has TensorRT calibrate for int8, which is all that its calibrators do; leave it out for --precision {0}"
    )]
    CalibratorOfInt8(Precision),
    /// TensorRT's own way to choose ranges is for int8.
    #[error(
        "tensorrt-faithful is TensorRT's calibrator for int8 and knows no {0}; choose another --method"
    )]
    FaithfulOfInt8(&'static str),
    /// What is to take the model computes in the format in a later version, or never.
    #[error("{taker} does not compute in {format}{}; choose --precision int8", since.as_ref().map_or_else(String::new, |since| format!(", which came with {since}")))]
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
        "GPUs of compute capability {given} do not compute in {format}, those of {least} and above do; leave --compute-capability {given} out, or choose --precision int8"
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
    #[error(
        "`{}` has ranges for int8, and {format} wants others; name calibration.stats with --calibration-cache, or calibrate again",
        file.display()
    )]
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
    #[error(
        "--int8-via says how int8 ranges reach the builder, and --precision {} has none; leave --int8-via out, or choose --precision int8 or int8+fp16",
        .0
    )]
    NoInt8ToHandOver(Precision),
    /// A cache for a target that reads none.
    #[error("{0} takes int8 from the model with Q/DQ nodes alone; leave --int8-via out")]
    TargetWithoutRanges(&'static Target),
    /// An engine is to be built for a target, by another TensorRT than it has.
    #[error(
        "{target} runs no engine that {found} builds; name its library with --tensorrt PATH, or leave the engine to it with --engine none"
    )]
    OtherTensorRt {
        /// Which one, with its TensorRT.
        target: &'static Target,
        /// The library found.
        found: Version,
    },
    /// Another way for the ranges than TensorRT's own calibration takes.
    #[error(
        "--backend tensorrt finds the ranges where they are needed; leave --int8-via out, or --backend tensorrt"
    )]
    ViaOfTensorRts,
    /// No preset has the name.
    #[error("there is no preset `{name}`{}; choose one of:\n{}", meant(*nearest), Preset::listing())]
    UnknownPreset {
        /// The name as given.
        name: String,
        /// The preset that is most likely meant.
        nearest: Option<&'static str>,
    },
    /// A header for the cache that TensorRT itself writes.
    #[error(
        "with --backend tensorrt the calibration cache is TensorRT's own, of its own version; leave --cache-version and --for out, and put another header over it with `calibrant cache convert`"
    )]
    HeaderOfTensorRts,
    /// A layer precision that fits nothing.
    #[error("no node's name fits --layer-precision `{0}`")]
    NoSuchLayer(String),
    /// A layer asked to be int8 where Q/DQ nodes say what is.
    #[error(
        "--layer-precision `{0}=int8` needs a builder that chooses types, as TensorRT up to 10.16; here Q/DQ nodes say what is int8"
    )]
    LayerInt8(String),
    /// A method that only TensorRT's own calibrators have.
    #[error(
        "{0} is a calibrator of TensorRT's; use it with --backend tensorrt, or choose minmax, entropy, percentile:P or mse"
    )]
    MethodOfTensorRt(String),
    /// A method that TensorRT's calibrators do not have.
    #[error(
        "TensorRT's calibrators are entropy, minmax, entropy-v1 and legacy; {0} needs --backend embedded"
    )]
    NotTensorRts(Method),
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
    #[error("`{}` is no preprocessing; `calibrant preprocess --preset NAME --print` writes one", file.display())]
    RecipeFile {
        /// Where it lies.
        file: PathBuf,
        /// What is wrong with it.
        source: RecipeError,
    },
    /// A GPU is to decode what it cannot.
    #[error(transparent)]
    Decode(OpenError),
    /// A GPU is to decode, and there is no recipe that it could follow.
    #[error(
        "--decode {0} makes tensors of pictures by a --preset or --preprocess of this program's; leave it out"
    )]
    DecodeWithoutRecipe(Decode),
    /// Preprocessing for samples that are tensors already.
    #[error("`{}` holds tensors, which take no preprocessing; leave --preset and its fields out", .0.display())]
    PresetForTensors(PathBuf),
}

/// What is most likely meant, as a remark behind a word that is none.
pub(crate) fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

/// The ways that do without the runtime.
fn without_it(error: &LoadError) -> &'static str {
    match error {
        LoadError::Unsupported { .. } | LoadError::Node { .. } => {
            "; --backend tensorrt has TensorRT 8.5 to 10.16 run it instead, and `calibrant quantize --precision fp16` runs nothing"
        }
        _ => "",
    }
}

/// The way round what cannot be quantized, where there is one.
fn way_round(error: &RewriteError) -> String {
    let in_float = |layers: &[String]| {
        let flags: Vec<String> = layers
            .iter()
            .map(|layer| format!("--layer-precision '^{}$=fp32'", regex_lite::escape(layer)))
            .collect();
        format!("; `calibrant quantize {}` leaves in float what is at fault", flags.join(" "))
    };
    match error {
        RewriteError::AlreadyQuantized { .. } => {
            "; `calibrant build` builds it as it is".to_owned()
        }
        RewriteError::NonFiniteWeight { layer, .. } => in_float(std::slice::from_ref(layer)),
        _ => String::new(),
    }
}
