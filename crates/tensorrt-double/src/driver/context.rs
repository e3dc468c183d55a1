//! Initialization, the one device, and contexts.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr;

use super::error::{Code, INVALID_CONTEXT, INVALID_DEVICE, INVALID_VALUE, SUCCESS};
use super::{CONTEXTS, DRIVER, answer, current, done, driver, driver_with_context};
use crate::context::lock;

/// The version that the driver reports: CUDA 12.8.
const VERSION: c_int = 12_080;

/// The name of the device.
const NAME: &[u8] = b"tensorrt-double\0";

/// The handle of the device's primary context.
const PRIMARY: usize = 0xD0B1;

/// How much memory the device has.
pub(super) const TOTAL_BYTES: usize = 16 << 30;

/// A device attribute and its value; all others are 0.
const ATTRIBUTES: [(c_int, c_int); 9] = [
    (1, 1024), // threads a block
    (10, 32),  // threads a warp
    (16, 132), // multiprocessors
    (19, 1),   // host memory can be mapped
    (31, 1),   // kernels run side by side
    (40, 2),   // copy engines
    (41, 1),   // one address space with the host
    (75, 9),   // compute capability, major
    (115, 1),  // memory pools
];

/// `cuInit`.
#[unsafe(export_name = "cuInit")]
pub(crate) extern "C" fn initialize(flags: c_uint) -> Code {
    if flags != 0 {
        return INVALID_VALUE;
    }
    lock(&DRIVER).get_or_insert_default().initialized = true;
    SUCCESS
}

/// `cuDriverGetVersion`.
#[unsafe(export_name = "cuDriverGetVersion")]
unsafe extern "C" fn version(version: *mut c_int) -> Code {
    // SAFETY: the application passes the address of an integer.
    unsafe { answer(version, Ok(VERSION)) }
}

/// `cuDeviceGetCount`.
#[unsafe(export_name = "cuDeviceGetCount")]
unsafe extern "C" fn device_count(count: *mut c_int) -> Code {
    // SAFETY: the application passes the address of an integer.
    unsafe { answer(count, driver().map(|_| 1)) }
}

/// `cuDeviceGet`.
#[unsafe(export_name = "cuDeviceGet")]
unsafe extern "C" fn device(device: *mut c_int, ordinal: c_int) -> Code {
    // SAFETY: the application passes the address of an integer.
    unsafe { answer(device, of_device(ordinal, 0)) }
}

/// An answer about the one device.
fn of_device<T>(device: c_int, value: T) -> Result<T, Code> {
    driver()?;
    if device == 0 { Ok(value) } else { Err(INVALID_DEVICE) }
}

/// `cuDeviceGetName`.
#[unsafe(export_name = "cuDeviceGetName")]
unsafe extern "C" fn device_name(name: *mut c_char, room: c_int, device: c_int) -> Code {
    let room = usize::try_from(room).unwrap_or(0);
    if name.is_null() || room == 0 {
        return INVALID_VALUE;
    }
    let n_bytes = NAME.len().min(room);
    if let Err(code) = of_device(device, ()) {
        return code;
    }
    // A name that is cut off ends in a zero byte too.
    let mut bytes = NAME[..n_bytes].to_vec();
    bytes[n_bytes - 1] = 0;
    // SAFETY: the application says how much room there is.
    unsafe { name.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), n_bytes) }
    SUCCESS
}

/// `cuDeviceGetUuid_v2`.
#[unsafe(export_name = "cuDeviceGetUuid_v2")]
unsafe extern "C" fn device_uuid(uuid: *mut [u8; 16], device: c_int) -> Code {
    // SAFETY: the application passes the address of a UUID.
    unsafe { answer(uuid, of_device(device, *b"tensorrt-double\0")) }
}

/// `cuDeviceGetUuid`.
#[unsafe(export_name = "cuDeviceGetUuid")]
unsafe extern "C" fn device_uuid_v1(uuid: *mut [u8; 16], device: c_int) -> Code {
    // SAFETY: the application passes the address of a UUID.
    unsafe { device_uuid(uuid, device) }
}

/// `cuDeviceTotalMem_v2`.
#[unsafe(export_name = "cuDeviceTotalMem_v2")]
unsafe extern "C" fn device_memory(bytes: *mut usize, device: c_int) -> Code {
    // SAFETY: the application passes the address of a size.
    unsafe { answer(bytes, of_device(device, TOTAL_BYTES)) }
}

/// `cuDeviceGetAttribute`.
#[unsafe(export_name = "cuDeviceGetAttribute")]
unsafe extern "C" fn device_attribute(value: *mut c_int, attribute: c_int, device: c_int) -> Code {
    let known = ATTRIBUTES.iter().find(|(known, _)| *known == attribute);
    let known = known.map_or(0, |&(_, value)| value);
    // SAFETY: the application passes the address of an integer.
    unsafe { answer(value, of_device(device, known)) }
}

/// `cuDevicePrimaryCtxRetain`.
#[unsafe(export_name = "cuDevicePrimaryCtxRetain")]
pub(crate) unsafe extern "C" fn retain_primary(context: *mut *mut c_void, device: c_int) -> Code {
    let handle = of_device(device, ptr::without_provenance_mut(PRIMARY));
    // SAFETY: the application passes the address of a handle.
    let code = unsafe { answer(context, handle) };
    if code == SUCCESS
        && let Ok(mut driver) = driver()
    {
        driver.contexts += 1;
    }
    code
}

/// `cuDevicePrimaryCtxRelease_v2`.
#[unsafe(export_name = "cuDevicePrimaryCtxRelease_v2")]
pub(crate) extern "C" fn release_primary(device: c_int) -> Code {
    done(of_device(device, ()).and_then(|()| {
        let mut driver = driver()?;
        driver.contexts = driver.contexts.checked_sub(1).ok_or(INVALID_CONTEXT)?;
        Ok(())
    }))
}

/// `cuDevicePrimaryCtxRelease`.
#[unsafe(export_name = "cuDevicePrimaryCtxRelease")]
extern "C" fn release_primary_v1(device: c_int) -> Code {
    release_primary(device)
}

/// The handle of a context that is alive, or 0 for none.
fn alive(context: *mut c_void) -> Result<usize, Code> {
    let handle = context.addr();
    let known = handle == 0 || (handle == PRIMARY && driver()?.contexts > 0);
    if known { Ok(handle) } else { Err(INVALID_CONTEXT) }
}

/// `cuCtxSetCurrent`.
#[unsafe(export_name = "cuCtxSetCurrent")]
pub(crate) extern "C" fn set_current(context: *mut c_void) -> Code {
    done(driver().map(drop).and_then(|()| alive(context)).map(|handle| {
        CONTEXTS.with_borrow_mut(|contexts| {
            contexts.pop();
            contexts.extend((handle != 0).then_some(handle));
        });
    }))
}

/// `cuCtxGetCurrent`.
#[unsafe(export_name = "cuCtxGetCurrent")]
pub(crate) unsafe extern "C" fn get_current(context: *mut *mut c_void) -> Code {
    let handle = driver().map(|_| ptr::without_provenance_mut(current()));
    // SAFETY: the application passes the address of a handle.
    unsafe { answer(context, handle) }
}

/// `cuCtxPushCurrent_v2`.
#[unsafe(export_name = "cuCtxPushCurrent_v2")]
extern "C" fn push_current(context: *mut c_void) -> Code {
    done(driver().map(drop).and_then(|()| alive(context)).and_then(|handle| {
        if handle == 0 {
            return Err(INVALID_CONTEXT);
        }
        CONTEXTS.with_borrow_mut(|contexts| contexts.push(handle));
        Ok(())
    }))
}

/// `cuCtxPopCurrent_v2`.
#[unsafe(export_name = "cuCtxPopCurrent_v2")]
unsafe extern "C" fn pop_current(context: *mut *mut c_void) -> Code {
    let popped = driver().and_then(|_| {
        CONTEXTS.with_borrow_mut(Vec::pop).map(ptr::without_provenance_mut).ok_or(INVALID_CONTEXT)
    });
    if context.is_null() {
        return done(popped.map(|_: *mut c_void| ()));
    }
    // SAFETY: the application passes the address of a handle.
    unsafe { answer(context, popped) }
}

/// `cuCtxGetDevice`.
#[unsafe(export_name = "cuCtxGetDevice")]
unsafe extern "C" fn current_device(device: *mut c_int) -> Code {
    // SAFETY: the application passes the address of an integer.
    unsafe { answer(device, driver_with_context().map(|_| 0)) }
}

/// `cuCtxSynchronize`.
#[unsafe(export_name = "cuCtxSynchronize")]
extern "C" fn synchronize() -> Code {
    done(driver_with_context().map(drop))
}

/// `cuCtxGetStreamPriorityRange`.
#[unsafe(export_name = "cuCtxGetStreamPriorityRange")]
unsafe extern "C" fn stream_priorities(least: *mut c_int, greatest: *mut c_int) -> Code {
    // SAFETY: the application passes the address of an integer.
    let code = unsafe { answer(least, driver_with_context().map(|_| 0)) };
    if code != SUCCESS {
        return code;
    }
    // SAFETY: the application passes the address of an integer.
    unsafe { answer(greatest, Ok(-5)) }
}
