//! The whole job with a preprocessing of one's own: `cargo run --release --example custom_preprocessor -- model.onnx images/ out/`

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, thread};

use calibrant::{
    BackendKind, Calibration, Config, DEFAULT_METHOD, Engine, EnginePolicy, OnBadSample, Precision,
    Ranges,
};
use calibrant_dataset::Subset;
use calibrant_engine::{BuildOptions, Source};
use calibrant_preprocess::{Preprocess, PreprocessError, Recipe, Scratch};

/// The classic 224x224 tensor with its values squared, whatever that may be good for.
struct Squared(calibrant_preprocess::Pipeline);

impl Preprocess for Squared {
    fn shape(&self) -> [usize; 3] {
        self.0.shape()
    }
    fn describe(&self) -> String {
        format!("custom = \"squared\"\n{}", self.0.describe())
    }
    fn preprocess(
        &self,
        encoded: &[u8],
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Result<(), PreprocessError> {
        self.0.preprocess(encoded, scratch, out)?;
        out.iter_mut().for_each(|value| *value *= *value);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [model, samples, output] =
        [1, 2, 3].map(|n| PathBuf::from(std::env::args_os().nth(n).unwrap_or_default()));
    let preprocess: Arc<dyn Preprocess> = Arc::new(Squared(Recipe::preset("imagenet")?.compile()?));
    let (workers, batch_size) = (thread::available_parallelism()?, NonZeroUsize::MIN);
    let calibration = Calibration {
        samples,
        labels: None,
        subset: Subset::ALL,
        on_bad_sample: OnBadSample::Fail,
        preprocess: Some(preprocess),
        method: DEFAULT_METHOD,
        backend: BackendKind::Embedded,
        batch_size,
        workers,
    };
    let engine = Engine {
        policy: EnginePolicy::Auto,
        library: Source::Auto,
        options: BuildOptions::default(),
    };
    let ranges = Ranges::Calibrate(calibration);
    let config =
        Config { model, ranges, precision: Precision::Int8, engine, cache_version: None, output };
    println!("{}", calibrant::run(&config, &mut calibrant::Unobserved)?);
    Ok(())
}
