//! The transform of two blocks, one in either half of the vectors.

use std::arch::x86_64::*;

use super::{load_half, store_8};
use crate::entropy::Block;
use crate::kernels::scalar::constants::*;
use crate::kernels::scalar::{FIRST_SHIFT, SECOND_SHIFT};
use crate::kernels::{Plane, Quantization};

/// Transforms two blocks.
#[target_feature(enable = "avx2")]
pub(super) fn full(
    blocks: [&Block; 2],
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: [usize; 2],
) {
    let rows = dequantized::<8>(blocks, steps);
    let columns = transposed(pass::<FIRST_SHIFT>(rows));
    store_samples(transposed(pass::<SECOND_SHIFT>(columns)), plane, at);
}

/// Transforms two blocks whose coefficients lie in the first four rows and columns.
#[target_feature(enable = "avx2")]
pub(super) fn quarter(
    blocks: [&Block; 2],
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: [usize; 2],
) {
    let rows = dequantized::<4>(blocks, steps);
    let columns = transposed_quarter(pass_quarter::<FIRST_SHIFT>(rows));
    store_samples(transposed(pass_quarter::<SECOND_SHIFT>(columns)), plane, at);
}

/// Returns the first rows of both blocks, multiplied by the steps of quantization.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn dequantized<const ROWS: usize>(
    [first, second]: [&Block; 2],
    steps: &Quantization,
) -> [__m256i; ROWS] {
    let (first, second) = (first.0.as_chunks().0, second.0.as_chunks().0);
    let steps = steps.as_chunks().0;
    let mut rows = [_mm256_setzero_si256(); ROWS];
    for y in 0..ROWS {
        let both = _mm256_set_m128i(load_half(&second[y]), load_half(&first[y]));
        let step = _mm256_broadcastsi128_si256(load_half(&steps[y]));
        rows[y] = _mm256_mullo_epi16(both, step);
    }
    rows
}

/// Sums of products of a pair of rows, for the lower and the upper columns of each half.
#[derive(Clone, Copy)]
pub(super) struct Wide(__m256i, __m256i);

impl Wide {
    /// Returns `a · wa + b · wb`.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn of(a: __m256i, b: __m256i, wa: i16, wb: i16) -> Self {
        // The weights lie beside each other as the values do.
        let weights = _mm256_set1_epi32(i32::from(wb) << 16 | i32::from(wa) & 0xffff);
        Self(
            _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), weights),
            _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), weights),
        )
    }

    /// Returns `a << (16 - CUT)` with the rounding of the pass added.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn raised<const SHIFT: i32, const CUT: i32>(a: __m256i) -> Self {
        let zero = _mm256_setzero_si256();
        let rounding = _mm256_set1_epi32(1 << (SHIFT - 1));
        let low = _mm256_srai_epi32::<CUT>(_mm256_unpacklo_epi16(zero, a));
        let high = _mm256_srai_epi32::<CUT>(_mm256_unpackhi_epi16(zero, a));
        Self(_mm256_add_epi32(low, rounding), _mm256_add_epi32(high, rounding))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn plus(self, other: Self) -> Self {
        Self(_mm256_add_epi32(self.0, other.0), _mm256_add_epi32(self.1, other.1))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn minus(self, other: Self) -> Self {
        Self(_mm256_sub_epi32(self.0, other.0), _mm256_sub_epi32(self.1, other.1))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn narrowed<const SHIFT: i32>(self) -> __m256i {
        let (low, high) = (_mm256_srai_epi32::<SHIFT>(self.0), _mm256_srai_epi32::<SHIFT>(self.1));
        _mm256_packs_epi32(low, high)
    }
}

/// One pass over the rows; `idct_pass` of the scalar version says the formula.
#[inline]
#[target_feature(enable = "avx2")]
fn pass<const SHIFT: i32>(v: [__m256i; 8]) -> [__m256i; 8] {
    let even_0 = Wide::raised::<SHIFT, 3>(_mm256_add_epi16(v[0], v[4]));
    let even_1 = Wide::raised::<SHIFT, 3>(_mm256_sub_epi16(v[0], v[4]));
    let even_2 = Wide::of(v[2], v[6], F_0_541, F_0_541 - F_1_847);
    let even_3 = Wide::of(v[2], v[6], F_0_541 + F_0_765, F_0_541);
    let even =
        [even_0.plus(even_3), even_1.plus(even_2), even_1.minus(even_2), even_0.minus(even_3)];
    let (z3, z4) = (_mm256_add_epi16(v[7], v[3]), _mm256_add_epi16(v[5], v[1]));
    let z3_turned = Wide::of(z3, z4, F_1_175 - F_1_961, F_1_175);
    let z4_turned = Wide::of(z3, z4, F_1_175, F_1_175 - F_0_390);
    let odd = [
        Wide::of(v[7], v[1], -F_0_899, F_1_501 - F_0_899).plus(z4_turned),
        Wide::of(v[5], v[3], -F_2_562, F_3_072 - F_2_562).plus(z3_turned),
        Wide::of(v[5], v[3], F_2_053 - F_2_562, -F_2_562).plus(z4_turned),
        Wide::of(v[7], v[1], F_0_298 - F_0_899, -F_0_899).plus(z3_turned),
    ];
    joined::<SHIFT>(even, odd)
}

/// [`pass`] with zeros for the last four rows: the weights of what is left are added up.
#[inline]
#[target_feature(enable = "avx2")]
fn pass_quarter<const SHIFT: i32>(v: [__m256i; 4]) -> [__m256i; 8] {
    let zero = _mm256_setzero_si256();
    let even_0 = Wide::raised::<SHIFT, 3>(v[0]);
    let even_2 = Wide::of(v[2], zero, F_0_541, 0);
    let even_3 = Wide::of(v[2], zero, F_0_541 + F_0_765, 0);
    let even =
        [even_0.plus(even_3), even_0.plus(even_2), even_0.minus(even_2), even_0.minus(even_3)];
    let odd = [
        Wide::of(v[1], v[3], F_1_501 - F_0_899 + F_1_175 - F_0_390, F_1_175),
        Wide::of(v[1], v[3], F_1_175, F_3_072 - F_2_562 - F_1_961 + F_1_175),
        Wide::of(v[1], v[3], F_1_175 - F_0_390, F_1_175 - F_2_562),
        Wide::of(v[1], v[3], F_1_175 - F_0_899, F_1_175 - F_1_961),
    ];
    joined::<SHIFT>(even, odd)
}

#[inline]
#[target_feature(enable = "avx2")]
fn joined<const SHIFT: i32>(even: [Wide; 4], odd: [Wide; 4]) -> [__m256i; 8] {
    [
        even[0].plus(odd[0]).narrowed::<SHIFT>(),
        even[1].plus(odd[1]).narrowed::<SHIFT>(),
        even[2].plus(odd[2]).narrowed::<SHIFT>(),
        even[3].plus(odd[3]).narrowed::<SHIFT>(),
        even[3].minus(odd[3]).narrowed::<SHIFT>(),
        even[2].minus(odd[2]).narrowed::<SHIFT>(),
        even[1].minus(odd[1]).narrowed::<SHIFT>(),
        even[0].minus(odd[0]).narrowed::<SHIFT>(),
    ]
}

/// Turns rows to columns in either half.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed(r: [__m256i; 8]) -> [__m256i; 8] {
    let a = [
        _mm256_unpacklo_epi16(r[0], r[1]),
        _mm256_unpackhi_epi16(r[0], r[1]),
        _mm256_unpacklo_epi16(r[2], r[3]),
        _mm256_unpackhi_epi16(r[2], r[3]),
        _mm256_unpacklo_epi16(r[4], r[5]),
        _mm256_unpackhi_epi16(r[4], r[5]),
        _mm256_unpacklo_epi16(r[6], r[7]),
        _mm256_unpackhi_epi16(r[6], r[7]),
    ];
    let b = [
        _mm256_unpacklo_epi32(a[0], a[2]),
        _mm256_unpackhi_epi32(a[0], a[2]),
        _mm256_unpacklo_epi32(a[1], a[3]),
        _mm256_unpackhi_epi32(a[1], a[3]),
        _mm256_unpacklo_epi32(a[4], a[6]),
        _mm256_unpackhi_epi32(a[4], a[6]),
        _mm256_unpacklo_epi32(a[5], a[7]),
        _mm256_unpackhi_epi32(a[5], a[7]),
    ];
    [
        _mm256_unpacklo_epi64(b[0], b[4]),
        _mm256_unpackhi_epi64(b[0], b[4]),
        _mm256_unpacklo_epi64(b[1], b[5]),
        _mm256_unpackhi_epi64(b[1], b[5]),
        _mm256_unpacklo_epi64(b[2], b[6]),
        _mm256_unpackhi_epi64(b[2], b[6]),
        _mm256_unpacklo_epi64(b[3], b[7]),
        _mm256_unpackhi_epi64(b[3], b[7]),
    ]
}

/// The first four of [`transposed`]: the others are columns without coefficients.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed_quarter(r: [__m256i; 8]) -> [__m256i; 4] {
    let a = [
        _mm256_unpacklo_epi16(r[0], r[1]),
        _mm256_unpacklo_epi16(r[2], r[3]),
        _mm256_unpacklo_epi16(r[4], r[5]),
        _mm256_unpacklo_epi16(r[6], r[7]),
    ];
    let b = [
        _mm256_unpacklo_epi32(a[0], a[1]),
        _mm256_unpackhi_epi32(a[0], a[1]),
        _mm256_unpacklo_epi32(a[2], a[3]),
        _mm256_unpackhi_epi32(a[2], a[3]),
    ];
    [
        _mm256_unpacklo_epi64(b[0], b[2]),
        _mm256_unpackhi_epi64(b[0], b[2]),
        _mm256_unpacklo_epi64(b[1], b[3]),
        _mm256_unpackhi_epi64(b[1], b[3]),
    ]
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_samples(rows: [__m256i; 8], plane: &mut Plane<'_>, at: [usize; 2]) {
    let centre = _mm256_set1_epi8(-128);
    for y in [0, 2, 4, 6] {
        let pair = _mm256_packs_epi16(rows[y], rows[y + 1]);
        let pair = _mm256_xor_si256(pair, centre);
        let (first, second) = (_mm256_castsi256_si128(pair), _mm256_extracti128_si256::<1>(pair));
        store_8(first, plane.row(at[0], y));
        store_8(_mm_unpackhi_epi64(first, first), plane.row(at[0], y + 1));
        store_8(second, plane.row(at[1], y));
        store_8(_mm_unpackhi_epi64(second, second), plane.row(at[1], y + 1));
    }
}
