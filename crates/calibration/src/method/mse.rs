//! `mse`: the range with the smallest mean squared error.

use crate::{BINS, Histogram};

/// Positive levels of a symmetric signed 8-bit integer, not counting 0.
const LEVELS: usize = 127;
/// Fewest bins that a candidate keeps: with fewer, a level would be narrower than a bin and the error unknown.
const FEWEST: usize = LEVELS + 1;

/// The upper bin edge whose 127 levels have the smallest squared error; `None` when there is nothing to choose.
///
/// The candidates are the upper edges of the bins from the 128th to the last in use.
/// A value counts as its bin's centre, a zero as exactly 0; values beyond the candidate are clipped to it.
/// Everything is an integer in units of width / 254, so the sums are exact and so is the comparison; of equally good
/// candidates the largest wins, since it clips less.
///
/// ModelOpt (`modelopt/torch/quantization/calib/histogram.py`) and pytorch-quantization look for the same minimum with
/// candidates at bin centres, in floating point, and with the zeros at the first bin's centre.
/// TensorRT's own calibrators and ONNX Runtime have no such method.
pub(super) fn threshold(histogram: &Histogram, zeros: u64) -> Option<f32> {
    let mut counts = *histogram.counts();
    counts[0] -= zeros;
    let bins = best(&counts)?;
    Some(histogram.at_half_bins(2 * bins))
}

/// Number of bins that the best candidate keeps.
fn best(counts: &[u64; BINS]) -> Option<usize> {
    let used = counts.iter().rposition(|&count| count > 0)? + 1;
    let sums = Sums::new(counts);
    let candidates = used.min(FEWEST)..=used;
    candidates.rev().min_by_key(|&bins| sums.error(bins))
}

/// Sums over the first bins, so that a candidate costs one step per level instead of one per bin.
///
/// With counts below 2^64 and centres below 2^13 nothing here or in [`error`](Self::error) exceeds 2^104.
struct Sums {
    /// `counts[i]`: sum of the first i counts.
    counts: Vec<u64>,
    /// `moments[i]`: sum of count · centre over the first i bins, centres in units of half a bin.
    moments: Vec<u128>,
    /// Sum of count · centre² over all bins.
    square: u128,
}

impl Sums {
    fn new(counts: &[u64; BINS]) -> Self {
        let mut sums = Self { counts: vec![0], moments: vec![0], square: 0 };
        let (mut total, mut moment) = (0, 0);
        for (bin, &count) in counts.iter().enumerate() {
            let centre = 2 * bin as u128 + 1;
            total += count;
            moment += u128::from(count) * centre;
            sums.square += u128::from(count) * centre * centre;
            sums.counts.push(total);
            sums.moments.push(moment);
        }
        sums
    }

    /// Squared error of the candidate that keeps the first `bins`, in units of (width / 254)².
    ///
    /// In half bins a centre is c and level q is 2 · bins · q / 127, so with counts n the error is
    /// Σ n (127 c - 2 · bins · q)² = 127² Σ n c² + (2 · bins)² Σ q² n - 2 · 127 · 2 · bins Σ q n c,
    /// where q is the level nearest to c.
    fn error(&self, bins: usize) -> u128 {
        let (mut squares, mut products) = (0u128, 0u128);
        let mut start = below_level(1, bins);
        for level in 1..=LEVELS {
            let end = if level == LEVELS { BINS } else { below_level(level + 1, bins) };
            let count = self.counts[end] - self.counts[start];
            let moment = self.moments[end] - self.moments[start];
            squares += u128::from(count) * (level * level) as u128;
            products += moment * level as u128;
            start = end;
        }
        let (levels, step) = (LEVELS as u128, 2 * bins as u128);
        levels * levels * self.square + step * step * squares - 2 * levels * step * products
    }
}

/// Number of bins whose centre is nearer to a level below `level` than to it: the i with 127 (2 i + 1) < (2 level - 1) bins.
fn below_level(level: usize, bins: usize) -> usize {
    ((2 * level - 1) * bins + LEVELS - 1) / (2 * LEVELS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::method::tests::histograms;

    /// The error by its definition: every bin to its nearest level.
    fn naive_error(counts: &[u64; BINS], bins: usize) -> u128 {
        let centres = (0..BINS).map(|bin| LEVELS * (2 * bin + 1));
        let step = 2 * bins;
        let errors = counts.iter().zip(centres).map(|(&count, centre)| {
            let level = ((centre + step / 2) / step).min(LEVELS);
            u128::from(count) * (centre.abs_diff(level * step) as u128).pow(2)
        });
        errors.sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn errors_match_naive(histogram in histograms(), bins in 1..=BINS) {
            prop_assert_eq!(Sums::new(histogram.counts()).error(bins), naive_error(histogram.counts(), bins));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn the_choice_matches_naive(histogram in histograms()) {
            let counts = histogram.counts();
            let used = counts.iter().rposition(|&count| count > 0).unwrap() + 1;
            let mut least = (u128::MAX, 0);
            for bins in 128..=used {
                let error = naive_error(counts, bins);
                if error <= least.0 {
                    least = (error, bins);
                }
            }
            prop_assert_eq!(best(counts), Some(least.1));
        }
    }

    #[test]
    fn zeros_weigh_nothing() {
        let mut counts = [0; BINS];
        counts[0] = 1_000_000;
        counts[BINS - 1] = 1;
        let histogram = Histogram::from_counts(3, counts);
        assert_eq!(threshold(&histogram, 1_000_000), Some(8.0));
        counts[0] = 5;
        assert_eq!(threshold(&Histogram::from_counts(-114, counts), 5), Some(2f32.powi(-114)));
    }

    #[test]
    fn the_largest_counts_do_not_overflow() {
        let mut counts = [1 << 51; BINS];
        counts[BINS - 1] = 1 << 62;
        assert_eq!(Sums::new(&counts).error(BINS), naive_error(&counts, BINS));
        assert_eq!(Sums::new(&counts).error(128), naive_error(&counts, 128));
    }
}
