//! What the host makes of a tensor's values: the one place where wants are met.

use std::fmt;
use std::sync::Arc;

use calibrant_calibration::{Histograms, NonFinite, TensorStatistics};

use crate::{Agreement, Moments, Reference, RunError, Seen, Sink, What};

/// What is wanted of one tensor.
#[derive(Clone, Default)]
pub struct Task {
    statistics: Option<Histograms>,
    moments: Option<usize>,
    values: Option<Arc<dyn Sink>>,
    errors: Option<Arc<dyn Reference>>,
}

/// What was seen of one tensor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reduction {
    /// Where statistics were wanted.
    pub statistics: Option<TensorStatistics>,
    /// Where moments were.
    pub moments: Option<Moments>,
    /// Where errors were.
    pub errors: Option<Agreement>,
    /// Whether copies that filled up a run count in it, because its values are not held sample by sample.
    pub counts_copies: bool,
    /// Whether it holds infinities that samples put into an input: there are no statistics then.
    pub is_infinite: bool,
}

impl Task {
    pub(crate) fn add(&mut self, what: &What) {
        match what {
            What::Statistics(histograms) => self.statistics = Some(*histograms),
            What::Moments { axis } => self.moments = Some(*axis),
            What::Values(sink) => self.values = Some(Arc::clone(sink)),
            What::Errors(reference) => self.errors = Some(Arc::clone(reference)),
        }
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statistics.is_none() && !self.wants_places()
    }

    /// Which histograms are wanted, if any are.
    #[must_use]
    pub fn histograms(&self) -> Option<Histograms> {
        self.statistics
    }

    /// Whether anything is wanted that depends on where in the tensor a value stands.
    #[must_use]
    pub fn wants_places(&self) -> bool {
        self.moments.is_some() || self.values.is_some() || self.errors.is_some()
    }

    /// The same with statistics alone, for a run that only finds the widths of TensorRT's bins.
    #[must_use]
    pub fn statistics_alone(&self) -> Self {
        Self { statistics: self.statistics, ..Self::default() }
    }

    /// What has been seen when nothing has; TensorRT's own histogram is kept where `first_batch`, which is what was
    /// seen of the first batch, says how wide its bins are.
    #[must_use]
    pub fn blank(&self, first_batch: Option<&Reduction>) -> Reduction {
        let first = first_batch.and_then(|seen| seen.statistics.as_ref());
        let statistics = self.statistics.map(|histograms| match (histograms, first) {
            (Histograms::AndFaithful, Some(first)) => {
                TensorStatistics::after_first_batch(first.magnitude())
            }
            (Histograms::AndFaithful | Histograms::Invariant, _) => TensorStatistics::new(),
        });
        Reduction {
            statistics,
            moments: self.moments.map(Moments::new),
            errors: self.errors.as_ref().map(|_| Agreement::new()),
            counts_copies: false,
            is_infinite: false,
        }
    }

    /// Makes of a tensor's values what is wanted, and adds it to what has been seen.
    ///
    /// # Errors
    ///
    /// When a value is not finite, the sink does not take them, or the reference has not as many.
    pub fn observe(&self, into: &mut Reduction, seen: &Seen<'_>) -> Result<(), RunError> {
        // Statistics look at every value, so nothing else need be asked whether all are finite.
        match &mut into.statistics {
            Some(statistics) => statistics.observe(seen.values).map_err(|bad| of(bad, seen))?,
            None => all_finite(seen)?,
        }
        if let Some(moments) = &mut into.moments {
            moments.observe(seen);
        }
        if let (Some(errors), Some(reference)) = (&mut into.errors, &self.errors) {
            compare(errors, &**reference, seen)?;
        }
        match &self.values {
            Some(sink) => sink.take(seen).map_err(|source| RunError::Sink {
                tensor: seen.tensor.to_owned(),
                sample: seen.sample(),
                source,
            }),
            None => Ok(()),
        }
    }
}

impl Reduction {
    /// Leaves no statistics of a tensor that samples put infinities into, whatever else was or will be seen of it.
    pub(crate) fn hide(&mut self) {
        self.is_infinite = true;
        self.statistics = None;
    }

    /// Adds what `other` saw; exact, associative and commutative.
    pub fn merge(&mut self, other: &Self) {
        merge(&mut self.statistics, &other.statistics, TensorStatistics::merge);
        merge(&mut self.moments, &other.moments, Moments::merge);
        merge(&mut self.errors, &other.errors, Agreement::merge);
        self.counts_copies |= other.counts_copies;
        if other.is_infinite || self.is_infinite {
            self.hide();
        }
    }
}

fn merge<T: Clone>(mine: &mut Option<T>, other: &Option<T>, add: impl FnOnce(&mut T, &T)) {
    match (mine, other) {
        (Some(mine), Some(other)) => add(mine, other),
        (mine @ None, other) => mine.clone_from(other),
        (Some(_), None) => {}
    }
}

fn compare(
    errors: &mut Agreement,
    reference: &dyn Reference,
    seen: &Seen<'_>,
) -> Result<(), RunError> {
    let (tensor, sample) = (|| seen.tensor.to_owned(), || seen.sample());
    let Some(expected) = reference.values(seen.tensor, seen.position()) else {
        return Err(RunError::NoReference { tensor: tensor(), sample: sample() });
    };
    if expected.len() != seen.values.len() {
        return Err(RunError::ReferenceLength {
            tensor: tensor(),
            sample: sample(),
            given: seen.values.len(),
            reference: expected.len(),
        });
    }
    if let Some(index) = expected.iter().position(|value| !value.is_finite()) {
        return Err(of(NonFinite { value: expected[index], index }, seen));
    }
    errors.observe(seen.values, &expected);
    Ok(())
}

fn all_finite(seen: &Seen<'_>) -> Result<(), RunError> {
    match seen.values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(of(NonFinite { value: seen.values[index], index }, seen)),
        None => Ok(()),
    }
}

fn of(NonFinite { value, index }: NonFinite, seen: &Seen<'_>) -> RunError {
    RunError::NonFinite { tensor: seen.tensor.to_owned(), sample: seen.sample(), value, index }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("statistics", &self.statistics)
            .field("moments", &self.moments)
            .field("values", &self.values.is_some())
            .field("errors", &self.errors.is_some())
            .finish()
    }
}
