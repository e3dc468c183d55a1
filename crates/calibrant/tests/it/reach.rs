//! Models with nodes that the runtime does not run: what does not depend on them is calibrated and quantized.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use calibrant_calibration::Table;
use calibrant_job::{MODEL, REPORT, TABLE};
use calibrant_onnx::Model;
use calibrant_onnx::proto::NodeProto;
use serde_json::Value;

use crate::models::{Graph, write_array};

/// Two convolutions of enough channels to be worth int8, and a node that no runtime runs, behind or between them.
fn detector(plugin_behind: usize) -> Graph {
    let mut graph = Graph::reading("x", &["batch", "16", "8", "8"]);
    let mut last = "x";
    for (at, output) in ["first", "second", "third"].into_iter().enumerate() {
        if at == plugin_behind {
            graph = graph.push(NodeProto::new("EfficientNMS_TRT", "enms", &[last], &["boxes"]));
            last = "boxes";
        }
        let weight = format!("{output}.w");
        graph = graph.weight(&weight, &[32, if at == 0 { 16 } else { 32 }, 3, 3]);
        graph = graph.node("Conv", &format!("{last} {weight}"), output);
        last = output;
    }
    graph.output("third")
}

fn quantize(folder: &Path, graph: Graph) -> Output {
    let model = graph.write(folder);
    write_array(&folder.join("arrays"), "x", &[4, 16, 8, 8]);
    let output = folder.join("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_calibrant"));
    command.args(["quantize", "--engine", "none", "--cache-version", "10.3.0", "--model"]);
    command.arg(model).arg("--images").arg(folder.join("arrays"));
    command.arg("--output").arg(output).output().unwrap()
}

#[test]
fn what_does_not_depend_on_a_node_that_is_not_run_is_quantized() {
    let folder = tempfile::tempdir().unwrap();
    let done = quantize(folder.path(), detector(2));
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains("does not run EfficientNMS_TRT \"enms\" (#2): what depends"), "{said}");

    let output = folder.path().join("out");
    let table = Table::read(&output.join(TABLE)).unwrap();
    let tensors: Vec<&str> = table.tensors().keys().map(String::as_str).collect();
    assert_eq!(tensors, ["first", "second", "x"]);

    let model = Model::read(&output.join(MODEL)).unwrap();
    let nodes = &model.graph().node;
    let reads = |name: &str| -> Vec<&str> {
        let node = nodes.iter().find(|node| node.name.as_deref() == Some(name)).unwrap();
        let from = |input: &String| nodes.iter().find(|it| it.output.contains(input));
        node.input.iter().filter_map(from).map(|maker| maker.op()).collect()
    };
    let pairs = ["DequantizeLinear"; 2];
    assert_eq!((reads("first"), reads("second")), (pairs.to_vec(), pairs.to_vec()));
    assert_eq!((reads("enms"), reads("third")), (vec!["Conv"], vec!["EfficientNMS_TRT"]));

    let report: Value = serde_json::from_slice(&fs::read(output.join(REPORT)).unwrap()).unwrap();
    let not_run = &report["calibration"]["not_run"];
    assert_eq!(not_run[0]["operator"], "EfficientNMS_TRT");
    assert!(not_run[0]["reason"].as_str().unwrap().contains("not implemented"), "{not_run}");
}

#[test]
fn where_nothing_is_left_to_quantize_the_node_is_named_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let failed = quantize(folder.path(), detector(0));
    let said = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot run EfficientNMS_TRT \"enms\" (#0)"), "{said}");
    assert!(said.contains("--backend tensorrt"), "{said}");
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 0);
}

#[test]
fn a_dynamically_quantized_model_is_said_to_be_quantized_rather_than_refused_for_an_operator() {
    let folder = tempfile::tempdir().unwrap();
    let graph = Graph::reading("x", &["batch", "16", "8", "8"])
        .push(NodeProto::new("DynamicQuantizeLinear", "dyn", &["x"], &["q", "s", "z"]))
        .push(NodeProto::new("DequantizeLinear", "back", &["q", "s", "z"], &["y"]));
    let failed = quantize(folder.path(), graph.output("y"));
    let said = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("the model is quantized already"), "{said}");
    assert!(said.contains("give the float32 model"), "{said}");
}
