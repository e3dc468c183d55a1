//! Tensors of pictures: the programs in `pictures.cu`, and what is put into a stream for them.
//!
//! The programs check every index against the length of what it points into, so that whatever is copied to the device can
//! spoil pixels and nothing else.
//!
//! A picture comes to the device as a *blob*: a [`PictureJob`], the tables that it points to, and
//! perhaps its coefficients. The samples between coefficients and tensor, or the pixels that nvJPEG
//! makes, have memory of their own.

mod job;
mod kernels;

use std::fmt;
use std::ops::Range;

use calibrant_cuda::{DeviceSpan, Error, Held, Pieces, PinnedPiece, Stream, Upload};

pub(crate) use self::job::PictureJob;
pub(crate) use self::kernels::PictureKernels;
pub use self::kernels::machine_code;

use self::kernels::{LAUNCH, Place};
use crate::nvjpeg::{Encoded, JpegSize, Nvjpeg};

/// Blobs and samples begin at a multiple of this many bytes.
const UNIT: usize = 256;
/// Which of an [`Upload`]'s buffers holds the tensors of pictures.
pub const TENSORS: usize = 0;
/// Which of them holds the blobs; it grows as needed.
const BLOBS: usize = 1;
/// Which of them holds samples and pixels; it grows as needed.
const SAMPLES: usize = 2;

/// What makes tensors, in a stream of its own.
pub struct TensorMaker {
    /// Where decoding and programs run.
    pub(crate) stream: Stream,
    pub(crate) kernels: PictureKernels,
    /// What decodes there, where something does; it serves this stream alone.
    pub(crate) decoder: Option<Nvjpeg>,
    /// Planes, height and width of a tensor.
    pub(crate) shape: [usize; 3],
}

/// Which pictures of a source become which rows of a batch of tensors.
#[derive(Default)]
pub(crate) struct Pictures<'source> {
    tensors: Vec<(usize, &'source PinnedPiece)>,
    blobs: Vec<Blob<'source>>,
}

/// One picture on its way.
struct Blob<'source> {
    row: usize,
    piece: &'source PinnedPiece,
    len: usize,
    samples_len: usize,
    blocks: usize,
    encoded: Option<(Range<usize>, JpegSize)>,
}

impl<'source> Pictures<'source> {
    /// Has a row copied that is a tensor already: the beginning of the piece.
    pub(crate) fn tensor(&mut self, row: usize, piece: &'source PinnedPiece) {
        self.tensors.push((row, piece));
    }

    /// Has a row made of so many blocks of coefficients, in the blob that is the piece's first `len`
    /// bytes. A block has 64 samples.
    pub(crate) fn coefficients(
        &mut self,
        row: usize,
        piece: &'source PinnedPiece,
        len: usize,
        blocks: usize,
    ) {
        let samples_len = 64 * blocks;
        self.blobs.push(Blob { row, piece, len, samples_len, blocks, encoded: None });
    }

    /// Has a row made of a JPEG in a part of the piece, which nvJPEG decodes, by the blob that is the
    /// piece's first `len` bytes.
    ///
    /// # Safety
    ///
    /// The size is what [`NvjpegHeader::read`](crate::nvjpeg::NvjpegHeader::read) told of these very bytes.
    pub(crate) unsafe fn encoded(
        &mut self,
        row: usize,
        piece: &'source PinnedPiece,
        len: usize,
        (jpeg, size): (Range<usize>, JpegSize),
    ) {
        let samples_len = size.len_bytes();
        let encoded = Some((jpeg, size));
        self.blobs.push(Blob { row, piece, len, samples_len, blocks: 0, encoded });
    }

    /// Has a row made of interleaved pixels, in a part of the piece, by the blob that is all before it.
    /// Meant for tests and comparisons: pixels cross the bus here.
    pub(crate) fn pixels(&mut self, row: usize, piece: &'source PinnedPiece, pixels: Range<usize>) {
        let (len, samples_len) = (pixels.start, pixels.len());
        self.blobs.push(Blob { row, piece, len, samples_len, blocks: 0, encoded: None });
    }
}

/// Puts pictures of `source` into an upload, as rows of its tensors; returns what holds the source meanwhile, and the bytes
/// that cross the bus. Two more buffers take what lies between, and grow as needed.
///
/// `choose` says which pictures, all of them in the source's own pieces; the rows of one call are distinct, and end before
/// `end_row`.
///
/// # Errors
///
/// [`Error::TooLong`] where a row or a part lies beyond its end; no memory to grow; what the driver and nvJPEG report. The
/// source is dropped then, and what the buffers were filled with counts as not there.
pub(crate) fn append<S: 'static>(
    upload: &mut Upload,
    maker: &mut TensorMaker,
    source: S,
    end_row: usize,
    choose: impl for<'source> FnOnce(&'source S, &mut Pictures<'source>),
) -> Result<(Held<S>, usize), Error> {
    let (shape, stream) = (maker.shape, maker.stream.clone());
    let mut crossing_bytes = 0;
    let held = upload.append_computed(
        source,
        &stream,
        |source, pieces| {
            let mut pictures = Pictures::default();
            choose(source, &mut pictures);
            let work = Work::plan(pictures, shape, end_row, pieces)?;
            crossing_bytes = pieces.crossing_bytes();
            Ok(work)
        },
        // SAFETY: the pieces of the work are those of this upload, which keeps them and the buffers until the stream of
        // the maker is through, and hands them to nobody meanwhile.
        |work, spans| unsafe { work.launch(spans, maker) },
    )?;
    Ok((held, crossing_bytes))
}

/// All that is put into the stream for a part of a batch.
struct Work {
    places: Vec<Place>,
    encoded: Vec<(Encoded, usize)>,
}

impl Work {
    /// Gives every picture its place.
    fn plan<'source>(
        pictures: Pictures<'source>,
        shape: [usize; 3],
        end_row: usize,
        pieces: &mut Pieces<'source>,
    ) -> Result<Self, Error> {
        let tensor_bytes = 4 * shape.iter().product::<usize>();
        let mut work = Self { places: Vec::new(), encoded: Vec::new() };
        let (mut blob_bytes, mut samples_bytes) = (0, 0);
        for (row, piece) in pictures.tensors {
            pieces.copy(TENSORS, row * tensor_bytes, piece, 0..tensor_bytes)?;
        }
        let mut before: Option<(&PinnedPiece, usize)> = None;
        for blob in pictures.blobs {
            let Blob { row, piece, len, samples_len, blocks, encoded } = blob;
            let next = match before {
                Some((previous, at)) if is_nearly_full(previous, piece, blob_bytes - at) => {
                    pieces.extend(BLOBS, piece, len)?
                }
                _ => None,
            };
            let at = match next {
                Some(at) => at,
                None => {
                    pieces.copy(BLOBS, blob_bytes, piece, 0..len)?;
                    blob_bytes
                }
            };
            before = Some((piece, at));
            match encoded {
                Some((jpeg, size)) => {
                    let bytes = pieces.read(BLOBS, piece, jpeg)?;
                    work.encoded.push((Encoded { bytes, size }, samples_bytes));
                }
                None if blocks == 0 => {
                    pieces.copy(SAMPLES, samples_bytes, piece, len..len + samples_len)?;
                }
                None => {}
            }
            work.places.push(Place { blob: at / UNIT, samples: samples_bytes / UNIT, row, blocks });
            blob_bytes = (at + len).next_multiple_of(UNIT);
            // nvJPEG may write whole MCUs' lines; no two pictures share a unit.
            samples_bytes += samples_len.next_multiple_of(UNIT);
        }
        pieces.grow(BLOBS, blob_bytes);
        pieces.grow(SAMPLES, samples_bytes);
        pieces.fill(TENSORS, end_row * tensor_bytes);
        Ok(work)
    }

    /// Puts decoding and programs into the maker's stream.
    ///
    /// # Safety
    ///
    /// The spans and what is read of the host stay until the maker's stream is through, and nothing else touches them
    /// meanwhile.
    unsafe fn launch(self, spans: &[DeviceSpan], maker: &mut TensorMaker) -> Result<(), Error> {
        let TensorMaker { stream, kernels, decoder, shape } = maker;
        if let Some(decoder) = decoder {
            // SAFETY: the caller's promise; the sizes are nvJPEG's own, as whoever chose the pictures promised.
            unsafe { decoder.decode(&self.encoded, spans[SAMPLES], stream) }?;
        }
        for places in self.places.chunks(LAUNCH) {
            // SAFETY: the caller's promise.
            unsafe { kernels.launch(places, spans, *shape, stream) }?;
        }
        Ok(())
    }
}

/// Whether so little of a piece is left behind its blob that the rest may be copied for nothing, to the blob of the next
/// one; and that one's blob stays aligned.
fn is_nearly_full(piece: &PinnedPiece, next: &PinnedPiece, used: usize) -> bool {
    /// The part of a piece that may be copied for nothing.
    const WASTE: usize = 8;
    next.is_behind(piece)
        && piece.len().is_multiple_of(UNIT)
        && piece.len().saturating_sub(used) <= piece.len() / WASTE
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
