//! The transform of four blocks that lie side by side, one in each quarter of the vectors.
//!
//! It looks at no shapes, so that there is nothing to mispredict; shorter ways for blocks of few
//! coefficients gained nothing on photographs. The sums of a half of each quarter come before those
//! of the other, so that they stay in registers; permutes of two vectors turn rows to columns while
//! they narrow. Photographs of 500 × 375 pixels spend a third of the time here that the AVX2 version
//! takes.

use std::arch::x86_64::*;

use super::{load_bytes, load_i16, store_row};
use crate::entropy::Block;
use crate::kernels::scalar::constants::*;
use crate::kernels::scalar::{self, FIRST_SHIFT, SECOND_SHIFT};
use crate::kernels::{Plane, Quantization};

/// Blocks of a step.
const STEP: usize = 4;

/// [`Transform`](crate::kernels::Transform).
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
pub(super) fn transform(
    blocks: &[Block],
    lengths: &[u8],
    wanted: &[bool],
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: usize,
) {
    let parts = blocks.chunks(STEP).zip(lengths.chunks(STEP)).zip(wanted.chunks(STEP));
    for (i, ((blocks, lengths), wanted)) in parts.enumerate() {
        if !wanted.contains(&true) {
            continue;
        }
        let four = [0, 1, 2, 3].map(|i| &blocks[i.min(blocks.len() - 1)]);
        let at = at + 8 * STEP * i;
        match samples_of(four, steps) {
            Some(rows) => store(rows, blocks.len(), plane, at),
            None => scalar::transform(blocks, lengths, wanted, steps, plane, at),
        }
    }
}

/// Two rows of samples of four blocks side by side in each of four vectors.
type Samples = [__m512i; 4];

/// Transforms four blocks.
///
/// Returns nothing for values so large that a block of one row would come out differently: see
/// [`scalar::transform`].
#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn samples_of(blocks: [&Block; STEP], steps: &Quantization) -> Option<Samples> {
    let upper = dequantized(blocks, steps, 0);
    if is_large(upper[0]) {
        return None;
    }
    let lower = dequantized(blocks, steps, 1);
    let [v0, v1, v2, v3] = upper;
    let [v4, v5, v6, v7] = lower;
    let (low, high) = Pairs::of([v0, v1, v2, v3, v4, v5, v6, v7]);
    let [v0, v1, v2, v3] = columns(low.sums::<FIRST_SHIFT>());
    let [v4, v5, v6, v7] = columns(high.sums::<FIRST_SHIFT>());
    let (low, high) = Pairs::of([v0, v1, v2, v3, v4, v5, v6, v7]);
    let [first, second] = samples(low.sums::<SECOND_SHIFT>());
    let [third, last] = samples(high.sums::<SECOND_SHIFT>());
    Some([first, second, third, last])
}

/// Returns four rows of four blocks, multiplied by the steps of quantization.
#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn dequantized(blocks: [&Block; STEP], steps: &Quantization, half: usize) -> [__m512i; 4] {
    let step = load_i16(&steps.as_chunks().0[half]);
    let [a, b, c, d] = blocks.map(|block| load_i16(&block.0.as_chunks().0[half]));
    let (a, b) = (_mm512_mullo_epi16(a, step), _mm512_mullo_epi16(b, step));
    let (c, d) = (_mm512_mullo_epi16(c, step), _mm512_mullo_epi16(d, step));
    let (ab, cd) =
        (_mm512_shuffle_i32x4::<0b01_00_01_00>(a, b), _mm512_shuffle_i32x4::<0b01_00_01_00>(c, d));
    let first = _mm512_shuffle_i32x4::<0b10_00_10_00>(ab, cd);
    let second = _mm512_shuffle_i32x4::<0b11_01_11_01>(ab, cd);
    let (ab, cd) =
        (_mm512_shuffle_i32x4::<0b11_10_11_10>(a, b), _mm512_shuffle_i32x4::<0b11_10_11_10>(c, d));
    let third = _mm512_shuffle_i32x4::<0b10_00_10_00>(ab, cd);
    let last = _mm512_shuffle_i32x4::<0b11_01_11_01>(ab, cd);
    [first, second, third, last]
}

/// Returns whether four times a value does not fit its 16 bits.
#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn is_large(row: __m512i) -> bool {
    let raised = _mm512_add_epi16(row, _mm512_set1_epi16(1 << 13));
    _mm512_cmpge_epu16_mask(raised, _mm512_set1_epi16(1 << 14)) != 0
}

/// Returns `sums + a · wa + b · wb` for pairs of `a` and `b`.
#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn plus_products(sums: __m512i, pairs: __m512i, wa: i16, wb: i16) -> __m512i {
    _mm512_dpwssd_epi32(sums, pairs, weights(wa, wb))
}

/// Returns `a · wa + b · wb` for pairs of `a` and `b`.
#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn products(pairs: __m512i, wa: i16, wb: i16) -> __m512i {
    _mm512_madd_epi16(pairs, weights(wa, wb))
}

#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn weights(wa: i16, wb: i16) -> __m512i {
    // The weights lie beside each other as the values do.
    _mm512_set1_epi32(i32::from(wb) << 16 | i32::from(wa) & 0xffff)
}

/// What a pass of the transform multiplies, the two factors beside each other: a half of each
/// quarter of the rows.
struct Pairs {
    /// The sum and the difference of the rows 0 and 4.
    centre: __m512i,
    /// The rows 2 and 6.
    even: __m512i,
    /// The sums of the rows 7 and 3, and of 5 and 1.
    turned: __m512i,
    /// The rows 7 and 1.
    outer: __m512i,
    /// The rows 5 and 3.
    inner: __m512i,
}

impl Pairs {
    /// Pairs the lower and the upper halves of the quarters of rows.
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
    fn of(v: [__m512i; 8]) -> (Self, Self) {
        let (sum, difference) = (_mm512_add_epi16(v[0], v[4]), _mm512_sub_epi16(v[0], v[4]));
        let (z3, z4) = (_mm512_add_epi16(v[7], v[3]), _mm512_add_epi16(v[5], v[1]));
        let low = Self {
            centre: _mm512_unpacklo_epi16(sum, difference),
            even: _mm512_unpacklo_epi16(v[2], v[6]),
            turned: _mm512_unpacklo_epi16(z3, z4),
            outer: _mm512_unpacklo_epi16(v[7], v[1]),
            inner: _mm512_unpacklo_epi16(v[5], v[3]),
        };
        let high = Self {
            centre: _mm512_unpackhi_epi16(sum, difference),
            even: _mm512_unpackhi_epi16(v[2], v[6]),
            turned: _mm512_unpackhi_epi16(z3, z4),
            outer: _mm512_unpackhi_epi16(v[7], v[1]),
            inner: _mm512_unpackhi_epi16(v[5], v[3]),
        };
        (low, high)
    }

    /// One pass, before what it cuts off; `idct_pass` of the scalar version says the formula.
    #[inline]
    #[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
    fn sums<const SHIFT: i32>(self) -> [__m512i; 8] {
        let Self { centre, even, turned, outer, inner } = self;
        let rounding = _mm512_set1_epi32(1 << (SHIFT - 1));
        let even_0 = plus_products(rounding, centre, 1 << 13, 0);
        let even_1 = plus_products(rounding, centre, 0, 1 << 13);
        let even = [
            plus_products(even_0, even, F_0_541 + F_0_765, F_0_541),
            plus_products(even_1, even, F_0_541, F_0_541 - F_1_847),
            plus_products(even_1, even, -F_0_541, F_1_847 - F_0_541),
            plus_products(even_0, even, -F_0_541 - F_0_765, -F_0_541),
        ];
        let z3_turned = products(turned, F_1_175 - F_1_961, F_1_175);
        let z4_turned = products(turned, F_1_175, F_1_175 - F_0_390);
        let odd = [
            plus_products(z4_turned, outer, -F_0_899, F_1_501 - F_0_899),
            plus_products(z3_turned, inner, -F_2_562, F_3_072 - F_2_562),
            plus_products(z4_turned, inner, F_2_053 - F_2_562, -F_2_562),
            plus_products(z3_turned, outer, F_0_298 - F_0_899, -F_0_899),
        ];
        joined(even, odd)
    }
}

#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn joined(even: [__m512i; 4], odd: [__m512i; 4]) -> [__m512i; 8] {
    [
        _mm512_add_epi32(even[0], odd[0]),
        _mm512_add_epi32(even[1], odd[1]),
        _mm512_add_epi32(even[2], odd[2]),
        _mm512_add_epi32(even[3], odd[3]),
        _mm512_sub_epi32(even[3], odd[3]),
        _mm512_sub_epi32(even[2], odd[2]),
        _mm512_sub_epi32(even[1], odd[1]),
        _mm512_sub_epi32(even[0], odd[0]),
    ]
}

/// Returns the four columns of which the first pass made a half of the rows' sums.
#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn columns(sums: [__m512i; 8]) -> [__m512i; 4] {
    /// Of two rows of four columns, twice, the first two columns and the last two.
    static PLACES: [[i16; 32]; 2] = {
        let mut places = [[0; 32]; 2];
        let mut i: i16 = 0;
        while i < 64 {
            let (quarter, last, column, row) = (i / 16, i / 8 % 2, i / 4 % 2, i % 4);
            let from = 32 * (row / 2) + 8 * quarter + 4 * (row % 2) + 2 * last + column;
            places[last as usize][(8 * quarter + i % 8) as usize] = from;
            i += 1;
        }
        places
    };
    let (first, last) = (load_i16(&PLACES[0]), load_i16(&PLACES[1]));
    let narrowed = |a, b| {
        let (a, b) = (
            _mm512_srai_epi32::<{ FIRST_SHIFT as u32 }>(a),
            _mm512_srai_epi32::<{ FIRST_SHIFT as u32 }>(b),
        );
        _mm512_packs_epi32(a, b)
    };
    let (a, b) = (narrowed(sums[0], sums[1]), narrowed(sums[2], sums[3]));
    let (c, d) = (narrowed(sums[4], sums[5]), narrowed(sums[6], sums[7]));
    let (upper, lower) =
        (_mm512_permutex2var_epi16(a, first, b), _mm512_permutex2var_epi16(c, first, d));
    let (column_0, column_1) =
        (_mm512_unpacklo_epi64(upper, lower), _mm512_unpackhi_epi64(upper, lower));
    let (upper, lower) =
        (_mm512_permutex2var_epi16(a, last, b), _mm512_permutex2var_epi16(c, last, d));
    let (column_2, column_3) =
        (_mm512_unpacklo_epi64(upper, lower), _mm512_unpackhi_epi64(upper, lower));
    [column_0, column_1, column_2, column_3]
}

/// Returns the samples of four rows, of which the second pass made the columns' sums.
#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn samples(sums: [__m512i; 8]) -> [__m512i; 2] {
    /// The upper halves of two columns of four rows.
    static UPPER: [i16; 32] = {
        let mut places = [0; 32];
        let mut i: i16 = 0;
        while i < 32 {
            let (quarter, column, row) = (i / 8, i / 4 % 2, i % 4);
            places[i as usize] = 32 * column + 8 * quarter + 2 * row + 1;
            i += 1;
        }
        places
    };
    /// Of four columns of four rows, twice, the first two rows and the last two, block by block.
    static ROWS: [[u8; 64]; 2] = {
        let mut places = [[0; 64]; 2];
        let mut i: u8 = 0;
        while i < 128 {
            let (row, block, column) = (i / 32, i / 8 % 4, i % 8);
            let from = 64 * (column / 4) + 16 * block + 4 * (column % 4) + row;
            places[row as usize / 2][i as usize % 64] = from;
            i += 1;
        }
        places
    };
    /// Bits that the second pass cuts off beyond the lower half of its sums.
    const LEFT: u32 = SECOND_SHIFT as u32 - 16;
    let upper = load_i16(&UPPER);
    let narrowed = |a, b| _mm512_srai_epi16::<LEFT>(_mm512_permutex2var_epi16(a, upper, b));
    let centred = |a, b| _mm512_xor_si512(_mm512_packs_epi16(a, b), _mm512_set1_epi8(-128));
    let left = centred(narrowed(sums[0], sums[1]), narrowed(sums[2], sums[3]));
    let right = centred(narrowed(sums[4], sums[5]), narrowed(sums[6], sums[7]));
    let first = _mm512_permutex2var_epi8(left, load_bytes(&ROWS[0]), right);
    let last = _mm512_permutex2var_epi8(left, load_bytes(&ROWS[1]), right);
    [first, last]
}

/// Stores the samples of the first `n` blocks.
#[inline]
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni")]
fn store(rows: Samples, n: usize, plane: &mut Plane<'_>, at: usize) {
    for (i, rows) in rows.into_iter().enumerate() {
        let pair = [_mm512_castsi512_si256(rows), _mm512_extracti64x4_epi64::<1>(rows)];
        for (y, row) in (2 * i..).zip(pair) {
            let to = &mut plane.samples[at + y * plane.stride..];
            if n == STEP {
                store_row(row, to.first_chunk_mut().expect("blocks lie in their plane"));
            } else {
                let mut samples = [0; 8 * STEP];
                store_row(row, &mut samples);
                to[..8 * n].copy_from_slice(&samples[..8 * n]);
            }
        }
    }
}
