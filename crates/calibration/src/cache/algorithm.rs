//! TensorRT's calibrators, by the names that they write into caches.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Method;

/// Which of TensorRT's calibrators a cache is for.
///
/// Displayed, and serialized, by the name in the first line of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// `IInt8EntropyCalibrator2`, the usual one for CNNs; the word is `entropy2`.
    EntropyCalibration2,
    /// `IInt8EntropyCalibrator`; the word is `entropy-v1`.
    EntropyCalibration,
    /// `IInt8MinMaxCalibrator`; the word is `minmax`.
    MinMaxCalibration,
    /// `IInt8LegacyCalibrator`; the word is `legacy`. No public cache with this header is known.
    LegacyCalibration,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names none of TensorRT's calibrators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown calibrator `{text}`; the calibrators are entropy2, entropy-v1, minmax and legacy")]
pub struct ParseAlgorithmError {
    /// The word as given.
    pub text: String,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::EntropyCalibration2,
        Self::EntropyCalibration,
        Self::MinMaxCalibration,
        Self::LegacyCalibration,
    ];

    /// Which calibrator's name a table of this method is written under.
    ///
    /// TensorRT checks only that the name equals that of the calibrator it was given, so every method that clips goes
    /// under the one that clips.
    pub fn of(method: Method) -> Self {
        match method {
            Method::MinMax => Self::MinMaxCalibration,
            Method::Entropy | Method::Percentile(_) | Method::Mse | Method::TensorrtFaithful => {
                Self::EntropyCalibration2
            }
        }
    }

    /// The name in the first line of a cache.
    pub fn name(self) -> &'static str {
        match self {
            Self::EntropyCalibration2 => "EntropyCalibration2",
            Self::EntropyCalibration => "EntropyCalibration",
            Self::MinMaxCalibration => "MinMaxCalibration",
            Self::LegacyCalibration => "LegacyCalibration",
        }
    }

    /// The word for a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::EntropyCalibration2 => "entropy2",
            Self::EntropyCalibration => "entropy-v1",
            Self::MinMaxCalibration => "minmax",
            Self::LegacyCalibration => "legacy",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// Reads the word, or the name as it stands in a cache.
impl FromStr for Algorithm {
    type Err = ParseAlgorithmError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let by_word = Self::ALL.into_iter().find(|algorithm| algorithm.word() == text);
        by_word
            .or_else(|| Self::from_name(text))
            .ok_or_else(|| ParseAlgorithmError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_go_under_the_calibrator_that_is_like_them() {
        for method in Method::USUAL.into_iter().chain([Method::TensorrtFaithful]) {
            let clips = method != Method::MinMax;
            assert_eq!(Algorithm::of(method) == Algorithm::EntropyCalibration2, clips);
            assert_eq!(Algorithm::of(method) == Algorithm::MinMaxCalibration, !clips);
        }
    }

    #[test]
    fn calibrators_are_read_by_word_and_by_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.word().parse(), Ok(algorithm));
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
        }
        // Where a method is asked for, this word stands for the second of TensorRT's two.
        let error = "entropy".parse::<Algorithm>().unwrap_err().to_string();
        assert!(error.starts_with("unknown calibrator `entropy`; the calibrators are entropy2"));
    }
}
