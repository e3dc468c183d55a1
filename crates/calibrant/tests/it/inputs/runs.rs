//! Runs of models that fix how many samples they take at once, and of samples that hold infinities.

use calibrant_onnx::proto::{AttributeProto, NodeProto};
use serde_json::json;

use super::Bench;
use crate::models::{Graph, write_array, write_npy};

/// Two layers with the batch turned to the second axis between them, for so many samples at once.
fn turned(batch: &str) -> Graph {
    let perm = AttributeProto::ints("perm", &[1, 0, 2]);
    let turn = NodeProto::new("Transpose", "turned", &["h"], &["turned"]).with_attr(perm);
    let graph = Graph::reading("x", &[batch, "2", "4"]).weight("w", &[4, 4]).weight("v", &[4, 3]);
    let graph = graph.node("MatMul", "x w", "h").push(turn).node("Relu", "turned", "r");
    graph.node("MatMul", "r v", "y").output("y")
}

#[test]
fn copies_that_fill_a_fixed_batch_up_count_nothing() {
    let bench = Bench::new();
    let (open, fixed) = (bench.model("open", turned("n")), bench.model("fixed", turned("4")));
    for (n_samples, copies) in [(1, 3), (4, 0), (6, 2), (7, 1)] {
        write_array(&bench.path("x"), "x", &[n_samples, 2, 4]);
        let (expected, _) = bench.reported(&open, &bench.path("x"), &[]);
        for batch_size in ["1", "3", "8"] {
            let more = ["--batch-size", batch_size];
            let (ranges, report) = bench.reported(&fixed, &bench.path("x"), &more);
            assert_eq!(ranges, expected, "{n_samples} {more:?}");
            let filled = json!({"at_once": 4, "copies": copies, "counted": []});
            let told = report.get("filled");
            assert_eq!(told, (copies > 0).then_some(&filled), "{n_samples} {more:?}");
            assert_eq!(report["samples"], n_samples);
        }
    }
}

#[test]
fn tensors_that_mix_samples_are_named_where_copies_count_in_them() {
    let bench = Bench::new();
    let axes = AttributeProto::ints("axes", &[0]);
    let mean = NodeProto::new("ReduceMean", "mean", &["x"], &["mean"]).with_attr(axes);
    let graph = Graph::reading("x", &["4", "2", "4"]).push(mean).weight("w", &[4, 4]);
    let graph = graph.node("Sub", "x mean", "centred").node("MatMul", "centred w", "y");
    let model = bench.model("mixing", graph.output("y"));
    write_array(&bench.path("x"), "x", &[6, 2, 4]);
    let (ranges, report) = bench.reported(&model, &bench.path("x"), &[]);
    assert_eq!(report["filled"]["counted"], json!(["mean"]));
    let counts = ["x", "mean", "y"].map(|name| ranges[name]["count"].clone());
    assert_eq!(counts, [json!(6 * 8), json!(2 * 8), json!(6 * 8)]);
}

fn masked() -> Graph {
    let graph = Graph::reading("x", &["n", "4", "4"]).input("mask", &["n", "1", "4"]);
    let graph = graph.weight("w", &[4, 4]).node("MatMul", "x w", "scores");
    let graph = graph.node("Add", "scores mask", "sum").node("Softmax", "sum", "weights");
    graph.node("MatMul", "weights x", "y").output("y")
}

/// A mask for two samples, of which the first has this value in it.
fn write_mask(bench: &Bench, value: f32) {
    write_array(&bench.path("samples"), "x", &[2, 4, 4]);
    let values = [0.0, value, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let bytes: Vec<u8> = values.iter().flat_map(|value: &f32| value.to_le_bytes()).collect();
    write_npy(&bench.path("samples/mask.npy"), "<f4", &[2, 1, 4], &bytes);
}

#[test]
fn what_a_mask_makes_infinite_has_no_range_and_all_else_has_one() {
    let bench = Bench::new();
    let model = bench.model("masked", masked());
    write_mask(&bench, f32::NEG_INFINITY);
    for workers in ["1", "2"] {
        let more = ["--workers", workers, "--batch-size", "1"];
        let (ranges, report) = bench.reported(&model, &bench.path("samples"), &more);
        assert_eq!(report["infinite"], json!(["mask", "sum"]));
        let names: Vec<_> = ranges.keys().map(String::as_str).collect();
        assert_eq!(names, ["scores", "weights", "x", "y"]);
    }
    let words =
        ["quantize", "--model", "masked/model.onnx", "--images", "samples", "--engine", "none"];
    let output = bench.run(&[&words[..], &["-o", "quantized"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", crate::generations::said(&output));
    write_mask(&bench, -10.0);
    let (ranges, report) = bench.reported(&model, &bench.path("samples"), &[]);
    assert_eq!((ranges.len(), report.get("infinite")), (6, None));
}

#[test]
fn a_number_that_is_none_or_an_infinity_of_the_networks_own_is_an_error() {
    let bench = Bench::new();
    let model = bench.model("masked", masked());
    for (value, tensor) in [(f32::NAN, "mask"), (f32::INFINITY, "weights")] {
        write_mask(&bench, value);
        let said = bench.refused(&model, &bench.path("samples"), &[]);
        assert!(said.contains(&format!("tensor `{tensor}` has the value NaN")), "{said}");
    }
    let graph = Graph::reading("x", &["n", "4"]).floats("large", &[4], f32::MAX);
    let graph = graph.node("Mul", "x large", "over").weight("w", &[4, 4]);
    let model = bench.model("over", graph.node("MatMul", "over w", "y").output("y"));
    write_array(&bench.path("finite"), "x", &[8, 4]);
    let said = bench.refused(&model, &bench.path("finite"), &[]);
    assert!(said.contains("see whether the model overflows in float too"), "{said}");
}
