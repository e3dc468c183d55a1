//! One run through workers, copies and a consumer, each as slow as is asked for.

use std::error::Error;
use std::hint::spin_loop;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use calibrant_backend_tensorrt::{Feed, FeedConfig, InputLayout, Inputs, PinnedInputs, feed};
use calibrant_cuda::Device;
use calibrant_prefetch::{Batch, Clock, Config, Receiver, Stats};
use calibrant_runtime::{Slot, SlotStock, Source, SourceError};
use calibrant_tensor::ElementType;
use calibrant_tensorrt::Calibrator as _;
use serde::Serialize;

/// The input's name.
const INPUT: &str = "input";
/// Every so many batches all of a batch's stamps are looked at; of the others, one sample's.
const THOROUGH: usize = 100;
/// Bytes of a stamp.
const STAMP: usize = size_of::<i64>();

/// What is moved, and by how many.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) batch_size: NonZeroUsize,
    pub(crate) values: NonZeroUsize,
    pub(crate) workers: NonZeroUsize,
    pub(crate) in_flight: NonZeroUsize,
    pub(crate) ring: NonZeroUsize,
}

/// What the stages are made to take for a batch.
#[derive(Debug)]
pub(crate) struct Load {
    /// The stage that takes longest.
    pub(crate) slowest: &'static str,
    pub(crate) batches: usize,
    pub(crate) work_s: f64,
    pub(crate) consume_s: f64,
}

/// What came of a run. Times are of all batches; the copies' is the device's.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) slowest: &'static str,
    pub(crate) batches: u64,
    pub(crate) total_s: f64,
    /// The workers' busy time, divided among them.
    pub(crate) work_s: f64,
    pub(crate) copy_s: f64,
    pub(crate) consume_s: f64,
    pub(crate) over_slowest_stage: f64,
    pub(crate) copy_bytes_per_second: f64,
    pub(crate) stamps: u64,
    pub(crate) wrong_stamps: u64,
    /// From a tenth of the batches on.
    pub(crate) host_growth_bytes: u64,
    pub(crate) device_growth_bytes: u64,
}

/// What the consumer sees.
#[derive(Debug, Default)]
struct Seen {
    stamps: u64,
    wrong_stamps: u64,
    /// Resident host memory and free device memory, when warm and at the end.
    memory: Vec<(u64, usize)>,
}

impl Shape {
    pub(crate) fn batch_bytes(&self) -> usize {
        self.batch_size.get() * self.sample_bytes()
    }

    fn sample_bytes(&self) -> usize {
        self.values.get() * size_of::<f32>()
    }

    /// Where a sample's stamps are: at its beginning, in its middle and at its end.
    fn stamps(&self) -> [usize; 3] {
        let last = self.sample_bytes() - STAMP;
        [0, last / 2 / STAMP * STAMP, last]
    }
}

/// Runs the stages to the end of the batches.
///
/// # Errors
///
/// When there is not enough memory, or the GPU fails.
pub(crate) fn run(device: &Device, shape: &Shape, load: &Load) -> Result<Outcome, Box<dyn Error>> {
    let layout = [InputLayout {
        name: INPUT.into(),
        element: ElementType::F32,
        sample_shape: vec![shape.values.get()],
    }];
    let Shape { batch_size, workers, in_flight, ring, .. } = *shape;
    let pipeline = Config { workers, batch_size, batches_in_flight: in_flight };
    let memory = PinnedInputs::cut_slabs(device, pipeline.n_slots().get(), &layout)?;
    let stock = SlotStock::new(memory);
    let feeding = FeedConfig { batch_size, ring, cache: None, clock: Clock::monotonic() };
    let per_sample = load.work_s * workers.get() as f64 / batch_size.get() as f64;
    let (outcome, stats) = calibrant_prefetch::run(
        &pipeline,
        0..load.batches * batch_size.get(),
        || stock.new_slot(),
        || (),
        |(), position, _, slot: &mut Slot<PinnedInputs>| {
            spin(per_sample);
            stamp(&mut slot.inputs, position, shape)
        },
        |receiver| {
            let loader = Inputs { layout: &layout };
            let consume = |it: &mut Feed<'_>| consume(it, shape, load);
            feed(device, &layout, &feeding, loader, &mut Slots(receiver), consume)
        },
    )?;
    let (seen, report) = outcome?;
    let seen = seen?;
    let Stats { work, workers, .. } = stats;
    let [work, copy, consume] = [
        work.busy.as_secs_f64() / workers as f64,
        report.copying.as_secs_f64(),
        report.consume.busy.as_secs_f64(),
    ];
    let (warm, end) = (seen.memory[0], seen.memory[1]);
    Ok(Outcome {
        slowest: load.slowest,
        batches: report.batches,
        total_s: report.total.as_secs_f64(),
        work_s: work,
        copy_s: copy,
        consume_s: consume,
        over_slowest_stage: report.total.as_secs_f64() / work.max(copy).max(consume),
        copy_bytes_per_second: report.copy_rate().unwrap_or(0.0),
        stamps: seen.stamps,
        wrong_stamps: seen.wrong_stamps,
        host_growth_bytes: end.0.saturating_sub(warm.0),
        device_growth_bytes: warm.1.saturating_sub(end.1) as u64,
    })
}

fn consume(it: &mut Feed<'_>, shape: &Shape, load: &Load) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let warm = load.batches.div_ceil(10);
    for batch in 0.. {
        let more = it.next_batch(&[INPUT], &mut [0]).map_err(|error| error.to_string())?;
        if batch == warm || !more {
            seen.memory.push(memory(it).map_err(|error| error.to_string())?);
        }
        if !more {
            break;
        }
        let begun = Instant::now();
        look(it, shape, batch, &mut seen).map_err(|error| error.to_string())?;
        spin(load.consume_s - begun.elapsed().as_secs_f64());
    }
    // A run of a single batch is never warm.
    let end = seen.memory[seen.memory.len() - 1];
    seen.memory.resize(2, end);
    Ok(seen)
}

/// Compares stamps of the batch that is on the device with what they must be.
fn look(
    it: &Feed<'_>,
    shape: &Shape,
    batch: usize,
    seen: &mut Seen,
) -> Result<(), calibrant_cuda::Error> {
    let batch_size = shape.batch_size.get();
    let one = batch % batch_size;
    let rows = if batch.is_multiple_of(THOROUGH) { 0..batch_size } else { one..one + 1 };
    let [buffer] = it.current() else { return Ok(()) };
    for row in rows {
        for at in shape.stamps() {
            let mut found = [0; STAMP];
            buffer.read(row * shape.sample_bytes() + at, &mut found)?;
            seen.stamps += 1;
            let expected = value(batch * batch_size + row, at);
            seen.wrong_stamps += u64::from(i64::from_ne_bytes(found) != expected);
        }
    }
    Ok(())
}

fn stamp(inputs: &mut PinnedInputs, position: usize, shape: &Shape) -> Result<(), &'static str> {
    let bytes = inputs.values_mut::<u8>(0).ok_or("the slot has no input")?;
    for at in shape.stamps() {
        bytes[at..at + STAMP].copy_from_slice(&value(position, at).to_ne_bytes());
    }
    Ok(())
}

/// What stands at a place of a sample: no two are the same.
fn value(position: usize, at: usize) -> i64 {
    i64::try_from((position << 24) + at).unwrap_or(i64::MAX)
}

/// Resident memory of this process, and free memory of the device.
fn memory(it: &Feed<'_>) -> Result<(u64, usize), Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line.and_then(|it| it.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
    Ok((kib << 10, it.device().memory()?.free_bytes))
}

/// Keeps the core busy, as decoding would.
fn spin(seconds: f64) {
    let Ok(time) = Duration::try_from_secs_f64(seconds) else { return };
    let begun = Instant::now();
    while begun.elapsed() < time {
        spin_loop();
    }
}

/// The pipeline as a source; no sample fails.
struct Slots<'job>(&'job mut Receiver<Slot<PinnedInputs>, &'static str>);

impl Source<Slot<PinnedInputs>> for Slots<'_> {
    fn next_batch(&mut self) -> Result<Option<Batch<Slot<PinnedInputs>>>, SourceError> {
        let Some(delivery) = self.0.next() else { return Ok(None) };
        match delivery.failures.into_iter().next() {
            Some(failure) => Err(SourceError::other(failure.error.to_string())),
            None => Ok(Some(delivery.batch)),
        }
    }
}
