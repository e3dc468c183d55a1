//! Models in other floats than float32, from samples to Q/DQ pairs: fixtures/floats.

use std::num::NonZeroUsize;
use std::sync::Arc;

use calibrant_calibration::Method;
use calibrant_dataset::Dataset;
use calibrant_job::{Calibration, Precision, Ranges};
use calibrant_onnx::{DataType, Model, Topology};
use calibrant_runtime::{Kept, Runtime as _, Samples, Settings, Wanted, What, run_beside};
use calibrant_runtime_embedded::Embedded;

use crate::fixtures::{embedded, fixture, job, run};

/// What float operators between int8 ones make of it; a model that computes something else is at 0.
const LEAST_COSINE: f64 = 0.995;

fn quantized(name: &str) -> (Model, Model) {
    let folder = tempfile::tempdir().unwrap();
    let samples = fixture(&format!("floats/{name}.npz"));
    let calibration = Calibration::new(samples, embedded(Method::MinMax));
    let model = format!("floats/{name}.onnx");
    let config = job(&model, calibration, &folder.path().join("out"));
    run(&config).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let quantized = Model::read(&folder.path().join("out/model.onnx")).unwrap();
    (Model::read(&fixture(&model)).unwrap(), quantized)
}

/// The cosine of what the two models answer.
fn cosine(name: &str, [one, other]: [&Model; 2]) -> f64 {
    let set = std::fs::read(fixture(&format!("floats/{name}.npz"))).unwrap();
    let set = Dataset::tensors_in_memory(name, set).unwrap();
    let one_at_once = NonZeroUsize::MIN;
    let mut samples = Samples::fallible(one_at_once, set.rows());
    let settings =
        Settings { workers: one_at_once, samples_per_run: one_at_once, memory_bytes: 1 << 30 };
    let kept = Arc::new(Kept::new());
    let load = |model: &Model, what| Embedded.load(model, &Wanted::of(["y"], what), &settings);
    let mut reference = load(one, What::Values(Arc::clone(&kept) as _)).unwrap();
    let mut network = load(other, What::Errors(kept)).unwrap();
    let [_, seen] = run_beside(&mut *reference, &mut *network, &mut samples).unwrap();
    let errors = &seen.errors["y"];
    errors.dot() / (errors.squares() * errors.reference_squares()).sqrt()
}

#[test]
fn a_model_of_halves_that_is_asked_for_in_another_type_keeps_its_own_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let samples = fixture("floats/half.npz");
    let calibration = Calibration::new(samples, embedded(Method::MinMax));
    let mut config = job("floats/half.onnx", calibration, &folder.path().join("out"));
    config.precision = Precision::BF16;
    config.ranges = Ranges::None;
    let report = run(&config).unwrap();
    let says = |note: &String| note.contains("nothing in the model computes in float32");
    assert!(report.notes.iter().any(says), "{:?}", report.notes);
    let after = Model::read(&folder.path().join("out/model.onnx")).unwrap();
    assert_eq!(after.inputs(), Model::read(&fixture("floats/half.onnx")).unwrap().inputs());
}

/// The types of the weights that a model has in pairs, each of them, and those of the pairs' scales, each once.
fn of_pairs(model: &Model) -> (Vec<DataType>, Vec<DataType>) {
    let topology = Topology::new(model.graph()).unwrap();
    let (mut weights, mut scales) = (Vec::new(), Vec::new());
    for node in model.graph().node.iter().filter(|node| node.is("DequantizeLinear")) {
        let dtype =
            |input: usize| Some(topology.constant(node.input_name(input)?)?.dtype().unwrap());
        weights.extend(dtype(0));
        scales.extend(dtype(1).filter(|dtype| !scales.contains(dtype)));
    }
    (weights, scales)
}

#[test]
fn models_keep_their_types_and_answer_as_before() {
    let cases = [
        ("half", 3, DataType::FLOAT16),
        ("half_inside", 3, DataType::FLOAT16),
        ("half_island", 2, DataType::FLOAT),
        ("double", 2, DataType::FLOAT),
        ("behind_layout", 4, DataType::FLOAT),
    ];
    for (name, n_weights, scale) in cases {
        let (before, after) = quantized(name);
        assert_eq!(after.inputs(), before.inputs(), "{name}");
        assert_eq!(after.graph().output, before.graph().output, "{name}");
        let (weights, scales) = of_pairs(&after);
        assert_eq!(weights, vec![DataType::INT8; n_weights], "{name}");
        assert_eq!(scales, [scale], "{name}");
        let cosine = cosine(name, [&before, &after]);
        assert!(cosine > LEAST_COSINE, "{name}: {cosine}");
    }
}
