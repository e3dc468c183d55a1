//! An ordered, bounded, cancellable worker pipeline that keeps batches ready.
//!
//! ```text
//!            items              (position, item)              finished              Delivery
//!  iterator ───────► feed thread ──────────────► N workers ─────────────► Receiver ──────────► consumer
//!                                                   ▲                                             │
//!                                                   │               slots (bounded)               │ batch dropped
//!                                                   └─────────────────────────────────────────────┘
//! ```
//!
//! [`run`] draws items from an iterator on one thread, has N workers turn each into a *slot* (the
//! caller's own type: a picture buffer, a row of tensors), and hands the consumer batches of slots
//! **in the order of the items**, whatever the number of workers. When a [`Batch`] is dropped, its
//! slots go home and are filled again, so that a warm pipeline allocates nothing.
//!
//! # Which slot serves which item
//!
//! Slots are made, filled and returned by the batch: those made by `batch_size` consecutive calls
//! of the constructor belong together, and the item at position `p` is always put into the one at
//! place `p % batch_size`. A constructor that cuts its slots from one piece of memory, in order,
//! therefore gets batches whose samples lie one behind the other. The slot of a sample that failed
//! is a gap between them, and goes home with the others.
//!
//! # What bounds memory
//!
//! A worker takes leave to use a slot before it takes an item, and a slot stays in use until its
//! batch is dropped. There are `batch_size × batches_in_flight` slots, made a batch at a time when
//! first needed and never more. Items wait for workers one batch's worth at a time (or one per
//! worker, where that is more). Because items are taken in order, the batch that is due next always
//! gets its slots first, and the pipeline cannot lock up.
//!
//! # What ends it
//!
//! Dropping either end: the iterator's end lets the last, possibly short, batch through, which is
//! never padded; the consumer's return stops the workers, each after the sample in its hands and at
//! most one more. A caller that wants to cancel from outside ends the iterator or returns from the
//! consumer, by whatever token it likes.
//!
//! # What happens to errors
//!
//! They are items. A failed sample is missing from its batch and listed beside it in
//! [`Delivery::failures`]; the policy is the consumer's. A panic in `work` is such a failure too
//! ([`WorkError::Panicked`]). A panic in the iterator or in a constructor, which no later sample
//! would survive, is raised again in the consumer's thread. A thread that the system does not start
//! is a [`StartError`], before anything is consumed.
//!
//! This crate knows neither pictures nor tensors nor files.

#![forbid(unsafe_code)]

mod batch;
mod clock;
mod error;
mod home;
mod pipeline;
mod receiver;
mod stats;

pub use batch::{Batch, Delivery, Failure};
pub use clock::{Clock, Stopwatch};
pub use error::{StartError, WorkError};
pub use pipeline::{Config, run, run_with_clock};
pub use receiver::Receiver;
pub use stats::{Stage, Stats};
