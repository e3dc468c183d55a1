//! Every kernel against its scalar twin, and the twins against what they stand for.

use proptest::prelude::*;

use super::*;

/// The kernels of this processor; without any but the scalar ones there is nothing to compare.
fn kernels() -> &'static Kernels {
    Kernels::best()
}

#[cfg(target_arch = "aarch64")]
#[test]
fn this_processor_has_vectors() {
    assert!(!std::ptr::eq(kernels(), &raw const scalar::KERNELS));
}

fn block(values: &[i16]) -> Block {
    Block(std::array::from_fn(|i| values[i]))
}

/// Coefficients and steps as encoders write them, and any.
fn coefficients() -> impl Strategy<Value = (Vec<i16>, Vec<i16>)> {
    prop_oneof![
        (prop::collection::vec(-60..60_i16, 128), prop::collection::vec(1..32_i16, 64)),
        (prop::collection::vec(-2048..2048_i16, 128), prop::collection::vec(1..256_i16, 64)),
        (prop::collection::vec(any::<i16>(), 128), prop::collection::vec(any::<i16>(), 64)),
    ]
}

fn transformed(idct: Idct, blocks: [&Block; 2], steps: &Quantization) -> Vec<u8> {
    let (mut samples, stride) = (vec![7; 24 * 9], 24);
    idct(blocks, steps, &mut Plane { samples: &mut samples, stride }, [0, 8 + stride]);
    samples
}

/// A sample of the inverse cosine transform, not rounded.
fn real(block: &Block, steps: &Quantization, x: usize, y: usize) -> f64 {
    use std::f64::consts::{FRAC_1_SQRT_2, PI};
    let wave = |u: usize, x: usize| {
        let scale = if u == 0 { FRAC_1_SQRT_2 } else { 1.0 };
        scale * ((2 * x + 1) as f64 * u as f64 * PI / 16.0).cos() / 2.0
    };
    let value = |i: usize| f64::from(block.0[i]) * f64::from(steps[i]);
    128.0 + (0..64).map(|i| value(i) * wave(i % 8, x) * wave(i / 8, y)).sum::<f64>()
}

proptest! {
    #[test]
    fn transforms_match_scalar((values, steps) in coefficients()) {
        let steps = std::array::from_fn(|i| steps[i]);
        let blocks = [&block(&values), &block(&values[64..])];
        let expected = transformed(scalar::idct, blocks, &steps);
        prop_assert_eq!(transformed(kernels().idct, blocks, &steps), expected);
    }

    #[test]
    fn transforms_of_a_quarter_match_scalar((values, steps) in coefficients()) {
        let steps = std::array::from_fn(|i| steps[i]);
        let quarter = |values: &[i16]| {
            Block(std::array::from_fn(|i| if i % 8 < 4 && i < 32 { values[i] } else { 0 }))
        };
        let blocks = [&quarter(&values), &quarter(&values[64..])];
        let expected = transformed(scalar::idct, blocks, &steps);
        prop_assert_eq!(transformed(kernels().idct_quarter, blocks, &steps), expected);
    }

    #[test]
    fn short_transforms_match_scalar((values, steps) in coefficients(), side in 0..3_usize) {
        let side = 1 << side;
        let steps = std::array::from_fn(|i| steps[i]);
        let first_row = Block(std::array::from_fn(|i| if i < 8 { values[i] } else { 0 }));
        // Two that go together, and one that is left.
        let blocks = [block(&values), first_row, block(&values[64..]), first_row, block(&values)];
        let lengths = [64, 7, 64, 1, 64];
        let [found, expected] = [kernels().reduce, scalar::KERNELS.reduce].map(|reduce| {
            let (mut samples, stride) = (vec![7; 90], 22);
            reduce(&blocks, &lengths, side, &steps, &mut Plane { samples: &mut samples, stride }, 1);
            samples
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn short_transforms_are_near_the_means_of_the_real_one(
        values in prop::collection::vec(-60..60_i16, 64),
        steps in prop::collection::vec(1..8_i16, 64),
        side in 0..3_usize,
    ) {
        let side = 1 << side;
        let (block, steps) = (block(&values), std::array::from_fn(|i| steps[i]));
        let mut samples = vec![0; side * side];
        let mut plane = Plane { samples: &mut samples, stride: side };
        (scalar::KERNELS.reduce)(&[block], &[64], side, &steps, &mut plane, 0);
        let square = 8 / side;
        for (i, &sample) in samples.iter().enumerate() {
            let (left, top) = (i % side * square, i / side * square);
            let places = (0..square * square).map(|i| (left + i % square, top + i / square));
            let sum: f64 = places.map(|(x, y)| real(&block, &steps, x, y)).sum();
            let mean = (sum / (square * square) as f64).clamp(0.0, 255.0);
            prop_assert!((mean - f64::from(sample)).abs() < 1.0, "{sample} for {mean}");
        }
    }

    #[test]
    fn rows_match_scalar(
        width in 1..200_usize,
        even in 0..16_u16,
        odd in 0..16_u16,
        seed in prop::collection::vec(any::<u8>(), 256),
    ) {
        let readable = width.next_multiple_of(LANES);
        let bytes = |n: usize, from: usize| -> Vec<u8> {
            (0..n).map(|i| seed[(i * (2 * from + 1) + from * 37) % 256]).collect()
        };
        let (luma, near, far) = (bytes(readable, 0), bytes(readable + 2, 1), bytes(readable + 2, 2));
        let mut rgb = [vec![0; 3 * width], vec![0; 3 * width]];
        let sums = [0, 1].map(|i| {
            let mut sums = [vec![0; readable / 2 + 2], vec![0; readable / 2 + 2]];
            (kernels().sums)(&near[i..], &far[i..], &mut sums[0]);
            scalar::sums(&near[i..], &far[i..], &mut sums[1]);
            assert_eq!(sums[0], sums[1]);
            sums[0].clone()
        });
        let rounding = Rounding { even, odd };
        (kernels().rgb_of_sums)(&luma, &sums[0], &sums[1], rounding, &mut rgb[0]);
        scalar::rgb_of_sums(&luma, &sums[0], &sums[1], rounding, &mut rgb[1]);
        prop_assert_eq!(&rgb[0], &rgb[1]);
        (kernels().rgb_of_rows)(&luma, &near, &far, &mut rgb[0]);
        scalar::rgb_of_rows(&luma, &near, &far, &mut rgb[1]);
        prop_assert_eq!(&rgb[0], &rgb[1]);
    }

    #[test]
    fn copying_matches_scalar(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..400_usize) {
        let mut bytes = bytes;
        if let Some(byte) = bytes.get_mut(at) {
            *byte = 0xff;
        }
        let copied = |copy: CopyClean| {
            let mut to = vec![7; bytes.len() + 32];
            let clean = copy(&bytes, &mut to);
            to.truncate(clean);
            to
        };
        let expected = copied(scalar::copy_clean);
        prop_assert_eq!(&copied(kernels().copy_clean), &expected);
        prop_assert_eq!(&bytes[..expected.len()], &expected);
    }
}

/// All colours, so that the constants are right where they round.
#[test]
fn every_difference_gives_its_scalar_colour() {
    for blue in 0..=255 {
        let reds: Vec<u8> = (0..=255).collect();
        let blues = [blue; 256];
        for luma in [0, 1, 77, 128, 200, 254, 255] {
            let mut rgb = [vec![0; 768], vec![0; 768]];
            (kernels().rgb_of_rows)(&[luma; 256], &blues, &reds, &mut rgb[0]);
            scalar::rgb_of_rows(&[luma; 256], &blues, &reds, &mut rgb[1]);
            assert_eq!(rgb[0], rgb[1], "luma {luma} blue {blue}");
        }
    }
}

/// The transform as the standard defines it, in floating point.
#[test]
fn the_scalar_transform_is_near_the_real_one() {
    let values: Vec<i16> =
        (0..64).map(|i: i16| (i * 37 % 101 - 50) * i16::from(i % 3 == 0)).collect();
    let block = block(&values);
    let plane = transformed(scalar::idct, [&block; 2], &[2; 64]);
    for (x, y) in (0..64).map(|i| (i % 8, i / 8)) {
        let expected = real(&block, &[2; 64], x, y).clamp(0.0, 255.0);
        assert!((f64::from(plane[24 * y + x]) - expected).abs() < 1.0, "at {x} {y}");
    }
}
