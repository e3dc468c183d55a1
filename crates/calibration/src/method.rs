//! How amax is chosen from what was seen of a tensor.
//!
//! Every method reads the same [`TensorStatistics`], so all of them come from one pass over the samples.

mod entropy;
pub(crate) mod faithful;
mod mse;
mod percentile;

use std::fmt;
use std::str::FromStr;

use calibrant_format::Format;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use percentile::Percentile;

use crate::{Histograms, TensorStatistics};

/// A rule that picks amax, written `minmax`, `entropy`, `percentile:99.99`, `mse` or `tensorrt-faithful`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// The largest magnitude seen: nothing is clipped.
    #[doc(alias = "IInt8MinMaxCalibrator")]
    MinMax,
    /// The amax whose levels lose the least information (Kullback-Leibler), after TensorRT.
    #[doc(alias = "IInt8EntropyCalibrator2")]
    Entropy,
    /// The magnitude that this share of the values do not exceed.
    Percentile(Percentile),
    /// The amax with the smallest mean squared error.
    Mse,
    /// What TensorRT's own entropy calibrators choose for int8, up to TensorRT 10, from a histogram of their own.
    ///
    /// Unlike all others it depends on which samples are in the first batch; see
    /// [`FaithfulHistogram`](crate::FaithfulHistogram).
    TensorrtFaithful,
}

/// Why a text is no [`Method`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseMethodError {
    /// The word is none of the methods.
    #[error(
        "unknown method `{text}`; the methods are minmax, entropy, percentile:P (for example percentile:99.99), mse and tensorrt-faithful"
    )]
    Unknown {
        /// The text as given.
        text: String,
    },
    /// The number after `percentile:` cannot be used.
    #[error(
        "`{text}` is no percentile; it must be above 0 and at most 100, with up to 9 decimals, for example 99.99"
    )]
    Percentile {
        /// The text after the colon.
        text: String,
    },
}

impl Method {
    /// The methods that depend on nothing but the samples, the percentiles with the customary two: what is shown side by
    /// side.
    pub const USUAL: [Self; 5] = [
        Self::MinMax,
        Self::Entropy,
        Self::Percentile(Percentile::P99_99),
        Self::Percentile(Percentile::P99_999),
        Self::Mse,
    ];

    /// The histograms that a backend has to keep for this method.
    pub fn histograms(self) -> Histograms {
        match self {
            Self::TensorrtFaithful => Histograms::AndFaithful,
            Self::MinMax | Self::Entropy | Self::Percentile(_) | Self::Mse => Histograms::Invariant,
        }
    }

    /// Whether the amax that it chooses depends on the format that it is for.
    pub fn depends_on_format(self) -> bool {
        match self {
            Self::MinMax | Self::Percentile(_) => false,
            Self::Entropy | Self::Mse | Self::TensorrtFaithful => true,
        }
    }

    pub(crate) fn amax(self, statistics: &TensorStatistics, format: &Format) -> Option<f32> {
        let magnitude = statistics.magnitude();
        let histogram = statistics.histogram();
        let threshold = match self {
            Self::MinMax => return Some(magnitude),
            Self::TensorrtFaithful => return faithful_amax(statistics),
            Self::Entropy => entropy::threshold(histogram, format.grid),
            Self::Percentile(percentile) => percentile::threshold(histogram, percentile),
            Self::Mse => mse::threshold(histogram, statistics.zeros(), format.grid),
        };
        // A threshold lies in the last bin in use or below, so this only takes back the unused part of that bin.
        Some(threshold.map_or(magnitude, |threshold| threshold.min(magnitude)))
    }
}

impl TensorStatistics {
    /// The amax that `method` chooses for `format`: finite, at least 0, and but for [`Method::TensorrtFaithful`] at most the largest
    /// magnitude seen.
    ///
    /// `None` when the method reads a histogram that was not kept, see [`Method::histograms`].
    pub fn amax(&self, method: Method, format: &Format) -> Option<f32> {
        method.amax(self, format)
    }
}

/// `None` when the histogram was not kept; unlike the others this amax may exceed every value seen, as TensorRT's does.
fn faithful_amax(statistics: &TensorStatistics) -> Option<f32> {
    let histogram = statistics.faithful()?;
    let bins = faithful::kept_bins(histogram);
    Some(bins.map_or(0.0, |bins| faithful::threshold(histogram, bins)))
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinMax => f.write_str("minmax"),
            Self::Entropy => f.write_str("entropy"),
            Self::Percentile(percentile) => write!(f, "percentile:{percentile}"),
            Self::Mse => f.write_str("mse"),
            Self::TensorrtFaithful => f.write_str("tensorrt-faithful"),
        }
    }
}

impl FromStr for Method {
    type Err = ParseMethodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "minmax" => Ok(Self::MinMax),
            "entropy" => Ok(Self::Entropy),
            "mse" => Ok(Self::Mse),
            "tensorrt-faithful" => Ok(Self::TensorrtFaithful),
            _ => match text.strip_prefix("percentile:") {
                Some(number) => number.parse().map(Self::Percentile),
                None => Err(ParseMethodError::Unknown { text: text.to_owned() }),
            },
        }
    }
}

impl Serialize for Method {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::{BINS, Histogram};

    /// Histograms with the upper half in use: dense or full of holes, with a few values or with almost 2^63.
    pub(super) fn histograms() -> impl Strategy<Value = Histogram> {
        let count = (0u32..50).prop_flat_map(|bits| 0..=1u64 << bits);
        let (dense, sparse) =
            (vec(count.clone(), BINS), vec(prop_oneof![9 => Just(0), 1 => count.clone()], BINS));
        let falling = (1u64..1 << 40, 1usize..400).prop_map(|(peak, half_life)| {
            (0..BINS).map(|bin| peak >> (bin / half_life).min(63)).collect()
        });
        (prop_oneof![dense, sparse, falling], BINS / 2..BINS, 1..=1u64 << 40).prop_map(
            |(counts, last, most)| {
                let mut counts: [u64; BINS] = counts.try_into().unwrap();
                counts[last] = most;
                counts[last + 1..].fill(0);
                Histogram::from_counts(1, counts)
            },
        )
    }

    #[test]
    fn methods_are_written_as_they_are_read() {
        for text in [
            "minmax",
            "entropy",
            "mse",
            "percentile:99.99",
            "percentile:99.999",
            "percentile:100",
            "tensorrt-faithful",
        ] {
            assert_eq!(text.parse::<Method>().unwrap().to_string(), text);
            let json = serde_json::to_string(&text.parse::<Method>().unwrap()).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Method>(&json).unwrap().to_string(), text);
        }
    }

    #[test]
    fn wrong_methods_say_what_would_be_right() {
        let error = "max".parse::<Method>().unwrap_err().to_string();
        assert!(
            error.starts_with("unknown method `max`; the methods are minmax, entropy"),
            "{error}"
        );
        let error = "percentile:0".parse::<Method>().unwrap_err().to_string();
        assert!(error.starts_with("`0` is no percentile; it must be above 0"), "{error}");
        assert!("percentile".parse::<Method>().is_err());
        assert!(serde_json::from_str::<Method>("\"kl\"").is_err());
    }
}
