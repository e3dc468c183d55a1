//! The runtime with a real ONNX Runtime, which `CALIBRANT_TEST_ONNXRUNTIME` names: a `libonnxruntime.so` of 1.23 or later.
//!
//! `.ci/run python` puts one into `.venv`, in `onnxruntime/capi` of its packages.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

mod agree;
mod library;
mod models;
mod stage;
mod suite;
