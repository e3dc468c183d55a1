//! From luma and differences to interleaved pixels, 32 at a time.

use std::arch::aarch64::*;

use super::{halves, load_u8, load_u16, store_interleaved};
use crate::kernels::Rounding;

/// Pixels of a step.
const LANES: usize = 32;
/// Bytes of [`LANES`] pixels.
const STEP: usize = 3 * LANES;
/// Sums for [`LANES`] pixels.
const SUMS: usize = LANES / 2 + 2;

/// One component of [`LANES`] pixels.
type Samples = [uint8x16_t; 2];

/// [`RgbOfSums`](crate::kernels::RgbOfSums).
#[target_feature(enable = "neon")]
pub(super) fn of_sums(luma: &[u8], blue: &[u16], red: &[u16], rounding: Rounding, rgb: &mut [u8]) {
    let luma = luma.as_chunks().0;
    for (i, rgb) in rgb.chunks_mut(STEP).enumerate() {
        let at = i * LANES / 2;
        let (blue, red) = (between(blue, at, rounding), between(red, at, rounding));
        store_pixels(pixels(samples(&luma[i]), blue, red), rgb);
    }
}

/// [`RgbOfRows`](crate::kernels::RgbOfRows).
#[target_feature(enable = "neon")]
pub(super) fn of_rows(luma: &[u8], blue: &[u8], red: &[u8], rgb: &mut [u8]) {
    let (luma, blue, red) = (luma.as_chunks().0, blue.as_chunks().0, red.as_chunks().0);
    for (i, rgb) in rgb.chunks_mut(STEP).enumerate() {
        let pixels = pixels(samples(&luma[i]), samples(&blue[i]), samples(&red[i]));
        store_pixels(pixels, rgb);
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn samples(bytes: &[u8; LANES]) -> Samples {
    let [first, second] = halves(bytes);
    [load_u8(first), load_u8(second)]
}

/// Differences between the sums of neighbours, three parts of the nearer one.
#[inline]
#[target_feature(enable = "neon")]
fn between(sums: &[u16], at: usize, rounding: Rounding) -> Samples {
    let sums = sums[at..].first_chunk().expect("sums are readable up to whole vectors");
    let (round_even, round_odd) = (vdupq_n_u16(rounding.even), vdupq_n_u16(rounding.odd));
    let mixed = |at, neighbour, rounding| {
        vmlaq_n_u16(vaddq_u16(eight(sums, neighbour), rounding), eight(sums, at), 3)
    };
    let even = vshrn_n_u16::<4>(mixed(1, 0, round_even));
    let even = vshrn_high_n_u16::<4>(even, mixed(9, 8, round_even));
    let odd = vshrn_n_u16::<4>(mixed(1, 2, round_odd));
    let odd = vshrn_high_n_u16::<4>(odd, mixed(9, 10, round_odd));
    [vzip1q_u8(even, odd), vzip2q_u8(even, odd)]
}

#[inline]
#[target_feature(enable = "neon")]
fn eight(sums: &[u16; SUMS], at: usize) -> uint16x8_t {
    load_u16(sums[at..].first_chunk().expect("the places are constants"))
}

/// Stores pixels, of the last ones what the row has room for.
#[inline]
#[target_feature(enable = "neon")]
fn store_pixels([first, second]: [uint8x16x3_t; 2], rgb: &mut [u8]) {
    let store = |to: &mut [u8; STEP]| {
        let [to_first, to_second] = to.as_chunks_mut().0 else {
            unreachable!("96 bytes are twice 48");
        };
        store_interleaved(first, to_first);
        store_interleaved(second, to_second);
    };
    if let Some(rgb) = rgb.first_chunk_mut() {
        return store(rgb);
    }
    let mut last = [0; STEP];
    store(&mut last);
    rgb.copy_from_slice(&last[..rgb.len()]);
}

/// Returns red, green and blue.
#[inline]
#[target_feature(enable = "neon")]
fn pixels(luma: Samples, blue: Samples, red: Samples) -> [uint8x16x3_t; 2] {
    [sixteen(luma[0], blue[0], red[0]), sixteen(luma[1], blue[1], red[1])]
}

#[inline]
#[target_feature(enable = "neon")]
fn sixteen(luma: uint8x16_t, blue: uint8x16_t, red: uint8x16_t) -> uint8x16x3_t {
    let centre = vdup_n_u8(128);
    let low = colours(
        vmovl_u8(vget_low_u8(luma)),
        vsubl_u8(vget_low_u8(blue), centre),
        vsubl_u8(vget_low_u8(red), centre),
    );
    let centre = vdupq_n_u8(128);
    let high =
        colours(vmovl_high_u8(luma), vsubl_high_u8(blue, centre), vsubl_high_u8(red, centre));
    uint8x16x3_t(
        vqmovun_high_s16(vqmovun_s16(low[0]), high[0]),
        vqmovun_high_s16(vqmovun_s16(low[1]), high[1]),
        vqmovun_high_s16(vqmovun_s16(low[2]), high[2]),
    )
}

/// Returns red, green and blue before they are cut to bytes.
///
/// `scalar::pixel` with the whole multiples taken out of its constants for red and blue, so that
/// the rest fits 16 bits; these round by one more bit, as a product's upper half drops it.
#[inline]
#[target_feature(enable = "neon")]
fn colours(luma: uint16x8_t, blue: uint16x8_t, red: uint16x8_t) -> [int16x8_t; 3] {
    let luma = vreinterpretq_s16_u16(luma);
    let (blue, red) = (vreinterpretq_s16_u16(blue), vreinterpretq_s16_u16(red));
    // 91881 = 65536 + 26345
    let r = vrsraq_n_s16::<1>(vaddq_s16(luma, red), vqdmulhq_n_s16(red, 26_345));
    // 116130 = 2 · 65536 - 14942
    let blue_twice = vaddq_s16(blue, blue);
    let b = vrsraq_n_s16::<1>(vaddq_s16(luma, blue_twice), vqdmulhq_n_s16(blue, -14_942));
    // Half of -22554 and of -46802, with 15 bits behind the point.
    let low = vmull_n_s16(vget_low_s16(blue), -11_277);
    let low = vmlal_n_s16(low, vget_low_s16(red), -23_401);
    let high = vmlal_high_n_s16(vmull_high_n_s16(blue, -11_277), red, -23_401);
    let g = vrshrn_high_n_s32::<15>(vrshrn_n_s32::<15>(low), high);
    [r, vaddq_s16(luma, g), b]
}
