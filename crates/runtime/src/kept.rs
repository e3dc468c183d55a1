//! Two networks run beside each other on the same samples.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use calibrant_prefetch::Batch;

use crate::{Network, Observations, Reference, RunError, Sample, Seen, Sink, Source, SourceError};

/// A tensor, and the position of a sample.
type Place = (String, usize);

/// Values that were taken and not asked for yet: a [`Sink`] of one run, and the [`Reference`] of another.
///
/// Each is given away once, so that [`run_beside`] holds no more than a batch's.
#[derive(Default)]
pub struct Kept {
    values: Mutex<HashMap<Place, Arc<[f32]>>>,
}

impl Kept {
    /// Nothing kept.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Sink for Kept {
    fn take(&self, seen: &Seen<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.insert((seen.tensor.to_owned(), seen.position()), seen.values.into());
        Ok(())
    }
}

impl Reference for Kept {
    fn values(&self, tensor: &str, position: usize) -> Option<Arc<[f32]>> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.remove(&(tensor.to_owned(), position))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

/// Runs each batch of `source` through `reference` and then through `network`, and returns what each saw.
///
/// For errors of one against the other, load the first with [`What::Values`](crate::What::Values) into a [`Kept`], and the
/// second with [`What::Errors`](crate::What::Errors) against it.
///
/// # Errors
///
/// As [`Network::run`] of either.
pub fn run_beside(
    reference: &mut dyn Network,
    network: &mut dyn Network,
    source: &mut dyn Source,
) -> Result<[Observations; 2], RunError> {
    let [mut first, mut second] = <[Observations; 2]>::default();
    while let Some(batch) = source.next_batch()? {
        first.merge(reference.run(&mut One { batch: Some(batch.to_vec()), source })?);
        second.merge(network.run(&mut One { batch: Some(batch.to_vec()), source })?);
    }
    Ok([first, second])
}

/// A source of one batch, which is cancelled when another is.
struct One<'a> {
    batch: Option<Vec<Sample>>,
    source: &'a mut dyn Source,
}

impl Source for One<'_> {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        Ok(self.batch.take().map(Batch::detached))
    }

    fn is_cancelled(&mut self) -> bool {
        self.source.is_cancelled()
    }
}
