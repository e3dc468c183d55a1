//! Device memory, pinned host memory, and copies between them.

use std::ffi::{c_int, c_uint, c_void};
use std::ptr;

use super::context::TOTAL_BYTES;
use super::error::{Code, ILLEGAL_ADDRESS, INVALID_VALUE, OUT_OF_MEMORY};
use super::{Driver, Faults, Pinned, answer, done, driver_with_context};

/// Where device memory begins: addresses that no process has, so that host code cannot mistake them for its own.
const BASE: u64 = 1 << 56;

/// What device addresses are multiples of, as the driver documents.
const ALIGNMENT: u64 = 256;

/// What the addresses of pinned memory are multiples of.
const PAGE: usize = 4096;

impl Driver {
    fn device_bytes(&self) -> u64 {
        self.device.values().map(|memory| memory.len() as u64).sum()
    }

    fn allocate(&mut self, n_bytes: usize) -> Result<u64, Code> {
        if n_bytes == 0 {
            return Err(INVALID_VALUE);
        }
        let there_is = Faults::current().out_of_memory_after.unwrap_or(TOTAL_BYTES as u64);
        let then = self.device_bytes() + n_bytes as u64;
        if then > there_is {
            return Err(OUT_OF_MEMORY);
        }
        let mut memory = Vec::new();
        memory.try_reserve_exact(n_bytes).map_err(|_| OUT_OF_MEMORY)?;
        // What the application did not write, it must not take for zeros.
        memory.resize(n_bytes, 0xA5);
        let address = BASE + self.used;
        self.used = (self.used + n_bytes as u64).next_multiple_of(ALIGNMENT) + ALIGNMENT;
        self.device.insert(address, memory);
        self.most_device_bytes = self.most_device_bytes.max(then);
        Ok(address)
    }

    fn free(&mut self, address: u64) -> Result<(), Code> {
        if address == 0 {
            return Ok(());
        }
        self.device.remove(&address).map(drop).ok_or(INVALID_VALUE)
    }

    /// So many bytes at a device address.
    fn at(&mut self, address: u64, n_bytes: usize) -> Result<&mut [u8], Code> {
        let (start, memory) =
            self.device.range_mut(..=address).next_back().ok_or(ILLEGAL_ADDRESS)?;
        let offset = usize::try_from(address - start).map_err(|_| ILLEGAL_ADDRESS)?;
        let end = offset.checked_add(n_bytes).ok_or(ILLEGAL_ADDRESS)?;
        memory.get_mut(offset..end).ok_or(ILLEGAL_ADDRESS)
    }

    /// Checks that a copy is not the one that fails.
    fn may_copy(&self) -> Result<(), Code> {
        let most = Faults::current().copies_fail_after;
        if most.is_some_and(|most| self.copies >= most) { Err(ILLEGAL_ADDRESS) } else { Ok(()) }
    }

    /// Counts a copy that was to be asynchronous, if its host memory is not pinned.
    fn count_pageable(&mut self, host: *const c_void, n_bytes: usize) {
        let address = host.addr();
        let pinned = self.pinned.range(..=address).next_back();
        let is_pinned =
            pinned.is_some_and(|(start, pinned)| address + n_bytes <= start + pinned.n_bytes);
        self.pageable_copies += u64::from(!is_pinned);
    }
}

/// `cuMemGetInfo_v2`.
#[unsafe(export_name = "cuMemGetInfo_v2")]
unsafe extern "C" fn info(free: *mut usize, total: *mut usize) -> Code {
    let used = match driver_with_context() {
        Ok(driver) => usize::try_from(driver.device_bytes()).unwrap_or(usize::MAX),
        Err(code) => return code,
    };
    // SAFETY: the application passes the address of a size.
    match unsafe { answer(free, Ok(TOTAL_BYTES.saturating_sub(used))) } {
        // SAFETY: the application passes the address of a size.
        0 => unsafe { answer(total, Ok(TOTAL_BYTES)) },
        code => code,
    }
}

/// `cuMemAlloc_v2`.
#[unsafe(export_name = "cuMemAlloc_v2")]
pub(super) unsafe extern "C" fn allocate(address: *mut u64, n_bytes: usize) -> Code {
    let allocated = driver_with_context().and_then(|mut driver| driver.allocate(n_bytes));
    // SAFETY: the application passes the address of a device address.
    unsafe { answer(address, allocated) }
}

/// `cuMemAllocAsync`.
#[unsafe(export_name = "cuMemAllocAsync")]
unsafe extern "C" fn allocate_async(
    address: *mut u64,
    n_bytes: usize,
    _stream: *mut c_void,
) -> Code {
    // SAFETY: the application passes the address of a device address.
    unsafe { allocate(address, n_bytes) }
}

/// `cuMemFree_v2`.
#[unsafe(export_name = "cuMemFree_v2")]
pub(super) extern "C" fn free(address: u64) -> Code {
    done(driver_with_context().and_then(|mut driver| driver.free(address)))
}

/// `cuMemFreeAsync`.
#[unsafe(export_name = "cuMemFreeAsync")]
extern "C" fn free_async(address: u64, _stream: *mut c_void) -> Code {
    free(address)
}

/// `cuMemHostAlloc`.
#[unsafe(export_name = "cuMemHostAlloc")]
unsafe extern "C" fn allocate_pinned(
    address: *mut *mut c_void,
    n_bytes: usize,
    _flags: c_uint,
) -> Code {
    let allocated = driver_with_context().and_then(|mut driver| {
        if n_bytes == 0 {
            return Err(INVALID_VALUE);
        }
        // Pinned memory comes in pages.
        let mut own = Vec::new();
        own.try_reserve_exact(n_bytes + PAGE).map_err(|_| OUT_OF_MEMORY)?;
        own.resize(n_bytes + PAGE, 0xA5_u8);
        let offset = own.as_ptr().align_offset(PAGE);
        let address: *mut c_void = own[offset..].as_mut_ptr().cast();
        driver.pinned.insert(address.addr(), Pinned { n_bytes, own: Some(own) });
        Ok(address)
    });
    // SAFETY: the application passes the address of a pointer.
    unsafe { answer(address, allocated) }
}

/// `cuMemAllocHost_v2`.
#[unsafe(export_name = "cuMemAllocHost_v2")]
unsafe extern "C" fn allocate_host(address: *mut *mut c_void, n_bytes: usize) -> Code {
    // SAFETY: the application passes the address of a pointer.
    unsafe { allocate_pinned(address, n_bytes, 0) }
}

/// `cuMemFreeHost`.
#[unsafe(export_name = "cuMemFreeHost")]
extern "C" fn free_pinned(address: *mut c_void) -> Code {
    forget_pinned(address, true)
}

/// `cuMemHostRegister_v2`.
#[unsafe(export_name = "cuMemHostRegister_v2")]
extern "C" fn register(address: *mut c_void, n_bytes: usize, _flags: c_uint) -> Code {
    done(driver_with_context().and_then(|mut driver| {
        if address.is_null() || n_bytes == 0 || driver.pinned.contains_key(&address.addr()) {
            return Err(INVALID_VALUE);
        }
        driver.pinned.insert(address.addr(), Pinned { n_bytes, own: None });
        Ok(())
    }))
}

/// `cuMemHostUnregister`.
#[unsafe(export_name = "cuMemHostUnregister")]
extern "C" fn unregister(address: *mut c_void) -> Code {
    forget_pinned(address, false)
}

/// Ends the life of pinned memory that is, or is not, the driver's own.
fn forget_pinned(address: *mut c_void, own: bool) -> Code {
    done(driver_with_context().and_then(|mut driver| {
        let found =
            driver.pinned.get(&address.addr()).is_some_and(|pinned| pinned.own.is_some() == own);
        if !found {
            return Err(INVALID_VALUE);
        }
        driver.pinned.remove(&address.addr());
        Ok(())
    }))
}

/// `cuMemcpyHtoD_v2`.
#[unsafe(export_name = "cuMemcpyHtoD_v2")]
pub(super) unsafe extern "C" fn copy_to_device(
    target: u64,
    source: *const c_void,
    n_bytes: usize,
) -> Code {
    done(driver_with_context().and_then(|mut driver| {
        driver.may_copy()?;
        let target = driver.at(target, n_bytes)?;
        // SAFETY: the application vouches for its host memory, and the device memory has as many bytes.
        unsafe { ptr::copy_nonoverlapping(source.cast(), target.as_mut_ptr(), n_bytes) }
        driver.copies += 1;
        Ok(())
    }))
}

/// `cuMemcpyHtoDAsync_v2`.
#[unsafe(export_name = "cuMemcpyHtoDAsync_v2")]
unsafe extern "C" fn copy_to_device_async(
    target: u64,
    source: *const c_void,
    n_bytes: usize,
    _stream: *mut c_void,
) -> Code {
    if let Ok(mut driver) = driver_with_context() {
        driver.count_pageable(source, n_bytes);
    }
    // SAFETY: the application's promise about its memory.
    unsafe { copy_to_device(target, source, n_bytes) }
}

/// `cuMemcpyDtoH_v2`.
#[unsafe(export_name = "cuMemcpyDtoH_v2")]
pub(crate) unsafe extern "C" fn copy_to_host(
    target: *mut c_void,
    source: u64,
    n_bytes: usize,
) -> c_int {
    done(driver_with_context().and_then(|mut driver| {
        driver.may_copy()?;
        let source = driver.at(source, n_bytes)?;
        // SAFETY: the application vouches for its host memory, and the device memory has as many bytes.
        unsafe { ptr::copy_nonoverlapping(source.as_ptr(), target.cast(), n_bytes) }
        driver.copies += 1;
        Ok(())
    }))
}

/// `cuMemcpyDtoHAsync_v2`.
#[unsafe(export_name = "cuMemcpyDtoHAsync_v2")]
unsafe extern "C" fn copy_to_host_async(
    target: *mut c_void,
    source: u64,
    n_bytes: usize,
    _stream: *mut c_void,
) -> Code {
    if let Ok(mut driver) = driver_with_context() {
        driver.count_pageable(target, n_bytes);
    }
    // SAFETY: the application's promise about its memory.
    unsafe { copy_to_host(target, source, n_bytes) }
}

/// `cuMemcpyDtoD_v2`.
#[unsafe(export_name = "cuMemcpyDtoD_v2")]
extern "C" fn copy_on_device(target: u64, source: u64, n_bytes: usize) -> Code {
    done(driver_with_context().and_then(|mut driver| {
        let bytes = driver.at(source, n_bytes)?.to_vec();
        driver.at(target, n_bytes)?.copy_from_slice(&bytes);
        Ok(())
    }))
}

/// `cuMemcpyDtoDAsync_v2`.
#[unsafe(export_name = "cuMemcpyDtoDAsync_v2")]
extern "C" fn copy_on_device_async(
    target: u64,
    source: u64,
    n_bytes: usize,
    _stream: *mut c_void,
) -> Code {
    copy_on_device(target, source, n_bytes)
}

/// `cuMemsetD8_v2`.
#[unsafe(export_name = "cuMemsetD8_v2")]
extern "C" fn fill(target: u64, byte: u8, n_bytes: usize) -> Code {
    done(driver_with_context().and_then(|mut driver| {
        driver.at(target, n_bytes)?.fill(byte);
        Ok(())
    }))
}

/// `cuMemsetD8Async`.
#[unsafe(export_name = "cuMemsetD8Async")]
extern "C" fn fill_async(target: u64, byte: u8, n_bytes: usize, _stream: *mut c_void) -> Code {
    fill(target, byte, n_bytes)
}
