//! The kernels for x86-64 with AVX-512, its byte permutes (VBMI) and its sums of products (VNNI):
//! Intel's processors since Ice Lake, AMD's since Zen 4.
//!
//! What is not here is the AVX2 version. Unsafe is here for the same two reasons as there.
//! From coefficients to pixels photographs of 500 × 375 pixels take two fifths of the time of the
//! AVX2 kernels.

mod idct;
mod rgb;

use std::arch::x86_64::*;

use super::{Kernels, avx2};

/// Returns the kernels where the processor has what they are compiled for.
pub(super) fn kernels() -> Option<&'static Kernels> {
    // The macro remembers what it found.
    let has = is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vnni");
    // SAFETY: the processor has these features, and those of the AVX2 kernels.
    (has && avx2::kernels().is_some()).then(|| unsafe { table() })
}

/// Returns the kernels; whoever has the table may call them.
#[target_feature(enable = "avx512bw,avx512vbmi,avx512vnni,avx2,bmi1,bmi2,lzcnt")]
fn table() -> &'static Kernels {
    &Kernels {
        copy_clean: avx2::copy_clean,
        decode_mcus: avx2::decode_mcus,
        transform: idct::transform,
        reduce: avx2::reduced::reduce,
        sums: avx2::sums,
        rgb_of_sums: rgb::of_sums,
        rgb_of_rows: rgb::of_rows,
    }
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
