//! `percentile:P`: the magnitude that P percent of the values do not exceed.

use std::fmt;
use std::str::FromStr;

use super::ParseMethodError;
use crate::{BINS, Histogram};

/// A percentage above 0 and at most 100, held exactly as it was written (up to 9 decimals).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percentile {
    billionths: u64,
}

/// Billionths of a percent in one percent.
const UNIT: u64 = 1_000_000_000;
/// Decimals of a billionth.
const DECIMALS: usize = 9;

impl Percentile {
    /// 99.99 %, the default of pytorch-quantization and ModelOpt.
    pub const P99_99: Self = Self { billionths: 99_990_000_000 };
    /// 99.999 %, the default of ONNX Runtime.
    pub const P99_999: Self = Self { billionths: 99_999_000_000 };
}

impl fmt::Display for Percentile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.billionths / UNIT, self.billionths % UNIT);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{fraction:0DECIMALS$}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl FromStr for Percentile {
    type Err = ParseMethodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseMethodError::Percentile { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Percentile> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() > 3 || fraction.len() > DECIMALS {
        return None;
    }
    let billionths = whole.parse::<u64>().ok()? * UNIT
        + format!("{fraction:0<DECIMALS$}").parse::<u64>().ok()?;
    (1..=100 * UNIT).contains(&billionths).then_some(Percentile { billionths })
}

/// Upper edge of the first bin up to which at least P percent of all values lie; `None` when nothing was seen.
///
/// Zeros count like any other value, as in pytorch-quantization, ModelOpt and ONNX Runtime.
/// Those return the bin's lower edge (`edges[searchsorted(cdf, p)]`) and so clip part of the share they promise to keep,
/// and they compare rounded fractions; here the ranks are compared as integers.
pub(super) fn threshold(histogram: &Histogram, percentile: Percentile) -> Option<f32> {
    let total: u128 = histogram.counts().iter().map(|&count| u128::from(count)).sum();
    let wanted = total * u128::from(percentile.billionths);
    let mut seen = 0u128;
    for bin in 0..BINS {
        seen += u128::from(histogram.counts()[bin]);
        if seen > 0 && seen * u128::from(100 * UNIT) >= wanted {
            return Some(histogram.upper_edge(bin));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn percentile(text: &str) -> Percentile {
        text.parse().unwrap()
    }

    proptest! {
        /// The definition on a sorted list: the smallest edge that P percent of the values lie below.
        #[test]
        fn thresholds_match_naive(mut bins in prop::collection::vec(0..BINS, 1..300), thousandths in 1usize..=100_000) {
            let mut counts = [0; BINS];
            bins.iter().for_each(|&bin| counts[bin] += 1);
            let histogram = Histogram::from_counts(0, counts);
            bins.sort_unstable();
            let rank = (thousandths * bins.len()).div_ceil(100_000);
            let naive = histogram.upper_edge(bins[rank - 1]);
            let percentile = percentile(&format!("{}.{:03}", thousandths / 1000, thousandths % 1000));
            prop_assert_eq!(threshold(&histogram, percentile), Some(naive));
        }

        #[test]
        fn percentages_keep_their_digits(billionths in 1u64..=100 * UNIT) {
            let value = Percentile { billionths };
            prop_assert_eq!(percentile(&value.to_string()), value);
        }
    }

    #[test]
    fn percentages_are_read_in_plain_decimals_only() {
        for (text, written) in [
            ("99.99", "99.99"),
            ("99.990", "99.99"),
            ("100", "100"),
            ("50.0", "50"),
            ("099.5", "99.5"),
        ] {
            assert_eq!(percentile(text).to_string(), written);
        }
        for text in [
            "",
            "0",
            "0.0",
            "100.000000001",
            "101",
            "-1",
            "+5",
            "1e1",
            "99.",
            ".5",
            "99,9",
            "99.9999999999",
            "NaN",
            "9 9",
        ] {
            assert!(text.parse::<Percentile>().is_err(), "{text:?}");
        }
        assert_eq!(percentile("99.99"), Percentile::P99_99);
        assert_eq!(percentile("99.999"), Percentile::P99_999);
    }

    #[test]
    fn ranks_are_exact_where_fractions_would_round() {
        // 99.99 % of 10 000 values is 9 999 of them: the last value is left out, the one before is not.
        let mut counts = [0; BINS];
        (counts[10], counts[2047], counts[BINS - 1]) = (9998, 1, 1);
        let histogram = Histogram::from_counts(12, counts);
        assert_eq!(threshold(&histogram, Percentile::P99_99), Some(2048.0));
        assert_eq!(threshold(&histogram, percentile("99.990000001")), Some(4096.0));
        assert_eq!(threshold(&histogram, percentile("99.98")), Some(11.0));
    }
}
