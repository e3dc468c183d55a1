//! Tests with NVIDIA's own library, TensorRT-RTX 1.7, where a Python environment has it. No GPU is needed.
//!
//! `cargo test -p calibrant-locate --features vendor-tests --test vendor` runs them; they fail where these are not set:
//!
//! * `CALIBRANT_TEST_TENSORRT`: the folder of `libtensorrt_rtx.so.1` and its ONNX parser,
//! * `CALIBRANT_TEST_PYTHON`: an interpreter with `tensorrt-rtx-cu13-libs` and pip.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, which clippy cannot see")]

mod fetch;
mod open;
mod stage;
