//! Sources that are made of what a caller has.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::iter::Enumerate;
use std::num::NonZeroUsize;
use std::sync::Arc;

use calibrant_prefetch::Batch;

use crate::{Sample, Source, SourceError, Tensors};

/// A source of whatever an iterator gives, pulled a batch at a time.
pub struct Samples<I> {
    items: Enumerate<I>,
    batch_size: NonZeroUsize,
}

impl Samples<()> {
    /// A source of tensors in memory; the samples are called `sample 0`, `sample 1`, ….
    pub fn new<I>(
        batch_size: NonZeroUsize,
        items: I,
    ) -> Samples<impl Iterator<Item = Result<(Arc<str>, Tensors), Infallible>> + Send>
    where
        I: IntoIterator<Item = Tensors, IntoIter: Send>,
    {
        let named = |(position, inputs)| Ok((format!("sample {position}").into(), inputs));
        Self::fallible(batch_size, items.into_iter().enumerate().map(named))
    }

    /// A source of samples with names of their own, which may fail; the first that does ends it.
    pub fn fallible<I, E>(batch_size: NonZeroUsize, items: I) -> Samples<I::IntoIter>
    where
        I: IntoIterator<Item = Result<(Arc<str>, Tensors), E>>,
    {
        Samples { items: items.into_iter().enumerate(), batch_size }
    }
}

impl<I, E> Source for Samples<I>
where
    I: Iterator<Item = Result<(Arc<str>, Tensors), E>> + Send,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        let mut batch = Vec::with_capacity(self.batch_size.get());
        for (position, item) in self.items.by_ref().take(self.batch_size.get()) {
            let (name, inputs) = item.map_err(SourceError::other)?;
            batch.push(Sample { position, name, inputs });
        }
        Ok((!batch.is_empty()).then(|| Batch::detached(batch)))
    }
}

impl<I> fmt::Debug for Samples<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples").field("batch_size", &self.batch_size).finish_non_exhaustive()
    }
}
