//! The histogram of TensorRT's own entropy calibrators, up to TensorRT 10.
//!
//! Its [`FAITHFUL_BINS`] bins are as wide as the first batch says: together they reach from 0 to that batch's largest
//! magnitude.
//! When a later value lies beyond, the range doubles, as often as needed, and neighbouring bins merge in pairs; so one
//! outlier late in the calibration halves the resolution of everything that came before.
//! Therefore the result depends on which samples are in the first batch.
//! It exists for comparison with TensorRT's own numbers; [`Histogram`](crate::Histogram) depends on nothing of the kind.
//!
//! What is published: NVIDIA's MLPerf submissions (`calibration.md`) tell of a histogram of magnitudes whose range comes
//! from the first batch and that doubles; TensorRT's developer guide tells of powers of two, and that the order of the
//! batches matters.
//! The number of bins and the merging in pairs are what TensorRT's calibration caches show.
//!
//! What is not: in which bin a value on the very edge of the range is counted.
//! Here it waits at the edge, in a place of its own, and falls into the last bin when the histogram is read.
//! Because of that, and because widths differ by powers of two, merging gives bit for bit what counting at the larger
//! range would have given: apart from the first batch's largest magnitude, neither order nor threads change a count.

/// Number of bins of every [`FaithfulHistogram`].
pub const FAITHFUL_BINS: usize = 2048;

/// Number of its counts: one more than there are bins, for what lies on the edge of the range.
pub(crate) const FAITHFUL_COUNTS: usize = FAITHFUL_BINS + 1;

/// Range of a histogram whose first batch was all zeros, or nearly, and so says nothing: its bins are 2^-126 wide, the
/// smallest normal `f32`.
/// Doubling leads from there to the smallest power of two that holds every value.
const SMALLEST_RANGE: f32 = f32::from_bits((127 - 115) << 23);

/// Doublings after which the smallest range holds every float.
const MOST_DOUBLINGS: u32 = 115 + 128;

/// Values whose bins are computed before any is counted.
const GROUP: usize = 1024;

/// Counts of |x| in [`FAITHFUL_BINS`] equal bins over [0, a · 2^k], a the first batch's largest magnitude.
#[derive(Debug, Clone, PartialEq)]
#[doc(alias = "IInt8EntropyCalibrator2")]
pub struct FaithfulHistogram {
    first_batch: f32,
    doublings: u32,
    /// The last counts what lies on the edge of the range.
    counts: Box<[u64; FAITHFUL_COUNTS]>,
}

impl FaithfulHistogram {
    /// A histogram that has seen nothing, after a first batch whose largest magnitude is `first_batch`.
    ///
    /// The values of the first batch are to be observed like all others.
    pub fn new(first_batch: f32) -> Self {
        let first_batch = first_batch.abs().max(SMALLEST_RANGE);
        Self { first_batch, doublings: 0, counts: Box::new([0; FAITHFUL_COUNTS]) }
    }

    /// A histogram with these parts; `None` when there is none.
    pub(crate) fn from_parts(
        first_batch: f32,
        doublings: u64,
        counts: [u64; FAITHFUL_COUNTS],
    ) -> Option<Self> {
        let doublings = u32::try_from(doublings).ok().filter(|it| *it <= MOST_DOUBLINGS)?;
        let is_range = first_batch.is_finite() && first_batch >= SMALLEST_RANGE;
        is_range.then(|| Self { first_batch, doublings, counts: Box::new(counts) })
    }

    /// Whether `count` values give this, the largest of which has this magnitude.
    pub(crate) fn is_of(&self, count: u64, magnitude: f32) -> bool {
        let sum = self.counts.iter().try_fold(0u64, |sum, &count| sum.checked_add(count));
        let start = Self { doublings: 0, ..self.clone() };
        sum == Some(count) && self.doublings == start.doublings_for(magnitude)
    }

    /// The counts, and behind them how many values lie on the edge of the range.
    pub(crate) fn counts_and_edge(&self) -> &[u64; FAITHFUL_COUNTS] {
        &self.counts
    }

    /// The range at the start: the first batch's largest magnitude, or 2^-115 where that is less.
    pub fn first_batch(&self) -> f32 {
        self.first_batch
    }

    /// How often the range has doubled since the first batch.
    pub fn doublings(&self) -> u32 {
        self.doublings
    }

    /// Width of a bin in the unit of the values, a · 2^k / [`FAITHFUL_BINS`].
    #[expect(clippy::cast_possible_truncation, reason = "exact: a float times a power of two")]
    pub fn bin_width(&self) -> f32 {
        (self.range() / FAITHFUL_BINS as f64) as f32
    }

    /// The counts, from the bin at 0 upwards; what lies on the edge of the range counts in the last bin.
    pub fn counts(&self) -> [u64; FAITHFUL_BINS] {
        let mut counts = [0; FAITHFUL_BINS];
        counts.copy_from_slice(&self.counts[..FAITHFUL_BINS]);
        counts[FAITHFUL_BINS - 1] += self.counts[FAITHFUL_BINS];
        counts
    }

    /// Adds finite values, none of whose magnitudes exceeds `magnitude`.
    pub(crate) fn observe(&mut self, values: &[f32], magnitude: f32) {
        self.grow(self.doublings_for(magnitude));
        let width = self.bin_width();
        let mut bins = [0u16; GROUP];
        for group in values.chunks(GROUP) {
            for (slot, value) in bins.iter_mut().zip(group) {
                *slot = bin(*value, width);
            }
            for &bin in &bins[..group.len()] {
                self.counts[usize::from(bin)] += 1;
            }
        }
    }

    /// Adds the counts of `other`, which had the same first batch.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.grow(other.doublings);
        let shift = self.doublings - other.doublings;
        for (bin, count) in other.counts.iter().enumerate() {
            self.counts[bin.checked_shr(shift).unwrap_or(0)] += count;
        }
    }

    /// Where the last bin ends, which may lie above every `f32`.
    fn range(&self) -> f64 {
        f64::from(self.first_batch) * 2f64.powi(self.doublings.cast_signed())
    }

    /// The fewest doublings after which the range holds `magnitude`, at least those so far.
    fn doublings_for(&self, magnitude: f32) -> u32 {
        let mut doublings = self.doublings;
        let mut range = self.range();
        while f64::from(magnitude) > range {
            range *= 2.0;
            doublings += 1;
        }
        doublings
    }

    fn grow(&mut self, doublings: u32) {
        let shift = doublings.saturating_sub(self.doublings);
        if shift == 0 {
            return;
        }
        for bin in 1..self.counts.len() {
            let count = std::mem::take(&mut self.counts[bin]);
            self.counts[bin.checked_shr(shift).unwrap_or(0)] += count;
        }
        self.doublings = doublings;
    }
}

/// The bin of a value that the range holds.
///
/// The quotient is rounded to `f32`, as in TensorRT's own arithmetic.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a magnitude in units of the width is from 0 to 2048"
)]
fn bin(value: f32, width: f32) -> u16 {
    ((value.abs() / width) as u16).min(FAITHFUL_BINS as u16)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Values that a range of 1 holds, and some that it does not, edges among them more often than by chance.
    fn values() -> impl Strategy<Value = Vec<f32>> {
        let edge =
            (0i32..=2048, 0i32..4).prop_map(|(bin, power)| bin as f32 / 2048.0 * 2f32.powi(power));
        let rare = prop_oneof![Just(7.999_999_5f32), Just(1.0 - f32::EPSILON / 2.0), Just(1.0)];
        vec(prop_oneof![6 => -1f32..1.0, 2 => edge, 1 => -9f32..9.0, 1 => rare], 1..200)
    }

    fn magnitude(values: &[f32]) -> f32 {
        values.iter().fold(0f32, |most, value| most.max(value.abs()))
    }

    fn observed<'a>(first: f32, slices: impl IntoIterator<Item = &'a [f32]>) -> FaithfulHistogram {
        let mut histogram = FaithfulHistogram::new(first);
        slices.into_iter().for_each(|slice| histogram.observe(slice, magnitude(slice)));
        histogram
    }

    /// Batch by batch as the documents tell it: bins of numbers, and a new, half empty row of them at each doubling.
    fn naive(batches: &[&[f32]]) -> (f64, Vec<u64>) {
        let mut range = f64::from(magnitude(batches[0]));
        let mut bins = vec![0u64; FAITHFUL_BINS + 1];
        for batch in batches {
            while f64::from(magnitude(batch)) > range {
                let merged = bins.chunks(2).map(|pair| pair.iter().sum());
                let mut merged: Vec<u64> = merged.collect();
                merged.resize(FAITHFUL_BINS + 1, 0);
                (bins, range) = (merged, range * 2.0);
            }
            for value in *batch {
                // Twice the work of one division in f32: exact, then rounded once.
                let position = f64::from(value.abs()) / (range / FAITHFUL_BINS as f64);
                #[expect(clippy::cast_possible_truncation, reason = "the rounding is meant")]
                let position = position as f32;
                let edges = (0..FAITHFUL_BINS + 1).rposition(|edge| edge as f32 <= position);
                bins[edges.unwrap()] += 1;
            }
        }
        let edge = bins.pop().unwrap();
        *bins.last_mut().unwrap() += edge;
        (range, bins)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn histograms_match_naive(values in values(), batch in 1usize..60) {
            let batches: Vec<&[f32]> = values.chunks(batch).collect();
            prop_assume!(magnitude(batches[0]) > SMALLEST_RANGE);
            let histogram = observed(magnitude(batches[0]), batches.iter().copied());
            let (range, bins) = naive(&batches);
            prop_assert_eq!(f64::from(histogram.bin_width()) * FAITHFUL_BINS as f64, range);
            prop_assert_eq!(histogram.counts().to_vec(), bins);
        }

        #[test]
        fn only_the_first_batch_matters(
            values in values().prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle())),
            batch in 1usize..50,
            shards in 1usize..5,
        ) {
            let (values, shuffled) = values;
            let first = magnitude(&values[..batch.min(values.len())]);
            let whole = observed(first, [&values[..]]);
            prop_assert_eq!(&observed(first, shuffled.chunks(batch)), &whole);
            let mut merged = FaithfulHistogram::new(first);
            for shard in shuffled.chunks(values.len().div_ceil(shards)) {
                merged.merge(&observed(first, shard.chunks(batch)));
            }
            prop_assert_eq!(&merged, &whole);
            prop_assert_eq!(whole.counts().iter().sum::<u64>(), values.len() as u64);
        }
    }

    #[test]
    fn a_first_batch_of_zeros_leaves_the_smallest_power_of_two() {
        for (largest, range) in
            [(1.0f32, 1.0f64), (0.7, 1.0), (1.1, 2.0), (f32::MAX, 2f64.powi(128))]
        {
            let histogram = observed(0.0, [&[0.0f32, 0.0][..], &[largest]]);
            assert_eq!(f64::from(histogram.bin_width()) * FAITHFUL_BINS as f64, range, "{largest}");
            assert_eq!(histogram.counts()[0], 2);
        }
        assert_eq!(FaithfulHistogram::new(0.0).first_batch(), 2f32.powi(-115));
        assert_eq!(FaithfulHistogram::new(0.0).bin_width(), f32::MIN_POSITIVE);
    }

    #[test]
    fn a_range_above_every_float_still_has_bins() {
        let histogram = observed(f32::MAX * 0.75, [&[f32::MAX, 1.0][..]]);
        assert_eq!((histogram.doublings(), histogram.counts()[0]), (1, 1));
        assert_eq!(histogram.counts()[1365], 1, "two thirds of the range");
    }
}
