//! Copies from pinned memory into buffers of a device, which own both until they are done.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use cudarc::driver::sys::CUdeviceptr;

use crate::buffer::DeviceBuffer;
use crate::error::Error;
use crate::event::Event;
use crate::pieces::{DeviceSpan, Pieces, Run};
use crate::pinned::{PinnedPiece, Slab};
use crate::stream::Stream;

/// Buffers that are being filled, one source after another.
///
/// Dropping it waits.
pub struct Upload {
    stream: Stream,
    buffers: Vec<DeviceBuffer>,
    /// How far each buffer is filled.
    filled: Vec<usize>,
    /// Buffers that were too short, and that the streams may still use.
    outgrown: Vec<DeviceBuffer>,
    /// Where the copies are worked on, if they are: it waits for them.
    computing: Option<Stream>,
}

/// The device's end of a copy: buffers that are full once an event is done.
///
/// Dropping it waits.
pub struct Uploaded {
    /// Taken once, by what ends this.
    buffers: Option<Vec<DeviceBuffer>>,
    outgrown: Vec<DeviceBuffer>,
    done: Event,
}

/// The host's end of a copy: what the device reads until an event is done.
///
/// Dropping it waits.
pub struct Held<S> {
    /// Taken once, by what ends this.
    source: Option<S>,
    /// What is read of it.
    slabs: Vec<Arc<Slab>>,
    begun: Event,
    /// Where more is done than copies: behind the last copy, and before the rest, which waits for it.
    copied: Option<(Event, Event)>,
    done: Event,
}

/// What the device took for a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeldTimes {
    /// From the first copy's beginning to the last one's end.
    pub copying: Duration,
    /// From the beginning to the end of what was computed.
    pub computing: Duration,
}

/// Which pieces of a source go into which buffers.
pub struct Rows<'source, 'upload> {
    upload: &'upload Upload,
    runs: Vec<Run>,
    /// How far each buffer would be filled.
    ends: Vec<usize>,
    overflow: Option<Error>,
    /// The pieces are the source's, and nobody else's.
    source: PhantomData<&'source PinnedPiece>,
}

impl Upload {
    /// Buffers to be filled from their beginnings, by copies in a stream.
    pub fn begin(stream: &Stream, buffers: Vec<DeviceBuffer>) -> Self {
        let filled = vec![0; buffers.len()];
        let (stream, outgrown) = (stream.clone(), Vec::new());
        Self { stream, buffers, filled, outgrown, computing: None }
    }

    /// Copies pieces of `source` behind what the buffers hold already, and returns what holds the
    /// source meanwhile. Pieces that lie one behind the other are one copy.
    ///
    /// `plan` says which pieces, all of them the source's own. Nothing is copied if one of them does
    /// not fit.
    ///
    /// ```compile_fail
    /// # use calibrant_cuda::{Error, PinnedPiece, Upload};
    /// # fn f(mut upload: Upload, source: Vec<PinnedPiece>, another: PinnedPiece) -> Result<(), Error> {
    /// upload.append(source, |source, rows| rows.push(0, &another))?; // error: not the source's
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`]; what the driver reports. The source is dropped then, and what the buffers
    /// were filled with counts as not there.
    pub fn append<S: 'static>(
        &mut self,
        source: S,
        plan: impl for<'source> FnOnce(&'source S, &mut Rows<'source, '_>),
    ) -> Result<Held<S>, Error> {
        let mut rows = Rows::new(self);
        plan(&source, &mut rows);
        let Rows { runs, ends, overflow, .. } = rows;
        if let Some(error) = overflow {
            return Err(error);
        }
        let begun = self.stream.record()?;
        let copied = runs.iter().try_for_each(|run| self.copy(run));
        let slabs: Vec<_> = runs.into_iter().map(|run| run.slab).collect();
        match copied.and_then(|()| self.stream.record()) {
            Ok(done) => {
                self.filled = ends;
                Ok(Held { source: Some(source), slabs, begun, copied: None, done })
            }
            Err(error) => Err(self.abandon(slabs, error)),
        }
    }

    /// Copies pieces of `source` to places in the buffers, has something computed of them in another stream, and returns
    /// what holds the source meanwhile.
    ///
    /// Copies are put into the upload's stream, and the rest into `stream`, which waits for them: so copies for the next
    /// batch need not wait for what is computed for this one.
    ///
    /// `plan` says which pieces, all of them the source's own, and what is computed of them; `compute` puts that into
    /// `stream`, and is told where the buffers lie. Nothing is copied if a piece does not fit.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`]; no memory to grow; what `plan`, `compute` and the driver report. The source is dropped then, and
    /// what the buffers were filled with counts as not there.
    ///
    /// # Panics
    ///
    /// When there are not so many buffers as the pieces go to.
    pub fn append_computed<S: 'static, W>(
        &mut self,
        source: S,
        stream: &Stream,
        plan: impl for<'source> FnOnce(&'source S, &mut Pieces<'source>) -> Result<W, Error>,
        compute: impl FnOnce(W, &[DeviceSpan]) -> Result<(), Error>,
    ) -> Result<Held<S>, Error> {
        let mut pieces = Pieces::default();
        let work = plan(&source, &mut pieces)?;
        pieces.check(&self.buffers)?;
        for &(buffer, bytes) in &pieces.lengths {
            self.grow(buffer, bytes)?;
        }
        let slabs = pieces.slabs();
        let (runs, filled) = (pieces.runs, pieces.filled);
        // What lies between is used again by each part of a batch.
        if let Some(computing) = &self.computing {
            self.stream.wait_for(&computing.record()?)?;
        }
        self.computing = Some(stream.clone());
        let begun = self.stream.record()?;
        match self.enqueue(&runs, stream, |spans| compute(work, spans)) {
            Ok((copied, done)) => {
                filled.into_iter().for_each(|(buffer, bytes)| self.filled[buffer] = bytes);
                Ok(Held { source: Some(source), slabs, begun, copied: Some(copied), done })
            }
            Err(error) => Err(self.abandon(slabs, error)),
        }
    }

    /// Puts copies into one stream and what waits for them into the other; returns the events behind
    /// the copies, before the rest and behind all.
    fn enqueue(
        &self,
        runs: &[Run],
        stream: &Stream,
        compute: impl FnOnce(&[DeviceSpan]) -> Result<(), Error>,
    ) -> Result<((Event, Event), Event), Error> {
        runs.iter().try_for_each(|run| self.copy(run))?;
        let copied = self.stream.record()?;
        stream.wait_for(&copied)?;
        let started = stream.record()?;
        let span =
            |it: &DeviceBuffer| DeviceSpan { address: it.address(), len_bytes: it.len_bytes() };
        compute(&self.buffers.iter().map(span).collect::<Vec<_>>())?;
        Ok(((copied, started), stream.record()?))
    }

    /// The stream in which everything is through when it is.
    fn last_stream(&self) -> &Stream {
        self.computing.as_ref().unwrap_or(&self.stream)
    }

    /// Waits for both streams.
    fn synchronize(&self) -> Result<(), Error> {
        self.stream.synchronize()?;
        self.last_stream().synchronize()
    }

    /// Makes a buffer at least so long; what it held is used by the stream alone from then on.
    fn grow(&mut self, buffer: usize, bytes: usize) -> Result<(), Error> {
        if self.buffers[buffer].len_bytes() < bytes {
            // Some more than is needed, so that batches that differ a little share a buffer.
            let larger = DeviceBuffer::new(self.stream.device(), bytes + bytes / 4)?;
            self.outgrown.push(mem::replace(&mut self.buffers[buffer], larger));
        }
        Ok(())
    }

    /// Waits for what may be under way of a source that is given up.
    fn abandon(&self, slabs: Vec<Arc<Slab>>, error: Error) -> Error {
        if self.synchronize().is_err() {
            mem::forget(slabs);
        }
        error
    }

    /// Fills what is left of each buffer by repeating what it holds from its beginning. A buffer that
    /// holds nothing stays as it is.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    pub fn repeat_to_fill(&mut self) -> Result<(), Error> {
        let last = self.last_stream().clone();
        for (buffer, filled) in self.buffers.iter().zip(&mut self.filled) {
            let held = *filled;
            while held > 0 && *filled < buffer.len_bytes() {
                // Whole rounds of what was there, so that its order goes on.
                let len = (*filled / held * held).min(buffer.len_bytes() - *filled);
                repeat(buffer, *filled, len, &last)?;
                *filled += len;
            }
        }
        Ok(())
    }

    /// How many bytes of a buffer are filled, or on their way.
    ///
    /// # Panics
    ///
    /// When there are not so many buffers.
    pub fn filled_bytes(&self, buffer: usize) -> usize {
        self.filled[buffer]
    }

    /// Returns what holds the buffers until all copies are done.
    ///
    /// # Errors
    ///
    /// What the driver reports; the buffers are dropped then.
    pub fn finish(mut self) -> Result<Uploaded, Error> {
        let done = self.last_stream().record()?;
        let outgrown = mem::take(&mut self.outgrown);
        Ok(Uploaded { buffers: Some(mem::take(&mut self.buffers)), outgrown, done })
    }

    fn copy(&self, run: &Run) -> Result<(), Error> {
        let device = self.stream.device();
        let target = self.buffers[run.buffer].address() + run.at as CUdeviceptr;
        let _current = device.enter()?;
        // SAFETY: the bytes lie in the slab and nobody writes them, since the source, which is owned
        // until the copy is done, lent its pieces to be read only; the target lies in the buffer, as
        // `Rows::push` or `Pieces::check` checked, which is owned as long. Both are of the stream's context.
        let code = unsafe {
            (device.functions().copy_to_device)(
                target,
                run.slab.at(run.offset).cast_const().cast(),
                run.len,
                self.stream.raw(),
            )
        };
        device.check("cuMemcpyHtoDAsync", code)
    }
}

impl<'source, 'upload> Rows<'source, 'upload> {
    fn new(upload: &'upload Upload) -> Self {
        let ends = upload.filled.clone();
        Self { upload, runs: Vec::new(), ends, overflow: None, source: PhantomData }
    }

    /// Has a piece copied behind what its buffer holds already.
    ///
    /// # Panics
    ///
    /// When there are not so many buffers.
    pub fn push(&mut self, buffer: usize, piece: &'source PinnedPiece) {
        let (at, len) = (self.ends[buffer], piece.len());
        let (end, buffer_bytes) = (at + len, self.upload.buffers[buffer].len_bytes());
        if end > buffer_bytes {
            let error = Error::TooLong { buffer, asked_bytes: end, buffer_bytes };
            self.overflow.get_or_insert(error);
            return;
        }
        self.ends[buffer] = end;
        let (slab, offset) = (piece.slab(), piece.offset());
        let latest = self.runs.iter_mut().rev().find(|run| run.buffer == buffer);
        match latest {
            Some(run) if Arc::ptr_eq(&run.slab, slab) && run.offset + run.len == offset => {
                run.len += len;
            }
            _ => self.runs.push(Run { buffer, at, slab: Arc::clone(slab), offset, len }),
        }
    }
}

impl Uploaded {
    /// Whether the buffers are full.
    ///
    /// # Errors
    ///
    /// When a copy failed, as far as the driver tells.
    pub fn is_done(&self) -> Result<bool, Error> {
        self.done.is_done()
    }

    /// Waits for the copies and returns the buffers.
    ///
    /// # Errors
    ///
    /// When a copy failed. The buffers are leaked then, since nobody can say what is still written.
    pub fn wait(mut self) -> Result<Vec<DeviceBuffer>, Error> {
        // On an error they are still there, and `drop` knows what to do with them.
        self.done.wait()?;
        Ok(self.buffers.take().unwrap_or_default())
    }
}

impl<S> Held<S> {
    /// Whether the source has been read.
    ///
    /// # Errors
    ///
    /// When a copy failed, as far as the driver tells.
    pub fn is_done(&self) -> Result<bool, Error> {
        self.done.is_done()
    }

    /// Waits for the copies of this source, and returns it with the time that they took.
    ///
    /// # Errors
    ///
    /// When a copy failed. The source is dropped then, and the pinned memory that it had is leaked,
    /// since nobody can say what is still read.
    pub fn wait(self) -> Result<(S, Duration), Error> {
        self.wait_all()
            .map(|(source, HeldTimes { copying, computing })| (source, copying + computing))
    }

    /// As [`wait`](Self::wait), with what was computed apart from what was copied.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_all(mut self) -> Result<(S, HeldTimes), Error> {
        // On an error it is still there, and `drop` knows what to do with it.
        self.done.wait()?;
        let (copied, started) = match &self.copied {
            Some((copied, started)) => (copied, started),
            None => (&self.done, &self.done),
        };
        let times = HeldTimes {
            copying: copied.elapsed_since(&self.begun)?,
            computing: self.done.elapsed_since(started)?,
        };
        let source = self.source.take().expect("nothing but this takes it, and this takes `self`");
        Ok((source, times))
    }
}

impl<S> Drop for Held<S> {
    fn drop(&mut self) {
        // The source itself may go in any case: the device only reads, and only what the slabs keep.
        if self.source.is_some() && self.done.wait().is_err() {
            mem::forget(mem::take(&mut self.slabs));
        }
    }
}

impl Drop for Uploaded {
    fn drop(&mut self) {
        if self.buffers.is_some() && self.done.wait().is_err() {
            mem::forget(self.buffers.take());
            mem::forget(mem::take(&mut self.outgrown));
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.buffers.is_empty() && self.synchronize().is_err() {
            mem::forget(mem::take(&mut self.buffers));
            mem::forget(mem::take(&mut self.outgrown));
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} filled to {:?}", self.buffers, self.filled)
    }
}

impl fmt::Debug for Uploaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} until {:?}", self.buffers, self.done)
    }
}

impl<S> fmt::Debug for Held<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("until", &self.done).finish_non_exhaustive()
    }
}

impl fmt::Debug for Rows<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} copies up to {:?}", self.runs.len(), self.ends)
    }
}

/// Copies the beginning of a buffer to `at`, as many bytes as are asked for; they do not overlap.
fn repeat(buffer: &DeviceBuffer, at: usize, len: usize, stream: &Stream) -> Result<(), Error> {
    let device = stream.device();
    let (source, target) = (buffer.address(), buffer.address() + at as CUdeviceptr);
    let _current = device.enter()?;
    // SAFETY: both ranges lie in the buffer, whose owner waits for the stream before it lets go.
    let code = unsafe { (device.functions().copy_on_device)(target, source, len, stream.raw()) };
    device.check("cuMemcpyDtoDAsync", code)
}

#[cfg(test)]
mod tests;
