//! Reads what a calibrator's addresses point to.

use std::ffi::{c_int, c_uint, c_void};
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use crate::context::Context;
use crate::{driver, home};

/// The functions of a CUDA driver that reading takes.
#[derive(Clone, Copy)]
pub(crate) struct Driver {
    /// `cuInit`.
    initialize: unsafe extern "C" fn(c_uint) -> c_int,
    /// `cuCtxGetCurrent`.
    get_current: unsafe extern "C" fn(*mut *mut c_void) -> c_int,
    /// `cuCtxSetCurrent`.
    set_current: unsafe extern "C" fn(*mut c_void) -> c_int,
    /// `cuDevicePrimaryCtxRetain`.
    retain_primary: unsafe extern "C" fn(*mut *mut c_void, c_int) -> c_int,
    /// `cuDevicePrimaryCtxRelease_v2`.
    release_primary: unsafe extern "C" fn(c_int) -> c_int,
    /// `cuMemcpyDtoH_v2`.
    copy_to_host: unsafe extern "C" fn(*mut c_void, u64, usize) -> c_int,
}

/// Whose addresses a calibrator gives.
pub(crate) enum Memory {
    /// Those of this process.
    Host,
    /// Those of a CUDA driver.
    Device(Driver),
    /// Those of a CUDA driver that cannot be opened, for this reason.
    None(String),
}

impl Memory {
    pub(crate) fn new(context: &Context) -> Self {
        if context.host_pointers() {
            return Self::Host;
        }
        match context.home() {
            // A program that the double is linked into has its driver too.
            None => Self::Device(LINKED),
            Some(home) => installed(home)
                .map_or_else(|why| Self::None(why.clone()), |found| Self::Device(*found)),
        }
    }

    /// Copies so many bytes.
    pub(crate) fn read(&self, address: u64, n_bytes: usize) -> Result<Vec<u8>, String> {
        if address == 0 {
            return Err("there is no address".to_owned());
        }
        let mut bytes = vec![0_u8; n_bytes];
        match self {
            Self::Host => {
                let address = usize::try_from(address).map_err(|error| error.to_string())?;
                let source = ptr::with_exposed_provenance::<u8>(address);
                // SAFETY: the application says that its addresses are those of host memory, and vouches for a batch.
                unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(source, n_bytes) }
                Ok(bytes)
            }
            Self::Device(driver) => match driver.read(address, &mut bytes) {
                0 => Ok(bytes),
                code => Err(format!(
                    "the CUDA driver answers {code} for {n_bytes} bytes at {address:#x}"
                )),
            },
            Self::None(why) => Err(why.clone()),
        }
    }
}

impl Driver {
    /// Copies device memory, in the thread's context or else in the primary one of the first device, as programs of
    /// the CUDA runtime do; answers the driver's code.
    fn read(&self, address: u64, bytes: &mut [u8]) -> c_int {
        let mut current = ptr::null_mut();
        // SAFETY: every program may initialize the driver.
        let initialized = unsafe { (self.initialize)(0) };
        if initialized != 0 {
            return initialized;
        }
        // SAFETY: there is room for the handle.
        let found = unsafe { (self.get_current)(&raw mut current) };
        if found != 0 {
            return found;
        }
        if !current.is_null() {
            return self.copy(address, bytes);
        }
        let mut primary = ptr::null_mut();
        // SAFETY: there is room for the handle.
        let retained = unsafe { (self.retain_primary)(&raw mut primary, 0) };
        if retained != 0 {
            return retained;
        }
        // SAFETY: the context was just retained.
        let set = unsafe { (self.set_current)(primary) };
        let code = if set == 0 { self.copy(address, bytes) } else { set };
        // SAFETY: a thread may have no context.
        unsafe { (self.set_current)(ptr::null_mut()) };
        // SAFETY: the context was retained above.
        unsafe { (self.release_primary)(0) };
        code
    }

    fn copy(&self, address: u64, bytes: &mut [u8]) -> c_int {
        // SAFETY: the driver checks the address, and there is room for the bytes.
        unsafe { (self.copy_to_host)(bytes.as_mut_ptr().cast(), address, bytes.len()) }
    }

    /// The functions of an opened driver.
    fn of(library: &libloading::Library) -> Result<Self, libloading::Error> {
        /// # Safety
        /// The function that the library exports by this name has type `F`.
        unsafe fn find<F: Copy>(
            library: &libloading::Library,
            name: &str,
        ) -> Result<F, libloading::Error> {
            // SAFETY: the caller's promise.
            unsafe { library.get::<F>(name) }.map(|function| *function)
        }
        Ok(Self {
            // SAFETY: every CUDA driver has the function of this type.
            initialize: unsafe { find(library, "cuInit") }?,
            // SAFETY: as above.
            get_current: unsafe { find(library, "cuCtxGetCurrent") }?,
            // SAFETY: as above.
            set_current: unsafe { find(library, "cuCtxSetCurrent") }?,
            // SAFETY: as above.
            retain_primary: unsafe { find(library, "cuDevicePrimaryCtxRetain") }?,
            // SAFETY: as above.
            release_primary: unsafe { find(library, "cuDevicePrimaryCtxRelease_v2") }?,
            // SAFETY: as above.
            copy_to_host: unsafe { find(library, "cuMemcpyDtoH_v2") }?,
        })
    }
}

/// The driver that is linked into this program.
const LINKED: Driver = Driver {
    initialize: driver::initialize,
    get_current: driver::get_current,
    set_current: driver::set_current,
    retain_primary: driver::retain_primary,
    release_primary: driver::release_primary,
    copy_to_host: driver::copy_to_host,
};

/// The driver beside the library, or else the one that the system has; or why there is none.
fn installed(home: &Path) -> Result<&'static Driver, &'static String> {
    static FOUND: OnceLock<Result<Driver, String>> = OnceLock::new();
    let open = || {
        let beside = home.join(home::DRIVER);
        let path = if beside.exists() { beside } else { home::DRIVER.into() };
        // SAFETY: opening the CUDA driver is what every program that uses it does.
        let library = unsafe { libloading::Library::new(path) };
        // The driver is never closed, here as everywhere.
        Driver::of(Box::leak(Box::new(library?)))
    };
    FOUND.get_or_init(|| open().map_err(|error| error.to_string())).as_ref()
}
