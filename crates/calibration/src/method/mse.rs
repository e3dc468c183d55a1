//! `mse`: the range with the smallest mean squared error.

use crate::{BINS, Histogram};

/// Positive levels of a symmetric signed 8-bit integer, not counting 0.
const LEVELS: i128 = 127;

/// The upper bin edge whose 127 levels have the smallest squared error; `None` when there is nothing to choose.
///
/// The candidates are the upper edges of the bins from the 128th to the last in use.
/// A value counts as its bin's centre, the zeros as exactly 0; values beyond the candidate are clipped to it.
/// Everything is an integer in units of width / 254, so the sums are exact and so is the comparison; of equally good
/// candidates the largest wins, since it clips less.
///
/// ModelOpt and pytorch-quantization compute the same error with candidates at bin centres, in floating point, with the
/// zeros at the first bin's centre.
pub(super) fn threshold(histogram: &Histogram, zeros: u64) -> Option<f32> {
    let mut counts = *histogram.counts();
    counts[0] -= zeros;
    let used = counts.iter().rposition(|&count| count > 0)? + 1;
    let sums = Sums::new(&counts);
    let first = used.min(128);
    let best = (first..=used).rev().min_by_key(|&bins| sums.error(bins))?;
    Some(histogram.at_half_bins(2 * best))
}

/// Sums over the first bins, with centres in units of half a bin.
struct Sums {
    /// Of counts.
    zeroth: Vec<i128>,
    /// Of count · centre.
    first: Vec<i128>,
    /// Sum over all bins of count · centre².
    square: i128,
}

impl Sums {
    fn new(counts: &[u64; BINS]) -> Self {
        let mut sums = Self { zeroth: vec![0], first: vec![0], square: 0 };
        let (mut zeroth, mut first) = (0, 0);
        for (bin, &count) in counts.iter().enumerate() {
            let (count, centre) = (i128::from(count), 2 * bin as i128 + 1);
            zeroth += count;
            first += count * centre;
            sums.square += count * centre * centre;
            sums.zeroth.push(zeroth);
            sums.first.push(first);
        }
        sums
    }

    /// Squared error of the candidate that keeps the first `bins`, in units of (width / 254)².
    ///
    /// With centres c and levels q · 2 · bins / 127 (both in half bins), the error of a level is
    /// Σ n (127 c - 2 q · bins)² = 127² Σ n c² - 4 · 127 q · bins Σ n c + 4 q² bins² Σ n.
    fn error(&self, bins: usize) -> i128 {
        let step = 2 * bins as i128;
        let mut error = LEVELS * LEVELS * self.square;
        let mut start = nearest_end(0, bins);
        for level in 1..=LEVELS {
            let end = if level == LEVELS { BINS } else { nearest_end(level, bins) };
            let (count, sum) =
                (self.zeroth[end] - self.zeroth[start], self.first[end] - self.first[start]);
            let value = level * step;
            error += value * (value * count - 2 * LEVELS * sum);
            start = end;
        }
        error
    }
}

/// Number of bins whose centre is nearer to `level` or below than to the next level: c · 127 < (2 · level + 1) · bins.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most the number of bins"
)]
fn nearest_end(level: i128, bins: usize) -> usize {
    // 127 (2 i + 1) < (2 level + 1) bins, for integers i.
    let bound = (2 * level + 1) * bins as i128;
    ((bound - LEVELS + 2 * LEVELS - 1).div_euclid(2 * LEVELS)) as usize
}
