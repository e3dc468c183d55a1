//! What calibration keeps of every tensor: a histogram, the extremes and the zeros.

use std::collections::BTreeMap;

use crate::histogram::scan;
use crate::{Histogram, Method};

/// Everything that calibration learned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Number of samples that were run.
    pub samples: u64,
    /// What was seen of every float tensor, by its name in the original graph.
    pub tensors: BTreeMap<String, TensorStatistics>,
}

/// What was seen of one tensor: a pure function of the multiset of its values.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorStatistics {
    histogram: Histogram,
    minimum: f32,
    maximum: f32,
    count: u64,
    zeros: u64,
}

/// A value that has no place on any scale.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("value {value} at element {index}")]
pub struct NonFinite {
    /// NaN or an infinity.
    pub value: f32,
    /// Index of the first such value in the slice.
    pub index: usize,
}

impl NonFinite {
    pub(crate) fn at(values: &[f32], index: usize) -> Self {
        Self { value: values[index], index }
    }
}

impl Statistics {
    /// Adds values of the tensor called `tensor`, which appears when it is first seen.
    ///
    /// # Errors
    ///
    /// When a value is NaN or infinite; nothing of the slice is kept then.
    pub fn observe(&mut self, tensor: &str, values: &[f32]) -> Result<(), NonFinite> {
        match self.tensors.get_mut(tensor) {
            Some(statistics) => statistics.observe(values),
            None => self.tensors.entry(tensor.to_owned()).or_default().observe(values),
        }
    }

    /// Adds what `other` saw, as if its samples had been run here; exact, associative and commutative.
    pub fn merge(&mut self, other: &Self) {
        self.samples += other.samples;
        for (name, statistics) in &other.tensors {
            self.tensors.entry(name.clone()).or_default().merge(statistics);
        }
    }
}

impl TensorStatistics {
    /// Statistics of nothing.
    pub fn new() -> Self {
        Self {
            histogram: Histogram::new(),
            minimum: f32::INFINITY,
            maximum: f32::NEG_INFINITY,
            count: 0,
            zeros: 0,
        }
    }

    /// Adds values.
    ///
    /// # Errors
    ///
    /// When a value is NaN or infinite; nothing of the slice is kept then.
    pub fn observe(&mut self, values: &[f32]) -> Result<(), NonFinite> {
        if values.is_empty() {
            return Ok(());
        }
        let seen = scan(values)?;
        self.widen(seen.minimum, seen.maximum);
        self.count += values.len() as u64;
        self.zeros += seen.zeros;
        self.histogram.observe(values, self.magnitude());
        Ok(())
    }

    /// Adds what `other` saw; exact, associative and commutative.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.merge(&other.histogram);
        self.widen(other.minimum, other.maximum);
        self.count += other.count;
        self.zeros += other.zeros;
    }

    /// The amax that `method` chooses: finite, at least 0, at most the largest magnitude seen.
    pub fn amax(&self, method: Method) -> f32 {
        method.amax(self)
    }

    /// The histogram of magnitudes, zeros included.
    pub fn histogram(&self) -> &Histogram {
        &self.histogram
    }

    /// The smallest value seen, never -0; 0 when nothing was.
    pub fn minimum(&self) -> f32 {
        if self.count == 0 { 0.0 } else { self.minimum }
    }

    /// The largest value seen, never -0; 0 when nothing was.
    pub fn maximum(&self) -> f32 {
        if self.count == 0 { 0.0 } else { self.maximum }
    }

    /// The largest magnitude seen; 0 when nothing was.
    pub fn magnitude(&self) -> f32 {
        self.maximum().max(-self.minimum())
    }

    /// Number of values seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Number of values that were 0 or -0.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Compares as integers, so that a processor that flushes subnormals finds the same extremes.
    fn widen(&mut self, minimum: f32, maximum: f32) {
        if minimum.total_cmp(&self.minimum).is_lt() {
            self.minimum = minimum;
        }
        if maximum.total_cmp(&self.maximum).is_gt() {
            self.maximum = maximum;
        }
    }
}

impl Default for TensorStatistics {
    fn default() -> Self {
        Self::new()
    }
}
