//! Which precision each layer of the plan runs in: a rule that can be foretold, where TensorRT measures.

use std::collections::BTreeMap;

use tensorrt_sys::Enumeration;
use tensorrt_sys::enums::{BuilderFlag, DataType, LayerType};

use super::Job;
use super::check::PRECISIONS;
use crate::layer::Layer;

/// The precision of each layer.
pub(super) fn of_layers(job: &Job<'_>, scales: &BTreeMap<String, String>) -> Vec<DataType> {
    let producers = job.network.producers();
    let layers = job.network.layers.borrow();
    let kind_of = |tensor: &str| producers.get(tensor).map(|&at| layers[at].kind);
    layers.iter().map(|layer| of_layer(job, layer, scales, kind_of)).collect()
}

fn of_layer(
    job: &Job<'_>,
    layer: &Layer,
    scales: &BTreeMap<String, String>,
    kind_of: impl Fn(&str) -> Option<LayerType>,
) -> DataType {
    let version = job.context().version();
    let output =
        layer.outputs.first().and_then(|output| DataType::from_raw(version, output.data_type));
    let output = output.unwrap_or(DataType::Float);
    let computes = matches!(
        layer.kind,
        LayerType::Convolution | LayerType::Deconvolution | LayerType::MatrixMultiply
    );
    let dequantized = layer
        .inputs
        .first()
        .is_some_and(|input| kind_of(&input.name()) == Some(LayerType::Dequantize));
    if computes && dequantized {
        return DataType::Int8;
    }
    // Integers and truth values stay what they are.
    if job.network.strongly_typed
        || !matches!(output, DataType::Float | DataType::Half | DataType::Bf16)
    {
        return output;
    }
    let constrained = job.has(BuilderFlag::ObeyPrecisionConstraints)
        || job.has(BuilderFlag::PreferPrecisionConstraints);
    let given = layer.precision.get().and_then(|raw| DataType::from_raw(version, raw));
    if let Some(given) = given.filter(|_| constrained) {
        return given;
    }
    let has_scales = |tensor: &std::rc::Rc<crate::object::Handle<crate::tensor::Tensor>>| {
        scales.contains_key(&tensor.name())
    };
    let quantized =
        has_int8_kernels(layer.kind) && layer.inputs.iter().chain(&layer.outputs).all(has_scales);
    if quantized && job.has(BuilderFlag::Int8) {
        return DataType::Int8;
    }
    let halves = PRECISIONS
        .iter()
        .filter(|(_, data_type)| matches!(data_type, DataType::Half | DataType::Bf16));
    halves.into_iter().find(|(flag, _)| job.has(*flag)).map_or(output, |&(_, data_type)| data_type)
}

/// Whether layers of a kind can run in INT8.
fn has_int8_kernels(kind: LayerType) -> bool {
    matches!(
        kind,
        LayerType::Convolution
            | LayerType::Deconvolution
            | LayerType::MatrixMultiply
            | LayerType::Activation
            | LayerType::Pooling
            | LayerType::Scale
            | LayerType::Elementwise
            | LayerType::Concatenation
            | LayerType::Shuffle
    )
}
