//! Programs: compiled at run time, and put into streams.

use std::ffi::{CStr, c_void};
use std::fmt;
use std::ptr;
use std::sync::Arc;

use calibrant_search::GoOn;
use cudarc::driver::sys::{CUfunction, CUmodule};

use crate::device::Device;
use crate::driver::ProgramFunctions;
use crate::error::Error;
use crate::nvrtc::Nvrtc;
use crate::stream::Stream;

/// A program on a device; cheap to clone.
///
/// It is never unloaded: what is still in a stream needs it, and it goes with the device's context.
#[derive(Clone)]
pub struct Program(Arc<Inner>);

struct Inner {
    device: Device,
    module: CUmodule,
}

/// A function of a program that streams can run; cheap to clone.
#[derive(Clone)]
pub struct Kernel {
    program: Program,
    function: CUfunction,
}

// SAFETY: the pointers are the driver's handles of a module and a function of the device's context, which is current
// whenever they are used. Contexts are tied to no thread ("That context may then be made current to a different CPU thread
// by calling cuCtxPushCurrent()", CUDA Driver API, cuCtxPopCurrent), and what lies in them is used by whichever has them.
unsafe impl Send for Inner {}
// SAFETY: as above; a loaded module does not change.
unsafe impl Sync for Inner {}
// SAFETY: as of `Inner`, which it holds.
unsafe impl Send for Kernel {}
// SAFETY: as of `Inner`, which it holds.
unsafe impl Sync for Kernel {}

impl Program {
    /// Compiles a source in CUDA C++ for a device, without fusing any product with a sum, unless `go_on` says `Break`
    /// while NVRTC is looked for.
    ///
    /// # Errors
    ///
    /// [`Error::NoToolkit`] without NVRTC, [`Error::Cancelled`], [`Error::Compile`]; [`Error::MissingSymbol`] where the
    /// driver runs no programs; what it reports.
    pub fn compile(device: &Device, source: &str, go_on: &mut GoOn<'_>) -> Result<Self, Error> {
        let (major, minor) = device.compute_capability()?;
        let code = Self::code(source, &format!("sm_{major}{minor}"), go_on)?;
        let functions = functions(device)?;
        let _current = device.enter()?;
        let mut module: CUmodule = ptr::null_mut();
        // SAFETY: the device's context is current; the code is a whole cubin, as the compiler gave it; the driver writes
        // one handle.
        let outcome = unsafe { (functions.load_module)(&raw mut module, code.as_ptr().cast()) };
        device.check("cuModuleLoadData", outcome)?;
        Ok(Self(Arc::new(Inner { device: device.clone(), module })))
    }

    /// Compiles a source for an architecture, for example `sm_90`, and returns the machine code; needs no device. `go_on`
    /// is as for [`compile`](Self::compile).
    ///
    /// # Errors
    ///
    /// [`Error::NoToolkit`] without NVRTC, [`Error::Cancelled`], [`Error::Compile`].
    pub fn code(source: &str, architecture: &str, go_on: &mut GoOn<'_>) -> Result<Vec<u8>, Error> {
        Nvrtc::load(go_on)?.compile(source, architecture)
    }

    /// The device that it was compiled for.
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    /// The function of this name, declared `extern "C"`.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn kernel(&self, name: &CStr) -> Result<Kernel, Error> {
        let device = self.device();
        let functions = functions(device)?;
        let _current = device.enter()?;
        let mut function = ptr::null_mut();
        // SAFETY: the module is loaded, the name ends in a zero, the driver writes one handle.
        let outcome =
            unsafe { (functions.module_function)(&raw mut function, self.0.module, name.as_ptr()) };
        device.check("cuModuleGetFunction", outcome)?;
        Ok(Kernel { program: self.clone(), function })
    }
}

impl Kernel {
    /// Puts a run of the function into a stream of its device: `grid` blocks of `block` threads, across, down and deep.
    ///
    /// # Safety
    ///
    /// The function takes one argument, by value, of `T`'s layout. Given this one it reads and writes nothing but memory
    /// of the device that stays until the stream is through, and that nothing else touches meanwhile.
    ///
    /// # Errors
    ///
    /// What the driver reports.
    pub unsafe fn launch<T>(
        &self,
        grid: [u32; 3],
        block: [u32; 3],
        argument: &T,
        stream: &Stream,
    ) -> Result<(), Error> {
        let device = self.program.device();
        let functions = functions(device)?;
        let mut arguments: [*mut c_void; 1] = [ptr::from_ref(argument).cast_mut().cast()];
        let _current = device.enter()?;
        // SAFETY: the function is one of the context, and the stream is alive; the driver copies the argument during the
        // call; the rest is the caller's promise.
        let code = unsafe {
            (functions.launch)(
                self.function,
                grid[0],
                grid[1],
                grid[2],
                block[0],
                block[1],
                block[2],
                0,
                stream.raw(),
                arguments.as_mut_ptr(),
                ptr::null_mut(),
            )
        };
        device.check("cuLaunchKernel", code)
    }
}

/// What runs programs, where the driver has it.
fn functions(device: &Device) -> Result<&ProgramFunctions, Error> {
    let missing = || Error::MissingSymbol {
        library: device.driver().library().to_owned(),
        symbol: "cuLaunchKernel",
    };
    device.functions().programs.as_ref().ok_or_else(missing)
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a program for {:?}", self.device())
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a function of {:?}", self.program)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::late;

    #[test]
    fn a_driver_that_runs_no_programs_is_told() {
        let (device, _) = late::device();
        let missing = functions(&device).map(drop).unwrap_err();
        assert!(missing.is_missing(), "{missing}");
    }
}
