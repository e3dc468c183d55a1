//! From flags to a [`Config`]: resolved once, before any work.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use calibrant_calibration::{Algorithm, Method};
use calibrant_cast::{IoPrecision, ScalePrecision};
use calibrant_dataset::{FilesStay, Subset};
use calibrant_decode_cuda::JpegWay;
use calibrant_engine::{BuildOptions, Dla, LeanRuntime, Profile, Refit};
use calibrant_job::{
    Backend, Calibration, Config, ConfigError, Control, DEFAULT_METHOD, EnginePolicy, Labelled,
    OnBadSample, Pictures, Precision, Ranges, Ultralytics, all_processors, default_memory_bytes,
};
use calibrant_preprocess::{
    Foreign, JpegDecoder, Pipeline, Preprocess as _, Preset, Recipe, RecipeError, Settings, Size,
    Step,
};
use calibrant_runtime::Runtime;

use crate::args::{
    BuilderArgs, CalibrateArgs, CalibrationArgs, DecodeArg, EngineArg, IoArg, MethodArg,
    OnBadSampleArg, PreprocessArgs, QuantizeArgs, RefitArg, SampleArgs, ScaleArg, TENSORRT,
};
use crate::error::{Error, JobError, UsageError};
use crate::runtimes::{AUTO, Runtimes};
use crate::words::nearest;

/// The argument of `--labels` that stands for the samples' own folders.
const LABELS_BY_FOLDER: &str = "folders";

/// The job of `quantize`.
///
/// # Errors
///
/// When flags contradict each other, or the preprocessing is none.
pub(crate) fn quantize(
    args: QuantizeArgs,
    runtimes: &[Arc<dyn Runtime>],
    control: Control<'_>,
) -> Result<Config, Error> {
    let ranges = ranges(&args, runtimes, control)?;
    let picture = pipeline(&args.preprocess, args.calibration.decode, Some(&args.model.model))?;
    let mut config = Config::new(args.model.model, ranges, args.output.output);
    config.precision = args.precision.precision;
    config.int8_via = args.precision.int8_via;
    config.casts.io = match args.precision.io_precision {
        IoArg::Fp32 => IoPrecision::Fp32,
        IoArg::Model => IoPrecision::Model,
    };
    config.casts.scales = match args.precision.scale_precision {
        ScaleArg::Fp32 => ScalePrecision::Fp32,
        ScaleArg::Fp16 => ScalePrecision::Model,
    };
    config.engine.policy = match args.engine {
        EngineArg::Auto => EnginePolicy::Auto,
        EngineArg::None => EnginePolicy::Skip,
        EngineArg::Require => EnginePolicy::Require,
    };
    config.engine.library = args.library.tensorrt;
    config.engine.options = build_options(&args.build);
    config.engine.picture = picture.map(|pipeline| pipeline.shape());
    config.engine.layout = args.preprocess.layout.map(Into::into);
    config.cache_version = args.output.cache_version;
    config.target = args.output.target;
    Ok(config)
}

/// Where the ranges come from: int8 needs some, half precision is checked against those there are.
fn ranges(
    args: &QuantizeArgs,
    runtimes: &[Arc<dyn Runtime>],
    control: Control<'_>,
) -> Result<Ranges, Error> {
    match (args.precision.precision, &args.calibration_cache, &args.samples.images) {
        (Precision::FP32, ..) | (Precision { quantized: None, .. }, None, None) => Ok(Ranges::None),
        (_, Some(file), None) => {
            Ok(Ranges::Reuse { file: file.clone(), method: method_of_table(&args.calibration)? })
        }
        (_, Some(file), Some(_)) => Err(UsageError::TwoSources(file.clone()).into()),
        (_, None, _) => {
            let (model, samples) = (&args.model.model, &args.samples);
            let (preprocess, how) = (&args.preprocess, &args.calibration);
            Ok(calibration(model, samples, preprocess, how, runtimes, control)?.into())
        }
    }
}

/// The job of `calibrate`.
///
/// # Errors
///
/// When flags contradict each other, or the preprocessing is none.
pub(crate) fn calibrate(
    args: CalibrateArgs,
    runtimes: &[Arc<dyn Runtime>],
    control: Control<'_>,
) -> Result<Config, Error> {
    let (model, samples) = (&args.model.model, &args.samples);
    let (preprocess, how) = (&args.preprocess, &args.calibration);
    let calibration = calibration(model, samples, preprocess, how, runtimes, control)?;
    let mut config = Config::new(args.model.model, calibration, args.output.output);
    config.engine.policy = EnginePolicy::CalibrateOnly;
    config.engine.library = args.library.tensorrt;
    config.cache_version = args.output.cache_version;
    config.target = args.output.target;
    Ok(config)
}

/// What the builder is told.
pub(crate) fn build_options(args: &BuilderArgs) -> BuildOptions {
    BuildOptions {
        precision: None,
        constraints: args.precision_constraints,
        layer_precisions: args.layer_precision.clone(),
        tf32: args.no_tf32.then_some(false),
        profiles: Profile::group(args.shapes.clone()),
        calibration_profile: Profile::group(args.calibration_shapes.clone()).into_iter().next(),
        workspace_bytes: args.workspace,
        pools: args.memory_pool.clone(),
        optimization_level: args.optimization_level,
        average_timing_iterations: args.timing_iterations,
        max_threads: args.builder_threads,
        profiling_verbosity: args.profiling_verbosity,
        timing_cache: args.timing_cache.clone(),
        version_compatible: args.version_compatible.then_some(if args.exclude_lean_runtime {
            LeanRuntime::Excluded
        } else {
            LeanRuntime::Included
        }),
        hardware_compatibility: args.hardware_compatibility,
        compute_capabilities: args.compute_capability.clone(),
        strip_plan: args.strip_plan,
        refit: args.refit.map(|refit| match refit {
            RefitArg::Any => Refit::Any,
            RefitArg::Identical => Refit::Identical,
        }),
        weight_streaming: args.weight_streaming,
        sparse_weights: args.sparsity,
        dla: args.dla_core.map(|core| Dla { core, gpu_fallback: args.gpu_fallback }),
        plugins: args.plugin.clone(),
        log: BuildOptions::default().log,
    }
}

fn calibration(
    model: &Path,
    samples: &SampleArgs,
    preprocess: &PreprocessArgs,
    calibration: &CalibrationArgs,
    runtimes: &[Arc<dyn Runtime>],
    control: Control<'_>,
) -> Result<Calibration, Error> {
    let images = samples.images.clone().ok_or(UsageError::NoSamples)?;
    let mut made = Calibration::new(images, backend(calibration, runtimes, control)?);
    made.labels = samples.labels.as_ref().map(|labels| match labels.to_str() {
        Some(LABELS_BY_FOLDER) => Labelled::ByFolder,
        _ => Labelled::ByFile(labels.clone()),
    });
    made.files_stay = samples.mmap.then(promised);
    made.subset = Subset {
        limit: samples.limit,
        stride: samples.stride,
        shuffle: samples.shuffle,
        stratify: samples.stratify,
    };
    made.on_bad_sample = match samples.on_bad_sample {
        OnBadSampleArg::Fail => OnBadSample::Fail,
        OnBadSampleArg::Skip => OnBadSample::Skip,
    };
    made.pictures = pictures(preprocess, calibration.decode, model)?;
    made.layout = preprocess.layout.map(Into::into);
    made.batch_size = calibration.batch_size;
    made.workers = calibration.workers.unwrap_or_else(all_processors);
    made.memory_bytes = calibration.memory.unwrap_or_else(default_memory_bytes);
    Ok(made)
}

/// What makes tensors of pictures, where the flags say that the samples are some.
fn pictures(
    preprocess: &PreprocessArgs,
    decode: DecodeArg,
    model: &Path,
) -> Result<Option<Pictures>, Error> {
    let pipeline = pipeline(preprocess, decode, Some(model))?;
    let jpeg = match decode {
        DecodeArg::Cpu => {
            return Ok(pipeline.map(|pipeline| Pictures::Host(Arc::new(pipeline))));
        }
        DecodeArg::Cuda => JpegWay::Nvjpeg,
        DecodeArg::CudaExact => JpegWay::Exact,
    };
    let pipeline = pipeline.ok_or(UsageError::DecodeWithoutRecipe(decode.name()))?;
    Ok(Some(Pictures::Gpu { pipeline, jpeg }))
}

/// That the samples' files stay as they are, as whoever says --mmap promises.
fn promised() -> FilesStay {
    // SAFETY: it is the user who guarantees it; the flag's help says what it promises and what follows otherwise.
    #[expect(unsafe_code, reason = "a promise of the user's, which no code can check")]
    unsafe {
        FilesStay::promised()
    }
}

/// What runs the model, with a method that it has.
fn backend(
    args: &CalibrationArgs,
    runtimes: &[Arc<dyn Runtime>],
    control: Control<'_>,
) -> Result<Backend, Error> {
    if args.backend.as_deref() == Some(TENSORRT) {
        let algorithm = match args.method {
            None | Some(MethodArg::Ours(Method::Entropy)) => Algorithm::EntropyCalibration2,
            Some(MethodArg::Ours(Method::MinMax)) => Algorithm::MinMaxCalibration,
            Some(MethodArg::EntropyV1) => Algorithm::EntropyCalibration,
            Some(MethodArg::Legacy) => Algorithm::LegacyCalibration,
            Some(MethodArg::Ours(method)) => return Err(UsageError::NotTensorRts(method).into()),
        };
        return Ok(Backend::TensorRt { algorithm, recalibrate: args.recalibrate });
    }
    let method = match args.method {
        None => DEFAULT_METHOD,
        Some(MethodArg::Ours(method)) => method,
        Some(method @ (MethodArg::EntropyV1 | MethodArg::Legacy)) => {
            return Err(UsageError::MethodOfTensorRt(method.to_string()).into());
        }
    };
    Ok(Backend::Runtime { runtime: runtime(args, runtimes, control)?, method })
}

/// The runtime that was asked for.
fn runtime(
    args: &CalibrationArgs,
    runtimes: &[Arc<dyn Runtime>],
    control: Control<'_>,
) -> Result<Arc<dyn Runtime>, Error> {
    let name = args.backend.as_deref();
    let has = |name: &str| runtimes.iter().any(|runtime| runtime.name() == name);
    if let Some(name) = name.filter(|name| *name != AUTO && !has(name)) {
        let known = runtimes.iter().map(|runtime| runtime.name().to_owned());
        let known = known.chain([TENSORRT, AUTO].map(str::to_owned)).collect();
        return Err(UsageError::NoBackend { name: name.to_owned(), known }.into());
    }
    let found = Runtimes::find(runtimes, name, &args.onnxruntime, control)?.named(name)?;
    // It is known, so that it was taken out again.
    found.ok_or_else(|| UsageError::KeptAway.into())
}

/// The method to take out of a calibration table.
fn method_of_table(args: &CalibrationArgs) -> Result<Option<Method>, UsageError> {
    match args.method {
        None => Ok(None),
        Some(MethodArg::Ours(method)) => Ok(Some(method)),
        Some(other) => Err(UsageError::MethodOfTensorRt(other.to_string())),
    }
}

/// The preprocessing that the flags describe, or `None` where they say nothing of one.
///
/// A preset of Ultralytics' has the size that the model says of itself, unless a flag or the file says
/// another.
///
/// # Errors
///
/// When the preprocessing contradicts itself or its file cannot be read.
pub(crate) fn pipeline(
    args: &PreprocessArgs,
    decode: DecodeArg,
    model: Option<&Path>,
) -> Result<Option<Pipeline>, Error> {
    let base = match (&args.preset, &args.preprocess) {
        (Some(name), _) => Settings::preset(name),
        (None, Some(file)) => from_file(file)?,
        (None, None) => Settings::default(),
    };
    let flags = Settings {
        size: args.size,
        resize: args.resize,
        filter: args.filter,
        shorter_side: args.shorter_side,
        rounding: args.rounding,
        fill: args.fill,
        dct_scale: args.dct_scale,
        color: args.color,
        scale: args.scale,
        mean: args.mean.clone(),
        std: args.std.clone(),
        ..Settings::default()
    };
    let mut settings = with_file_of_others(base.overridden_by(flags))?;
    if settings.size.is_none() {
        settings.size = model.and_then(|model| own_size(settings.preset.as_deref()?, model));
    }
    if settings == Settings::default() {
        return Ok(None);
    }
    let pipeline = settings.recipe().and_then(|recipe| compile(recipe, decode)).map_err(
        |error| match error {
            RecipeError::NoPreset { .. } => match &args.preprocess {
                Some(file) => UsageError::RecipeFile { file: file.clone(), source: error }.into(),
                None => Error::from(ConfigError::NoPreprocessing),
            },
            RecipeError::UnknownPreset { name, .. } => {
                let known = Preset::all().iter().map(|preset| preset.name);
                UsageError::UnknownPreset { nearest: nearest(&name, known), name }.into()
            }
            error => UsageError::Recipe(error).into(),
        },
    )?;
    Ok(Some(pipeline))
}

/// The steps of a file of another program, where the preset names one.
fn with_file_of_others(settings: Settings) -> Result<Settings, Error> {
    let Some((kind, path)) = settings.preset.as_deref().and_then(Foreign::of) else {
        return Ok(settings);
    };
    let file = file_of(path);
    let text = calibrant_files::read_text(&file)
        .map_err(|source| JobError::Read { path: file.clone(), source })?;
    let steps = kind.steps(&text).map_err(|source| UsageError::Foreign { file, source })?;
    Ok(Settings { preset: None, steps: Some(steps), ..settings })
}

/// The file that a preset names behind its colon; of a folder, the one that transformers keeps there.
fn file_of(path: &str) -> PathBuf {
    let path = Path::new(path);
    if path.is_dir() { path.join("preprocessor_config.json") } else { path.to_owned() }
}

/// The file that makes the preprocessing, where it is another program's.
pub(crate) fn file_of_preset(args: &PreprocessArgs) -> Option<PathBuf> {
    args.preset.as_deref().and_then(Foreign::of).map(|(_, path)| file_of(path))
}

/// The size of the pictures that a model was exported for, where it says that the preset is its own.
fn own_size(preset: &str, model: &Path) -> Option<Size> {
    // What cannot be read is told when the model is.
    let metadata = calibrant_onnx::metadata(model).ok()?;
    let pairs = metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let says = Ultralytics::of(pairs)?;
    says.size.filter(|_| says.preset() == Some(preset))
}

/// The pipeline of a recipe. Of pictures that nvJPEG does not take, the tensors are libjpeg-turbo's.
fn compile(mut recipe: Recipe, decode: DecodeArg) -> Result<Pipeline, RecipeError> {
    if let (DecodeArg::Cuda, Some(Step::Decode(step))) = (decode, recipe.steps.first_mut())
        && step.jpeg == JpegDecoder::Nvjpeg
    {
        step.jpeg = JpegDecoder::LibjpegTurbo;
    }
    recipe.compile()
}

fn from_file(file: &Path) -> Result<Settings, Error> {
    let text = calibrant_files::read_text(file)
        .map_err(|source| JobError::Read { path: file.to_owned(), source })?;
    let settings = Settings::from_toml(&text);
    Ok(settings.map_err(|source| UsageError::RecipeFile { file: file.to_owned(), source })?)
}
