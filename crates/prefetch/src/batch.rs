//! What the consumer is handed: a batch of filled slots, and the failures beside it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Weak;

use crossbeam_channel::Sender;

use crate::WorkError;

/// Filled slots in the order of their items; on drop they go home to be filled again.
///
/// A batch may be sent to another thread and may outlive its pipeline, in which case its slots are
/// simply dropped with it.
pub struct Batch<T> {
    samples: Vec<T>,
    home: Weak<Home<T>>,
}

/// One batch and what failed in its stretch of positions.
///
/// Consecutive deliveries cover consecutive positions, `batch_size` of them each and fewer only at
/// the end: `batch.len() + failures.len()` is the number covered. A batch may thus be short, or
/// empty, wherever samples failed.
#[derive(Debug)]
pub struct Delivery<T, E> {
    /// The position of the first item covered.
    pub start: usize,
    /// The samples that succeeded, in input order.
    pub batch: Batch<T>,
    /// The samples that did not, in input order.
    pub failures: Vec<Failure<E>>,
}

/// A sample that is missing from its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure<E> {
    /// The position of its item in the input, from 0.
    pub position: usize,
    /// What went wrong.
    pub error: WorkError<E>,
}

/// Where slots and emptied vectors go back to; the pipeline's [`Receiver`](crate::Receiver) alone
/// keeps it alive.
#[derive(Debug)]
pub(crate) struct Home<T> {
    /// `None` stands for a slot that has not been made yet.
    pub(crate) slots: Sender<Option<T>>,
    pub(crate) shells: Sender<Vec<T>>,
}

impl<T> Batch<T> {
    /// A batch that belongs to no pipeline: for tests and scripted sources.
    pub fn detached(samples: Vec<T>) -> Self {
        Self { samples, home: Weak::new() }
    }

    pub(crate) fn new(samples: Vec<T>, home: Weak<Home<T>>) -> Self {
        Self { samples, home }
    }
}

impl<T> Deref for Batch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.samples
    }
}

impl<T> DerefMut for Batch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.samples
    }
}

impl<T> Drop for Batch<T> {
    fn drop(&mut self) {
        let Some(home) = self.home.upgrade() else { return };
        for slot in self.samples.drain(..) {
            home.put_slot(slot);
        }
        home.put_shell(std::mem::take(&mut self.samples));
    }
}

impl<T: fmt::Debug> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T> Home<T> {
    /// Sending cannot block, since the channel has a place for every slot; it fails when no worker
    /// is left, and the slot is dropped.
    pub(crate) fn put_slot(&self, slot: T) {
        drop(self.slots.try_send(Some(slot)));
    }

    /// More vectors than batches in flight can only come from a consumer that keeps empty batches;
    /// the surplus is dropped.
    pub(crate) fn put_shell(&self, shell: Vec<T>) {
        drop(self.shells.try_send(shell));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detached_batch_is_a_slice() {
        let mut batch = Batch::detached(vec![1, 2, 3]);
        batch[0] = 7;
        assert_eq!(&*batch, &[7, 2, 3]);
        assert_eq!(format!("{batch:?}"), "[7, 2, 3]");
    }
}
