//! Where the fixtures lie, and small models made here.

use std::path::{Path, PathBuf};

use calibrant_onnx::proto::{GraphProto, NodeProto, ValueInfoProto};
use calibrant_onnx::{DataType, Dim, Model};
use serde_json::Value;

pub(crate) fn path(relative: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(relative)
}

pub(crate) fn model(name: &str) -> Model {
    Model::read(&path(&format!("onnx/models/{name}.onnx"))).unwrap()
}

/// What `make_models.py` says about one of its models.
pub(crate) fn expected(name: &str) -> Value {
    let text = std::fs::read_to_string(path("onnx/models/expected.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[name].take()
}

/// All models in the fixtures, each with its path.
pub(crate) fn all() -> Vec<PathBuf> {
    let folders = ["models", "onnx/models"];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(path(folder)).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut models: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .collect();
    models.sort();
    assert!(models.len() >= 10, "the fixtures hold models");
    models
}

/// A model of `nodes` with FLOAT input `x` and output `y`, both of any shape, opset 17.
pub(crate) fn of_nodes(nodes: Vec<NodeProto>) -> Model {
    let info = |name| ValueInfoProto::tensor(name, DataType::FLOAT, &[Dim::Symbol("n")]);
    let mut model = Model::new(Default::default());
    model.proto.ir_version = Some(8);
    model.set_opset(17);
    *model.graph_mut() = GraphProto {
        node: nodes,
        input: vec![info("x")],
        output: vec![info("y")],
        ..Default::default()
    }
    .with_name("made");
    model
}
