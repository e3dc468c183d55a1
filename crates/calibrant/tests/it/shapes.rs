//! The shapes that an engine is built for: what `--shapes` says, or one default whatever else is said.

use std::process::Output;

use calibrant_job::TABLE;
use serde_json::Value;

use crate::fixtures::{files, fixture};
use crate::generations::{Machine, said};
use crate::models::{Graph, write_array};

const VERSION: i32 = 101_601;

/// What the report says of the engine's shapes.
fn told(machine: &Machine) -> (Vec<String>, Vec<String>) {
    let report = machine.report();
    let list = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    (list(&report["engine"]["shapes"]), list(&report["engine"]["shape_reasons"]))
}

fn done(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
}

#[test]
fn flags_of_the_calibration_never_change_the_engine() {
    let table = Machine::new(VERSION);
    done(&table.fashion("calibrate", &[]));
    let table = table.output().join(TABLE);
    let expected = "input:1x3x28x28,8x3x28x28,8x3x28x28";
    for words in [
        &[][..],
        &["--batch-size", "3"],
        &["--batch-size", "64", "--workers", "1"],
        &["--stride", "7", "--shuffle", "3"],
        &["--method", "minmax"],
        &["--backend", "tensorrt", "--batch-size", "2"],
        &["--int8-via", "qdq"],
        &["--precision", "fp16"],
    ] {
        let machine = Machine::new(VERSION);
        machine.done(words);
        let (shapes, reasons) = told(&machine);
        assert_eq!(shapes, [expected], "{words:?}");
        assert_eq!(
            reasons,
            ["`input`: batches of 1 to 8, tuned for 8, are the default"],
            "{words:?}"
        );
    }
    for words in [&["--calibration-cache", table.to_str().unwrap()][..], &["--precision", "fp16"]] {
        let machine = Machine::new(VERSION);
        done(&machine.run("quantize", "models/fashion_cnn.onnx", words));
        assert_eq!(told(&machine).0, [expected], "{words:?}");
    }
    let machine = Machine::new(VERSION);
    machine.done(&["--shapes", "input:2x3x28x28,4x3x28x28,16x3x28x28"]);
    let (shapes, reasons) = told(&machine);
    assert_eq!(shapes, ["input:2x3x28x28,4x3x28x28,16x3x28x28"]);
    assert_eq!(reasons, ["`input`: as given"]);
}

#[test]
fn open_sides_are_those_of_the_preprocessing_however_the_ranges_come() {
    let images = fixture("fashion/calibration");
    let preset = ["--preset", "imagenet", "--size", "40x24"];
    let pictures = [&["--images", images.to_str().unwrap(), "--limit", "2"][..], &preset].concat();
    let model = "tensorrt/models/fp32_dynamic.onnx";
    let first = Machine::new(VERSION);
    done(&first.run("quantize", model, &pictures));
    let expected = told(&first);
    assert_eq!(expected.0, ["input:1x3x24x40,8x3x24x40,8x3x24x40"]);
    assert_eq!(
        expected.1,
        [
            "`input`: batches of 1 to 8, tuned for 8, are the default; dimensions 2 and 3 are what the preprocessing makes"
        ]
    );
    let [table, cache] = [TABLE, calibrant_job::CACHE].map(|name| first.output().join(name));
    for words in [
        &["--calibration-cache", table.to_str().unwrap()][..],
        &["--calibration-cache", cache.to_str().unwrap()],
        &[&["--precision", "fp16"][..], &preset].concat(),
    ] {
        let machine = Machine::new(VERSION);
        done(&machine.run("quantize", model, words));
        assert_eq!(told(&machine), expected, "{words:?}");
    }
    let machine = Machine::new(VERSION);
    let refused = machine.run("quantize", model, &["--precision", "fp16"]);
    let told = said(&refused);
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(told.contains("dimensions 2 and 3 of \"input\""), "{told}");
    assert!(files(&machine.output()).is_empty());
}

/// The lengths that samples happen to have are no engine's.
#[test]
fn an_open_length_has_to_be_given_and_the_error_says_how() {
    let machine = Machine::new(VERSION);
    let folder = machine.folder.path();
    let model = Graph::reading("tokens", &["batch", "length", "16"])
        .input("mask", &["batch", "length", "1"])
        .weight("w", &[16, 16])
        .node("MatMul", "tokens w", "projected")
        .node("Mul", "projected mask", "y")
        .output("y")
        .write(folder);
    let arrays = folder.join("arrays");
    write_array(&arrays, "tokens", &[4, 12, 16]);
    write_array(&arrays, "mask", &[4, 12, 1]);
    let words = ["--images", arrays.to_str().unwrap()];
    let refused = machine.run("quantize", model.to_str().unwrap(), &words);
    let told_of_it = said(&refused);
    assert_eq!(refused.status.code(), Some(2), "{told_of_it}");
    assert!(files(&machine.output()).is_empty());
    let (_, example) = told_of_it.split_once("for example ").unwrap();
    let example: Vec<&str> = example.split_whitespace().collect();
    assert_eq!(
        example,
        ["--shapes", "tokens:1x1x16,8x12x16,8x12x16", "--shapes", "mask:1x1x1,8x12x1,8x12x1"]
    );
    done(&machine.run("quantize", model.to_str().unwrap(), &[&words[..], &example].concat()));
    assert_eq!(told(&machine).0, [example[1], example[3]]);
    done(&machine.run(
        "quantize",
        model.to_str().unwrap(),
        &[&words[..], &["--engine", "none"]].concat(),
    ));
    // What is built to calibrate is thrown away, so it may be as narrow as the samples.
    let calibrate = [&words[..], &["--backend", "tensorrt", "--recalibrate"]].concat();
    done(&machine.run("calibrate", model.to_str().unwrap(), &calibrate));
}
