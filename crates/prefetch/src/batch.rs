//! What the consumer is handed: a batch of filled slots, and the failures beside it.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::Weak;

use crate::WorkError;
use crate::home::{Home, Tray};

/// Filled slots in the order of their items; on drop all slots of the batch go home together, to be
/// filled again.
///
/// A batch may be sent to another thread and may outlive its pipeline, in which case its slots are
/// simply dropped with it.
pub struct Batch<T> {
    tray: Tray<T>,
    /// Which of the home's trays it is.
    tray_idx: usize,
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

impl<T> Batch<T> {
    /// A batch that belongs to no pipeline: for tests and scripted sources.
    pub fn detached(samples: Vec<T>) -> Self {
        Self { tray: Tray::of_samples(samples), tray_idx: 0, home: Weak::new() }
    }

    pub(crate) fn new(tray: Tray<T>, tray_idx: usize, home: Weak<Home<T>>) -> Self {
        Self { tray, tray_idx, home }
    }
}

impl<T> Deref for Batch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.tray.samples
    }
}

/// Slots that are swapped stay swapped: the next batch that they serve has them in their new
/// places.
impl<T> DerefMut for Batch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.tray.samples
    }
}

impl<T> Drop for Batch<T> {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            home.take_back(self.tray_idx, mem::take(&mut self.tray));
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
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
