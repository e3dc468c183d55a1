//! A picture in pinned memory, on its way to the device.

use std::fmt;
use std::ops::Range;

use calibrant_cuda::{Device, Error, PinnedPiece};

use crate::nvjpeg::JpegSize;

/// One picture, in memory that the device reads; filled by
/// [`PictureDecoder::prepare`](crate::PictureDecoder::prepare).
pub struct PinnedPicture {
    device: Device,
    memory: PinnedPiece,
    pub(crate) content: Content,
}

/// What the memory holds.
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

/// What there is room for from the beginning: the coefficients of 500 × 375 pixels with 4:2:0, and
/// tables.
const USUAL_BYTES: usize = 592 << 10;

impl PinnedPicture {
    /// Memory for so many pictures, cut from one slab in order, each with room for a tensor of so many bytes
    /// and for a usual picture. Larger pictures get more memory when they come.
    ///
    /// # Errors
    ///
    /// When so much memory cannot be pinned.
    pub fn cut_slab(
        device: &Device,
        count: usize,
        tensor_bytes: usize,
    ) -> Result<Vec<Self>, Error> {
        let pieces = PinnedPiece::cut_slab(device, count, room(tensor_bytes.max(USUAL_BYTES)))?;
        let picture = |memory| Self { device: device.clone(), memory, content: Content::Tensor };
        Ok(pieces.into_iter().map(picture).collect())
    }

    /// Memory for one picture.
    ///
    /// # Errors
    ///
    /// When so much memory cannot be pinned.
    pub fn new(device: &Device, tensor_bytes: usize) -> Result<Self, Error> {
        let pictures = Self::cut_slab(device, 1, tensor_bytes)?;
        Ok(pictures.into_iter().next().expect("one picture was asked for"))
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
            let pieces = PinnedPiece::cut_slab(&self.device, 1, room(bytes))?;
            self.memory = pieces.into_iter().next().expect("one piece was asked for");
        }
        Ok(&mut self.memory)
    }
}

/// So that a picture counts as what holds one, for [`PictureDecoder::append`](crate::PictureDecoder::append).
impl AsRef<Self> for PinnedPicture {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// A length that is whole in every type and keeps what lies behind it aligned.
fn room(bytes: usize) -> usize {
    bytes.next_multiple_of(8 << 10)
}

impl fmt::Debug for PinnedPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedPicture").field("content", &self.content).finish_non_exhaustive()
    }
}
