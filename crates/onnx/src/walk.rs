//! Visits every tensor of a model: weights of all graphs, and the values in attributes.

use crate::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};

/// Where a tensor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// An initializer, dense or the parts of a sparse one.
    Initializer,
    /// A value in an attribute.
    Attribute,
}

/// Calls `visit` on every tensor of `model`, until one fails.
pub(crate) fn tensors_mut<E>(
    model: &mut ModelProto,
    visit: &mut impl FnMut(&mut TensorProto, Place) -> Result<(), E>,
) -> Result<(), E> {
    if let Some(graph) = model.graph.as_option_mut() {
        in_graph(graph, visit)?;
    }
    for training in &mut model.training_info {
        for graph in [&mut training.initialization, &mut training.algorithm] {
            if let Some(graph) = graph.as_option_mut() {
                in_graph(graph, visit)?;
            }
        }
    }
    for function in &mut model.functions {
        in_nodes(&mut function.node, visit)?;
        in_attributes(&mut function.attribute_proto, visit)?;
    }
    Ok(())
}

fn in_graph<E>(
    graph: &mut GraphProto,
    visit: &mut impl FnMut(&mut TensorProto, Place) -> Result<(), E>,
) -> Result<(), E> {
    for tensor in &mut graph.initializer {
        visit(tensor, Place::Initializer)?;
    }
    for sparse in &mut graph.sparse_initializer {
        for part in [&mut sparse.values, &mut sparse.indices] {
            if let Some(tensor) = part.as_option_mut() {
                visit(tensor, Place::Initializer)?;
            }
        }
    }
    in_nodes(&mut graph.node, visit)
}

fn in_nodes<E>(
    nodes: &mut [NodeProto],
    visit: &mut impl FnMut(&mut TensorProto, Place) -> Result<(), E>,
) -> Result<(), E> {
    nodes.iter_mut().try_for_each(|node| in_attributes(&mut node.attribute, visit))
}

fn in_attributes<E>(
    attributes: &mut [AttributeProto],
    visit: &mut impl FnMut(&mut TensorProto, Place) -> Result<(), E>,
) -> Result<(), E> {
    for attribute in attributes {
        let sparse = attribute.sparse_tensor.as_option_mut().into_iter();
        let sparse = sparse.chain(&mut attribute.sparse_tensors);
        let parts = sparse.flat_map(|sparse| [&mut sparse.values, &mut sparse.indices]);
        let tensors = parts.filter_map(|part| part.as_option_mut());
        let tensors = tensors.chain(attribute.t.as_option_mut()).chain(&mut attribute.tensors);
        for tensor in tensors {
            visit(tensor, Place::Attribute)?;
        }
        let graphs = attribute.g.as_option_mut().into_iter().chain(&mut attribute.graphs);
        for graph in graphs {
            in_graph(graph, visit)?;
        }
    }
    Ok(())
}
