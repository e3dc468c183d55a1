//! Packs slots into whole batches on the device.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use calibrant_cuda::{DeviceBuffer, Stream, Upload, Uploaded};
use calibrant_prefetch::{Batch, Clock, Stage, Stopwatch};
use calibrant_runtime::Source;
use crossbeam_channel::{Receiver, Sender};

use crate::error::FeedError;
use crate::loader::{Loader, Part};
use crate::releaser::Reading;

/// What TensorRT's side hears.
pub(crate) enum Message {
    /// A whole batch, which is full soon.
    Batch(DeviceBatch),
    /// There are no more samples.
    End,
    /// There would be more.
    Failed(FeedError),
    /// The source panicked, outside any sample.
    Panicked(Box<dyn Any + Send>),
}

/// A batch on its way.
pub(crate) struct DeviceBatch {
    pub(crate) uploaded: Uploaded,
    /// How many samples it holds.
    pub(crate) samples: usize,
    /// How many of its rows repeat one of them.
    pub(crate) repeated: usize,
}

/// The ends of the channels that the copier holds, and where it copies.
pub(crate) struct Copier<L: Loader> {
    pub(crate) loader: L,
    pub(crate) batch_size: usize,
    pub(crate) stream: Stream,
    /// Buffers for one batch, one an input, that nobody uses.
    pub(crate) free: Receiver<Vec<DeviceBuffer>>,
    pub(crate) outbox: Sender<Message>,
    pub(crate) readings: Sender<Reading<L::Sample>>,
}

/// What the copier did.
#[derive(Debug, Default)]
pub(crate) struct CopierTally {
    pub(crate) stage: Stage,
    pub(crate) copied_bytes: u64,
}

/// Samples of the source that are not copied yet.
struct Rest<T> {
    batch: Arc<Batch<T>>,
    range: Range<usize>,
}

/// A batch that is being packed.
struct Packing {
    upload: Upload,
    samples: usize,
}

impl<L: Loader> Copier<L> {
    /// Copies until the samples end, one of them fails, or TensorRT's side has gone.
    pub(crate) fn run(mut self, source: &mut dyn Source<L::Sample>, clock: &Clock) -> CopierTally {
        let mut tally = CopierTally::default();
        let body = AssertUnwindSafe(|| self.copy_all(source, &mut tally, Stopwatch::start(clock)));
        let last = match catch_unwind(body) {
            Ok(Ok(())) => Message::End,
            Ok(Err(error)) => Message::Failed(error),
            Err(payload) => Message::Panicked(payload),
        };
        // A failure means that TensorRT's side has gone without looking back.
        drop(self.outbox.send(last));
        tally
    }

    fn copy_all(
        &mut self,
        source: &mut dyn Source<L::Sample>,
        tally: &mut CopierTally,
        mut watch: Stopwatch,
    ) -> Result<(), FeedError> {
        let mut rest = None;
        loop {
            let free = self.free.recv();
            watch.lap(&mut tally.stage.waiting_for_room);
            let Ok(buffers) = free else { return Ok(()) };

            let mut packing = Packing { upload: Upload::begin(&self.stream, buffers), samples: 0 };
            while packing.samples < self.batch_size {
                if rest.is_none() {
                    watch.lap(&mut tally.stage.busy);
                    let batch = source.next_batch();
                    watch.lap(&mut tally.stage.waiting_for_input);
                    let Some(batch) = batch? else { break };
                    let range = 0..batch.len();
                    rest = Some(Rest { batch: Arc::new(batch), range });
                }
                rest = self.append(&mut packing, rest, tally)?;
            }
            let short = packing.samples < self.batch_size;
            if packing.samples > 0 {
                let batch = self.finish(packing)?;
                // A failure means that TensorRT's side has gone.
                if self.outbox.send(Message::Batch(batch)).is_err() {
                    return Ok(());
                }
            }
            if short {
                return Ok(());
            }
            watch.lap(&mut tally.stage.busy);
        }
    }

    /// Puts as many samples of the rest into the batch as fit, and returns what is left.
    fn append(
        &mut self,
        packing: &mut Packing,
        rest: Option<Rest<L::Sample>>,
        tally: &mut CopierTally,
    ) -> Result<Option<Rest<L::Sample>>, FeedError> {
        let Some(Rest { batch, range }) = rest else { return Ok(None) };
        let end = range.end.min(range.start + self.batch_size - packing.samples);
        let (now, later) = (range.start..end, end..range.end);
        let n_samples = now.len();
        if n_samples > 0 {
            let part = Part { batch: Arc::clone(&batch), range: now, row: packing.samples };
            let (reading, copied_bytes) = self.loader.load(&mut packing.upload, part)?;
            tally.copied_bytes += copied_bytes as u64;
            // The releaser leaves after the copier.
            drop(self.readings.send(reading));
        }
        packing.samples += n_samples;
        tally.stage.items += n_samples as u64;
        Ok((!later.is_empty()).then_some(Rest { batch, range: later }))
    }

    fn finish(&self, packing: Packing) -> Result<DeviceBatch, FeedError> {
        let Packing { mut upload, samples } = packing;
        upload.repeat_to_fill()?;
        let uploaded = upload.finish()?;
        Ok(DeviceBatch { uploaded, samples, repeated: self.batch_size - samples })
    }
}
