//! Models, samples and sources that the tests share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use calibrant_calibration::{Histograms, Statistics};
use calibrant_onnx::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model};
use calibrant_runtime::scripted::ScriptedSource;
use calibrant_runtime::{
    LoadError, Network, RunError, Runtime as _, Sample, Settings, Wanted, What,
};
use calibrant_runtime_embedded::Embedded;
use calibrant_tensor::{Tensor, TensorData};

/// More than any model of the tests takes.
pub(crate) const MEMORY_BYTES: u64 = 2 << 30;

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

pub(crate) fn settings(workers: usize, samples_per_run: usize) -> Settings {
    Settings {
        workers: workers.try_into().unwrap(),
        samples_per_run: samples_per_run.try_into().unwrap(),
        memory_bytes: MEMORY_BYTES,
    }
}

/// Statistics of every float tensor.
pub(crate) fn statistics() -> Wanted {
    Wanted::all(What::Statistics(Histograms::Invariant))
}

/// Loads `model` for statistics.
pub(crate) fn load_with(model: &Model, settings: &Settings) -> Result<Box<dyn Network>, LoadError> {
    Embedded.load(model, &statistics(), settings)
}

/// Loads `model` with one worker, samples running alone.
pub(crate) fn load(model: &Model) -> Result<Box<dyn Network>, LoadError> {
    load_with(model, &settings(1, 1))
}

/// Runs `samples` alone, one after the other.
pub(crate) fn calibrate(model: &Model, samples: &[Sample]) -> Result<Statistics, RunError> {
    let mut source = ScriptedSource::of_samples(samples, 1);
    Ok(load(model).unwrap().run(&mut source)?.statistics)
}

pub(crate) fn sample(position: usize, inputs: Vec<(&str, Tensor)>) -> Sample {
    let inputs = inputs.into_iter().map(|(name, tensor)| (Arc::from(name), tensor)).collect();
    Sample { position, name: format!("sample {position}").into(), inputs }
}

pub(crate) fn floats(shape: &[usize], values: Vec<f32>) -> Tensor {
    Tensor::new(shape.to_vec(), TensorData::F32(values)).unwrap()
}

/// `n` floats in [low, high), the twin of `noise` in fixtures/runtime-embedded/make_goldens.py.
pub(crate) fn noise(n: usize, seed: u64, low: f32, high: f32) -> Vec<f32> {
    let unit = |index: u64| {
        let mut x =
            (seed << 32).wrapping_add(index).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^= x >> 31;
        (x >> 40) as f32 / (1 << 24) as f32
    };
    (0..n as u64).map(|index| low + unit(index) * (high - low)).collect()
}

/// A sample of one float input.
pub(crate) fn noisy(position: usize, input: &str, shape: &[usize], low: f32, high: f32) -> Sample {
    let values = noise(shape.iter().product(), position as u64, low, high);
    sample(position, vec![(input, floats(shape, values))])
}

pub(crate) fn input(name: &str, dtype: DataType, dims: &[Dim<'_>]) -> ValueInfoProto {
    ValueInfoProto::tensor(name, dtype, dims)
}

/// A model of opset 17 with a float input `x` of any size and rank 2, and the output `y`.
pub(crate) fn model(nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> Model {
    let x = input("x", DataType::FLOAT, &[Dim::Symbol("batch"), Dim::Unknown]);
    model_of(vec![x], nodes, constants, 17)
}

pub(crate) fn model_of(
    inputs: Vec<ValueInfoProto>,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    opset: i64,
) -> Model {
    let graph = GraphProto {
        name: Some("test".to_owned()),
        input: inputs,
        output: vec![ValueInfoProto { name: Some("y".to_owned()), ..ValueInfoProto::default() }],
        node: nodes,
        initializer: constants,
        ..GraphProto::default()
    };
    Model::new(ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto::default().with_version(opset)],
        graph: MessageField::some(graph),
        ..ModelProto::default()
    })
}
