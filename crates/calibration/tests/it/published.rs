//! `tensorrt-faithful` gives the scales that stand in public calibration caches, digit by digit.
//!
//! Of each published value the kind of tensor is known, and which bin was chosen follows from its digits; the samples
//! behind it are not public.
//! So every test makes samples of that kind, in batches, and runs the whole method on them.

use calibrant_calibration::{Method, TensorStatistics};
use calibrant_format::{INT8, Range};

/// Values of a batch, of each channel of a picture.
const VALUES: usize = 20_000;
/// The largest `f32` below 1, at which a sigmoid stops short of saturation.
const ALMOST_ONE: f32 = 1.0 - f32::EPSILON / 2.0;

/// `n` numbers from 0 up to 1, the same on every machine.
fn uniform(n: usize, seed: u64) -> Vec<f64> {
    let unit = |index: u64| {
        let mut x =
            (seed << 32).wrapping_add(index).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^= x >> 31;
        (x >> 40) as f64 / (1 << 24) as f64
    };
    (0..n as u64).map(unit).collect()
}

/// `n` numbers around 0 with variance 1, from sums of twelve.
fn normal(n: usize, seed: u64) -> Vec<f64> {
    let mut sums = vec![-6.0; n];
    for part in 0..12 {
        sums.iter_mut().zip(uniform(n, seed * 12 + part)).for_each(|(sum, value)| *sum += value);
    }
    sums
}

#[expect(clippy::cast_possible_truncation, reason = "the rounding is meant")]
fn sigmoid(x: f64) -> f32 {
    1.0 / (1.0 + libm::expf(-x as f32))
}

/// Pixels of a photograph whose highlights are blown out.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn photograph(seed: u64) -> Vec<u8> {
    normal(VALUES, seed)
        .iter()
        .map(|z| (128.0 + 60.0 * z).round().clamp(0.0, 255.0) as u8)
        .collect()
}

/// Pixels of pen strokes on nothing, as in the sample pictures of digits: mostly 0, and many just below the top.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 251")]
fn strokes(seed: u64) -> Vec<u8> {
    let places = uniform(VALUES, seed).into_iter().zip(uniform(VALUES, seed + 1000));
    let pixel = |(place, shade)| match place {
        0.0..0.8 => 0,
        0.8..0.9 => (shade * 252.0) as u8,
        0.9..0.95 => 253,
        0.95..0.985 => 254,
        _ if shade < 0.6 => 252,
        _ => 255,
    };
    places.map(pixel).collect()
}

/// The three channels of a picture, each normalised in its own way.
fn channels(
    seed: u64,
    pixels: fn(u64) -> Vec<u8>,
    normalise: impl Fn(u8, usize) -> f32,
) -> Vec<f32> {
    let channel = |c: usize| pixels(3 * seed + c as u64).into_iter().map(move |pixel| (pixel, c));
    (0..3).flat_map(channel).map(|(pixel, channel)| normalise(pixel, channel)).collect()
}

/// Four batches.
fn batches(batch: impl Fn(u64) -> Vec<f32>) -> Vec<Vec<f32>> {
    (1..5).map(batch).collect()
}

fn magnitude(batch: &[f32]) -> f32 {
    batch.iter().fold(0f32, |most, value| most.max(value.abs()))
}

/// Calibrates with these batches and returns the scale as it stands in a cache.
fn cached(batches: &[Vec<f32>]) -> String {
    let mut seen = TensorStatistics::after_first_batch(magnitude(&batches[0]));
    batches.iter().for_each(|batch| seen.observe(batch).unwrap());
    let amax = seen.amax(Method::TensorrtFaithful, &INT8).unwrap();
    format!("{:x}", INT8.scale(Range::of_amax(amax).unwrap()).to_bits())
}

/// TensorRT 5.1 to 10.3: nothing is clipped, and the threshold lies half a bin above the last of 2048.
#[test]
fn a_saturated_sigmoid() {
    let gate = batches(|seed| normal(VALUES, seed).iter().map(|z| sigmoid(12.0 * z)).collect());
    assert_eq!(magnitude(&gate[0]), 1.0);
    assert_eq!(cached(&gate), "3c010a14");
    let constant = batches(|_| vec![1.0; 10]);
    assert_eq!(cached(&constant), "3c010a14");
}

/// TensorRT 7.2 and 8.4: the largest value is (1 - 0.406) / 0.225.
#[test]
fn a_photograph_normalised_for_imagenet() {
    let (mean, std) = ([0.485f32, 0.456, 0.406], [0.229f32, 0.224, 0.225]);
    let normalise = |pixel: u8, c: usize| (f32::from(pixel) / 255.0 - mean[c]) / std[c];
    assert_eq!(cached(&batches(|seed| channels(seed, photograph, normalise))), "3caa54fc");
}

/// TensorRT 7.2.
#[test]
fn a_photograph_of_8_bits() {
    let batches = batches(|seed| photograph(seed).into_iter().map(f32::from).collect());
    assert_eq!(cached(&batches), "4000890a");
}

/// The same at TensorRT 7.2, less the mean of each channel: 151 is 255 - 104.
#[test]
fn a_photograph_less_its_mean() {
    let less = |pixel: u8, c: usize| f32::from(pixel) - [104.0, 117.0, 123.0][c];
    assert_eq!(cached(&batches(|seed| channels(seed, photograph, less))), "3f9839e4");
}

/// The same where hardly a pixel is brighter than 249: what lies above 145 is clipped.
#[test]
fn a_photograph_less_its_mean_with_few_highlights() {
    let less = |pixel: u8, c: usize| f32::from(pixel) - [104.0, 117.0, 123.0][c];
    let dim = |seed: u64| {
        let pixels = photograph(seed).into_iter().zip(uniform(VALUES, 970 + seed));
        let dimmed = pixels.map(|(pixel, rare)| if rare < 0.999 { pixel.min(249) } else { pixel });
        dimmed.chain([255]).collect()
    };
    assert_eq!(cached(&batches(|seed| channels(seed, dim, less))), "3f9234fa");
}

/// TensorRT 7.0 (the digits of its own sample) and 10.3: of the levels of 8 bits in [0, 1] only the topmost is clipped.
#[test]
fn a_picture_of_8_bits_scaled_to_1() {
    let batches = batches(|seed| strokes(seed).iter().map(|&v| f32::from(v) / 255.0).collect());
    assert_eq!(cached(&batches), "3c008912");
}

/// TensorRT 5.1: the same picture divided by 256.
#[test]
fn a_picture_of_8_bits_scaled_to_almost_1() {
    let batches = batches(|seed| strokes(seed).iter().map(|&v| f32::from(v) / 256.0).collect());
    assert_eq!(cached(&batches), "3c000889");
}

/// The first batch stopped at 1 - 2^-24, and a single 1 in the last doubled the range.
#[test]
fn a_sigmoid_whose_range_doubled() {
    let mut gate = batches(|seed| {
        normal(VALUES, seed).iter().map(|z| sigmoid(5.0 * z - 6.0).min(ALMOST_ONE)).collect()
    });
    gate[0].push(ALMOST_ONE);
    gate[3].push(1.0);
    assert_eq!(cached(&gate), "3c011223");
}

/// The same where three values in ten are 1: the threshold lies 16 bins above all that was seen, where a level begins at
/// the bin of the ones.
/// That is so every 8 bins or thereabouts; which of these candidates wins depends on the other values, so the seeds matter
/// here.
#[test]
fn a_saturated_sigmoid_whose_range_doubled() {
    let mut gate = batches(|seed| {
        let values = normal(VALUES, 299 + seed).into_iter().zip(uniform(VALUES, 399 + seed));
        values.map(|(z, full)| if full < 0.3 { 1.0 } else { sigmoid(3.0 * z - 4.0) }).collect()
    });
    gate.insert(0, vec![0.5, ALMOST_ONE]);
    assert_eq!(cached(&gate), "3c03162b");
}

/// What TensorRT's users run into: batches of another size, or in another order, give other scales.
#[test]
fn the_first_batch_decides_and_the_order_of_the_others_does_not() {
    let mut gate = batches(|seed| {
        normal(VALUES, seed).iter().map(|z| sigmoid(5.0 * z - 6.0).min(ALMOST_ONE)).collect()
    });
    gate[0].push(ALMOST_ONE);
    gate[3].push(1.0);
    let whole = vec![gate.concat()];
    assert_eq!(cached(&whole), "3c010a14", "one batch");
    gate.swap(1, 3);
    assert_eq!(cached(&gate), "3c011223", "others in another order");
    gate.swap(0, 1);
    assert_eq!(cached(&gate), "3c010a14", "another first batch");
}
