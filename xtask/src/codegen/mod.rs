//! `cargo xtask codegen`: writes the checked-in modules that are made from descriptors and tables.

mod onnx;
mod tensorrt;

use std::path::Path;

/// Writes all generated modules.
///
/// # Errors
///
/// When what they are made from is missing or broken, or a module cannot be written.
#[expect(clippy::print_stderr, reason = "says what was written")]
pub(crate) fn run() -> anyhow::Result<()> {
    let mut written = tensorrt::write(root())?;
    written.push(onnx::run()?);
    for path in written {
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

/// The repository's root: the folder above this package.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
