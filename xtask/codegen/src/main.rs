//! `cargo xtask codegen`: writes the checked-in modules that are made from descriptors and tables.
//!
//! A package of its own, because what writes Rust is long to compile and the command line never needs it.

#![forbid(unsafe_code)]

mod onnx;
mod tensorrt;

use std::path::Path;

/// Writes all generated modules.
#[expect(clippy::print_stderr, reason = "says what was written")]
fn main() -> anyhow::Result<()> {
    let mut written = tensorrt::write(root())?;
    written.push(onnx::run()?);
    for path in written {
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

/// The repository's root: two folders above this package.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
