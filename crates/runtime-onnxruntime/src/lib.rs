//! ONNX Runtime on the CPU as a [`Runtime`](calibrant_runtime::Runtime): the user's library, opened at run time.
//!
//! [`Library::open`] opens a library and makes sure that it is an ONNX Runtime of a version that is known here; nothing of
//! it is needed to build.
//! A process has one ONNX Runtime: the library keeps globals of its own, so the first that was opened stays.
//!
//! What is wanted of a model decides which part of it the library sees: the nodes that those tensors depend on, with the
//! tensors as outputs.
//! Whatever of the graph the library fuses, it computes what is an output, so values are those of the caller's graph up to
//! rounding.
//! Weights lie in one buffer that all sessions share, outside the protobuf message, so that models may be larger than one.
//!
//! Samples are spread over workers as the embedded runtime does it, each alone and on one thread, so that neither batches,
//! order nor the number of workers change a count.
//! Statistics are made of the library's own output buffers.
//!
//! Models are not trusted: they are validated before the library sees them, a panic of its binding is an error, and a run is
//! ended in the middle when the source says so.
//! The library itself is trusted, as any code that is loaded.

mod error;
mod graph;
mod library;
mod loaded;
mod panics;
mod runtime;
mod session;
mod survey;

pub use error::OpenError;
pub use library::{Library, OLDEST, Version};
pub use runtime::{Missing, OnnxRuntime};
