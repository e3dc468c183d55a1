//! The flags as they are typed: plain data, no work while parsing.

mod values;

use std::convert::Infallible;
use std::error::Error as _;
use std::ffi::OsStr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use calibrant_calibration::Target;
use calibrant_engine::{
    ComputeCapability, Constraints, HardwareCompatibilityLevel, Int8Via, LayerPrecision, PoolLimit,
    ProfilingVerbosity, ShapeRange, parse_compute_capability, parse_constraints,
    parse_hardware_compatibility, parse_layer_precision, parse_memory_pool,
    parse_profiling_verbosity, parse_size,
};
use calibrant_job::{DEFAULT_BATCH_SIZE, Precision};
use calibrant_locate::{Product, Source};
use calibrant_preprocess::{Color, DctScale, Filter, ResizeKind, Rounding, Scale, Size};
use clap::{Args, Parser, Subcommand};

use crate::cache::args::CacheCommand;
use crate::words;

pub(crate) use self::values::{
    DecodeArg, EngineArg, IoArg, LayoutArg, MethodArg, OnBadSampleArg, RefitArg, ScaleArg, TENSORRT,
};

/// The version, and the commit where there was a repository to build from.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("CALIBRANT_COMMIT"));

/// Post-training quantization for TensorRT.
#[derive(Debug, Parser)]
#[command(name = "calibrant", bin_name = "calibrant", version = VERSION, max_term_width = 100, after_help = EXAMPLES)]
#[command(arg_required_else_help = true, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) general: GeneralArgs,
}

const EXAMPLES: &str = "\
Examples:
  A classifier, its own preprocessing, the engine built by a fetched TensorRT-RTX:
    calibrant quantize --model resnet50.onnx --images photos/ --preset torchvision --tensorrt fetch --output out/

  A detector, 640x640 letterbox, table and cache only:
    calibrant calibrate --model yolo.onnx --images photos/ --preset ultralytics --output out/

  The same for a Jetson, whose TensorRT takes the float model and a cache of its own version:
    calibrant quantize --model yolo.onnx --images photos/ --preset ultralytics --for jetpack-6.1 --engine none --output out/

  A language model: one array per input, the first axis counts the samples:
    calibrant quantize --model bert.onnx --images tokens.npz --shapes ids:1x1,8x128,8x128 --output out/

  What a file says, and what this machine can do:
    calibrant inspect out/calibration.cache
    calibrant cache diff old.cache out/calibration.cache --above 1%
    calibrant doctor

Exit status:
  0 done   1 the job failed   2 wrong usage   3 a vendor library or a GPU is missing   130 interrupted";

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(crate) struct GeneralArgs {
    /// Print the result as JSON on standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress and no remarks on standard error.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole job: calibrate, write the Q/DQ model, build the engine, report.
    Quantize(Box<QuantizeArgs>),
    /// Find the ranges only: calibration statistics, table and TensorRT calibration cache.
    Calibrate(CalibrateArgs),
    /// Build a TensorRT plan from an ONNX model, as it is.
    Build(BuildArgs),
    /// Show what a network will see of a picture: its tensor, and the picture before normalisation.
    Preprocess(crate::preprocess::Args),
    /// Show a calibration table, statistics or cache, an ONNX model's quantization or a plan's layers.
    Inspect(InspectArgs),
    /// Compare, merge, convert and check calibration caches, tables and statistics, and translate them to Q/DQ models and back.
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Show which TensorRT libraries are found and what each can do here.
    Doctor(DoctorArgs),
}

#[derive(Debug, Args)]
pub(crate) struct QuantizeArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) samples: SampleArgs,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessArgs,
    #[command(flatten)]
    pub(crate) calibration: CalibrationArgs,
    /// Take the ranges from calibration statistics, a calibration table or a cache instead of running the model.
    ///
    /// The manifest must fit the model; of a cache, that of the table beside it.
    /// With --method the ranges of any method are computed from calibration.stats, named here or beside the table.
    #[arg(long, value_name = "FILE")]
    pub(crate) calibration_cache: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) precision: PrecisionArgs,
    /// Whether to build the engine.
    ///
    /// `auto` builds it when a library is found and otherwise says what was left out.
    #[arg(long, value_enum, default_value_t = EngineArg::Auto, help_heading = "Engine")]
    pub(crate) engine: EngineArg,
    #[command(flatten)]
    pub(crate) library: LibraryArgs,
    #[command(flatten)]
    pub(crate) build: BuilderArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) samples: SampleArgs,
    #[command(flatten)]
    pub(crate) preprocess: PreprocessArgs,
    #[command(flatten)]
    pub(crate) calibration: CalibrationArgs,
    #[command(flatten)]
    pub(crate) library: LibraryArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) library: LibraryArgs,
    #[command(flatten)]
    pub(crate) build: BuilderArgs,
    /// Where the plan goes; by default beside the model, with the extension `plan`, if there is none yet.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A calibration.json, a calibration.stats, a TensorRT calibration cache, an ONNX model, or a plan.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) library: LibraryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) library: LibraryArgs,
    #[command(flatten)]
    pub(crate) onnxruntime: OnnxRuntimeArgs,
    /// Calibrate and build a small network with the TensorRT found, and check all that happens on the way.
    ///
    /// What it prints can go into a bug report.
    #[arg(long)]
    pub(crate) self_test: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelArgs {
    /// The ONNX model.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Samples")]
pub(crate) struct SampleArgs {
    /// A folder of pictures, a list file, tar shards, COCO annotations, or tensors.
    ///
    /// A list file has one path a line, with a class behind it if you like, as ImageNet's val.txt.
    /// Tar shards are WebDataset's: an archive, a folder of them, or a quoted 'train-{000..009}.tar'.
    /// Of COCO's instances_*.json the pictures are looked for in the usual places around it.
    /// Tensors are an npz, a safetensors, an npy or a folder with an npy for each input, whose first axis counts the samples,
    /// or a folder of such files, each a sample or some; docs/datasets.md says what of an array a sample has.
    #[arg(long, value_name = "PATH")]
    pub(crate) images: Option<PathBuf>,
    /// Labels of the samples: a csv with the columns file and label, COCO's annotations (.json), or `folders`.
    ///
    /// Lists, shards and COCO annotations given as --images bring their own.
    /// The report counts the samples of each class and names the classes left without one.
    #[arg(long, value_name = "FILE|folders")]
    pub(crate) labels: Option<PathBuf>,
    /// Map tar shards and arrays into memory instead of reading them, for files that nobody else writes to.
    ///
    /// A file that is cut short meanwhile ends the process with a signal; without this flag it is an error.
    #[arg(long)]
    pub(crate) mmap: bool,
    /// Take the classes in turn, so that --limit keeps as many samples of each as there can be.
    #[arg(long)]
    pub(crate) stratify: bool,
    /// Use the first N samples (after --stride, --shuffle and --stratify).
    #[arg(long, value_name = "N", value_parser = words::at_least_one::<NonZeroUsize>)]
    pub(crate) limit: Option<NonZeroUsize>,
    /// Use every Nth sample.
    #[arg(long, value_name = "N", default_value = "1", value_parser = words::at_least_one::<NonZeroUsize>)]
    pub(crate) stride: NonZeroUsize,
    /// Shuffle the samples; the same seed gives the same order on every machine.
    #[arg(long, value_name = "SEED")]
    pub(crate) shuffle: Option<u64>,
    /// What to do with a sample that cannot be used; skipped ones are listed in the report.
    #[arg(long, value_enum, default_value_t = OnBadSampleArg::Fail)]
    pub(crate) on_bad_sample: OnBadSampleArg,
}

/// How a picture becomes a tensor: the steps of a preset or a file, then the changes to them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Preprocessing (a pixel x becomes (x * scale - mean) / std)")]
pub(crate) struct PreprocessArgs {
    /// The preprocessing the model was trained with; without a name the error lists them.
    #[arg(long, value_name = "NAME", conflicts_with = "preprocess")]
    pub(crate) preset: Option<String>,
    /// Preprocessing from a TOML file: a preset and changes to it, or steps as `calibrant preprocess --print` writes them.
    #[arg(long, value_name = "FILE")]
    pub(crate) preprocess: Option<PathBuf>,
    /// Width and height in pixels of the model's input, such as 224x224; what is resized before a crop follows in proportion.
    #[arg(long, value_name = "WxH")]
    pub(crate) size: Option<Size>,
    /// Replaces the geometric steps: none, stretch, shorter-crop or letterbox.
    #[arg(long, value_name = "GEOMETRY", value_parser = words::recipe_word::<ResizeKind>)]
    pub(crate) resize: Option<ResizeKind>,
    /// The filter of the resize step: OpenCV's cv2-linear, -area, -nearest, -cubic; Pillow's pil-bilinear,
    /// -bicubic, -lanczos, -box, -hamming, -nearest; torchvision's tv-bilinear, -bicubic, -lanczos
    /// for tensors; or fir-*, which equal no framework.
    #[arg(long, value_parser = words::recipe_word::<Filter>)]
    pub(crate) filter: Option<Filter>,
    /// Pixels of the shorter side of the resize step, before the crop.
    #[arg(long, value_name = "PIXELS")]
    pub(crate) shorter_side: Option<u32>,
    /// How a side that follows the picture's shape becomes a whole number: down, half-even, half-up or ceil.
    #[arg(long, value_parser = words::recipe_word::<Rounding>)]
    pub(crate) rounding: Option<Rounding>,
    /// The pixel value, 0 to 255, of the bars of the pad step.
    #[arg(long, value_name = "VALUE")]
    pub(crate) fill: Option<u8>,
    /// Decode JPEG smaller, faster and less exactly: 1/2, 1/4, 1/8, or draft, the smallest that is not below the size
    /// that it is resized to. The manifest records it; docs/preprocessing.md has the error.
    #[arg(long, value_name = "SCALE", value_parser = words::recipe_word::<DctScale>)]
    pub(crate) dct_scale: Option<DctScale>,
    /// The channels and their order: rgb, bgr or gray.
    #[arg(long, value_parser = words::recipe_word::<Color>)]
    pub(crate) color: Option<Color>,
    /// How pictures lie in the model's input, where its dimensions and what reads it leave that open: nchw (channels,
    /// height, width) or nhwc.
    #[arg(long, value_enum)]
    pub(crate) layout: Option<LayoutArg>,
    /// What a pixel of 0 to 255 is multiplied by; 1/255 divides, as the frameworks do.
    #[arg(long, value_name = "S")]
    pub(crate) scale: Option<Scale>,
    /// What is subtracted after scaling: one value, or one for each channel.
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) mean: Option<Vec<f64>>,
    /// What is divided by at the end: one value, or one for each channel.
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub(crate) std: Option<Vec<f64>>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Calibration")]
pub(crate) struct CalibrationArgs {
    /// How the range of a tensor is chosen [default: percentile:99.99, and entropy with --backend tensorrt].
    ///
    /// minmax, entropy, percentile:P, mse, or tensorrt-faithful, which repeats TensorRT's own entropy calibration;
    /// with --backend tensorrt one of its calibrators: entropy (IInt8EntropyCalibrator2), minmax, entropy-v1 or legacy.
    #[arg(long, value_parser = words::method)]
    pub(crate) method: Option<MethodArg>,
    /// What runs the model [default: auto].
    ///
    /// embedded is the built-in executor and onnxruntime Microsoft's ONNX Runtime, both on the CPU; tensorrt is the
    /// calibrators of TensorRT 8.5 to 10.16, on the GPU. auto takes embedded where it runs all that is needed, else
    /// onnxruntime where it is here, and says so; `calibrant doctor` lists what there is.
    #[arg(long)]
    pub(crate) backend: Option<String>,
    #[command(flatten)]
    pub(crate) onnxruntime: OnnxRuntimeArgs,
    /// With --backend tensorrt: calibrate even if the output folder has a calibration cache.
    #[arg(long)]
    pub(crate) recalibrate: bool,
    /// What decodes pictures and makes tensors of them.
    ///
    /// cuda uses nvJPEG, whose pixels are a little other than libjpeg-turbo's, and the calibration's manifest says so;
    /// cuda-exact gives the same tensors as cpu.
    #[arg(long, value_enum, default_value_t = DecodeArg::Cpu)]
    pub(crate) decode: DecodeArg,
    /// Samples in a batch of the calibration; the engine's batches are those of --shapes.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BATCH_SIZE, value_parser = words::at_least_one::<NonZeroUsize>)]
    pub(crate) batch_size: NonZeroUsize,
    /// Worker threads; by default one for each processor.
    #[arg(long, value_name = "N", value_parser = words::at_least_one::<NonZeroUsize>)]
    pub(crate) workers: Option<NonZeroUsize>,
    /// Memory that running the model may take, such as 4G; by default three quarters of what this process may have.
    ///
    /// Weights, statistics and activations of all workers count; a node that would go beyond it is an error before it
    /// runs. With --backend tensorrt the builder decides.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Precision")]
pub(crate) struct PrecisionArgs {
    /// The precision to bring the model to.
    ///
    /// Up to TensorRT 10.16 the builder is told, since 11 and for RTX types are written into the model; fp8 always is, and
    /// wants TensorRT 10 and a GPU of Ada's generation or later.
    /// int8 and fp8 leave the rest in fp32, int8+fp16 and fp8+fp16 in fp16; best is whatever the builder finds fastest,
    /// and int8+fp16 where the model says it.
    #[arg(long, value_name = "fp32|fp16|bf16|int8|fp8|int8+fp16|fp8+fp16|best", default_value = "int8", value_parser = words::precision)]
    pub(crate) precision: Precision,
    /// How int8 ranges reach the builder: cache, ranges (dynamic ranges) or qdq (Q/DQ nodes).
    ///
    /// By default cache up to TensorRT 10.16, and qdq since 11 and for RTX, which have nothing else.
    #[arg(long, value_name = "cache|ranges|qdq", value_parser = words::int8_via)]
    pub(crate) int8_via: Option<Int8Via>,
    /// The type of the model's inputs and outputs where the model says the types: fp32, or what its layers compute in.
    #[arg(long, value_enum, default_value_t = IoArg::Fp32)]
    pub(crate) io_precision: IoArg,
    /// The type of Q/DQ scales in a model whose other layers are half precision.
    #[arg(long, value_enum, default_value_t = ScaleArg::Fp32)]
    pub(crate) scale_precision: ScaleArg,
}

#[derive(Debug, Args)]
pub(crate) struct OnnxRuntimeArgs {
    /// `fetch` gets ONNX Runtime through pip, `none` does without; a path names the library or its folder [default: auto].
    ///
    /// With `auto` CALIBRANT_ONNXRUNTIME, which takes a path or `none`, the loader's path, Python environments and what was
    /// fetched are looked at.
    #[arg(long, value_name = "auto|fetch|none|PATH", value_parser = source)]
    onnxruntime: Option<Source>,
}

/// The place of a library that is not looked for.
pub(crate) const NONE: &str = "none";

impl OnnxRuntimeArgs {
    /// Where it is to come from; `None` where it is to be done without.
    pub(crate) fn source(&self) -> Option<Source> {
        match &self.onnxruntime {
            Some(Source::Path(path)) if path.as_os_str() == NONE => None,
            Some(source) => Some(source.clone()),
            None => {
                let named = std::env::var_os(Product::OnnxRuntime.variable());
                (named.as_deref() != Some(OsStr::new(NONE))).then_some(Source::Auto)
            }
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "TensorRT")]
pub(crate) struct LibraryArgs {
    /// `fetch` gets TensorRT-RTX through pip; a path names a library or its folder.
    ///
    /// With `auto` CALIBRANT_TENSORRT, the loader's path and Python environments are looked at.
    #[arg(long, value_name = "auto|fetch|PATH", default_value = "auto", value_parser = source)]
    pub(crate) tensorrt: Source,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Engine")]
pub(crate) struct BuilderArgs {
    /// A profile for dynamic shapes: `input:MIN,OPT,MAX`, such as
    /// `input:1x3x224x224,8x3x224x224,32x3x224x224`; repeat it for further inputs.
    ///
    /// `quantize` takes batches of 1 to 8, tuned for 8, where the model leaves the batch open, and the sides of the
    /// pictures that the preprocessing makes; any other open dimension has to be given. No other flag changes them.
    #[arg(long, value_name = "INPUT:MIN,OPT,MAX")]
    pub(crate) shapes: Vec<ShapeRange>,
    /// The builder's workspace, such as 512M; by default the library decides.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) workspace: Option<u64>,
    /// The builder's optimization level, 0 (fast build) to 5.
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=5))]
    pub(crate) optimization_level: Option<u8>,
    /// How much the plan tells about its layers.
    #[arg(long, value_name = "layer-names|none|detailed", value_parser = parse_profiling_verbosity)]
    pub(crate) profiling_verbosity: Option<ProfilingVerbosity>,
    /// A timing cache to read, use and write back.
    #[arg(long, value_name = "FILE")]
    pub(crate) timing_cache: Option<PathBuf>,
    /// The type of the layers whose name a regular expression fits: fp32, fp16, bf16 or int8; repeat it, the last counts.
    ///
    /// Up to TensorRT 10.16 the builder is told; since 11 and for RTX these layers get casts and no Q/DQ nodes.
    #[arg(long, value_name = "REGEX=TYPE", value_parser = layer_precision)]
    pub(crate) layer_precision: Vec<LayerPrecision>,
    /// What becomes of layer precisions that the builder cannot meet: obey fails, prefer falls back.
    #[arg(long, value_name = "obey|prefer", value_parser = parse_constraints)]
    pub(crate) precision_constraints: Option<Constraints>,
    /// FP32 layers do not round to TF32.
    #[arg(long)]
    pub(crate) no_tf32: bool,
    /// The shapes that TensorRT calibrates in, as --shapes spells them; by default the calibration's batch size.
    #[arg(long, value_name = "INPUT:MIN,OPT,MAX")]
    pub(crate) calibration_shapes: Vec<ShapeRange>,
    /// The limit of another memory pool, such as dla-sram:1M; repeat it for more.
    #[arg(long, value_name = "POOL:SIZE", value_parser = parse_memory_pool)]
    pub(crate) memory_pool: Vec<PoolLimit>,
    /// How often the builder times a kernel.
    #[arg(long, value_name = "N", value_parser = words::at_least_one::<NonZeroU32>)]
    pub(crate) timing_iterations: Option<NonZeroU32>,
    /// The threads that the builder uses.
    #[arg(long, value_name = "N", value_parser = words::at_least_one::<NonZeroU32>)]
    pub(crate) builder_threads: Option<NonZeroU32>,
    /// A plan that later versions of TensorRT run too.
    #[arg(long)]
    pub(crate) version_compatible: bool,
    /// Leave the lean runtime out of a version compatible plan.
    #[arg(long, requires = "version_compatible")]
    pub(crate) exclude_lean_runtime: bool,
    /// Other GPUs that the plan is to run on.
    #[arg(long, value_name = "none|ampere+|same-compute-capability", value_parser = parse_hardware_compatibility)]
    pub(crate) hardware_compatibility: Option<HardwareCompatibilityLevel>,
    /// A plan without the weights that a refit brings back.
    #[arg(long)]
    pub(crate) strip_plan: bool,
    /// A plan whose weights can be exchanged: for any others, or for the same.
    #[arg(long, value_enum)]
    pub(crate) refit: Option<RefitArg>,
    /// Weights may stay in host memory until a layer needs them.
    #[arg(long)]
    pub(crate) weight_streaming: bool,
    /// Allow kernels for weights of which two in four are zero.
    #[arg(long)]
    pub(crate) sparsity: bool,
    /// Build for this DLA core.
    #[arg(long, value_name = "N")]
    pub(crate) dla_core: Option<u8>,
    /// Layers that the DLA cannot run go to the GPU.
    #[arg(long, requires = "dla_core")]
    pub(crate) gpu_fallback: bool,
    /// A library with plugins that the model needs; repeat it for more.
    #[arg(long, value_name = "FILE")]
    pub(crate) plugin: Vec<PathBuf>,
    /// A GPU to build a TensorRT-RTX plan for, such as 8.9; repeat it for more. By default RTX's own set.
    #[arg(long, value_name = "CC", value_parser = parse_compute_capability)]
    pub(crate) compute_capability: Vec<ComputeCapability>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// The folder for the results; of what is in it only results of an earlier job are replaced.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// The TensorRT version in the calibration cache's header, such as 10.3.0 or 8601.
    ///
    /// By default that of --for, else that of the TensorRT found, else 10.16.1.
    #[arg(long, value_name = "VERSION", value_parser = words::cache_version, conflicts_with = "target")]
    pub(crate) cache_version: Option<u32>,
    /// Where the result goes, such as jetpack-6.1, deepstream-7.0, drive-os-6.0.7 or tensorrt-10.3.
    ///
    /// The calibration cache gets the version of its TensorRT, and where no engine is built here model.onnx is what that
    /// one takes: the float model up to TensorRT 10, Q/DQ nodes and casts since 11. docs/targets.md lists the targets.
    #[arg(long = "for", id = "target", value_name = "TARGET", value_parser = words::target)]
    pub(crate) target: Option<&'static Target>,
}

/// A type for some layers; what is wrong with a pattern is its parser's to say, and clap shows one message alone.
fn layer_precision(text: &str) -> Result<LayerPrecision, String> {
    parse_layer_precision(text).map_err(|error| match error.source() {
        Some(reason) => format!("{error}: {reason}"),
        None => error.to_string(),
    })
}

/// Any text names a source, so this cannot fail; clap wants to be told.
fn source(text: &str) -> Result<Source, Infallible> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_mean_may_start_with_a_minus() {
        let words = ["calibrant", "calibrate", "--model", "m", "--output", "o", "--mean", "-1,2,3"];
        let Command::Calibrate(args) = Cli::try_parse_from(words).unwrap().command else {
            panic!()
        };
        assert_eq!(args.preprocess.mean, Some(vec![-1.0, 2.0, 3.0]));
    }
}
