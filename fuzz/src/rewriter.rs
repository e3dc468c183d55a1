//! The Q/DQ rewrite of a model.

use calibrant_format::{Numbers, Range};
use calibrant_onnx::{Model, validate};
use calibrant_rewrite::{QuantizeOptions, quantize};

/// Quantizes a model with a range of 1 for every tensor; of a valid model comes a valid one.
///
/// # Panics
///
/// When it does not.
pub fn rewriter(bytes: &[u8]) {
    let Ok(model) = Model::from_bytes(bytes, None) else { return };
    let is_valid = validate(&model).is_ok();
    let nodes = model.graph().node.iter();
    let names = nodes.flat_map(|node| node.input.iter().chain(&node.output));
    let ranges = names.map(|name| (name.clone(), Range::ONE)).collect();
    if let Ok((quantized, _)) = quantize(&model, &ranges, &QuantizeOptions::all(Numbers::INT8)) {
        assert!(!is_valid || validate(&quantized).is_ok(), "of a valid model comes a valid one");
    }
}

#[cfg(test)]
mod tests {
    use super::rewriter;
    use crate::damage;

    #[test]
    fn damaged_models_are_taken_or_refused() {
        for name in ["fashion_cnn", "fashion_cnn_bn"] {
            damage::run(rewriter, &damage::file(&format!("fixtures/models/{name}.onnx")), 40);
        }
    }
}
