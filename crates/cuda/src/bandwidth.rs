//! What the bus between host and device can do.

use std::mem;

use crate::buffer::DeviceBuffer;
use crate::device::Device;
use crate::error::Error;
use crate::pinned::Slab;
use crate::stream::Stream;

/// Bytes per second that bare copies of `len_bytes` from pinned memory reach, `count` of them one
/// after another, as the device's own clock tells: the bound for everything that feeds it.
///
/// # Errors
///
/// When there is not so much memory; what the driver reports.
pub fn upload_rate(device: &Device, len_bytes: usize, count: u32) -> Result<f64, Error> {
    let lane = Lane {
        stream: Stream::new(device)?,
        memory: Some((Slab::new(device, len_bytes)?, DeviceBuffer::new(device, len_bytes)?)),
    };
    // The first copy sets things up.
    lane.copy()?;
    let begun = lane.stream.record()?;
    for _ in 0..count {
        lane.copy()?;
    }
    let done = lane.stream.record()?;
    done.wait()?;
    Ok(len_bytes as f64 * f64::from(count) / done.elapsed_since(&begun)?.as_secs_f64())
}

/// A stream and the memory that it copies; the memory goes when the stream is through, or never.
struct Lane {
    stream: Stream,
    /// Taken on drop only.
    memory: Option<(Slab, DeviceBuffer)>,
}

impl Lane {
    fn copy(&self) -> Result<(), Error> {
        let Some((slab, buffer)) = &self.memory else { return Ok(()) };
        let device = self.stream.device();
        let (target, source) = (buffer.address(), slab.at(0).cast_const().cast());
        let _current = device.enter()?;
        // SAFETY: slab and buffer are as long as each other, of the stream's context, and kept until
        // the stream is through; nobody writes the slab.
        let code = unsafe {
            let copy = device.functions().copy_to_device;
            copy(target, source, buffer.len_bytes(), self.stream.raw())
        };
        device.check("cuMemcpyHtoDAsync", code)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if self.stream.synchronize().is_err() {
            mem::forget(self.memory.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::late;

    #[test]
    fn the_rate_is_that_of_the_devices_clock() {
        let (device, gpu) = late::device();
        // A copy takes a millisecond there.
        let rate = upload_rate(&device, 5000, 10).unwrap();
        assert!((rate - 5e6).abs() < 1.0, "{rate}");
        assert_eq!((gpu.copies(), gpu.allocated_bytes(), gpu.pinned_bytes()), (11, 0, 0));
    }
}
