//! From luma and differences to interleaved pixels, 32 at a time.
//!
//! Even and odd pixels are computed apart, in 16 bits: that is how two of them share their
//! differences, and a row of luma splits so without a shuffle.

use std::arch::x86_64::*;

use super::{load, store};
use crate::kernels::Rounding;

/// Pixels of a step.
const LANES: usize = 32;
/// Bytes of [`LANES`] pixels.
const STEP: usize = 3 * LANES;

/// Values of 16 even pixels and of the 16 odd ones between them.
#[derive(Clone, Copy)]
struct Split {
    even: __m256i,
    odd: __m256i,
}

impl Split {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn of(bytes: &[u8; LANES]) -> Self {
        let bytes = load(bytes);
        let even = _mm256_and_si256(bytes, _mm256_set1_epi16(0xff));
        Self { even, odd: _mm256_srli_epi16::<8>(bytes) }
    }

    /// Differences between the sums of neighbours, three parts of the nearer one.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn between(sums: &[u16], at: usize, rounding: Rounding) -> Self {
        let (before, this, after) =
            (sixteen(sums, at), sixteen(sums, at + 1), sixteen(sums, at + 2));
        let thrice = _mm256_add_epi16(_mm256_add_epi16(this, this), this);
        let round_even = _mm256_set1_epi16(rounding.even.cast_signed());
        let round_odd = _mm256_set1_epi16(rounding.odd.cast_signed());
        let even = _mm256_add_epi16(_mm256_add_epi16(thrice, before), round_even);
        let odd = _mm256_add_epi16(_mm256_add_epi16(thrice, after), round_odd);
        Self { even: _mm256_srli_epi16::<4>(even), odd: _mm256_srli_epi16::<4>(odd) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn sixteen(sums: &[u16], at: usize) -> __m256i {
    load::<[u16; 16]>(sums[at..].first_chunk().expect("sums are readable up to whole vectors"))
}

/// [`RgbOfSums`](crate::kernels::RgbOfSums).
#[target_feature(enable = "avx2")]
pub(super) fn of_sums(luma: &[u8], blue: &[u16], red: &[u16], rounding: Rounding, rgb: &mut [u8]) {
    let lumas = luma.as_chunks::<LANES>().0;
    let (steps, rest) = rgb.as_chunks_mut::<STEP>();
    for (i, rgb) in steps.iter_mut().enumerate() {
        let at = i * LANES / 2;
        let (blue, red) = (Split::between(blue, at, rounding), Split::between(red, at, rounding));
        store_pixels(Split::of(&lumas[i]), blue, red, rgb);
    }
    if !rest.is_empty() {
        let (i, mut last) = (steps.len(), [0; STEP]);
        let at = i * LANES / 2;
        let (blue, red) = (Split::between(blue, at, rounding), Split::between(red, at, rounding));
        store_pixels(Split::of(&lumas[i]), blue, red, &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// [`RgbOfRows`](crate::kernels::RgbOfRows).
#[target_feature(enable = "avx2")]
pub(super) fn of_rows(luma: &[u8], blue: &[u8], red: &[u8], rgb: &mut [u8]) {
    let luma = luma.as_chunks::<LANES>().0;
    let (blue, red) = (blue.as_chunks::<LANES>().0, red.as_chunks::<LANES>().0);
    let (steps, rest) = rgb.as_chunks_mut::<STEP>();
    for (i, rgb) in steps.iter_mut().enumerate() {
        store_pixels(Split::of(&luma[i]), Split::of(&blue[i]), Split::of(&red[i]), rgb);
    }
    if !rest.is_empty() {
        let (i, mut last) = (steps.len(), [0; STEP]);
        store_pixels(Split::of(&luma[i]), Split::of(&blue[i]), Split::of(&red[i]), &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_pixels(luma: Split, blue: Split, red: Split, rgb: &mut [u8; STEP]) {
    let even = colours(luma.even, blue.even, red.even);
    let odd = colours(luma.odd, blue.odd, red.odd);
    let mut planes = [_mm256_setzero_si256(); 3];
    for i in 0..3 {
        // In either half the eight even pixels come first, then the odd ones.
        planes[i] = _mm256_packus_epi16(even[i], odd[i]);
    }
    interleave(planes, rgb);
}

/// Returns red, green and blue before they are cut to bytes.
///
/// `scalar::pixel` with the whole multiples taken out of its constants, so that the rest fits 16
/// bits; red and blue round by one more bit, as a product's upper half drops it.
#[inline]
#[target_feature(enable = "avx2")]
fn colours(luma: __m256i, blue: __m256i, red: __m256i) -> [__m256i; 3] {
    let centre = _mm256_set1_epi16(128);
    let (blue, red) = (_mm256_sub_epi16(blue, centre), _mm256_sub_epi16(red, centre));
    let (blue_twice, red_twice) = (_mm256_add_epi16(blue, blue), _mm256_add_epi16(red, red));
    let one = _mm256_set1_epi16(1);
    // 91881 = 65536 + 26345
    let r = _mm256_mulhi_epi16(red_twice, _mm256_set1_epi16(26_345));
    let r = _mm256_add_epi16(_mm256_srai_epi16::<1>(_mm256_add_epi16(r, one)), red);
    // 116130 = 2 · 65536 - 14942
    let b = _mm256_mulhi_epi16(blue_twice, _mm256_set1_epi16(-14_942));
    let b = _mm256_add_epi16(_mm256_srai_epi16::<1>(_mm256_add_epi16(b, one)), blue_twice);
    // -22554, and -46802 = 18734 - 65536
    let weights = _mm256_set1_epi32(18_734 << 16 | (-22_554 & 0xffff));
    let half = _mm256_set1_epi32(1 << 15);
    let low = _mm256_madd_epi16(_mm256_unpacklo_epi16(blue, red), weights);
    let high = _mm256_madd_epi16(_mm256_unpackhi_epi16(blue, red), weights);
    let low = _mm256_srai_epi32::<16>(_mm256_add_epi32(low, half));
    let high = _mm256_srai_epi32::<16>(_mm256_add_epi32(high, half));
    let g = _mm256_sub_epi16(_mm256_packs_epi32(low, high), red);
    [_mm256_add_epi16(luma, r), _mm256_add_epi16(luma, g), _mm256_add_epi16(luma, b)]
}

/// For each 16 bytes of pixels and each colour, which byte of the colour goes where.
static SHUFFLES: [[[u8; 32]; 3]; 3] = {
    let mut shuffles = [[[0x80; 32]; 3]; 3];
    let (mut byte, mut pixel) = (0, 0);
    while byte < 48 {
        let from = if pixel % 2 == 0 { pixel / 2 } else { 8 + pixel / 2 };
        shuffles[byte / 16][byte % 3][byte % 16] = from;
        shuffles[byte / 16][byte % 3][byte % 16 + 16] = from;
        byte += 1;
        pixel += if byte % 3 == 0 { 1 } else { 0 };
    }
    shuffles
};

#[inline]
#[target_feature(enable = "avx2")]
fn interleave([r, g, b]: [__m256i; 3], rgb: &mut [u8; STEP]) {
    let third = |i: usize| {
        let [for_r, for_g, for_b] = &SHUFFLES[i];
        let red_green = _mm256_or_si256(
            _mm256_shuffle_epi8(r, load(for_r)),
            _mm256_shuffle_epi8(g, load(for_g)),
        );
        _mm256_or_si256(red_green, _mm256_shuffle_epi8(b, load(for_b)))
    };
    // Each holds a third of the first 16 pixels below and of the others above.
    let (first, second, last) = (third(0), third(1), third(2));
    let [out_0, out_1, out_2] = rgb.as_chunks_mut().0 else {
        unreachable!("96 bytes are three times 32");
    };
    store(_mm256_permute2x128_si256::<0x20>(first, second), out_0);
    store(_mm256_permute2x128_si256::<0x30>(last, first), out_1);
    store(_mm256_permute2x128_si256::<0x31>(second, last), out_2);
}
