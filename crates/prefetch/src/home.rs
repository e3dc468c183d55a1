//! Where the slots are between two batches.

use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver as Inbox, Sender as Outbox, bounded};

use crate::Config;

/// The consumer's side of the pool. The pipeline's [`Receiver`](crate::Receiver) alone keeps it
/// alive; when it goes, so does the last outbox of leaves, and the workers stop.
#[derive(Debug)]
pub(crate) struct Home<T> {
    leaves: Outbox<()>,
    rack: Arc<Rack<T>>,
}

/// All slots that are in no worker's and no consumer's hands: a tray for each batch in flight.
///
/// A batch uses one tray, from the first of its slots that is taken until the last comes back. The
/// slot for place `i` of a batch is always slot `i` of its tray.
#[derive(Debug)]
pub(crate) struct Rack<T> {
    batch_size: NonZeroUsize,
    shelves: Mutex<Shelves<T>>,
}

#[derive(Debug)]
struct Shelves<T> {
    trays: Vec<Tray<T>>,
    /// Trays that no batch uses, the longest unused first: where batches come back in order, they
    /// take turns, and which slot serves which item does not depend on the threads.
    free: VecDeque<usize>,
    /// Which tray batch `b` uses, at `b` modulo the number of trays: no two batches that are in
    /// flight and undelivered share a place.
    in_use: Vec<usize>,
    /// The first batch that uses no tray yet.
    next_batch: usize,
}

/// The slots of a batch, in one of two ways.
#[derive(Debug)]
pub(crate) struct Tray<T> {
    /// In the rack: each at its place; `None` stands for one that is out. Empty before they are made.
    places: Vec<Option<T>>,
    /// In a batch: those that were filled, in the order of their places.
    pub(crate) samples: Vec<T>,
    /// In a batch: those whose samples failed, each with its place, in that order.
    pub(crate) gaps: Vec<(usize, T)>,
}

impl<T> Home<T> {
    /// The pool: no slot is made yet. The workers take a leave from the inbox for each slot.
    pub(crate) fn new(config: &Config, n_slots: NonZeroUsize) -> (Self, Inbox<()>) {
        let (leaves, inbox) = bounded(n_slots.get());
        let rack = Arc::new(Rack::new(config));
        let home = Self { leaves, rack };
        home.give_leave(n_slots.get());
        (home, inbox)
    }

    pub(crate) fn rack(&self) -> &Arc<Rack<T>> {
        &self.rack
    }

    /// Puts a batch's slots back into their places, and its tray into the rack, and lets workers take
    /// as many slots again.
    pub(crate) fn take_back(&self, tray_idx: usize, mut tray: Tray<T>) {
        let n_slots = tray.tidy_up();
        let mut shelves = self.rack.shelves();
        shelves.trays[tray_idx] = tray;
        shelves.free.push_back(tray_idx);
        drop(shelves);
        self.give_leave(n_slots);
    }

    fn give_leave(&self, n_slots: usize) {
        for _ in 0..n_slots {
            // It cannot be full, since there is a place for every slot; and when no worker is left,
            // nobody minds.
            let _ = self.leaves.try_send(());
        }
    }
}

impl<T> Rack<T> {
    fn new(config: &Config) -> Self {
        let n_trays = config.batches_in_flight.get();
        let shelves = Shelves {
            trays: (0..n_trays).map(|_| Tray::new(config.batch_size)).collect(),
            free: (0..n_trays).collect(),
            in_use: vec![usize::MAX; n_trays],
            next_batch: 0,
        };
        Self { batch_size: config.batch_size, shelves: Mutex::new(shelves) }
    }

    /// Takes the slot for the item at a position, which the caller has leave to.
    ///
    /// The first slot of a tray that was never used is made together with all others of the tray.
    pub(crate) fn take(&self, position: usize, new_slot: impl Fn() -> T) -> T {
        let (batch, place) = (position / self.batch_size, position % self.batch_size);
        let mut shelves = self.shelves();
        while shelves.next_batch <= batch {
            shelves.open_tray();
        }
        let tray_idx = shelves.tray_of(batch);
        let places = &mut shelves.trays[tray_idx].places;
        if places.is_empty() {
            // Into a vector of its own, so that a panic leaves the tray as it was.
            *places = (0..self.batch_size.get()).map(|_| Some(new_slot())).collect();
        }
        places[place].take().expect("a position is worked on once, and its tray is its batch's own")
    }

    /// Exchanges a tray whose batch is complete: gives the slots, as they came from the workers, the
    /// places they have to go back to, and gives the tray's number.
    pub(crate) fn check_out(&self, batch: usize, filled: &mut Tray<T>) -> (usize, Tray<T>) {
        let mut shelves = self.shelves();
        let tray_idx = shelves.tray_of(batch);
        let tray = &mut shelves.trays[tray_idx];
        mem::swap(&mut tray.samples, &mut filled.samples);
        mem::swap(&mut tray.gaps, &mut filled.gaps);
        (tray_idx, mem::take(tray))
    }

    /// A panic in `new_slot` poisons the lock and changes nothing behind it.
    fn shelves(&self) -> MutexGuard<'_, Shelves<T>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Shelves<T> {
    /// Gives the next batch a tray.
    ///
    /// Leaves are given after trays come back and taken before positions are, a batch's worth of
    /// each: whoever holds a position finds a tray for its batch and for all before.
    fn open_tray(&mut self) {
        let tray = self.free.pop_front().expect("a batch's worth of leaves came with a tray");
        let place = self.next_batch % self.in_use.len();
        self.in_use[place] = tray;
        self.next_batch += 1;
    }

    fn tray_of(&self, batch: usize) -> usize {
        self.in_use[batch % self.in_use.len()]
    }
}

impl<T> Tray<T> {
    pub(crate) fn new(batch_size: NonZeroUsize) -> Self {
        let samples = Vec::with_capacity(batch_size.get());
        Self { places: Vec::new(), samples, gaps: Vec::new() }
    }

    /// A tray that belongs to no rack.
    pub(crate) fn of_samples(samples: Vec<T>) -> Self {
        Self { samples, ..Self::default() }
    }

    /// Puts all slots at their places, and returns how many they are.
    fn tidy_up(&mut self) -> usize {
        let (mut samples, mut gaps) = (self.samples.drain(..), self.gaps.drain(..).peekable());
        let mut n_slots = 0;
        for (idx, place) in self.places.iter_mut().enumerate() {
            let slot = match gaps.next_if(|(gap, _)| *gap == idx) {
                Some((_, slot)) => slot,
                None => match samples.next() {
                    Some(slot) => slot,
                    None => break,
                },
            };
            *place = Some(slot);
            n_slots += 1;
        }
        n_slots
    }
}

impl<T> Default for Tray<T> {
    fn default() -> Self {
        Self { places: Vec::new(), samples: Vec::new(), gaps: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_go_back_to_their_places() {
        let cases: [(&[usize], &[usize]); 6] = [
            (&[], &[]),
            (&[0, 1, 2], &[]),
            (&[], &[0, 1, 2]),
            (&[1, 2], &[0]),
            (&[0, 2, 5], &[1, 3, 4]),
            (&[0, 1], &[2]),
        ];
        for (samples, gaps) in cases {
            let n_slots = samples.len() + gaps.len();
            // A short batch leaves the places behind its last as they are.
            let mut tray = Tray {
                places: (0..9).map(|idx| (idx >= n_slots).then_some(idx)).collect(),
                samples: samples.to_vec(),
                gaps: gaps.iter().map(|&place| (place, place)).collect(),
            };
            assert_eq!(tray.tidy_up(), n_slots);
            assert!(tray.places.iter().copied().eq((0..9).map(Some)), "{samples:?} {gaps:?}");
            assert!(tray.samples.is_empty() && tray.gaps.is_empty());
        }
    }
}
