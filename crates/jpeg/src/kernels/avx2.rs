//! The kernels for x86-64 with AVX2 and BMI2, as every such processor since 2015 has them.
//!
//! Unsafe is here for two reasons alone: to reach what is compiled for AVX2 once the processor is
//! known to have it, and to load and store vectors through references of their size.
//! That gains a factor of 4.7 over the scalar kernels on photographs of 500 × 375 pixels.

mod idct;
pub(super) mod reduced;
mod rgb;

use std::arch::x86_64::*;

use super::{Kernels, Plane, Quantization, scalar};
use crate::entropy::{self, Block, Chunk, Cursor, Fault, Plan};
use crate::scan::STEP;
use crate::transform::{Pairs, in_pairs};

/// Returns the kernels where the processor has what they are compiled for.
pub(super) fn kernels() -> Option<&'static Kernels> {
    // The macro remembers what it found.
    let has = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt");
    // SAFETY: the processor has these features.
    has.then(|| unsafe { table() })
}

/// Returns the kernels; whoever has the table may call them.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn table() -> &'static Kernels {
    &Kernels {
        copy_clean,
        decode_mcus,
        transform,
        reduce: reduced::reduce,
        sums,
        rgb_of_sums: rgb::of_sums,
        rgb_of_rows: rgb::of_rows,
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
pub(super) fn copy_clean(from: &[u8], to: &mut [u8]) -> usize {
    let mut clean = 0;
    for (from, to) in from.as_chunks::<STEP>().0.iter().zip(to.as_chunks_mut::<STEP>().0) {
        let bytes = load(from);
        store(bytes, to);
        let equal = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(-1));
        let found = _mm256_movemask_epi8(equal).trailing_zeros() as usize;
        clean += found;
        if found < STEP {
            break;
        }
    }
    clean
}

/// Nothing but the compiler's choice of instructions differs from the scalar version: shifts by a
/// count in any register.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
pub(super) fn decode_mcus(
    cursor: &mut Cursor<'_>,
    plan: &Plan,
    n: usize,
    chunk: &mut Chunk,
) -> Result<(), Fault> {
    entropy::decode_mcus(cursor, plan, n, chunk)
}

#[target_feature(enable = "avx2")]
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

#[target_feature(enable = "avx2")]
pub(super) fn sums(near: &[u8], far: &[u8], out: &mut [u16]) {
    scalar::sums(near, far, out);
}

/// A place of 32 bytes that may hold anything.
trait Bytes32 {}
impl Bytes32 for [u8; 32] {}
impl Bytes32 for [u16; 16] {}
impl Bytes32 for [i16; 16] {}

#[inline]
#[target_feature(enable = "avx2")]
fn load<T: Bytes32>(from: &T) -> __m256i {
    const { assert!(size_of::<T>() == 32) };
    // SAFETY: the reference is to 32 initialised bytes.
    unsafe { _mm256_loadu_si256(std::ptr::from_ref(from).cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(vector: __m256i, to: &mut [u8; 32]) {
    // SAFETY: the reference is to 32 bytes that are ours to write.
    unsafe { _mm256_storeu_si256(std::ptr::from_mut(to).cast(), vector) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_half(from: &[i16; 8]) -> __m128i {
    // SAFETY: the reference is to 16 initialised bytes.
    unsafe { _mm_loadu_si128(std::ptr::from_ref(from).cast()) }
}

/// Stores the lower 8 bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn store_8(vector: __m128i, to: &mut [u8; 8]) {
    *to = _mm_cvtsi128_si64(vector).to_le_bytes();
}
