//! The bridge from a pipeline of samples to a TensorRT that calibrates, over the double's CUDA driver, and with the
//! feature `gpu-tests` over a GPU's as well.

mod content;
mod faults;
mod flow;
mod rig;
mod slots;
