//! Weights as the constants that they are, and what is left over of a graph.

use std::collections::HashSet;

use calibrant_onnx::Topology;
use calibrant_onnx::proto::{GraphProto, NodeProto, TensorProto};

use crate::error::PrepareError;

/// Removes graph inputs that are names of initializers, and returns them.
///
/// Up to IR version 3 every weight had to be an input as well. Later such a weight counts as a default that the caller
/// may replace, so no runtime treats it as the constant that quantization needs.
pub(crate) fn drop_weight_inputs(graph: &mut GraphProto) -> Vec<String> {
    let weights: HashSet<&str> = graph.initializer.iter().map(TensorProto::label).collect();
    let (removed, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut graph.input)
        .into_iter()
        .partition(|input| weights.contains(input.label()));
    graph.input = kept;
    removed.into_iter().filter_map(|input| input.name).collect()
}

/// Removes constants that nothing reads, and what the graph says about tensors that it does not have.
///
/// # Errors
///
/// When the graph has no order.
pub fn drop_unread(graph: &mut GraphProto) -> Result<(), PrepareError> {
    let topology = Topology::new(graph)?;
    let is_read = |name: &str| topology.is_output(name) || !topology.consumers(name).is_empty();
    let kept: Vec<bool> = graph.initializer.iter().map(|tensor| is_read(tensor.label())).collect();
    let is_idle =
        |node: &NodeProto| node.is("Constant") && !node.output.iter().any(|output| is_read(output));
    let gone = (0..graph.node.len()).filter(|&index| is_idle(&graph.node[index])).collect();
    let stated: Vec<bool> =
        graph.value_info.iter().map(|info| topology.origin(info.label()).is_some()).collect();
    retain(&mut graph.initializer, &kept);
    retain(&mut graph.value_info, &stated);
    retain_nodes(graph, &gone);
    Ok(())
}

/// Removes the nodes at the places in `gone`.
pub(crate) fn retain_nodes(graph: &mut GraphProto, gone: &HashSet<usize>) {
    let kept: Vec<bool> = (0..graph.node.len()).map(|index| !gone.contains(&index)).collect();
    retain(&mut graph.node, &kept);
}

fn retain<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next().copied().unwrap_or(true));
}
