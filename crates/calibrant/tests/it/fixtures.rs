//! Where the fixtures lie, and a job on them that a test can change.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use calibrant::{
    Backend, Calibration, Casts, Config, Decode, Engine, EnginePolicy, OnBadSample, Precision,
    Ranges, Report, Unobserved, default_runtime,
};
use calibrant_calibration::Method;
use calibrant_dataset::Subset;
use calibrant_engine::BuildOptions;
use calibrant_locate::Source;
use calibrant_preprocess::{Recipe, Settings, Size};

/// Keeps a command from the TensorRT that somebody fetched on this machine.
pub(crate) fn without_fetched(command: &mut Command) {
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nothing-fetched");
    command.env("XDG_CACHE_HOME", empty).env_remove("CALIBRANT_TENSORRT");
}

/// The path of a fixture.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(path)
}

pub(crate) fn size(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// A calibration of one of the fashion networks over some of its pictures.
pub(crate) fn fashion_calibration() -> Calibration {
    let recipe = Recipe::preset("fashion").unwrap();
    Calibration {
        samples: fixture("fashion/calibration"),
        labels: None,
        files_stay: None,
        subset: Subset { limit: Some(size(20)), stride: size(25), ..Subset::ALL },
        on_bad_sample: OnBadSample::Fail,
        decode: Decode::Cpu,
        preprocess: Some(Arc::new(recipe.compile().unwrap())),
        backend: Backend::Runtime { runtime: default_runtime(), method: Method::Mse },
        batch_size: size(4),
        workers: size(2),
        memory_bytes: 2 << 30,
    }
}

/// A calibration of a fashion network over pictures of any size.
pub(crate) fn any_picture_calibration(samples: PathBuf) -> Calibration {
    let settings = Settings { size: Some(Size::new(28, 28)), ..Settings::preset("imagenet") };
    let pipeline = settings.recipe().unwrap().compile().unwrap();
    Calibration {
        samples,
        subset: Subset::ALL,
        preprocess: Some(Arc::new(pipeline)),
        ..fashion_calibration()
    }
}

/// The job up to the rewritten model.
pub(crate) fn job(model: &str, calibration: Calibration, output: &Path) -> Config {
    Config {
        model: fixture(model),
        ranges: Ranges::Calibrate(calibration),
        precision: Precision::INT8,
        int8_via: None,
        casts: Casts::default(),
        engine: Engine {
            policy: EnginePolicy::Skip,
            library: Source::Auto,
            options: BuildOptions::default(),
            picture: None,
        },
        cache_version: Some(101_601),
        target: None,
        output: output.to_owned(),
    }
}

pub(crate) fn run(config: &Config) -> Result<Report, calibrant::Error> {
    calibrant::run(config, &mut Unobserved)
}

/// The names of the files in a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
