//! The kernels for aarch64, whose every processor has NEON.
//!
//! Unsafe is here for two reasons alone: to reach what is compiled for NEON once the processor is
//! known to have it, and to load and store vectors through references of their size.
//! On the photographs of `fixtures/` a whole decode takes 4.9 times fewer instructions than with
//! the scalar kernels, counted under emulation; time on a processor has not been measured.

mod idct;
mod rgb;

use std::arch::aarch64::*;
use std::arch::is_aarch64_feature_detected;

use super::{Kernels, Plane, Quantization, reduced, scalar};
use crate::entropy::{self, Block};
use crate::scan::STEP;
use crate::transform::{Pairs, in_pairs};

/// Returns the kernels where the processor has what they are compiled for.
pub(super) fn kernels() -> Option<&'static Kernels> {
    // The copy reads bytes as words, the lowest first.
    let has = cfg!(target_endian = "little") && is_aarch64_feature_detected!("neon");
    // SAFETY: the processor has NEON.
    has.then(|| unsafe { table() })
}

/// Returns the kernels; whoever has the table may call them.
///
/// Three are the scalar ones: compilers vectorise the sums, and what the short transforms do to
/// columns, for every processor of this kind, and the shifts by a count in any register that the
/// decoding of bits wants are among its first instructions.
#[target_feature(enable = "neon")]
fn table() -> &'static Kernels {
    &Kernels {
        copy_clean,
        decode_mcus: entropy::decode_mcus,
        transform,
        reduce: reduced::reduce,
        sums: scalar::sums,
        rgb_of_sums: rgb::of_sums,
        rgb_of_rows: rgb::of_rows,
    }
}

#[target_feature(enable = "neon")]
fn transform(
    blocks: &[Block],
    lengths: &[u8],
    wanted: &[bool],
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: usize,
) {
    let pairs = Pairs { full: idct::full, quarter: idct::quarter };
    in_pairs(pairs, blocks, lengths, wanted, steps, plane, at);
}

#[target_feature(enable = "neon")]
fn copy_clean(from: &[u8], to: &mut [u8]) -> usize {
    let mut clean = 0;
    for (from, to) in from.as_chunks::<STEP>().0.iter().zip(to.as_chunks_mut::<STEP>().0) {
        *to = *from;
        let [first, second] = halves(from);
        let found = match clean_bytes(first) {
            16 => 16 + clean_bytes(second),
            found => found,
        };
        clean += found;
        if found < STEP {
            break;
        }
    }
    clean
}

/// Returns how many bytes lie before the first 0xff.
#[inline]
#[target_feature(enable = "neon")]
fn clean_bytes(bytes: &[u8; 16]) -> usize {
    let equal = vreinterpretq_u16_u8(vceqq_u8(load_u8(bytes), vdupq_n_u8(0xff)));
    // Four bits of each byte.
    let mask = vreinterpret_u64_u8(vshrn_n_u16::<4>(equal));
    vget_lane_u64::<0>(mask).trailing_zeros() as usize / 4
}

/// Returns 32 bytes as what two vectors are loaded from.
#[inline]
#[target_feature(enable = "neon")]
fn halves(bytes: &[u8; 32]) -> [&[u8; 16]; 2] {
    let [first, second] = bytes.as_chunks().0 else { unreachable!("32 bytes are twice 16") };
    [first, second]
}

#[inline]
#[target_feature(enable = "neon")]
fn load_u8(from: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the reference is to 16 initialised bytes.
    unsafe { vld1q_u8(from.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_u16(from: &[u16; 8]) -> uint16x8_t {
    // SAFETY: the reference is to 8 initialised values.
    unsafe { vld1q_u16(from.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_i16(from: &[i16; 8]) -> int16x8_t {
    // SAFETY: the reference is to 8 initialised values.
    unsafe { vld1q_s16(from.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load_half(from: &[i16; 4]) -> int16x4_t {
    // SAFETY: the reference is to 4 initialised values.
    unsafe { vld1_s16(from.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn store_half(vector: uint8x8_t, to: &mut [u8; 8]) {
    // SAFETY: the reference is to 8 bytes that are ours to write.
    unsafe { vst1_u8(to.as_mut_ptr(), vector) }
}

/// Stores the first bytes of all vectors, then the second ones, and so on.
#[inline]
#[target_feature(enable = "neon")]
fn store_interleaved(vectors: uint8x16x3_t, to: &mut [u8; 48]) {
    // SAFETY: the reference is to 48 bytes that are ours to write.
    unsafe { vst3q_u8(to.as_mut_ptr(), vectors) }
}
