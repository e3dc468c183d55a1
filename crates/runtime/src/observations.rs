//! What a run returns.

use std::collections::{BTreeMap, BTreeSet};

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
    /// How many samples were run again to fill up runs of a model that fixes their number.
    pub copies: u64,
    /// The tensors in which such copies count, because their values are not held sample by sample.
    pub counting_copies: BTreeSet<String>,
    /// The tensors without statistics because samples put infinities into an input, and they are there too.
    pub infinite: BTreeSet<String>,
}

impl Observations {
    /// Adds what was seen of a tensor.
    pub fn add(&mut self, tensor: &str, seen: Reduction) {
        if seen.is_infinite {
            self.infinite.insert(tensor.to_owned());
            self.statistics.tensors.remove(tensor);
        }
        if seen.counts_copies {
            self.counting_copies.insert(tensor.to_owned());
        }
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
        self.copies += other.copies;
        self.infinite.extend(other.infinite);
        self.statistics.tensors.retain(|tensor, _| !self.infinite.contains(tensor));
        self.counting_copies.extend(other.counting_copies);
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
