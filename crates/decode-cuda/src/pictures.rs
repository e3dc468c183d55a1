//! Tensors of pictures: the programs in `pictures.cu`, and what is put into a stream for them.
//!
//! A picture comes to the device as a *blob*: a [`PictureJob`], the tables that it points to, and
//! perhaps its coefficients. The samples between coefficients and tensor, or the pixels that nvJPEG
//! makes, have memory of their own.

mod job;
mod kernels;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use self::job::PictureJob;
pub use self::kernels::PictureKernels;

use self::kernels::{LAUNCH, Place};
use crate::buffer::DeviceBuffer;
use crate::error::Error;
use crate::nvjpeg::{Encoded, JpegSize, Nvjpeg};
use crate::pinned::{PinnedSlot, Slab};
use crate::stream::Stream;
use crate::upload::Run;

/// Blobs and samples begin at a multiple of this many bytes.
const UNIT: usize = 256;
/// Which of an [`Upload`](crate::Upload)'s buffers holds the tensors of pictures.
pub const TENSORS: usize = 0;
/// Which of them holds the blobs; it grows as needed.
pub(crate) const BLOBS: usize = 1;
/// Which of them holds samples and pixels; it grows as needed.
pub(crate) const SAMPLES: usize = 2;

/// What makes tensors, in a stream of its own.
pub struct TensorMaker {
    /// Where decoding and programs run.
    pub stream: Stream,
    /// The programs.
    pub kernels: PictureKernels,
    /// What decodes there, where something does; it serves this stream alone.
    pub decoder: Option<Nvjpeg>,
    /// Planes, height and width of a tensor.
    pub shape: [usize; 3],
}

/// Which pictures of a source become which rows of a batch of tensors.
#[derive(Default)]
pub struct Pictures<'source> {
    pub(crate) tensors: Vec<(usize, &'source PinnedSlot)>,
    pub(crate) blobs: Vec<Blob<'source>>,
}

/// One picture on its way.
pub(crate) struct Blob<'source> {
    row: usize,
    slot: &'source PinnedSlot,
    len: usize,
    samples_len: usize,
    blocks: usize,
    encoded: Option<(Range<usize>, JpegSize)>,
}

impl<'source> Pictures<'source> {
    /// Has a row copied that is a tensor already: the beginning of the slot.
    pub fn tensor(&mut self, row: usize, slot: &'source PinnedSlot) {
        self.tensors.push((row, slot));
    }

    /// Has a row made of so many blocks of coefficients, in the blob that is the slot's first `len`
    /// bytes. A block has 64 samples.
    pub fn coefficients(
        &mut self,
        row: usize,
        slot: &'source PinnedSlot,
        len: usize,
        blocks: usize,
    ) {
        let samples_len = 64 * blocks;
        self.blobs.push(Blob { row, slot, len, samples_len, blocks, encoded: None });
    }

    /// Has a row made of a JPEG in a part of the slot, which nvJPEG decodes, by the blob that is the
    /// slot's first `len` bytes. The size is what [`NvjpegHeader::read`](crate::NvjpegHeader::read) told
    /// of these very bytes.
    pub fn encoded(
        &mut self,
        row: usize,
        slot: &'source PinnedSlot,
        len: usize,
        (jpeg, size): (Range<usize>, JpegSize),
    ) {
        let samples_len = size.len_bytes();
        let encoded = Some((jpeg, size));
        self.blobs.push(Blob { row, slot, len, samples_len, blocks: 0, encoded });
    }

    /// Has a row made of interleaved pixels, in a part of the slot, by the blob that is all before it.
    /// Meant for tests and comparisons: pixels cross the bus here.
    pub fn pixels(&mut self, row: usize, slot: &'source PinnedSlot, pixels: Range<usize>) {
        let (len, samples_len) = (pixels.start, pixels.len());
        self.blobs.push(Blob { row, slot, len, samples_len, blocks: 0, encoded: None });
    }
}

/// All that is put into the stream for a part of a batch.
pub(crate) struct Work {
    pub(crate) runs: Vec<Run>,
    pub(crate) blob_bytes: usize,
    pub(crate) samples_bytes: usize,
    places: Vec<Place>,
    encoded: Vec<(Encoded, usize)>,
    /// Bytes that cross the bus.
    pub(crate) copied_bytes: usize,
}

impl Work {
    /// Gives every picture its place.
    pub(crate) fn plan(pictures: Pictures<'_>, shape: [usize; 3]) -> Result<Self, Error> {
        let tensor_bytes = 4 * shape.iter().product::<usize>();
        let mut work = Self {
            runs: Vec::new(),
            blob_bytes: 0,
            samples_bytes: 0,
            places: Vec::new(),
            encoded: Vec::new(),
            copied_bytes: 0,
        };
        for (row, slot) in pictures.tensors {
            work.copy(TENSORS, row * tensor_bytes, slot, 0..tensor_bytes)?;
        }
        let mut before: Option<(&PinnedSlot, usize)> = None;
        for blob in pictures.blobs {
            let Blob { row, slot, len, samples_len, blocks, encoded } = blob;
            let samples = work.samples_bytes;
            let at = match before {
                Some((previous, at)) if is_behind(slot, previous, work.blob_bytes - at) => {
                    work.extend(at, slot, len)?
                }
                _ => {
                    work.copy(BLOBS, work.blob_bytes, slot, 0..len)?;
                    work.blob_bytes
                }
            };
            before = Some((slot, at));
            match encoded {
                Some((jpeg, size)) => {
                    let end = jpeg.end;
                    let data = slot.get(jpeg).ok_or_else(|| too_long(slot, end))?;
                    let encoded = Encoded::new(data, size);
                    work.copied_bytes += data.len();
                    work.encoded.push((encoded, samples));
                }
                None if blocks == 0 => work.copy(SAMPLES, samples, slot, len..len + samples_len)?,
                None => {}
            }
            work.places.push(Place { blob: at / UNIT, samples: samples / UNIT, row, blocks });
            work.blob_bytes = (at + len).next_multiple_of(UNIT);
            // nvJPEG may write whole MCUs' lines; no two pictures share a unit.
            work.samples_bytes += samples_len.next_multiple_of(UNIT);
        }
        Ok(work)
    }

    fn copy(
        &mut self,
        buffer: usize,
        at: usize,
        slot: &PinnedSlot,
        part: Range<usize>,
    ) -> Result<(), Error> {
        if part.end > slot.len() {
            return Err(too_long(slot, part.end));
        }
        self.copied_bytes += part.len();
        let (slab, offset) = (Arc::clone(slot.slab()), slot.offset() + part.start);
        self.runs.push(Run { buffer, at, slab, offset, len: part.len() });
        Ok(())
    }

    /// Has the slot behind the last blob's copied with it, the rest of that one between them included: one
    /// copy of a little more is faster than two. Returns where the slot's blob comes to lie.
    fn extend(&mut self, before: usize, slot: &PinnedSlot, len: usize) -> Result<usize, Error> {
        if len > slot.len() {
            return Err(too_long(slot, len));
        }
        let blobs = self.runs.iter_mut().rev().find(|run| run.buffer == BLOBS);
        let run = blobs.expect("there is a blob before this one");
        let at = run.at + slot.offset() - run.offset;
        debug_assert!(at > before, "slots lie in order");
        let end = at + len - run.at;
        self.copied_bytes += end - run.len;
        run.len = end;
        Ok(at)
    }

    /// Whether all rows lie in the tensors' buffer.
    pub(crate) fn check(&self, tensors: &DeviceBuffer, shape: [usize; 3]) -> Result<(), Error> {
        let tensor_bytes = 4 * shape.iter().product::<usize>();
        let rows = self.places.iter().map(|place| (place.row + 1) * tensor_bytes);
        let copied = self.runs.iter().filter(|run| run.buffer == TENSORS);
        let end = rows.chain(copied.map(|run| run.at + run.len)).max().unwrap_or(0);
        if end > tensors.len_bytes() {
            let buffer_bytes = tensors.len_bytes();
            return Err(Error::TooLong { buffer: TENSORS, asked_bytes: end, buffer_bytes });
        }
        Ok(())
    }

    /// The slabs of everything that is read.
    pub(crate) fn slabs(&self) -> Vec<Arc<Slab>> {
        self.runs.iter().map(|run| Arc::clone(&run.slab)).collect()
    }

    /// Puts decoding and programs into the maker's stream.
    pub(crate) fn launch(
        &self,
        buffers: &[DeviceBuffer],
        maker: &mut TensorMaker,
    ) -> Result<(), Error> {
        let TensorMaker { stream, kernels, decoder, shape } = maker;
        if let Some(decoder) = decoder {
            decoder.decode(&self.encoded, &buffers[SAMPLES], stream)?;
        }
        for places in self.places.chunks(LAUNCH) {
            kernels.launch(places, buffers, *shape, stream)?;
        }
        Ok(())
    }
}

/// Whether a slot lies right behind another, whose blob leaves so little of it that the rest may be copied
/// as well; and at a distance that keeps blobs aligned.
fn is_behind(slot: &PinnedSlot, previous: &PinnedSlot, used: usize) -> bool {
    /// The part of a slot that may be copied for nothing.
    const WASTE: usize = 8;
    Arc::ptr_eq(slot.slab(), previous.slab())
        && previous.offset() + previous.len() == slot.offset()
        && previous.len().is_multiple_of(UNIT)
        && previous.len().saturating_sub(used) <= previous.len() / WASTE
}

fn too_long(slot: &PinnedSlot, asked_bytes: usize) -> Error {
    Error::TooLong { buffer: BLOBS, asked_bytes, buffer_bytes: slot.len() }
}

impl fmt::Debug for TensorMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} tensors by {:?} and {:?}", self.shape, self.kernels, self.decoder)
    }
}

impl fmt::Debug for Pictures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensors and {} pictures", self.tensors.len(), self.blobs.len())
    }
}

#[cfg(test)]
mod tests;
