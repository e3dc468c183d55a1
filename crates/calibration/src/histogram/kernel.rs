//! The two loops that see every activation: [`scan`] for the extremes and zeros, [`count`] for the bins.
//!
//! Both work on the bits of the values, so neither rounding nor a processor that flushes subnormals changes a result,
//! and both are plain loops that compilers vectorise.
//! On x86-64 they are compiled again for AVX2, whose per-lane shifts the baseline lacks, and for AVX-512, and chosen at run
//! time: that makes them twice as fast, and four times as fast as a plain loop (`benches/benches/histogram.rs`).
//! It is the reason for this crate's only `unsafe`.

#![allow(
    unsafe_code,
    reason = "calling a function compiled for vectors after asking the processor whether it has them"
)]

use super::{BINS, bin};
use crate::NonFinite;

/// What [`scan`] finds in a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scan {
    /// The smallest value, never -0; infinite for an empty slice.
    pub(crate) minimum: f32,
    /// The largest value, never -0; infinite for an empty slice.
    pub(crate) maximum: f32,
    /// How many values are 0 or -0.
    pub(crate) zeros: u64,
}

/// Extremes and zeros of `values`.
///
/// # Errors
///
/// When a value is NaN or infinite; the first one is named.
pub(crate) fn scan(values: &[f32]) -> Result<Scan, NonFinite> {
    let (mut least, mut most, mut zeros) = (key(f32::INFINITY), key(f32::NEG_INFINITY), 0);
    for (block_idx, block) in values.chunks(SCAN_BLOCK).enumerate() {
        let keys = scan_block(block);
        let finite = keys.least > key(f32::NEG_INFINITY) && keys.most < key(f32::INFINITY);
        let culprit = if finite { None } else { block.iter().position(|value| !value.is_finite()) };
        if let Some(index) = culprit {
            return Err(NonFinite::at(values, block_idx * SCAN_BLOCK + index));
        }
        least = least.min(keys.least);
        most = most.max(keys.most);
        zeros += u64::from(keys.zeros);
    }
    Ok(Scan { minimum: value(least), maximum: value(most), zeros })
}

/// Adds finite `values`, of which so many are `zeros`, to `counts`; `top` is the biased exponent of the range's upper half.
pub(crate) fn count(values: &[f32], zeros: u64, top: u32, counts: &mut [u64; BINS]) {
    if values.len() < DIRECT {
        return count_directly(values, top, counts);
    }
    let count_block = if zeros.saturating_mul(MANY_ZEROS) > values.len() as u64 {
        count_block::<true>
    } else {
        count_block::<false>
    };
    for block in values.chunks(COUNT_BLOCK) {
        count_block(block, top, counts);
    }
}

/// Values in a block of [`scan`]: few enough that `u32` holds any number of zeros.
const SCAN_BLOCK: usize = 1 << 20;
/// Values in a block of [`count`]: few enough that a `u32` sub-table cannot overflow.
const COUNT_BLOCK: usize = 1 << 30;
/// Below this many values, clearing and adding up the sub-tables costs more than they save.
const DIRECT: usize = 4096;
/// Values whose bins are computed before any is counted.
const GROUP: usize = 1024;
/// Neighbouring values are often in the same bin, above all zeros after a ReLU; counting them in turn in separate
/// tables keeps each increment from waiting for the one before.
const SUB_TABLES: usize = 4;
/// Where more than one value in so many is a zero, even four tables keep increments waiting.
const MANY_ZEROS: u64 = 8;
/// Counters of each table that values in bin 0 then take in turn.
const SPARE: usize = 64;

/// Extremes of a block as [`key`]s, and its zeros.
#[derive(Clone, Copy)]
struct Keys {
    least: i32,
    most: i32,
    zeros: u32,
}

/// An integer that orders like the value: negative NaN, -∞, …, -0, 0, …, ∞, NaN.
#[inline(always)]
fn key(value: f32) -> i32 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 31) & i32::MAX)
}

/// The value of a [`key`], with +0 for -0.
fn value(key: i32) -> f32 {
    const NEGATIVE_ZERO: i32 = -1;
    if key == NEGATIVE_ZERO {
        return 0.0;
    }
    f32::from_bits((key ^ ((key >> 31) & i32::MAX)).cast_unsigned())
}

fn scan_block(values: &[f32]) -> Keys {
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        // SAFETY: this processor has what the function asks for, which was just asked.
        return unsafe { scan_block_avx512(values) };
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: this processor has AVX2, the only thing that the function asks for.
        return unsafe { scan_block_avx2(values) };
    }
    scan_block_portable(values)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn scan_block_avx512(values: &[f32]) -> Keys {
    scan_block_portable(values)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn scan_block_avx2(values: &[f32]) -> Keys {
    scan_block_portable(values)
}

#[inline(always)]
fn scan_block_portable(values: &[f32]) -> Keys {
    let mut keys = Keys { least: i32::MAX, most: i32::MIN, zeros: 0 };
    for &value in values {
        let key = key(value);
        keys.least = keys.least.min(key);
        keys.most = keys.most.max(key);
        keys.zeros += u32::from(value.to_bits() << 1 == 0);
    }
    keys
}

fn count_directly(values: &[f32], top: u32, counts: &mut [u64; BINS]) {
    for value in values {
        counts[usize::from(bin(value.to_bits(), top)) % BINS] += 1;
    }
}

/// Counts a block; `SPREAD` has the values in bin 0 counted in turn in the spare counters.
fn count_block<const SPREAD: bool>(values: &[f32], top: u32, counts: &mut [u64; BINS]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx512() {
        // SAFETY: this processor has what the function asks for, which was just asked.
        return unsafe { count_block_avx512::<SPREAD>(values, top, counts) };
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: this processor has AVX2, the only thing that the function asks for.
        return unsafe { count_block_avx2::<SPREAD>(values, top, counts) };
    }
    count_block_portable::<SPREAD>(values, top, counts);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn count_block_avx512<const SPREAD: bool>(values: &[f32], top: u32, counts: &mut [u64; BINS]) {
    count_block_portable::<SPREAD>(values, top, counts);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn count_block_avx2<const SPREAD: bool>(values: &[f32], top: u32, counts: &mut [u64; BINS]) {
    count_block_portable::<SPREAD>(values, top, counts);
}

/// Whether this processor has what `count_block_avx512` and `scan_block_avx512` ask for.
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[inline(always)]
fn count_block_portable<const SPREAD: bool>(values: &[f32], top: u32, counts: &mut [u64; BINS]) {
    let mut tables = [[0u32; BINS + SPARE]; SUB_TABLES];
    let mut bins = [0u16; GROUP];
    // The remainder says what is so already, and spares the check.
    let place = |bin: u16| if SPREAD { usize::from(bin) } else { usize::from(bin) % BINS };
    for group in values.chunks(GROUP) {
        for (index, (slot, value)) in bins.iter_mut().zip(group).enumerate() {
            let bin = bin(value.to_bits(), top);
            *slot = if SPREAD && bin == 0 { spare(index) } else { bin };
        }
        let mut rows = bins[..group.len()].chunks_exact(SUB_TABLES);
        for row in &mut rows {
            for (table, &bin) in tables.iter_mut().zip(row) {
                table[place(bin)] += 1;
            }
        }
        for &bin in rows.remainder() {
            tables[0][place(bin)] += 1;
        }
    }
    for (bin, count) in counts.iter_mut().enumerate() {
        *count += tables.iter().map(|table| u64::from(table[bin])).sum::<u64>();
    }
    let spares = tables.iter().flat_map(|table| &table[BINS..]);
    counts[0] += spares.map(|&count| u64::from(count)).sum::<u64>();
}

/// The spare counter of a value in bin 0.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "below BINS + SPARE")]
fn spare(index: usize) -> u16 {
    (BINS + index / SUB_TABLES % SPARE) as u16
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::histogram::{MAX_EXPONENT, MIN_EXPONENT, exponent_of, top_field};

    type Kernel = fn(&[f32], u32, &mut [u64; BINS]);

    fn finite() -> impl Strategy<Value = f32> {
        use proptest::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
        POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
    }

    /// The scan, one value at a time and in words.
    fn naive_scan(values: &[f32]) -> Scan {
        let mut scan = Scan { minimum: f32::INFINITY, maximum: f32::NEG_INFINITY, zeros: 0 };
        for &value in values {
            let value = if value == 0.0 { 0.0 } else { value };
            scan.minimum = if value < scan.minimum { value } else { scan.minimum };
            scan.maximum = if value > scan.maximum { value } else { scan.maximum };
            scan.zeros += u64::from(value == 0.0);
        }
        scan
    }

    /// The bin by its definition, in `f64`, where dividing by a power of two is exact for every `f32`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4095")]
    fn naive_bin(value: f32, exponent: i32) -> usize {
        (f64::from(value.abs()) / 2f64.powi(exponent) * BINS as f64).floor() as usize
    }

    fn bits(scan: Scan) -> (u32, u32, u64) {
        (scan.minimum.to_bits(), scan.maximum.to_bits(), scan.zeros)
    }

    proptest! {
        #[test]
        fn scanning_matches_naive(values in vec(finite(), 0..300)) {
            prop_assert_eq!(bits(scan(&values).unwrap()), bits(naive_scan(&values)));
            let keys = scan_block_portable(&values);
            let dispatched = scan_block(&values);
            prop_assert_eq!((keys.least, keys.most, keys.zeros), (dispatched.least, dispatched.most, dispatched.zeros));
        }

        #[test]
        fn bins_match_their_definition(value in finite(), room in 0..40i32) {
            let exponent = (exponent_of(value.abs()) + room).min(MAX_EXPONENT);
            prop_assert_eq!(usize::from(bin(value.to_bits(), top_field(exponent))), naive_bin(value, exponent));
        }

        #[test]
        fn counting_matches_naive(values in vec(finite(), 1..50), length in 0usize..9000) {
            let values: Vec<f32> = values.iter().copied().cycle().take(length).collect();
            let zeros = values.iter().filter(|value| **value == 0.0).count() as u64;
            let exponent = values.iter().map(|value| exponent_of(value.abs())).max().unwrap_or(MIN_EXPONENT);
            let mut naive = [0; BINS];
            for &value in &values {
                naive[naive_bin(value, exponent)] += 1;
            }
            let top = top_field(exponent);
            let kernels: [Kernel; 5] = [
                count_directly,
                count_block::<false>,
                count_block::<true>,
                count_block_portable::<false>,
                count_block_portable::<true>,
            ];
            for kernel in kernels {
                let mut counts = [0; BINS];
                kernel(&values, top, &mut counts);
                prop_assert!(counts == naive);
            }
            let mut counts = [0; BINS];
            count(&values, zeros, top, &mut counts);
            prop_assert!(counts == naive);
        }

        #[test]
        fn the_first_value_without_a_place_is_named(
            mut values in vec(finite(), 1..200),
            at in any::<prop::sample::Index>(),
            later in any::<prop::sample::Index>(),
            bad in prop_oneof![Just(f32::NAN), Just(-f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY)],
        ) {
            let at = at.index(values.len());
            let later = at + later.index(values.len() - at);
            values[later] = f32::NAN;
            values[at] = bad;
            let error = scan(&values).unwrap_err();
            prop_assert_eq!((error.index, error.value.to_bits()), (at, bad.to_bits()));
        }
    }

    #[test]
    fn a_later_block_is_scanned_too() {
        let mut values = vec![0.0; SCAN_BLOCK + 10];
        values[SCAN_BLOCK + 3] = -2.0;
        let found = Scan { minimum: -2.0, maximum: 0.0, zeros: SCAN_BLOCK as u64 + 9 };
        assert_eq!(scan(&values).unwrap(), found);
        values[SCAN_BLOCK + 4] = f32::NAN;
        assert_eq!(scan(&values).unwrap_err().index, SCAN_BLOCK + 4);
    }

    #[test]
    fn values_at_powers_of_two_belong_to_the_next_octave() {
        for (value, exponent, expected) in [
            (1.0, 1, 2048),
            (f32::from_bits(1.0f32.to_bits() - 1), 0, 4095),
            (0.5, 0, 2048),
            (-0.5, 0, 2048),
            (f32::MAX, 128, 4095),
            (f32::MIN_POSITIVE, MIN_EXPONENT, 1),
            (f32::from_bits(f32::MIN_POSITIVE.to_bits() - 1), MIN_EXPONENT, 0),
            (f32::from_bits(1), MIN_EXPONENT, 0),
            (0.0, 128, 0),
            (-0.0, MIN_EXPONENT, 0),
        ] {
            assert_eq!(exponent_of(f32::abs(value)).max(exponent), exponent, "{value:e}");
            assert_eq!(bin(value.to_bits(), top_field(exponent)), expected, "{value:e}");
        }
    }
}
