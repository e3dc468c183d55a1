//! Every version of every kernel that this processor runs against its scalar twin, and the twins
//! against what they stand for.

use proptest::prelude::*;

use super::*;
use crate::entropy::NATURAL;

#[cfg(target_arch = "aarch64")]
#[test]
fn this_processor_has_vectors() {
    assert!(!std::ptr::eq(Kernels::best(), &raw const scalar::KERNELS));
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

/// The number of coefficients up to the last that is not zero.
fn length(block: &Block) -> u8 {
    let last = (1..64).rev().find(|&k| block.0[usize::from(NATURAL[k])] != 0);
    u8::try_from(last.unwrap_or(0)).unwrap() + 1
}

/// The samples of wanted blocks side by side.
fn transformed(
    kernels: &Kernels,
    blocks: &[Block],
    wanted: &[bool],
    steps: &Quantization,
) -> Vec<Vec<u8>> {
    let stride = 8 * blocks.len() + 3;
    let mut samples = vec![7; 8 * stride];
    let lengths: Vec<u8> = blocks.iter().map(length).collect();
    let mut plane = Plane { samples: &mut samples, stride };
    (kernels.transform)(blocks, &lengths, wanted, steps, &mut plane, 2);
    let rows = samples.chunks_exact(stride);
    assert!(rows.clone().all(|row| row[..2] == [7; 2] && row[stride - 1] == 7), "margins");
    let row = |row: &[u8]| {
        let all = row[2..].as_chunks::<8>().0.iter().zip(wanted);
        all.filter(|(_, wanted)| **wanted).flat_map(|(samples, _)| *samples).collect()
    };
    rows.map(row).collect()
}

/// What the whole transform makes of a block.
fn plain(block: &Block, steps: &Quantization) -> Vec<u8> {
    let mut samples = vec![0; 64];
    scalar::idct([block; 2], steps, &mut Plane { samples: &mut samples, stride: 8 }, [0; 2]);
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
    fn transforms_match_scalar(
        (values, steps) in coefficients(),
        kinds in prop::collection::vec((0..5_usize, 0..65_usize, any::<bool>()), 1..14),
        all: bool,
    ) {
        let steps = std::array::from_fn(|i| steps[i]);
        let block = |&(kind, from, _): &(usize, usize, bool)| {
            let is_there = |i: usize| match kind {
                0 => i == 0,
                1 => i < 8,
                2 => i % 8 < 4 && i / 8 < 4 && i % 8 + i / 8 < 4,
                3 => i % 8 < 4 && i < 32,
                _ => true,
            };
            Block(std::array::from_fn(|i| if is_there(i) { values[from + i] } else { 0 }))
        };
        // Of runs of one kind, and of mixed ones.
        let kind = kinds[0].0;
        let blocks: Vec<Block> =
            kinds.iter().map(|&(k, from, _)| block(&(if all { kind } else { k }, from, all))).collect();
        let wanted: Vec<bool> = kinds.iter().map(|&(_, _, wanted)| wanted).collect();
        let expected = transformed(&scalar::KERNELS, &blocks, &wanted, &steps);
        for kernels in Kernels::all() {
            prop_assert_eq!(&transformed(kernels, &blocks, &wanted, &steps), &expected);
        }
    }

    #[test]
    fn shapes_change_nothing_that_encoders_write(
        values in prop::collection::vec(-60..60_i16, 64),
        steps in prop::collection::vec(1..32_i16, 64),
        length in 1..65_usize,
    ) {
        let steps = std::array::from_fn(|i| steps[i]);
        let mut block = Block([0; 64]);
        for &place in &NATURAL[..length] {
            block.0[usize::from(place)] = values[usize::from(place)];
        }
        let found = transformed(&scalar::KERNELS, &[block], &[true], &steps).concat();
        prop_assert_eq!(found, plain(&block, &steps));
    }

    #[test]
    fn short_transforms_match_scalar((values, steps) in coefficients(), side in 0..3_usize) {
        let side = 1 << side;
        let steps = std::array::from_fn(|i| steps[i]);
        let first_row = Block(std::array::from_fn(|i| if i < 8 { values[i] } else { 0 }));
        // Two that go together, and one that is left.
        let blocks = [block(&values), first_row, block(&values[64..]), first_row, block(&values)];
        let lengths = [64, 7, 64, 1, 64];
        let reduced = |kernels: &Kernels| {
            let (mut samples, stride) = (vec![7; 90], 22);
            let mut plane = Plane { samples: &mut samples, stride };
            (kernels.reduce)(&blocks, &lengths, side, &steps, &mut plane, 1);
            samples
        };
        for kernels in Kernels::all() {
            prop_assert_eq!(reduced(kernels), reduced(&scalar::KERNELS));
        }
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
        let rounding = Rounding { even, odd };
        let made = |kernels: &Kernels| {
            let sums = [0, 1].map(|i| {
                let mut sums = vec![0; readable / 2 + 2];
                (kernels.sums)(&near[i..], &far[i..], &mut sums);
                sums
            });
            let mut rgb = [vec![0; 3 * width], vec![0; 3 * width]];
            (kernels.rgb_of_sums)(&luma, &sums[0], &sums[1], rounding, &mut rgb[0]);
            (kernels.rgb_of_rows)(&luma, &near, &far, &mut rgb[1]);
            (sums, rgb)
        };
        for kernels in Kernels::all() {
            prop_assert_eq!(made(kernels), made(&scalar::KERNELS));
        }
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
        for kernels in Kernels::all() {
            prop_assert_eq!(&copied(kernels.copy_clean), &expected);
        }
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
            let colours = |kernels: &Kernels| {
                let mut rgb = vec![0; 768];
                (kernels.rgb_of_rows)(&[luma; 256], &blues, &reds, &mut rgb);
                rgb
            };
            let expected = colours(&scalar::KERNELS);
            for kernels in Kernels::all() {
                assert_eq!(colours(kernels), expected, "luma {luma} blue {blue}");
            }
        }
    }
}

/// The transform as the standard defines it, in floating point.
#[test]
fn the_scalar_transform_is_near_the_real_one() {
    let values: Vec<i16> =
        (0..64).map(|i: i16| (i * 37 % 101 - 50) * i16::from(i % 3 == 0)).collect();
    let block = block(&values);
    let samples = plain(&block, &[2; 64]);
    for (x, y) in (0..64).map(|i| (i % 8, i / 8)) {
        let expected = real(&block, &[2; 64], x, y).clamp(0.0, 255.0);
        assert!((f64::from(samples[8 * y + x]) - expected).abs() < 1.0, "at {x} {y}");
    }
}
