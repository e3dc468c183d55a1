//! How INT8 ranges reach the builder.

use std::fmt;

use calibrant_calibration::Algorithm;
use calibrant_format::Ranges;
use calibrant_tensorrt::{CalibrationAlgoType, Calibrator};
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
        algorithm: Algorithm,
    },
    /// TensorRT is handed a calibration cache, and nothing to calibrate with. Up to TensorRT 10.
    ///
    /// The cache is written for the version at hand and completed for the network's other tensors, see [`Coverage`];
    /// one that TensorRT refuses all the same ends the build in
    /// [`BuildError::CacheRefused`](crate::BuildError::CacheRefused).
    Cache {
        /// The range of each tensor.
        ranges: &'c Ranges,
        /// The calibrator that the cache is said to be of.
        algorithm: Algorithm,
    },
    /// The range of each tensor is set in the network, completed as a cache is. Up to TensorRT 10.
    Ranges {
        /// The range of each tensor.
        ranges: &'c Ranges,
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

/// TensorRT's number for one of its calibrators.
pub(crate) fn calibrator(algorithm: Algorithm) -> CalibrationAlgoType {
    match algorithm {
        Algorithm::EntropyCalibration2 => CalibrationAlgoType::EntropyCalibration2,
        Algorithm::EntropyCalibration => CalibrationAlgoType::EntropyCalibration,
        Algorithm::MinMaxCalibration => CalibrationAlgoType::MinmaxCalibration,
        Algorithm::LegacyCalibration => CalibrationAlgoType::LegacyCalibration,
    }
}
