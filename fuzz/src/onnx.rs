//! ONNX models.

use calibrant_onnx::{Model, Topology, validate};

/// Reads bytes as a model, checks it, and orders its nodes; a model that reads must write and read to an equal one.
///
/// # Panics
///
/// When it does not.
pub fn onnx(bytes: &[u8]) {
    let Ok(model) = Model::from_bytes(bytes, None) else { return };
    let valid = validate(&model).is_ok();
    let ordered = Topology::new(model.graph()).is_ok();
    assert!(ordered || !valid, "a valid model has an order");
    // A model whose tensors lie in files beside it cannot be written without them.
    let Ok(written) = model.to_bytes() else { return };
    let again = Model::from_bytes(&written, None).expect("a written model reads");
    // NaN attributes are not equal to themselves, their bytes are.
    assert_eq!(again.to_bytes().expect("it was written before"), written);
}

#[cfg(test)]
mod tests {
    use super::onnx;
    use crate::damage;

    #[test]
    fn damaged_models_are_read_or_refused() {
        for name in ["fashion_cnn", "fashion_cnn_bn", "ppocr_cls"] {
            damage::run(onnx, &damage::file(&format!("fixtures/models/{name}.onnx")), 60);
        }
    }
}
