//! The whole job on real models and pictures, through the library.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

mod fixtures;
mod floats;
mod in_memory;
mod job;
mod ranges;
mod samples;
