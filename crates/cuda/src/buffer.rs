//! Memory of a device.

use std::fmt;

use cudarc::driver::sys::CUdeviceptr;

use crate::device::Device;
use crate::driver::{Code, code};
use crate::error::Error;
use crate::pinned::Element;

/// Memory of a device, freed on drop.
///
/// Whoever has one in hand knows that no copy of this crate is under way in it.
pub struct DeviceBuffer {
    device: Device,
    address: CUdeviceptr,
    bytes: usize,
}

impl DeviceBuffer {
    /// Memory of this many bytes, with any content; aligned for every type.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfDeviceMemory`]; [`Error::Call`] for no bytes.
    pub fn new(device: &Device, bytes: usize) -> Result<Self, Error> {
        let mut address = 0;
        let current = device.enter()?;
        // SAFETY: the device's context is current; the driver writes one address.
        let code = unsafe { (device.functions().allocate)(&raw mut address, bytes) };
        drop(current);
        if code == code::OUT_OF_MEMORY {
            return Err(out_of_memory(device, bytes));
        }
        device.check("cuMemAlloc", code)?;
        Ok(Self { device: device.clone(), address, bytes })
    }

    /// Where it lies, in the device's address space.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// How long it is.
    pub fn len_bytes(&self) -> usize {
        self.bytes
    }

    /// The device that it belongs to.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// As [`read`](Self::read), of numbers: `offset` counts numbers as well.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_values<T: Element>(&self, offset: usize, out: &mut [T]) -> Result<(), Error> {
        // SAFETY: an element has no padding, and every pattern of bytes is one.
        let (_, bytes, _) = unsafe { out.align_to_mut::<u8>() };
        self.read(offset.saturating_mul(size_of::<T>()), bytes)
    }

    /// Copies what lies at `offset_bytes` to the host, and waits for it.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] beyond the buffer's end; what the driver reports.
    pub fn read(&self, offset_bytes: usize, out: &mut [u8]) -> Result<(), Error> {
        let end = offset_bytes.saturating_add(out.len());
        if end > self.bytes {
            return Err(Error::TooLong { buffer: 0, asked_bytes: end, buffer_bytes: self.bytes });
        }
        let address = self.address + offset_bytes as CUdeviceptr;
        let current = self.device.enter()?;
        // SAFETY: as many bytes lie in the buffer, as just checked, and fit into the slice; the call
        // returns when they are there.
        let code = unsafe {
            (self.device.functions().copy_to_host)(out.as_mut_ptr().cast(), address, out.len())
        };
        drop(current);
        self.device.check("cuMemcpyDtoH", code)
    }
}

impl Drop for DeviceBuffer {
    fn drop(&mut self) {
        // Where the context cannot be made current it is gone, and its memory with it.
        if let Ok(_current) = self.device.enter() {
            // SAFETY: the memory came from `cuMemAlloc`, and nothing uses it any more: copies own
            // their buffers until they are done.
            let _: Code = unsafe { (self.device.functions().free)(self.address) };
        }
    }
}

impl fmt::Debug for DeviceBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes at {:#x} of {:?}", self.bytes, self.address, self.device)
    }
}

fn out_of_memory(device: &Device, asked_bytes: usize) -> Error {
    match device.memory() {
        Ok(memory) => Error::OutOfDeviceMemory {
            device: device.name().to_owned(),
            asked_bytes,
            free_bytes: memory.free_bytes,
            total_bytes: memory.total_bytes,
        },
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::late::{self, TOTAL_BYTES};

    #[test]
    fn memory_is_counted_and_given_back() {
        let (device, _) = late::device();
        let free = || device.memory().unwrap().free_bytes;
        let buffer = DeviceBuffer::new(&device, 1000).unwrap();
        assert_eq!(free(), TOTAL_BYTES - 1000);
        drop(buffer);
        assert_eq!(free(), TOTAL_BYTES);
    }

    #[test]
    fn too_much_says_how_much_was_asked_and_free() {
        let (device, _) = late::device();
        let _taken = DeviceBuffer::new(&device, 24).unwrap();
        assert_eq!(
            DeviceBuffer::new(&device, TOTAL_BYTES).unwrap_err(),
            Error::OutOfDeviceMemory {
                device: late::NAME.to_owned(),
                asked_bytes: TOTAL_BYTES,
                free_bytes: TOTAL_BYTES - 24,
                total_bytes: TOTAL_BYTES,
            }
        );
    }

    #[test]
    fn reading_beyond_the_end_is_refused() {
        let (device, _) = late::device();
        let buffer = DeviceBuffer::new(&device, 8).unwrap();
        for (offset, len) in [(0, 9), (8, 1), (usize::MAX, 1)] {
            let outcome = buffer.read(offset, &mut vec![0; len]);
            assert!(matches!(outcome, Err(Error::TooLong { .. })), "{offset} {len}: {outcome:?}");
        }
        assert_eq!(buffer.read(8, &mut []), Ok(()));
    }
}
