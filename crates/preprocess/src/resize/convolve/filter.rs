//! The filters of Pillow and torchvision, and how each turns its weights into whole numbers.

use std::f64::consts::PI;

use super::super::taps::Taps;

/// A filter, how far it reaches when nothing is reduced, and whose rules it follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filter {
    weight: fn(f64) -> f64,
    support: f64,
    pub(super) rules: Rules,
}

/// Whose precision the weights have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// `PRECISION_BITS` of `Resample.c`: 22 bits after the point, 32 − 8 − 2.
    Pillow,
    /// As many bits after the point as let the largest weight of the axis fit 16 bits.
    Torch,
}

const fn pillow(weight: fn(f64) -> f64, support: f64) -> Filter {
    Filter { weight, support, rules: Rules::Pillow }
}

const fn torch(weight: fn(f64) -> f64, support: f64) -> Filter {
    Filter { weight, support, rules: Rules::Torch }
}

/// Pillow's `BILINEAR`.
pub(crate) const PIL_BILINEAR: Filter = pillow(triangle, 1.0);
/// Pillow's `BICUBIC`.
pub(crate) const PIL_BICUBIC: Filter = pillow(cubic, 2.0);
/// Pillow's `LANCZOS`.
pub(crate) const PIL_LANCZOS: Filter = pillow(lanczos, 3.0);
/// Pillow's `BOX`.
pub(crate) const PIL_BOX: Filter = pillow(within, 0.5);
/// Pillow's `HAMMING`.
pub(crate) const PIL_HAMMING: Filter = pillow(hamming, 1.0);
/// torchvision's `BILINEAR` on uint8 tensors.
pub(crate) const TV_BILINEAR: Filter = torch(triangle, 1.0);
/// torchvision's `BICUBIC` on uint8 tensors.
pub(crate) const TV_BICUBIC: Filter = torch(cubic, 2.0);
/// torchvision's `LANCZOS` on uint8 tensors.
pub(crate) const TV_LANCZOS: Filter = torch(lanczos, 3.0);

fn triangle(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 { 1.0 - x } else { 0.0 }
}

/// Keys' cubic with a = −0.5.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

fn lanczos(x: f64) -> f64 {
    if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * PI;
    x.sin() / x
}

/// 1 from −½, exclusive, to ½.
fn within(x: f64) -> f64 {
    if x > -0.5 && x <= 0.5 { 1.0 } else { 0.0 }
}

fn hamming(x: f64) -> f64 {
    // The constants are f32 in Pillow.
    let (offset, swing) = (f64::from(0.54_f32), f64::from(0.46_f32));
    let x = x.abs();
    if x == 0.0 {
        1.0
    } else if x >= 1.0 {
        0.0
    } else {
        let x = x * PI;
        x.sin() / x * (offset + swing * x.cos())
    }
}

/// An axis that is resized: its lengths, and which output positions are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) start: u32,
    pub(super) count: u32,
}

impl Filter {
    /// Computes the taps of the wanted positions, and returns the bits after their point.
    ///
    /// It is `precompute_coeffs` of Pillow, and `_compute_index_ranges_int16_weights` of ATen.
    #[expect(clippy::cast_possible_truncation, reason = "weights are below 2 in 22 or 14 bits")]
    pub(super) fn prepare(self, axis: Axis, taps: &mut Taps<i32>, scratch: &mut Vec<f64>) -> u32 {
        let precision = match self.rules {
            Rules::Pillow => 22,
            Rules::Torch => self.precision(axis, scratch),
        };
        let one = f64::from(1 << precision);
        taps.clear();
        for d in axis.start..axis.start + axis.count {
            let first = self.weights(axis, d, scratch);
            let fixed = |w: &f64| (w * one + if *w < 0.0 { -0.5 } else { 0.5 }) as i32;
            taps.push(first, scratch.iter().map(fixed));
        }
        precision
    }

    /// Returns the bits after the point that ATen gives the weights of a whole axis.
    ///
    /// Where nothing is reduced the largest weight is 1, or above it and below 2 at the border.
    #[expect(clippy::cast_possible_truncation, reason = "C truncates here too")]
    fn precision(self, axis: Axis, scratch: &mut Vec<f64>) -> u32 {
        const LARGEST: i32 = 1 << 15;
        if axis.to >= axis.from {
            return 14;
        }
        let mut largest = 0.0_f64;
        for d in 0..axis.to {
            self.weights(axis, d, scratch);
            largest = scratch.iter().fold(largest, |largest, w| largest.max(*w));
        }
        let overflows = |bits: &u32| (0.5 + largest * f64::from(1 << (bits + 1))) as i32 >= LARGEST;
        (0..22).find(overflows).unwrap_or(22)
    }

    /// Writes the normalised weights of output position `d`; returns the first source position.
    #[expect(clippy::cast_possible_truncation, reason = "positions are clamped to the picture")]
    fn weights(self, Axis { from, to, .. }: Axis, d: u32, weights: &mut Vec<f64>) -> usize {
        let scale = f64::from(from) / f64::from(to);
        let stretch = scale.max(1.0);
        let support = self.support * stretch;
        let per_px = 1.0 / stretch;
        let centre = (f64::from(d) + 0.5) * scale;
        let first = ((centre - support + 0.5) as i64).max(0);
        let end = ((centre + support + 0.5) as i64).min(i64::from(from));
        weights.clear();
        weights.extend((first..end).map(|s| (self.weight)((s as f64 - centre + 0.5) * per_px)));
        let sum: f64 = weights.iter().fold(0.0, |sum, w| sum + w);
        if sum != 0.0 {
            weights.iter_mut().for_each(|w| *w /= sum);
        }
        first as usize
    }
}
