//! What a run returns.

use std::collections::BTreeMap;

use calibrant_calibration::{Statistics, TensorStatistics};

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
        put(
            &mut self.statistics.tensors,
            tensor,
            seen.statistics,
            |seen| seen.count() > 0,
            TensorStatistics::merge,
        );
        put(&mut self.moments, tensor, seen.moments, |seen| seen.channels() > 0, Moments::merge);
        put(&mut self.errors, tensor, seen.errors, |seen| seen.count() > 0, Agreement::merge);
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

/// Adds what was seen of a tensor to what there is of it, if anything was seen.
fn put<T>(
    there: &mut BTreeMap<String, T>,
    tensor: &str,
    seen: Option<T>,
    is_something: impl FnOnce(&T) -> bool,
    merge: impl FnOnce(&mut T, &T),
) {
    let Some(seen) = seen.filter(is_something) else { return };
    match there.get_mut(tensor) {
        Some(there) => merge(there, &seen),
        None => drop(there.insert(tensor.to_owned(), seen)),
    }
}
