//! How many pictures a second does a whole calibration take, from files to table and cache?
//!
//! SqueezeNet 1.1 at 224x224, one and two workers. The lower bound is the same pictures read and
//! preprocessed on one thread, without a network.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calibrant_dataset::{Content, Dataset, ReadBuffer, Subset};
use calibrant_job::{
    Backend, Calibration, Config, Control, DEFAULT_CACHE_VERSION, EnginePolicy, run,
};
use calibrant_preprocess::{Pipeline, Preprocess, Recipe, Scratch};
use calibrant_runtime_embedded::Embedded;
use criterion::{Criterion, Throughput};

const N_PICTURES: usize = 16;

fn fixture(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures")).join(path)
}

fn subset() -> Subset {
    Subset { limit: NonZeroUsize::new(N_PICTURES), ..Subset::ALL }
}

fn config(preprocess: &Arc<Pipeline>, workers: usize, output: &Path) -> Config {
    let preprocess: Arc<dyn Preprocess> = Arc::clone(preprocess) as _;
    let workers = NonZeroUsize::new(workers).expect("every count here is above zero");
    let backend = Backend::of(Arc::new(Embedded));
    let mut calibration = Calibration::of_pictures(fixture("photos"), preprocess, backend);
    (calibration.subset, calibration.workers) = (subset(), workers);
    let model = fixture("models/squeezenet11_bgr.onnx");
    let mut config = Config::new(model, calibration, output);
    config.engine.policy = EnginePolicy::CalibrateOnly;
    config.cache_version = Some(DEFAULT_CACHE_VERSION);
    config
}

fn preprocess_all(dataset: &Dataset, preprocess: &Pipeline, tensor: &mut [f32]) {
    let (mut buffer, mut scratch) = (ReadBuffer::default(), Scratch::new());
    for sample in dataset.samples() {
        let Ok(Content::Encoded(bytes)) = sample.read(&mut buffer) else {
            panic!("`{}` is a picture", sample.name());
        };
        preprocess.preprocess(bytes, &mut scratch, tensor).expect("a fixture decodes");
        black_box(&tensor);
    }
}

fn calibrate(criterion: &mut Criterion) {
    let recipe = Recipe::preset("caffe").and_then(|recipe| recipe.compile());
    let preprocess = Arc::new(recipe.expect("a preset compiles"));
    let output = tempfile::tempdir().expect("a folder for the results");
    let mut group =
        criterion.benchmark_group(format!("calibrate/squeezenet11/{N_PICTURES} pictures"));
    group.throughput(Throughput::Elements(N_PICTURES as u64)).sample_size(10);

    let dataset = Dataset::open(&fixture("photos"))
        .expect("fixtures")
        .subset(&subset())
        .expect("no labels needed");
    let mut tensor = vec![0.0; preprocess.shape().iter().product()];
    group.bench_function("lower bound: preprocess, 1 thread", |bencher| {
        bencher.iter(|| preprocess_all(&dataset, &preprocess, &mut tensor));
    });
    for workers in [1, 2] {
        let config = config(&preprocess, workers, output.path());
        group.bench_function(format!("{workers} workers"), |bencher| {
            bencher.iter(|| run(&config, Control::none()).expect("fixtures calibrate"));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    calibrate(&mut criterion);
    criterion.final_summary();
}
