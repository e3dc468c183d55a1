//! Calibration sets of other kinds than folders, and what is said of their samples.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use calibrant_calibration::Table;
use calibrant_dataset::{Content, Dataset, ReadBuffer, Subset};
use calibrant_job::{CalibrationReport, TABLE};
use serde_json::Value;

use crate::fixtures::{fashion_calibration_with, fixture, job, run};

const SHARDS: &str = "dataset/shards/good/train-{000..001}.tar";

/// A calibration of a fashion network by the command line.
fn calibrate(images: &Path, output: &Path, more: &[&str]) -> Output {
    let model = fixture("models/fashion_cnn.onnx");
    Command::new(env!("CARGO_BIN_EXE_calibrant"))
        .args(["calibrate", "--preset", "fashion", "--model"])
        .args([model.as_path(), Path::new("--images"), images, Path::new("--output"), output])
        .args(more)
        .output()
        .unwrap()
}

fn report(done: &Output) -> Value {
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn a_picture_calibrates_the_same_in_a_shard_and_unpacked() {
    let shards = fixture(SHARDS);
    let unpacked = tempfile::tempdir().unwrap();
    let mut buffer = ReadBuffer::default();
    for (idx, sample) in Dataset::open(&shards).unwrap().samples().iter().enumerate() {
        let Content::Encoded(bytes) = sample.read(&mut buffer).unwrap() else {
            panic!("a picture")
        };
        // Backwards, so that the order is another one.
        fs::write(unpacked.path().join(format!("{:02}.png", 99 - idx)), bytes).unwrap();
    }
    let tables = [shards, unpacked.path().to_owned()].map(|samples| {
        let output = tempfile::tempdir().unwrap();
        let calibration =
            fashion_calibration_with(|it| (it.samples, it.subset) = (samples, Subset::ALL));
        let report = run(&job("models/fashion_cnn.onnx", calibration, output.path())).unwrap();
        let Some(CalibrationReport::Calibrated(report)) = report.calibration else {
            panic!("calibrated")
        };
        let classes = report.classes.map(|classes| classes.values().sum::<u64>());
        (Table::read(&output.path().join(TABLE)).unwrap(), report.samples, classes)
    });
    let [(shards, 12, Some(12)), (unpacked, 12, None)] = &tables else { panic!("{tables:?}") };
    assert_eq!(shards.tensors(), unpacked.tensors());
    assert_eq!(shards.manifest().sample_list, unpacked.manifest().sample_list);
    assert_eq!(shards.manifest().samples[0].name, "train-000.tar/0000.png");
}

#[test]
fn annotations_bring_classes_that_take_turns() {
    let output = tempfile::tempdir().unwrap();
    let annotations = fixture("dataset/coco/annotations/instances_val.json");
    let more = ["--stratify", "--limit", "2", "--json", "--quiet"];
    let counted = report(&calibrate(&annotations, output.path(), &more));
    assert_eq!(
        counted["calibration"]["classes"],
        serde_json::json!({"shirt": 1, "bag": 1, "boot": 0})
    );
    let notes = counted["notes"].as_array().unwrap();
    assert!(notes.contains(&"no sample of 1 classes: boot".into()), "{notes:?}");

    let pictures = fixture("dataset/coco/val");
    let labels = ["--labels", annotations.to_str().unwrap(), "--json", "--quiet"];
    let counted = report(&calibrate(&pictures, output.path(), &labels));
    assert_eq!(
        counted["calibration"]["classes"],
        serde_json::json!({"shirt": 5, "bag": 2, "boot": 3})
    );
}

#[test]
fn classes_cannot_take_turns_where_there_are_none() {
    let output = tempfile::tempdir().unwrap();
    let failed = calibrate(&fixture("dataset/coco/val"), output.path(), &["--stratify"]);
    let said = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("8 of 8 samples have none, `000000000951.png` the first"), "{said}");
}

/// A BMP of 28 x 28 gray pixels: one level with a little noise about it.
fn nearly_blank(level: u8) -> Vec<u8> {
    let mut picture = b"BM".to_vec();
    picture.extend([2406_u32, 0, 54, 40, 28, 28].into_iter().flat_map(u32::to_le_bytes));
    picture.extend([1, 0, 24, 0]);
    picture.extend([0_u32, 2352, 0, 0, 0, 0].into_iter().flat_map(u32::to_le_bytes));
    picture.extend((0..2352).map(|idx| level + u8::from(idx / 3 % 3 == 0)));
    picture
}

#[test]
fn copies_and_blank_pictures_are_pointed_out() {
    let (samples, output) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let picture = fixture("dataset/coco/val/000000000951.png");
    for name in ["b.png", "a.png", "sub.png"] {
        fs::copy(&picture, samples.path().join(name)).unwrap();
    }
    fs::copy(fixture("dataset/coco/val/000000001000.png"), samples.path().join("c.png")).unwrap();
    fs::write(samples.path().join("blank.bmp"), nearly_blank(200)).unwrap();

    let done = calibrate(samples.path(), output.path(), &[]);
    let (printed, said) =
        (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(
        printed.contains("\n  samples  2 copies of others, 1 near-constant picture\n"),
        "{printed}"
    );
    let copies = "note: 2 samples have the same bytes as others and count again: a.png = b.png = sub.png; leave out";
    assert!(said.contains(copies), "{said}");
    let blank = "note: 1 picture shows next to nothing (spread below 2 levels of 256): blank.bmp; leave out";
    assert!(said.contains(blank), "{said}");
    let report: Value =
        serde_json::from_slice(&fs::read(output.path().join("report.json")).unwrap()).unwrap();
    let expected = serde_json::json!({
        "duplicates": [["a.png", "b.png", "sub.png"]],
        "near_constant": ["blank.bmp"],
    });
    assert_eq!(report["calibration"]["suspects"], expected);
}

/// What was not looked for is not said to be absent.
#[test]
fn of_arrays_no_near_constant_pictures_are_reported() {
    let (samples, output) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let picture = fixture("dataset/coco/val/000000000951.png");
    let calibrant = |words: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_calibrant")).args(words).output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let array = samples.path().join("input.npy");
    let words = ["preprocess", picture.to_str().unwrap(), "--preset", "fashion", "--output"];
    calibrant(&[&words[..], &[array.to_str().unwrap()]].concat());
    // One picture of three channels is three samples of one, for the gray network.
    let mut bytes = fs::read(&array).unwrap();
    let [made, wanted] = [b"(3, 28, 28), ", b"(3,1,28,28), "];
    let shape = bytes.windows(made.len()).position(|window| window == made).unwrap();
    bytes[shape..shape + wanted.len()].copy_from_slice(wanted);
    fs::write(&array, bytes).unwrap();
    let model = fixture("models/fashion_cnn_gray.onnx");
    let words = ["calibrate", "--model", model.to_str().unwrap(), "--images"];
    let rest = [array.to_str().unwrap(), "--output", output.path().to_str().unwrap()];
    calibrant(&[&words[..], &rest].concat());
    let report: Value =
        serde_json::from_slice(&fs::read(output.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["calibration"]["samples"], 3);
    assert!(report["calibration"]["suspects"]["near_constant"].is_null(), "{report:#}");
}
