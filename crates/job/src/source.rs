//! Between the pipeline and what runs the model: reads and preprocesses samples, applies the policy for bad ones.

use std::sync::{Arc, OnceLock};

use calibrant_backend_tensorrt::{PinnedInputs, SlotError};
use calibrant_dataset::{Content, ReadAhead, ReadBuffer, ReadError, SampleRef};
use calibrant_decode_cuda::{PictureDecoder, PinnedPicture, Worker};
use calibrant_prefetch::{Batch, Delivery, Failure, Receiver, WorkError};
use calibrant_preprocess::{Preprocess, PreprocessError};
use calibrant_runtime::{LeftOut, Slot, Source, SourceError, Tensors};
use calibrant_tensor::{Digest, Tensor, TensorData};

use crate::config::OnBadSample;
use crate::control::{Control, Event};
use crate::picture_input::{PictureInput, PictureScratch, PictureValues, Room};
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

/// Memory that a sample is put into, with what makes tensors of pictures for it.
pub(crate) trait Memory<P: ?Sized> {
    /// What a worker keeps from picture to picture.
    type Scratch: Default;

    /// Takes a sample that is tensors already; they may be swapped for those of the sample before.
    fn take(&mut self, tensors: &mut Tensors) -> Result<(), SampleError>;

    /// Takes a picture, and returns its tensor where that is made on the host, for whoever looks at it.
    fn take_picture<'a>(
        &'a mut self,
        encoded: &[u8],
        pictures: &P,
        scratch: &'a mut Self::Scratch,
    ) -> Result<Option<&'a [f32]>, SampleError>;
}

/// What makes tensors of pictures on the host, and the input that they go into.
pub(crate) struct Into<'job> {
    pub(crate) preprocess: &'job dyn Preprocess,
    pub(crate) input: PictureInput,
}

/// Owned tensors: those of a picture are made once and written to again and again.
impl Memory<Into<'_>> for Tensors {
    type Scratch = PictureScratch;

    fn take(&mut self, tensors: &mut Tensors) -> Result<(), SampleError> {
        std::mem::swap(tensors, self);
        Ok(())
    }

    fn take_picture<'a>(
        &'a mut self,
        encoded: &[u8],
        pictures: &Into<'_>,
        scratch: &'a mut PictureScratch,
    ) -> Result<Option<&'a [f32]>, SampleError> {
        let room = match self.as_mut_slice() {
            [(_, Tensor { data: TensorData::F32(values), .. })] => Room::Floats(values),
            [(_, Tensor { data: TensorData::U8(values), .. })] => Room::Bytes(values),
            _ => return Ok(None),
        };
        Ok(Some(pictures.input.fill(pictures.preprocess, encoded, room, scratch)?))
    }
}

/// Rows of slabs, written in place.
impl Memory<Into<'_>> for PinnedInputs {
    type Scratch = PictureScratch;

    fn take(&mut self, tensors: &mut Tensors) -> Result<(), SampleError> {
        Ok(self.write(tensors)?)
    }

    fn take_picture<'a>(
        &'a mut self,
        encoded: &[u8],
        pictures: &Into<'_>,
        scratch: &'a mut PictureScratch,
    ) -> Result<Option<&'a [f32]>, SampleError> {
        let room = match pictures.input.values {
            PictureValues::Floats => self.values_mut(0).map(Room::Floats),
            PictureValues::Bytes => self.values_mut(0).map(Room::Bytes),
        };
        let Some(room) = room else { return Ok(None) };
        Ok(Some(pictures.input.fill(pictures.preprocess, encoded, room, scratch)?))
    }
}

/// A picture as far as the host has to read it; a GPU does the rest.
impl Memory<PictureDecoder> for PinnedPicture {
    /// Made for the first picture.
    type Scratch = Option<Worker>;

    /// Samples are pictures where a decoder is.
    fn take(&mut self, _: &mut Tensors) -> Result<(), SampleError> {
        Ok(())
    }

    fn take_picture<'a>(
        &'a mut self,
        encoded: &[u8],
        pictures: &PictureDecoder,
        scratch: &'a mut Option<Worker>,
    ) -> Result<Option<&'a [f32]>, SampleError> {
        let worker = match scratch {
            Some(worker) => worker,
            None => {
                let failed = |error| PreprocessError::Custom(Box::new(error));
                scratch.insert(pictures.worker().map_err(failed)?)
            }
        };
        pictures.prepare(worker, encoded, self)?;
        Ok(None)
    }
}

/// Fills slots of the pipeline; shared by its workers.
pub(crate) struct Filler<'job> {
    samples: ReadAhead<'job>,
    /// The digest of each sample that was read, by position.
    digests: Vec<OnceLock<Digest>>,
    /// What tells near-constant pictures, where anything does.
    spread: Option<Spread>,
    /// Whether each picture that was preprocessed is near-constant, by position.
    near_constant: Vec<OnceLock<bool>>,
}

/// What a worker keeps from sample to sample.
#[derive(Debug, Default)]
pub(crate) struct WorkerBuffers<S> {
    read: ReadBuffer,
    pictures: S,
}

impl<'job> Filler<'job> {
    /// A filler for pictures whose tensors are as `preprocess` makes them, if they are pictures.
    pub(crate) fn new(preprocess: Option<&dyn Preprocess>, samples: &'job [SampleRef]) -> Self {
        let spread = preprocess.and_then(Spread::of);
        let digests = samples.iter().map(|_| OnceLock::new()).collect();
        let near_constant = samples.iter().map(|_| OnceLock::new()).collect();
        Self { samples: ReadAhead::new(samples), digests, spread, near_constant }
    }

    /// Reads one sample into a slot; `pictures` makes its tensor, where the samples are pictures.
    ///
    /// # Errors
    ///
    /// When it cannot be read or preprocessed, a tensor does not fit the model's input, or a GPU that is to make tensors
    /// cannot be used; the slot may then hold anything.
    pub(crate) fn fill<M: Memory<P>, P: ?Sized>(
        &self,
        pictures: Option<&P>,
        buffers: &mut WorkerBuffers<M::Scratch>,
        position: usize,
        sample: &SampleRef,
        slot: &mut Slot<M>,
    ) -> Result<(), SampleError> {
        let content = self.read(&mut buffers.read, position)?;
        slot.position = position;
        slot.name = sample.shared_name();
        match (content, pictures) {
            (Content::Tensors(tensors), _) => slot.inputs.take(tensors)?,
            (Content::Encoded(bytes), Some(pictures)) => {
                let scratch = &mut buffers.pictures;
                if let Some(tensor) = slot.inputs.take_picture(bytes, pictures, scratch)? {
                    self.look(position, tensor);
                }
            }
            (Content::Encoded(_), None) => {}
        }
        Ok(())
    }

    /// Reads one sample for its digest alone.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(crate) fn hash(&self, buffer: &mut ReadBuffer, position: usize) -> Result<(), SampleError> {
        self.read(buffer, position)?;
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

    /// The samples left out, with their positions and in their order.
    pub(crate) fn into_skipped(mut self) -> Vec<(usize, SkippedSample)> {
        self.skipped.sort_by_key(|(position, _)| *position);
        self.skipped
    }

    fn set_aside(&mut self, failure: Failure<SampleError>) -> Result<(), SourceError> {
        let Failure { position, error } = failure;
        let name = self.samples[position].shared_name();
        match self.on_bad_sample {
            _ if is_the_devices(&error) => {
                Err(SourceError::bad_sample(position, name, cause(error)))
            }
            OnBadSample::Fail => Err(SourceError::bad_sample(position, name, cause(error))),
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

    fn leaves_out(&self) -> bool {
        self.on_bad_sample == OnBadSample::Skip
    }

    fn left_out(&mut self, LeftOut { samples, error }: LeftOut) {
        let reason = reasons(&error);
        let skipped = |(position, name): (usize, Arc<str>)| {
            (position, SkippedSample { name: name.to_string(), reason: reason.clone() })
        };
        self.skipped.extend(samples.into_iter().map(skipped));
    }
}

/// Whether the GPU failed and not the sample: no policy for bad samples covers that.
fn is_the_devices(error: &WorkError<SampleError>) -> bool {
    let WorkError::Failed(SampleError::Preprocess(PreprocessError::Custom(error))) = error else {
        return false;
    };
    error.is::<calibrant_cuda::Error>()
}

/// What is wrong with a sample, as the crate that found it says it.
fn cause(error: WorkError<SampleError>) -> Box<dyn std::error::Error + Send + Sync> {
    match error {
        WorkError::Failed(SampleError::Read(error)) => error.into(),
        WorkError::Failed(SampleError::Preprocess(error)) => error.into(),
        WorkError::Failed(SampleError::Slot(error)) => error.into(),
        WorkError::Panicked { .. } => error.into(),
    }
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
