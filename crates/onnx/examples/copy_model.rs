//! Reads a model and writes it again: `copy_model INPUT OUTPUT [INLINE_LIMIT_BYTES]`.
//!
//! A limit of 0 moves the weights to `OUTPUT.data`.
//! `fixtures/onnx/check_written.py` runs it and lets ONNX's own checker look at the copies.

use std::path::Path;

use calibrant_onnx::{Model, WriteOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (input, output, options) = match arguments.as_slice() {
        [input, output] => (input, output, WriteOptions::default()),
        [input, output, limit] => {
            (input, output, WriteOptions { inline_limit_bytes: limit.parse()? })
        }
        _ => return Err("usage: copy_model INPUT OUTPUT [INLINE_LIMIT_BYTES]".into()),
    };
    Model::read(Path::new(input))?.write_with(Path::new(output), &options)?;
    Ok(())
}
