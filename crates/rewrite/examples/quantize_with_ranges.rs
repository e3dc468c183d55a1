//! Quantizes a model with ranges from a JSON object of tensor name to amax, and prints the summary as JSON.
//!
//! `cargo run -p calibrant-rewrite --example quantize_with_ranges -- model.onnx ranges.json out.onnx [options.json]`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;

use calibrant_onnx::Model;
use calibrant_rewrite::{Options, quantize};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, ranges, output, options @ ..] = &arguments[..] else {
        return Err(
            "usage: quantize_with_ranges model.onnx ranges.json out.onnx [options.json]".into()
        );
    };
    let model = Model::read(model.as_ref())?;
    let ranges: BTreeMap<String, f32> = serde_json::from_slice(&fs::read(ranges)?)?;
    let options = match options {
        [path, ..] => serde_json::from_slice(&fs::read(path)?)?,
        [] => Options::for_tensorrt(),
    };
    let (quantized, summary) = quantize(&model, &ranges, &options)?;
    quantized.write(output.as_ref())?;
    println!("{}", serde_json::to_string_pretty(&summary)?);
    Ok(())
}
