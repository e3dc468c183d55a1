//! What the embedded backend makes of a model.

use std::num::NonZeroUsize;

use calibrant_backend_embedded::{Embedded, Options};
use calibrant_calibration::Histograms;
use calibrant_onnx::Model;

/// Loads a model into the embedded backend, which takes it or says why not.
pub fn normaliser(bytes: &[u8]) {
    let Ok(model) = Model::from_bytes(bytes, None) else { return };
    let one = NonZeroUsize::MIN;
    let histograms = Histograms::Invariant;
    let options = Options { workers: one, samples_per_run: one, histograms, memory_bytes: 1 << 28 };
    let _ = Embedded::load(&model, &options);
}

#[cfg(test)]
mod tests {
    use super::normaliser;
    use crate::damage;

    #[test]
    fn damaged_models_are_taken_or_refused() {
        for name in ["fashion_cnn", "fashion_cnn_bn"] {
            damage::run(normaliser, &damage::file(&format!("fixtures/models/{name}.onnx")), 40);
        }
    }
}
