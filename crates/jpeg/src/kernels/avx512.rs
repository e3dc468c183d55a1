//! The kernels for x86-64 with AVX-512, its byte permutes (VBMI) and its sums of products (VNNI):
//! Intel's processors since Ice Lake, AMD's since Zen 4.
//!
//! What is not here is the AVX2 version. Unsafe is here for the same two reasons as there.
//! From coefficients to pixels photographs of 500 × 375 pixels take two fifths of the time of the
//! AVX2 kernels.

mod idct;
mod rgb;

use std::arch::x86_64::*;

use super::{Kernels, Plane, Quantization, Rounding, avx2};
use crate::entropy::Block;

/// Returns the kernels where the processor has what they are compiled for.
///
/// This is the only way to them, so whoever calls one has a processor that runs it.
pub(super) fn kernels() -> Option<&'static Kernels> {
    static KERNELS: Kernels = Kernels { transform, rgb_of_sums, rgb_of_rows, ..avx2::KERNELS };
    // The macro remembers what it found.
    let has = is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vnni");
    (has && avx2::kernels().is_some()).then_some(&KERNELS)
}

fn transform(
    blocks: &[Block],
    lengths: &[u8],
    wanted: &[bool],
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: usize,
) {
    // SAFETY: `kernels` hands this function out on processors with these features alone.
    unsafe { idct::transform(blocks, lengths, wanted, steps, plane, at) }
}

fn rgb_of_sums(luma: &[u8], blue: &[u16], red: &[u16], rounding: Rounding, rgb: &mut [u8]) {
    // SAFETY: `kernels` hands this function out on processors with these features alone.
    unsafe { rgb::of_sums(luma, blue, red, rounding, rgb) }
}

fn rgb_of_rows(luma: &[u8], blue: &[u8], red: &[u8], rgb: &mut [u8]) {
    // SAFETY: `kernels` hands this function out on processors with these features alone.
    unsafe { rgb::of_rows(luma, blue, red, rgb) }
}

#[inline]
#[target_feature(enable = "avx512bw")]
fn load_bytes(from: &[u8; 64]) -> __m512i {
    // SAFETY: the reference is to 64 initialised bytes.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512bw")]
fn load_i16(from: &[i16; 32]) -> __m512i {
    // SAFETY: the reference is to 64 initialised bytes.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512bw")]
fn load_u16(from: &[u16; 32]) -> __m512i {
    // SAFETY: the reference is to 64 initialised bytes.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512bw")]
fn store_bytes(vector: __m512i, to: &mut [u8; 64]) {
    // SAFETY: the reference is to 64 bytes that are ours to write.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), vector) }
}

#[inline]
#[target_feature(enable = "avx512bw")]
fn store_row(vector: __m256i, to: &mut [u8; 32]) {
    // SAFETY: the reference is to 32 bytes that are ours to write.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), vector) }
}
