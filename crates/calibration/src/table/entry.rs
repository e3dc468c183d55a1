//! One tensor's line in the calibration table.

use serde::{Deserialize, Serialize};

use super::TableError;
use crate::method::faithful;
use crate::{FAITHFUL_BINS, Method, TensorStatistics};

/// What is known of one tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The largest magnitude kept by the table's method; 0 for a tensor that was only ever 0.
    pub amax: f32,
    /// [`scale_of`] that amax, always above 0.
    pub scale: f32,
    /// Number of values seen.
    pub count: u64,
    /// Smallest value seen.
    pub minimum: f32,
    /// Largest value seen.
    pub maximum: f32,
    /// Number of values that were 0.
    pub zeros: u64,
    /// What depends on the first batch; there only when [`Method::TensorrtFaithful`] was calibrated for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_batch: Option<FirstBatch>,
}

/// How TensorRT's own histogram of a tensor came about, and what was kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstBatch {
    /// The first batch's largest magnitude, which set the bins' width.
    pub magnitude: f32,
    /// How often later batches doubled it; each time halves the resolution.
    pub doublings: u32,
    /// Bins that the chosen amax keeps, of 2048; 0 for a tensor that was only ever 0.
    pub bins: u32,
}

/// The scale of a tensor whose magnitudes up to `amax` are kept: `amax / 127`, and always positive.
///
/// Scale 0 makes TensorRT's builder fail, so a tensor that was only ever 0 gets 1/127, as if its amax were 1: exact for
/// 0, and neither its value nor its reciprocal leaves the range of `f16`.
/// An amax so small that the scale would be subnormal gets the smallest normal `f32`, whose reciprocal is finite.
#[doc(alias = "setDynamicRange")]
pub fn scale_of(amax: f32) -> f32 {
    if amax == 0.0 { 1.0 / 127.0 } else { (amax / 127.0).max(f32::MIN_POSITIVE) }
}

impl Entry {
    /// `None` when the method reads a histogram that was not kept.
    pub(super) fn new(statistics: &TensorStatistics, method: Method) -> Option<Self> {
        let amax = statistics.amax(method)?;
        let is_faithful = method == Method::TensorrtFaithful;
        Some(Self {
            amax,
            scale: scale_of(amax),
            count: statistics.count(),
            minimum: statistics.minimum(),
            maximum: statistics.maximum(),
            zeros: statistics.zeros(),
            first_batch: is_faithful.then(|| FirstBatch::of(statistics)).flatten(),
        })
    }

    pub(super) fn check(&self, tensor: &str) -> Result<(), TableError> {
        let wrong = |field, value, must| {
            Err(TableError::Value { tensor: tensor.to_owned(), field, value, must })
        };
        if !(self.amax.is_finite() && self.amax >= 0.0) {
            return wrong("amax", self.amax.into(), "finite and at least 0");
        }
        if self.scale.to_bits() != scale_of(self.amax).to_bits() {
            return wrong("scale", self.scale.into(), "amax / 127, or 1/127 for amax 0");
        }
        if !self.minimum.is_finite() {
            return wrong("minimum", self.minimum.into(), "finite");
        }
        if !(self.maximum.is_finite() && self.maximum >= self.minimum) {
            return wrong("maximum", self.maximum.into(), "finite and at least the minimum");
        }
        if self.zeros > self.count {
            return wrong("zeros", self.zeros as f64, "at most the count");
        }
        if let Some(first) = self.first_batch {
            if !(first.magnitude.is_finite() && first.magnitude > 0.0) {
                return wrong(
                    "first batch's magnitude",
                    first.magnitude.into(),
                    "finite and above 0",
                );
            }
            if first.bins as usize > FAITHFUL_BINS {
                return wrong("first batch's bins", first.bins.into(), "at most 2048");
            }
        }
        Ok(())
    }
}

impl FirstBatch {
    fn of(statistics: &TensorStatistics) -> Option<Self> {
        let histogram = statistics.faithful()?;
        let bins = faithful::kept_bins(histogram).and_then(|bins| u32::try_from(bins).ok());
        Some(Self {
            magnitude: histogram.first_batch(),
            doublings: histogram.doublings(),
            bins: bins.unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scales_are_a_127th_of_amax() {
        for (amax, scale) in [
            (127.0, 1.0),
            (1.0, 1.0 / 127.0),
            (0.0, 1.0 / 127.0),
            (f32::from_bits(1), f32::MIN_POSITIVE),
            (f32::MAX, f32::MAX / 127.0),
        ] {
            assert_eq!(scale_of(amax).to_bits(), f32::to_bits(scale), "{amax:e}");
        }
    }

    proptest! {
        #[test]
        fn scales_are_positive_and_have_reciprocals(amax in 0f32..=f32::MAX) {
            let scale = scale_of(amax);
            prop_assert!(scale > 0.0 && scale.is_finite() && scale.recip().is_finite());
        }
    }
}
