//! Raises a model to the opset that per-channel weights need: how the fixtures of the upgrades are made.
//!
//! `cargo run -p calibrant-prepare --example raise_opset -- old.onnx new.onnx`

use std::error::Error;

use calibrant_onnx::Model;
use calibrant_prepare::raise_opset;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = &arguments[..] else {
        return Err("usage: raise_opset old.onnx new.onnx".into());
    };
    let mut model = Model::read(input.as_ref())?;
    raise_opset(&mut model)?;
    model.write(output.as_ref())?;
    Ok(())
}
