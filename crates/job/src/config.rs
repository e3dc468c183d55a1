//! What a job is: every choice made, nothing left to look up.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use calibrant_calibration::{Algorithm, Method, Percentile, Target};
use calibrant_cast::{IoPrecision, ScalePrecision};
use calibrant_dataset::{FilesStay, Subset};
use calibrant_engine::{BatchRange, BuildOptions, Int8Via};
use calibrant_locate::Source;
use calibrant_preprocess::Preprocess;
use calibrant_runtime::Runtime;
use calibrant_tensor::Layout;
use serde::Serialize;

use crate::memory::default_memory_bytes;
use crate::pictures::Pictures;
use crate::precision::Precision;

/// The method when nothing names another.
///
/// `docs/benchmarks.md` holds the measurements that chose it.
pub const DEFAULT_METHOD: Method = Method::Percentile(Percentile::P99_99);

/// Samples in a batch when nothing says otherwise.
pub const DEFAULT_BATCH_SIZE: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// The batches that an engine is built for where the model leaves them open and no profile says others.
pub const DEFAULT_ENGINE_BATCHES: BatchRange = BatchRange { min: 1, opt: 8, max: 8 };

/// The TensorRT version in a calibration cache's header when no library says otherwise: 10.16.1.
pub const DEFAULT_CACHE_VERSION: u32 = 101_601;

/// One whole job, for [`run`](crate::run): made by [`Config::new`], changed field by field.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The ONNX model.
    pub model: PathBuf,
    /// Where the ranges come from; not looked at when `precision` needs none.
    pub ranges: Ranges,
    /// What to bring the model to: up to TensorRT 10.16 by the builder's flags where it has them, else, since 11 and in
    /// TensorRT-RTX by casts and Q/DQ nodes in the model.
    pub precision: Precision,
    /// How int8 ranges reach the builder; `None` takes what suits the TensorRT found.
    pub int8_via: Option<Int8Via>,
    /// Where half precision ends, when it is written into the model.
    pub casts: Casts,
    /// How far to go, and with which TensorRT.
    pub engine: Engine,
    /// The version in the calibration cache's header; `None` takes that of the library found, else
    /// [`DEFAULT_CACHE_VERSION`].
    pub cache_version: Option<u32>,
    /// Where the result goes: decides the version in the calibration cache's header, and what `model.onnx` is where no
    /// engine is built; `None` leaves both to the library found.
    pub target: Option<&'static Target>,
    /// The folder for the results; made when missing.
    pub output: PathBuf,
}

impl Config {
    /// What is done when nothing says otherwise: int8, and an engine when a TensorRT is found.
    pub fn new(
        model: impl Into<PathBuf>,
        ranges: impl Into<Ranges>,
        output: impl Into<PathBuf>,
    ) -> Self {
        Self {
            model: model.into(),
            ranges: ranges.into(),
            precision: Precision::INT8,
            int8_via: None,
            casts: Casts::default(),
            engine: Engine::default(),
            cache_version: None,
            target: None,
            output: output.into(),
        }
    }

    /// Whether TensorRT builds an engine, to keep it or to calibrate on the way.
    pub(crate) fn builds(&self) -> bool {
        match self.engine.policy {
            EnginePolicy::Auto | EnginePolicy::Require => true,
            EnginePolicy::CalibrateOnly => self.is_calibrated_by_tensorrt(),
            EnginePolicy::Skip => false,
        }
    }

    /// Whether TensorRT is to find the ranges itself.
    pub(crate) fn is_calibrated_by_tensorrt(&self) -> bool {
        let Ranges::Calibrate(calibration) = &self.ranges else { return false };
        matches!(calibration.backend, Backend::TensorRt { .. })
    }
}

/// Where ranges come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Ranges {
    /// The model is run over samples.
    Calibrate(Box<Calibration>),
    /// Calibration statistics or a calibration table (checked by their manifest) or a TensorRT calibration cache are read.
    Reuse {
        /// `calibration.stats`, `calibration.json` or a TensorRT cache.
        file: PathBuf,
        /// The method of the ranges; `None` takes a table's own, and of statistics [`DEFAULT_METHOD`].
        method: Option<Method>,
    },
    /// There are none: the model stays as it is.
    None,
}

impl From<Calibration> for Ranges {
    fn from(calibration: Calibration) -> Self {
        Self::Calibrate(Box::new(calibration))
    }
}

/// How the model is run over samples: made by [`Calibration::new`] or [`Calibration::of_pictures`], changed field by
/// field.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Calibration {
    /// A folder, a list file, or tensors.
    pub samples: PathBuf,
    /// Where the labels are, when the report is to count classes.
    pub labels: Option<Labelled>,
    /// Has shards and arrays looked at in the memory map instead of being read, on somebody's promise that they stay.
    pub files_stay: Option<FilesStay>,
    /// Which of the samples are used.
    pub subset: Subset,
    /// What a sample that cannot be used does to the job.
    pub on_bad_sample: OnBadSample,
    /// What makes tensors of pictures; `None` where the samples are tensors.
    pub pictures: Option<Pictures>,
    /// Where the channels of pictures are in the model's input, where the model does not say it.
    pub layout: Option<Layout>,
    /// What runs the model, and how it chooses a tensor's range.
    pub backend: Backend,
    /// Samples in a batch.
    pub batch_size: NonZeroUsize,
    /// Worker threads of each stage.
    pub workers: NonZeroUsize,
    /// Memory that running the model may take for weights, statistics and activations, all workers together.
    pub memory_bytes: u64,
}

impl Calibration {
    /// What is done when nothing says otherwise, with samples that are tensors: all of them, in batches of
    /// [`DEFAULT_BATCH_SIZE`], on all processors, in [`default_memory_bytes`] of memory; a bad one fails the job.
    pub fn new(samples: impl Into<PathBuf>, backend: Backend) -> Self {
        Self {
            samples: samples.into(),
            labels: None,
            files_stay: None,
            subset: Subset::ALL,
            on_bad_sample: OnBadSample::Fail,
            pictures: None,
            layout: None,
            backend,
            batch_size: DEFAULT_BATCH_SIZE,
            workers: all_processors(),
            memory_bytes: default_memory_bytes(),
        }
    }

    /// As [`new`](Self::new), with samples that are pictures.
    pub fn of_pictures(
        samples: impl Into<PathBuf>,
        preprocess: Arc<dyn Preprocess>,
        backend: Backend,
    ) -> Self {
        Self { pictures: Some(Pictures::Host(preprocess)), ..Self::new(samples, backend) }
    }
}

/// A worker for each processor that this process may use.
#[must_use]
pub fn all_processors() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Where the classes of the samples stand.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Labelled {
    /// Each sample's folder is its class.
    ByFolder,
    /// A file of labels.
    ByFile(PathBuf),
}

/// How far to go, and with which TensorRT; by default an engine is built where a library is found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Engine {
    /// Whether a plan is built.
    pub policy: EnginePolicy,
    /// Where the library comes from.
    pub library: Source,
    /// What the builder is told; an empty list of profiles is filled for dynamic inputs.
    pub options: BuildOptions,
    /// Channels, height and width of the pictures that the engine will be fed, for a model that leaves them open; `None`
    /// takes them from the calibration's preprocessing, or from the manifest beside reused ranges.
    pub picture: Option<[usize; 3]>,
    /// Where their channels are in the model's input, where the model does not say it.
    pub layout: Option<Layout>,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            policy: EnginePolicy::Auto,
            library: Source::Auto,
            options: BuildOptions::default(),
            picture: None,
            layout: None,
        }
    }
}

/// Whether a plan is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnginePolicy {
    /// Stop after the calibration table and cache.
    CalibrateOnly,
    /// Stop after the rewritten model.
    Skip,
    /// Build when a library is found; otherwise the report says what was left out.
    Auto,
    /// Build, or fail.
    Require,
}

/// Where half precision ends, when it is written into the model; by default inputs, outputs and scales stay float32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Casts {
    /// The type of the model's float inputs and outputs.
    pub io: IoPrecision,
    /// The type of the scales of a quantized model.
    pub scales: ScalePrecision,
}

impl Default for Casts {
    fn default() -> Self {
        Self { io: IoPrecision::Fp32, scales: ScalePrecision::Fp32 }
    }
}

/// What a sample that cannot be used does to the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnBadSample {
    /// The job fails and names it.
    Fail,
    /// It is left out, and listed in the report.
    Skip,
}

/// What runs the model for calibration, and how it chooses ranges.
#[derive(Clone)]
#[non_exhaustive]
pub enum Backend {
    /// A runtime, whichever it is.
    Runtime {
        /// What runs the model.
        runtime: Arc<dyn Runtime>,
        /// How a tensor's range is chosen from its statistics.
        method: Method,
    },
    /// TensorRT's own builder, which calls for batches; TensorRT up to 10.16.
    #[doc(alias = "IInt8Calibrator")]
    TensorRt {
        /// Which of its calibrators.
        algorithm: Algorithm,
        /// Whether a cache that an earlier job left in the output folder is replaced, whatever it was made from.
        recalibrate: bool,
    },
}

impl Backend {
    /// A runtime, with [`DEFAULT_METHOD`].
    pub fn of(runtime: Arc<dyn Runtime>) -> Self {
        Self::Runtime { runtime, method: DEFAULT_METHOD }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime { runtime, method } => f
                .debug_struct("Runtime")
                .field("runtime", &runtime.name())
                .field("method", method)
                .finish(),
            Self::TensorRt { algorithm, recalibrate } => f
                .debug_struct("TensorRt")
                .field("algorithm", algorithm)
                .field("recalibrate", recalibrate)
                .finish(),
        }
    }
}
