//! Where the fixtures lie, and a job on them that a test can change.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calibrant_calibration::Method;
use calibrant_dataset::Subset;
use calibrant_job::{Backend, Calibration, Config, Control, EnginePolicy, Error, Pictures, Report};
use calibrant_onnx::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model};
use calibrant_preprocess::{Recipe, Settings, Size};
use calibrant_runtime_embedded::Embedded;

/// The path of a fixture.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).join(path)
}

pub(crate) fn size(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// The pure-Rust runtime, by a method.
pub(crate) fn embedded(method: Method) -> Backend {
    Backend::Runtime { runtime: Arc::new(Embedded), method }
}

/// A calibration of one of the fashion networks over some of its pictures.
pub(crate) fn fashion_calibration() -> Calibration {
    let recipe = Recipe::preset("fashion").unwrap();
    let preprocess = Arc::new(recipe.compile().unwrap());
    let pictures = fixture("fashion/calibration");
    let mut calibration = Calibration::of_pictures(pictures, preprocess, embedded(Method::Mse));
    calibration.subset = Subset { limit: Some(size(20)), stride: size(25), ..Subset::ALL };
    calibration.batch_size = size(4);
    calibration.workers = size(2);
    calibration.memory_bytes = 2 << 30;
    calibration
}

/// The same, with something changed.
pub(crate) fn fashion_calibration_with(change: impl FnOnce(&mut Calibration)) -> Calibration {
    let mut calibration = fashion_calibration();
    change(&mut calibration);
    calibration
}

/// A calibration of a fashion network over pictures of any size.
pub(crate) fn any_picture_calibration(samples: PathBuf) -> Calibration {
    let settings = Settings { size: Some(Size::new(28, 28)), ..Settings::preset("imagenet") };
    let pipeline = settings.recipe().unwrap().compile().unwrap();
    fashion_calibration_with(|it| {
        it.samples = samples;
        it.subset = Subset::ALL;
        it.pictures = Some(Pictures::Host(Arc::new(pipeline)));
    })
}

/// The job up to the rewritten model.
pub(crate) fn job(model: &str, calibration: Calibration, output: &Path) -> Config {
    let mut config = Config::new(fixture(model), calibration, output);
    config.engine.policy = EnginePolicy::Skip;
    config.cache_version = Some(101_601);
    config
}

pub(crate) fn run(config: &Config) -> Result<Report, Error> {
    calibrant_job::run(config, Control::none())
}

/// Two dense layers on rows of 64 values.
pub(crate) fn dense() -> Model {
    let weight = |name, shape: &[usize]| {
        let values: Vec<f32> =
            (0..shape.iter().product()).map(|at: usize| (at % 5) as f32 - 2.0).collect();
        TensorProto::from_f32(name, shape, &values)
    };
    let rows = [Dim::Symbol("batch"), Dim::Known(64)];
    let graph = GraphProto {
        name: Some("dense".to_owned()),
        input: vec![ValueInfoProto::tensor("x", DataType::FLOAT, &rows)],
        output: vec![ValueInfoProto { name: Some("y".to_owned()), ..ValueInfoProto::default() }],
        node: vec![
            NodeProto::new("MatMul", "first", &["x", "w1"], &["h"]),
            NodeProto::new("Add", "bias", &["h", "b"], &["hb"]),
            NodeProto::new("Relu", "act", &["hb"], &["r"]),
            NodeProto::new("MatMul", "second", &["r", "w2"], &["y"]),
        ],
        initializer: vec![weight("w1", &[64, 64]), weight("b", &[64]), weight("w2", &[64, 64])],
        ..GraphProto::default()
    };
    Model::new(ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto::default().with_version(17)],
        graph: MessageField::some(graph),
        ..ModelProto::default()
    })
}

/// An array of 6 rows of 64 whole numbers, as NumPy writes it.
pub(crate) fn rows() -> Vec<u8> {
    let values: Vec<f32> = (0..6 * 64_u16).map(|at| f32::from(at % 7)).collect();
    npy(&values)
}

/// An array of rows of 64, as NumPy writes it.
pub(crate) fn npy(values: &[f32]) -> Vec<u8> {
    let n_rows = values.len() / 64;
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n_rows}, 64), }}");
    let padded = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00v\x00".to_vec();
    bytes.extend(padded.bytes());
    values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    bytes
}

/// The names of the files in a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
