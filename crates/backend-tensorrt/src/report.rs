//! What was fed, and where the time went.

use std::time::Duration;

use calibrant_prefetch::Stage;

use crate::error::FeedError;

/// What one [`feed`](crate::feed) did.
#[derive(Debug, Default)]
pub struct FeedReport {
    /// Batches that TensorRT got.
    pub batches: u64,
    /// Samples in them, each counted once.
    pub samples: u64,
    /// How many samples were repeated to make the last of them whole.
    pub repeated: u64,
    /// Whether TensorRT was told that there are no more. If not, it asked for none, or did not ask to the end.
    pub ended: bool,
    /// Whether TensorRT asked for a cache and got one.
    pub cache_given: bool,
    /// The cache that TensorRT wrote.
    pub cache_written: Option<Vec<u8>>,
    /// An error behind the last batch that TensorRT asked for, which it therefore never heard of.
    pub unheard: Option<FeedError>,
    /// The thread that puts copies into the stream: it waits for samples as for input, and for room until TensorRT is
    /// through with a batch. Items are samples.
    pub copier: Stage,
    /// TensorRT: busy from getting a batch to asking for the next, waiting within that call. Items are batches.
    pub consume: Stage,
    /// Bytes that were copied from pinned memory.
    pub copied_bytes: u64,
    /// The time that the device took for these copies, by its own clock.
    pub copying: Duration,
    /// The time that the device took for what was computed on them, where samples become tensors there.
    pub computing: Duration,
    /// From the beginning of the feed to the end.
    pub total: Duration,
}

impl FeedReport {
    /// What the copies reached, in bytes a second, where there were any.
    pub fn copy_rate(&self) -> Option<f64> {
        let rate = self.copied_bytes as f64 / self.copying.as_secs_f64();
        rate.is_finite().then_some(rate)
    }
}
