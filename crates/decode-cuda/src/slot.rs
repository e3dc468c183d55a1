//! A picture in pinned memory, on its way to the device.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use calibrant_cuda::{Device, Error, PinnedPiece};

use crate::nvjpeg::JpegSize;

/// One picture, in memory that the device reads; filled by
/// [`PictureDecoder::prepare`](crate::PictureDecoder::prepare).
pub struct PictureSlot {
    /// Place in the ordered list of samples, from 0; skipped samples keep theirs.
    pub position: usize,
    /// Stable name of the sample.
    pub name: Arc<str>,
    device: Device,
    memory: PinnedPiece,
    pub(crate) content: Content,
}

/// What a slot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// A tensor, made by the processor.
    Tensor,
    /// A blob of so many bytes with so many blocks of coefficients at its end.
    Coefficients { len: usize, blocks: usize },
    /// A blob of so many bytes, and behind it a JPEG, of whose bytes nvJPEG told the size.
    Jpeg { len: usize, jpeg: Range<usize>, size: JpegSize },
    /// A blob, and behind it the pixels.
    Pixels { pixels: Range<usize> },
}

/// The slots of a pipeline, cut from one slab and handed out one by one.
#[derive(Debug)]
pub struct SlotStock {
    device: Device,
    first: Mutex<std::vec::IntoIter<PinnedPiece>>,
    slot_bytes: usize,
}

/// What a slot has room for from the beginning: the coefficients of 500 × 375 pixels with 4:2:0, and
/// tables.
const USUAL_BYTES: usize = 592 << 10;

impl SlotStock {
    /// All slots of a pipeline of this many batches in flight: `batch_size × batches_in_flight`, each with
    /// room for a tensor of so many bytes and for a usual picture. Larger pictures get more memory when
    /// they come.
    ///
    /// # Errors
    ///
    /// When so much memory cannot be pinned.
    pub fn new(
        device: &Device,
        tensor_bytes: usize,
        batch_size: NonZeroUsize,
        batches_in_flight: NonZeroUsize,
    ) -> Result<Self, Error> {
        let n_slots = batch_size.saturating_mul(batches_in_flight).get();
        let slot_bytes = room(tensor_bytes.max(USUAL_BYTES));
        let first = PinnedPiece::cut_slab(device, n_slots, slot_bytes)?;
        Ok(Self { device: device.clone(), first: Mutex::new(first.into_iter()), slot_bytes })
    }

    /// How many bytes a slot begins with.
    pub fn slot_bytes(&self) -> usize {
        self.slot_bytes
    }

    /// The next slot.
    ///
    /// # Panics
    ///
    /// When all have been handed out, which a pipeline of the size that was given never comes to.
    pub fn new_slot(&self) -> PictureSlot {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let memory =
            first.next().expect("no more slots than the pipeline's batches hold are asked for");
        PictureSlot::with(&self.device, memory)
    }
}

impl PictureSlot {
    /// A slot of its own, with room for a tensor of so many bytes.
    ///
    /// # Errors
    ///
    /// When so much memory cannot be pinned.
    pub fn new(device: &Device, tensor_bytes: usize) -> Result<Self, Error> {
        Ok(Self::with(device, slab(device, tensor_bytes.max(USUAL_BYTES))?))
    }

    /// The tensor, where the processor has made it already.
    pub fn tensor(&self) -> Option<&[f32]> {
        let values = self.memory.values::<f32>()?;
        matches!(self.content, Content::Tensor).then_some(values)
    }

    pub(crate) fn memory(&self) -> &PinnedPiece {
        &self.memory
    }

    /// Memory of at least so many bytes; what it held may be gone.
    pub(crate) fn room(&mut self, bytes: usize) -> Result<&mut PinnedPiece, Error> {
        if self.memory.len() < bytes {
            self.memory = slab(&self.device, bytes)?;
        }
        Ok(&mut self.memory)
    }

    fn with(device: &Device, memory: PinnedPiece) -> Self {
        let (device, name, content) = (device.clone(), Arc::default(), Content::Tensor);
        Self { position: 0, name, device, memory, content }
    }
}

fn slab(device: &Device, bytes: usize) -> Result<PinnedPiece, Error> {
    let pieces = PinnedPiece::cut_slab(device, 1, room(bytes))?;
    Ok(pieces.into_iter().next().expect("one piece was asked for"))
}

/// A length that is whole in every type and keeps what lies behind it aligned.
fn room(bytes: usize) -> usize {
    bytes.next_multiple_of(8 << 10)
}

impl fmt::Debug for PictureSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PictureSlot")
            .field("position", &self.position)
            .field("name", &self.name)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}
