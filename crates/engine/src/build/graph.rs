//! A parsed network, as far as ranges are concerned.

use std::collections::BTreeMap;

use calibrant_format::Range;
use calibrant_tensorrt::{
    ActivationType, Error, InterpolationMode, Layer, LayerType, Network, PoolingType, Tensor,
};

use crate::ranges::{Effect, RangeGraph, RangeLayer, RangeTensor, Rule};

/// The graph of a network.
pub(super) fn of(network: &Network<'_>) -> Result<RangeGraph, Error> {
    let mut graph = Graph::default();
    for input in network.inputs()? {
        graph.index(&input)?;
    }
    for layer in network.layers()? {
        let effect = effect(&layer)?;
        let inputs = graph.indices(&layer.inputs()?)?;
        let outputs = graph.indices(&layer.outputs()?)?;
        // The condition of a selection comes before what it selects from.
        let inputs = if effect == Effect::Joins(Rule::Select) {
            inputs.into_iter().skip(1).collect()
        } else {
            inputs
        };
        graph.graph.layers.push(RangeLayer { effect, inputs, outputs });
    }
    Ok(graph.graph)
}

/// Sets ranges around zero, each as wide as the number by its tensor's name.
pub(super) fn set_ranges(network: &Network<'_>, ranges: &[(String, Range)]) -> Result<(), Error> {
    let ranges: BTreeMap<&str, f32> =
        ranges.iter().map(|(name, range)| (name.as_str(), range.amax())).collect();
    let set = |tensor: &Tensor<'_>| match ranges.get(tensor.name()?.as_str()) {
        Some(&amax) => tensor.set_dynamic_range(-amax, amax),
        None => Ok(()),
    };
    network.inputs()?.iter().try_for_each(set)?;
    for layer in network.layers()? {
        layer.outputs()?.iter().try_for_each(set)?;
    }
    Ok(())
}

#[derive(Default)]
struct Graph {
    graph: RangeGraph,
    by_name: BTreeMap<String, usize>,
}

impl Graph {
    fn index(&mut self, tensor: &Tensor<'_>) -> Result<usize, Error> {
        let name = tensor.name()?;
        if let Some(&index) = self.by_name.get(&name) {
            return Ok(index);
        }
        let index = self.graph.tensors.len();
        let has_range = tensor.data_type()?.is_some_and(super::is_float);
        self.graph.tensors.push(RangeTensor { name: name.clone(), has_range });
        self.by_name.insert(name, index);
        Ok(index)
    }

    fn indices(&mut self, tensors: &[Tensor<'_>]) -> Result<Vec<usize>, Error> {
        tensors.iter().map(|tensor| self.index(tensor)).collect()
    }
}

/// What a layer does to ranges.
fn effect(layer: &Layer<'_>) -> Result<Effect, Error> {
    let Some(kind) = layer.kind()? else { return Ok(Effect::Changes) };
    Ok(match kind {
        LayerType::Pooling if layer.pooling()? == Some(PoolingType::Max) => {
            Effect::Keeps(Rule::MaxPooling)
        }
        LayerType::Shuffle
        | LayerType::Squeeze
        | LayerType::Unsqueeze
        | LayerType::ReverseSequence => Effect::Keeps(Rule::Shuffle),
        LayerType::Slice => Effect::Keeps(Rule::Slice),
        LayerType::Gather => Effect::Keeps(Rule::Gather),
        LayerType::Identity | LayerType::Cast => Effect::Keeps(Rule::Identity),
        LayerType::Padding => Effect::Keeps(Rule::Padding),
        LayerType::Resize if layer.interpolation()? == Some(InterpolationMode::Nearest) => {
            Effect::Keeps(Rule::NearestResize)
        }
        LayerType::Concatenation => Effect::Joins(Rule::Concatenation),
        LayerType::Select => Effect::Joins(Rule::Select),
        LayerType::Softmax | LayerType::RaggedSoftmax => Effect::Bounds(Rule::Softmax),
        LayerType::Activation => match layer.activation()? {
            Some(ActivationType::Relu) => Effect::Keeps(Rule::Relu),
            Some(ActivationType::Sigmoid | ActivationType::HardSigmoid) => {
                Effect::Bounds(Rule::Sigmoid)
            }
            Some(ActivationType::Tanh) => Effect::Bounds(Rule::Tanh),
            _ => Effect::Changes,
        },
        _ => Effect::Changes,
    })
}
