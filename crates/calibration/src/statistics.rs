//! What calibration keeps of every tensor: a histogram, the extremes and the zeros.

use std::collections::BTreeMap;

use crate::histogram::scan;
use crate::{BINS, FaithfulHistogram, Histogram};

/// More values than any calibration sees, and few enough that no method's sums overflow.
pub(crate) const MOST_VALUES: u64 = 1 << 62;

/// Everything that calibration learned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Number of samples that were run.
    pub samples: u64,
    /// What was seen of every float tensor, by its name in the original graph.
    pub tensors: BTreeMap<String, TensorStatistics>,
    /// Names of the samples that set the widths of the [`FaithfulHistogram`]s, in their order; empty where none were kept.
    pub first_batch: Vec<String>,
}

/// Which histograms are kept of every tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Histograms {
    /// Those that depend on nothing but the multiset of samples.
    Invariant,
    /// TensorRT's own beside them, which costs a second run of the first batch, memory and time.
    AndFaithful,
}

/// What was seen of one tensor: a pure function of the multiset of its values, and of the first batch's largest
/// magnitude where a [`FaithfulHistogram`] is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorStatistics {
    histogram: Histogram,
    minimum: f32,
    maximum: f32,
    count: u64,
    zeros: u64,
    faithful: Option<FaithfulHistogram>,
}

/// A value that has no place on any scale.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("value {value} at element {index}")]
pub struct NonFinite {
    /// NaN or an infinity.
    pub value: f32,
    /// Index of the first such value in the slice.
    pub index: usize,
}

impl NonFinite {
    pub(crate) fn at(values: &[f32], index: usize) -> Self {
        Self { value: values[index], index }
    }
}

impl Statistics {
    /// Adds values of the tensor called `tensor`, which appears when it is first seen.
    ///
    /// # Errors
    ///
    /// When a value is NaN or infinite; nothing of the slice is kept then.
    pub fn observe(&mut self, tensor: &str, values: &[f32]) -> Result<(), NonFinite> {
        if let Some(statistics) = self.tensors.get_mut(tensor) {
            return statistics.observe(values);
        }
        let mut statistics = TensorStatistics::new();
        statistics.observe(values)?;
        self.tensors.insert(tensor.to_owned(), statistics);
        Ok(())
    }

    /// Adds what `other` saw, as if its samples had been run here; exact, associative and commutative.
    ///
    /// Runs that began with different batches have no [`FaithfulHistogram`] in common.
    pub fn merge(&mut self, other: &Self) {
        if self.samples == 0 {
            self.first_batch.clone_from(&other.first_batch);
        } else if other.samples > 0 && self.first_batch != other.first_batch {
            self.first_batch.clear();
        }
        self.samples += other.samples;
        for (name, statistics) in &other.tensors {
            self.tensors.entry(name.clone()).or_default().merge(statistics);
        }
    }
}

impl TensorStatistics {
    /// Statistics of nothing.
    pub fn new() -> Self {
        Self {
            histogram: Histogram::new(),
            minimum: f32::INFINITY,
            maximum: f32::NEG_INFINITY,
            count: 0,
            zeros: 0,
            faithful: None,
        }
    }

    /// Statistics of nothing that will keep a [`FaithfulHistogram`] too.
    ///
    /// `first_batch` is the largest magnitude of the first batch, whose values are to be observed like all others.
    pub fn after_first_batch(first_batch: f32) -> Self {
        Self { faithful: Some(FaithfulHistogram::new(first_batch)), ..Self::new() }
    }

    /// Statistics with these parts; `None` when no values give them.
    ///
    /// `extremes` are the smallest and the largest value, 0 where there was none.
    pub(crate) fn from_parts(
        histogram: Histogram,
        extremes: [f32; 2],
        zeros: u64,
        faithful: Option<FaithfulHistogram>,
    ) -> Option<Self> {
        let mut counts = histogram.counts().iter();
        let count = counts.try_fold(0u64, |sum, &count| sum.checked_add(count))?;
        if count > MOST_VALUES {
            return None;
        }
        let seen = match (extremes.map(f32::to_bits), count) {
            ([0, 0], 0) => Self { histogram, faithful, ..Self::new() },
            (_, 0) => return None,
            _ => {
                let [minimum, maximum] = extremes;
                Self { histogram, minimum, maximum, count, zeros, faithful }
            }
        };
        seen.is_possible(zeros).then_some(seen)
    }

    /// Whether the parts fit each other, `zeros` being the number of zeros that is said.
    fn is_possible(&self, zeros: u64) -> bool {
        let (minimum, maximum, magnitude) = (self.minimum(), self.maximum(), self.magnitude());
        let is_value = |value: f32| value.is_finite() && value.to_bits() != (-0.0f32).to_bits();
        let has_zero = minimum <= 0.0 && 0.0 <= maximum;
        let zeros_fit = zeros == self.zeros
            && zeros <= self.histogram.counts()[0]
            && (zeros == 0 || has_zero)
            && (magnitude > 0.0 || zeros == self.count);
        let faithful_fits =
            self.faithful.as_ref().is_none_or(|kept| kept.is_of(self.count, magnitude));
        is_value(minimum)
            && is_value(maximum)
            && minimum <= maximum
            && zeros_fit
            && self.histogram.is_of(magnitude)
            && faithful_fits
    }

    /// The same without TensorRT's own histogram.
    pub(crate) fn without_faithful(self) -> Self {
        Self { faithful: None, ..self }
    }

    /// Adds values.
    ///
    /// # Errors
    ///
    /// When a value is NaN or infinite; nothing of the slice is kept then.
    pub fn observe(&mut self, values: &[f32]) -> Result<(), NonFinite> {
        if values.is_empty() {
            return Ok(());
        }
        let seen = scan(values)?;
        self.widen(seen.minimum, seen.maximum);
        self.count += values.len() as u64;
        self.zeros += seen.zeros;
        let magnitude = self.magnitude();
        self.histogram.observe(values, seen.zeros, magnitude);
        if let Some(faithful) = &mut self.faithful {
            faithful.observe(values, magnitude);
        }
        Ok(())
    }

    /// Adds what `other` saw; exact, associative and commutative.
    ///
    /// The [`FaithfulHistogram`] stays only when both have one and of the same first batch; statistics of nothing take
    /// over the other's.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.faithful, &other.faithful) {
            (Some(mine), Some(theirs)) if mine.first_batch() == theirs.first_batch() => {
                mine.merge(theirs);
            }
            (None, Some(theirs)) if self.count == 0 => self.faithful = Some(theirs.clone()),
            (Some(_), None) if other.count == 0 => {}
            _ => self.faithful = None,
        }
        if self.count == 0 {
            // The same counts, and no second copy of them.
            self.histogram = other.histogram.clone();
        } else if other.count > 0 {
            self.histogram.merge(&other.histogram);
        }
        self.widen(other.minimum, other.maximum);
        self.count += other.count;
        self.zeros += other.zeros;
    }

    /// The histogram of magnitudes, zeros included.
    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// TensorRT's own histogram, where it was asked for.
    pub fn faithful(&self) -> Option<&FaithfulHistogram> {
        self.faithful.as_ref()
    }

    /// The smallest value seen, never -0; 0 when nothing was.
    pub fn minimum(&self) -> f32 {
        if self.count == 0 { 0.0 } else { self.minimum }
    }

    /// The largest value seen, never -0; 0 when nothing was.
    pub fn maximum(&self) -> f32 {
        if self.count == 0 { 0.0 } else { self.maximum }
    }

    /// The largest magnitude seen; 0 when nothing was.
    pub fn magnitude(&self) -> f32 {
        // The bits of magnitudes order like the magnitudes.
        f32::from_bits(self.minimum().abs().to_bits().max(self.maximum().abs().to_bits()))
    }

    /// Number of values in bins that lie beyond `amax` as a whole: those that a range of it clips, but for some of the bin
    /// that it lies in. What is in the first bin is nearly 0, and never clipped.
    pub fn beyond(&self, amax: f32) -> u64 {
        let is_beyond = |bin: &usize| self.histogram.at_half_bins(2 * bin) > amax;
        let first = (1..BINS).find(is_beyond).unwrap_or(BINS);
        self.histogram.counts()[first..].iter().sum()
    }

    /// Number of values seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Number of values that were 0 or -0.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Compares as integers, so that a processor that flushes subnormals finds the same extremes.
    fn widen(&mut self, minimum: f32, maximum: f32) {
        if minimum.total_cmp(&self.minimum).is_lt() {
            self.minimum = minimum;
        }
        if maximum.total_cmp(&self.maximum).is_gt() {
            self.maximum = maximum;
        }
    }
}

impl Default for TensorStatistics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use calibrant_format::INT8;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::{MIN_EXPONENT, Method};

    /// Finite values over the whole range of `f32`, with zeros of both signs and powers of two more often than by chance.
    fn values() -> impl Strategy<Value = Vec<f32>> {
        let whole_range = proptest::num::f32::POSITIVE | proptest::num::f32::NEGATIVE;
        let power = (-126i32..128, prop_oneof![Just(1f32), Just(-1f32)])
            .prop_map(|(e, sign)| sign * 2f32.powi(e));
        vec(prop_oneof![whole_range, -8.0f32..8.0, power, Just(0.0), Just(-0.0)], 0..200)
    }

    /// All values at once, by the definition: no growing, no merging of bins, no blocks.
    fn naive(values: &[f32]) -> TensorStatistics {
        let largest =
            values.iter().fold(0f64, |largest, &value| largest.max(f64::from(value).abs()));
        let mut exponent = MIN_EXPONENT;
        while 2f64.powi(exponent) <= largest {
            exponent += 1;
        }
        let mut counts = [0; BINS];
        for &value in values {
            let bin = f64::from(value).abs() / 2f64.powi(exponent) * BINS as f64;
            counts[(0..BINS).rposition(|edge| edge as f64 <= bin).unwrap()] += 1;
        }
        TensorStatistics {
            histogram: Histogram::from_counts(exponent, counts),
            minimum: values.iter().fold(f32::INFINITY, |least, &value| least.min(value)) + 0.0,
            maximum: values.iter().fold(f32::NEG_INFINITY, |most, &value| most.max(value)) + 0.0,
            count: values.len() as u64,
            zeros: values.iter().filter(|value| **value == 0.0).count() as u64,
            faithful: None,
        }
    }

    fn observed<'a>(slices: impl IntoIterator<Item = &'a [f32]>) -> TensorStatistics {
        let mut statistics = TensorStatistics::new();
        for slice in slices {
            statistics.observe(slice).unwrap();
        }
        statistics
    }

    #[test]
    fn what_a_range_clips_is_counted() {
        let seen = observed([&[0.0, -0.0, 1.0, -2.0, 3.0, 3.5][..]]);
        let clipped = [0.0, 0.5, 1.0, 2.5, 3.5, 9.0].map(|amax| seen.beyond(amax));
        assert_eq!(clipped, [4, 4, 3, 2, 0, 0]);
        assert_eq!((observed([]).beyond(0.0), observed([&[0.0; 9][..]]).beyond(0.0)), (0, 0));
    }

    proptest! {
        #[test]
        fn statistics_match_naive(values in values()) {
            prop_assert_eq!(observed([&values[..]]), naive(&values));
        }

        #[test]
        fn neither_order_nor_batches_nor_shards_change_anything(
            values in values(),
            shuffled in any::<prop::sample::Index>(),
            batch in 1usize..50,
            shards in 1usize..6,
        ) {
            let whole = observed([&values[..]]);
            let mut other = values.clone();
            if !other.is_empty() {
                other.rotate_left(shuffled.index(values.len()));
                other.reverse();
            }
            prop_assert_eq!(&observed(other.chunks(batch)), &whole);

            let shards: Vec<_> = other.chunks(values.len().div_ceil(shards).max(1)).map(|shard| observed([shard])).collect();
            let mut forwards = TensorStatistics::new();
            shards.iter().for_each(|shard| forwards.merge(shard));
            let mut backwards = TensorStatistics::new();
            shards.iter().rev().for_each(|shard| backwards.merge(shard));
            prop_assert_eq!(&forwards, &whole);
            prop_assert_eq!(&backwards, &whole);
        }

        #[test]
        fn merging_is_associative_and_commutative(left in values(), middle in values(), right in values()) {
            let merged = |first: &TensorStatistics, second: &TensorStatistics| {
                let mut merged = first.clone();
                merged.merge(second);
                merged
            };
            let [left, middle, right] = [left, middle, right].map(|values| observed([&values[..]]));
            prop_assert_eq!(merged(&merged(&left, &middle), &right), merged(&left, &merged(&middle, &right)));
            prop_assert_eq!(merged(&left, &right), merged(&right, &left));
            prop_assert_eq!(merged(&left, &TensorStatistics::new()), left);
        }

        #[test]
        fn every_count_lies_in_a_bin_and_the_upper_half_is_in_use(values in values()) {
            let statistics = observed([&values[..]]);
            let counts = statistics.histogram().counts();
            prop_assert_eq!(counts.iter().sum::<u64>(), statistics.count());
            prop_assert!(counts[0] >= statistics.zeros());
            if statistics.histogram().exponent() > MIN_EXPONENT {
                prop_assert!(counts[BINS / 2..].iter().any(|&count| count > 0));
            }
        }
    }

    #[test]
    fn the_histogram_of_tensorrt_is_merged_where_it_means_something() {
        let seen = |first: Option<f32>, values: &[f32]| {
            let mut seen =
                first.map_or_else(TensorStatistics::new, TensorStatistics::after_first_batch);
            seen.observe(values).unwrap();
            seen
        };
        let merged = |mut left: TensorStatistics, right: &TensorStatistics| {
            left.merge(right);
            left.faithful().map(|histogram| histogram.counts().iter().sum::<u64>())
        };
        let (one, three) = (seen(Some(1.0), &[0.5]), seen(Some(1.0), &[0.25, 1.0, 7.0]));
        assert_eq!(merged(one.clone(), &three), Some(4));
        assert_eq!(merged(three.clone(), &one), Some(4));
        assert_eq!(merged(TensorStatistics::new(), &three), Some(3));
        assert_eq!(merged(three.clone(), &TensorStatistics::new()), Some(3));
        assert_eq!(merged(three.clone(), &seen(Some(2.0), &[1.0])), None, "another first batch");
        assert_eq!(merged(three.clone(), &seen(None, &[1.0])), None, "kept by one only");
        assert_eq!(merged(seen(None, &[1.0]), &three), None, "kept by the other only");
        assert_eq!(three.amax(Method::TensorrtFaithful, &INT8).map(|amax| amax > 4.0), Some(true));
        assert_eq!(seen(None, &[1.0]).amax(Method::TensorrtFaithful, &INT8), None);
        let zeros = TensorStatistics::after_first_batch(0.0);
        assert_eq!(zeros.amax(Method::TensorrtFaithful, &INT8), Some(0.0));
    }

    #[test]
    fn a_slice_with_a_bad_value_leaves_nothing_behind() {
        let mut statistics = observed([&[1.0, -2.0][..]]);
        let before = statistics.clone();
        let error = statistics.observe(&[100.0, f32::NAN, f32::INFINITY]).unwrap_err();
        assert_eq!(error.to_string(), "value NaN at element 1");
        assert_eq!(statistics, before);
    }

    #[test]
    fn tensors_without_values_or_without_magnitude_have_statistics_all_the_same() {
        for (values, count) in [(&[][..], 0), (&[0.0, -0.0], 2), (&[-0.0], 1)] {
            let statistics = observed([values]);
            assert_eq!((statistics.count(), statistics.zeros()), (count, count));
            let extremes = [statistics.minimum(), statistics.maximum(), statistics.magnitude()];
            assert_eq!(extremes.map(f32::to_bits), [0; 3], "+0, never -0");
            assert_eq!(statistics.histogram().exponent(), MIN_EXPONENT);
            for method in Method::USUAL {
                assert_eq!(statistics.amax(method, &INT8).map(f32::to_bits), Some(0), "{method}");
            }
        }
    }

    #[test]
    fn tensors_meet_under_their_names() {
        let (mut left, mut right) = (Statistics::default(), Statistics::default());
        left.observe("a", &[1.0]).unwrap();
        left.observe("b", &[2.0]).unwrap();
        right.observe("b", &[-4.0]).unwrap();
        right.observe("c", &[8.0]).unwrap();
        (left.samples, right.samples) = (2, 1);
        left.merge(&right);
        assert_eq!(left.samples, 3);
        let magnitudes: Vec<_> =
            left.tensors.iter().map(|(name, it)| (name.as_str(), it.magnitude())).collect();
        assert_eq!(magnitudes, [("a", 1.0), ("b", 4.0), ("c", 8.0)]);
        let first = |name: &str| Statistics {
            samples: 1,
            first_batch: vec![name.to_owned()],
            ..Statistics::default()
        };
        let merged = |mut left: Statistics, right: &Statistics| {
            left.merge(right);
            left.first_batch.len()
        };
        assert_eq!(merged(first("a"), &first("a")), 1);
        assert_eq!(merged(first("a"), &Statistics::default()), 1);
        assert_eq!(merged(Statistics::default(), &first("a")), 1);
        assert_eq!(merged(first("a"), &first("b")), 0, "nothing in common");
        assert!(left.observe("d", &[f32::NAN]).is_err());
        assert!(!left.tensors.contains_key("d"));
    }
}
