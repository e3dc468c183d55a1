//! How long does one photograph take, bytes to tensor, with each preset? And how long does each
//! filter take on pixels that are decoded already?
//!
//! `decode_only` is the lower bound: the same bytes at their own size, no resizing, the cheapest
//! table. `tensor_memcpy` is what writing a 224 × 224 tensor costs at the least; `cv2-nearest` and
//! `pil-nearest` are that and the look-ups.

use std::hint::black_box;
use std::path::Path;

use calibrant_preprocess::{
    Filter, Pipeline, Pixels, Preprocess, PreprocessError, Preset, Scratch, Settings, Size,
};
use criterion::{Criterion, Throughput};

/// A photograph of ordinary size: 4:2:0, quality 90.
const PHOTO: &str = "../fixtures/photos/animal_moose.jpg";

fn preprocess(c: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PHOTO);
    let photo = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut group = c.benchmark_group("preprocess");
    group.throughput(Throughput::Elements(1));
    let whole = pipeline(&format!("preset = 'raw'\nsize = '{}'", size_of(&photo)));
    let mut run = |name: &str, pipeline: &Pipeline| {
        let mut scratch = Scratch::new();
        let mut out = vec![0.0; pipeline.shape().iter().product()];
        group.bench_function(name, |b| {
            b.iter(|| pipeline.preprocess(black_box(&photo), &mut scratch, &mut out));
        });
    };
    run("decode_only", &whole);
    for preset in Preset::all().iter().filter(|p| !["raw", "fashion"].contains(&p.name)) {
        run(preset.name, &pipeline(&format!("preset = '{}'", preset.name)));
    }
    let (from, mut to) = (vec![1.0_f32; 3 * 224 * 224], vec![0.0_f32; 3 * 224 * 224]);
    group.bench_function("tensor_memcpy_224", |b| {
        b.iter(|| to.copy_from_slice(black_box(&from)));
    });
    group.finish();
}

/// Pixels of an ordinary photograph's size through every filter.
fn filters(c: &mut Criterion) {
    let size = Size::new(500, 375);
    let bytes = (0..size.pixels() * 3).map(|i| ((i * 2_654_435_761) >> 13).to_le_bytes()[0]);
    let data: Vec<u8> = bytes.collect();
    let pixels = Pixels::rgb(size, &data).unwrap_or_else(|e| panic!("{e}"));
    let mut group = c.benchmark_group("filter_500x375_to_224x224");
    group.throughput(Throughput::Elements(1));
    for filter in Filter::ALL {
        let pipeline = pipeline(&format!("preset = 'imagenet'\nfilter = '{filter}'"));
        let mut scratch = Scratch::new();
        let mut out = vec![0.0; pipeline.shape().iter().product()];
        group.bench_function(filter.word(), |b| {
            b.iter(|| pipeline.preprocess_pixels(black_box(pixels), &mut scratch, &mut out));
        });
    }
    group.finish();
}

fn pipeline(toml: &str) -> Pipeline {
    let recipe = Settings::from_toml(toml).and_then(|settings| settings.recipe());
    recipe.and_then(|recipe| recipe.compile()).unwrap_or_else(|e| panic!("{toml}: {e}"))
}

/// Returns the picture's own size, as the refusal of another one tells it.
fn size_of(photo: &[u8]) -> String {
    let one = pipeline("preset = 'raw'\nsize = '1x1'");
    match one.preprocess(photo, &mut Scratch::new(), &mut [0.0; 3]) {
        Err(PreprocessError::WrongSize { found, .. }) => found.to_string(),
        other => panic!("a photograph of one pixel: {other:?}"),
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    preprocess(&mut criterion);
    filters(&mut criterion);
    criterion.final_summary();
}
