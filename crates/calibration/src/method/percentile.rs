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
