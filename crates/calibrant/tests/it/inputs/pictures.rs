//! Pictures for inputs of every layout and type.

use std::fs;
use std::path::PathBuf;

use calibrant_onnx::DataType;
use calibrant_onnx::proto::{AttributeProto, NodeProto};
use tensorrt_double::Plan;

use super::Bench;
use crate::fixtures::fixture;
use crate::generations::{Machine, said};
use crate::models::{Graph, write_npy};

const IMAGENET: [&str; 4] = ["--preset", "imagenet", "--size", "20x12"];
#[rustfmt::skip]
const RAW: [&str; 8] = ["--preset", "raw", "--resize", "stretch", "--filter", "cv2-linear", "--size", "20x12"];

fn photos() -> PathBuf {
    fixture("photos")
}

fn turn(input: &str, output: &str, perm: &[i64]) -> NodeProto {
    let perm = AttributeProto::ints("perm", perm);
    NodeProto::new("Transpose", output, &[input], &[output]).with_attr(perm)
}

fn conv(graph: Graph, input: &str) -> Graph {
    graph.weight("w", &[4, 3, 3, 3]).node("Conv", &format!("{input} w"), "y").output("y")
}

fn nchw() -> Graph {
    conv(Graph::reading("x", &["n", "3", "12", "20"]), "x")
}

/// The same network with its channels last.
fn nhwc(dims: &[&str]) -> Graph {
    conv(Graph::reading("x", dims).push(turn("x", "t", &[0, 3, 1, 2])), "t")
}

/// The same network for bytes.
fn bytes(dims: &[&str]) -> Graph {
    let cast = NodeProto::new("Cast", "f", &["x"], &["f"]).with_attr(AttributeProto::int("to", 1));
    let graph = Graph::default().input_of(DataType::UINT8, "x", dims).push(cast);
    match dims.last() {
        Some(&"3") => conv(graph.push(turn("f", "t", &[0, 3, 1, 2])), "t"),
        _ => conv(graph, "f"),
    }
}

#[test]
fn channels_last_have_the_ranges_of_channels_first() {
    let bench = Bench::new();
    let first = bench.ranges(&bench.model("first", nchw()), &photos(), &IMAGENET);
    for dims in [["n", "12", "20", "3"], ["n", "h", "w", "3"], ["n", "a", "b", "c"]] {
        let last = bench.ranges(&bench.model("last", nhwc(&dims)), &photos(), &IMAGENET);
        assert_eq!((&last["x"], &last["y"]), (&first["x"], &first["y"]), "{dims:?}");
    }
}

#[test]
fn bytes_have_the_ranges_of_an_array_of_the_same_pixels() {
    let bench = Bench::new();
    let photos = photos();
    let photo = photos.join("animal_moose.jpg");
    for (layout, dims) in [("nchw", ["n", "3", "12", "20"]), ("nhwc", ["n", "12", "20", "3"])] {
        let npy = bench.path("x.npy");
        let preprocess = ["preprocess", photo.to_str().unwrap(), "--layout", layout, "-o", "x.npy"];
        let made = bench.run(&[&preprocess[..], &RAW].concat());
        assert_eq!(made.status.code(), Some(0), "{}", said(&made));
        let floats = fs::read(&npy).unwrap();
        let (_, floats) = floats.split_at(floats.len() - 4 * 720);
        let byte = |value: f32| (0..=255).find(|byte| f32::from(*byte) == value).unwrap();
        let floats = floats.as_chunks::<4>().0.iter();
        let pixels: Vec<u8> = floats.map(|it| byte(f32::from_le_bytes(*it))).collect();
        let shape: Vec<usize> = dims.iter().map(|dim| dim.parse().unwrap_or(1)).collect();
        write_npy(&npy, "|u1", &shape, &pixels);
        let model = bench.model("bytes", bytes(&dims));
        let of_array = bench.ranges(&model, &npy, &[]);
        assert_eq!(bench.ranges(&model, &photo, &RAW), of_array, "{layout}");
    }
}

#[test]
fn what_makes_no_bytes_is_refused_with_a_way_out_for_an_input_of_bytes() {
    let bench = Bench::new();
    let model = bench.model("bytes", bytes(&["n", "12", "20", "3"]));
    let said = bench.refused(&model, &photos(), &IMAGENET);
    assert!(said.contains("takes bytes, and the preprocessing makes -2.1"), "{said}");
    assert!(said.contains("--preset raw"), "{said}");
}

#[test]
fn a_picture_without_a_batch_is_a_sample() {
    let bench = Bench::new();
    let batched = bench.ranges(&bench.model("batched", nchw()), &photos(), &IMAGENET);
    let zero = NodeProto::new("Constant", "zero", &[], &["zero"])
        .with_attr(AttributeProto::ints("value_ints", &[0]));
    let batched_by = |graph: Graph, input| {
        conv(graph.node("Unsqueeze", &format!("{input} zero"), "u"), "u").first(zero.clone())
    };
    let last = Graph::reading("x", &["h", "w", "3"]).push(turn("x", "t", &[2, 0, 1]));
    for graph in [batched_by(Graph::reading("x", &["3", "12", "20"]), "x"), batched_by(last, "t")] {
        let alone = bench.ranges(&bench.model("alone", graph), &photos(), &IMAGENET);
        assert_eq!((&alone["x"], &alone["y"]), (&batched["x"], &batched["y"]));
    }
}

#[test]
fn an_open_layout_has_to_be_said_and_a_stated_one_cannot_be_denied() {
    let bench = Bench::new();
    let open = || {
        let shape = Graph::reading("x", &["n", "a", "b", "c"]).node("Abs", "x", "p");
        shape.node("ReduceMean", "p", "y").output("y")
    };
    let model = bench.model("open", open());
    let said = bench.refused(&model, &photos(), &IMAGENET);
    assert!(said.contains("say it with --layout nchw or --layout nhwc"), "{said}");
    let ranges =
        |layout| bench.ranges(&model, &photos(), &[&IMAGENET[..], &["--layout", layout]].concat());
    assert_eq!(ranges("nhwc")["x"], ranges("nchw")["x"]);
    let stated = bench.model("stated", nhwc(&["n", "12", "20", "3"]));
    let said = bench.refused(&stated, &photos(), &[&IMAGENET[..], &["--layout", "nchw"]].concat());
    assert!(
        said.contains("is laid out NHWC, and NCHW was asked for; leave --layout out"),
        "{said}"
    );
}

/// Three at the end may be a number of channels or a side of 3 pixels, and no hint leads to the latter.
#[test]
fn no_picture_is_three_pixels_wide() {
    let bench = Bench::new();
    let graph = || conv(Graph::reading("x", &["n", "a", "b", "3"]), "x");
    let model = bench.model("thin", graph());
    let said = bench.refused(&model, &photos(), &IMAGENET);
    assert!(said.contains("do not say which"), "{said}");
    let said = bench.refused(&model, &photos(), &[&IMAGENET[..], &["--layout", "nchw"]].concat());
    assert!(said.contains("is no picture input") && !said.contains("--size"), "{said}");
}

#[test]
fn tensorrt_is_fed_what_an_input_takes() {
    let bench = Bench::new();
    let batches = |graph: Graph, images: &str, more: &[&str]| {
        let machine = Machine::new(101_601);
        let model = bench.model("model", graph);
        let words = ["--images", images, "--backend", "tensorrt", "--batch-size", "2"];
        let output = machine.run("quantize", model.to_str().unwrap(), &[&words, more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let Plan { calibration, .. } = machine.plan();
        calibration.unwrap().batches
    };
    let photos = photos();
    let photos = photos.to_str().unwrap();
    let last = batches(nhwc(&["n", "h", "w", "3"]), photos, &IMAGENET);
    assert_ne!(last, batches(nchw(), photos, &IMAGENET), "another layout is another batch");
    assert!(!last.is_empty());
}
