//! What the tests share: the library, models, samples.

use std::path::PathBuf;
use std::sync::Arc;

use calibrant_calibration::{Histograms, Statistics};
use calibrant_onnx::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model};
use calibrant_runtime::scripted::ScriptedSource;
use calibrant_runtime::{Runtime, Sample, Settings, Wanted, What};
use calibrant_runtime_onnxruntime::{Library, OnnxRuntime};
use calibrant_tensor::{Dim as InputDim, ElementType, Input, InputType, Tensor, TensorData};

pub(crate) fn library_path() -> PathBuf {
    const NAME: &str = "CALIBRANT_TEST_ONNXRUNTIME";
    let path = std::env::var_os(NAME).map(PathBuf::from);
    path.unwrap_or_else(|| panic!("{NAME} is not set; tests/vendor/main.rs says to what"))
}

pub(crate) fn runtime() -> OnnxRuntime {
    OnnxRuntime::new(Library::open(&library_path()).unwrap())
}

pub(crate) fn settings(workers: usize) -> Settings {
    let one = 1.try_into().unwrap();
    Settings { workers: workers.try_into().unwrap(), samples_per_run: one, memory_bytes: 2 << 30 }
}

/// Statistics of every float tensor.
pub(crate) fn statistics() -> Wanted {
    Wanted::all(What::Statistics(Histograms::Invariant))
}

/// What `runtime` sees of every float tensor.
pub(crate) fn seen(runtime: &dyn Runtime, model: &Model, samples: &[Sample]) -> Statistics {
    let mut network = runtime.load(model, &statistics(), &settings(2)).unwrap();
    network.run(&mut ScriptedSource::of_samples(samples, 2)).unwrap().statistics
}

/// A model of these nodes with one float input and one output, and constants.
pub(crate) fn model(
    (input, dims): (&str, &[Dim<'_>]),
    constants: Vec<TensorProto>,
    node: Vec<NodeProto>,
    output: &str,
) -> Model {
    let output = ValueInfoProto { name: Some(output.to_owned()), ..ValueInfoProto::default() };
    let graph = GraphProto {
        name: Some("test".to_owned()),
        input: vec![ValueInfoProto::tensor(input, DataType::FLOAT, dims)],
        output: vec![output],
        initializer: constants,
        node,
        ..GraphProto::default()
    };
    Model::new(ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto::default().with_version(17)],
        graph: MessageField::some(graph),
        ..ModelProto::default()
    })
}

/// Samples of made-up values for every input of the model, whose open sides are `side` and whose batch is 1.
pub(crate) fn samples(model: &Model, n_samples: usize, side: usize) -> Vec<Sample> {
    let inputs = model.inputs();
    let sample = |position: usize| {
        let tensor = |input: &Input| (Arc::clone(&input.name), made_up(input, side, position));
        let inputs = inputs.iter().map(tensor).collect();
        Sample { position, name: format!("sample {position}").into(), inputs }
    };
    (0..n_samples).map(sample).collect()
}

fn made_up(input: &Input, side: usize, position: usize) -> Tensor {
    let dims = input.shape.iter().flatten().enumerate();
    let size = |(axis, dim): (usize, &InputDim)| match (dim.size(), axis) {
        (Some(size), _) => size,
        (None, 0) => 1,
        (None, _) => side,
    };
    let shape: Vec<usize> = dims.map(size).collect();
    let values = (0..shape.iter().product())
        .map(|index: usize| ((index * 7919 + position * 104_729) % 2003) as f32 / 700.0 - 1.43);
    let data = match input.element {
        InputType::Element(ElementType::I64) => {
            TensorData::I64(values.map(|value| i64::from(value > 0.0)).collect())
        }
        InputType::Element(ElementType::Bool) => {
            TensorData::Bool(values.map(|value| value > 0.0).collect())
        }
        _ => TensorData::F32(values.collect()),
    };
    Tensor::new(shape, data).unwrap()
}
