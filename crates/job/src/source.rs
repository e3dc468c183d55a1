//! Between the pipeline and what runs the model: reads and preprocesses samples, applies the policy for bad ones.

use std::sync::{Arc, OnceLock};

use calibrant_backend_tensorrt::{Slot, SlotError};
use calibrant_dataset::{Content, ReadAhead, ReadBuffer, ReadError, SampleRef};
use calibrant_decode_cuda::{PictureDecoder, PictureSlot, Worker};
use calibrant_prefetch::{Batch, Delivery, Failure, Receiver, WorkError};
use calibrant_preprocess::{Preprocess, PreprocessError, Scratch};
use calibrant_runtime::{Sample, Source, SourceError};
use calibrant_tensor::{Digest, Tensor, TensorData};

use crate::config::OnBadSample;
use crate::control::{Control, Event};
use crate::report::SkippedSample;
use crate::suspects::Spread;

/// Why one sample cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SampleError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
    #[error(transparent)]
    Slot(#[from] SlotError),
}

/// Fills slots of the pipeline; shared by its workers.
pub(crate) struct Filler<'job> {
    samples: ReadAhead<'job>,
    /// Where pictures go, and what makes tensors of them; `None` where the samples are tensors.
    picture: Option<(Arc<str>, &'job dyn Preprocess)>,
    /// The digest of each sample that was read, by position.
    digests: Vec<OnceLock<Digest>>,
    /// What tells near-constant pictures, where anything does.
    spread: Option<Spread>,
    /// Whether each picture that was preprocessed is near-constant, by position.
    near_constant: Vec<OnceLock<bool>>,
}

/// What a worker keeps from sample to sample.
#[derive(Debug, Default)]
pub(crate) struct WorkerBuffers {
    read: ReadBuffer,
    preprocess: Scratch,
}

/// What a worker keeps from picture to picture that a GPU decodes.
#[derive(Debug, Default)]
pub(crate) struct PictureBuffers {
    read: ReadBuffer,
    /// Made for the first picture.
    worker: Option<Worker>,
}

impl<'job> Filler<'job> {
    pub(crate) fn new(
        picture: Option<(Arc<str>, &'job dyn Preprocess)>,
        samples: &'job [SampleRef],
    ) -> Self {
        let spread = picture.as_ref().and_then(|(_, preprocess)| Spread::of(*preprocess));
        let digests = samples.iter().map(|_| OnceLock::new()).collect();
        let near_constant = samples.iter().map(|_| OnceLock::new()).collect();
        Self { samples: ReadAhead::new(samples), picture, digests, spread, near_constant }
    }

    /// An empty slot; pictures get their tensor here, once.
    pub(crate) fn slot(&self) -> Sample {
        let inputs = self.picture.iter().map(|(name, preprocess)| {
            let [channels, height, width] = preprocess.shape();
            let data = TensorData::F32(vec![0.0; channels * height * width]);
            (Arc::clone(name), Tensor { shape: vec![1, channels, height, width], data })
        });
        Sample { position: 0, name: Arc::default(), inputs: inputs.collect() }
    }

    /// Reads one sample into a slot.
    ///
    /// # Errors
    ///
    /// When it cannot be read or preprocessed; the slot may then hold anything.
    pub(crate) fn fill(
        &self,
        buffers: &mut WorkerBuffers,
        position: usize,
        sample: &SampleRef,
        slot: &mut Sample,
    ) -> Result<(), SampleError> {
        let content = self.read(&mut buffers.read, position)?;
        slot.position = position;
        slot.name = sample.shared_name();
        match content {
            Content::Tensors(tensors) => std::mem::swap(tensors, &mut slot.inputs),
            Content::Encoded(bytes) => {
                if let Some((_, preprocess)) = &self.picture
                    && let [(_, Tensor { data: TensorData::F32(values), .. })] =
                        slot.inputs.as_mut_slice()
                {
                    preprocess.preprocess(bytes, &mut buffers.preprocess, values)?;
                    self.look(position, values);
                }
            }
        }
        Ok(())
    }

    /// Reads one sample into memory that a GPU reads.
    ///
    /// # Errors
    ///
    /// As [`fill`](Self::fill), and when a tensor does not fit the model's input.
    pub(crate) fn fill_pinned(
        &self,
        buffers: &mut WorkerBuffers,
        position: usize,
        sample: &SampleRef,
        slot: &mut Slot,
    ) -> Result<(), SampleError> {
        let content = self.read(&mut buffers.read, position)?;
        slot.position = position;
        slot.name = sample.shared_name();
        match content {
            Content::Tensors(tensors) => slot.write(tensors)?,
            Content::Encoded(bytes) => {
                if let Some((_, preprocess)) = &self.picture
                    && let Some(values) = slot.values_mut::<f32>(0)
                {
                    preprocess.preprocess(bytes, &mut buffers.preprocess, values)?;
                    self.look(position, values);
                }
            }
        }
        Ok(())
    }

    /// Reads one picture as far as the host has to, for a GPU to do the rest.
    ///
    /// # Errors
    ///
    /// When it cannot be read or preprocessed, or the GPU cannot be used; the slot may then hold anything.
    pub(crate) fn fill_picture(
        &self,
        decoder: &PictureDecoder,
        buffers: &mut PictureBuffers,
        position: usize,
        sample: &SampleRef,
        slot: &mut PictureSlot,
    ) -> Result<(), SampleError> {
        let content = self.read(&mut buffers.read, position)?;
        slot.position = position;
        slot.name = sample.shared_name();
        if let Content::Encoded(bytes) = content {
            if buffers.worker.is_none() {
                let failed = |error| PreprocessError::Custom(Box::new(error));
                buffers.worker = Some(decoder.worker().map_err(failed)?);
            }
            if let Some(worker) = &mut buffers.worker {
                decoder.prepare(worker, bytes, slot)?;
            }
        }
        Ok(())
    }

    /// Reads one sample for its digest alone.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(crate) fn hash(
        &self,
        buffers: &mut WorkerBuffers,
        position: usize,
    ) -> Result<(), SampleError> {
        self.read(&mut buffers.read, position)?;
        Ok(())
    }

    /// Reads one sample and keeps its digest.
    fn read<'buffer>(
        &self,
        buffer: &'buffer mut ReadBuffer,
        position: usize,
    ) -> Result<Content<'buffer>, ReadError>
    where
        'job: 'buffer,
    {
        let content = self.samples.read(position, buffer)?;
        // The pipeline hands out each position once, so the cell is empty.
        let _ = self.digests[position].set(content.digest());
        Ok(content)
    }

    /// Keeps whether a picture shows anything.
    fn look(&self, position: usize, tensor: &[f32]) {
        if let Some(spread) = &self.spread {
            // As above.
            let _ = self.near_constant[position].set(spread.is_near_constant(tensor));
        }
    }

    /// Whether any tensor of a picture was looked at.
    pub(crate) fn has_looked(&self) -> bool {
        self.near_constant.iter().any(|seen| seen.get().is_some())
    }

    /// Whether the sample at a position was preprocessed and is a near-constant picture.
    pub(crate) fn is_near_constant(&self, position: usize) -> bool {
        self.near_constant[position].get().is_some_and(|it| *it)
    }

    /// The digest of the sample at a position, if it was read.
    pub(crate) fn digest(&self, position: usize) -> Option<Digest> {
        self.digests[position].get().copied()
    }
}

/// Hands a pipeline's batches to what runs the model.
pub(crate) struct PipelineSource<'job, T> {
    receiver: &'job mut Receiver<T, SampleError>,
    samples: &'job [SampleRef],
    on_bad_sample: OnBadSample,
    control: Control<'job>,
    skipped: Vec<(usize, SkippedSample)>,
    /// Samples up to the end of the last batch.
    handed_out: u64,
}

impl<'job, T> PipelineSource<'job, T> {
    pub(crate) fn new(
        receiver: &'job mut Receiver<T, SampleError>,
        samples: &'job [SampleRef],
        on_bad_sample: OnBadSample,
        control: Control<'job>,
    ) -> Self {
        Self { receiver, samples, on_bad_sample, control, skipped: Vec::new(), handed_out: 0 }
    }

    /// The samples left out, with their positions.
    pub(crate) fn into_skipped(self) -> Vec<(usize, SkippedSample)> {
        self.skipped
    }

    fn set_aside(&mut self, failure: Failure<SampleError>) -> Result<(), SourceError> {
        let Failure { position, error } = failure;
        let name = self.samples[position].shared_name();
        match self.on_bad_sample {
            _ if is_the_devices(&error) => Err(SourceError::bad_sample(position, name, error)),
            OnBadSample::Fail => Err(SourceError::bad_sample(position, name, error)),
            OnBadSample::Skip => {
                let reason = reasons(&error);
                self.skipped.push((position, SkippedSample { name: name.to_string(), reason }));
                Ok(())
            }
        }
    }
}

impl<T: Send> Source<T> for PipelineSource<'_, T> {
    fn next_batch(&mut self) -> Result<Option<Batch<T>>, SourceError> {
        // Whoever asks for a batch is done with the one before.
        self.control.event(Event::Reached(self.handed_out));
        loop {
            if self.control.is_cancelled() {
                return Err(SourceError::cancelled());
            }
            let Some(Delivery { start, batch, failures }) = self.receiver.next() else {
                return Ok(None);
            };
            self.handed_out = (start + batch.len() + failures.len()) as u64;
            for failure in failures {
                self.set_aside(failure)?;
            }
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
    }

    fn is_cancelled(&mut self) -> bool {
        self.control.is_cancelled()
    }
}

/// Whether the GPU failed and not the sample: no policy for bad samples covers that.
fn is_the_devices(error: &WorkError<SampleError>) -> bool {
    let WorkError::Failed(SampleError::Preprocess(PreprocessError::Custom(error))) = error else {
        return false;
    };
    error.is::<calibrant_cuda::Error>()
}

/// An error and its causes on one line.
fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
