//! Calibrates a model that is in memory on tensors from an iterator, with progress and a way to stop, and gets table and
//! quantized model back: `cargo run --example in_memory < model.onnx > quantized.onnx`
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use calibrant_job::in_memory::{Calibrated, How, calibrate};
use calibrant_job::{Cancel, Control, DEFAULT_BATCH_SIZE, DEFAULT_METHOD, Error, Event};
use calibrant_onnx::Model;
use calibrant_runtime::Samples;
use calibrant_runtime_embedded::Embedded;
use calibrant_tensor::Tensor;

pub(crate) fn quantize(
    model: &Model,
    pictures: impl Iterator<Item = Tensor> + Send,
    control: Control<'_>,
) -> Result<(Calibrated, Model), Error> {
    let name = model.inputs()[0].name.clone();
    let samples = pictures.map(move |picture| vec![(name.clone(), picture)]);
    let mut source = Samples::new(DEFAULT_BATCH_SIZE, samples);
    let how = How::new(Arc::new(Embedded), DEFAULT_METHOD);
    let calibrated = calibrate(model, &mut source, &how, control)?;
    let (quantized, _) = calibrated.quantize(model)?;
    Ok((calibrated, quantized))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let pixels = |seed| (0..3 * 28 * 28).map(move |at| ((at * 7 + seed) % 255) as f32 / 255.0);
    let picture = |pixels: Vec<f32>| Tensor::new(vec![1, 3, 28, 28], pixels.into());
    let pictures = (0..64).filter_map(|seed| picture(pixels(seed).collect()));
    let progress = |event: Event<'_>| drop(writeln!(std::io::stderr(), "{event:?}"));
    let (model, cancel) = (Model::from_bytes(&bytes, None)?, Cancel::new());
    let (_, quantized) = quantize(&model, pictures, Control::new(&progress, &cancel))?;
    Ok(std::io::stdout().write_all(&quantized.to_bytes()?)?)
}
