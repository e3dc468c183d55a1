//! How INT8 ranges reach the builder.

use std::collections::BTreeMap;
use std::fmt;

use calibrant_tensorrt::{CalibrationAlgoType, Calibrator, Version};
use serde::Serialize;

use crate::ranges::Coverage;

/// How INT8 ranges reach the builder, with the ranges.
pub enum Int8<'c> {
    /// In the model: by `QuantizeLinear` and `DequantizeLinear`, or not at all.
    Model,
    /// TensorRT calibrates. Up to TensorRT 10.
    Calibrator {
        /// Gives it the batches.
        calibrator: &'c mut dyn Calibrator,
        /// How TensorRT chooses the ranges.
        algorithm: CalibrationAlgoType,
    },
    /// TensorRT is handed a calibration cache, and nothing to calibrate with. Up to TensorRT 10.
    ///
    /// The cache is written for the version at hand and completed for the network's other tensors, see [`Coverage`];
    /// one that TensorRT refuses all the same ends the build in
    /// [`BuildError::CacheRefused`](crate::BuildError::CacheRefused).
    Cache {
        /// The scale (amax / 127) of each tensor, by name.
        scales: &'c BTreeMap<String, f32>,
        /// The calibrator that the cache is said to be of.
        algorithm: CalibrationAlgoType,
    },
    /// The range of each tensor is set in the network, completed as a cache is. Up to TensorRT 10.
    Ranges {
        /// The largest absolute value of each tensor, by name.
        amax: &'c BTreeMap<String, f32>,
    },
}

/// How INT8 ranges reach the builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Int8Via {
    /// In the model.
    Qdq,
    /// TensorRT calibrates.
    Calibrator,
    /// By a calibration cache.
    Cache,
    /// By dynamic ranges.
    Ranges,
}

impl Int8<'_> {
    /// Which way this is.
    pub fn via(&self) -> Int8Via {
        match self {
            Self::Model => Int8Via::Qdq,
            Self::Calibrator { .. } => Int8Via::Calibrator,
            Self::Cache { .. } => Int8Via::Cache,
            Self::Ranges { .. } => Int8Via::Ranges,
        }
    }
}

impl fmt::Debug for Int8<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Int8").field(&self.via()).finish()
    }
}

/// How INT8 came into a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Int8Summary {
    /// Which way the ranges took.
    pub via: Int8Via,
    /// TensorRT's calibrator, as `EntropyCalibration2`, where there was one.
    pub algorithm: Option<&'static str>,
    /// How many batches TensorRT calibrated with.
    pub batches: u64,
    /// How the ranges cover the network, where they came from outside of it.
    pub coverage: Option<Coverage>,
    /// The calibration cache that TensorRT wrote, if it wrote one.
    #[serde(skip)]
    pub cache: Option<Vec<u8>>,
}

/// What the first line of a calibration cache calls an algorithm.
pub fn cache_algorithm(algorithm: CalibrationAlgoType) -> &'static str {
    match algorithm {
        CalibrationAlgoType::EntropyCalibration => "EntropyCalibration",
        CalibrationAlgoType::MinmaxCalibration => "MinMaxCalibration",
        CalibrationAlgoType::LegacyCalibration => "LegacyCalibration",
        _ => "EntropyCalibration2",
    }
}

/// The first line of a calibration cache, which TensorRT takes only if it would write the same.
pub(crate) fn cache_header(version: Version, algorithm: CalibrationAlgoType) -> String {
    format!("TRT-{}-{}", version.raw(), cache_algorithm(algorithm))
}

/// A calibration cache as TensorRT writes it: a line for each scale, the bits of the float in hexadecimal digits without
/// leading zeros.
pub(crate) fn cache_text(header: &str, scales: &[(String, f32)]) -> String {
    let mut text = format!("{header}\n");
    for (name, scale) in scales {
        text.push_str(&format!("{name}: {:x}\n", scale.to_bits()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_are_written_as_tensorrt_does() {
        let header = |version, algorithm| cache_header(Version::from_raw(version), algorithm);
        let entropy = header(8_601, CalibrationAlgoType::EntropyCalibration2);
        assert_eq!(entropy, "TRT-8601-EntropyCalibration2");
        assert_eq!(
            header(101_303, CalibrationAlgoType::MinmaxCalibration),
            "TRT-101303-MinMaxCalibration"
        );
        let scales = [
            ("images", f32::from_bits(0x3c00_8912)),
            ("x: 0", 1.0 / 127.0),
            ("tiny", f32::from_bits(0xab)),
        ];
        let scales = scales.map(|(name, scale)| (name.to_owned(), scale));
        let expected = "TRT-8601-EntropyCalibration2\nimages: 3c008912\nx: 0: 3c010204\ntiny: ab\n";
        assert_eq!(cache_text(&entropy, &scales), expected);
    }
}
