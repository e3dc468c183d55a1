//! Casts a model to float16 or bfloat16, and prints the summary as JSON.
//!
//! `cargo run -p calibrant-cast --example cast -- model.onnx out.onnx options.json [ranges.json]`
//!
//! The options are [`CastOptions`]; the ranges an object of tensor name to `[minimum, maximum]`.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;

use calibrant_cast::{CastOptions, cast};
use calibrant_onnx::Model;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, output, options, ranges @ ..] = &arguments[..] else {
        return Err("usage: cast model.onnx out.onnx options.json [ranges.json]".into());
    };
    let model = Model::read(model.as_ref())?;
    let options: CastOptions = serde_json::from_slice(&fs::read(options)?)?;
    let ranges: Option<BTreeMap<String, (f32, f32)>> = match ranges {
        [path, ..] => Some(serde_json::from_slice(&fs::read(path)?)?),
        [] => None,
    };
    let (half, summary) = cast(&model, ranges.as_ref(), &options)?;
    calibrant_onnx::validate(&half)?;
    half.write(output.as_ref())?;
    println!("{}", serde_json::to_string_pretty(&summary)?);
    Ok(())
}
