//! `tensorrt-faithful`: the range that TensorRT's own entropy calibrators choose, up to TensorRT 10.
//!
//! What is published, in the slides "8-bit inference with TensorRT" (GTC 2017, s7310) and in `calibration.md` of NVIDIA's
//! MLPerf submissions: for every number of bins from 128 the values beyond are counted in the last bin kept, the result
//! is compared with itself in 128 levels (127 in the later text) by the Kullback-Leibler divergence, and the best i gives
//! the threshold (i + ½) · width; the first bin, which holds the zeros, is discarded as soon as the histogram is built;
//! empty bins are treated specially.
//!
//! What is not published is how empty bins are treated, where the levels of the later text lie, and which of equally good
//! candidates is taken.
//! Here it is as on the slides: 128 levels, a level's count spread evenly over its bins that are not empty, a candidate
//! that folds values into an empty bin out of the question; of equals the largest.
//! The thresholds in public caches come out of that: half a bin past the last one where nothing is clipped (2048.5 of
//! 2048), 2040.5 for pictures of 8 bits where the one level beyond is worth less than the finer steps, and thresholds
//! above every value seen after the range has doubled, so that candidates go on to the last bin, filled or not.
//!
//! The threshold is rounded to `f32` and then divided by 127 in `f32`: in one rounding from `f64` the published values do
//! not all come out (3c011223 and 3c03162b would each be one higher).

use calibrant_format::INT8;

use super::entropy::best;
use crate::{FAITHFUL_BINS, FaithfulHistogram};

/// Number of bins that TensorRT keeps; `None` when the histogram is empty but for its first bin.
pub(crate) fn kept_bins(histogram: &FaithfulHistogram) -> Option<usize> {
    let mut counts = histogram.counts();
    counts[0] = 0;
    best(&counts, FAITHFUL_BINS, INT8.grid, 0)
}

/// The value half a bin above `bins` bins.
#[expect(clippy::cast_possible_truncation, reason = "rounded to f32, or clamped to its largest")]
pub(crate) fn threshold(histogram: &FaithfulHistogram, bins: usize) -> f32 {
    let threshold = (bins as f64 + 0.5) * f64::from(histogram.bin_width());
    threshold.min(f64::from(f32::MAX)) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Two divergences closer than this may be rounded either way.
    const TOLERANCE: f64 = 1e-9;

    /// The slide, line by line: the divergence of every candidate, by its number of bins.
    fn naive(bins: &[u64; FAITHFUL_BINS]) -> Vec<(usize, f64)> {
        let bins: Vec<f64> = bins.iter().map(|&count| count as f64).collect();
        let candidate = |i: usize| {
            let mut p = bins[..i].to_vec();
            p[0] = 0.0;
            let mut q = vec![0.0; i];
            for level in 0..128 {
                let of_level = (0..i).filter(|bin| bin * 128 / i == level);
                let filled: Vec<usize> = of_level.filter(|&bin| p[bin] > 0.0).collect();
                let sum: f64 = filled.iter().map(|&bin| p[bin]).sum();
                filled.iter().for_each(|&bin| q[bin] = sum / filled.len() as f64);
            }
            p[i - 1] += bins[i..].iter().sum::<f64>();
            let (p_sum, q_sum) = (p.iter().sum::<f64>(), q.iter().sum::<f64>());
            let terms = p.iter().zip(&q).filter(|(p, _)| **p > 0.0);
            (i, terms.map(|(p, q)| p / p_sum * ((p / p_sum) / (q / q_sum)).ln()).sum())
        };
        // Where nothing is kept, 0 / 0: no candidate.
        (128..=FAITHFUL_BINS)
            .map(candidate)
            .filter(|(_, divergence): &(_, f64)| !divergence.is_nan())
            .collect()
    }

    /// Values of a bell that reaches `spread` of the range, some of them doubling it, and a few spikes.
    fn histograms() -> impl Strategy<Value = FaithfulHistogram> {
        let spikes = prop::collection::vec((0f32..2.0, 1usize..500), 0..4);
        (0.05f32..0.5, spikes, any::<u64>()).prop_map(|(spread, spikes, seed)| {
            let mut histogram = FaithfulHistogram::new(1.0);
            let value = |index: u64| {
                let mixed = (index ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let parts =
                    [0, 16, 32, 48].map(|shift| ((mixed >> shift) & 0xffff) as f32 / 32768.0);
                (parts.iter().sum::<f32>() - 4.0) * spread
            };
            let bell: Vec<f32> = (0..20_000).map(value).collect();
            histogram.observe(&bell, 4.0 * spread);
            for (value, count) in spikes {
                histogram.observe(&vec![value; count], value);
            }
            histogram
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3))]

        #[test]
        fn the_choice_is_the_slides(histogram in histograms()) {
            let bins = kept_bins(&histogram).unwrap();
            let all = naive(&histogram.counts());
            let chosen = all.iter().find(|(i, _)| *i == bins).unwrap().1;
            let least = all.iter().map(|(_, divergence)| *divergence).fold(f64::INFINITY, f64::min);
            prop_assert!(chosen - least <= TOLERANCE, "{bins} at {chosen}, least {least}");
        }
    }

    #[test]
    fn zeros_are_discarded_and_nothing_else_is_nothing() {
        let mut histogram = FaithfulHistogram::new(1.0);
        assert_eq!(kept_bins(&histogram), None);
        histogram.observe(&[0.0; 1000], 0.0);
        assert_eq!(kept_bins(&histogram), None);
        histogram.observe(&[1.0], 1.0);
        assert_eq!(kept_bins(&histogram), Some(FAITHFUL_BINS));
        assert_eq!(threshold(&histogram, FAITHFUL_BINS), 2048.5 / 2048.0);
    }

    #[test]
    fn a_threshold_above_every_float_is_the_largest() {
        let histogram = FaithfulHistogram::new(f32::MAX);
        assert_eq!(threshold(&histogram, FAITHFUL_BINS), f32::MAX);
    }
}
