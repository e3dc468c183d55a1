//! Written by `cargo xtask codegen tensorrt`.

pub mod enums;
