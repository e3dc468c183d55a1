//! The transform of two blocks, one after the other; of quarters the first pass takes both at once.

use std::arch::aarch64::*;

use super::{load_half, load_i16, store_half};
use crate::entropy::Block;
use crate::kernels::scalar::constants::*;
use crate::kernels::scalar::{FIRST_SHIFT, SECOND_SHIFT};
use crate::kernels::{Plane, Quantization};

/// Transforms two blocks.
#[target_feature(enable = "neon")]
pub(super) fn full(
    blocks: [&Block; 2],
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: [usize; 2],
) {
    for (block, at) in blocks.into_iter().zip(at) {
        let columns = transposed(pass::<FIRST_SHIFT>(dequantized(block, steps)).first());
        store_pairs(samples(pass::<SECOND_SHIFT>(columns).second()), plane, at);
    }
}

/// Transforms two blocks whose coefficients lie in the first four rows and columns.
#[target_feature(enable = "neon")]
pub(super) fn quarter(
    blocks: [&Block; 2],
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: [usize; 2],
) {
    let rows = pass_quarter::<FIRST_SHIFT>(dequantized_quarters(blocks, steps)).first();
    let [a, b, c, d, columns @ ..] = transposed(rows);
    for (columns, at) in [[a, b, c, d], columns].into_iter().zip(at) {
        store_pairs(samples(pass_quarter::<SECOND_SHIFT>(columns).second()), plane, at);
    }
}

/// Returns the rows of a block, multiplied by the steps of quantization.
#[inline]
#[target_feature(enable = "neon")]
fn dequantized(block: &Block, steps: &Quantization) -> [int16x8_t; 8] {
    let (rows, steps) = (block.0.as_chunks().0, steps.as_chunks().0);
    std::array::from_fn(|y| vmulq_s16(load_i16(&rows[y]), load_i16(&steps[y])))
}

/// Returns the first half of the first four rows, the first block's below and the second's above,
/// multiplied by the steps of quantization.
#[inline]
#[target_feature(enable = "neon")]
fn dequantized_quarters([first, second]: [&Block; 2], steps: &Quantization) -> [int16x8_t; 4] {
    // Two halves a row.
    let (first, second) = (first.0.as_chunks().0, second.0.as_chunks().0);
    let steps = steps.as_chunks().0;
    std::array::from_fn(|y| {
        let both = vcombine_s16(load_half(&first[2 * y]), load_half(&second[2 * y]));
        let step = load_half(&steps[2 * y]);
        vmulq_s16(both, vcombine_s16(step, step))
    })
}

/// Sums of products with a row, for its lower and its upper columns.
#[derive(Clone, Copy)]
struct Wide(int32x4_t, int32x4_t);

impl Wide {
    /// Returns `row · weight`.
    #[inline]
    #[target_feature(enable = "neon")]
    fn of(row: int16x8_t, weight: i16) -> Self {
        Self(vmull_n_s16(vget_low_s16(row), weight), vmull_high_n_s16(row, weight))
    }

    /// Adds `row · weight`.
    #[inline]
    #[target_feature(enable = "neon")]
    fn and(self, row: int16x8_t, weight: i16) -> Self {
        Self(vmlal_n_s16(self.0, vget_low_s16(row), weight), vmlal_high_n_s16(self.1, row, weight))
    }

    /// Returns `row << 13` with the rounding of the pass added.
    #[inline]
    #[target_feature(enable = "neon")]
    fn raised<const SHIFT: i32>(row: int16x8_t) -> Self {
        let rounding = vdupq_n_s32(1 << (SHIFT - 1));
        let (low, high) = (vshll_n_s16::<13>(vget_low_s16(row)), vshll_high_n_s16::<13>(row));
        Self(vaddq_s32(low, rounding), vaddq_s32(high, rounding))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    fn plus(self, other: Self) -> Self {
        Self(vaddq_s32(self.0, other.0), vaddq_s32(self.1, other.1))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    fn minus(self, other: Self) -> Self {
        Self(vsubq_s32(self.0, other.0), vsubq_s32(self.1, other.1))
    }

    /// Cuts off the bits of the first pass.
    #[inline]
    #[target_feature(enable = "neon")]
    fn narrowed(self) -> int16x8_t {
        vqshrn_high_n_s32::<FIRST_SHIFT>(vqshrn_n_s32::<FIRST_SHIFT>(self.0), self.1)
    }

    /// Returns the upper halves of sums.
    #[inline]
    #[target_feature(enable = "neon")]
    fn upper_plus(self, other: Self) -> int16x8_t {
        vaddhn_high_s32(vaddhn_s32(self.0, other.0), self.1, other.1)
    }

    /// Returns the upper halves of differences.
    #[inline]
    #[target_feature(enable = "neon")]
    fn upper_minus(self, other: Self) -> int16x8_t {
        vsubhn_high_s32(vsubhn_s32(self.0, other.0), self.1, other.1)
    }
}

/// What a pass makes of the even and of the odd rows: its results are their sums, and from the last
/// row upwards their differences.
struct Parts {
    even: [Wide; 4],
    odd: [Wide; 4],
}

impl Parts {
    /// Returns the results of the first pass.
    #[inline]
    #[target_feature(enable = "neon")]
    fn first(self) -> [int16x8_t; 8] {
        let Self { even, odd } = self;
        [
            even[0].plus(odd[0]).narrowed(),
            even[1].plus(odd[1]).narrowed(),
            even[2].plus(odd[2]).narrowed(),
            even[3].plus(odd[3]).narrowed(),
            even[3].minus(odd[3]).narrowed(),
            even[2].minus(odd[2]).narrowed(),
            even[1].minus(odd[1]).narrowed(),
            even[0].minus(odd[0]).narrowed(),
        ]
    }

    /// Returns the results of the second pass, but for the last [`LEFT`] bits that it cuts off.
    ///
    /// These results fit 16 bits: only the first pass has to saturate.
    #[inline]
    #[target_feature(enable = "neon")]
    fn second(self) -> [int16x8_t; 8] {
        let Self { even, odd } = self;
        [
            even[0].upper_plus(odd[0]),
            even[1].upper_plus(odd[1]),
            even[2].upper_plus(odd[2]),
            even[3].upper_plus(odd[3]),
            even[3].upper_minus(odd[3]),
            even[2].upper_minus(odd[2]),
            even[1].upper_minus(odd[1]),
            even[0].upper_minus(odd[0]),
        ]
    }
}

/// Bits that the second pass cuts off beyond the lower half of its sums.
const LEFT: i32 = SECOND_SHIFT - 16;

/// One pass over the rows; `idct_pass` of the scalar version says the formula.
#[inline]
#[target_feature(enable = "neon")]
fn pass<const SHIFT: i32>(v: [int16x8_t; 8]) -> Parts {
    let even_0 = Wide::raised::<SHIFT>(vaddq_s16(v[0], v[4]));
    let even_1 = Wide::raised::<SHIFT>(vsubq_s16(v[0], v[4]));
    let even_2 = Wide::of(v[2], F_0_541).and(v[6], F_0_541 - F_1_847);
    let even_3 = Wide::of(v[2], F_0_541 + F_0_765).and(v[6], F_0_541);
    let even =
        [even_0.plus(even_3), even_1.plus(even_2), even_1.minus(even_2), even_0.minus(even_3)];
    let (z3, z4) = (vaddq_s16(v[7], v[3]), vaddq_s16(v[5], v[1]));
    let z3_turned = Wide::of(z3, F_1_175 - F_1_961).and(z4, F_1_175);
    let z4_turned = Wide::of(z3, F_1_175).and(z4, F_1_175 - F_0_390);
    let odd = [
        z4_turned.and(v[7], -F_0_899).and(v[1], F_1_501 - F_0_899),
        z3_turned.and(v[5], -F_2_562).and(v[3], F_3_072 - F_2_562),
        z4_turned.and(v[5], F_2_053 - F_2_562).and(v[3], -F_2_562),
        z3_turned.and(v[7], F_0_298 - F_0_899).and(v[1], -F_0_899),
    ];
    Parts { even, odd }
}

/// [`pass`] with zeros for the last four rows: the weights of what is left are added up.
#[inline]
#[target_feature(enable = "neon")]
fn pass_quarter<const SHIFT: i32>(v: [int16x8_t; 4]) -> Parts {
    let even_0 = Wide::raised::<SHIFT>(v[0]);
    let even_2 = Wide::of(v[2], F_0_541);
    let even_3 = Wide::of(v[2], F_0_541 + F_0_765);
    let even =
        [even_0.plus(even_3), even_0.plus(even_2), even_0.minus(even_2), even_0.minus(even_3)];
    let odd = [
        Wide::of(v[1], F_1_501 - F_0_899 + F_1_175 - F_0_390).and(v[3], F_1_175),
        Wide::of(v[1], F_1_175).and(v[3], F_3_072 - F_2_562 - F_1_961 + F_1_175),
        Wide::of(v[1], F_1_175 - F_0_390).and(v[3], F_1_175 - F_2_562),
        Wide::of(v[1], F_1_175 - F_0_899).and(v[3], F_1_175 - F_1_961),
    ];
    Parts { even, odd }
}

/// Turns rows to columns.
///
/// Of two quarters, which lie beside each other in the rows, the columns come one after the other.
#[inline]
#[target_feature(enable = "neon")]
fn transposed(rows: [int16x8_t; 8]) -> [int16x8_t; 8] {
    // The index of a value is three bits of its row, then three of its column: turned left three
    // times, they have changed places.
    shuffled(shuffled(shuffled(rows)))
}

/// Takes values from the first and the second half in turn: the index of each turns left by a bit.
#[inline]
#[target_feature(enable = "neon")]
fn shuffled(r: [int16x8_t; 8]) -> [int16x8_t; 8] {
    [
        vzip1q_s16(r[0], r[4]),
        vzip2q_s16(r[0], r[4]),
        vzip1q_s16(r[1], r[5]),
        vzip2q_s16(r[1], r[5]),
        vzip1q_s16(r[2], r[6]),
        vzip2q_s16(r[2], r[6]),
        vzip1q_s16(r[3], r[7]),
        vzip2q_s16(r[3], r[7]),
    ]
}

/// [`shuffled`] for bytes.
#[inline]
#[target_feature(enable = "neon")]
fn shuffled_bytes(r: [int8x16_t; 4]) -> [int8x16_t; 4] {
    [vzip1q_s8(r[0], r[2]), vzip2q_s8(r[0], r[2]), vzip1q_s8(r[1], r[3]), vzip2q_s8(r[1], r[3])]
}

/// Returns the rows of the samples of columns, two in a vector; turned as bytes they are half the
/// work.
#[inline]
#[target_feature(enable = "neon")]
fn samples(columns: [int16x8_t; 8]) -> [uint8x16_t; 4] {
    let pair = |first, second| vqshrn_high_n_s16::<LEFT>(vqshrn_n_s16::<LEFT>(first), second);
    let [a, b, c, d, e, f, g, h] = columns;
    let pairs = [pair(a, b), pair(c, d), pair(e, f), pair(g, h)];
    shuffled_bytes(shuffled_bytes(shuffled_bytes(pairs)))
        .map(|pair| veorq_u8(vreinterpretq_u8_s8(pair), vdupq_n_u8(0x80)))
}

#[target_feature(enable = "neon")]
fn store_pairs(pairs: [uint8x16_t; 4], plane: &mut Plane<'_>, at: usize) {
    for (i, pair) in pairs.into_iter().enumerate() {
        store_half(vget_low_u8(pair), plane.row(at, 2 * i));
        store_half(vget_high_u8(pair), plane.row(at, 2 * i + 1));
    }
}
