//! The flags as they are typed: plain data, no work while parsing.

use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use calibrant_calibration::Method;
use calibrant_engine::{
    ComputeCapability, ProfilingVerbosity, ShapeRange, Source, parse_compute_capability,
    parse_profiling_verbosity, parse_size,
};
use calibrant_preprocess::{Color, Filter, ResizeKind, Scale, Size};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::cache::args::CacheCommand;
use crate::config::{BackendKind, DEFAULT_BATCH_SIZE, OnBadSample, Precision};

/// Post-training quantization for TensorRT.
#[derive(Debug, Parser)]
#[command(name = "calibrant", bin_name = "calibrant", version, max_term_width = 100, after_help = EXAMPLES)]
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

  A language model: one array per input, the first axis counts the samples:
    calibrant quantize --model bert.onnx --images tokens.npz --output out/

  What a file says, and what this machine can do:
    calibrant inspect out/calibration.cache
    calibrant cache diff old.cache out/calibration.cache --above 1%
    calibrant doctor

Exit status:
  0 done   1 the job failed   2 wrong usage   3 a vendor library is missing   130 interrupted";

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
    Quantize(QuantizeArgs),
    /// Find the ranges only: calibration table and TensorRT calibration cache.
    Calibrate(CalibrateArgs),
    /// Build a TensorRT plan from an ONNX model, as it is.
    Build(BuildArgs),
    /// Show what a network will see of a picture: its tensor, and the picture before normalisation.
    Preprocess(crate::cli::preprocess::Args),
    /// Show a calibration table, a calibration cache, an ONNX model's quantization or a plan's layers.
    Inspect(InspectArgs),
    /// Compare, merge, convert and check calibration caches and tables, and translate them to Q/DQ models and back.
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
    /// Take the ranges from a calibration table or cache instead of running the model.
    ///
    /// The manifest of a table must fit the model; of a cache, that of the table beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) calibration_cache: Option<PathBuf>,
    /// The precision to bring the model to.
    #[arg(long, value_enum, default_value_t = Precision::Int8)]
    pub(crate) precision: Precision,
    /// Whether to build the engine.
    ///
    /// `auto` builds it when a library is found and otherwise says what was left out.
    #[arg(long, value_enum, default_value_t = EngineArg::Auto)]
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
    /// Where the plan goes; by default beside the model, with the extension `plan`.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A calibration.json, a TensorRT calibration cache, an ONNX model, or a plan.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) library: LibraryArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) library: LibraryArgs,
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
    /// A folder of pictures, a list file, or tensors (an npy, an npz, a folder of npy files).
    #[arg(long, value_name = "PATH")]
    pub(crate) images: Option<PathBuf>,
    /// Labels of the samples: a csv with the columns file and label, or `folders`.
    ///
    /// The report then counts the samples of each class and names the classes left without one.
    #[arg(long, value_name = "FILE|folders")]
    pub(crate) labels: Option<PathBuf>,
    /// Use the first N samples (after --shuffle and --stride).
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
    /// Use every Nth sample.
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) stride: NonZeroUsize,
    /// Shuffle the samples; the same seed gives the same order on every machine.
    #[arg(long, value_name = "SEED")]
    pub(crate) shuffle: Option<u64>,
    /// What to do with a sample that cannot be used; skipped ones are listed in the report.
    #[arg(long, value_enum, default_value_t = OnBadSample::Fail)]
    pub(crate) on_bad_sample: OnBadSample,
}

/// How a picture becomes a tensor: a preset or a file, then the fields that differ from it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Preprocessing (a pixel x becomes (x * scale - mean) / std)")]
pub(crate) struct PreprocessArgs {
    /// The preprocessing the model was trained with; without a name the error lists them.
    #[arg(long, value_name = "NAME", conflicts_with = "preprocess")]
    pub(crate) preset: Option<String>,
    /// Preprocessing from a TOML file, written as in calibration.json.
    #[arg(long, value_name = "FILE")]
    pub(crate) preprocess: Option<PathBuf>,
    /// Width and height in pixels of the model's input, such as 224x224.
    #[arg(long, value_name = "WxH")]
    pub(crate) size: Option<Size>,
    /// How a picture comes to that size: none, stretch, shorter-crop or letterbox.
    #[arg(long, value_name = "GEOMETRY")]
    pub(crate) resize: Option<ResizeKind>,
    /// The resize filter: OpenCV's cv2-linear, -area, -nearest, -cubic; Pillow's pil-bilinear,
    /// -bicubic, -lanczos, -box, -hamming, -nearest; torchvision's tv-bilinear, -bicubic, -lanczos
    /// for tensors; or fir-*, which equal no framework.
    #[arg(long)]
    pub(crate) filter: Option<Filter>,
    /// The channels and their order: rgb, bgr or gray.
    #[arg(long)]
    pub(crate) color: Option<Color>,
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
    /// How the range of a tensor is chosen: minmax, entropy, percentile:P, mse, or tensorrt-faithful [default: percentile:99.99].
    ///
    /// `tensorrt-faithful` is what the calibrators of TensorRT up to 10 choose; it depends on the samples of the first batch.
    #[arg(long)]
    pub(crate) method: Option<Method>,
    /// What runs the model.
    #[arg(long, value_enum, default_value_t = BackendKind::Embedded)]
    pub(crate) backend: BackendKind,
    /// Samples in a batch.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BATCH_SIZE)]
    pub(crate) batch_size: NonZeroUsize,
    /// Worker threads; by default one for each processor.
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<NonZeroUsize>,
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
    /// A GPU to build a TensorRT-RTX plan for, such as 8.9; repeat it for more. By default RTX's own set.
    #[arg(long, value_name = "CC", value_parser = parse_compute_capability)]
    pub(crate) compute_capability: Vec<ComputeCapability>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// The folder for the results.
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// The TensorRT version in the calibration cache's header, such as 8601 or 101601.
    ///
    /// By default that of the TensorRT found, else 101601.
    #[arg(long, value_name = "VERSION")]
    pub(crate) cache_version: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    /// Build when a library is found.
    Auto,
    /// Do not build.
    None,
    /// Build, or fail with exit status 3.
    Require,
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
