//! From flags to a [`Config`]: resolved once, before any work.

use std::path::Path;
use std::sync::Arc;

use calibrant_calibration::{Algorithm, Method};
use calibrant_cast::{IoPrecision, ScalePrecision};
use calibrant_dataset::{FilesStay, Subset};
use calibrant_engine::{BuildOptions, Dla, LeanRuntime, Profile, Refit};
use calibrant_format::INT8;
use calibrant_preprocess::{
    JpegDecoder, Pipeline, Preprocess, Preset, Recipe, RecipeError, Settings, Step,
};
use calibrant_runtime::Runtime;

use crate::cli::args::{
    BuilderArgs, CalibrateArgs, CalibrationArgs, EngineArg, IoArg, MethodArg, PreprocessArgs,
    QuantizeArgs, RefitArg, SampleArgs, ScaleArg, TENSORRT,
};
use crate::cli::words::nearest;
use crate::config::{
    Backend, Calibration, Casts, Config, DEFAULT_METHOD, Decode, Engine, EnginePolicy, Ranges,
    all_processors,
};
use crate::error::{Error, UsageError};
use crate::memory::default_memory_bytes;
use crate::precision::Precision;

/// The job of `quantize`.
///
/// # Errors
///
/// When flags contradict each other, or the preprocessing is none.
pub(crate) fn quantize(args: QuantizeArgs, runtimes: &[Arc<dyn Runtime>]) -> Result<Config, Error> {
    if args.precision.int8_via.is_some() && args.precision.precision.quantized != Some(INT8) {
        return Err(UsageError::NoInt8ToHandOver(args.precision.precision).into());
    }
    let ranges = ranges(&args, runtimes)?;
    let picture = pipeline(&args.preprocess, args.calibration.decode)?;
    let policy = match args.engine {
        EngineArg::Auto => EnginePolicy::Auto,
        EngineArg::None => EnginePolicy::Skip,
        EngineArg::Require => EnginePolicy::Require,
    };
    Ok(Config {
        model: args.model.model,
        ranges,
        precision: args.precision.precision,
        int8_via: args.precision.int8_via,
        casts: Casts {
            io: match args.precision.io_precision {
                IoArg::Fp32 => IoPrecision::Fp32,
                IoArg::Model => IoPrecision::Model,
            },
            scales: match args.precision.scale_precision {
                ScaleArg::Fp32 => ScalePrecision::Fp32,
                ScaleArg::Fp16 => ScalePrecision::Model,
            },
        },
        engine: Engine {
            policy,
            library: args.library.tensorrt,
            options: build_options(&args.build),
            picture: picture.map(|pipeline| pipeline.shape()),
        },
        cache_version: args.output.cache_version,
        target: args.output.target,
        output: args.output.output,
    })
}

/// Where the ranges come from: int8 needs some, half precision is checked against those there are.
fn ranges(args: &QuantizeArgs, runtimes: &[Arc<dyn Runtime>]) -> Result<Ranges, Error> {
    match (args.precision.precision, &args.calibration_cache, &args.samples.images) {
        (Precision::FP32, ..) | (Precision { quantized: None, .. }, None, None) => Ok(Ranges::None),
        (_, Some(file), None) => {
            Ok(Ranges::Reuse { file: file.clone(), method: method_of_table(&args.calibration)? })
        }
        (_, Some(file), Some(_)) => Err(UsageError::TwoSources(file.clone()).into()),
        (_, None, _) => {
            let calibration =
                calibration(&args.samples, &args.preprocess, &args.calibration, runtimes)?;
            Ok(Ranges::Calibrate(calibration))
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
) -> Result<Config, Error> {
    let calibration = calibration(&args.samples, &args.preprocess, &args.calibration, runtimes)?;
    Ok(Config {
        model: args.model.model,
        ranges: Ranges::Calibrate(calibration),
        precision: Precision::INT8,
        int8_via: None,
        casts: Casts::default(),
        engine: Engine {
            policy: EnginePolicy::CalibrateOnly,
            library: args.library.tensorrt,
            options: BuildOptions::default(),
            picture: None,
        },
        cache_version: args.output.cache_version,
        target: args.output.target,
        output: args.output.output,
    })
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
    samples: &SampleArgs,
    preprocess: &PreprocessArgs,
    calibration: &CalibrationArgs,
    runtimes: &[Arc<dyn Runtime>],
) -> Result<Calibration, Error> {
    let images = samples.images.clone().ok_or(UsageError::NoSamples)?;
    Ok(Calibration {
        samples: images,
        labels: samples.labels.clone(),
        files_stay: samples.mmap.then(promised),
        subset: Subset {
            limit: samples.limit,
            stride: samples.stride,
            shuffle: samples.shuffle,
            stratify: samples.stratify,
        },
        on_bad_sample: samples.on_bad_sample,
        preprocess: pipeline(preprocess, calibration.decode)?
            .map(|pipeline| Arc::new(pipeline) as Arc<dyn Preprocess>),
        decode: calibration.decode,
        backend: backend(calibration, runtimes)?,
        batch_size: calibration.batch_size,
        workers: calibration.workers.unwrap_or_else(all_processors),
        memory_bytes: calibration.memory.unwrap_or_else(default_memory_bytes),
    })
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
fn backend(args: &CalibrationArgs, runtimes: &[Arc<dyn Runtime>]) -> Result<Backend, UsageError> {
    if args.backend.as_deref() == Some(TENSORRT) {
        let algorithm = match args.method {
            None | Some(MethodArg::Ours(Method::Entropy)) => Algorithm::EntropyCalibration2,
            Some(MethodArg::Ours(Method::MinMax)) => Algorithm::MinMaxCalibration,
            Some(MethodArg::EntropyV1) => Algorithm::EntropyCalibration,
            Some(MethodArg::Legacy) => Algorithm::LegacyCalibration,
            Some(MethodArg::Ours(method)) => return Err(UsageError::NotTensorRts(method)),
        };
        return Ok(Backend::TensorRt { algorithm, recalibrate: args.recalibrate });
    }
    let runtime = runtime(args.backend.as_deref(), runtimes)?;
    match args.method {
        None => Ok(Backend::Runtime { runtime, method: DEFAULT_METHOD }),
        Some(MethodArg::Ours(method)) => Ok(Backend::Runtime { runtime, method }),
        Some(method @ (MethodArg::EntropyV1 | MethodArg::Legacy)) => {
            Err(UsageError::MethodOfTensorRt(method.to_string()))
        }
    }
}

/// The runtime of this name, or the first where there is none.
fn runtime(
    name: Option<&str>,
    runtimes: &[Arc<dyn Runtime>],
) -> Result<Arc<dyn Runtime>, UsageError> {
    let found = match name {
        None => runtimes.first(),
        Some(name) => runtimes.iter().find(|runtime| runtime.name() == name),
    };
    found.map(Arc::clone).ok_or_else(|| {
        let known = runtimes.iter().map(|runtime| runtime.name().to_owned());
        let known = known.chain([TENSORRT.to_owned()]).collect();
        UsageError::NoBackend { name: name.unwrap_or_default().to_owned(), known }
    })
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
/// # Errors
///
/// When the preprocessing contradicts itself or its file cannot be read.
pub(crate) fn pipeline(args: &PreprocessArgs, decode: Decode) -> Result<Option<Pipeline>, Error> {
    let base = match (&args.preset, &args.preprocess) {
        (Some(name), _) => Settings::preset(name),
        (None, Some(file)) => from_file(file)?,
        (None, None) => Settings::default(),
    };
    let flags = Settings {
        size: args.size,
        resize: args.resize,
        filter: args.filter,
        dct_scale: args.dct_scale,
        color: args.color,
        scale: args.scale,
        mean: args.mean.clone(),
        std: args.std.clone(),
        ..Settings::default()
    };
    let settings = base.overridden_by(flags);
    if settings == Settings::default() {
        return Ok(None);
    }
    let pipeline = settings.recipe().and_then(|recipe| compile(recipe, decode)).map_err(
        |error| match error {
            RecipeError::NoPreset { .. } => match &args.preprocess {
                Some(file) => UsageError::RecipeFile { file: file.clone(), source: error },
                None => UsageError::NoPreset,
            },
            RecipeError::UnknownPreset { name, .. } => {
                let known = Preset::all().iter().map(|preset| preset.name);
                UsageError::UnknownPreset { nearest: nearest(&name, known), name }
            }
            error => UsageError::Recipe(error),
        },
    )?;
    Ok(Some(pipeline))
}

/// The pipeline of a recipe. Of pictures that nvJPEG does not take, the tensors are libjpeg-turbo's.
fn compile(mut recipe: Recipe, decode: Decode) -> Result<Pipeline, RecipeError> {
    if let (Decode::Cuda, Some(Step::Decode(step))) = (decode, recipe.steps.first_mut())
        && step.jpeg == JpegDecoder::Nvjpeg
    {
        step.jpeg = JpegDecoder::LibjpegTurbo;
    }
    recipe.compile()
}

fn from_file(file: &Path) -> Result<Settings, Error> {
    let text = calibrant_files::read_text(file)
        .map_err(|source| Error::Read { path: file.to_owned(), source })?;
    let settings = Settings::from_toml(&text);
    Ok(settings.map_err(|source| UsageError::RecipeFile { file: file.to_owned(), source })?)
}
