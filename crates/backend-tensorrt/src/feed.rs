//! TensorRT's end: the calibrator that it calls, and the threads behind it.

use std::fmt;
use std::mem;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::thread;

use calibrant_cuda::{Device, DeviceBuffer, Stream};
use calibrant_prefetch::{Clock, StartError, Stopwatch};
use calibrant_runtime::Source;
use calibrant_tensorrt::{BoxError, Calibrator};
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::copier::{Copier, CopierTally, DeviceBatch, Message};
use crate::error::FeedError;
use crate::layout::{InputLayout, names};
use crate::loader::Loader;
use crate::releaser::release;
use crate::report::FeedReport;

/// How many batches there is room for on the device, where nothing else asks for it: one that TensorRT works on,
/// one that is ready, and one that is being copied.
pub const DEFAULT_RING: NonZeroUsize = NonZeroUsize::new(3).expect("three is not zero");

/// How TensorRT is fed.
#[derive(Debug, Clone)]
pub struct FeedConfig<'cache> {
    /// Samples in each batch that TensorRT gets.
    pub batch_size: NonZeroUsize,
    /// Batches on the device at once; with 1, copies and TensorRT take turns.
    pub ring: NonZeroUsize,
    /// A cache that makes calibration unnecessary, if there is a valid one.
    pub cache: Option<&'cache [u8]>,
    /// What times are taken from, but those of the copies, which the device knows.
    pub clock: Clock,
}

/// A calibrator whose batches are copied to the device before TensorRT asks for them; made by [`feed`].
pub struct Feed<'feed> {
    device: &'feed Device,
    layout: &'feed [InputLayout],
    batch_size: i32,
    cache: Option<&'feed [u8]>,
    inbox: Receiver<Message>,
    /// Where buffers go that TensorRT is through with, and where the copier finds them.
    free: (Sender<Vec<DeviceBuffer>>, Receiver<Vec<DeviceBuffer>>),
    /// The batch that TensorRT works on.
    current: Vec<DeviceBuffer>,
    report: FeedReport,
    failed: bool,
    watch: Stopwatch,
}

/// Brings the samples of a source to a device while `build` hands them to TensorRT, and returns what that returned.
///
/// `build` runs on the caller's thread, with the device current there, and gets the calibrator for
/// [`Builder::build_calibrated`](calibrant_tensorrt::Builder::build_calibrated). `layout` says what a batch holds, in
/// the order of the loader's buffers; TensorRT may ask for it in any other.
///
/// # Errors
///
/// When the device has no room for the ring, or cannot be used at all. What happens later, [`Feed`] tells TensorRT.
///
/// # Panics
///
/// When `build` does. A panic of the source is raised again in the calibrator's `next_batch`, or here if TensorRT did
/// not ask any more.
pub fn feed<L: Loader, R>(
    device: &Device,
    layout: &[InputLayout],
    config: &FeedConfig<'_>,
    loader: L,
    source: &mut dyn Source<L::Sample>,
    build: impl FnOnce(&mut Feed<'_>) -> R,
) -> Result<(R, FeedReport), FeedError> {
    let batch_size = config.batch_size.get();
    let counted = i32::try_from(batch_size).map_err(|_| FeedError::BatchSize { batch_size })?;
    let ring = config.ring.get();
    let (free_outbox, free) = bounded(ring);
    for _ in 0..ring {
        drop(free_outbox.try_send(loader.buffers(device, batch_size)?));
    }
    // No batch is without buffers, so that there is room for all of them and for a last word.
    let (outbox, inbox) = bounded(ring + 1);
    let (readings, to_release) = bounded(ring);
    let stream = Stream::new(device)?;
    let copier = Copier { loader, batch_size, stream, free: free.clone(), outbox, readings };
    let begun = config.clock.now();

    thread::scope(|scope| {
        let missing = |started| move |source| StartError { started, wanted: 2, source };
        let releaser = thread::Builder::new().spawn_scoped(scope, || release(to_release));
        let releaser = releaser.map_err(missing(0))?;
        // The copier goes with what would run it, and the releaser then has nothing to wait for.
        let copier =
            thread::Builder::new().spawn_scoped(scope, move || copier.run(source, &config.clock));
        let copier = copier.map_err(missing(1))?;
        let mut feed = Feed {
            device,
            layout,
            batch_size: counted,
            cache: config.cache,
            inbox,
            free: (free_outbox, free),
            current: Vec::new(),
            report: FeedReport::default(),
            failed: false,
            watch: Stopwatch::start(&config.clock),
        };
        let result = device.while_current(|| build(&mut feed));
        let (mut report, inbox) = feed.finish();
        let CopierTally { stage, copied_bytes } = join(copier);
        report.unheard = last_word(&inbox);
        report.copier = stage;
        report.copied_bytes = copied_bytes;
        let times = join(releaser);
        (report.copying, report.computing) = (times.copying, times.computing);
        report.total = config.clock.now().saturating_sub(begun);
        Ok((result?, report))
    })
}

impl Feed<'_> {
    /// The buffers of the batch that TensorRT works on, in the order of the layout; none before the first batch, and
    /// none after the last.
    pub fn current(&self) -> &[DeviceBuffer] {
        &self.current
    }

    /// The device that the batches lie on.
    pub fn device(&self) -> &Device {
        self.device
    }

    fn advance(&mut self, inputs: &[&str], addresses: &mut [u64]) -> Result<bool, FeedError> {
        if self.failed {
            return Err(FeedError::Spent);
        }
        if self.report.ended {
            return Ok(false);
        }
        let places = self.places(inputs)?;
        // TensorRT is through with the batch before. Where the copier has left, nobody takes it.
        let done = mem::take(&mut self.current);
        if !done.is_empty() {
            drop(self.free.0.try_send(done));
        }
        let DeviceBatch { uploaded, samples, repeated } = match self.inbox.recv() {
            Ok(Message::Batch(batch)) => batch,
            Ok(Message::End) => {
                self.report.ended = true;
                return Ok(false);
            }
            Ok(Message::Failed(error)) => return Err(error),
            Ok(Message::Panicked(payload)) => {
                self.failed = true;
                resume_unwind(payload)
            }
            Err(_) => unreachable!("the copier does not leave without a last word"),
        };
        self.current = uploaded.wait()?;
        for (address, place) in addresses.iter_mut().zip(places) {
            *address = self.current[place].address();
        }
        self.report.batches += 1;
        self.report.samples += samples as u64;
        self.report.repeated += repeated as u64;
        Ok(true)
    }

    /// Where the buffers of these inputs are.
    fn places(&self, inputs: &[&str]) -> Result<Vec<usize>, FeedError> {
        let place = |input: &&str| {
            let place = self.layout.iter().position(|known| &*known.name == *input);
            let unknown = || {
                let (input, known) = ((*input).to_owned(), names(self.layout));
                FeedError::UnknownInput { input, known }
            };
            place.ok_or_else(unknown)
        };
        inputs.iter().map(place).collect()
    }

    /// Ends TensorRT's side: the copier finds no more room and stops, after the batch in its hands.
    fn finish(mut self) -> (FeedReport, Receiver<Message>) {
        self.watch.lap(&mut self.report.consume.busy);
        self.report.consume.items = self.report.batches;
        let (outbox, free) = self.free;
        drop(outbox);
        drop(free.try_iter().collect::<Vec<_>>());
        (self.report, self.inbox)
    }
}

impl Calibrator for Feed<'_> {
    fn batch_size(&mut self) -> i32 {
        self.batch_size
    }

    fn next_batch(&mut self, inputs: &[&str], addresses: &mut [u64]) -> Result<bool, BoxError> {
        self.watch.lap(&mut self.report.consume.busy);
        let outcome = self.advance(inputs, addresses);
        self.watch.lap(&mut self.report.consume.waiting_for_input);
        self.failed |= outcome.is_err();
        outcome.map_err(|error| match error {
            FeedError::Source(error) => error.into(),
            error => error.into(),
        })
    }

    fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError> {
        self.report.cache_given = self.cache.is_some();
        Ok(self.cache)
    }

    fn write_cache(&mut self, cache: &[u8]) -> Result<(), BoxError> {
        self.report.cache_written = Some(cache.to_vec());
        Ok(())
    }
}

impl fmt::Debug for Feed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("batch_size", &self.batch_size)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// What the copier said that nobody has heard.
fn last_word(inbox: &Receiver<Message>) -> Option<FeedError> {
    inbox.try_iter().find_map(|message| match message {
        Message::Batch(_) | Message::End => None,
        Message::Failed(error) => Some(error),
        Message::Panicked(payload) => resume_unwind(payload),
    })
}

fn join<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|payload| resume_unwind(payload))
}
