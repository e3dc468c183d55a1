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
use crate::pinned::{PinnedSlot, Slab};
use crate::stream::Stream;

/// Buffers that are being filled, one source after another.
///
/// Dropping it waits.
pub struct Upload {
    stream: Stream,
    buffers: Vec<DeviceBuffer>,
    /// How far each buffer is filled.
    filled: Vec<usize>,
}

/// The device's end of a copy: buffers that are full once an event is done.
///
/// Dropping it waits.
pub struct Uploaded {
    /// Taken once, by what ends this.
    buffers: Option<Vec<DeviceBuffer>>,
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
    done: Event,
}

/// Which pieces of a source go into which buffers.
pub struct Rows<'source, 'upload> {
    upload: &'upload Upload,
    runs: Vec<Run>,
    /// How far each buffer would be filled.
    ends: Vec<usize>,
    overflow: Option<Error>,
    /// The pieces are the source's, and nobody else's.
    source: PhantomData<&'source PinnedSlot>,
}

/// Neighbouring pieces of one slab: one copy.
struct Run {
    buffer: usize,
    at: usize,
    slab: Arc<Slab>,
    offset: usize,
    len: usize,
}

impl Upload {
    /// Buffers to be filled from their beginnings, by copies in a stream.
    pub fn begin(stream: &Stream, buffers: Vec<DeviceBuffer>) -> Self {
        let filled = vec![0; buffers.len()];
        Self { stream: stream.clone(), buffers, filled }
    }

    /// Copies pieces of `source` behind what the buffers hold already, and returns what holds the
    /// source meanwhile. Pieces that lie one behind the other are one copy.
    ///
    /// `plan` says which pieces, all of them the source's own. Nothing is copied if one of them does
    /// not fit.
    ///
    /// ```compile_fail
    /// # use calibrant_cuda::{Error, PinnedSlot, Upload};
    /// # fn f(mut upload: Upload, source: Vec<PinnedSlot>, another: PinnedSlot) -> Result<(), Error> {
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
                Ok(Held { source: Some(source), slabs, begun, done })
            }
            Err(error) => {
                // Some of it may be under way.
                if self.stream.synchronize().is_err() {
                    mem::forget(slabs);
                }
                Err(error)
            }
        }
    }

    /// Fills what is left of each buffer by repeating what it holds from its beginning. A buffer that
    /// holds nothing stays as it is.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    pub fn repeat_to_fill(&mut self) -> Result<(), Error> {
        for (buffer, filled) in self.buffers.iter().zip(&mut self.filled) {
            let held = *filled;
            while held > 0 && *filled < buffer.len_bytes() {
                // Whole rounds of what was there, so that its order goes on.
                let len = (*filled / held * held).min(buffer.len_bytes() - *filled);
                repeat(buffer, *filled, len, &self.stream)?;
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
        let done = self.stream.record()?;
        Ok(Uploaded { buffers: Some(mem::take(&mut self.buffers)), done })
    }

    fn copy(&self, run: &Run) -> Result<(), Error> {
        let device = self.stream.device();
        let target = self.buffers[run.buffer].address() + run.at as CUdeviceptr;
        let _current = device.enter()?;
        // SAFETY: the bytes lie in the slab and nobody writes them, since the source, which is owned
        // until the copy is done, lent its pieces to be read only; the target lies in the buffer, as
        // `Rows::push` checked, which is owned as long. Both are of the stream's context.
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
    pub fn push(&mut self, buffer: usize, slot: &'source PinnedSlot) {
        let (at, len) = (self.ends[buffer], slot.len());
        let (end, buffer_bytes) = (at + len, self.upload.buffers[buffer].len_bytes());
        if end > buffer_bytes {
            let error = Error::TooLong { buffer, asked_bytes: end, buffer_bytes };
            self.overflow.get_or_insert(error);
            return;
        }
        self.ends[buffer] = end;
        let (slab, offset) = (slot.slab(), slot.offset());
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
    pub fn wait(mut self) -> Result<(S, Duration), Error> {
        // On an error it is still there, and `drop` knows what to do with it.
        self.done.wait()?;
        let took = self.done.elapsed_since(&self.begun)?;
        let source = self.source.take().expect("nothing but this takes it, and this takes `self`");
        Ok((source, took))
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
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.buffers.is_empty() && self.stream.synchronize().is_err() {
            mem::forget(mem::take(&mut self.buffers));
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
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::late;

    /// Slots of `len` bytes, the i-th filled with i + 1.
    fn slots(device: &Device, count: usize, len: usize) -> Vec<PinnedSlot> {
        let mut slots = PinnedSlot::cut_slab(device, count, len).unwrap();
        slots.iter_mut().zip(1..).for_each(|(slot, value)| slot.fill(value));
        slots
    }

    fn upload(device: &Device, lens: &[usize]) -> (Stream, Upload) {
        let stream = Stream::new(device).unwrap();
        let buffers = lens.iter().map(|&len| DeviceBuffer::new(device, len).unwrap()).collect();
        (stream.clone(), Upload::begin(&stream, buffers))
    }

    fn content(buffer: &DeviceBuffer) -> Vec<u8> {
        let mut bytes = vec![0; buffer.len_bytes()];
        buffer.read(0, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn neighbours_are_one_copy_and_gaps_are_closed() {
        let (device, gpu) = late::device();
        let (_stream, mut upload) = upload(&device, &[12]);
        let cases: [(&'static [usize], usize); 3] = [(&[0, 1], 1), (&[3, 5], 2), (&[1, 0], 2)];
        for (chosen, n_copies) in cases {
            let before = gpu.copies();
            let held = upload.append(slots(&device, 6, 2), |source, rows| {
                chosen.iter().for_each(|&idx| rows.push(0, &source[idx]));
            });
            drop(held.unwrap());
            assert_eq!(gpu.copies() - before, n_copies, "{chosen:?}");
        }
        assert_eq!(upload.filled_bytes(0), 12);
        let buffers = upload.finish().unwrap().wait().unwrap();
        assert_eq!(content(&buffers[0]), [1, 1, 2, 2, 4, 4, 6, 6, 2, 2, 1, 1]);
    }

    /// Pieces of two slabs are two copies, also where the slabs happen to touch.
    #[test]
    fn each_input_has_its_own_buffer_and_its_own_runs() {
        let (device, gpu) = late::device();
        let (_stream, mut upload) = upload(&device, &[6, 3]);
        let source: Vec<_> = slots(&device, 3, 2).into_iter().zip(slots(&device, 3, 1)).collect();
        let held = upload.append(source, |source, rows| {
            for (wide, narrow) in source {
                rows.push(0, wide);
                rows.push(1, narrow);
            }
        });
        let held = held.unwrap();
        let buffers = upload.finish().unwrap().wait().unwrap();
        assert_eq!(gpu.copies(), 2);
        assert_eq!(content(&buffers[0]), [1, 1, 2, 2, 3, 3]);
        assert_eq!(content(&buffers[1]), [1, 2, 3]);
        let (source, took) = held.wait().unwrap();
        assert_eq!((source.len(), took), (3, Duration::from_millis(2)));
    }

    /// Each end waits by itself, in any order and when dropped; the driver of these tests ends the
    /// process if it did not.
    #[test]
    fn both_ends_keep_their_memory_until_the_copy_is_done() {
        type End = fn(Uploaded, Held<Vec<PinnedSlot>>);
        let ends: [End; 4] = [
            |uploaded, held| drop((uploaded, held)),
            |uploaded, held| drop((held, uploaded)),
            |uploaded, held| drop((uploaded.wait().unwrap(), held)),
            |uploaded, held| drop((held.wait().unwrap(), uploaded)),
        ];
        for end in ends {
            let (device, gpu) = late::device();
            let (stream, mut upload) = upload(&device, &[4]);
            let held = upload.append(slots(&device, 4, 1), |source, rows| {
                source.iter().for_each(|slot| rows.push(0, slot));
            });
            let held = held.unwrap();
            let uploaded = upload.finish().unwrap();
            drop(stream);
            end(uploaded, held);
            assert_eq!((gpu.pinned_bytes(), gpu.allocated_bytes()), (0, 0));
        }
    }

    #[test]
    fn a_copy_is_done_when_it_is_done() {
        let (device, _) = late::device();
        let (stream, mut upload) = upload(&device, &[1]);
        let held = upload.append(slots(&device, 1, 1), |it, rows| rows.push(0, &it[0])).unwrap();
        let uploaded = upload.finish().unwrap();
        assert_eq!((held.is_done(), uploaded.is_done()), (Ok(false), Ok(false)));
        stream.synchronize().unwrap();
        assert_eq!((held.is_done(), uploaded.is_done()), (Ok(true), Ok(true)));
    }

    #[test]
    fn an_upload_that_is_given_up_waits_for_what_it_began() {
        let (device, gpu) = late::device();
        let (_stream, mut upload) = upload(&device, &[2]);
        let held = upload.append(slots(&device, 1, 1), |it, rows| rows.push(0, &it[0])).unwrap();
        drop(upload);
        assert_eq!(held.is_done(), Ok(true));
        assert_eq!(gpu.allocated_bytes(), 0);
    }

    #[test]
    fn what_is_left_repeats_what_is_there() {
        let cases: [(usize, &[u8]); 4] = [
            (1, &[1, 1, 1, 1, 1, 1, 1]),
            (2, &[1, 2, 1, 2, 1, 2, 1]),
            (3, &[1, 2, 3, 1, 2, 3, 1]),
            (5, &[1, 2, 3, 4, 5, 1, 2]),
        ];
        for (count, expected) in cases {
            let (device, _) = late::device();
            let (_stream, mut upload) = upload(&device, &[7, 3]);
            let held = upload.append(slots(&device, count, 1), |it, rows| {
                it.iter().for_each(|slot| rows.push(0, slot));
            });
            upload.repeat_to_fill().unwrap();
            assert_eq!((upload.filled_bytes(0), upload.filled_bytes(1)), (7, 0));
            let buffers = upload.finish().unwrap().wait().unwrap();
            assert_eq!(content(&buffers[0]), expected);
            drop(held.unwrap());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_copied() {
        let (device, gpu) = late::device();
        let (_stream, mut upload) = upload(&device, &[3]);
        let outcome = upload.append(slots(&device, 2, 2), |it, rows| {
            it.iter().for_each(|slot| rows.push(0, slot));
        });
        let expected = Error::TooLong { buffer: 0, asked_bytes: 4, buffer_bytes: 3 };
        assert_eq!(outcome.unwrap_err(), expected);
        assert_eq!((gpu.copies(), gpu.pinned_bytes(), upload.filled_bytes(0)), (0, 0, 0));
    }

    #[test]
    fn a_copy_that_fails_waits_for_those_before_and_says_why() {
        let (device, gpu) = late::device();
        let (_stream, mut upload) = upload(&device, &[4]);
        gpu.fail_after(1);
        let outcome = upload.append(slots(&device, 4, 1), |it, rows| {
            rows.push(0, &it[0]);
            rows.push(0, &it[2]);
        });
        assert_eq!(
            outcome.unwrap_err().to_string(),
            "cuMemcpyHtoDAsync failed with an unknown error (700): an illegal address"
        );
        assert_eq!((gpu.copies(), gpu.pinned_bytes()), (1, 0), "what is unused is freed");
    }

    /// Nobody can say what a broken device still reads and writes, so none of that memory is freed. But
    /// its owner is dropped, who may be waited for.
    #[test]
    fn a_broken_context_leaks_the_memory_under_way() {
        let (device, gpu) = late::device();
        let (_stream, mut upload) = upload(&device, &[1]);
        let owner = Arc::new(());
        let source = (slots(&device, 1, 1), Arc::clone(&owner));
        let held = upload.append(source, |it, rows| rows.push(0, &it.0[0])).unwrap();
        let uploaded = upload.finish().unwrap();
        gpu.break_down();
        assert!(uploaded.wait().is_err());
        assert!(held.wait().is_err());
        assert_eq!((gpu.pinned_bytes(), gpu.allocated_bytes()), (1, 1));
        assert_eq!(Arc::strong_count(&owner), 1);
    }

    #[test]
    fn another_stream_can_wait_for_an_event() {
        let (device, gpu) = late::device();
        let (stream, mut upload) = upload(&device, &[1]);
        let held = upload.append(slots(&device, 1, 1), |it, rows| rows.push(0, &it[0])).unwrap();
        let other = Stream::new(&device).unwrap();
        other.wait_for(&stream.record().unwrap()).unwrap();
        other.synchronize().unwrap();
        assert_eq!(held.is_done(), Ok(true));
        assert_eq!(gpu.copies(), 1);
    }
}
