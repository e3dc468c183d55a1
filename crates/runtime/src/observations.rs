//! What a run returns.

use std::collections::BTreeMap;

use calibrant_calibration::Statistics;

use crate::{Agreement, Moments, Reduction};

/// What was seen of the tensors that something was wanted of; those without a value are left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observations {
    /// The number of samples that were run, and the statistics of the tensors whose were wanted.
    pub statistics: Statistics,
    /// Moments, by tensor.
    pub moments: BTreeMap<String, Moments>,
    /// Errors against the reference, by tensor.
    pub errors: BTreeMap<String, Agreement>,
}

impl Observations {
    /// Adds what was seen of a tensor.
    pub fn add(&mut self, tensor: &str, seen: Reduction) {
        if let Some(statistics) = seen.statistics.filter(|seen| seen.count() > 0) {
            self.statistics.tensors.entry(tensor.to_owned()).or_default().merge(&statistics);
        }
        if let Some(moments) = seen.moments.filter(|seen| seen.channels() > 0) {
            let blank = Moments::new(moments.axis());
            self.moments.entry(tensor.to_owned()).or_insert(blank).merge(&moments);
        }
        if let Some(errors) = seen.errors.filter(|seen| seen.count() > 0) {
            self.errors.entry(tensor.to_owned()).or_default().merge(&errors);
        }
    }

    /// Adds what another run of the same model saw, as if its samples had been run here; exact, associative and
    /// commutative.
    pub fn merge(&mut self, other: Self) {
        self.statistics.merge(&other.statistics);
        for (tensor, moments) in other.moments {
            self.add(&tensor, Reduction { moments: Some(moments), ..Reduction::default() });
        }
        for (tensor, errors) in other.errors {
            self.add(&tensor, Reduction { errors: Some(errors), ..Reduction::default() });
        }
    }
}
