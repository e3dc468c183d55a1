//! From flags to a [`Config`]: resolved once, before any work.

use std::path::Path;
use std::sync::Arc;

use calibrant_dataset::Subset;
use calibrant_engine::{BuildOptions, Profile};
use calibrant_preprocess::{Pipeline, Preprocess, RecipeError, Settings};

use crate::cli::args::{
    BuilderArgs, CalibrateArgs, CalibrationArgs, EngineArg, PreprocessArgs, QuantizeArgs,
    SampleArgs,
};
use crate::config::{
    Calibration, Config, DEFAULT_METHOD, Engine, EnginePolicy, Precision, Ranges, all_processors,
};
use crate::error::{Error, UsageError};

/// The job of `quantize`.
///
/// # Errors
///
/// When flags contradict each other, or the preprocessing is none.
pub(crate) fn quantize(args: QuantizeArgs) -> Result<Config, Error> {
    let ranges = match (args.precision, args.calibration_cache, &args.samples.images) {
        (Precision::Fp32, ..) => Ranges::None,
        (Precision::Int8, Some(file), None) => {
            Ranges::Reuse { file, method: args.calibration.method }
        }
        (Precision::Int8, Some(file), Some(_)) => {
            return Err(UsageError::TwoSources(file).into());
        }
        (Precision::Int8, None, _) => {
            Ranges::Calibrate(calibration(&args.samples, &args.preprocess, &args.calibration)?)
        }
    };
    let policy = match args.engine {
        EngineArg::Auto => EnginePolicy::Auto,
        EngineArg::None => EnginePolicy::Skip,
        EngineArg::Require => EnginePolicy::Require,
    };
    Ok(Config {
        model: args.model.model,
        ranges,
        precision: args.precision,
        engine: Engine {
            policy,
            library: args.library.tensorrt,
            options: build_options(&args.build),
        },
        cache_version: args.output.cache_version,
        output: args.output.output,
    })
}

/// The job of `calibrate`.
///
/// # Errors
///
/// When flags contradict each other, or the preprocessing is none.
pub(crate) fn calibrate(args: CalibrateArgs) -> Result<Config, Error> {
    Ok(Config {
        model: args.model.model,
        ranges: Ranges::Calibrate(calibration(&args.samples, &args.preprocess, &args.calibration)?),
        precision: Precision::Int8,
        engine: Engine {
            policy: EnginePolicy::CalibrateOnly,
            library: args.library.tensorrt,
            options: BuildOptions::default(),
        },
        cache_version: args.output.cache_version,
        output: args.output.output,
    })
}

/// What the builder is told.
pub(crate) fn build_options(args: &BuilderArgs) -> BuildOptions {
    BuildOptions {
        profiles: Profile::group(args.shapes.clone()),
        workspace_bytes: args.workspace,
        optimization_level: args.optimization_level,
        profiling_verbosity: args.profiling_verbosity,
        timing_cache: args.timing_cache.clone(),
        compute_capabilities: args.compute_capability.clone(),
        ..BuildOptions::default()
    }
}

fn calibration(
    samples: &SampleArgs,
    preprocess: &PreprocessArgs,
    calibration: &CalibrationArgs,
) -> Result<Calibration, Error> {
    let images = samples.images.clone().ok_or(UsageError::NoSamples)?;
    Ok(Calibration {
        samples: images,
        labels: samples.labels.clone(),
        subset: Subset { limit: samples.limit, stride: samples.stride, shuffle: samples.shuffle },
        on_bad_sample: samples.on_bad_sample,
        preprocess: pipeline(preprocess)?.map(|pipeline| Arc::new(pipeline) as Arc<dyn Preprocess>),
        method: calibration.method.unwrap_or(DEFAULT_METHOD),
        backend: calibration.backend,
        batch_size: calibration.batch_size,
        workers: calibration.workers.unwrap_or_else(all_processors),
    })
}

/// The preprocessing that the flags describe, or `None` where they say nothing of one.
///
/// # Errors
///
/// When the preprocessing contradicts itself or its file cannot be read.
pub(crate) fn pipeline(args: &PreprocessArgs) -> Result<Option<Pipeline>, Error> {
    let base = match (&args.preset, &args.preprocess) {
        (Some(name), _) => Settings::preset(name),
        (None, Some(file)) => from_file(file)?,
        (None, None) => Settings::default(),
    };
    let flags = Settings {
        size: args.size,
        resize: args.resize,
        filter: args.filter,
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
    let pipeline =
        settings.recipe().and_then(|recipe| recipe.compile()).map_err(|error| match error {
            RecipeError::NoPreset => UsageError::NoPreset,
            error => UsageError::Recipe(error),
        })?;
    Ok(Some(pipeline))
}

fn from_file(file: &Path) -> Result<Settings, Error> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| Error::Read { path: file.to_owned(), source })?;
    let settings = Settings::from_toml(&text);
    Ok(settings.map_err(|source| UsageError::RecipeFile { file: file.to_owned(), source })?)
}
