//! Sends slots home once the device has read them.

use std::sync::Arc;
use std::time::Duration;

use calibrant_cuda::Held;
use calibrant_prefetch::Batch;
use crossbeam_channel::Receiver;

use crate::slot::Slot;

/// A batch of the source, or part of one, that is being read.
pub(crate) type Reading = Held<Arc<Batch<Slot>>>;

/// Waits for each copy and drops what it read; returns what all of them took.
///
/// On a thread of its own, because the copier may be waiting for those very slots to come back filled. A copy that
/// failed is not told here: it has another end, where TensorRT waits.
pub(crate) fn release(readings: Receiver<Reading>) -> Duration {
    readings.into_iter().filter_map(|reading| reading.wait().ok()).map(|(_, took)| took).sum()
}
