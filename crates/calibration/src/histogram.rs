//! A histogram of |x| whose bins do not depend on the order in which values come.
//!
//! There are always [`BINS`] equal bins over [0, 2^e), where e is the smallest exponent that holds every value seen.
//! When a larger value comes, e grows and neighbouring bins merge in pairs.
//! Because the range is a power of two, a value's bin is its leading mantissa bits: nothing is rounded, so merging pairs
//! gives bit for bit what binning at the larger range would have given.
//! From that follows the invariant: counts and exponent are a pure function of the multiset of values.
//!
//! Edges: a value of exactly 2^e belongs to the next octave (the range is half open), so the largest value seen always
//! lies in the upper half and at least 2048 bins are in use.
//! The exponent stays within [`MIN_EXPONENT`]`..=`[`MAX_EXPONENT`]; a histogram that saw nothing, only zeros, or only
//! values below 2^-115 stays at the lower end.

use std::sync::Arc;

mod kernel;

pub(crate) use kernel::scan;

/// Number of bins of every [`Histogram`].
pub const BINS: usize = 4096;

/// Smallest exponent of a histogram's range: bins are then 2^-126 wide, the smallest normal `f32`, so every subnormal
/// lies in bin 0 whether or not the processor flushes subnormals to zero.
pub const MIN_EXPONENT: i32 = -114;

/// Largest exponent of a histogram's range: 2^128 is above every finite `f32`.
pub const MAX_EXPONENT: i32 = 128;

/// Counts of |x| in [`BINS`] equal bins over [0, 2^[`exponent`](Self::exponent)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    exponent: i32,
    /// Shared with the copies that have seen the same.
    counts: Arc<[u64; BINS]>,
}

impl Histogram {
    /// A histogram that has seen nothing.
    pub fn new() -> Self {
        Self { exponent: MIN_EXPONENT, counts: Arc::new([0; BINS]) }
    }

    pub(crate) fn from_counts(exponent: i32, counts: [u64; BINS]) -> Self {
        Self { exponent, counts: Arc::new(counts) }
    }

    /// The e of the range [0, 2^e).
    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    /// The counts, from the bin at 0 upwards.
    pub fn counts(&self) -> &[u64; BINS] {
        &self.counts
    }

    /// Width of a bin: 2^e / [`BINS`].
    pub fn bin_width(&self) -> f64 {
        2f64.powi(self.exponent) / BINS as f64
    }

    /// Upper edge of `bin`, in the unit of the values.
    pub(crate) fn upper_edge(&self, bin: usize) -> f32 {
        self.at_half_bins(2 * (bin + 1))
    }

    /// The value `half_bins` half widths above 0, exact because it has at most 14 significant bits; `f32::MAX` where it
    /// would be more.
    #[expect(clippy::cast_possible_truncation, reason = "exact, or clamped to the largest f32")]
    pub(crate) fn at_half_bins(&self, half_bins: usize) -> f32 {
        (half_bins as f64 * self.bin_width() / 2.0).min(f64::from(f32::MAX)) as f32
    }

    /// Whether values give this whose largest magnitude is `magnitude`, and some does if any was seen.
    pub(crate) fn is_of(&self, magnitude: f32) -> bool {
        if self.exponent != exponent_of(magnitude) {
            return false;
        }
        let last = self.counts.iter().rposition(|&count| count > 0);
        last.is_none_or(|last| {
            usize::from(bin(magnitude.to_bits(), top_field(self.exponent))) == last
        })
    }

    /// Adds the counts of `other`, as if its values had been seen here.
    pub fn merge(&mut self, other: &Self) {
        self.grow(other.exponent);
        let merged = bins_in_one((self.exponent - other.exponent).unsigned_abs());
        let counts = Arc::make_mut(&mut self.counts).iter_mut();
        for (count, others) in counts.zip(other.counts.chunks_exact(merged)) {
            *count += others.iter().sum::<u64>();
        }
    }

    /// Adds values whose largest magnitude is `magnitude`, and of which so many are `zeros`; all of them are finite.
    pub(crate) fn observe(&mut self, values: &[f32], zeros: u64, magnitude: f32) {
        self.grow(exponent_of(magnitude));
        kernel::count(values, zeros, top_field(self.exponent), Arc::make_mut(&mut self.counts));
    }

    /// Raises the exponent to at least `exponent`.
    fn grow(&mut self, exponent: i32) {
        let Ok(shift) = u32::try_from(exponent - self.exponent) else { return };
        if shift == 0 {
            return;
        }
        let merged = bins_in_one(shift);
        let counts = Arc::make_mut(&mut self.counts);
        for bin in 0..BINS / merged {
            counts[bin] = counts[bin * merged..][..merged].iter().sum();
        }
        counts[BINS / merged..].fill(0);
        self.exponent = exponent;
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// How many bins become one when the exponent grows by `shift`.
fn bins_in_one(shift: u32) -> usize {
    1 << shift.min(BINS.ilog2())
}

/// The smallest exponent whose range holds `magnitude`, within the limits.
fn exponent_of(magnitude: f32) -> i32 {
    let field = (magnitude.to_bits() >> 23).cast_signed();
    (field - 126).max(MIN_EXPONENT)
}

/// Biased exponent field of the values in the upper half of [0, 2^exponent).
fn top_field(exponent: i32) -> u32 {
    (exponent + 126).unsigned_abs()
}

/// Bin of the value with these bits, below [`BINS`] when the value fits.
///
/// The mantissa with its implicit bit has 24 bits; the top octave keeps 12 of them, each octave below one fewer.
/// Zero and subnormals have no implicit bit, but for them the shift is at least 24, so they land in bin 0 all the same.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a mantissa shifted by 12 or more has at most 12 bits"
)]
fn bin(bits: u32, top: u32) -> u16 {
    let magnitude = bits & 0x7fff_ffff;
    let mantissa = (magnitude & 0x007f_ffff) | 0x0080_0000;
    let shift = 12 + top - (magnitude >> 23);
    (mantissa >> shift.min(31)) as u16
}
