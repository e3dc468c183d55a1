//! The embedded runtime through its public face.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]
#![expect(clippy::cast_possible_truncation, reason = "goldens are read as f64 and compared as f32")]

mod cases;
mod determinism;
mod errors;
mod faithful;
mod floats;
mod golden;
mod greedy;
mod hostile;
mod observed;
mod operators;
mod suite;
mod support;
