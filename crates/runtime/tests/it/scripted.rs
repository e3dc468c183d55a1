//! The scripted source and runtime do as they are told, through the traits.

use std::sync::Arc;

use calibrant_calibration::{Histograms, Method};
use calibrant_format::INT8;
use calibrant_onnx::proto::{GraphProto, ModelProto, ValueInfoProto};
use calibrant_onnx::{DataType, Dim, MessageField, Model};
use calibrant_runtime::scripted::{Scripted, ScriptedSource, Step};
use calibrant_runtime::{
    Network, RunError, Runtime as _, Sample, Settings, SourceError, SourceErrorKind, Wanted, What,
    suite,
};
use calibrant_tensor::{Tensor, TensorData};

fn sample(position: usize, values: &[f32]) -> Sample {
    let picture = Tensor { shape: vec![1, values.len()], data: TensorData::F32(values.to_vec()) };
    let mask = Tensor { shape: vec![1, 1], data: TensorData::I64(vec![1]) };
    let inputs = vec![(Arc::from("picture"), picture), (Arc::from("mask"), mask)];
    Sample { position, name: format!("{position}.npy").into(), inputs }
}

/// A model of a picture and a mask, which nothing is made of.
fn model() -> Model {
    let input = |name, dtype| ValueInfoProto::tensor(name, dtype, &[Dim::Unknown, Dim::Unknown]);
    let input = vec![input("picture", DataType::FLOAT), input("mask", DataType::INT64)];
    let graph = MessageField::some(GraphProto { input, ..GraphProto::default() });
    Model::new(ModelProto { graph, ..ModelProto::default() })
}

fn load(runtime: &Scripted) -> Box<dyn Network> {
    let one = 1.try_into().unwrap();
    let settings = Settings { workers: one, samples_per_run: one, memory_bytes: 0 };
    let wanted = Wanted::all(What::Statistics(Histograms::Invariant));
    runtime.load(&model(), &wanted, &settings).unwrap()
}

#[test]
fn the_script_does_what_every_runtime_must() {
    suite::run(&suite::script());
}

#[test]
fn the_identity_sees_the_float_inputs_in_any_batches() {
    let samples: Vec<Sample> =
        (0..5).map(|position| sample(position, &[position as f32, -7.0])).collect();
    for batch_size in 1..=6 {
        let mut source = ScriptedSource::of_samples(&samples, batch_size);
        let statistics = load(&Scripted::identity()).run(&mut source).unwrap().statistics;
        assert_eq!(statistics.samples, 5);
        assert_eq!(statistics.tensors.keys().collect::<Vec<_>>(), ["picture"]);
        assert_eq!(statistics.tensors["picture"].count(), 10);
        assert_eq!(statistics.tensors["picture"].amax(Method::MinMax, &INT8), Some(7.0));
    }
}

#[test]
fn activations_are_what_the_script_says() {
    let runtime = Scripted::new(["relu"], |sample| {
        let relu = Tensor::new(vec![1], vec![sample.position as f32].into()).unwrap();
        Ok(vec![("relu".to_owned(), relu)])
    });
    assert_eq!(load(&runtime).info().name, "scripted");
    assert!(format!("{runtime:?}").contains("relu"));
    let samples = [sample(0, &[]), sample(3, &[])];
    let mut source = ScriptedSource::of_samples(&samples, 2);
    let statistics = load(&runtime).run(&mut source).unwrap().statistics;
    assert_eq!(statistics.tensors["relu"].maximum(), 3.0);
}

#[test]
fn a_failing_source_ends_the_calibration() {
    let steps = [
        Step::Batch(vec![sample(0, &[1.0])]),
        Step::Fail(SourceError::bad_sample(1, "1.npy".into(), "cut short")),
        Step::Batch(vec![sample(2, &[1.0])]),
    ];
    let mut source = ScriptedSource::new(steps);
    let error = load(&Scripted::identity()).run(&mut source).unwrap_err();
    assert!(
        matches!(&error, RunError::Source(source) if source.kind() == SourceErrorKind::BadSample),
        "{error}"
    );
    assert_eq!(error.to_string(), "sample `1.npy` (number 1) cannot be used");
    // Spent: what followed the error is not reached.
    let rest = load(&Scripted::identity()).run(&mut source).unwrap();
    assert_eq!(rest.statistics.samples, 0);
}

#[test]
fn a_value_without_a_place_is_told_with_tensor_and_sample() {
    let samples = [sample(0, &[1.0]), sample(1, &[1.0, f32::INFINITY])];
    let mut source = ScriptedSource::of_samples(&samples, 2);
    let error = load(&Scripted::identity()).run(&mut source).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("tensor `picture` has the value inf at element 1 for sample `1.npy`"),
        "{error}"
    );
}

#[test]
fn a_failing_node_is_told_with_the_sample() {
    let runtime = Scripted::new(["conv1"], |sample| {
        Err(RunError::Execution {
            node: "conv1".to_owned(),
            operator: "Conv".to_owned(),
            sample: sample.name.to_string(),
            source: "shapes differ".into(),
        })
    });
    let mut source = ScriptedSource::of_samples(&[sample(0, &[])], 1);
    let error = load(&runtime).run(&mut source).unwrap_err();
    assert_eq!(error.to_string(), "Conv node `conv1` failed on sample `0.npy`");
}
