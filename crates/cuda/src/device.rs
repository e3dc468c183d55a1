//! Devices and their contexts.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use cudarc::driver::sys::{CUcontext, CUdevice, CUdevice_attribute};

use crate::driver::{Code, Driver, Functions};
use crate::error::Error;

/// A GPU, with its primary context retained; a handle that is cheap to clone.
///
/// The context is released with the last handle and the last piece of memory, stream or event on it.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

/// How much memory a device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceMemory {
    /// Not in use by anyone.
    pub free_bytes: usize,
    /// All of it.
    pub total_bytes: usize,
}

struct Inner {
    driver: Driver,
    ordinal: u32,
    device: CUdevice,
    context: CUcontext,
    name: String,
}

// SAFETY: the pointer is the driver's handle of a context, which each call makes current on its own thread for its own
// duration. Contexts are tied to no thread ("That context may then be made current to a
// different CPU thread by calling cuCtxPushCurrent()", CUDA Driver API, cuCtxPopCurrent).
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// While it lives, the device's context is current on this thread; then again what was before.
#[must_use = "the context is current no longer than this lives"]
pub(crate) struct Current<'device> {
    device: &'device Device,
    /// What it undoes is this thread's.
    not_send: PhantomData<*const ()>,
}

impl Device {
    /// Opens a GPU by its number, counted from 0 among those that are visible.
    ///
    /// # Errors
    ///
    /// When there is no driver, as [`Driver::load`]; as [`with_driver`](Self::with_driver).
    pub fn open(ordinal: u32) -> Result<Self, Error> {
        Self::with_driver(&Driver::load()?, ordinal)
    }

    /// Opens a GPU of a driver that is already loaded.
    ///
    /// # Errors
    ///
    /// [`Error::NoDevice`], [`Error::NoSuchDevice`], or what keeps the driver from making a context.
    pub fn with_driver(driver: &Driver, ordinal: u32) -> Result<Self, Error> {
        let count = driver.device_count()?;
        let number = match c_int::try_from(ordinal) {
            _ if count == 0 => return Err(Error::NoDevice),
            Ok(number) if ordinal < count => number,
            _ => return Err(Error::NoSuchDevice { ordinal, count }),
        };
        let mut device = 0;
        // SAFETY: the driver is initialised and writes one handle to a place of its own type.
        let code = unsafe { (driver.functions().device)(&raw mut device, number) };
        driver.check("cuDeviceGet", code)?;
        let name = name(driver, device)?;
        let mut context = ptr::null_mut();
        // SAFETY: the device is one of this driver's; the driver writes one handle.
        let code = unsafe { (driver.functions().retain_context)(&raw mut context, device) };
        driver.check("cuDevicePrimaryCtxRetain", code)?;
        Ok(Self(Arc::new(Inner { driver: driver.clone(), ordinal, device, context, name })))
    }

    /// Its number among those that are visible.
    pub fn ordinal(&self) -> u32 {
        self.0.ordinal
    }

    /// What the vendor calls it, for example `NVIDIA H200`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The driver that it was opened with.
    pub fn driver(&self) -> &Driver {
        &self.0.driver
    }

    /// Its compute capability, major and minor.
    ///
    /// # Errors
    ///
    /// When the driver does not say.
    pub fn compute_capability(&self) -> Result<(u32, u32), Error> {
        let major = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
        let minor = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
        Ok((self.attribute(major)?, self.attribute(minor)?))
    }

    /// Its memory at this moment.
    ///
    /// # Errors
    ///
    /// When the driver does not say.
    pub fn memory(&self) -> Result<DeviceMemory, Error> {
        let (mut free_bytes, mut total_bytes) = (0, 0);
        let current = self.enter()?;
        // SAFETY: the device's context is current; the driver writes two integers.
        let code =
            unsafe { (self.functions().memory_info)(&raw mut free_bytes, &raw mut total_bytes) };
        drop(current);
        self.check("cuMemGetInfo", code)?;
        Ok(DeviceMemory { free_bytes, total_bytes })
    }

    /// Runs `body` with the device's primary context current on this thread: it is then the device that
    /// CUDA's runtime, and TensorRT with it, uses here.
    ///
    /// # Errors
    ///
    /// What the driver reports; `body` does not run then.
    pub fn while_current<R>(&self, body: impl FnOnce() -> R) -> Result<R, Error> {
        let _current = self.enter()?;
        Ok(body())
    }

    /// Makes the device's context current on this thread for a while.
    pub(crate) fn enter(&self) -> Result<Current<'_>, Error> {
        // SAFETY: the context is retained as long as this handle.
        let code = unsafe { (self.functions().push_context)(self.0.context) };
        self.check("cuCtxPushCurrent", code)?;
        Ok(Current { device: self, not_send: PhantomData })
    }

    pub(crate) fn functions(&self) -> &Functions {
        self.0.driver.functions()
    }

    pub(crate) fn check(&self, call: &'static str, code: Code) -> Result<(), Error> {
        self.0.driver.check(call, code)
    }

    fn attribute(&self, attribute: CUdevice_attribute) -> Result<u32, Error> {
        let mut value = 0;
        // SAFETY: the device is one of this driver's; the driver writes one integer.
        let code = unsafe {
            (self.functions().device_attribute)(&raw mut value, attribute, self.0.device)
        };
        self.check("cuDeviceGetAttribute", code)?;
        Ok(u32::try_from(value).unwrap_or(0))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: it was retained once, when this was made. At the end of the process the driver may
        // be gone and say so; there is nothing left to do then.
        let _: Code = unsafe { (self.driver.functions().release_context)(self.device) };
    }
}

impl Drop for Current<'_> {
    fn drop(&mut self) {
        let mut context = ptr::null_mut();
        // SAFETY: what is popped was pushed by `enter` on this thread, since guards do not leave this
        // crate and end in the reverse order of their beginnings.
        let _: Code = unsafe { (self.device.functions().pop_context)(&raw mut context) };
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GPU {} ({})", self.ordinal(), self.name())
    }
}

fn name(driver: &Driver, device: CUdevice) -> Result<String, Error> {
    const LEN: c_int = 256;
    let mut name: [c_char; LEN as usize] = [0; LEN as usize];
    // SAFETY: the driver writes at most as many characters, the last of them a zero.
    let code = unsafe { (driver.functions().device_name)(name.as_mut_ptr(), LEN, device) };
    driver.check("cuDeviceGetName", code)?;
    // SAFETY: the array ends in a zero, the driver's or its own.
    Ok(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use crate::late;

    #[test]
    fn a_context_is_current_for_as_long_as_was_asked() {
        let (device, _) = late::device();
        assert!(!late::is_current());
        let inside = device.while_current(|| {
            // A call in between does not take it away.
            device.memory().unwrap();
            late::is_current()
        });
        assert_eq!((inside, late::is_current()), (Ok(true), false));
    }
}
