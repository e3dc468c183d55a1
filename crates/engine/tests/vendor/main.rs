//! Tests with NVIDIA's own library, TensorRT-RTX 1.7, and its Python bindings as a witness. No GPU is needed.
//!
//! `cargo test -p calibrant-engine --features vendor-tests --test vendor` runs them; they fail where these are not set:
//!
//! * `CALIBRANT_TEST_TENSORRT`: the folder of `libtensorrt_rtx.so.1` and its ONNX parser,
//! * `CALIBRANT_TEST_PYTHON`: an interpreter with `tensorrt-rtx-cu13-bindings`, `tensorrt-rtx-cu13-libs` and pip.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, which clippy cannot see")]

mod build;
mod cancel;
mod identity;
mod settings;
mod stage;
