//! From luma and differences to interleaved pixels, 64 at a time.
//!
//! As in the AVX2 version even and odd pixels are computed apart. Beyond wider vectors, sums of
//! products take the rounding and the centre of the differences with them, and permutes of two
//! vectors cut them to 16 bits and interleave the bytes. Photographs of 500 × 375 pixels spend less
//! than half the time here that the AVX2 version takes.

use std::arch::x86_64::*;

use super::{load_bytes, load_i16, load_u16, store_bytes};
use crate::kernels::{LANES, Rounding};

/// Bytes of [`LANES`] pixels.
const STEP: usize = 3 * LANES;
/// Sums for [`LANES`] pixels.
const SUMS: usize = LANES / 2 + 2;

/// Values of 32 even pixels and of the 32 odd ones between them.
#[derive(Clone, Copy)]
struct Split {
    even: __m512i,
    odd: __m512i,
}

impl Split {
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
    fn of(bytes: &[u8; LANES]) -> Self {
        let bytes = load_bytes(bytes);
        let even = _mm512_and_si512(bytes, _mm512_set1_epi16(0xff));
        Self { even, odd: _mm512_srli_epi16::<8>(bytes) }
    }

    /// Differences between the sums of neighbours, three parts of the nearer one.
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
    fn between(sums: &[u16], at: usize, rounding: Rounding) -> Self {
        let sums: &[u16; SUMS] =
            sums[at..].first_chunk().expect("sums are readable up to whole vectors");
        let (before, this, after) = (half(sums, 0), half(sums, 1), half(sums, 2));
        let thrice = _mm512_add_epi16(_mm512_add_epi16(this, this), this);
        let round_even = _mm512_set1_epi16(rounding.even.cast_signed());
        let round_odd = _mm512_set1_epi16(rounding.odd.cast_signed());
        let even = _mm512_add_epi16(_mm512_add_epi16(thrice, before), round_even);
        let odd = _mm512_add_epi16(_mm512_add_epi16(thrice, after), round_odd);
        Self { even: _mm512_srli_epi16::<4>(even), odd: _mm512_srli_epi16::<4>(odd) }
    }
}

#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn half(sums: &[u16; SUMS], at: usize) -> __m512i {
    load_u16(sums[at..].first_chunk().expect("the places are constants"))
}

/// [`RgbOfSums`](crate::kernels::RgbOfSums).
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
pub(super) fn of_sums(luma: &[u8], blue: &[u16], red: &[u16], rounding: Rounding, rgb: &mut [u8]) {
    let luma = luma.as_chunks().0;
    for (i, rgb) in rgb.chunks_mut(STEP).enumerate() {
        let at = i * LANES / 2;
        let (blue, red) = (Split::between(blue, at, rounding), Split::between(red, at, rounding));
        store_pixels(Split::of(&luma[i]), blue, red, rgb);
    }
}

/// [`RgbOfRows`](crate::kernels::RgbOfRows).
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
pub(super) fn of_rows(luma: &[u8], blue: &[u8], red: &[u8], rgb: &mut [u8]) {
    let (luma, blue, red) = (luma.as_chunks().0, blue.as_chunks().0, red.as_chunks().0);
    for (i, rgb) in rgb.chunks_mut(STEP).enumerate() {
        store_pixels(Split::of(&luma[i]), Split::of(&blue[i]), Split::of(&red[i]), rgb);
    }
}

/// Stores pixels, of the last ones what the row has room for.
#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn store_pixels(luma: Split, blue: Split, red: Split, rgb: &mut [u8]) {
    let even = colours(luma.even, blue.even, red.even);
    let odd = colours(luma.odd, blue.odd, red.odd);
    let mut planes = [_mm512_setzero_si512(); 3];
    for i in 0..3 {
        // In each quarter the eight even pixels come first, then the odd ones.
        planes[i] = _mm512_packus_epi16(even[i], odd[i]);
    }
    if let Some(rgb) = rgb.first_chunk_mut() {
        return interleave(planes, rgb);
    }
    let mut last = [0; STEP];
    interleave(planes, &mut last);
    rgb.copy_from_slice(&last[..rgb.len()]);
}

/// Returns red, green and blue before they are cut to bytes.
///
/// `scalar::pixel` with the whole multiples taken out of its constants, so that the rest fits 16
/// bits. The differences lie around 128: what that adds is taken off with the rounding.
#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn colours(luma: __m512i, blue: __m512i, red: __m512i) -> [__m512i; 3] {
    /// The upper halves of the sums, in the order that they were unpacked from.
    static UPPER: [i16; 32] = {
        let mut places = [0; 32];
        let mut i: i16 = 0;
        while i < 32 {
            places[i as usize] = 32 * (i / 4 % 2) + i / 8 * 8 + i % 4 * 2 + 1;
            i += 1;
        }
        places
    };
    let upper = load_i16(&UPPER);
    let (low, high) = (_mm512_unpacklo_epi16(blue, red), _mm512_unpackhi_epi16(blue, red));
    let weighted = |of_blue: i16, of_red: i16, whole: i32| {
        let centre = 128 * (i32::from(of_blue) + i32::from(of_red)) + ((128 * whole) << 16);
        let rounding = _mm512_set1_epi32((1 << 15) - centre);
        let weights = _mm512_set1_epi32(i32::from(of_red) << 16 | i32::from(of_blue) & 0xffff);
        let low = _mm512_dpwssd_epi32(rounding, low, weights);
        let high = _mm512_dpwssd_epi32(rounding, high, weights);
        _mm512_permutex2var_epi16(low, upper, high)
    };
    // 91881 = 65536 + 26345
    let r = _mm512_add_epi16(weighted(0, 26_345, 1), red);
    // -22554, and -46802 = 18734 - 65536
    let g = _mm512_sub_epi16(weighted(-22_554, 18_734, -1), red);
    // 116130 = 2 · 65536 - 14942
    let b = _mm512_add_epi16(weighted(-14_942, 0, 2), _mm512_add_epi16(blue, blue));
    [_mm512_add_epi16(luma, r), _mm512_add_epi16(luma, g), _mm512_add_epi16(luma, b)]
}

/// For each 64 bytes of pixels, which bytes of red and green go where, and then of these and blue.
#[expect(clippy::cast_possible_truncation, reason = "below 128")]
static PLACES: [[[u8; 64]; 2]; 3] = {
    let mut places = [[[0; 64]; 2]; 3];
    let mut byte = 0;
    while byte < STEP {
        let (third, i, pixel) = (byte / 64, byte % 64, byte / 3);
        let from = (pixel / 16 * 16 + pixel % 2 * 8 + pixel % 16 / 2) as u8;
        let [red_green, all] = &mut places[third];
        (red_green[i], all[i]) = match byte % 3 {
            0 => (from, i as u8),
            1 => (64 + from, i as u8),
            _ => (0, 64 + from),
        };
        byte += 1;
    }
    places
};

#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn interleave([r, g, b]: [__m512i; 3], rgb: &mut [u8; STEP]) {
    for (to, [red_green, all]) in rgb.as_chunks_mut().0.iter_mut().zip(&PLACES) {
        let pixels = _mm512_permutex2var_epi8(r, load_bytes(red_green), g);
        store_bytes(_mm512_permutex2var_epi8(pixels, load_bytes(all), b), to);
    }
}
