//! The consumer's end: puts finished samples back in order and groups them.

use std::any::Any;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;

use crossbeam_channel as channel;

use crate::batch::Home;
use crate::clock::Stopwatch;
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
    shells: channel::Receiver<Vec<T>>,
    /// Samples that came before their turn. Every position in flight holds a slot, so one place per
    /// slot is enough: position p waits at p mod len.
    early: Vec<Option<Finished<T, E>>>,
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
        shells: channel::Receiver<Vec<T>>,
        n_slots: NonZeroUsize,
        batch_size: NonZeroUsize,
        clock: &Clock,
    ) -> Self {
        Self {
            finished,
            home: Arc::new(home),
            shells,
            early: (0..n_slots.get()).map(|_| None).collect(),
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
        if self.total == Some(start) {
            return None;
        }
        let mut samples = self.shells.try_recv().unwrap_or_default();
        let mut failures = Vec::new();
        while self.cursor - start < self.batch_size && self.total != Some(self.cursor) {
            let Some(finished) = self.take_due() else {
                self.receive();
                continue;
            };
            match finished.outcome {
                Ok(()) => samples.push(finished.slot),
                Err(error) => {
                    failures.push(Failure { position: self.cursor, error });
                    self.home.put_slot(finished.slot);
                }
            }
            self.cursor += 1;
        }
        let batch = Batch::new(samples, Arc::downgrade(&self.home));
        (self.cursor > start).then_some(Delivery { start, batch, failures })
    }

    fn take_due(&mut self) -> Option<Finished<T, E>> {
        let place = self.cursor % self.early.len();
        self.early[place].take()
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
