//! The embedded runtime: runs the model in pure Rust, node by node, and observes every tensor.
//!
//! [`Embedded`] is a [`Runtime`](calibrant_runtime::Runtime) that needs nothing but cargo.
//! It runs the network node by node.
//! A tensor is reduced to what is wanted of it as soon as it exists and freed after its last use, so memory grows neither with
//! the number of samples nor with the depth of the network.
//!
//! Models are not trusted.
//! Before a node runs, what it will take is held against [`Settings::memory_bytes`](calibrant_runtime::Settings::memory_bytes), and between two nodes, inside loops
//! too, the source is asked whether to stop ([`Source::is_cancelled`](calibrant_runtime::Source::is_cancelled)).
//! A panic of the executor is an error that names the node; [`silence_caught_panics`] keeps it off standard error.
//!
//! Samples are spread over workers of one thread each.
//! Every sample runs alone unless [`Settings::samples_per_run`](calibrant_runtime::Settings::samples_per_run) asks for more, and statistics merge exactly, so the
//! result does not depend on the number of workers, the batch size or the order.
//!
//! What does the arithmetic is `rten`, one operator at a time.
//! It is given operators of a *normalised* copy of the graph: what it would compute wrongly or does not know is written in operators
//! that it computes rightly where that is exact, and refused with the operator's name where it is not.
//! Tensors keep their names, so statistics are those of the caller's graph.
//!
//! Can be seen are all tensors of floats that depend on the values of the graph's inputs, those inputs included; floats of
//! another width are held in 32 bits.
//! Constants, and tensors computed from constants and shapes alone, are not seen, nor are tensors that nothing reads, nor
//! those that hold infinities by design because a mask puts them there: no scale fits them.

#![forbid(unsafe_code)]

mod bits;
mod constant;
mod demand;
mod dense;
mod depthwise;
mod embedded;
mod error;
mod halves;

mod kernel;
mod loaded;
mod loss;
mod matrix;
mod narrow;
mod normalise;
mod ours;
mod own;
mod panics;
mod program;
mod random;
mod recurrent;
mod run;
mod samples;
mod selection;
mod spatial;
mod survey;

pub use embedded::Embedded;
pub use error::{ConstantError, RangeError};
pub use panics::silence_caught_panics;
