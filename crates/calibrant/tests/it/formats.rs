//! Jobs in formats other than int8.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use calibrant_job::{CACHE, MODEL, PLAN, REPORT, STATISTICS, TABLE};
use calibrant_onnx::{DataType, Model};
use serde_json::Value;

use crate::fixtures::files;
use crate::generations::{Machine, said};

/// The table, the statistics and the model that a job left.
fn results(folder: &Path) -> [Vec<u8>; 3] {
    [TABLE, STATISTICS, MODEL].map(|name| fs::read(folder.join(name)).unwrap())
}

const FP8: [&str; 2] = ["--precision", "fp8"];

#[test]
fn an_fp8_job_leaves_its_ranges_and_a_model_and_no_cache() {
    let machine = Machine::new(110_400);
    let plan = machine.done(&FP8);
    assert!(plan.network.strongly_typed);
    let left: BTreeSet<String> = files(&machine.output()).into_iter().collect();
    assert_eq!(left, [MODEL, PLAN, REPORT, STATISTICS, TABLE].map(str::to_owned).into());
    let model = Model::read(&machine.output().join(MODEL)).unwrap();
    assert_eq!(model.opset(), Some(19));
    let types: Vec<_> =
        model.graph().initializer.iter().map(|tensor| tensor.dtype().unwrap()).collect();
    assert!(types.contains(&DataType::FLOAT8E4M3FN) && !types.contains(&DataType::INT8));
    let table: Value =
        serde_json::from_slice(&fs::read(machine.output().join(TABLE)).unwrap()).unwrap();
    assert_eq!(
        (&table["format"]["name"], &table["format"]["largest"]),
        (&"fp8".into(), &448.0.into())
    );
    assert_eq!(machine.report()["precision"], "fp8");
}

#[test]
fn what_is_left_of_int8_goes_and_is_named() {
    let machine = Machine::new(110_400);
    machine.done(&[]);
    assert!(files(&machine.output()).contains(&CACHE.to_owned()));
    machine.done(&FP8);
    assert!(!files(&machine.output()).contains(&CACHE.to_owned()));
    let notes = machine.report()["notes"].to_string();
    assert!(notes.contains("removed `calibration.cache` of an earlier job"), "{notes}");
}

#[test]
fn statistics_have_the_ranges_of_every_format() {
    for method in ["percentile:99.9", "mse", "entropy"] {
        let [fresh, first] = [110_400, 110_400].map(Machine::new);
        fresh.done(&[&FP8[..], &["--method", method]].concat());
        first.done(&["--method", method]);
        for file in [STATISTICS, TABLE] {
            let again = Machine::new(110_400);
            let file = first.output().join(file);
            let words = ["--calibration-cache", file.to_str().unwrap(), "--method", method];
            let words = [&FP8[..], &words].concat();
            let done = again.run("quantize", "models/fashion_cnn.onnx", &words);
            assert_eq!(done.status.code(), Some(0), "{method}: {}", said(&done));
            assert_eq!(results(&again.output()), results(&fresh.output()), "{method}");
        }
    }
}

/// A job that takes its ranges from the file of this name of an int8 job, alone in a folder.
fn from_alone(file: &str, method: &str) -> String {
    let first = Machine::new(110_400);
    first.done(&["--method", method]);
    let alone = tempfile::tempdir().unwrap();
    let copy = alone.path().join(file);
    fs::copy(first.output().join(file), &copy).unwrap();
    let words = [&FP8[..], &["--calibration-cache", copy.to_str().unwrap()]].concat();
    let done = Machine::new(110_400).run("quantize", "models/fashion_cnn.onnx", &words);
    format!("{:?} {}", done.status.code(), said(&done))
}

#[test]
fn ranges_for_int8_are_not_taken_for_others() {
    let found = from_alone(TABLE, "mse");
    assert!(found.contains("Some(1)") && found.contains("those for fp8"), "{found}");
    assert!(from_alone(TABLE, "minmax").starts_with("Some(0)"));
    let found = from_alone(CACHE, "minmax");
    assert!(found.contains("Some(2)") && found.contains("has ranges for int8"), "{found}");
}

#[test]
fn what_does_not_compute_in_a_format_is_told_before_any_work() {
    for (version, more, expected) in [
        (8_601, &[][..], "TensorRT 8.6.1 does not compute in fp8, which came with TensorRT 10.0"),
        (110_400, &["--int8-via", "qdq"], "fp8 has no such ranges; leave --int8-via out"),
        (
            110_400,
            &["--backend", "tensorrt"],
            "TensorRT's calibrators are for int8 alone, and the job is for fp8",
        ),
        (110_400, &["--method", "tensorrt-faithful"], "knows no fp8; choose another --method"),
        (
            110_400,
            &["--for", "jetpack-5.1.2"],
            "does not compute in fp8, which came with TensorRT 10.0",
        ),
        (
            10_701,
            &["--compute-capability", "8.6"],
            "GPUs of compute capability 8.6 do not compute in fp8",
        ),
    ] {
        let machine = Machine::new(version);
        let failed = machine.fashion("quantize", &[&FP8[..], more].concat());
        let said = said(&failed);
        assert_eq!(failed.status.code(), Some(2), "{more:?}: {said}");
        assert!(said.contains(expected), "{more:?}: {said}");
        assert_eq!(files(&machine.output()), [""; 0], "{more:?}");
    }
}

#[test]
fn what_is_not_quantized_may_be_half_precision() {
    for version in [101_601, 110_400, 10_701] {
        for (precision, half) in [
            ("fp8+fp16", DataType::FLOAT16),
            ("fp8+bf16", DataType::BFLOAT16),
            ("int8+bf16", DataType::BFLOAT16),
        ] {
            let machine = Machine::new(version);
            let plan = machine.done(&["--precision", precision]);
            assert!(plan.network.strongly_typed, "{version} {precision}");
            let model = Model::read(&machine.output().join(MODEL)).unwrap();
            let mut tensors = model.graph().initializer.iter();
            assert!(tensors.any(|it| it.dtype().unwrap() == half), "{version} {precision}");
        }
    }
    let machine = Machine::new(8_601);
    let failed = machine.fashion("quantize", &["--precision", "int8+bf16"]);
    assert_eq!(failed.status.code(), Some(2), "{}", said(&failed));
    assert!(said(&failed).contains("TensorRT 8.6 has no BF16"), "{}", said(&failed));
    assert_eq!(files(&machine.output()), [""; 0]);
}

#[test]
fn rtx_builds_for_the_gpus_that_have_the_format() {
    let machine = Machine::new(10_701);
    let plan = machine.done(&FP8);
    assert_eq!(plan.config.compute_capabilities, ["kSM89", "kSM120", "kSM121"]);
    let notes = machine.report()["notes"].to_string();
    assert!(notes.contains("GPUs of compute capability 8.9, 12.0, 12.1"), "{notes}");
    let plan = machine.done(&[]);
    assert!(plan.config.compute_capabilities.is_empty(), "{:?}", plan.config.compute_capabilities);
}
