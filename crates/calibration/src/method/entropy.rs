//! `entropy`: the range whose 128 levels keep the most information.

use crate::{BINS, Histogram};

/// Positive levels of a signed 8-bit integer, counting 0.
const LEVELS: usize = 128;

/// The threshold with the smallest Kullback-Leibler divergence; `None` when there is nothing to choose.
///
/// For every candidate of i bins, i from 128 up to the last bin in use:
/// P is the first i bins with everything beyond added to the last of them;
/// Q is the first i bins merged into 128 equal groups, each group's count spread evenly over its bins that are not empty;
/// both are normalised, and the i with the smallest KL(P || Q) gives the threshold (i + ½) · width.
/// (S. Migacz, "8-bit inference with TensorRT", GTC 2017 s7310; NVIDIA's MLPerf `calibration.md`.)
/// The first bin holds the zeros and what is nearly zero, which cost nothing to represent; it takes the second bin's
/// count, as in pytorch-quantization and ModelOpt.
/// Of equally good candidates the largest wins, as in those two.
///
/// Sums over bins are integers and the logarithm is a portable one, so the choice does not depend on the machine.
pub(super) fn threshold(histogram: &Histogram) -> Option<f32> {
    let mut counts = *histogram.counts();
    counts[0] = counts[1];
    let bins = best(&counts)?;
    // Bin edges and centres are exact in f32: at most 13 significant bits.
    Some(histogram.at_half_bins(2 * bins + 1))
}

/// Number of bins that the best candidate keeps.
fn best(counts: &[u64; BINS]) -> Option<usize> {
    let used = counts.iter().rposition(|&count| count > 0)? + 1;
    let sums = Sums::new(counts);
    let mut best = None;
    let mut least = f64::INFINITY;
    for bins in LEVELS..=used {
        let divergence = sums.divergence(bins);
        if divergence <= least {
            (best, least) = (Some(bins), divergence);
        }
    }
    best
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
    fn new(counts: &[u64; BINS]) -> Self {
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

    /// KL(P || Q) of the candidate that keeps the first `bins`, infinite where Q cannot follow P.
    fn divergence(&self, bins: usize) -> f64 {
        let total = self.counts[BINS];
        let kept = self.counts[bins];
        let last = kept - self.counts[bins - 1];
        let tail = total - kept;
        if last == 0 && tail > 0 {
            return f64::INFINITY;
        }
        let mut cross = 0.0;
        let mut start = 0;
        for level in 1..=LEVELS {
            let end = (level * bins).div_ceil(LEVELS);
            let count = self.counts[end] - self.counts[start];
            if count > 0 {
                let weight = if level == LEVELS { count + tail } else { count };
                let occupied = self.occupied[end] - self.occupied[start];
                cross += weight as f64 * libm::log(count as f64 / f64::from(occupied));
            }
            start = end;
        }
        let information = self.information[bins - 1] + times_ln(last + tail);
        (information - cross) / total as f64 - libm::log(total as f64) + libm::log(kept as f64)
    }
}

fn times_ln(count: u64) -> f64 {
    if count == 0 { 0.0 } else { count as f64 * libm::log(count as f64) }
}
