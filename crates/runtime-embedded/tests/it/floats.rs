//! Models in other floats than float32, beside what onnxruntime makes of them: fixtures/floats.

use std::fs;

use calibrant_dataset::Dataset;
use calibrant_onnx::Model;
use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, Dim};
use calibrant_runtime::Sample;
use serde_json::Value;

use crate::support::{calibrate, fixtures, floats, input, model, model_of, sample};

/// onnxruntime rounds what every node makes to 11 bits, and a sum over many such numbers is off by a few of these.
const OF_HALVES: f64 = 3e-3;

/// Both sum in their own order.
const OF_WIDER: f64 = 1e-5;

fn samples(name: &str) -> Vec<Sample> {
    let file = fixtures().join("floats").join(format!("{name}.npz"));
    let set = Dataset::tensors_in_memory(name, fs::read(file).unwrap()).unwrap();
    let sample = |(position, row): (usize, Result<_, _>)| {
        let (name, inputs) = row.unwrap();
        Sample { position, name, inputs }
    };
    set.rows().enumerate().map(sample).collect()
}

#[test]
fn extremes_are_those_of_onnxruntime() {
    let expected = fs::read(fixtures().join("floats/expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    for (name, tensors) in expected.as_object().unwrap() {
        let file = fixtures().join("floats").join(format!("{name}.onnx"));
        let model = Model::read(&file).unwrap();
        let seen = calibrate(&model, &samples(name)).unwrap();
        let tolerance = if name.starts_with("half") { OF_HALVES } else { OF_WIDER };
        let tensors = tensors.as_object().unwrap();
        assert_eq!(seen.tensors.len(), tensors.len(), "{name}");
        for (tensor, expected) in tensors {
            let found = &seen.tensors[tensor];
            let [low, high] = [0, 1].map(|index| expected[index].as_f64().unwrap());
            let within = tolerance * low.abs().max(high.abs());
            let (minimum, maximum) = (f64::from(found.minimum()), f64::from(found.maximum()));
            assert!(
                (minimum - low).abs() <= within && (maximum - high).abs() <= within,
                "{name}: `{tensor}` is in [{minimum}, {maximum}], in onnxruntime in [{low}, {high}]"
            );
            assert_eq!(Some(found.count()), expected[2].as_u64(), "{name}: `{tensor}`");
        }
    }
}

fn to(dtype: DataType) -> AttributeProto {
    AttributeProto::int("to", dtype as i64)
}

#[test]
fn a_cast_to_a_half_type_rounds_as_it_does() {
    let cases = [(DataType::FLOAT16, 2049.0, 2048.0), (DataType::BFLOAT16, 2053.0, 2048.0)];
    for (dtype, given, expected) in cases {
        let nodes = vec![
            NodeProto::new("Cast", "", &["x"], &["h"]).with_attr(to(dtype)),
            NodeProto::new("Cast", "", &["h"], &["y"]).with_attr(to(DataType::FLOAT)),
        ];
        let x = floats(&[1, 1], vec![given]);
        let seen = calibrate(&model(nodes, Vec::new()), &[sample(0, vec![("x", x)])]);
        assert_eq!(seen.unwrap().tensors["y"].maximum(), expected, "{dtype:?}");
    }
}

#[test]
fn a_mask_that_a_half_type_has_no_number_for_is_no_range() {
    let mask = TensorProto::from_f32("mask", &[2], &[f32::MIN, 0.0]);
    let nodes = vec![
        NodeProto::new("Greater", "", &["x", "zero"], &["is_seen"]),
        NodeProto::new("Where", "", &["is_seen", "x", "mask"], &["masked"]),
        NodeProto::new("Cast", "", &["masked"], &["half"]).with_attr(to(DataType::FLOAT16)),
        NodeProto::new("Softmax", "", &["half"], &["y"]),
    ];
    let zero = TensorProto::from_f32("zero", &[], &[0.0]);
    let seen = calibrate(
        &model(nodes, vec![mask, zero]),
        &[sample(0, vec![("x", floats(&[1, 2], vec![-1.0, 2.0]))])],
    );
    let seen = seen.unwrap();
    assert_eq!(seen.tensors.keys().collect::<Vec<_>>(), ["masked", "x", "y"]);
    assert_eq!(seen.tensors["y"].maximum(), 1.0);
}

#[test]
fn an_input_of_halves_takes_floats_that_it_has_numbers_for() {
    let x = input("x", DataType::FLOAT16, &[Dim::Symbol("batch"), Dim::Unknown]);
    let relu = NodeProto::new("Relu", "", &["x"], &["y"]);
    let model = model_of(vec![x], vec![relu], Vec::new(), 17);
    let seen = |value| calibrate(&model, &[sample(0, vec![("x", floats(&[1, 1], vec![value]))])]);
    assert_eq!(seen(2049.0).unwrap().tensors["x"].maximum(), 2048.0);
    let error = seen(70000.0).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        source,
        "input `x` of sample `sample 0` has 70000 at element 0, beyond the float16 that the model expects"
    );
}
