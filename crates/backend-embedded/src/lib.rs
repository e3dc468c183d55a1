//! The embedded calibration backend: runs the model in pure Rust, node by node, and observes every tensor.
//!
//! [`Embedded`] is a [`Backend`](calibrant_calibration::Backend) that needs nothing but cargo.
//! It runs the network as a stream of *slices*, each one node that makes an observed tensor together with the shape
//! arithmetic in front of it.
//! A tensor is reduced to its histogram as soon as it exists and freed after its last use, so memory grows neither with
//! the number of samples nor with the depth of the network.
//!
//! Samples are spread over workers of one thread each.
//! Every sample runs alone unless [`Options::samples_per_run`] asks for more, and statistics merge exactly, so the
//! result does not depend on the number of workers, the batch size or the order.
//!
//! What does the arithmetic is an [`Executor`]; [`Rten`] is the one in use.
//! It is given a *normalised* copy of the graph: what it would compute wrongly or does not know is written in operators
//! that it computes rightly where that is exact, and refused with the operator's name where it is not.
//! Tensors keep their names, so statistics are those of the caller's graph.
//!
//! Seen are all float32 tensors that depend on the values of the graph's inputs, those inputs included.
//! Constants, and tensors computed from constants and shapes alone, are not seen, nor are tensors that nothing reads, nor
//! those that hold infinities by design because a mask puts them there: no scale fits them.

#![forbid(unsafe_code)]

mod calibrate;
mod embedded;
mod error;
mod executor;
mod inputs;
mod normalise;
mod observed;
mod plan;
mod rten;
mod scope;

pub use embedded::{Embedded, Options};
pub use error::{InputError, LoadError, Refusal, Refused};
pub use executor::{Executor, ExecutorError, Feed, TensorId};
pub use rten::Rten;
