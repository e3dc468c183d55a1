//! Streams and events. All work is done when it is asked for, so streams are empty and recorded events have happened.

use std::ffi::{c_int, c_uint, c_void};
use std::ptr;
use std::time::Instant;

use super::error::{Code, INVALID_HANDLE};
use super::{Driver, answer, done, driver_with_context};

/// The handles of the default stream: the usual one, the legacy one, and the thread's.
const DEFAULT_STREAMS: [usize; 3] = [0, 1, 2];

/// The first handle that is given out.
const FIRST_HANDLE: usize = 0x1000;

impl Driver {
    fn handle(&mut self) -> usize {
        self.last_handle = self.last_handle.max(FIRST_HANDLE) + 0x10;
        self.last_handle
    }

    fn stream(&self, stream: *mut c_void) -> Result<(), Code> {
        let known =
            DEFAULT_STREAMS.contains(&stream.addr()) || self.streams.contains(&stream.addr());
        if known { Ok(()) } else { Err(INVALID_HANDLE) }
    }

    fn event(&mut self, event: *mut c_void) -> Result<&mut Option<Instant>, Code> {
        self.events.get_mut(&event.addr()).ok_or(INVALID_HANDLE)
    }
}

/// `cuStreamCreate`.
#[unsafe(export_name = "cuStreamCreate")]
unsafe extern "C" fn create_stream(stream: *mut *mut c_void, _flags: c_uint) -> Code {
    let created = driver_with_context().map(|mut driver| {
        let handle = driver.handle();
        driver.streams.insert(handle);
        ptr::without_provenance_mut(handle)
    });
    // SAFETY: the application passes the address of a handle.
    unsafe { answer(stream, created) }
}

/// `cuStreamCreateWithPriority`.
#[unsafe(export_name = "cuStreamCreateWithPriority")]
unsafe extern "C" fn create_stream_with_priority(
    stream: *mut *mut c_void,
    flags: c_uint,
    _priority: c_int,
) -> Code {
    // SAFETY: the application passes the address of a handle.
    unsafe { create_stream(stream, flags) }
}

/// `cuStreamDestroy_v2`.
#[unsafe(export_name = "cuStreamDestroy_v2")]
extern "C" fn destroy_stream(stream: *mut c_void) -> Code {
    done(driver_with_context().and_then(|mut driver| {
        if driver.streams.remove(&stream.addr()) { Ok(()) } else { Err(INVALID_HANDLE) }
    }))
}

/// `cuStreamSynchronize`.
#[unsafe(export_name = "cuStreamSynchronize")]
extern "C" fn synchronize_stream(stream: *mut c_void) -> Code {
    done(driver_with_context().and_then(|driver| driver.stream(stream)))
}

/// `cuStreamQuery`.
#[unsafe(export_name = "cuStreamQuery")]
extern "C" fn query_stream(stream: *mut c_void) -> Code {
    synchronize_stream(stream)
}

/// `cuStreamWaitEvent`.
#[unsafe(export_name = "cuStreamWaitEvent")]
extern "C" fn wait_for_event(stream: *mut c_void, event: *mut c_void, _flags: c_uint) -> Code {
    done(driver_with_context().and_then(|mut driver| {
        driver.stream(stream)?;
        driver.event(event).map(|_| ())
    }))
}

/// `cuLaunchHostFunc`.
#[unsafe(export_name = "cuLaunchHostFunc")]
unsafe extern "C" fn launch_host_function(
    stream: *mut c_void,
    function: Option<unsafe extern "C" fn(*mut c_void)>,
    data: *mut c_void,
) -> Code {
    if let Err(code) = driver_with_context().and_then(|driver| driver.stream(stream)) {
        return code;
    }
    if let Some(function) = function {
        // SAFETY: the application wants its function called with its data; no lock is held.
        unsafe { function(data) }
    }
    super::error::SUCCESS
}

/// `cuEventCreate`.
#[unsafe(export_name = "cuEventCreate")]
unsafe extern "C" fn create_event(event: *mut *mut c_void, _flags: c_uint) -> Code {
    let created = driver_with_context().map(|mut driver| {
        let handle = driver.handle();
        driver.events.insert(handle, None);
        ptr::without_provenance_mut(handle)
    });
    // SAFETY: the application passes the address of a handle.
    unsafe { answer(event, created) }
}

/// `cuEventDestroy_v2`.
#[unsafe(export_name = "cuEventDestroy_v2")]
extern "C" fn destroy_event(event: *mut c_void) -> Code {
    done(driver_with_context().and_then(|mut driver| {
        driver.events.remove(&event.addr()).map(|_| ()).ok_or(INVALID_HANDLE)
    }))
}

/// `cuEventRecord`.
#[unsafe(export_name = "cuEventRecord")]
extern "C" fn record_event(event: *mut c_void, stream: *mut c_void) -> Code {
    done(driver_with_context().and_then(|mut driver| {
        driver.stream(stream)?;
        *driver.event(event)? = Some(Instant::now());
        Ok(())
    }))
}

/// `cuEventSynchronize`.
#[unsafe(export_name = "cuEventSynchronize")]
extern "C" fn synchronize_event(event: *mut c_void) -> Code {
    done(driver_with_context().and_then(|mut driver| driver.event(event).map(|_| ())))
}

/// `cuEventQuery`.
#[unsafe(export_name = "cuEventQuery")]
extern "C" fn query_event(event: *mut c_void) -> Code {
    synchronize_event(event)
}

/// `cuEventElapsedTime_v2`.
#[unsafe(export_name = "cuEventElapsedTime_v2")]
unsafe extern "C" fn elapsed(ms: *mut f32, start: *mut c_void, end: *mut c_void) -> Code {
    let between = driver_with_context().and_then(|mut driver| {
        let start = driver.event(start)?.ok_or(INVALID_HANDLE)?;
        let end = driver.event(end)?.ok_or(INVALID_HANDLE)?;
        Ok(end.saturating_duration_since(start).as_secs_f32() * 1000.0)
    });
    // SAFETY: the application passes the address of a float.
    unsafe { answer(ms, between) }
}

/// `cuEventElapsedTime`.
#[unsafe(export_name = "cuEventElapsedTime")]
unsafe extern "C" fn elapsed_v1(ms: *mut f32, start: *mut c_void, end: *mut c_void) -> Code {
    // SAFETY: the application passes the address of a float.
    unsafe { elapsed(ms, start, end) }
}
