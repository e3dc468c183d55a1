//! The consumer's end: puts finished samples back in order and groups them.

use std::any::Any;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;

use crossbeam_channel as channel;

use crate::clock::Stopwatch;
use crate::home::{Home, Tray};
use crate::{Batch, Clock, Delivery, Failure, Stage, WorkError};

/// What the consumer pulls deliveries from: an iterator that waits for the next batch and ends
/// after the last.
///
/// Dropping it, or returning from the consumer, stops the pipeline.
///
/// # Panics
///
/// `next` raises a panic of the items' iterator, of the slots' or of the scratch's constructor
/// again, in the consumer's thread, so that such an end is never mistaken for the end of the input.
pub struct Receiver<T, E> {
    finished: channel::Receiver<Message<T, E>>,
    home: Arc<Home<T>>,
    /// Samples that came before their turn. Every position in flight holds a slot, so one place per
    /// slot is enough: position p waits at p mod len.
    early: Vec<Option<Finished<T, E>>>,
    /// The slots of the batch that is due; an empty tray between two calls.
    filling: Tray<T>,
    batch_size: usize,
    /// The first position not delivered yet.
    cursor: usize,
    /// The number of items, once the iterator has ended.
    total: Option<usize>,
    watch: Stopwatch,
    stage: Stage,
}

/// What the other threads tell the receiver.
pub(crate) enum Message<T, E> {
    /// A worker is through with one sample.
    Finished(usize, Finished<T, E>),
    /// The iterator has ended after this many items.
    End(usize),
    /// A thread has panicked outside the work on a sample.
    Broken(Box<dyn Any + Send>),
}

/// A slot and whether it was filled.
pub(crate) struct Finished<T, E> {
    pub(crate) slot: T,
    pub(crate) outcome: Result<(), WorkError<E>>,
}

impl<T, E> Receiver<T, E> {
    pub(crate) fn new(
        finished: channel::Receiver<Message<T, E>>,
        home: Home<T>,
        n_slots: NonZeroUsize,
        batch_size: NonZeroUsize,
        clock: &Clock,
    ) -> Self {
        Self {
            finished,
            home: Arc::new(home),
            early: (0..n_slots.get()).map(|_| None).collect(),
            filling: Tray::new(batch_size),
            batch_size: batch_size.get(),
            cursor: 0,
            total: None,
            watch: Stopwatch::start(clock),
            stage: Stage::default(),
        }
    }

    /// Ends the consumer's stage: what has passed since the last batch was its work.
    pub(crate) fn finish(mut self) -> Stage {
        self.watch.lap(&mut self.stage.busy);
        self.stage
    }

    fn deliver(&mut self) -> Option<Delivery<T, E>> {
        let start = self.cursor;
        let mut failures = Vec::new();
        while self.cursor - start < self.batch_size
            && let Some((position, Finished { slot, outcome })) = self.next_due()
        {
            match outcome {
                Ok(()) => self.filling.samples.push(slot),
                Err(error) => {
                    self.filling.gaps.push((position - start, slot));
                    failures.push(Failure { position, error });
                }
            }
        }
        if self.cursor == start {
            return None;
        }
        let rack = self.home.rack();
        let (tray_idx, tray) = rack.check_out(start / self.batch_size, &mut self.filling);
        let batch = Batch::new(tray, tray_idx, Arc::downgrade(&self.home));
        Some(Delivery { start, batch, failures })
    }

    /// Waits for the sample at the cursor and passes it, or says that the input ends here.
    fn next_due(&mut self) -> Option<(usize, Finished<T, E>)> {
        while self.total != Some(self.cursor) {
            let place = self.cursor % self.early.len();
            if let Some(finished) = self.early[place].take() {
                self.cursor += 1;
                return Some((self.cursor - 1, finished));
            }
            self.receive();
        }
        None
    }

    /// Waits for one message.
    fn receive(&mut self) {
        match self.finished.recv() {
            Ok(Message::Finished(position, finished)) => {
                let place = position % self.early.len();
                self.early[place] = Some(finished);
            }
            Ok(Message::End(total)) => self.total = Some(total),
            Ok(Message::Broken(payload)) => {
                // Should the consumer survive this, there is nothing more to wait for.
                self.total = Some(self.cursor);
                resume_unwind(payload)
            }
            Err(channel::RecvError) => {
                unreachable!("a thread says that it ended or broke before it leaves")
            }
        }
    }
}

impl<T, E> Iterator for Receiver<T, E> {
    type Item = Delivery<T, E>;

    fn next(&mut self) -> Option<Delivery<T, E>> {
        self.watch.lap(&mut self.stage.busy);
        let before = self.cursor;
        let delivery = self.deliver();
        self.stage.items += (self.cursor - before) as u64;
        self.watch.lap(&mut self.stage.waiting_for_input);
        delivery
    }
}

impl<T, E> fmt::Debug for Receiver<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("cursor", &self.cursor)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}
