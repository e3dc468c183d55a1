//! What a calibration says of itself: useless ranges, a single sample, and pictures that become odd values.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use calibrant_calibration::Method;
use calibrant_dataset::Subset;
use calibrant_job::{Calibration, Config, Pictures, Ranges, TABLE};
use calibrant_onnx::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model};
use calibrant_preprocess::{Preprocess, Settings};
use serde_json::Value;
use tempfile::TempDir;

use crate::fixtures::{embedded, fashion_calibration_with, job, run, size};

/// Wide enough that the product is worth int8.
const WIDTH: usize = 64;

/// A network in which a mask of the lowest float goes into a product, twice, and a tensor is 0 throughout.
fn masked() -> Model {
    let tensor = |name: &str| {
        ValueInfoProto::tensor(name, DataType::FLOAT, &[Dim::Symbol("n"), Dim::Known(WIDTH)])
    };
    let weights: Vec<f32> =
        (0..WIDTH * WIDTH).map(|idx| 1e-3 * ((idx % 16) as f32 - 7.5)).collect();
    let lowest: Vec<f32> = (0..WIDTH).map(|idx| if idx == 0 { f32::MIN } else { 0.0 }).collect();
    let graph = GraphProto {
        name: Some("masked".to_owned()),
        input: vec![tensor("x")],
        output: vec![tensor("scores"), tensor("dead")],
        initializer: vec![
            TensorProto::from_f32("lowest", &[WIDTH], &lowest),
            TensorProto::from_f32("nothing", &[1], &[0.0]),
            TensorProto::from_f32("w", &[WIDTH, WIDTH], &weights),
        ],
        node: vec![
            NodeProto::new("Add", "mask", &["x", "lowest"], &["masked"]),
            NodeProto::new("Abs", "abs", &["masked"], &["positive"]),
            NodeProto::new("MatMul", "product", &["masked", "w"], &["scores"]),
            NodeProto::new("Mul", "kill", &["positive", "nothing"], &["dead"]),
        ],
        ..Default::default()
    };
    Model::new(ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto::default().with_version(17)],
        graph: MessageField::some(graph),
        ..Default::default()
    })
}

/// Three samples for it, as safetensors.
fn samples() -> Vec<u8> {
    let n_bytes = 3 * WIDTH * size_of::<f32>();
    let header =
        format!(r#"{{"x":{{"dtype":"F32","shape":[3,{WIDTH}],"data_offsets":[0,{n_bytes}]}}}}"#);
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    (0..3 * WIDTH).for_each(|idx| file.extend(((idx % 9) as f32 * 0.25 - 1.0).to_le_bytes()));
    file
}

fn masked_job(folder: &Path) -> Config {
    masked().write(&folder.join("masked.onnx")).unwrap();
    fs::write(folder.join("x.safetensors"), samples()).unwrap();
    let calibration = Calibration::new(folder.join("x.safetensors"), embedded(Method::MinMax));
    let mut config = job("", calibration, &folder.join("out"));
    config.model = folder.join("masked.onnx");
    config
}

/// The messages of `cache validate` on a table.
fn validated(table: &Path, model: &Path) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calibrant"));
    command.args(["cache", "validate", "--json", "--model"]).arg(model).arg(table);
    let found: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let messages = found["findings"].as_array().unwrap().iter();
    messages.map(|it| it["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn useless_ranges_are_named_once_with_what_becomes_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let config = masked_job(folder.path());
    let report = run(&config).unwrap();
    let about = |words: &str| -> Vec<&String> {
        report.notes.iter().filter(|note| note.contains(words)).collect()
    };
    let [masks] = about("the range of all floats")[..] else { panic!("{:?}", report.notes) };
    assert!(masks.contains("2 tensors have the scale 2.6793887e36"), "{masks}");
    assert!(masks.contains("`masked`") && masks.contains("`positive`"), "{masks}");
    assert!(masks.ends_with("; model.onnx has Q/DQ nodes for `masked`"), "{masks}");
    let [dead] = about("only ever 0")[..] else { panic!("{:?}", report.notes) };
    assert!(dead.contains("tensor `dead`"), "{dead}");
    assert!(dead.ends_with("no quantized layer of model.onnx reads it"), "{dead}");

    let table = config.output.join(TABLE);
    let found = validated(&table, &config.model);
    assert!(!found.is_empty());
    for message in &found {
        assert_eq!(about(message).len(), 1, "{message}: {:?}", report.notes);
    }
    // Ranges that are used again are told of in the same words.
    let mut again = config;
    again.ranges = Ranges::Reuse { file: table, method: None };
    again.output = folder.path().join("again");
    let notes = run(&again).unwrap().notes;
    assert!(notes.contains(masks) && notes.contains(dead), "{notes:?}");
}

#[test]
fn ranges_of_one_sample_are_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    let notes = |n_samples: usize| -> Vec<String> {
        let mut config = masked_job(folder.path());
        let Ranges::Calibrate(calibration) = &mut config.ranges else { panic!() };
        calibration.subset = Subset { limit: Some(size(n_samples)), ..Subset::ALL };
        run(&config).unwrap().notes
    };
    let is_told = |notes: Vec<String>| notes.iter().any(|note| note.contains("of one sample"));
    assert!(is_told(notes(1)) && !is_told(notes(2)));
    let found =
        validated(&folder.path().join("out").join(TABLE), &folder.path().join("masked.onnx"));
    assert!(!is_told(found));
}

#[test]
fn a_cache_of_another_model_altogether_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("other.cache");
    fs::write(&cache, "TRT-101601-EntropyCalibration2\nghost: 3c010204\n").unwrap();
    let mut config = masked_job(folder.path());
    config.ranges = Ranges::Reuse { file: cache, method: None };
    let error = run(&config).unwrap_err();
    assert!(error.to_string().contains("has not one of the tensors"), "{error}");
}

/// The notes of a calibration of the fashion network by its preset with these changes.
fn notes_by(toml: &str) -> Vec<String> {
    let settings = Settings::from_toml(&format!("preset = 'fashion'\n{toml}")).unwrap();
    let pipeline: Arc<dyn Preprocess> = Arc::new(settings.recipe().unwrap().compile().unwrap());
    let folder: TempDir = tempfile::tempdir().unwrap();
    let output: PathBuf = folder.path().join("out");
    let pictures = Some(Pictures::Host(pipeline));
    let calibration = fashion_calibration_with(|it| it.pictures = pictures);
    run(&job("models/fashion_cnn.onnx", calibration, &output)).unwrap().notes
}

#[test]
fn mean_and_std_of_other_pixels_are_pointed_out() {
    let of_255 = "mean = [123.675, 116.28, 103.53]\nstd = [58.395, 57.12, 57.375]";
    for (toml, way_out) in [
        (of_255, "use the scale 1 "),
        ("scale = 1.0", "use the scale 1/255 "),
        ("mean = [0.5, 116.28, 0.5]", "channel 1"),
    ] {
        let notes = notes_by(toml);
        let doubts: Vec<_> = notes.iter().filter(|it| it.starts_with("preprocessing: ")).collect();
        assert!(doubts.len() == 1 && doubts[0].contains(way_out), "{toml}: {notes:?}");
    }
    for toml in ["", &format!("scale = 1.0\n{of_255}")] {
        assert!(!notes_by(toml).iter().any(|it| it.starts_with("preprocessing: ")), "{toml}");
    }
}
