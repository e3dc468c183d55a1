//! What the embedded runtime makes of a model.

use std::num::NonZeroUsize;

use calibrant_calibration::Histograms;
use calibrant_onnx::Model;
use calibrant_runtime::{Runtime as _, Settings, Wanted, What};
use calibrant_runtime_embedded::Embedded;

/// Loads a model into the embedded runtime, which takes it or says why not.
pub fn normaliser(bytes: &[u8]) {
    let Ok(model) = Model::from_bytes(bytes, None) else { return };
    let one = NonZeroUsize::MIN;
    let settings = Settings { workers: one, samples_per_run: one, memory_bytes: 1 << 28 };
    let wanted = Wanted::all(What::Statistics(Histograms::Invariant));
    let loaded = Embedded.load(&model, &wanted, &settings);
    let survey = Embedded.survey(&model);
    assert!(loaded.is_err() || survey.is_ok(), "what is loaded can be surveyed");
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
