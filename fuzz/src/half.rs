//! The cast of a model to half precision.

use calibrant_cast::{CastOptions, FloatType, cast};
use calibrant_onnx::{Model, validate};

/// Casts a model to both half precisions; of a valid model comes a valid one.
///
/// # Panics
///
/// When it does not.
pub fn half(bytes: &[u8]) {
    let Ok(model) = Model::from_bytes(bytes, None) else { return };
    let is_valid = validate(&model).is_ok();
    for precision in [FloatType::Fp16, FloatType::Bf16] {
        if let Ok((half, _)) = cast(&model, None, &CastOptions::to(precision)) {
            assert!(!is_valid || validate(&half).is_ok(), "of a valid model comes a valid one");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::half;
    use crate::damage;

    #[test]
    fn damaged_models_are_taken_or_refused() {
        for name in ["fashion_cnn", "fashion_cnn_bn"] {
            damage::run(half, &damage::file(&format!("fixtures/models/{name}.onnx")), 40);
        }
    }
}
