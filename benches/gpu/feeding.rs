//! One run from files to batches on the device.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use calibrant_backend_tensorrt::{
    Feed, FeedConfig, FeedReport, InputLayout, Inputs, Loader, Loading, Part, PinnedInputs, feed,
};
use calibrant_cuda::{Device, DeviceBuffer, Upload};
use calibrant_decode_cuda::{PictureDecoder, PinnedPicture, TensorMaker, Worker};
use calibrant_prefetch::{Batch, Clock, Config, Receiver, Stats};
use calibrant_preprocess::{Pipeline, Preprocess as _, Scratch};
use calibrant_runtime::{Slot, SlotStock, Source, SourceError};
use calibrant_tensor::ElementType;
use calibrant_tensorrt::Calibrator as _;
use serde::Serialize;

/// The input's name.
const INPUT: &str = "input";

/// How many of what.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) batch_size: NonZeroUsize,
    pub(crate) workers: NonZeroUsize,
    pub(crate) in_flight: NonZeroUsize,
    pub(crate) ring: NonZeroUsize,
}

/// What came of a run. Times are of all batches; copies' and the device's are the device's own.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) images: u64,
    pub(crate) batches: u64,
    pub(crate) images_per_second: f64,
    pub(crate) total_s: f64,
    /// The workers' busy time, divided among them.
    pub(crate) work_s: f64,
    pub(crate) waiting_for_room_s: f64,
    pub(crate) waiting_for_input_s: f64,
    pub(crate) copy_s: f64,
    pub(crate) compute_s: f64,
    pub(crate) consume_s: f64,
    pub(crate) over_slowest_stage: f64,
    pub(crate) copied_bytes: u64,
    pub(crate) copy_bytes_per_second: f64,
}

/// Goes through the files so many times.
///
/// # Errors
///
/// When a file cannot be read or decoded, there is not enough memory, or the GPU fails.
pub(crate) fn run(
    device: &Device,
    pipeline: &Pipeline,
    decoder: Option<&PictureDecoder>,
    files: &[PathBuf],
    passes: usize,
    shape: &Shape,
) -> Result<Outcome, Box<dyn Error>> {
    let Shape { batch_size, workers, in_flight, ring } = *shape;
    let [planes, height, width] = pipeline.shape();
    let layout = [InputLayout {
        name: INPUT.into(),
        element: ElementType::F32,
        sample_shape: vec![planes, height, width],
    }];
    let config = Config { workers, batch_size, batches_in_flight: in_flight };
    let n_slots = config.n_slots().get();
    let feeding = FeedConfig { batch_size, ring, cache: None, clock: Clock::monotonic() };
    let items = (0..passes).flat_map(|_| files.iter());
    let (fed, stats) = match decoder {
        None => {
            let stock = SlotStock::new(PinnedInputs::cut_slabs(device, n_slots, &layout)?);
            calibrant_prefetch::run(
                &config,
                items,
                || stock.new_slot(),
                || (Vec::new(), Scratch::new()),
                |(bytes, scratch), _, file, slot: &mut Slot<PinnedInputs>| {
                    read(file, bytes)?;
                    let values = slot.inputs.values_mut::<f32>(0).ok_or("the slot has no input")?;
                    pipeline.preprocess(bytes, scratch, values).map_err(|error| error.to_string())
                },
                |it| {
                    feed(
                        device,
                        &layout,
                        &feeding,
                        Inputs { layout: &layout },
                        &mut Slots(it),
                        drain,
                    )
                },
            )?
        }
        Some(decoder) => {
            let tensor_bytes = decoder.tensor_bytes();
            let stock = SlotStock::new(PinnedPicture::cut_slab(device, n_slots, tensor_bytes)?);
            let loader = Pictures { decoder, maker: decoder.maker()? };
            calibrant_prefetch::run(
                &config,
                items,
                || stock.new_slot(),
                || (Vec::new(), decoder.worker()),
                |(bytes, worker), _, file, slot: &mut Slot<PinnedPicture>| {
                    read(file, bytes)?;
                    prepare(decoder, worker, bytes, &mut slot.inputs)
                },
                |it| feed(device, &layout, &feeding, loader, &mut Slots(it), drain),
            )?
        }
    };
    let (drained, report) = fed?;
    drained?;
    Ok(outcome(&report, &stats))
}

fn read(file: &PathBuf, bytes: &mut Vec<u8>) -> Result<(), String> {
    use std::io::Read as _;
    bytes.clear();
    let mut opened = std::fs::File::open(file).map_err(|error| error.to_string())?;
    opened.read_to_end(bytes).map(drop).map_err(|error| error.to_string())
}

fn prepare(
    decoder: &PictureDecoder,
    worker: &mut Result<Worker, calibrant_cuda::Error>,
    bytes: &[u8],
    picture: &mut PinnedPicture,
) -> Result<(), String> {
    let worker = worker.as_mut().map_err(|error| error.to_string())?;
    decoder.prepare(worker, bytes, picture).map_err(|error| error.to_string())
}

/// Takes every batch and lets it go.
fn drain(it: &mut Feed<'_>) -> Result<(), String> {
    while it.next_batch(&[INPUT], &mut [0]).map_err(|error| error.to_string())? {}
    Ok(())
}

fn outcome(report: &FeedReport, stats: &Stats) -> Outcome {
    let share = |time: std::time::Duration| time.as_secs_f64() / stats.workers as f64;
    let work_s = share(stats.work.busy);
    let [copy_s, compute_s, consume_s, total_s] =
        [report.copying, report.computing, report.consume.busy, report.total]
            .map(|time| time.as_secs_f64());
    Outcome {
        images: report.samples,
        batches: report.batches,
        images_per_second: report.samples as f64 / total_s,
        total_s,
        work_s,
        waiting_for_room_s: share(stats.work.waiting_for_room),
        waiting_for_input_s: share(stats.work.waiting_for_input),
        copy_s,
        compute_s,
        consume_s,
        over_slowest_stage: total_s / work_s.max(copy_s).max(compute_s).max(consume_s),
        copied_bytes: report.copied_bytes,
        copy_bytes_per_second: report.copy_rate().unwrap_or(0.0),
    }
}

/// Makes tensors of pictures on the device.
struct Pictures<'run> {
    decoder: &'run PictureDecoder,
    maker: TensorMaker,
}

impl Loader for Pictures<'_> {
    type Sample = Slot<PinnedPicture>;

    fn buffers(
        &self,
        _: &Device,
        batch_size: usize,
    ) -> Result<Vec<DeviceBuffer>, calibrant_cuda::Error> {
        self.decoder.buffers(batch_size)
    }

    fn load(
        &mut self,
        upload: &mut Upload,
        Part { batch, range, row }: Part<Self::Sample>,
    ) -> Result<(Loading<Self::Sample>, usize), calibrant_cuda::Error> {
        PictureDecoder::append(upload, &mut self.maker, batch, |batch| &batch[range.clone()], row)
    }
}

/// The pipeline as a source; a file that fails ends it.
struct Slots<'job, T>(&'job mut Receiver<T, String>);

impl<T: Send> Source<T> for Slots<'_, T> {
    fn next_batch(&mut self) -> Result<Option<Batch<T>>, SourceError> {
        let Some(delivery) = self.0.next() else { return Ok(None) };
        match delivery.failures.into_iter().next() {
            Some(failure) => Err(SourceError::other(failure.error.to_string())),
            None => Ok(Some(delivery.batch)),
        }
    }
}
