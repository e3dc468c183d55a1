//! Points in a stream.

use std::fmt;
use std::ptr;
use std::time::Duration;

use cudarc::driver::sys::{CUevent, CUevent_flags_enum};

use crate::device::Device;
use crate::driver::{Code, code};
use crate::error::Error;
use crate::stream::Stream;

/// A point in a stream: it is done when everything put into the stream before it is.
///
/// Made by [`Stream::record`]. Waiting for it sleeps, and leaves the core to others.
pub struct Event {
    device: Device,
    event: CUevent,
}

// SAFETY: the pointer is the driver's handle of an event of the device's context, which is current whenever it is used.
// Contexts are tied to no thread ("That context may then be made current to a
// different CPU thread by calling cuCtxPushCurrent()", CUDA Driver API, cuCtxPopCurrent),
// and what lies in them is used by whichever has them.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl Event {
    pub(crate) fn record(stream: &Stream) -> Result<Self, Error> {
        let device = stream.device();
        let _current = device.enter()?;
        let mut event = ptr::null_mut();
        let flags = CUevent_flags_enum::CU_EVENT_BLOCKING_SYNC as u32;
        // SAFETY: the device's context is current; the driver writes one handle.
        let code = unsafe { (device.functions().create_event)(&raw mut event, flags) };
        device.check("cuEventCreate", code)?;
        let event = Self { device: device.clone(), event };
        // SAFETY: event and stream are alive and of the same context.
        let code = unsafe { (device.functions().record_event)(event.event, stream.raw()) };
        device.check("cuEventRecord", code)?;
        Ok(event)
    }

    /// Whether it is done.
    ///
    /// # Errors
    ///
    /// When something before it failed, as far as the driver tells.
    pub fn is_done(&self) -> Result<bool, Error> {
        let _current = self.device.enter()?;
        // SAFETY: the event is alive.
        match unsafe { (self.device.functions().query_event)(self.event) } {
            code::NOT_READY => Ok(false),
            code => self.device.check("cuEventQuery", code).map(|()| true),
        }
    }

    /// Waits until it is done.
    ///
    /// # Errors
    ///
    /// As [`is_done`](Self::is_done).
    pub fn wait(&self) -> Result<(), Error> {
        let _current = self.device.enter()?;
        // SAFETY: the event is alive.
        let code = unsafe { (self.device.functions().synchronize_event)(self.event) };
        self.device.check("cuEventSynchronize", code)
    }

    /// The time that the device took from `begin` to this, to about half a microsecond.
    ///
    /// # Errors
    ///
    /// When either is not done, or of another device.
    pub fn elapsed_since(&self, begin: &Self) -> Result<Duration, Error> {
        let _current = self.device.enter()?;
        let mut elapsed_ms = 0.0;
        // SAFETY: both events are alive and recorded; the driver writes one number.
        let code = unsafe {
            (self.device.functions().elapsed_ms)(&raw mut elapsed_ms, begin.event, self.event)
        };
        self.device.check("cuEventElapsedTime", code)?;
        Ok(Duration::try_from_secs_f64(f64::from(elapsed_ms) / 1e3).unwrap_or_default())
    }

    pub(crate) fn raw(&self) -> CUevent {
        self.event
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // Where the context cannot be made current it is gone, and its events with it.
        if let Ok(_current) = self.device.enter() {
            // SAFETY: the event is ours and not used again; the driver keeps what it still needs.
            let _: Code = unsafe { (self.device.functions().destroy_event)(self.event) };
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {:p} of {:?}", self.event, self.device)
    }
}
