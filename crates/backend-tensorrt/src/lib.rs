//! Feeds TensorRT's own calibrators: samples in pinned memory, copied to the device ahead of the builder.
//!
//! ```text
//!  prefetch workers        copier's thread               ring of device batches         TensorRT's thread
//!  ───────────────► Slot ──────────────────► copies in a stream of their own ──────────► Feed: Calibrator
//!        ▲                        │                        ▲                                  │
//!        │  slots, once read      │ releaser's thread      │ batch k, when k + 1 is asked for │
//!        └────────────────────────┴────────                └──────────────────────────────────┘
//! ```
//!
//! Up to TensorRT 10 the builder finds the ranges itself and pulls batches out of device memory while it does. [`feed`]
//! stands between it and a [`Source`](calibrant_runtime::Source) of [`Slot`](calibrant_runtime::Slot)s: while
//! TensorRT works on batch k, batch k + 1 is copied and the samples behind are read and decoded.
//!
//! * [`PinnedInputs`] are the memory of such slots, cut from one pinned slab per input, so that the samples of a batch lie
//!   one behind the other and are one copy.
//! * A [`Loader`] brings samples to the device: [`Inputs`] copies those as they are, another may make tensors there.
//! * [`feed`] runs the copies beside a closure, which hands its [`Feed`] to
//!   [`Builder::build_calibrated`](calibrant_tensorrt::Builder::build_calibrated).
//! * [`FeedReport`] says what was fed, what TensorRT wrote, and where the time went.
//!
//! # Every batch is whole
//!
//! TensorRT reads whole batches, and nothing in its interface tells it that one is not. So batches are packed anew:
//! samples follow each other without the gaps of those that were skipped, whatever the batches of the source are. Only
//! the last batch can want for samples. It is then completed by repeating its own samples in order, and the report says
//! how often. That leaves minima and maxima as they are; in a histogram the repeated samples weigh more. Choose the
//! batch size by [`effective_batch_size`] where the model leaves the choice, and mostly nothing is repeated.
//!
//! # What ends it
//!
//! An error of the source comes out of [`Feed`] as it was, when the batches before it have been used; so does a panic.
//! A closure that returns early ends the copies. Whatever happens, all memory is back when [`feed`] returns.

#![forbid(unsafe_code)]

mod batch_size;
mod copier;
mod error;
mod feed;
mod layout;
mod loader;
mod pinned;
mod releaser;
mod report;

pub use batch_size::effective_batch_size;
pub use error::{FeedError, SlotError};
pub use feed::{DEFAULT_RING, Feed, FeedConfig, feed};
pub use layout::InputLayout;
pub use loader::{Inputs, Loader, Loading, Part};
pub use pinned::PinnedInputs;
pub use report::FeedReport;
