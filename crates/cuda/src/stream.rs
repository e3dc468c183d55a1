//! Streams: what is put into one runs in order.

use std::fmt;
use std::ptr;
use std::sync::Arc;

use cudarc::driver::sys::{CUstream, CUstream_flags_enum};

use crate::device::Device;
use crate::driver::Code;
use crate::error::Error;
use crate::event::Event;

/// The driver's handle of a stream, `CUstream`.
pub type RawStream = CUstream;

/// A stream of its own, which runs beside the default stream and all others; a handle that is cheap to
/// clone.
#[derive(Clone)]
pub struct Stream(Arc<Inner>);

struct Inner {
    device: Device,
    stream: CUstream,
}

// SAFETY: the pointer is the driver's handle of a stream of the device's context, which is current whenever it is used.
// Contexts are tied to no thread ("That context may then be made current to a different CPU thread by calling
// cuCtxPushCurrent()", CUDA Driver API, cuCtxPopCurrent), and what lies in them is used by whichever has them.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Stream {
    /// A new stream.
    ///
    /// # Errors
    ///
    /// When the driver makes none.
    pub fn new(device: &Device) -> Result<Self, Error> {
        let _current = device.enter()?;
        let mut stream = ptr::null_mut();
        let flags = CUstream_flags_enum::CU_STREAM_NON_BLOCKING as u32;
        // SAFETY: the device's context is current; the driver writes one handle.
        let code = unsafe { (device.functions().create_stream)(&raw mut stream, flags) };
        device.check("cuStreamCreate", code)?;
        Ok(Self(Arc::new(Inner { device: device.clone(), stream })))
    }

    /// The device that it runs on.
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    /// Puts a new event into the stream.
    ///
    /// # Errors
    ///
    /// When the driver makes none.
    pub fn record(&self) -> Result<Event, Error> {
        Event::record(self)
    }

    /// Has what is put into this stream from now on wait for an event of any other.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    pub fn wait_for(&self, event: &Event) -> Result<(), Error> {
        let _current = self.device().enter()?;
        // SAFETY: stream and event are alive; there are no flags yet.
        let code = unsafe { (self.device().functions().stream_wait)(self.raw(), event.raw(), 0) };
        self.device().check("cuStreamWaitEvent", code)
    }

    /// Waits until everything that was put into the stream is done.
    ///
    /// # Errors
    ///
    /// When some of it failed, as far as the driver tells.
    pub fn synchronize(&self) -> Result<(), Error> {
        let _current = self.device().enter()?;
        // SAFETY: the stream is alive.
        let code = unsafe { (self.device().functions().synchronize_stream)(self.raw()) };
        self.device().check("cuStreamSynchronize", code)
    }

    /// The driver's handle, for libraries that put work into streams by themselves. It lives as long as this does.
    pub fn raw(&self) -> RawStream {
        self.0.stream
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Where the context cannot be made current it is gone, and its streams with it.
        if let Ok(_current) = self.device.enter() {
            // SAFETY: the stream is ours and not used again; what is still in it runs to its end.
            let _: Code = unsafe { (self.device.functions().destroy_stream)(self.stream) };
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {:p} of {:?}", self.raw(), self.device())
    }
}
