//! The public surface of calibrant-onnx, held against what ONNX's own Python package writes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

mod external;
mod fixtures;
mod inline;
mod roundtrip;
mod topology;
mod validate;
mod values;
mod write;
