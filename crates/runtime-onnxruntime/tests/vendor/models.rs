//! Models that are not taken whole, weights, types, and errors that name nodes.

use std::sync::Arc;

use calibrant_calibration::Histograms;
use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, Dim, Model, OPSETS};
use calibrant_runtime::scripted::ScriptedSource;
use calibrant_runtime::{LoadError, Refusal, RunError, Runtime as _, Sample, Wanted, What};
use calibrant_tensor::{Tensor, TensorData};

use crate::stage::{model, runtime, samples, seen, settings, statistics};

const OPEN: [Dim<'_>; 2] = [Dim::Symbol("batch"), Dim::Known(8)];

/// A stem, two plugins of one kind that nobody knows and a form that the library does not compute, each with something that
/// depends on it.
fn with_plugins() -> Model {
    let weight = TensorProto::from_f32("w", &[8, 8], &[0.25; 64]);
    let plugin = |name: &str, input: &str, output: &str| NodeProto {
        domain: Some("TRT".to_owned()),
        ..NodeProto::new("EfficientNMS_TRT", name, &[input], &[output])
    };
    let cast = |output: &str, to: DataType| {
        NodeProto::new("Cast", "", &["stem"], &[output])
            .with_attr(AttributeProto::int("to", i64::from(to as i32)))
    };
    let nodes = vec![
        NodeProto::new("MatMul", "stem", &["x", "w"], &["stem"]),
        plugin("nms", "stem", "boxes"),
        NodeProto::new("Relu", "", &["boxes"], &["positive"]),
        cast("text", DataType::STRING),
        NodeProto::new("Relu", "shout", &["text"], &["loud"]),
        plugin("again", "stem", "more"),
        NodeProto::new("Sigmoid", "head", &["stem"], &["y"]),
    ];
    model(("x", &OPEN), vec![weight], nodes, "y")
}

#[test]
fn nodes_that_the_library_does_not_take_are_told_and_the_rest_is_run() {
    let (model, runtime) = (with_plugins(), runtime());
    let survey = runtime.survey(&model).unwrap();
    let refused: Vec<_> = survey.refused().map(|node| node.node.as_str()).collect();
    assert_eq!(
        refused,
        ["EfficientNMS_TRT \"nms\" (#1)", "Relu \"shout\" (#4)", "EfficientNMS_TRT \"again\" (#5)"]
    );
    assert_eq!(survey.nodes[1].operator, "TRT.EfficientNMS_TRT");
    assert_eq!(survey.nodes[1].refusal, Some(Refusal::Operator));
    let said = survey.nodes[4].refusal.as_ref().unwrap().to_string();
    assert!(said.contains("tensor(string)"), "{said}");

    let unreached = survey.unreached(&model).unwrap();
    assert_eq!(unreached.iter().collect::<Vec<_>>(), ["boxes", "loud", "more", "positive"]);
    let wanted = Wanted::all_but(unreached, What::Statistics(Histograms::Invariant));
    let mut network = runtime.load(&model, &wanted, &settings(1)).unwrap();
    let source = &mut ScriptedSource::of_samples(&samples(&model, 2, 8), 1);
    let seen = network.run(source).unwrap().statistics;
    assert_eq!(seen.tensors.keys().collect::<Vec<_>>(), ["stem", "x", "y"]);

    // Whatever is wanted depends on the first of them alone: the others make no floats, or what nobody reads.
    match runtime.load(&model, &statistics(), &settings(1)).unwrap_err() {
        LoadError::Unsupported { nodes, .. } => {
            let nodes: Vec<_> = nodes.iter().map(|node| node.node.as_str()).collect();
            assert_eq!(nodes, ["EfficientNMS_TRT \"nms\" (#1)"]);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_no_library_reads_is_no_nodes_fault() {
    let mut model =
        model(("x", &OPEN), Vec::new(), vec![NodeProto::new("Relu", "", &["x"], &["y"])], "y");
    model.set_opset(*OPSETS.end());
    // The newest operator set that is known here may be too new for an older library: then the model is at fault.
    match runtime().survey(&model) {
        Ok(survey) => assert!(survey.runs_all()),
        Err(LoadError::Other { source, .. }) => assert!(source.to_string().contains("pset")),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_node_that_fails_is_named_with_its_sample() {
    let weight = TensorProto::from_f32("w", &[15, 4], &[0.5; 60]);
    let nodes = vec![
        NodeProto::new("Relu", "", &["x"], &["relu"]),
        NodeProto::new("MatMul", "head", &["relu", "w"], &["y"]),
    ];
    let model = model(("x", &[Dim::Symbol("a"), Dim::Symbol("b")]), vec![weight], nodes, "y");
    let of = |position: usize, shape: Vec<usize>| {
        let values = vec![0.5; shape.iter().product()];
        let tensor = Tensor::new(shape, TensorData::F32(values)).unwrap();
        let inputs = vec![(Arc::from("x"), tensor)];
        Sample { position, name: format!("sample {position}").into(), inputs }
    };
    let samples = [of(0, vec![1, 15]), of(1, vec![1, 16])];
    let mut network = runtime().load(&model, &statistics(), &settings(1)).unwrap();
    match network.run(&mut ScriptedSource::of_samples(&samples, 1)).map(drop) {
        Err(RunError::Execution { node, operator, sample, .. }) => {
            assert_eq!((&*node, &*operator, &*sample), ("head", "MatMul", "sample 1"));
        }
        other => panic!("{other:?}"),
    }
    // What was in hand is gone, and the network is as good as new.
    network.run(&mut ScriptedSource::of_samples(&samples[..1], 1)).unwrap();
}

#[test]
fn weights_of_every_kind_of_storage_reach_the_library() {
    let raw = TensorProto::from_f32(
        "w",
        &[8, 64],
        &(0..512).map(|it| it as f32 / 512.0).collect::<Vec<_>>(),
    );
    let values = raw.to_f32().unwrap().into_owned();
    let typed = TensorProto {
        float_data: values,
        raw_data: None,
        name: Some("v".to_owned()),
        ..raw.clone()
    };
    let constant = NodeProto::new("Constant", "", &[], &["u"])
        .with_attr(AttributeProto::tensor("value", raw.clone()));
    let nodes = vec![
        constant,
        NodeProto::new("MatMul", "", &["x", "w"], &["xw"]),
        NodeProto::new("MatMul", "", &["x", "v"], &["xv"]),
        NodeProto::new("MatMul", "", &["x", "u"], &["xu"]),
        NodeProto::new("Sum", "", &["xw", "xv", "xu"], &["y"]),
    ];
    let model = model(("x", &OPEN), vec![raw, typed], nodes, "y");
    let seen = seen(&runtime(), &model, &samples(&model, 4, 8));
    let of = |name: &str| (seen.tensors[name].minimum(), seen.tensors[name].maximum());
    assert_eq!((of("xw"), of("xw")), (of("xv"), of("xu")));
}

#[test]
fn neither_workers_nor_batches_nor_order_change_a_count() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/models/ppocr_cls.onnx");
    let model = Model::read(path.as_ref()).unwrap();
    let mut samples = samples(&model, 7, 192);
    let run = |samples: &[Sample], workers: usize, batch: usize| {
        let mut network = runtime().load(&model, &statistics(), &settings(workers)).unwrap();
        network.run(&mut ScriptedSource::of_samples(samples, batch)).unwrap()
    };
    let alone = run(&samples, 1, 1);
    samples.reverse();
    for (workers, batch) in [(1, 7), (3, 2), (4, 7)] {
        assert!(run(&samples, workers, batch) == alone, "{workers} workers, batches of {batch}");
    }
}
