//! Plans are those that NVIDIA's own Python bindings build, byte for byte.

use std::fs;
use std::path::Path;
use std::process::Command;

use calibrant_engine::{BuildOptions, ComputeCapability, Profile, ProfilingVerbosity};

use crate::stage::{build_in, fixtures, model, python};

/// The plan that NVIDIA's bindings build.
fn reference(folder: &Path, onnx: &Path, arguments: &[&str]) -> Vec<u8> {
    let plan = folder.join("reference");
    let output = Command::new(python())
        .arg(fixtures().join("tensorrt/build_reference.py"))
        .args([onnx, &plan])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(plan).unwrap()
}

fn assert_identical(onnx: &Path, options: &BuildOptions, arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let summary = build_in(folder.path(), onnx, options).0.unwrap();
    let ours = fs::read(folder.path().join("plan")).unwrap();
    assert_eq!(summary.plan_bytes, ours.len() as u64);
    let theirs = reference(folder.path(), onnx, arguments);
    let differing = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).count();
    assert_eq!((ours.len(), differing), (theirs.len(), 0), "{} {arguments:?}", onnx.display());
}

fn shapes(ranges: &[&str]) -> BuildOptions {
    let ranges = ranges.iter().map(|range| range.parse().unwrap()).collect();
    BuildOptions { profiles: Profile::group(ranges), ..BuildOptions::default() }
}

#[test]
fn float() {
    assert_identical(&model("fp32.onnx"), &BuildOptions::default(), &[]);
}

#[test]
fn half() {
    assert_identical(&model("fp16.onnx"), &BuildOptions::default(), &[]);
}

#[test]
fn int8() {
    assert_identical(&model("int8.onnx"), &BuildOptions::default(), &[]);
}

#[test]
fn int8_with_a_dynamic_batch() {
    let range = "input:1x3x32x32,8x3x32x32,32x3x32x32";
    assert_identical(&model("int8_dynamic.onnx"), &shapes(&[range]), &["--shapes", range]);
}

#[test]
fn a_trained_network_with_a_dynamic_batch() {
    let range = "input:1x3x28x28,8x3x28x28,64x3x28x28";
    assert_identical(
        &fixtures().join("models/fashion_cnn.onnx"),
        &shapes(&[range]),
        &["--shapes", range],
    );
}

/// With several dynamic dimensions TensorRT itself builds one of two plans, by chance: they differ in the order of two
/// dimensions' numbers, seven bytes in all. Ours is one of those that the bindings build.
#[test]
fn dynamic_height_and_width() {
    /// Both plans come about equally often, so missing ours this often by chance is one case in 65536.
    const TRIES: usize = 16;
    let range = "input:1x3x16x16,2x3x32x64,4x3x64x64";
    let folder = tempfile::tempdir().unwrap();
    build_in(folder.path(), &model("fp32_dynamic.onnx"), &shapes(&[range])).0.unwrap();
    let ours = fs::read(folder.path().join("plan")).unwrap();
    let mut references = (0..TRIES)
        .map(|_| reference(folder.path(), &model("fp32_dynamic.onnx"), &["--shapes", range]));
    assert!(references.any(|theirs| theirs == ours), "none of {TRIES} reference builds is ours");
}

#[test]
fn weights_outside_of_the_model() {
    assert_identical(&model("external.onnx"), &BuildOptions::default(), &[]);
}

#[test]
fn every_setting() {
    let options = BuildOptions {
        workspace_bytes: Some(256 << 20),
        optimization_level: Some(1),
        profiling_verbosity: Some(ProfilingVerbosity::Detailed),
        compute_capabilities: vec![ComputeCapability::Sm86, ComputeCapability::Sm89],
        ..BuildOptions::default()
    };
    let arguments =
        ["--workspace", "268435456", "--level", "1", "--detailed", "--cc", "86", "--cc", "89"];
    assert_identical(&model("int8.onnx"), &options, &arguments);
}
