//! The driver's library and its functions.
//!
//! The types are those of cudarc's generated bindings, and the compiler compares each signature below
//! with them. The library is opened here and not by cudarc, which panics where the library or a symbol
//! is missing, searches by names alone, and keeps results in an enum of the codes that its headers
//! knew: a newer driver's code would be undefined behaviour.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fmt;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;

use calibrant_search::led_astray;
use cudarc::driver::sys;
use libloading::Library;

use crate::error::{Attempt, Error};

/// The oldest CUDA whose driver has all functions below.
pub(crate) const OLDEST: CudaVersion = CudaVersion::from_raw(11_000);

/// Where the driver is looked for, in order. The loader's own search finds it everywhere but in the
/// Windows Subsystem for Linux, which keeps it apart.
const LIBRARIES: [&str; 3] = if cfg!(windows) {
    ["nvcuda.dll", "C:\\Windows\\System32\\nvcuda.dll", "C:\\Windows\\System32\\nvcuda64.dll"]
} else {
    ["libcuda.so.1", "libcuda.so", "/usr/lib/wsl/lib/libcuda.so.1"]
};

/// CUDA's driver, opened.
///
/// Its library is never closed: the driver has threads and exit handlers of its own, and nothing says
/// when the last of them is gone.
#[derive(Clone)]
pub struct Driver(Arc<Inner>);

struct Inner {
    library: PathBuf,
    version: CudaVersion,
    functions: Functions,
}

/// A version of CUDA, for example 12.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CudaVersion(c_int);

/// What the driver's functions return: 0 for success, else an error that only the driver can name.
pub(crate) type Code = u32;

/// The codes that mean something here.
pub(crate) mod code {
    use super::Code;

    pub(crate) const SUCCESS: Code = 0;
    pub(crate) const OUT_OF_MEMORY: Code = 2;
    pub(crate) const NO_DEVICE: Code = 100;
    pub(crate) const NOT_READY: Code = 600;
}

/// Declares the table of functions, looks each up by its symbol, and has the compiler compare its
/// arguments with the generated binding of that name.
macro_rules! functions {
    ($($field:ident: $symbol:ident($($argument:ty),*);)*) => {
        /// The driver's functions. What each does and demands is in the vendor's driver API reference
        /// under its symbol.
        pub(crate) struct Functions {
            $(pub(crate) $field: unsafe extern "C" fn($($argument),*) -> Code,)*
            /// What runs programs, where the driver has it: copies do without.
            pub(crate) programs: Option<ProgramFunctions>,
            pub(crate) error_name: ErrorText,
            pub(crate) error_text: ErrorText,
        }

        impl Functions {
            fn look_up(library: &Library, path: &Path) -> Result<Self, Error> {
                Ok(Self {
                    // SAFETY: the symbol's type is the generated binding's, as the compiler checks
                    // below, but for the code, which is an integer of the same size.
                    $($field: unsafe { symbol(library, path, stringify!($symbol)) }?,)*
                    programs: ProgramFunctions::look_up(library, path).ok(),
                    // SAFETY: cuda.h declares it so, with an enum of this size for the code.
                    error_name: unsafe { symbol(library, path, "cuGetErrorName") }?,
                    // SAFETY: as above.
                    error_text: unsafe { symbol(library, path, "cuGetErrorString") }?,
                })
            }
        }

        $(const _: unsafe fn($($argument),*) -> sys::CUresult = sys::$symbol;)*
    };
}

functions! {
    init: cuInit(c_uint);
    driver_version: cuDriverGetVersion(*mut c_int);
    device_count: cuDeviceGetCount(*mut c_int);
    device: cuDeviceGet(*mut sys::CUdevice, c_int);
    device_name: cuDeviceGetName(*mut c_char, c_int, sys::CUdevice);
    device_attribute: cuDeviceGetAttribute(*mut c_int, sys::CUdevice_attribute, sys::CUdevice);
    retain_context: cuDevicePrimaryCtxRetain(*mut sys::CUcontext, sys::CUdevice);
    release_context: cuDevicePrimaryCtxRelease_v2(sys::CUdevice);
    push_context: cuCtxPushCurrent_v2(sys::CUcontext);
    pop_context: cuCtxPopCurrent_v2(*mut sys::CUcontext);
    memory_info: cuMemGetInfo_v2(*mut usize, *mut usize);
    allocate: cuMemAlloc_v2(*mut sys::CUdeviceptr, usize);
    free: cuMemFree_v2(sys::CUdeviceptr);
    allocate_pinned: cuMemHostAlloc(*mut *mut c_void, usize, c_uint);
    free_pinned: cuMemFreeHost(*mut c_void);
    copy_to_device: cuMemcpyHtoDAsync_v2(sys::CUdeviceptr, *const c_void, usize, sys::CUstream);
    copy_to_host: cuMemcpyDtoH_v2(*mut c_void, sys::CUdeviceptr, usize);
    copy_on_device: cuMemcpyDtoDAsync_v2(sys::CUdeviceptr, sys::CUdeviceptr, usize, sys::CUstream);
    create_stream: cuStreamCreate(*mut sys::CUstream, c_uint);
    destroy_stream: cuStreamDestroy_v2(sys::CUstream);
    synchronize_stream: cuStreamSynchronize(sys::CUstream);
    stream_wait: cuStreamWaitEvent(sys::CUstream, sys::CUevent, c_uint);
    create_event: cuEventCreate(*mut sys::CUevent, c_uint);
    destroy_event: cuEventDestroy_v2(sys::CUevent);
    record_event: cuEventRecord(sys::CUevent, sys::CUstream);
    query_event: cuEventQuery(sys::CUevent);
    synchronize_event: cuEventSynchronize(sys::CUevent);
    elapsed_ms: cuEventElapsedTime(*mut f32, sys::CUevent, sys::CUevent);
}

/// What runs programs. The stand-ins for the driver that tests use have none of it.
pub(crate) struct ProgramFunctions {
    pub(crate) load_module: LoadModule,
    pub(crate) module_function: ModuleFunction,
    pub(crate) launch: LaunchKernel,
}

pub(crate) type LoadModule = unsafe extern "C" fn(*mut sys::CUmodule, *const c_void) -> Code;
pub(crate) type ModuleFunction =
    unsafe extern "C" fn(*mut sys::CUfunction, sys::CUmodule, *const c_char) -> Code;
pub(crate) type LaunchKernel = unsafe extern "C" fn(
    sys::CUfunction,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    sys::CUstream,
    *mut *mut c_void,
    *mut *mut c_void,
) -> Code;

const _: unsafe fn(*mut sys::CUmodule, *const c_void) -> sys::CUresult = sys::cuModuleLoadData;
const _: unsafe fn(*mut sys::CUfunction, sys::CUmodule, *const c_char) -> sys::CUresult =
    sys::cuModuleGetFunction;

impl ProgramFunctions {
    fn look_up(library: &Library, path: &Path) -> Result<Self, Error> {
        Ok(Self {
            // SAFETY: the type is the generated binding's, as the compiler checks above, but for the
            // code, which is an integer of the same size.
            load_module: unsafe { symbol(library, path, "cuModuleLoadData") }?,
            // SAFETY: as above.
            module_function: unsafe { symbol(library, path, "cuModuleGetFunction") }?,
            // SAFETY: cuda.h declares it so: the function, three sizes of the grid and three of a
            // block, bytes of shared memory, the stream, the arguments and further options.
            launch: unsafe { symbol(library, path, "cuLaunchKernel") }?,
        })
    }
}

/// Takes any integer for a code, so that a code of tomorrow's can be asked about.
pub(crate) type ErrorText = unsafe extern "C" fn(Code, *mut *const c_char) -> Code;

impl Driver {
    /// Opens the driver that the system's loader finds, and initialises it.
    ///
    /// # Errors
    ///
    /// [`Error::NoDriver`], [`Error::MissingSymbol`], [`Error::DriverTooOld`], [`Error::NoDevice`], or
    /// whatever else keeps the driver from starting.
    pub fn load() -> Result<Self, Error> {
        // SAFETY: a library of these names is NVIDIA's driver: the loader finds it where the system's administrator or
        // the driver's installer put it, and bare names that lead to the current folder are refused.
        unsafe { Self::load_first(LIBRARIES.map(Path::new).as_slice()) }
    }

    /// Opens the driver in a file, and initialises it.
    ///
    /// # Safety
    ///
    /// The file is CUDA's driver, or a stand-in for it that does as the driver's reference says.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub unsafe fn load_from(library: &Path) -> Result<Self, Error> {
        // SAFETY: the caller's promise.
        unsafe { Self::load_first(&[library]) }
    }

    /// The newest CUDA that the driver supports.
    pub fn version(&self) -> CudaVersion {
        self.0.version
    }

    /// The file that was opened, or the bare name that the loader found.
    pub fn library(&self) -> &Path {
        &self.0.library
    }

    /// How many devices there are.
    ///
    /// # Errors
    ///
    /// When the driver cannot count.
    pub fn device_count(&self) -> Result<u32, Error> {
        let mut count = 0;
        // SAFETY: the driver writes one integer to a place of its own type.
        let code = unsafe { (self.functions().device_count)(&raw mut count) };
        self.check("cuDeviceGetCount", code)?;
        Ok(u32::try_from(count).unwrap_or(0))
    }

    pub(crate) fn functions(&self) -> &Functions {
        &self.0.functions
    }

    /// What a code means, as an error unless it means success.
    pub(crate) fn check(&self, call: &'static str, code: Code) -> Result<(), Error> {
        match code {
            code::SUCCESS => Ok(()),
            code => Err(self.functions().failure(call, code)),
        }
    }

    /// Opens the first of these that opens.
    ///
    /// # Safety
    ///
    /// Each is CUDA's driver, or does as its reference says.
    unsafe fn load_first(libraries: &[&Path]) -> Result<Self, Error> {
        let mut tried = Vec::new();
        for &path in libraries {
            if let Some(found) = led_astray(path) {
                tried.push(Attempt::astray(path, &found));
                continue;
            }
            // SAFETY: the caller's promise.
            match unsafe { Library::new(path) } {
                Ok(library) => return Self::start(library, path),
                Err(error) => tried.push(Attempt::failed(path, &error)),
            }
        }
        Err(Error::NoDriver { tried })
    }

    fn start(library: Library, path: &Path) -> Result<Self, Error> {
        let library = ManuallyDrop::new(library);
        Self::initialise(Functions::look_up(&library, path)?, path)
    }

    pub(crate) fn initialise(functions: Functions, path: &Path) -> Result<Self, Error> {
        let mut version = 0;
        // SAFETY: the driver writes one integer to a place of its own type; this call alone may come
        // before `cuInit`.
        let code = unsafe { (functions.driver_version)(&raw mut version) };
        let version = CudaVersion::from_raw(version);
        if code == code::SUCCESS && version < OLDEST {
            return Err(Error::DriverTooOld { library: path.to_owned(), found: version });
        }
        // SAFETY: it may be called at any time, again as well; it takes no flags yet.
        match unsafe { (functions.init)(0) } {
            code::SUCCESS => {}
            code::NO_DEVICE => return Err(Error::NoDevice),
            code => return Err(functions.failure("cuInit", code)),
        }
        Ok(Self(Arc::new(Inner { library: path.to_owned(), version, functions })))
    }
}

impl Functions {
    fn failure(&self, call: &'static str, code: Code) -> Error {
        let name = describe(self.error_name, code).unwrap_or_else(|| "an unknown error".to_owned());
        let text = describe(self.error_text, code).unwrap_or_else(|| "no description".to_owned());
        Error::Call { call, code, name, text }
    }
}

impl CudaVersion {
    /// A version as CUDA writes it in an integer: 1000 × major + 10 × minor.
    pub const fn from_raw(version: c_int) -> Self {
        Self(version)
    }
}

impl fmt::Display for CudaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 1000, self.0 % 1000 / 10)
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for CUDA {}", self.library().display(), self.version())
    }
}

/// Looks a function up.
///
/// # Safety
///
/// The symbol, where the library has it, is a function of type `F`.
pub(crate) unsafe fn symbol<F: Copy>(
    library: &Library,
    path: &Path,
    name: &'static str,
) -> Result<F, Error> {
    // SAFETY: the caller's promise.
    match unsafe { library.get::<F>(name) } {
        Ok(function) => Ok(*function),
        Err(_) => Err(Error::MissingSymbol { library: path.to_owned(), symbol: name }),
    }
}

/// A text of the driver's about a code, where it knows the code.
fn describe(function: ErrorText, code: Code) -> Option<String> {
    let mut text = ptr::null();
    // SAFETY: any integer may be asked about; the driver writes one pointer.
    let outcome = unsafe { function(code, &raw mut text) };
    if outcome != code::SUCCESS || text.is_null() {
        return None;
    }
    // SAFETY: on success the driver gives a C string that lives as long as itself.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::late;

    #[test]
    fn a_driver_that_is_not_there_names_what_was_tried() {
        let nowhere = Path::new("/nowhere/libcuda.so.1");
        // SAFETY: there is nothing.
        let outcome = unsafe { Driver::load_from(nowhere) };
        let Err(Error::NoDriver { tried }) = outcome else { panic!("there is no such file") };
        assert_eq!(tried.len(), 1);
        assert_eq!(tried[0].library, nowhere);
        assert!(tried[0].reason.contains("nowhere"), "the loader's words: {}", tried[0].reason);
    }

    /// Libraries of the process's own that are no drivers.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_library_that_is_no_driver_says_what_it_lacks() {
        let library = Path::new("libc.so.6");
        let expected = Error::MissingSymbol { library: library.to_owned(), symbol: "cuInit" };
        // SAFETY: it is looked at and not called, for want of the driver's functions.
        let outcome = unsafe { Driver::load_from(library) };
        assert_eq!(outcome.unwrap_err(), expected);
        assert_eq!(
            expected.to_string(),
            "libc.so.6 has no symbol cuInit: it is not the library that its name says, or too \
             old a one"
        );
    }

    #[test]
    fn a_driver_that_cannot_serve_says_why() {
        unsafe extern "C" fn old(version: *mut c_int) -> Code {
            // SAFETY: the caller's place.
            unsafe { *version = 10_020 };
            code::SUCCESS
        }
        unsafe extern "C" fn no_device(_: c_uint) -> Code {
            code::NO_DEVICE
        }
        unsafe extern "C" fn stub(_: c_uint) -> Code {
            34
        }
        unsafe extern "C" fn none(count: *mut c_int) -> Code {
            // SAFETY: the caller's place.
            unsafe { *count = 0 };
            code::SUCCESS
        }
        let (path, late) = (Path::new("late"), late::functions);
        let start = |functions| Driver::initialise(functions, path).map(drop);
        let (library, found) = (path.to_owned(), CudaVersion::from_raw(10_020));
        let too_old = Error::DriverTooOld { library, found };
        assert_eq!(start(Functions { driver_version: old, ..late() }), Err(too_old));
        assert_eq!(start(Functions { init: no_device, ..late() }), Err(Error::NoDevice));
        let error = start(Functions { init: stub, ..late() }).unwrap_err();
        assert_eq!(error.to_string(), "cuInit failed with an unknown error (34): something else");

        let driver = Driver::initialise(Functions { device_count: none, ..late() }, path).unwrap();
        assert_eq!(Device::with_driver(&driver, 0).unwrap_err(), Error::NoDevice);
        let driver = Driver::initialise(late(), path).unwrap();
        for ordinal in [1, u32::MAX] {
            let expected = Error::NoSuchDevice { ordinal, count: 1 };
            assert_eq!(Device::with_driver(&driver, ordinal).unwrap_err(), expected);
        }
    }

    #[test]
    fn versions_read_as_the_vendor_writes_them() {
        for (raw, text) in [(11_000, "11.0"), (12_080, "12.8"), (13_000, "13.0")] {
            assert_eq!(CudaVersion::from_raw(raw).to_string(), text);
        }
    }
}
