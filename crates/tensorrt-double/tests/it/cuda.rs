//! A small client of the CUDA driver.

use std::path::Path;

use libloading::Library;

/// An opened driver with its primary context current.
pub(crate) struct Cuda {
    library: Library,
}

impl Cuda {
    pub(crate) fn open(path: &Path) -> Self {
        // SAFETY: the file is the double's.
        let cuda = Self { library: unsafe { Library::new(path) }.unwrap() };
        let initialize = cuda.function::<unsafe extern "C" fn(u32) -> i32>("cuInit");
        // SAFETY: it takes a number.
        assert_eq!(unsafe { initialize(0) }, 0);
        let retain = cuda
            .function::<unsafe extern "C" fn(*mut usize, i32) -> i32>("cuDevicePrimaryCtxRetain");
        let mut context = 0;
        // SAFETY: there is room for the answer.
        assert_eq!(unsafe { retain(&raw mut context, 0) }, 0);
        let set_current = cuda.function::<unsafe extern "C" fn(usize) -> i32>("cuCtxSetCurrent");
        // SAFETY: it takes a handle.
        assert_eq!(unsafe { set_current(context) }, 0);
        cuda
    }

    /// The function that the driver exports by a name; `F` is its type.
    fn function<F: Copy>(&self, name: &str) -> F {
        // SAFETY: the callers in this file know the types.
        *unsafe { self.library.get::<F>(name) }.unwrap()
    }

    /// The address of new device memory, or the driver's code.
    pub(crate) fn allocate(&self, n_bytes: usize) -> Result<u64, i32> {
        let allocate =
            self.function::<unsafe extern "C" fn(*mut u64, usize) -> i32>("cuMemAlloc_v2");
        let mut address = 0;
        // SAFETY: there is room for the answer.
        match unsafe { allocate(&raw mut address, n_bytes) } {
            0 => Ok(address),
            code => Err(code),
        }
    }

    /// Copies values to the device.
    pub(crate) fn write(&self, address: u64, bytes: &[u8]) -> i32 {
        let copy =
            self.function::<unsafe extern "C" fn(u64, *const u8, usize) -> i32>("cuMemcpyHtoD_v2");
        // SAFETY: the host memory has as many bytes.
        unsafe { copy(address, bytes.as_ptr(), bytes.len()) }
    }
}
