//! The embedded calibration backend: runs the model in pure Rust, node by node, and observes every tensor.
//!
//! [`Embedded`] is a [`Backend`](calibrant_calibration::Backend) that needs nothing but cargo.
//! It runs the network node by node.
//! A tensor is reduced to its histogram as soon as it exists and freed after its last use, so memory grows neither with
//! the number of samples nor with the depth of the network.
//!
//! Models are not trusted.
//! Before a node runs, what it will take is held against [`Options::memory_bytes`], and between two nodes, inside loops
//! too, the source is asked whether to stop ([`BatchSource::is_cancelled`](calibrant_calibration::BatchSource::is_cancelled)).
//! A panic of the executor is an error that names the node; [`silence_caught_panics`] keeps it off standard error.
//!
//! Samples are spread over workers of one thread each.
//! Every sample runs alone unless [`Options::samples_per_run`] asks for more, and statistics merge exactly, so the
//! result does not depend on the number of workers, the batch size or the order.
//!
//! What does the arithmetic is `rten`, one operator at a time.
//! It is given operators of a *normalised* copy of the graph: what it would compute wrongly or does not know is written in operators
//! that it computes rightly where that is exact, and refused with the operator's name where it is not.
//! Tensors keep their names, so statistics are those of the caller's graph.
//!
//! Seen are all float32 tensors that depend on the values of the graph's inputs, those inputs included.
//! Constants, and tensors computed from constants and shapes alone, are not seen, nor are tensors that nothing reads, nor
//! those that hold infinities by design because a mask puts them there: no scale fits them.

#![forbid(unsafe_code)]

mod calibrate;
mod demand;
mod embedded;
mod error;
mod inputs;
mod kernel;
mod normalise;
mod observed;
mod own;
mod panics;
mod program;
mod run;
mod scope;

pub use embedded::{Embedded, Options};
pub use error::{ConstantError, InputError, LoadError, Refusal, Refused};
pub use panics::silence_caught_panics;
