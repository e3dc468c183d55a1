//! `entropy`: the range whose levels keep the most information.
//!
//! The method of S. Migacz, "8-bit inference with TensorRT" (GTC 2017, s7310), also told in NVIDIA's MLPerf
//! submissions (`calibration.md`), as pytorch-quantization and ModelOpt compute it
//! (`modelopt/torch/quantization/calib/histogram.py`).
//! What others do otherwise:
//!
//! - All: TensorRT up to 10, ModelOpt and pytorch-quantization let the first batch set the width of 2048 bins, so batch
//!   size and order change the result; here the bins are 4096 of a width that is a power of two.
//! - TensorRT: the threshold may exceed the largest magnitude seen by half a bin; here it never does.
//!   How it treats empty bins is not published; here they stay empty in Q, as on the slides.
//! - ModelOpt and pytorch-quantization: the threshold is the lower edge of the bin after the last kept, not its centre.
//! - All: a candidate may clip as much as it likes. What it clips counts at its last bin, so one that keeps next to nothing
//!   loses nothing either where its last bin holds most of what it keeps: a spike, as the least value of a HardSwish, or the
//!   first bins in use of a tensor that stays away from 0, as a softmax over a few classes. Here no candidate clips more than
//!   one value in two hundred. That is a rule of ours, found by looking: of 426 tensors of four networks (SqueezeNet 1.1,
//!   EfficientNet-Lite0, a small one for Fashion-MNIST, PP-OCR's classifier) the best of all candidates clips at least 4 %
//!   of 11, which were useless, 0.9 % of one, and less than 0.5 % of all others, of which it is taken as before.
//! - ONNX Runtime: a histogram of both signs in 128 bins by default, which leaves one candidate: the result is minmax.

use calibrant_format::Grid;

use crate::Histogram;

/// Of so many values a candidate may clip one.
const CLIPS_ONE_OF: u64 = 200;

/// The threshold with the smallest Kullback-Leibler divergence; `None` when there is nothing to choose.
///
/// For every candidate of i bins, i from the number of the grid's levels, 128 for int8, up to the last bin in use:
/// P is the first i bins with everything beyond added to the last of them;
/// Q is the first i bins merged into a group for each level, each group's count spread evenly over its bins that are not
/// empty; a group begins where its level lies and ends where the next one does, the grid being stretched so that the level
/// after its last lies at i, which for int8 are 128 equal groups, and for a float are more bins the larger the level;
/// both are normalised, and the i with the smallest KL(P || Q) gives the threshold (i + ½) · width; candidates that have more
/// than one value in two hundred beyond are left out.
/// The first bin holds the zeros and what is nearly zero, which cost nothing to represent; it takes the second bin's
/// count.
/// Of equally good candidates the largest wins, as in pytorch-quantization.
///
/// Counts are summed as integers, the rest in one fixed order, and the logarithm is a portable one: `ln` of the standard
/// library is the platform's, whose last bit could decide between two candidates.
/// So the choice does not depend on the machine.
pub(super) fn threshold(histogram: &Histogram, grid: Grid) -> Option<f32> {
    let mut counts = *histogram.counts();
    counts[0] = counts[1];
    let used = counts.iter().rposition(|&count| count > 0)? + 1;
    let total: u64 = counts.iter().sum();
    let bins = best(&counts, used, grid, total - total / CLIPS_ONE_OF)?;
    // Bin edges and centres are exact in f32: at most 13 significant bits.
    Some(histogram.at_half_bins(2 * bins + 1))
}

/// Number of bins that the best candidate keeps, of those with up to `most` bins and no fewer than `least_kept` values in
/// them; `None` when all bins are empty.
pub(super) fn best(counts: &[u64], most: usize, grid: Grid, least_kept: u64) -> Option<usize> {
    counts.iter().find(|&&count| count > 0)?;
    let sums = Sums::new(counts);
    let groups = Groups::of(grid);
    let mut best = None;
    let mut least = f64::INFINITY;
    let mut consider = |bins, divergence| {
        if divergence <= least {
            (best, least) = (Some(bins), divergence);
        }
    };
    let n_groups = groups.n_groups();
    let first = sums.counts.partition_point(|&kept| kept < least_kept).max(n_groups);
    if !grid.is_even() {
        for bins in first..=most {
            consider(bins, sums.divergence(bins, &groups, |start, end| sums.term(start, end, 0)));
        }
        return best;
    }
    // The groups of one candidate are of two neighbouring widths at most, and as many candidates in a row as there are
    // groups are of the same two, so keeping the terms saves three logarithms out of four.
    let narrowest = first / n_groups;
    let mut narrow = sums.terms(narrowest);
    for width in narrowest..=most / n_groups {
        let wide = sums.terms(width + 1);
        let of_width = [&narrow, &wide];
        for bins in first.max(width * n_groups)..((width + 1) * n_groups).min(most + 1) {
            let term = |start: usize, end: usize| of_width[end - start - width][start];
            consider(bins, sums.divergence(bins, &groups, term));
        }
        narrow = wide;
    }
    best
}

/// The groups that bins are merged into, one for each level of a grid.
struct Groups {
    /// Where each begins, and where the last one ends, in units of the grid.
    edges: Vec<usize>,
}

impl Groups {
    fn of(grid: Grid) -> Self {
        Self { edges: (0..=grid.n_levels()).map(|level| grid.units(level) as usize).collect() }
    }

    fn n_groups(&self) -> usize {
        self.edges.len() - 1
    }

    /// The first bin of a group, of `bins` that are merged.
    fn start(&self, group: usize, bins: usize) -> usize {
        (self.edges[group] * bins).div_ceil(self.edges[self.n_groups()])
    }
}

/// Sums over the first bins, so that a candidate costs one step per level instead of one per bin.
struct Sums {
    /// `counts[i]`: sum of the first i counts.
    counts: Vec<u64>,
    /// `occupied[i]`: how many of the first i bins are not empty.
    occupied: Vec<u32>,
    /// `information[i]`: sum of c · ln c over the first i bins.
    information: Vec<f64>,
}

impl Sums {
    fn new(counts: &[u64]) -> Self {
        let mut sums = Self { counts: vec![0], occupied: vec![0], information: vec![0.0] };
        let (mut count, mut occupied, mut information) = (0, 0, 0.0);
        for &bin in counts {
            count += bin;
            occupied += u32::from(bin > 0);
            information += times_ln(bin);
            sums.counts.push(count);
            sums.occupied.push(occupied);
            sums.information.push(information);
        }
        sums
    }

    /// What P contributes to the cross entropy over the bins from `start` to `end`, if they are one group of Q and `extra`
    /// values lie beyond.
    fn term(&self, start: usize, end: usize, extra: u64) -> f64 {
        let count = self.counts[end] - self.counts[start];
        if count == 0 {
            return 0.0;
        }
        let occupied = f64::from(self.occupied[end] - self.occupied[start]);
        (count + extra) as f64 * libm::log(count as f64 / occupied)
    }

    /// The terms of all groups `width` bins wide, by the bin where they start.
    fn terms(&self, width: usize) -> Vec<f64> {
        (width..self.counts.len()).map(|end| self.term(end - width, end, 0)).collect()
    }

    /// KL(P || Q) of the candidate that keeps the first `bins`, infinite where Q cannot follow P.
    ///
    /// `term` is that of the group between two bins.
    fn divergence(&self, bins: usize, groups: &Groups, term: impl Fn(usize, usize) -> f64) -> f64 {
        let total = self.counts[self.counts.len() - 1];
        let kept = self.counts[bins];
        let last = kept - self.counts[bins - 1];
        let tail = total - kept;
        if last == 0 && tail > 0 {
            return f64::INFINITY;
        }
        let mut cross = 0.0;
        let mut start = 0;
        for group in 1..groups.n_groups() {
            let end = groups.start(group, bins);
            cross += term(start, end);
            start = end;
        }
        cross += self.term(start, bins, tail);
        let information = self.information[bins - 1] + times_ln(last + tail);
        (information - cross) / total as f64 - libm::log(total as f64) + libm::log(kept as f64)
    }
}

fn times_ln(count: u64) -> f64 {
    if count == 0 { 0.0 } else { count as f64 * libm::log(count as f64) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use calibrant_format::{FP8_E4M3FN, INT8};

    use super::*;
    use crate::BINS;
    use crate::method::tests::histograms;

    /// Two sums of the same few thousand terms in different order differ by far less.
    const TOLERANCE: f64 = 1e-9;

    /// The divergence by its definition: P and Q bin by bin.
    fn naive_divergence(counts: &[u64; BINS], bins: usize, grid: Grid) -> f64 {
        let mut p: Vec<f64> = counts[..bins].iter().map(|&count| count as f64).collect();
        p[bins - 1] += counts[bins..].iter().map(|&count| count as f64).sum::<f64>();
        let mut groups = vec![(0.0, 0.0); grid.n_levels() as usize];
        // The last level that does not lie above the bin, with the level behind the last one at `bins`.
        let end = grid.units(grid.n_levels()) as usize;
        let level = |bin: usize| {
            let is_below = |level: &u32| grid.units(*level) as usize * bins <= end * bin;
            (0..grid.n_levels()).rev().find(is_below).unwrap() as usize
        };
        for (bin, &count) in counts[..bins].iter().enumerate().filter(|(_, count)| **count > 0) {
            groups[level(bin)].0 += count as f64;
            groups[level(bin)].1 += 1.0;
        }
        let even = |bin| groups[level(bin)].0 / groups[level(bin)].1;
        let q: Vec<f64> =
            (0..bins).map(|bin| if counts[bin] > 0 { even(bin) } else { 0.0 }).collect();
        let (p_sum, q_sum) = (p.iter().sum::<f64>(), q.iter().sum::<f64>());
        let terms = p.iter().zip(&q).filter(|(p, _)| **p > 0.0);
        terms.map(|(p, q)| p / p_sum * ((p / p_sum) / (q / q_sum)).ln()).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn divergences_match_naive(
            histogram in histograms(),
            bins in 128..=BINS,
            grid in prop::sample::select(vec![INT8.grid, FP8_E4M3FN.grid]),
        ) {
            let counts = histogram.counts();
            let sums = Sums::new(counts);
            let fast = sums.divergence(bins, &Groups::of(grid), |start, end| sums.term(start, end, 0));
            let naive = naive_divergence(counts, bins, grid);
            prop_assume!(!naive.is_nan());
            prop_assert!(fast == naive || (fast - naive).abs() < TOLERANCE, "{fast} {naive}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// The best of those that keep enough, and so the best of all where that keeps enough.
        #[test]
        fn no_candidate_clips_more_than_it_may(
            histogram in histograms(),
            part in 0u64..=1000,
            grid in prop::sample::select(vec![INT8.grid, FP8_E4M3FN.grid]),
        ) {
            let counts = histogram.counts();
            let used = counts.iter().rposition(|&count| count > 0).unwrap() + 1;
            let kept = |bins: usize| counts[..bins].iter().sum::<u64>();
            let least_kept = kept(used) / 1000 * part;
            let (sums, groups) = (Sums::new(counts), Groups::of(grid));
            let term = |start, end| sums.term(start, end, 0);
            let naive = (grid.n_levels() as usize..=used)
                .filter(|&bins| kept(bins) >= least_kept)
                .map(|bins| (sums.divergence(bins, &groups, term), bins))
                .filter(|(divergence, _)| *divergence < f64::INFINITY)
                .rev()
                .min_by(|a, b| a.0.partial_cmp(&b.0).unwrap());
            prop_assert_eq!(best(counts, used, grid, least_kept), naive.map(|(_, bins)| bins));
        }
    }

    /// A spike in the middle, where HardSwish has its least value, and a tensor that stays away from 0.
    #[test]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 4096")]
    fn a_candidate_that_keeps_next_to_nothing_does_not_win() {
        let mut spike = [0; BINS];
        for (bin, count) in spike.iter_mut().enumerate() {
            *count = 400_u64.saturating_sub(bin as u64 / 10);
        }
        spike[250] = 10_000_000;
        let mut away = [0; BINS];
        away[600..3000].fill(1000);
        away[600] = 3;
        for counts in [spike, away] {
            let used = counts.iter().rposition(|&count| count > 0).unwrap() + 1;
            let clips = |bins: usize| {
                let total: u64 = counts.iter().sum();
                counts[bins..].iter().sum::<u64>() as f64 / total as f64
            };
            let collapsed = best(&counts, used, INT8.grid, 0).unwrap();
            assert!(clips(collapsed) > 0.03, "the rule is not needed: {collapsed} bins");
            let amax = threshold(&Histogram::from_counts(0, counts), INT8.grid).unwrap();
            assert!(clips((amax * BINS as f32) as usize) <= 0.005, "{amax}");
        }
    }

    #[test]
    fn the_choice_matches_naive() {
        // A bell with a lone outlier at the far end.
        let mut counts = [0; BINS];
        for (bin, count) in counts.iter_mut().enumerate() {
            *count =
                1_000_000u64.checked_shr(u32::try_from(bin * bin / 20_000).unwrap()).unwrap_or(0);
        }
        counts[BINS - 1] = 1;
        let choice = |grid: Grid| {
            let used = grid.n_levels() as usize..=BINS;
            let naive = used
                .map(|bins| (naive_divergence(&counts, bins, grid), bins))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .unwrap();
            assert_eq!(best(&counts, BINS, grid, 0), Some(naive.1));
            naive.1
        };
        let (int8, fp8) = (choice(INT8.grid), choice(FP8_E4M3FN.grid));
        assert!((128..1000).contains(&int8), "{int8}");
        // A float is as exact for small magnitudes whatever the largest is, so it need not give up the outlier for them.
        assert!(fp8 > int8, "{fp8} {int8}");
    }

    #[test]
    fn of_equally_good_candidates_the_largest_wins() {
        // One value in each of the first 128 bins and nothing beyond: every level holds one bin, so nothing is lost.
        let mut counts = [0; BINS];
        counts[..128].fill(1);
        assert_eq!(best(&counts, 128, INT8.grid, 0), Some(128));
        // With all else empty, candidates that put the one bin's values at one level lose nothing either.
        let mut counts = [0; BINS];
        counts[3000] = 7;
        assert_eq!(best(&counts, 3001, INT8.grid, 0), Some(3001));
    }

    #[test]
    fn the_first_bin_does_not_matter() {
        let mut counts = [10; BINS];
        let threshold_of = |first: u64| {
            counts[0] = first;
            threshold(&Histogram::from_counts(0, counts), INT8.grid)
        };
        let thresholds: Vec<_> = [0, 10, 1 << 62].into_iter().map(threshold_of).collect();
        assert_eq!(thresholds, vec![thresholds[0]; 3]);
    }
}
