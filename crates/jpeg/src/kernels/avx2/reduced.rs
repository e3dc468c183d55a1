//! The short transforms of two blocks, one in either half of the vectors.

use std::arch::x86_64::*;

use super::idct::{Wide, dequantized};
use crate::entropy::Block;
use crate::kernels::reduced::{four, has_first_row_only, mean, put};
use crate::kernels::{Plane, Quantization, reduced};

/// [`Reduce`](crate::kernels::reduced::Reduce).
#[target_feature(enable = "avx2")]
pub(in crate::kernels) fn reduce(
    blocks: &[Block],
    lengths: &[u8],
    side: usize,
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: usize,
) {
    match side {
        4 => fours(blocks, lengths, steps, plane, at),
        2 => {
            for (i, pair) in blocks.chunks(2).enumerate() {
                let at = at + 4 * i;
                let [first, second] = twos([&pair[0], &pair[pair.len() - 1]], steps);
                put(first, plane, at);
                if pair.len() == 2 {
                    put(second, plane, at + 2);
                }
            }
        }
        _ => reduced::reduce(blocks, lengths, side, steps, plane, at),
    }
}

/// Makes 4 × 4 samples of each block; those with more than a row of coefficients wait for another
/// one of their kind.
#[inline]
#[target_feature(enable = "avx2")]
fn fours(blocks: &[Block], lengths: &[u8], steps: &Quantization, plane: &mut Plane<'_>, at: usize) {
    let mut waiting = None;
    for (i, (block, &length)) in blocks.iter().zip(lengths).enumerate() {
        let at = at + 4 * i;
        if length == 1 {
            put([[mean(block, steps); 4]; 4], plane, at);
        } else if has_first_row_only(block) {
            put(four(block, steps), plane, at);
        } else if let Some((first, place)) = waiting.take() {
            let samples = two_fours([first, block], steps);
            put(samples[0], plane, place);
            put(samples[1], plane, at);
        } else {
            waiting = Some((block, at));
        }
    }
    if let Some((block, at)) = waiting {
        put(two_fours([block; 2], steps)[0], plane, at);
    }
}

/// `pass_4` of the scalar version over columns, and then over rows as sums of products.
#[inline]
#[target_feature(enable = "avx2")]
fn two_fours(blocks: [&Block; 2], steps: &Quantization) -> [[[u8; 4]; 4]; 2] {
    let v = dequantized::<8>(blocks, steps);
    let mean = Wide::raised::<12, 2>(v[0]);
    let turned = Wide::of(v[2], v[6], 15_137, -6_270);
    let (outer, inner) = (mean.plus(turned), mean.minus(turned));
    let near = Wide::of(v[1], v[3], 8_697, -17_799).plus(Wide::of(v[5], v[7], 11_893, -1_730));
    let far = Wide::of(v[1], v[3], 20_995, 7_373).plus(Wide::of(v[5], v[7], -4_926, -4_176));
    let first = finished(outer.plus(far).narrowed::<12>());
    let second = finished(inner.plus(near).narrowed::<12>());
    let third = finished(inner.minus(near).narrowed::<12>());
    let fourth = finished(outer.minus(far).narrowed::<12>());
    let upper = _mm256_packs_epi32(first, second);
    let lower = _mm256_packs_epi32(third, fourth);
    let samples = centred(_mm256_packs_epi16(upper, lower));
    [rows_of(_mm256_castsi256_si128(samples)), rows_of(_mm256_extracti128_si256::<1>(samples))]
}

/// Returns the four samples of a row of either block, not yet narrowed.
#[inline]
#[target_feature(enable = "avx2")]
fn finished(row: __m256i) -> __m256i {
    let outer = weights(16_384, 20_995, 15_137, 7_373, -4_926, -6_270, -4_176);
    let inner = weights(16_384, 8_697, -15_137, -17_799, 11_893, 6_270, -1_730);
    let inner_less = weights(16_384, -8_697, -15_137, 17_799, -11_893, 6_270, 1_730);
    let outer_less = weights(16_384, -20_995, 15_137, -7_373, 4_926, -6_270, 4_176);
    let left = _mm256_hadd_epi32(_mm256_madd_epi16(row, outer), _mm256_madd_epi16(row, inner));
    let right =
        _mm256_hadd_epi32(_mm256_madd_epi16(row, inner_less), _mm256_madd_epi16(row, outer_less));
    let sums = _mm256_hadd_epi32(left, right);
    _mm256_srai_epi32::<19>(_mm256_add_epi32(sums, _mm256_set1_epi32(1 << 18)))
}

/// Returns the weights of a row, in either half; the fifth value has none.
#[inline]
#[target_feature(enable = "avx2")]
fn weights(w0: i16, w1: i16, w2: i16, w3: i16, w5: i16, w6: i16, w7: i16) -> __m256i {
    _mm256_broadcastsi128_si256(_mm_setr_epi16(w0, w1, w2, w3, 0, w5, w6, w7))
}

/// `pass_2` of the scalar version over columns and over rows.
#[inline]
#[target_feature(enable = "avx2")]
fn twos(blocks: [&Block; 2], steps: &Quantization) -> [[[u8; 2]; 2]; 2] {
    let v = dequantized::<8>(blocks, steps);
    let mean = Wide::raised::<13, 1>(v[0]);
    let odd = Wide::of(v[1], v[3], 29_692, -10_426).plus(Wide::of(v[5], v[7], 6_967, -5_906));
    let upper = mean.plus(odd).narrowed::<13>();
    let lower = mean.minus(odd).narrowed::<13>();
    let of_odd = weights(0, 29_692, 0, -10_426, 6_967, 0, -5_906);
    let halves =
        _mm256_hadd_epi32(_mm256_madd_epi16(upper, of_odd), _mm256_madd_epi16(lower, of_odd));
    // Upper and lower sum, and both again.
    let odd = _mm256_hadd_epi32(halves, halves);
    let first = weights(16_384, 0, 0, 0, 0, 0, 0);
    let means =
        _mm256_unpacklo_epi32(_mm256_madd_epi16(upper, first), _mm256_madd_epi16(lower, first));
    let means = _mm256_slli_epi32::<1>(_mm256_unpacklo_epi64(means, means));
    let means = _mm256_add_epi32(means, _mm256_set1_epi32(1 << 19));
    let left = _mm256_srai_epi32::<20>(_mm256_add_epi32(means, odd));
    let right = _mm256_srai_epi32::<20>(_mm256_sub_epi32(means, odd));
    let both = _mm256_packs_epi32(left, right);
    let samples = centred(_mm256_packs_epi16(both, both));
    [square_of(_mm256_castsi256_si128(samples)), square_of(_mm256_extracti128_si256::<1>(samples))]
}

/// Moves samples that lie around 0 to where they are stored.
#[inline]
#[target_feature(enable = "avx2")]
fn centred(samples: __m256i) -> __m256i {
    _mm256_xor_si256(samples, _mm256_set1_epi8(-128))
}

/// Returns sixteen bytes as four rows.
#[inline]
#[target_feature(enable = "avx2")]
fn rows_of(bytes: __m128i) -> [[u8; 4]; 4] {
    [
        _mm_extract_epi32::<0>(bytes).to_le_bytes(),
        _mm_extract_epi32::<1>(bytes).to_le_bytes(),
        _mm_extract_epi32::<2>(bytes).to_le_bytes(),
        _mm_extract_epi32::<3>(bytes).to_le_bytes(),
    ]
}

/// Returns the samples of a block: those to the left are the first two bytes, those to the right
/// the fifth and the sixth.
#[inline]
#[target_feature(enable = "avx2")]
fn square_of(bytes: __m128i) -> [[u8; 2]; 2] {
    let [upper_left, lower_left, _, _, upper_right, lower_right, _, _] =
        _mm_cvtsi128_si64(bytes).to_le_bytes();
    [[upper_left, upper_right], [lower_left, lower_right]]
}
