//! What goes wrong is said, with the tensor, the node and the sample.

use std::convert::Infallible;
use std::error::Error as _;
use std::num::NonZeroUsize;

use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, Dim, Model};
use calibrant_prefetch::{Batch, Config, Receiver};
use calibrant_runtime::scripted::{ScriptedSource, Step};
use calibrant_runtime::{LoadError, RunError, Sample, Source, SourceError, SourceErrorKind};
use calibrant_tensor::{Tensor, TensorData};

use crate::support::{
    calibrate, floats, input, load, load_with, model, model_of, noisy, sample, settings,
};

fn relu() -> Model {
    model(vec![NodeProto::new("Relu", "first", &["x"], &["y"])], Vec::new())
}

#[test]
fn a_missing_input_is_named_with_what_there_is() {
    let sample = sample(0, vec![("image", floats(&[1, 2], vec![1.0, 2.0]))]);
    let error = calibrate(&relu(), &[sample]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sample `sample 0` has no tensor for the model's input `x`; it has `image`"
    );
}

#[test]
fn an_input_that_does_not_fit_is_told_what_would() {
    let dims = [Dim::Known(1), Dim::Known(3), Dim::Symbol("width")];
    let typed = |dtype| {
        let nodes = vec![
            NodeProto::new("Cast", "cast", &["x"], &["f"]).with_attr(AttributeProto::int("to", 1)),
            NodeProto::new("Relu", "relu", &["f"], &["y"]),
        ];
        model_of(vec![input("x", dtype, &dims)], nodes, Vec::new(), 17)
    };
    let cases = [
        (
            DataType::FLOAT,
            floats(&[1, 4, 2], vec![0.0; 8]),
            "input `x` of sample `sample 0` has shape [1, 4, 2], the model expects [1, 3, width]",
        ),
        (
            DataType::FLOAT,
            floats(&[1, 3], vec![0.0; 3]),
            "input `x` of sample `sample 0` has shape [1, 3], the model expects [1, 3, width]",
        ),
        (
            DataType::FLOAT,
            Tensor::new(vec![1, 3, 1], TensorData::I64(vec![0; 3])).unwrap(),
            "input `x` of sample `sample 0` is int64, the model expects float32",
        ),
        (
            DataType::INT64,
            floats(&[1, 3, 1], vec![0.0; 3]),
            "input `x` of sample `sample 0` is float32, the model expects int64",
        ),
        (
            DataType::INT64,
            Tensor::new(vec![1, 3, 1], TensorData::I64(vec![0, 1 << 40, 0])).unwrap(),
            "input `x` of sample `sample 0` has 1099511627776 at element 1, outside the 32-bit range",
        ),
    ];
    for (dtype, tensor, expected) in cases {
        let error = calibrate(&typed(dtype), &[sample(0, vec![("x", tensor)])]).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), expected);
    }
}

#[test]
fn a_fixed_batch_has_a_way_out() {
    let dims = [Dim::Known(4), Dim::Known(2)];
    let nodes = vec![NodeProto::new("Relu", "relu", &["x"], &["y"])];
    let model = model_of(vec![input("x", DataType::FLOAT, &dims)], nodes, Vec::new(), 17);
    let samples: Vec<Sample> =
        (0..8).map(|position| noisy(position, "x", &[1, 2], -1.0, 1.0)).collect();
    let error = calibrate(&model, &samples).unwrap_err().source().unwrap().to_string();
    assert!(error.contains("[1, 2]") && error.contains("dynamic batch dimension"), "{error}");

    let mut together = load_with(&model, &settings(2, 4)).unwrap();
    let seen = together.run(&mut ScriptedSource::of_samples(&samples, 4)).unwrap().statistics;
    assert_eq!((seen.samples, seen.tensors["x"].count()), (8, 16));

    let mut uneven = samples[..4].to_vec();
    uneven[2] = noisy(2, "x", &[1, 3], 0.0, 1.0);
    let error = together.run(&mut ScriptedSource::of_samples(&uneven, 4)).unwrap_err();
    assert!(error.source().unwrap().to_string().contains("another sample of its run has [1, 2]"));
}

#[test]
fn a_value_that_is_not_finite_is_reported_with_its_tensor_and_sample() {
    let log = model(vec![NodeProto::new("Log", "log", &["x"], &["y"])], Vec::new());
    let cases = [
        (&log, vec![1.0, -1.0], "y", 1),
        (&log, vec![0.0, 1.0], "y", 0),
        (&relu(), vec![1.0, f32::NAN], "x", 1),
    ];
    for (model, values, expected, at) in cases {
        let samples =
            [noisy(0, "x", &[1, 2], 1.0, 2.0), sample(1, vec![("x", floats(&[1, 2], values))])];
        match calibrate(model, &samples).unwrap_err() {
            RunError::NonFinite { tensor, sample, value, index } => {
                assert_eq!((tensor.as_str(), sample.as_str(), index), (expected, "sample 1", at));
                assert!(!value.is_finite());
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_node_that_fails_is_named_with_its_sample() {
    let weight = TensorProto::from_f32("w", &[3, 1], &[1.0; 3]);
    let nodes = vec![
        NodeProto::new("Relu", "first", &["x"], &["r"]),
        NodeProto::new("MatMul", "second", &["r", "w"], &["y"]),
    ];
    let model = model(nodes, vec![weight]);
    let samples = [noisy(0, "x", &[1, 3], 0.0, 1.0), noisy(1, "x", &[1, 2], 0.0, 1.0)];
    match calibrate(&model, &samples).unwrap_err() {
        RunError::Execution { node, operator, sample, .. } => {
            assert_eq!(
                (node.as_str(), operator.as_str(), sample.as_str()),
                ("second", "MatMul", "sample 1")
            );
        }
        other => panic!("{other}"),
    }
}

#[test]
fn an_error_of_the_source_passes_through() {
    let samples = vec![noisy(0, "x", &[1, 2], 0.0, 1.0)];
    for error in
        [SourceError::bad_sample(1, "b.jpg".into(), "no end of image"), SourceError::cancelled()]
    {
        let (kind, name) =
            (error.kind(), error.sample().map(|(position, name)| (position, name.to_owned())));
        let steps = [Step::Batch(samples.clone()), Step::Fail(error)];
        let mut network = load_with(&relu(), &settings(2, 1)).unwrap();
        match network.run(&mut ScriptedSource::new(steps)).unwrap_err() {
            RunError::Source(error) => {
                let found = error.sample().map(|(position, name)| (position, name.to_owned()));
                assert_eq!((error.kind(), found), (kind, name));
                assert_ne!(error.kind(), SourceErrorKind::Other);
            }
            other => panic!("{other}"),
        }
    }
}

/// Gives the same batch for ever, and counts.
struct Endless {
    pulled: usize,
    sample: Sample,
}

impl Source for Endless {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        self.pulled += 1;
        Ok(Some(Batch::detached(vec![self.sample.clone(); 4])))
    }
}

#[test]
fn the_first_error_stops_everything() {
    for workers in [1, 3] {
        let mut source =
            Endless { pulled: 0, sample: sample(0, vec![("x", floats(&[1, 1], vec![f32::NAN]))]) };
        let mut network = load_with(&relu(), &settings(workers, 1)).unwrap();
        assert!(matches!(network.run(&mut source).unwrap_err(), RunError::NonFinite { .. }));
        assert!(source.pulled <= workers + 2, "{} batches for {workers} workers", source.pulled);
    }
}

#[test]
fn batches_go_home_while_others_are_still_run() {
    let one = NonZeroUsize::MIN;
    let two = one.saturating_add(1);
    for in_flight in [one, two] {
        let config = Config { workers: two, batch_size: two, batches_in_flight: in_flight };
        let mut network = load_with(&relu(), &settings(3, 1)).unwrap();
        let (seen, _) = calibrant_prefetch::run(
            &config,
            0..40,
            || sample(0, Vec::new()),
            || (),
            |(), position, _, slot| {
                *slot = noisy(position, "x", &[1, 2], -1.0, 1.0);
                Ok::<(), Infallible>(())
            },
            |received| network.run(&mut Received(received)).unwrap().statistics,
        )
        .unwrap();
        assert_eq!(seen.samples, 40);
    }
}

struct Received<'a>(&'a mut Receiver<Sample, Infallible>);

impl Source for Received<'_> {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        Ok(self.0.next().map(|delivery| delivery.batch))
    }
}

#[test]
fn what_cannot_be_run_is_listed() {
    let nodes = vec![
        NodeProto::new("StringNormalizer", "a", &["x"], &["h"]),
        NodeProto::new("Relu", "b", &["h"], &["r"]),
        NodeProto::new("TfIdfVectorizer", "c", &["r"], &["y"]),
    ];
    let error = load(&model(nodes, Vec::new())).unwrap_err().to_string();
    for expected in
        ["StringNormalizer \"a\" (#0) (operator not implemented)", "TfIdfVectorizer \"c\" (#2)"]
    {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn what_leads_to_no_observed_tensor_is_not_refused() {
    let nodes = vec![
        NodeProto::new("Relu", "a", &["x"], &["r"]),
        NodeProto::new("NonZero", "b", &["r"], &["z"]),
        NodeProto::new("BitShift", "c", &["z", "z"], &["y"])
            .with_attr(AttributeProto::string("direction", "LEFT")),
    ];
    let seen = calibrate(&model(nodes, Vec::new()), &[noisy(0, "x", &[1, 4], -1.0, 1.0)]).unwrap();
    assert_eq!(seen.tensors.keys().collect::<Vec<_>>(), ["r", "x"]);
}

#[test]
fn a_model_without_float_activations_is_refused() {
    let nodes = vec![NodeProto::new("Neg", "a", &["x"], &["y"])];
    let x = input("x", DataType::INT64, &[Dim::Known(1)]);
    assert!(matches!(
        load(&model_of(vec![x], nodes.clone(), Vec::new(), 17)),
        Err(LoadError::NothingToObserve)
    ));
    let x = input("x", DataType::INT8, &[Dim::Known(1)]);
    let error = load(&model_of(vec![x], nodes, Vec::new(), 17)).unwrap_err();
    assert!(error.to_string().contains("`x` of the model is INT8"));
}
