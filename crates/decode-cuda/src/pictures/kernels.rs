//! The programs: compiled at run time, and put into streams.

use std::ffi::c_void;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use calibrant_search::GoOn;
use cudarc::driver::sys::{CUfunction, CUmodule};

use super::{BLOBS, SAMPLES, TENSORS};
use crate::buffer::DeviceBuffer;
use crate::device::Device;
use crate::driver::ProgramFunctions;
use crate::error::Error;
use crate::nvrtc::Nvrtc;
use crate::stream::Stream;

/// The programs' source.
const SOURCE: &str = include_str!("pictures.cu");
/// Pictures of one launch, as many as a kernel's arguments can tell of.
pub(super) const LAUNCH: usize = 256;
/// Blocks that a thread block transforms.
const TRANSFORM_THREADS: u32 = 128;
/// Columns and rows of a tensor that a thread block makes.
const TENSOR_THREADS: (u32, u32) = (32, 8);

/// Where a picture lies, in units, and its row.
pub(super) struct Place {
    pub(super) blob: usize,
    pub(super) samples: usize,
    pub(super) row: usize,
    pub(super) blocks: usize,
}

/// The arguments of both kernels; `Batch` in the source.
#[repr(C)]
struct Launch {
    blob: u64,
    blob_words: u64,
    samples: u64,
    n_samples: u64,
    out: u64,
    out_len: u64,
    width: u32,
    height: u32,
    planes: u32,
    n: u32,
    blob_at: [u32; LAUNCH],
    samples_at: [u32; LAUNCH],
    row: [u32; LAUNCH],
}

const _: () = assert!(size_of::<Launch>() == 6 * 8 + 4 * 4 + 3 * 4 * LAUNCH);
const _: () = assert!(size_of::<Launch>() <= 4096, "a kernel takes no more");

/// The programs that make tensors of pictures, compiled for a device; cheap to clone.
#[derive(Clone)]
pub struct PictureKernels(Arc<Kernels>);

/// Never unloaded: what is still in a stream needs them, and they go with the device's context.
struct Kernels {
    device: Device,
    transform: CUfunction,
    tensor: CUfunction,
}

// SAFETY: the pointers are the driver's handles of functions of the device's context, which any thread
// may launch; the driver API is thread-safe.
unsafe impl Send for Kernels {}
// SAFETY: as above.
unsafe impl Sync for Kernels {}

impl PictureKernels {
    /// Compiles the programs for a device, unless `go_on` says `Break` while NVRTC is looked for.
    ///
    /// # Errors
    ///
    /// [`Error::NoToolkit`] without NVRTC, [`Error::Cancelled`], [`Error::Compile`]; [`Error::MissingSymbol`] where the
    /// driver runs no programs; what it reports.
    pub fn compile(device: &Device, go_on: &mut GoOn<'_>) -> Result<Self, Error> {
        let (major, minor) = device.compute_capability()?;
        let code = Self::code(&format!("sm_{major}{minor}"), go_on)?;
        let programs = programs(device)?;
        let _current = device.enter()?;
        let mut module: CUmodule = ptr::null_mut();
        // SAFETY: the device's context is current; the code is a whole cubin, as the compiler gave it;
        // the driver writes one handle.
        let outcome = unsafe { (programs.load_module)(&raw mut module, code.as_ptr().cast()) };
        device.check("cuModuleLoadData", outcome)?;
        let function = |name: &std::ffi::CStr| {
            let mut function = ptr::null_mut();
            // SAFETY: the module is loaded, the name ends in a zero, the driver writes one handle.
            let outcome =
                unsafe { (programs.module_function)(&raw mut function, module, name.as_ptr()) };
            device.check("cuModuleGetFunction", outcome).map(|()| function)
        };
        let (transform, tensor) = (function(c"transform")?, function(c"tensor")?);
        Ok(Self(Arc::new(Kernels { device: device.clone(), transform, tensor })))
    }

    /// Compiles the programs for an architecture, for example `sm_90`, and returns the machine code;
    /// needs no device. `go_on` is as for [`PictureKernels::compile`].
    ///
    /// # Errors
    ///
    /// [`Error::NoToolkit`] without NVRTC, [`Error::Cancelled`], [`Error::Compile`].
    pub fn code(architecture: &str, go_on: &mut GoOn<'_>) -> Result<Vec<u8>, Error> {
        Nvrtc::load(go_on)?.compile(SOURCE, architecture)
    }

    /// The device that they were compiled for.
    pub fn device(&self) -> &Device {
        &self.0.device
    }
}

impl PictureKernels {
    /// Puts both kernels into a stream, for at most [`LAUNCH`] pictures.
    pub(super) fn launch(
        &self,
        places: &[Place],
        buffers: &[DeviceBuffer],
        [planes, height, width]: [usize; 3],
        stream: &Stream,
    ) -> Result<(), Error> {
        let (blob, samples, out) = (&buffers[BLOBS], &buffers[SAMPLES], &buffers[TENSORS]);
        let at = |of: fn(&Place) -> usize| {
            std::array::from_fn(|i| places.get(i).map_or(0, |place| number(of(place))))
        };
        let launch = Launch {
            blob: blob.address(),
            blob_words: blob.len_bytes() as u64 / 4,
            samples: samples.address(),
            n_samples: samples.len_bytes() as u64,
            out: out.address(),
            out_len: out.len_bytes() as u64 / 4,
            width: number(width),
            height: number(height),
            planes: number(planes),
            n: number(places.len()),
            blob_at: at(|place| place.blob),
            samples_at: at(|place| place.samples),
            row: at(|place| place.row),
        };
        let blocks = places.iter().map(|place| place.blocks).max().unwrap_or(0);
        let n = number(places.len());
        if blocks > 0 {
            let grid = [number(blocks).div_ceil(TRANSFORM_THREADS), n, 1];
            self.0.run(self.0.transform, grid, [TRANSFORM_THREADS, 1, 1], &launch, stream)?;
        }
        let (across, down) = TENSOR_THREADS;
        let grid = [number(width).div_ceil(across), number(height).div_ceil(down), n];
        self.0.run(self.0.tensor, grid, [across, down, 1], &launch, stream)
    }
}

impl Kernels {
    fn run(
        &self,
        function: CUfunction,
        grid: [u32; 3],
        block: [u32; 3],
        launch: &Launch,
        stream: &Stream,
    ) -> Result<(), Error> {
        let device = stream.device();
        let programs = programs(device)?;
        let mut arguments: [*mut c_void; 1] = [ptr::from_ref(launch).cast_mut().cast()];
        let _current = device.enter()?;
        // SAFETY: the function is one of this device's context and takes one argument of this layout,
        // which the driver copies; it reads and writes only inside the three buffers, whose lengths it
        // is told and checks against; and they are the upload's until the stream is through.
        let code = unsafe {
            (programs.launch)(
                function,
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
pub(super) fn programs(device: &Device) -> Result<&ProgramFunctions, Error> {
    let missing = || Error::MissingSymbol {
        library: device.driver().library().to_owned(),
        symbol: "cuLaunchKernel",
    };
    device.functions().programs.as_ref().ok_or_else(missing)
}

/// A number that the programs take in 32 bits; what does not fit points beyond every buffer, and
/// nothing is read or written there.
fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl fmt::Debug for PictureKernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "programs for {:?}", self.device())
    }
}
