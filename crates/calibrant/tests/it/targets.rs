//! Deployment targets: the version in the cache, what the model is, and the table in the documentation.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use calibrant_calibration::{Cache, Target, TargetWay};
use calibrant_job::{CACHE, MODEL, PLAN, TABLE};
use calibrant_onnx::Model;
use tempfile::TempDir;

use crate::fixtures::{files, fixture};
use crate::generations::{Machine, said};

/// A job over eight pictures of clothes, without an engine.
fn fashion(command: &str, output: &Path, more: &[&str]) -> Output {
    let (model, images) = (fixture("models/fashion_cnn.onnx"), fixture("fashion/calibration"));
    Command::new(env!("CARGO_BIN_EXE_calibrant"))
        .args([command, "--preset", "fashion", "--limit", "8", "--model"])
        .arg(model)
        .arg("--images")
        .arg(images)
        .arg("--output")
        .arg(output)
        .args(more)
        .output()
        .unwrap()
}

fn done(command: &str, more: &[&str]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = fashion(command, folder.path(), more);
    assert_eq!(output.status.code(), Some(0), "{more:?}: {}", said(&output));
    (folder, said(&output))
}

fn refused(more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = fashion("quantize", folder.path(), more);
    assert_eq!(output.status.code(), Some(2), "{more:?}: {}", said(&output));
    assert!(files(folder.path()).is_empty(), "{more:?}");
    said(&output)
}

fn version(folder: &TempDir) -> u32 {
    Cache::read(&folder.path().join(CACHE)).unwrap().version()
}

/// Whether the model of a job has Q/DQ nodes and casts.
fn says_types(folder: &TempDir) -> [bool; 2] {
    let model = Model::read(&folder.path().join(MODEL)).unwrap();
    let has = |op: &str| model.graph().node.iter().any(|node| node.op() == op);
    [has("QuantizeLinear"), has("Cast")]
}

#[test]
fn a_target_decides_the_caches_version_and_what_the_model_is() {
    let none = ["--engine", "none", "--precision", "int8+fp16"];
    for (target, number, types, note) in [
        (
            "jetpack-6.1",
            100_300,
            [false, false],
            "jetpack-6.1 (TensorRT 10.3.0) takes model.onnx and calibration.cache",
        ),
        (
            "deepstream-7.0",
            8_601,
            [false, false],
            "(TensorRT 8.6.1) takes model.onnx and calibration.cache",
        ),
        ("tensorrt-10.3", 100_300, [false, false], "tensorrt-10.3.0 (TensorRT 10.3.0) takes"),
        ("tensorrt-11.1", 101_601, [true, true], "takes model.onnx alone"),
    ] {
        let (folder, told) = done("quantize", &[&none[..], &["--for", target]].concat());
        assert_eq!((version(&folder), says_types(&folder)), (number, types), "{target}");
        assert!(told.contains(note), "{target}: {told}");
    }
    let qdq = [&none[..], &["--for", "jetpack-6.1", "--int8-via", "qdq"]].concat();
    let (folder, told) = done("quantize", &qdq);
    let [has_pairs, _] = says_types(&folder);
    assert!(has_pairs);
    assert!(told.contains("takes model.onnx alone"), "{told}");
    let (folder, told) = done("calibrate", &["--for", "drive-os-6.0.7"]);
    assert_eq!(version(&folder), 8_610);
    assert!(told.contains("takes the float model and calibration.cache"), "{told}");
}

#[test]
fn a_version_is_written_as_everywhere() {
    for (text, number) in [("10.3.0", 100_300), ("8601", 8_601), ("8.6.1", 8_601)] {
        let (folder, _) = done("calibrate", &["--cache-version", text]);
        assert_eq!(version(&folder), number, "{text}");
    }
}

#[test]
fn what_cannot_go_together_is_refused_before_any_work() {
    for (words, reason) in [
        (&["--for", "jetpak-6.1"][..], "the nearest are jetpack-6.1"),
        (&["--for", "jetpack-6"], "jetpack-6.0 or jetpack-6.1"),
        (&["--for", "jetpack-6.1", "--cache-version", "10.3.0"], "cannot be used with"),
        (&["--cache-version", "11.1.0"], "reads no calibration cache"),
        (&["--for", "tensorrt-11.1", "--int8-via", "cache"], "leave --int8-via out"),
        (&["--for", "jetpack-6.1", "--backend", "tensorrt"], "cache convert"),
        (&["--precision", "fp16", "--int8-via", "cache"], "fp16 has no such ranges"),
        (&["--precision", "fp32", "--int8-via", "qdq"], "fp32 has no such ranges"),
    ] {
        let told = refused(words);
        assert!(told.contains(reason), "{words:?}: {told}");
    }
}

#[test]
fn an_engine_is_built_by_the_targets_own_tensorrt_alone() {
    let machine = Machine::new(100_300);
    let output = machine.fashion("quantize", &["--for", "jetpack-6.1"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(files(&machine.output()).contains(&PLAN.to_owned()));

    let machine = Machine::new(101_601);
    let output = machine.fashion("quantize", &["--for", "jetpack-6.1"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(!files(&machine.output()).contains(&PLAN.to_owned()));
    assert!(machine.cache().starts_with("TRT-100300-"), "{}", machine.cache());
    let notes = machine.report()["notes"].to_string();
    assert!(notes.contains("does not run what TensorRT 10.16.1 builds"), "{notes}");
    let output = machine.fashion("quantize", &["--for", "jetpack-6.1", "--engine", "require"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[test]
fn caches_are_converted_and_validated_for_a_target() {
    let (folder, _) = done("calibrate", &["--cache-version", "8601"]);
    let cache = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calibrant"));
        command.arg("cache").args(words).current_dir(folder.path()).output().unwrap()
    };
    let converted = cache(&["convert", TABLE, "--for", "jetpack-6.1", "-o", "x.cache"]);
    assert_eq!(converted.status.code(), Some(0), "{}", said(&converted));
    assert!(fs::read_to_string(folder.path().join("x.cache")).unwrap().starts_with("TRT-100300-"));
    assert_eq!(cache(&["validate", "x.cache", "--for", "jetpack-6.2"]).status.code(), Some(0));
    assert_eq!(cache(&["validate", "x.cache", "--for", "jetpack-6.0"]).status.code(), Some(1));
    let refused = cache(&["convert", TABLE, "--for", "tensorrt-11.0", "-o", "y.cache"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
}

/// The documentation has a line for each target, and no other.
#[test]
fn the_documentation_lists_every_target() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/targets.md");
    let page = fs::read_to_string(page).unwrap();
    let line = |target: &Target| {
        let [major, minor, patch] = target.tensorrt;
        let (number, way) = match target.way() {
            TargetWay::Cache => (target.version().to_string(), "cache or Q/DQ"),
            TargetWay::Qdq => ("none".to_owned(), "Q/DQ"),
        };
        let (name, source) = (target.name, target.source);
        format!("| `{name}` | {major}.{minor}.{patch} | {number} | {way} | <{source}> |")
    };
    let expected: Vec<String> = Target::all().iter().map(line).collect();
    let found: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(found, expected);
}
