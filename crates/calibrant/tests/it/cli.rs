//! The binary: exit statuses, messages, and output for people and programs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use calibrant_job::{CACHE, MODEL, TABLE};
use serde_json::Value;

use crate::fixtures::{files, fixture};

fn calibrant(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_calibrant")).args(words).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A `quantize` of a fashion network that stops before the engine.
fn quantize(output: &Path, more: &[&str]) -> Output {
    let (model, images) = (fixture("models/fashion_cnn.onnx"), fixture("fashion/calibration"));
    let words =
        ["quantize", "--model", text(&model), "--images", text(&images), "--preset", "fashion"];
    let rest = ["--limit", "8", "--engine", "none", "--output", text(output)];
    calibrant(&[&words, &rest[..], more].concat())
}

#[test]
fn a_job_prints_its_report_and_inspect_shows_what_it_made() {
    let folder = tempfile::tempdir().unwrap();
    let done = quantize(folder.path(), &["--json", "--quiet"]);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["calibration"]["samples"], 8);
    assert_eq!(done.stdout, fs::read(folder.path().join("report.json")).unwrap());

    for (file, kind) in
        [(TABLE, "calibration table"), (CACHE, "TensorRT calibration cache"), (MODEL, "ONNX model")]
    {
        let shown = calibrant(&["inspect", text(&folder.path().join(file)), "--json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(shown["kind"], kind);
        let tensors = shown["tensors"].as_array().unwrap();
        assert!(tensors.iter().all(|tensor| tensor["scale"].as_f64().unwrap() > 0.0), "{file}");
        assert!(tensors.iter().any(|tensor| tensor["tensor"] == "input"), "{file}: {tensors:?}");
    }
}

#[test]
fn wrong_usage_ends_in_2_with_the_way_out_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let (model, images) = (fixture("models/fashion_cnn.onnx"), fixture("fashion/calibration"));
    let base = ["quantize", "--model", text(&model), "--output", text(&output)];
    let images = ["--images", text(&images)];
    let cases: [(&[&str], &str); 9] = [
        (&[], "give samples with --images, or ranges with --calibration-cache"),
        (&images, "efficientnet-lite"),
        (
            &[&images[..], &["--preset", "imagnet"]].concat(),
            "there is no preset `imagnet` (did you mean `imagenet`?); choose one of:",
        ),
        (&[&images[..], &["--preset", "fashion", "--mean", "1,2"]].concat(), "mean has 2 values"),
        (&[&images[..], &["--preset", "fashion", "--batch-size", "0"]].concat(), "--batch-size"),
        (&[&images[..], &["--preset", "fashion", "--method", "best"]].concat(), "--method"),
        (
            &[&images[..], &["--preset", "fashion", "--calibration-cache", "x"]].concat(),
            "two sources of ranges",
        ),
        (
            &[&images[..], &["--preset", "imagenet", "--decode", "cuda", "--filter", "fir-box"]]
                .concat(),
            "choose another --filter, or --decode cpu",
        ),
        (&[&images[..], &["--preset", "fashion", "--decode", "gpu"]].concat(), "--decode"),
    ];
    for (words, way_out) in cases {
        let failed = calibrant(&[&base[..], words].concat());
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(way_out), "{words:?}: {said}");
    }
    assert_eq!(files(&output), Vec::<String>::new());
}

#[test]
fn bad_input_ends_in_1_with_the_thing_named() {
    let folder = tempfile::tempdir().unwrap();
    let [empty, garbage] = ["empty", "garbage.onnx"].map(|name| folder.path().join(name));
    fs::create_dir(&empty).unwrap();
    fs::write(&garbage, "no model").unwrap();
    let output = folder.path().join("out");
    let (model, images) = (fixture("models/fashion_cnn.onnx"), fixture("fashion/calibration"));
    let cases = [
        ("missing.onnx", text(&images), "fashion", "missing.onnx"),
        (text(&garbage), text(&images), "fashion", "garbage.onnx"),
        (text(&model), "missing", "fashion", "missing"),
        (text(&model), text(&empty), "fashion", "no picture in"),
        (text(&model), text(&images), "imagenet", "add --size 28x28"),
    ];
    for (model, images, preset, named) in cases {
        let words = [
            "quantize",
            "--model",
            model,
            "--images",
            images,
            "--preset",
            preset,
            "--output",
            text(&output),
        ];
        let failed =
            calibrant(&[&words[..], &["--engine", "none", "--cache-version", "101601"]].concat());
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(1), "{said}");
        assert!(said.contains(named), "{said}");
    }
    assert_eq!(files(&output), Vec::<String>::new());
}

#[test]
fn a_library_that_is_required_and_missing_ends_in_3() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("nowhere");
    let (model, images) = (fixture("models/fashion_cnn.onnx"), fixture("fashion/calibration"));
    let words =
        ["quantize", "--model", text(&model), "--images", text(&images), "--preset", "fashion"];
    let rest =
        ["--engine", "require", "--tensorrt", text(&nowhere), "--output", text(folder.path())];
    let failed = calibrant(&[&words[..], &rest].concat());
    let said = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(failed.status.code(), Some(3), "{said}");
    assert!(said.contains("nowhere"), "{said}");
}

#[test]
fn a_gpu_that_is_to_decode_and_is_missing_ends_in_3_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let (model, images) = (fixture("models/fashion_cnn.onnx"), fixture("fashion/calibration"));
    for decode in ["cuda", "cuda-exact"] {
        let failed = Command::new(env!("CARGO_BIN_EXE_calibrant"))
            .args(["calibrate", "--model", text(&model), "--images", text(&images)])
            .args(["--preset", "fashion", "--decode", decode, "--output", text(&output)])
            // Where there is a GPU, it is hidden.
            .env("CUDA_VISIBLE_DEVICES", "")
            .output()
            .unwrap();
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(3), "{said}");
        let expected =
            "error: the pictures cannot be decoded on the GPU; --decode cpu does without it";
        assert!(said.starts_with(expected), "{said}");
        assert!(!output.exists(), "nothing is written");
    }
}
