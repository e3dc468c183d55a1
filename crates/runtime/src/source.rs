//! What a network is fed: samples in batches, pulled from a source that can fail.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use calibrant_prefetch::Batch;

use crate::{RunError, Sample};

/// Where a [`Network`](crate::Network) pulls batches from.
///
/// What a batch holds is the caller's to say: [`Sample`]s, or [`Slot`](crate::Slot)s with memory of another kind.
pub trait Source<S = Sample>: Send {
    /// The next batch in order, or `None` when there are no more.
    ///
    /// Dropping the batch gives its memory back to the source, so hold only the one that is being consumed.
    ///
    /// # Errors
    ///
    /// When a sample cannot be had and the source's policy does not skip it, or when the work was cancelled.
    /// After an error the source is spent.
    fn next_batch(&mut self) -> Result<Option<Batch<S>>, SourceError>;

    /// Whether the work is to stop; asked again and again while the samples of a batch are being run.
    fn is_cancelled(&mut self) -> bool {
        false
    }

    /// Whether samples that a network cannot be run on are left out, where otherwise the first of them ends the run.
    ///
    /// A run then returns what it would have without them, to the bit; a [`Sink`](crate::Sink) may have been handed what
    /// was made of them before it was known.
    fn leaves_out(&self) -> bool {
        false
    }

    /// Hears of samples that were left out: after the last batch, in the order of their positions.
    fn left_out(&mut self, left_out: LeftOut) {
        drop(left_out);
    }
}

/// Samples that a network could not be run on.
#[derive(Debug)]
pub struct LeftOut {
    /// Position and name of each; there is one unless several run together.
    pub samples: Vec<(usize, Arc<str>)>,
    /// Why; of several samples it may be the fault of any.
    pub error: RunError,
}

impl LeftOut {
    /// Where the first of them stands, in the order of the samples.
    #[must_use]
    pub fn position(&self) -> usize {
        self.samples.first().map_or(0, |(position, _)| *position)
    }
}

impl<S, T: Source<S> + ?Sized> Source<S> for &mut T {
    fn next_batch(&mut self) -> Result<Option<Batch<S>>, SourceError> {
        (**self).next_batch()
    }

    fn is_cancelled(&mut self) -> bool {
        (**self).is_cancelled()
    }

    fn leaves_out(&self) -> bool {
        (**self).leaves_out()
    }

    fn left_out(&mut self, left_out: LeftOut) {
        (**self).left_out(left_out);
    }
}

/// Why a [`Source`] ended before its last sample.
#[derive(Debug)]
pub struct SourceError {
    kind: SourceErrorKind,
    sample: Option<(usize, Arc<str>)>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What sort of thing a [`SourceError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// Someone asked for the work to stop.
    Cancelled,
    /// One sample could not be read, decoded or preprocessed.
    BadSample,
    /// Anything else; the cause is in [`Error::source`].
    Other,
}

impl SourceError {
    /// The work was asked to stop.
    pub fn cancelled() -> Self {
        Self { kind: SourceErrorKind::Cancelled, sample: None, source: None }
    }

    /// The sample called `name`, at `position` of the list, could not be used because of `source`.
    pub fn bad_sample(
        position: usize,
        name: Arc<str>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind: SourceErrorKind::BadSample,
            sample: Some((position, name)),
            source: Some(source.into()),
        }
    }

    /// The source failed in a way that belongs to no sample.
    pub fn other(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: SourceErrorKind::Other, sample: None, source: Some(source.into()) }
    }

    /// What sort of thing went wrong.
    pub fn kind(&self) -> SourceErrorKind {
        self.kind
    }

    /// Position and name of the sample at fault, where there is one.
    pub fn sample(&self) -> Option<(usize, &str)> {
        self.sample.as_ref().map(|(position, name)| (*position, &**name))
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.sample) {
            (SourceErrorKind::Cancelled, _) => f.write_str("cancelled"),
            (_, Some((position, name))) => {
                write!(f, "sample `{name}` (number {position}) cannot be used")
            }
            (_, None) => f.write_str("the samples cannot be read to their end"),
        }
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_sample_and_leave_the_cause_to_the_chain() {
        let error = SourceError::bad_sample(7, "a/b.jpg".into(), "no end of image");
        assert_eq!(error.to_string(), "sample `a/b.jpg` (number 7) cannot be used");
        assert_eq!(error.source().unwrap().to_string(), "no end of image");
        assert_eq!(error.sample(), Some((7, "a/b.jpg")));
        assert_eq!(error.kind(), SourceErrorKind::BadSample);

        let error = SourceError::cancelled();
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            ("cancelled", SourceErrorKind::Cancelled)
        );
        assert!(error.source().is_none() && error.sample().is_none());

        let error = SourceError::other("disk gone");
        assert_eq!(
            (error.kind(), error.source().unwrap().to_string().as_str()),
            (SourceErrorKind::Other, "disk gone")
        );
    }
}
