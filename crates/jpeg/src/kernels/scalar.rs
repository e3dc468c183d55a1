//! The kernels in plain Rust: what the others are held to, and what other processors run.

use super::{Kernels, LANES, Plane, Quantization, Rounding, reduced};
use crate::entropy::{self, Block};
use crate::scan::STEP;
use crate::transform::{self, Pairs};

/// The scalar version of every kernel.
pub(crate) static KERNELS: Kernels = Kernels {
    copy_clean,
    decode_mcus: entropy::decode_mcus,
    transform,
    reduce: reduced::reduce,
    sums,
    rgb_of_sums,
    rgb_of_rows,
};

/// The constants of `jidctint.c`, with 13 bits behind the point.
pub(super) mod constants {
    pub(crate) const F_0_298: i16 = 2446;
    pub(crate) const F_0_390: i16 = 3196;
    pub(crate) const F_0_541: i16 = 4433;
    pub(crate) const F_0_765: i16 = 6270;
    pub(crate) const F_0_899: i16 = 7373;
    pub(crate) const F_1_175: i16 = 9633;
    pub(crate) const F_1_501: i16 = 12299;
    pub(crate) const F_1_847: i16 = 15137;
    pub(crate) const F_1_961: i16 = 16069;
    pub(crate) const F_2_053: i16 = 16819;
    pub(crate) const F_2_562: i16 = 20995;
    pub(crate) const F_3_072: i16 = 25172;
}

/// Bits that the first pass of the transform cuts off; two stay for the second.
pub(crate) const FIRST_SHIFT: i32 = 11;
/// Bits that the second pass cuts off, the division by 8 among them.
pub(crate) const SECOND_SHIFT: i32 = 18;

pub(crate) fn copy_clean(from: &[u8], to: &mut [u8]) -> usize {
    let whole = from.len() / STEP * STEP;
    let clean = from[..whole].iter().position(|&byte| byte == 0xff).unwrap_or(whole);
    to[..clean].copy_from_slice(&from[..clean]);
    clean
}

pub(super) fn transform(
    blocks: &[Block],
    lengths: &[u8],
    wanted: &[bool],
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: usize,
) {
    let pairs = Pairs { full: idct, quarter: idct };
    transform::in_pairs(pairs, blocks, lengths, wanted, steps, plane, at);
}

pub(crate) fn idct(
    blocks: [&Block; 2],
    quantization: &Quantization,
    plane: &mut Plane<'_>,
    at: [usize; 2],
) {
    for (block, at) in blocks.into_iter().zip(at) {
        idct_one(block, quantization, plane, at);
    }
}

fn idct_one(block: &Block, quantization: &Quantization, plane: &mut Plane<'_>, at: usize) {
    let mut columns = [[0_i16; 8]; 8];
    for (x, column) in columns.iter_mut().enumerate() {
        let dequantized =
            std::array::from_fn(|y| block.0[8 * y + x].wrapping_mul(quantization[8 * y + x]));
        *column = idct_pass::<FIRST_SHIFT>(dequantized);
    }
    for y in 0..8 {
        let row = idct_pass::<SECOND_SHIFT>(columns.map(|column| column[y]));
        *plane.row(at, y) = row.map(sample);
    }
}

/// Returns the sample of a transformed value, which lies around 0.
pub(crate) fn sample(value: i16) -> u8 {
    (i32::from(value) + 128).clamp(0, 255) as u8
}

/// Transforms eight values.
///
/// The arithmetic is that of libjpeg-turbo's vector code, `jidctint-avx2.asm`, also where values
/// overflow that no encoder writes: sums of inputs wrap at 16 bits, sums of products at 32, and
/// results saturate.
pub(crate) fn idct_pass<const SHIFT: i32>(v: [i16; 8]) -> [i16; 8] {
    use constants::*;
    let wide = |a: i16, b: i16, wa: i16, wb: i16| {
        let product = |x: i16, w: i16| i32::from(x) * i32::from(w);
        product(a, wa).wrapping_add(product(b, wb))
    };
    let even_0 = i32::from(v[0].wrapping_add(v[4])) << 13;
    let even_1 = i32::from(v[0].wrapping_sub(v[4])) << 13;
    let even_2 = wide(v[2], v[6], F_0_541, F_0_541 - F_1_847);
    let even_3 = wide(v[2], v[6], F_0_541 + F_0_765, F_0_541);
    let even = [
        even_0.wrapping_add(even_3),
        even_1.wrapping_add(even_2),
        even_1.wrapping_sub(even_2),
        even_0.wrapping_sub(even_3),
    ];
    let (z3, z4) = (v[7].wrapping_add(v[3]), v[5].wrapping_add(v[1]));
    let z3_turned = wide(z3, z4, F_1_175 - F_1_961, F_1_175);
    let z4_turned = wide(z3, z4, F_1_175, F_1_175 - F_0_390);
    let odd = [
        wide(v[7], v[1], -F_0_899, F_1_501 - F_0_899).wrapping_add(z4_turned),
        wide(v[5], v[3], -F_2_562, F_3_072 - F_2_562).wrapping_add(z3_turned),
        wide(v[5], v[3], F_2_053 - F_2_562, -F_2_562).wrapping_add(z4_turned),
        wide(v[7], v[1], F_0_298 - F_0_899, -F_0_899).wrapping_add(z3_turned),
    ];
    let narrow = |sum: i32| saturate(sum.wrapping_add(1 << (SHIFT - 1)) >> SHIFT);
    std::array::from_fn(|i| {
        if i < 4 {
            narrow(even[i].wrapping_add(odd[i]))
        } else {
            narrow(even[7 - i].wrapping_sub(odd[7 - i]))
        }
    })
}

#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn saturate(value: i32) -> i16 {
    value.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// Also the vector version: compilers vectorise it.
#[inline(always)]
pub(crate) fn sums(near: &[u8], far: &[u8], sums: &mut [u16]) {
    for ((sum, &near), &far) in sums.iter_mut().zip(near).zip(far) {
        *sum = 3 * u16::from(near) + u16::from(far);
    }
}

pub(crate) fn rgb_of_sums(
    luma: &[u8],
    blue: &[u16],
    red: &[u16],
    rounding: Rounding,
    rgb: &mut [u8],
) {
    for (x, (rgb, &luma)) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(luma).enumerate() {
        let difference = |sums: &[u16]| {
            let [before, this, after] = [sums[x / 2], sums[x / 2 + 1], sums[x / 2 + 2]];
            match x % 2 {
                0 => narrow((3 * this + before + rounding.even) >> 4),
                _ => narrow((3 * this + after + rounding.odd) >> 4),
            }
        };
        *rgb = pixel(luma, difference(blue), difference(red));
    }
}

fn narrow(value: u16) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

pub(crate) fn rgb_of_rows(luma: &[u8], blue: &[u8], red: &[u8], rgb: &mut [u8]) {
    let rgb = rgb.as_chunks_mut::<3>().0;
    for (((rgb, &luma), &blue), &red) in rgb.iter_mut().zip(luma).zip(blue).zip(red) {
        *rgb = pixel(luma, blue, red);
    }
}

/// `ycc_rgb_convert` of libjpeg's `jdcolor.c`: its tables' formulas, 16 bits behind the point.
pub(crate) fn pixel(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (luma, blue, red) = (i32::from(luma), i32::from(blue) - 128, i32::from(red) - 128);
    let offsets = [
        (91_881 * red + HALF) >> 16,
        (-22_554 * blue - 46_802 * red + HALF) >> 16,
        (116_130 * blue + HALF) >> 16,
    ];
    offsets.map(|offset| u8::try_from((luma + offset).clamp(0, 255)).unwrap_or(0))
}

const _: () = assert!(LANES.is_multiple_of(2), "pixels share differences in pairs");
