//! The device's tensors beside the processor's, in levels of a pixel.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;

use calibrant_cuda::Device;
use calibrant_decode_cuda::{DevicePreprocess, JpegWay, PictureDecoder};
use calibrant_preprocess::{Preprocess as _, Recipe, Scale, Scratch, Settings};
use serde::Serialize;

/// How far tensors are from the processor's.
#[derive(Debug, Serialize)]
pub(crate) struct Differences {
    pub(crate) files: usize,
    pub(crate) values: u64,
    pub(crate) equal: u64,
    /// In levels of 255.
    pub(crate) mean: f64,
    pub(crate) most: usize,
    /// How many values differ by 0, 1, 2 … levels.
    pub(crate) histogram: Vec<u64>,
}

/// Compares the first files, without normalisation.
///
/// # Errors
///
/// When a file cannot be read or decoded, or the GPU fails.
pub(crate) fn run(
    device: &Device,
    recipe: &Recipe,
    way: JpegWay,
    files: &[PathBuf],
    check: usize,
) -> Result<Differences, Box<dyn Error>> {
    let levels = Settings {
        steps: Some(recipe.steps.clone()),
        scale: Some(Scale::Times(1.0)),
        mean: Some(vec![0.0]),
        std: Some(vec![1.0]),
        ..Settings::default()
    };
    let pipeline = levels.recipe()?.compile()?;
    let decoder = DevicePreprocess::new(PictureDecoder::open(device, &pipeline, way, &mut || {
        ControlFlow::Continue(())
    })?);
    let len = pipeline.shape().iter().product();
    let (mut expected, mut found) = (vec![0.0; len], vec![0.0; len]);
    let mut histogram = vec![0_u64; 256];
    let (mut scratch, mut compared) = (Scratch::new(), 0);
    for file in files.iter().take(check) {
        let encoded = std::fs::read(file)?;
        pipeline.preprocess(&encoded, &mut scratch, &mut expected)?;
        decoder.preprocess(&encoded, &mut scratch, &mut found)?;
        for (a, b) in expected.iter().zip(&found) {
            histogram[level((a - b).abs())] += 1;
        }
        compared += 1;
    }
    let values: u64 = histogram.iter().sum();
    let sum: u64 = histogram.iter().zip(0_u64..).map(|(count, levels)| count * levels).sum();
    let most = histogram.iter().rposition(|&count| count > 0).unwrap_or(0);
    histogram.truncate(most + 1);
    let mean = sum as f64 / (values.max(1)) as f64;
    Ok(Differences { files: compared, values, equal: histogram[0], mean, most, histogram })
}

#[expect(clippy::cast_possible_truncation, reason = "levels are whole numbers up to 255")]
fn level(difference: f32) -> usize {
    difference.clamp(0.0, 255.0) as usize
}
