//! The programs: compiled at run time, and put into streams.

use std::fmt;

use calibrant_cuda::{Device, DeviceSpan, Error, Kernel, Program, Stream};
use calibrant_search::GoOn;

use super::{BLOBS, SAMPLES, TENSORS};

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
pub(crate) struct PictureKernels {
    transform: Kernel,
    tensor: Kernel,
}

impl PictureKernels {
    /// Compiles the programs for a device, unless `go_on` says `Break` while NVRTC is looked for.
    ///
    /// # Errors
    ///
    /// As [`Program::compile`].
    pub(crate) fn compile(device: &Device, go_on: &mut GoOn<'_>) -> Result<Self, Error> {
        let program = Program::compile(device, SOURCE, go_on)?;
        let (transform, tensor) = (program.kernel(c"transform")?, program.kernel(c"tensor")?);
        Ok(Self { transform, tensor })
    }
}

/// Compiles the programs for an architecture, for example `sm_90`, and returns the machine code; needs no device.
///
/// # Errors
///
/// As [`Program::code`].
pub fn machine_code(architecture: &str, go_on: &mut GoOn<'_>) -> Result<Vec<u8>, Error> {
    Program::code(SOURCE, architecture, go_on)
}

impl PictureKernels {
    /// Puts both kernels into a stream, for at most [`LAUNCH`] pictures.
    ///
    /// # Safety
    ///
    /// The spans are memory of the device that stays until the stream is through, and that nothing else touches meanwhile.
    pub(super) unsafe fn launch(
        &self,
        places: &[Place],
        spans: &[DeviceSpan],
        [planes, height, width]: [usize; 3],
        stream: &Stream,
    ) -> Result<(), Error> {
        let (blob, samples, out) = (spans[BLOBS], spans[SAMPLES], spans[TENSORS]);
        let at = |of: fn(&Place) -> usize| {
            std::array::from_fn(|i| places.get(i).map_or(0, |place| number(of(place))))
        };
        let launch = Launch {
            blob: blob.address,
            blob_words: blob.len_bytes as u64 / 4,
            samples: samples.address,
            n_samples: samples.len_bytes as u64,
            out: out.address,
            out_len: out.len_bytes as u64 / 4,
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
            let block = [TRANSFORM_THREADS, 1, 1];
            // SAFETY: the function takes one `Batch`, whose layout is `Launch`'s; it reads and writes only inside the three
            // spans, whose lengths it is told and checks every index against; the rest is the caller's promise.
            unsafe { self.transform.launch(grid, block, &launch, stream) }?;
        }
        let (across, down) = TENSOR_THREADS;
        let grid = [number(width).div_ceil(across), number(height).div_ceil(down), n];
        // SAFETY: as above.
        unsafe { self.tensor.launch(grid, [across, down, 1], &launch, stream) }
    }
}

/// A number that the programs take in 32 bits; what does not fit points beyond every buffer, and
/// nothing is read or written there.
fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl fmt::Debug for PictureKernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "programs for pictures: {:?}", self.tensor)
    }
}
