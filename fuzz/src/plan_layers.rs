//! The inspector's JSON of a plan.

use calibrant_engine::fuzzing;

/// Reads the layers of a plan; each contains the nodes that it says it does.
///
/// # Panics
///
/// When it does not.
pub fn plan_layers(bytes: &[u8]) {
    fuzzing::plan_layers(bytes);
}

#[cfg(test)]
mod tests {
    use super::plan_layers;
    use crate::damage;

    #[test]
    fn damaged_layers_are_read_or_refused() {
        let seed = br#"{"Layers": ["conv1", {"Name": "PWN(a, b) + c", "LayerType": "Reformat", "Metadata":
            "[ONNX Layer: a][ONNX Layer: b]", "Inputs": [{"Name": "x", "Format/Datatype": "Int8"}]}]}"#;
        damage::run(plan_layers, seed, 3000);
    }
}
