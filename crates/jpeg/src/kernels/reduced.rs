//! Transforms of a block into fewer samples than it was made of: `jidctred.c` of libjpeg-turbo.
//!
//! Each sample is the mean of a square of those that the whole transform makes, before they are
//! rounded and cut at 0 and 255; frequencies that vanish in the mean are left out. Where values
//! overflow that no encoder writes, sums wrap and results saturate.

use super::scalar::sample;
use super::{Plane, Quantization};
use crate::entropy::Block;

/// Transforms blocks side by side into squares of `side` samples, the first at a place of the
/// plane; `lengths` are those of the coefficients up to the last that is not zero.
///
/// The side is 4, 2 or 1.
pub(crate) type Reduce =
    fn(&[Block], lengths: &[u8], side: usize, &Quantization, &mut Plane<'_>, at: usize);

/// [`Reduce`], to be compiled for several processors.
#[inline(always)]
pub(crate) fn reduce(
    blocks: &[Block],
    lengths: &[u8],
    side: usize,
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: usize,
) {
    for (i, (block, &length)) in blocks.iter().zip(lengths).enumerate() {
        let at = at + side * i;
        match side {
            4 if length == 1 => put([[mean(block, steps); 4]; 4], plane, at),
            4 => put(four(block, steps), plane, at),
            2 => put(two(block, steps), plane, at),
            _ => plane.samples[at] = one(block, steps),
        }
    }
}

/// The mean of a block; here libjpeg-turbo has no vectors, multiplies in full, and looks the sample
/// up by the ten lowest bits.
#[inline(always)]
fn one(block: &Block, steps: &Quantization) -> u8 {
    let eight_times = i32::from(block.0[0]) * i32::from(steps[0]);
    let mean = (eight_times + 4) >> 3;
    sample(saturate(mean << 22 >> 22))
}

/// What [`four`] makes of a block of one coefficient.
#[inline(always)]
pub(crate) fn mean(block: &Block, steps: &Quantization) -> u8 {
    let shifted = i32::from(block.0[0].wrapping_mul(steps[0]).wrapping_shl(2));
    sample(saturate((shifted + 16) >> 5))
}

#[inline(always)]
pub(crate) fn put<const N: usize>(samples: [[u8; N]; N], plane: &mut Plane<'_>, at: usize) {
    for (y, row) in samples.iter().enumerate() {
        plane.samples[at + y * plane.stride..][..N].copy_from_slice(row);
    }
}

/// Eight columns at once.
type Row = [i32; 8];

#[inline(always)]
fn dequantized(block: &Block, steps: &Quantization, y: usize) -> Row {
    std::array::from_fn(|x| block.0[8 * y + x].wrapping_mul(steps[8 * y + x]).into())
}

#[inline(always)]
pub(crate) fn four(block: &Block, steps: &Quantization) -> [[u8; 4]; 4] {
    let row = |y| dequantized(block, steps, y);
    if has_first_row_only(block) {
        return [finish_4(row(0).map(|value| wrapped(value << 2))); 4];
    }
    let (even, odd) = ([row(0), row(2), row(6)], [row(1), row(3), row(5), row(7)]);
    let mut between = [[0; 8]; 4];
    for x in 0..8 {
        let column = pass_4::<12>(even.map(|row| row[x]), odd.map(|row| row[x]));
        for (row, value) in between.iter_mut().zip(column) {
            row[x] = value.into();
        }
    }
    between.map(finish_4)
}

/// Returns whether no row but the first counts; libjpeg-turbo then shifts it without regard to
/// overflow.
#[inline(always)]
pub(crate) fn has_first_row_only(block: &Block) -> bool {
    let (rows, _) = block.0.as_chunks::<8>();
    let any = |y: usize| rows[y].iter().fold(0, |any, &value| any | value);
    (any(1) | any(2) | any(3) | any(5) | any(6) | any(7)) == 0
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "it is what is asked for")]
fn wrapped(value: i32) -> i32 {
    i32::from(value as i16)
}

#[inline(always)]
fn finish_4(v: Row) -> [u8; 4] {
    pass_4::<19>([v[0], v[2], v[6]], [v[1], v[3], v[5], v[7]]).map(sample)
}

#[inline(always)]
fn two(block: &Block, steps: &Quantization) -> [[u8; 2]; 2] {
    let row = |y| dequantized(block, steps, y);
    let (even, odd) = (row(0), [row(1), row(3), row(5), row(7)]);
    let mut between = [[0; 8]; 2];
    for x in 0..8 {
        let column = pass_2::<13>(even[x], odd.map(|row| row[x]));
        for (row, value) in between.iter_mut().zip(column) {
            row[x] = value.into();
        }
    }
    between.map(|v| pass_2::<20>(v[0], [v[1], v[3], v[5], v[7]]).map(sample))
}

/// Four values of eight, of which the fifth does not count.
#[inline(always)]
fn pass_4<const SHIFT: i32>(even: [i32; 3], odd: [i32; 4]) -> [i16; 4] {
    let mean = even[0] << 14;
    let turned = sum([even[1], even[2]], [15_137, -6_270]);
    let (outer, inner) = (mean.wrapping_add(turned), mean.wrapping_sub(turned));
    let near = sum(odd, [8_697, -17_799, 11_893, -1_730]);
    let far = sum(odd, [20_995, 7_373, -4_926, -4_176]);
    [
        outer.wrapping_add(far),
        inner.wrapping_add(near),
        inner.wrapping_sub(near),
        outer.wrapping_sub(far),
    ]
    .map(rounded::<SHIFT>)
}

/// Two values of eight, of which the odd ones and the first count.
#[inline(always)]
fn pass_2<const SHIFT: i32>(first: i32, odd: [i32; 4]) -> [i16; 2] {
    let (mean, odd) = (first << 15, sum(odd, [29_692, -10_426, 6_967, -5_906]));
    [mean.wrapping_add(odd), mean.wrapping_sub(odd)].map(rounded::<SHIFT>)
}

#[inline(always)]
fn sum<const N: usize>(values: [i32; N], weights: [i32; N]) -> i32 {
    let mut sum = 0_i32;
    for i in 0..N {
        sum = sum.wrapping_add(values[i].wrapping_mul(weights[i]));
    }
    sum
}

#[inline(always)]
fn rounded<const SHIFT: i32>(sum: i32) -> i16 {
    saturate(sum.wrapping_add(1 << (SHIFT - 1)) >> SHIFT)
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn saturate(value: i32) -> i16 {
    value.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}
