//! The public API on the pictures of `fixtures/`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod damage;
mod edge;
mod foreign;
mod goldens;
mod lists;
mod parts;
mod pixels;
mod recipes;
mod sampling;

use std::path::{Path, PathBuf};

use calibrant_preprocess::{Pipeline, Preprocess, PreprocessError, Scratch};

/// Returns a path under `fixtures/`.
fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path)
}

/// Returns the bytes of a fixture.
fn bytes(path: &str) -> Vec<u8> {
    let path = fixture(path);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Returns the tensor of one picture, made in fresh buffers.
fn tensor(pipeline: &Pipeline, encoded: &[u8]) -> Result<Vec<f32>, PreprocessError> {
    let mut out = vec![f32::NAN; pipeline.shape().iter().product()];
    pipeline.preprocess(encoded, &mut Scratch::new(), &mut out)?;
    Ok(out)
}

/// Returns an error's message with all of its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|s| format!(": {}", chain(s)));
    format!("{error}{}", source.unwrap_or_default())
}
