//! One tensor's line in the calibration table.

use calibrant_format::{Format, Range};
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
    /// The [scale](Range::scale) of that range in the table's format, always above 0.
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

impl Entry {
    /// `None` when the method reads a histogram that was not kept.
    pub(super) fn new(
        statistics: &TensorStatistics,
        method: Method,
        format: &Format,
    ) -> Option<Self> {
        let amax = statistics.amax(method, format)?;
        let range = Range::of_amax(amax)?;
        let is_faithful = method == Method::TensorrtFaithful;
        Some(Self {
            amax,
            scale: format.scale(range),
            count: statistics.count(),
            minimum: statistics.minimum(),
            maximum: statistics.maximum(),
            zeros: statistics.zeros(),
            first_batch: is_faithful.then(|| FirstBatch::of(statistics)).flatten(),
        })
    }

    /// The range of the tensor.
    ///
    /// Every amax of a table that was made or read is one.
    pub fn range(&self) -> Range {
        Range::of_amax(self.amax).unwrap_or(Range::ZERO)
    }

    pub(super) fn check(&self, tensor: &str, largest: f32) -> Result<(), TableError> {
        let wrong = |field, value, must| {
            Err(TableError::Value { tensor: tensor.to_owned(), field, value, must })
        };
        if !(self.amax.is_finite() && self.amax >= 0.0) {
            return wrong("amax", self.amax.into(), "finite and at least 0");
        }
        if self.scale.to_bits() != self.range().scale(largest).to_bits() {
            let must =
                "amax divided by the format's largest magnitude, or that of amax 1 for amax 0";
            return wrong("scale", self.scale.into(), must);
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
