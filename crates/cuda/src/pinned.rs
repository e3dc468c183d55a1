//! Memory of the host that a device can read without the host's help.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

use crate::device::Device;
use crate::driver::{Code, code};
use crate::error::Error;

/// A piece of a slab: bytes of pinned memory that nobody else has.
///
/// The pieces of one slab lie one behind the other without a gap, so that several neighbours are one
/// copy. The slab is freed with its last piece.
pub struct PinnedPiece {
    slab: Arc<Slab>,
    offset: usize,
    len: usize,
}

/// Numbers that a [`PinnedPiece`] can hold.
pub trait Element: sealed::Sealed + Copy {}

mod sealed {
    /// Types without padding whose every bit pattern is a value.
    pub trait Sealed {}
}

/// One allocation of pinned memory.
pub(crate) struct Slab {
    device: Device,
    base: NonNull<u8>,
}

// SAFETY: the memory is the allocation's alone and tied to no thread; what is in it is reached through
// the pieces, each of which has a range of its own.
unsafe impl Send for Slab {}
// SAFETY: as above; a shared slab gives nothing but its address.
unsafe impl Sync for Slab {}

impl PinnedPiece {
    /// Allocates a slab of zeros and cuts it into `count` pieces of `len_bytes`, in order.
    ///
    /// A slab begins at a page. A piece is therefore aligned for a type if its length is a multiple of
    /// the type's size.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfPinnedMemory`]; [`Error::Call`] for no bytes.
    pub fn cut_slab(device: &Device, count: usize, len_bytes: usize) -> Result<Vec<Self>, Error> {
        let slab = Arc::new(Slab::new(device, count.saturating_mul(len_bytes))?);
        let piece = |idx| Self { slab: Arc::clone(&slab), offset: idx * len_bytes, len: len_bytes };
        Ok((0..count).map(piece).collect())
    }

    /// What it holds as numbers of type `T`; `None` unless they are whole and aligned.
    pub fn values<T: Element>(&self) -> Option<&[T]> {
        // SAFETY: every bit pattern is a value of an element, and a slice of bytes is as good as one of
        // elements where it is aligned for them.
        match unsafe { self.align_to() } {
            ([], values, []) => Some(values),
            _ => None,
        }
    }

    /// As [`values`](Self::values), to be written.
    pub fn values_mut<T: Element>(&mut self) -> Option<&mut [T]> {
        // SAFETY: as in `values`, and every element is a pattern of bytes.
        match unsafe { self.align_to_mut() } {
            ([], values, []) => Some(values),
            _ => None,
        }
    }

    /// Whether it lies right behind another, without a gap, in the same slab.
    pub fn is_behind(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.slab, &other.slab) && other.offset + other.len == self.offset
    }

    pub(crate) fn slab(&self) -> &Arc<Slab> {
        &self.slab
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    fn as_ptr(&self) -> *mut u8 {
        self.slab.at(self.offset)
    }
}

impl Slab {
    pub(crate) fn new(device: &Device, bytes: usize) -> Result<Self, Error> {
        /// Pinned for the contexts of all devices.
        const PORTABLE: u32 = 1;
        let mut base = ptr::null_mut();
        let current = device.enter()?;
        // SAFETY: the device's context is current; the driver writes one address.
        let code = unsafe { (device.functions().allocate_pinned)(&raw mut base, bytes, PORTABLE) };
        drop(current);
        if code == code::OUT_OF_MEMORY {
            return Err(Error::OutOfPinnedMemory { asked_bytes: bytes });
        }
        device.check("cuMemHostAlloc", code)?;
        let Some(base) = NonNull::new(base.cast::<u8>()) else {
            return Err(Error::OutOfPinnedMemory { asked_bytes: bytes });
        };
        // SAFETY: the driver has just given this many bytes, and nobody else has them.
        unsafe { ptr::write_bytes(base.as_ptr(), 0, bytes) };
        Ok(Self { device: device.clone(), base })
    }

    /// The address of a byte, which lies in the slab.
    pub(crate) fn at(&self, offset: usize) -> *mut u8 {
        self.base.as_ptr().wrapping_add(offset)
    }
}

impl Deref for PinnedPiece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the range lies in the slab, which lives as long as this piece; its bytes were
        // written when it was made; and they are this piece's alone, so that nobody changes them while
        // it is borrowed.
        unsafe { slice::from_raw_parts(self.as_ptr(), self.len) }
    }
}

impl DerefMut for PinnedPiece {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; and while this piece is borrowed to be written, nobody reads it.
        unsafe { slice::from_raw_parts_mut(self.as_ptr(), self.len) }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // Where the context cannot be made current it is gone, and what it pinned with it.
        if let Ok(_current) = self.device.enter() {
            let base = self.base.as_ptr().cast();
            // SAFETY: the memory came from `cuMemHostAlloc`, and nothing uses it any more: copies own
            // the pieces that they read until they are done.
            let _: Code = unsafe { (self.device.functions().free_pinned)(base) };
        }
    }
}

impl fmt::Debug for PinnedPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pinned bytes at {:p}", self.len, self.as_ptr())
    }
}

macro_rules! elements {
    ($($element:ty),*) => {$(
        impl sealed::Sealed for $element {}
        impl Element for $element {}
    )*};
}

elements!(u8, i16, u32, i32, i64, f32);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::late;

    #[test]
    fn pieces_lie_one_behind_the_other_and_are_zero() {
        let (device, _) = late::device();
        let pieces = PinnedPiece::cut_slab(&device, 3, 12).unwrap();
        let addresses: Vec<_> = pieces.iter().map(|it| it.as_ptr() as usize).collect();
        assert_eq!(addresses, [0, 12, 24].map(|offset| addresses[0] + offset));
        assert!(pieces.iter().all(|it| it.iter().all(|&byte| byte == 0) && it.len() == 12));
    }

    #[test]
    fn a_piece_is_its_owners_alone() {
        let (device, gpu) = late::device();
        let mut pieces = PinnedPiece::cut_slab(&device, 3, 8).unwrap();
        let threads: Vec<_> = pieces
            .drain(..)
            .zip(1..)
            .map(|(mut piece, value)| std::thread::spawn(move || (piece.fill(value), piece).1))
            .collect();
        for (thread, value) in threads.into_iter().zip(1..) {
            assert_eq!(*thread.join().unwrap(), [value; 8]);
        }
        assert_eq!(gpu.pinned_bytes(), 0, "freed with the last piece");
    }

    #[test]
    fn the_slab_goes_with_its_last_piece() {
        let (device, gpu) = late::device();
        let mut pieces = PinnedPiece::cut_slab(&device, 2, 8).unwrap();
        drop(pieces.pop());
        assert_eq!(gpu.pinned_bytes(), 16);
        drop(pieces);
        assert_eq!(gpu.pinned_bytes(), 0);
    }

    #[test]
    fn numbers_are_whole_and_aligned_or_none() {
        let (device, _) = late::device();
        let mut pieces = PinnedPiece::cut_slab(&device, 2, 12).unwrap();
        pieces[1].values_mut::<f32>().unwrap().copy_from_slice(&[1.0, -2.0, 0.5]);
        assert_eq!(pieces[1].values::<f32>().unwrap(), [1.0, -2.0, 0.5]);
        assert_eq!(pieces[1].values::<i32>().unwrap()[0], 0x3f80_0000);
        assert_eq!(pieces[1][..4], 1.0_f32.to_ne_bytes());
        assert_eq!(pieces[0].values::<i64>(), None, "twelve bytes are one and a half");
        assert_eq!(
            pieces[1].values_mut::<i64>(),
            None,
            "and the second piece is not aligned either"
        );
        assert_eq!(pieces[0].values::<u8>().unwrap().len(), 12);
    }

    #[test]
    fn too_much_says_how_much_was_asked() {
        let (device, _) = late::device();
        for (count, len) in [(1 << 40, 1 << 20), (usize::MAX, 2)] {
            let asked_bytes = count.saturating_mul(len);
            assert_eq!(
                PinnedPiece::cut_slab(&device, count, len).unwrap_err(),
                Error::OutOfPinnedMemory { asked_bytes }
            );
        }
    }
}
