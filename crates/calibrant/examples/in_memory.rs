//! Calibrates a model that is in memory on tensors from an iterator, with progress and a way to stop, and gets table and
//! quantized model back: `cargo run --example in_memory < model.onnx > quantized.onnx`
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use calibrant::in_memory::{Calibrated, How, calibrate};
use calibrant::{DEFAULT_BATCH_SIZE, DEFAULT_METHOD, Error};
use calibrant_onnx::Model;
use calibrant_runtime::{Samples, Watched};
use calibrant_tensor::Tensor;

pub(crate) fn quantize(
    model: &Model,
    pictures: impl Iterator<Item = Tensor> + Send,
    reached: impl FnMut(u64) + Send,
    stop: &AtomicBool,
) -> Result<(Calibrated, Model), Error> {
    let name = model.inputs()[0].name.clone();
    let samples = pictures.map(move |picture| vec![(name.clone(), picture)]);
    let samples = Samples::new(DEFAULT_BATCH_SIZE, samples);
    let mut source = Watched::new(samples, reached, || stop.load(Ordering::Relaxed));
    let calibrated = calibrate(model, &mut source, &How::by(DEFAULT_METHOD))?;
    let (quantized, _) = calibrated.quantize(model)?;
    Ok((calibrated, quantized))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let pixels = |seed: usize| {
        (0..3 * 28 * 28).map(|at| ((at * 7 + seed) % 255) as f32 / 255.0).collect::<Vec<f32>>()
    };
    let pictures = (0..64).filter_map(|seed| Tensor::new(vec![1, 3, 28, 28], pixels(seed).into()));
    let progress = |n| drop(writeln!(std::io::stderr(), "{n} samples"));
    let (_, quantized) =
        quantize(&Model::from_bytes(&bytes, None)?, pictures, progress, &AtomicBool::new(false))?;
    Ok(std::io::stdout().write_all(&quantized.to_bytes()?)?)
}
