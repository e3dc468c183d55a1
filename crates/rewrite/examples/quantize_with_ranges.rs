//! Quantizes a model with ranges from a JSON object of tensor name to amax, and prints the summary as JSON.
//!
//! `cargo run -p calibrant-rewrite --example quantize_with_ranges -- model.onnx ranges.json out.onnx [FORMAT [all-layers]]`
//!
//! The format is int8 or fp8; with `all-layers` those too small to gain from it are quantized as well.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;

use calibrant_format::{FORMATS, Numbers, Ranges};
use calibrant_onnx::Model;
use calibrant_rewrite::{QuantizeOptions, SmallLayers, quantize};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, ranges, output, words @ ..] = &arguments[..] else {
        return Err(
            "usage: quantize_with_ranges model.onnx ranges.json out.onnx [FORMAT [all-layers]]"
                .into(),
        );
    };
    let model = Model::read(model.as_ref())?;
    let ranges: BTreeMap<String, f32> = serde_json::from_slice(&fs::read(ranges)?)?;
    let name = words.first().map_or("int8", String::as_str);
    let format = FORMATS.into_iter().find(|format| format.name == name).ok_or("no such format")?;
    let mut options = QuantizeOptions::all(Numbers::both(format));
    if words.get(1).is_some_and(|word| word == "all-layers") {
        options.small_layers = SmallLayers::Quantize;
    }
    let (quantized, summary) = quantize(&model, &Ranges::of_amax(ranges)?, &options)?;
    quantized.write(output.as_ref())?;
    println!("{}", serde_json::to_string_pretty(&summary)?);
    Ok(())
}
