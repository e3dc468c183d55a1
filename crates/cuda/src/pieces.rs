//! What of a source goes where: copies into buffers, and what is read from the host as it lies.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use crate::buffer::DeviceBuffer;
use crate::error::Error;
use crate::pinned::{PinnedPiece, Slab};

/// Which pieces of a source go to which places of an upload's buffers, and what those have to be like.
#[derive(Default)]
pub struct Pieces<'source> {
    pub(crate) runs: Vec<Run>,
    /// What is read where it lies.
    pub(crate) read: Vec<Arc<Slab>>,
    pub(crate) lengths: Vec<(usize, usize)>,
    pub(crate) filled: Vec<(usize, usize)>,
    crossing_bytes: usize,
    /// The pieces are the source's, and nobody else's.
    source: PhantomData<&'source PinnedPiece>,
}

/// Neighbouring pieces of one slab: one copy.
pub(crate) struct Run {
    pub(crate) buffer: usize,
    pub(crate) at: usize,
    pub(crate) slab: Arc<Slab>,
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

/// Bytes of pinned memory that a library reads by itself, while its upload keeps them.
#[derive(Debug, Clone, Copy)]
pub struct PinnedBytes {
    address: *const u8,
    len: usize,
}

impl PinnedBytes {
    /// Where they lie.
    pub fn address(self) -> *const u8 {
        self.address
    }

    /// How many there are.
    pub fn len_bytes(self) -> usize {
        self.len
    }
}

/// Where a buffer lies on the device, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceSpan {
    /// In the device's address space.
    pub address: u64,
    /// From there on.
    pub len_bytes: usize,
}

impl<'source> Pieces<'source> {
    /// Has a part of a piece copied to a place in a buffer.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] where the part goes beyond the piece.
    pub fn copy(
        &mut self,
        buffer: usize,
        at: usize,
        piece: &'source PinnedPiece,
        part: Range<usize>,
    ) -> Result<(), Error> {
        within(buffer, piece, part.end)?;
        self.crossing_bytes += part.len();
        let (slab, offset) = (Arc::clone(piece.slab()), piece.offset() + part.start);
        self.runs.push(Run { buffer, at, slab, offset, len: part.len() });
        Ok(())
    }

    /// Has the latest copy into a buffer go on to the first `len` bytes of a piece that lies behind it in the same slab,
    /// whatever stands between them included: one copy of a little more is faster than two. Returns where in the buffer
    /// the piece comes to lie; `None` where there is no such copy, and nothing is changed.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] where so much goes beyond the piece.
    pub fn extend(
        &mut self,
        buffer: usize,
        piece: &'source PinnedPiece,
        len: usize,
    ) -> Result<Option<usize>, Error> {
        within(buffer, piece, len)?;
        let latest = self.runs.iter_mut().rev().find(|run| run.buffer == buffer);
        let behind = latest.filter(|run| {
            Arc::ptr_eq(&run.slab, piece.slab()) && run.offset + run.len <= piece.offset()
        });
        let Some(run) = behind else { return Ok(None) };
        let at = run.at + piece.offset() - run.offset;
        let whole = at + len - run.at;
        self.crossing_bytes += whole - run.len;
        run.len = whole;
        Ok(Some(at))
    }

    /// Has a part of a piece kept where it lies, for a library that reads it there until everything is through.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] where the part goes beyond the piece.
    pub fn read(
        &mut self,
        buffer: usize,
        piece: &'source PinnedPiece,
        part: Range<usize>,
    ) -> Result<PinnedBytes, Error> {
        within(buffer, piece, part.end)?;
        self.crossing_bytes += part.len();
        self.read.push(Arc::clone(piece.slab()));
        let bytes = &piece[part];
        Ok(PinnedBytes { address: bytes.as_ptr(), len: bytes.len() })
    }

    /// Has a buffer be at least so long; what it held is gone where it was not.
    pub fn grow(&mut self, buffer: usize, bytes: usize) {
        self.lengths.push((buffer, bytes));
    }

    /// Has a buffer count as filled up to so many bytes once all is through.
    pub fn fill(&mut self, buffer: usize, bytes: usize) {
        self.filled.push((buffer, bytes));
    }

    /// How many bytes cross the bus.
    pub fn crossing_bytes(&self) -> usize {
        self.crossing_bytes
    }

    /// Whether everything lies in its buffer; one that grows is as long as it grows.
    pub(crate) fn check(&self, buffers: &[DeviceBuffer]) -> Result<(), Error> {
        let ends = self.runs.iter().map(|run| (run.buffer, run.at + run.len));
        for (buffer, asked_bytes) in ends.chain(self.filled.iter().copied()) {
            let grown = self.lengths.iter().filter(|(grown, _)| *grown == buffer);
            let grown = grown.map(|(_, bytes)| *bytes).max().unwrap_or(0);
            let buffer_bytes = buffers[buffer].len_bytes().max(grown);
            if asked_bytes > buffer_bytes {
                return Err(Error::TooLong { buffer, asked_bytes, buffer_bytes });
            }
        }
        Ok(())
    }

    /// The slabs of everything that is read.
    pub(crate) fn slabs(&self) -> Vec<Arc<Slab>> {
        self.runs.iter().map(|run| &run.slab).chain(&self.read).map(Arc::clone).collect()
    }
}

/// Whether a piece has so many bytes.
fn within(buffer: usize, piece: &PinnedPiece, asked_bytes: usize) -> Result<(), Error> {
    if asked_bytes > piece.len() {
        return Err(Error::TooLong { buffer, asked_bytes, buffer_bytes: piece.len() });
    }
    Ok(())
}

impl fmt::Debug for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} copies of {} bytes", self.runs.len(), self.crossing_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::late;

    #[test]
    fn neighbours_are_one_copy_where_that_is_asked_for() {
        let (device, _) = late::device();
        let rows = PinnedPiece::cut_slab(&device, 3, 16).unwrap();
        let another = PinnedPiece::cut_slab(&device, 1, 16).unwrap();
        let mut pieces = Pieces::default();
        assert_eq!(pieces.extend(0, &rows[0], 4), Ok(None), "there is nothing to go on");
        pieces.copy(0, 100, &rows[1], 0..8).unwrap();
        pieces.copy(1, 0, &rows[0], 0..8).unwrap();
        assert_eq!(pieces.extend(0, &rows[0], 4), Ok(None), "it lies before");
        assert_eq!(pieces.extend(0, &another[0], 4), Ok(None), "it lies elsewhere");
        assert_eq!(pieces.extend(0, &rows[2], 4), Ok(Some(116)));
        let runs: Vec<_> =
            pieces.runs.iter().map(|it| (it.buffer, it.at, it.offset, it.len)).collect();
        assert_eq!(runs, [(0, 100, 16, 20), (1, 0, 0, 8)]);
        assert_eq!(pieces.crossing_bytes(), 28);
    }

    #[test]
    fn what_lies_beyond_a_piece_or_a_buffer_is_refused() {
        let (device, _) = late::device();
        let rows = PinnedPiece::cut_slab(&device, 2, 16).unwrap();
        let buffers = [DeviceBuffer::new(&device, 32).unwrap()];
        let too_long = |asked_bytes, buffer_bytes| {
            Err(Error::TooLong { buffer: 0, asked_bytes, buffer_bytes })
        };
        let mut pieces = Pieces::default();
        assert_eq!(pieces.copy(0, 0, &rows[0], 4..17), too_long(17, 16));
        assert_eq!(pieces.read(0, &rows[0], 4..17).map(drop), too_long(17, 16));
        pieces.copy(0, 0, &rows[0], 0..16).unwrap();
        assert_eq!(pieces.extend(0, &rows[1], 17).map(drop), too_long(17, 16));
        pieces.fill(0, 32);
        assert_eq!(pieces.check(&buffers), Ok(()));
        pieces.copy(0, 17, &rows[1], 0..16).unwrap();
        assert_eq!(pieces.check(&buffers), too_long(33, 32));
        pieces.grow(0, 33);
        assert_eq!(pieces.check(&buffers), Ok(()));
    }
}
