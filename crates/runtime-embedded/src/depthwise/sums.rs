//! The loop that multiplies and adds.
//!
//! It is written once for vectors of any length: each lane is a sum of its own, so how many there are changes no bit.

use rten_simd::ops::{BitOps as _, NumOps as _};
use rten_simd::{Isa, SimdOp};

/// Vectors of sums that are kept at a time, so that no addition waits for the one before.
const AT_ONCE: usize = 4;

/// Sums are computed by this many, and values read by as many: no vector that there is has more than 16 lanes.
pub(crate) const WIDEST: usize = 16 * AT_ONCE;

/// For each place of `to`, whose length is a multiple of [`WIDEST`], the bias and, in their order, the products of all
/// weights with the value so many places further in `from`.
///
/// # Panics
///
/// When `from` ends before the last of them.
pub(super) fn sums(taps: &[(usize, f32)], bias: f32, from: &[f32], to: &mut [f32]) {
    Sums { taps, bias, from, to }.dispatch();
}

struct Sums<'a> {
    taps: &'a [(usize, f32)],
    bias: f32,
    from: &'a [f32],
    to: &'a mut [f32],
}

impl SimdOp for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let Self { taps, bias, from, to } = self;
        let ops = isa.f32();
        let lanes = ops.len();
        for (chunk_idx, chunk) in to.chunks_exact_mut(AT_ONCE * lanes).enumerate() {
            let from = &from[chunk_idx * AT_ONCE * lanes..];
            let mut sums = [ops.splat(bias); AT_ONCE];
            for &(offset, weight) in taps {
                let weight = ops.splat(weight);
                let values = ops.load_many::<AT_ONCE>(&from[offset..]);
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = ops.add(*sum, ops.mul(value, weight));
                }
            }
            for (to, sum) in chunk.chunks_exact_mut(lanes).zip(sums) {
                ops.store(sum, to);
            }
        }
    }
}
