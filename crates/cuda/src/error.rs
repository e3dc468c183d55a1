//! What can go wrong with a GPU.

use std::path::{Path, PathBuf};

use crate::CudaVersion;
use crate::driver::OLDEST;

/// Why CUDA cannot do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No library of the driver could be opened.
    #[error(
        "no CUDA driver can be opened: {}; install NVIDIA's driver, \
         or give the container its GPUs (`docker run --gpus all`)",
        attempts(.tried)
    )]
    NoDriver {
        /// What was tried, in order.
        tried: Vec<Attempt>,
    },
    /// A library of the CUDA toolkit could not be opened.
    #[error(
        "{library} cannot be opened: {}; install the CUDA toolkit, or run `pip install {package}`",
        attempts(.tried)
    )]
    NoToolkit {
        /// What was looked for.
        library: &'static str,
        /// The Python package that has it.
        package: &'static str,
        /// What was tried, in order.
        tried: Vec<Attempt>,
    },
    /// The caller had enough of looking for a library of the CUDA toolkit.
    #[error("looking for the CUDA toolkit was cancelled")]
    Cancelled,
    /// The device's programs do not compile.
    #[error("NVRTC {version} does not compile the programs for {architecture}: {log}")]
    Compile {
        /// The compiler's version.
        version: String,
        /// The architecture asked for, for example `sm_90`.
        architecture: String,
        /// What it says.
        log: String,
    },
    /// A library of the CUDA toolkit refuses a call.
    #[error("{call} failed with status {status}: {meaning}")]
    Toolkit {
        /// The function.
        call: &'static str,
        /// The library's code.
        status: u32,
        /// What it means.
        meaning: &'static str,
    },
    /// A library fails on a batch.
    #[error(
        "{library} fails on a batch of {count} {items} that it accepted one by one, with status {status} \
         ({meaning}); {way_out}"
    )]
    Batch {
        /// What people call the library.
        library: &'static str,
        /// How many it was given.
        count: usize,
        /// What it was given.
        items: &'static str,
        /// What does without it.
        way_out: &'static str,
        /// The library's code.
        status: u32,
        /// What it means.
        meaning: &'static str,
    },
    /// The library is no driver, or one of another age.
    #[error("{} has no symbol {symbol}: it is not the library that its name says, or too old a one", library.display())]
    MissingSymbol {
        /// The file, or the bare name that the loader found.
        library: PathBuf,
        /// What it lacks.
        symbol: &'static str,
    },
    /// The driver is older than what is called here.
    #[error(
        "{} supports CUDA {found}, and {OLDEST} is needed; update NVIDIA's driver",
        library.display()
    )]
    DriverTooOld {
        /// The file, or the bare name that the loader found.
        library: PathBuf,
        /// The newest CUDA that the driver supports.
        found: CudaVersion,
    },
    /// The driver works and finds no GPU.
    #[error(
        "the CUDA driver finds no GPU; see whether `nvidia-smi` does, \
         and whether CUDA_VISIBLE_DEVICES hides it"
    )]
    NoDevice,
    /// There are GPUs, but not this one.
    #[error("there is no GPU number {ordinal}; {count} are visible, counted from 0")]
    NoSuchDevice {
        /// The number asked for.
        ordinal: u32,
        /// How many there are.
        count: u32,
    },
    /// The device's memory does not suffice.
    #[error(
        "out of memory on {device}: {asked_bytes} bytes asked for, {free_bytes} of {total_bytes} free; \
         use smaller batches or fewer of them, or free the GPU"
    )]
    OutOfDeviceMemory {
        /// Name of the device.
        device: String,
        /// How much was asked for.
        asked_bytes: usize,
        /// How much was free when it failed.
        free_bytes: usize,
        /// How much the device has.
        total_bytes: usize,
    },
    /// The host has no more memory that can be pinned.
    #[error(
        "out of host memory: {asked_bytes} bytes that stay in place were asked for; \
         use smaller batches or fewer of them in flight"
    )]
    OutOfPinnedMemory {
        /// How much was asked for.
        asked_bytes: usize,
    },
    /// A copy would go beyond its buffer.
    #[error("{asked_bytes} bytes do not fit into buffer {buffer} of {buffer_bytes} bytes")]
    TooLong {
        /// Which of the buffers, from 0.
        buffer: usize,
        /// Where the copy would end.
        asked_bytes: usize,
        /// How long the buffer is.
        buffer_bytes: usize,
    },
    /// The driver refuses a call, or reports an earlier failure through it.
    #[error("{call} failed with {name} ({code}): {text}")]
    Call {
        /// The driver's function.
        call: &'static str,
        /// The driver's code.
        code: u32,
        /// Its name, for example `CUDA_ERROR_ILLEGAL_ADDRESS`.
        name: String,
        /// What the driver says about it.
        text: String,
    },
}

impl Error {
    /// Whether there is no GPU to work with, or no driver for it, as opposed to one that failed.
    pub fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::NoDriver { .. }
                | Self::NoToolkit { .. }
                | Self::MissingSymbol { .. }
                | Self::DriverTooOld { .. }
                | Self::NoDevice
                | Self::NoSuchDevice { .. }
        )
    }
}

/// One library that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// A path, or a bare name that the system's loader searches for.
    pub library: PathBuf,
    /// What the loader says.
    pub reason: String,
}

impl Attempt {
    /// That the loader would take a bare name for a file in the current folder.
    pub(crate) fn astray(library: &Path, found: &Path) -> Self {
        let found = found.display();
        let reason =
            format!("LD_LIBRARY_PATH has a relative or an empty entry, which leads to `{found}`");
        Self { library: library.to_owned(), reason }
    }

    /// What the loader says about a library.
    pub(crate) fn failed(library: &Path, error: &libloading::Error) -> Self {
        // The loader's own words are behind the error, where there are any.
        let words = std::error::Error::source(error).map(ToString::to_string);
        let reason = words.unwrap_or_else(|| error.to_string());
        Self { library: library.to_owned(), reason }
    }
}

fn attempts(tried: &[Attempt]) -> String {
    let tried = tried.iter().map(|it| format!("{} ({})", it.library.display(), it.reason));
    tried.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_what_was_tried_and_the_way_out() {
        let tried = ["libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"];
        let tried = tried.map(|it| Attempt { library: it.into(), reason: "not there".into() });
        assert_eq!(
            Error::NoDriver { tried: tried.to_vec() }.to_string(),
            "no CUDA driver can be opened: libcuda.so.1 (not there), \
             /usr/lib/wsl/lib/libcuda.so.1 (not there); install NVIDIA's driver, \
             or give the container its GPUs (`docker run --gpus all`)"
        );
        let (library, found) = (PathBuf::from("libcuda.so.1"), CudaVersion::from_raw(10_020));
        assert_eq!(
            Error::DriverTooOld { library, found }.to_string(),
            "libcuda.so.1 supports CUDA 10.2, and 11.0 is needed; update NVIDIA's driver"
        );
    }
}
