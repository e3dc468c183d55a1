//! The bridge from a pipeline of samples to a TensorRT that calibrates, over the double's CUDA driver, and with the
//! feature `gpu-tests` over a GPU's as well.

#![expect(unsafe_code, reason = "a driver is opened from a file, which is the double's")]

mod content;
mod faults;
mod flow;
mod pinned;
mod rig;
