//! CUDA's driver, opened at run time: pinned slabs, device buffers, streams, events, copies that own
//! what they touch, and programs that NVRTC compiles.
//!
//! ```no_run
//! use calibrant_cuda::{Device, DeviceBuffer, PinnedPiece, Stream, Upload};
//!
//! let device = Device::open(0)?;
//! let stream = Stream::new(&device)?;
//! let mut rows = PinnedPiece::cut_slab(&device, 4, 1024)?;
//! rows[0].values_mut::<f32>().expect("1024 bytes are whole floats").fill(0.5);
//!
//! // Four rows that lie one behind the other are one copy.
//! let mut upload = Upload::begin(&stream, vec![DeviceBuffer::new(&device, 4 * 1024)?]);
//! let held = upload.append(rows, |rows, plan| rows.iter().for_each(|row| plan.push(0, row)))?;
//! let uploaded = upload.finish()?;
//!
//! // The device's end and the host's may be waited for on different threads.
//! let buffers = uploaded.wait()?;
//! let (rows, took) = held.wait()?;
//! println!("{} rows are at {:#x} after {took:?}", rows.len(), buffers[0].address());
//! # Ok::<(), calibrant_cuda::Error>(())
//! ```
//!
//! # Nothing of CUDA is needed to build
//!
//! The driver's library is opened when the first [`Device`] is. Whatever is missing, the library, a
//! symbol, a device, memory, is an [`Error`] that says so; nothing here panics for want of a GPU.
//!
//! # What keeps memory alive
//!
//! A copy runs while the program goes on. It has two ends, and each owns its memory until an event
//! behind the copy is done: [`Held`] what is read, [`Uploaded`] what is written. Both give the memory
//! back when they are waited for, and wait when they are dropped. Where waiting fails, the context is
//! broken, nobody can say what the device still does, and the memory is leaked.
//!
//! # Threads
//!
//! Everything may be used on every thread. Each call makes the device's primary context, the one that
//! CUDA's runtime and TensorRT use, current for its own duration, and leaves the thread as it found
//! it.
//!
//! # What is computed
//!
//! [`Upload::append_computed`] has something computed of what it copies, in a stream of its own: by a
//! [`Kernel`] of a [`Program`], or by a [`ToolkitLibrary`] of the CUDA toolkit, which is opened when it is
//! first needed. What those do with the memory is for their callers to answer for.
//!
//! It knows no TensorRT, no pictures, no samples and no files.

#![expect(
    unsafe_code,
    reason = "every call into the driver is one; the calls lie in small functions that say why"
)]

mod bandwidth;
mod buffer;
mod device;
mod driver;
mod error;
mod event;
mod nvrtc;
mod pieces;
mod pinned;
mod program;
mod stream;
mod toolkit;
mod upload;

#[cfg(test)]
mod late;

pub use bandwidth::upload_rate;
pub use buffer::DeviceBuffer;
pub use device::{Device, DeviceMemory};
pub use driver::{CudaVersion, Driver};
pub use error::{Attempt, Error};
pub use event::Event;
pub use pieces::{DeviceSpan, Pieces, PinnedBytes};
pub use pinned::{Element, PinnedPiece};
pub use program::{Kernel, Program};
pub use stream::{RawStream, Stream};
pub use toolkit::{OpenedLibrary, ToolkitLibrary};
pub use upload::{Held, HeldTimes, Rows, Upload, Uploaded};
