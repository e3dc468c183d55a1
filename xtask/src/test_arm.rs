//! `cargo xtask test-arm`: the tests of the crates whose results must be the same on aarch64, under emulation.
//!
//! It needs the compiler's target (`rustup target add aarch64-unknown-linux-gnu`) and Debian's packages
//! `gcc-aarch64-linux-gnu`, whose linker and C library are used, and `qemu-user`. It shows results, and nothing about
//! speed.

use crate::cargo;

/// Runs the tests.
///
/// # Errors
///
/// When cargo cannot be started or a test fails.
pub(crate) fn run() -> anyhow::Result<()> {
    cargo(&[
        "test",
        "--target=aarch64-unknown-linux-gnu",
        "--config=target.aarch64-unknown-linux-gnu.linker='aarch64-linux-gnu-gcc'",
        "--config=target.aarch64-unknown-linux-gnu.runner='qemu-aarch64 -L /usr/aarch64-linux-gnu'",
        "--package=calibrant-jpeg",
        "--package=calibrant-preprocess",
        "--package=calibrant-calibration",
    ])
}
