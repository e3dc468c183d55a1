//! `cargo xtask test-gpu`: everything that only a machine with a GPU can show.
//!
//! The tests of the CUDA crates over the GPU's own driver, among them the bridge to TensorRT, whose double copies every
//! batch back and is held to the samples bit for bit, and the decoders, whose tensors are held to the processor's; then
//! the ring's speed and memory, against its bounds. No TensorRT is needed. Without a GPU it fails.

use crate::cargo;

/// Runs the tests and the measurement.
///
/// # Errors
///
/// When cargo cannot be started, a test fails or a bound is missed.
pub(crate) fn run() -> anyhow::Result<()> {
    // Device memory is compared before and after, so that one test at a time may have some.
    cargo(&[
        "test",
        "--package=calibrant-cuda",
        "--package=calibrant-backend-tensorrt",
        "--package=calibrant-decode-cuda",
        "--features=calibrant-cuda/gpu-tests,calibrant-backend-tensorrt/gpu-tests,calibrant-decode-cuda/gpu-tests",
        "--",
        "--test-threads=1",
    ])?;
    cargo(&["run", "--release", "--package=benches", "--bin=ring"])
}
