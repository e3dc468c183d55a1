//! `mse`: the range with the smallest mean squared error.

use calibrant_format::Grid;

use crate::{BINS, Histogram};

/// The upper bin edge on which a grid ends with the smallest squared error; `None` when there is nothing to choose.
///
/// The candidates are the upper edges of the bins from as many as the grid has levels (128 for int8: with fewer, a level
/// would be narrower than a bin and the error unknown) to the last in use.
/// A value counts as its bin's centre, a zero as exactly 0; values beyond the candidate are clipped to it, all others go to
/// the nearest magnitude of the grid.
/// Everything is an integer in units of half a width, divided by the largest magnitude in units of the smallest (254ths of
/// a width for int8), so the sums are exact and so is the comparison; of equally good candidates the largest wins, since it
/// clips less.
///
/// ModelOpt (`modelopt/torch/quantization/calib/histogram.py`) and pytorch-quantization look for the same minimum with
/// candidates at bin centres, in floating point, and with the zeros at the first bin's centre.
/// TensorRT's own calibrators and ONNX Runtime have no such method.
pub(super) fn threshold(histogram: &Histogram, zeros: u64, grid: Grid) -> Option<f32> {
    let mut counts = *histogram.counts();
    counts[0] -= zeros;
    let bins = best(&counts, grid)?;
    Some(histogram.at_half_bins(2 * bins))
}

/// Number of bins that the best candidate keeps.
fn best(counts: &[u64; BINS], grid: Grid) -> Option<usize> {
    let used = counts.iter().rposition(|&count| count > 0)? + 1;
    let (sums, levels) = (Sums::new(counts), levels(grid));
    let candidates = used.min(levels.len())..=used;
    candidates.rev().min_by_key(|&bins| sums.error(bins, &levels))
}

/// The magnitudes of a grid, in units of the smallest above 0.
fn levels(grid: Grid) -> Vec<usize> {
    (0..grid.n_levels()).map(|level| grid.units(level) as usize).collect()
}

/// Sums over the first bins, so that a candidate costs one step per level instead of one per bin.
///
/// With counts below 2^62, centres below 2^13 and a grid of at most 2^18 units nothing here or in [`error`](Self::error)
/// exceeds 2^126.
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

    /// Squared error of the candidate that keeps the first `bins`, in units of (width / 2 L)², where L is the largest of
    /// `levels`.
    ///
    /// In half bins a centre is c and level q is 2 · bins · q / L, so with counts n the error is
    /// Σ n (L c - 2 · bins · q)² = L² Σ n c² + (2 · bins)² Σ q² n - 2 · L · 2 · bins Σ q n c,
    /// where q is the level nearest to c.
    fn error(&self, bins: usize, levels: &[usize]) -> u128 {
        let Some(&largest) = levels.last() else { return 0 };
        let (mut squares, mut products) = (0u128, 0u128);
        let mut start = below([levels[0], levels[1]], bins, largest);
        for (level, next) in levels[1..].iter().zip(levels[2..].iter().map(Some).chain([None])) {
            let end = next.map_or(BINS, |next| below([*level, *next], bins, largest).min(BINS));
            let count = self.counts[end] - self.counts[start];
            let moment = self.moments[end] - self.moments[start];
            squares += u128::from(count) * (level * level) as u128;
            products += moment * *level as u128;
            start = end;
        }
        let (largest, step) = (largest as u128, 2 * bins as u128);
        largest * largest * self.square + step * step * squares - 2 * largest * step * products
    }
}

/// Number of bins whose centre is nearer to the first of two neighbouring levels, or to one below, than to the second: the i
/// with L (2 i + 1) < (first + second) bins.
fn below([first, second]: [usize; 2], bins: usize, largest: usize) -> usize {
    ((first + second) * bins + largest - 1) / (2 * largest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use calibrant_format::{FP8_E4M3FN, INT8};

    use super::*;
    use crate::method::tests::histograms;

    /// The error by its definition: every bin to its nearest level.
    fn naive_error(counts: &[u64; BINS], bins: usize, grid: Grid) -> u128 {
        let levels = levels(grid);
        let largest = levels[levels.len() - 1];
        let errors = counts.iter().enumerate().map(|(bin, &count)| {
            let centre = largest * (2 * bin + 1);
            let distances = levels.iter().map(|level| centre.abs_diff(level * 2 * bins) as u128);
            u128::from(count) * distances.min().unwrap().pow(2)
        });
        errors.sum()
    }

    fn grids() -> impl Strategy<Value = Grid> {
        prop::sample::select(vec![INT8.grid, FP8_E4M3FN.grid, Grid::integers(7)])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn errors_match_naive(histogram in histograms(), bins in 1..=BINS, grid in grids()) {
            let found = Sums::new(histogram.counts()).error(bins, &levels(grid));
            prop_assert_eq!(found, naive_error(histogram.counts(), bins, grid));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]

        #[test]
        fn the_choice_matches_naive(histogram in histograms(), grid in grids()) {
            let counts = histogram.counts();
            let used = counts.iter().rposition(|&count| count > 0).unwrap() + 1;
            let mut least = (u128::MAX, 0);
            for bins in grid.n_levels() as usize..=used {
                let error = naive_error(counts, bins, grid);
                if error <= least.0 {
                    least = (error, bins);
                }
            }
            prop_assert_eq!(best(counts, grid), Some(least.1));
        }
    }

    #[test]
    fn zeros_weigh_nothing() {
        let mut counts = [0; BINS];
        counts[0] = 1_000_000;
        counts[BINS - 1] = 1;
        let histogram = Histogram::from_counts(3, counts);
        assert_eq!(threshold(&histogram, 1_000_000, INT8.grid), Some(8.0));
        counts[0] = 5;
        let histogram = Histogram::from_counts(-114, counts);
        assert_eq!(threshold(&histogram, 5, INT8.grid), Some(2f32.powi(-114)));
    }

    #[test]
    fn the_largest_counts_do_not_overflow() {
        let mut counts = [1 << 51; BINS];
        counts[BINS - 1] = 1 << 62;
        for (grid, bins) in
            [(INT8.grid, BINS), (INT8.grid, 128), (FP8_E4M3FN.grid, BINS), (FP8_E4M3FN.grid, 1)]
        {
            let found = Sums::new(&counts).error(bins, &levels(grid));
            assert_eq!(found, naive_error(&counts, bins, grid));
        }
        // Of as many units as a grid may have no value is further away than half a step.
        let error = Sums::new(&counts).error(BINS, &levels(Grid::integers((1 << 18) - 1)));
        let n_values = counts.iter().map(|&count| u128::from(count)).sum::<u128>();
        assert!(error <= n_values * (BINS * BINS) as u128);
    }
}
