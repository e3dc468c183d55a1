//! Sends slots home once the device has read them.

use calibrant_cuda::HeldTimes;
use crossbeam_channel::Receiver;

pub(crate) use crate::loader::Loading as Reading;

/// Waits for each copy and drops what it read; returns what all of them took, and what was computed on them.
///
/// On a thread of its own, because the copier may be waiting for those very slots to come back filled. A copy that
/// failed is not told here: it has another end, where TensorRT waits.
pub(crate) fn release<T>(readings: Receiver<Reading<T>>) -> HeldTimes {
    let mut all = HeldTimes::default();
    for (_, HeldTimes { copying, computing }) in
        readings.into_iter().filter_map(|it| it.wait_all().ok())
    {
        all.copying += copying;
        all.computing += computing;
    }
    all
}
