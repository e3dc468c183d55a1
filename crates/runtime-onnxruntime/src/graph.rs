//! The part of a model that some tensors depend on, as the library is given it.

use std::collections::HashSet;
use std::iter;
use std::sync::Arc;

use calibrant_onnx::proto::tensor_proto::DataLocation;
use calibrant_onnx::proto::{
    GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model, Topology};
use calibrant_runtime::LoadError;
use calibrant_runtime::host::reads;

use crate::error::cannot_load;

/// What messages of the library call a node: this and its number in the caller's graph.
pub(crate) const NODE: &str = "node#";

/// The file that weights claim to lie in.
pub(crate) const WEIGHTS: &str = "weights";

/// Smaller constants stay in the model, where the library looks for shapes and axes.
const WEIGHT_FROM_BYTES: usize = 128;

/// Weights start at multiples of this in their buffer.
const ALIGNMENT_BYTES: usize = 64;

/// The oldest and the newest version of the format that every library taken here reads. Newer ones add types and notes for
/// devices, which change nothing that the library runs.
const FORMAT: (i64, i64) = (4, 10);

/// What becomes of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weights {
    /// They are in the buffer.
    Given,
    /// They are inputs, for a model that is not to be run.
    LeftOut,
}

/// A model for the library.
#[derive(Debug, Clone)]
pub(crate) struct Encoded {
    /// The message.
    pub(crate) model: Vec<u8>,
    /// What [`WEIGHTS`] holds.
    pub(crate) weights: Arc<[u8]>,
}

/// The nodes that `tensors` depend on, by their number.
pub(crate) fn needed<'a>(
    topology: &Topology<'a>,
    tensors: impl IntoIterator<Item = &'a str>,
) -> Vec<bool> {
    let mut needed = vec![false; topology.graph().node.len()];
    let wanted: HashSet<&str> = tensors.into_iter().collect();
    let mut read: HashSet<&str> = HashSet::new();
    for &index in topology.order().iter().rev() {
        let made = topology.graph().node[index].output.iter().map(String::as_str);
        needed[index] = made.into_iter().any(|name| wanted.contains(name) || read.contains(name));
        if needed[index] {
            read.extend(reads(topology, index));
        }
    }
    needed
}

/// The model of some of the nodes, with some of what they make as outputs.
///
/// # Errors
///
/// When weights have no values, or what is no weight is larger than a message can be.
pub(crate) fn encode(
    model: &Model,
    topology: &Topology<'_>,
    nodes: &[bool],
    outputs: &[&str],
    weights: Weights,
) -> Result<Encoded, LoadError> {
    let graph = topology.graph();
    let indices = topology.order().iter().copied().filter(|&index| nodes[index]);
    let read: HashSet<&str> = indices.clone().flat_map(|index| reads(topology, index)).collect();
    let mut cut = GraphProto {
        name: graph.name.clone(),
        node: indices
            .map(|index| numbered(&graph.node[index], &format!("{NODE}{index}")))
            .collect(),
        input: topology
            .data_inputs()
            .filter(|input| read.contains(input.label()))
            .cloned()
            .collect(),
        output: outputs.iter().map(|name| output(name)).collect(),
        ..GraphProto::default()
    };
    let sparse = graph.sparse_initializer.iter();
    let is_read = |name: Option<&String>| name.is_some_and(|name| read.contains(name.as_str()));
    let sparse = sparse.filter(|it| is_read(it.values.as_option().and_then(|it| it.name.as_ref())));
    cut.sparse_initializer = sparse.cloned().collect();
    let constants = graph.initializer.iter().filter(|it| is_read(it.name.as_ref()));
    let (large, small): (Vec<_>, Vec<_>) = constants.partition(|it| is_weight(it));
    cut.initializer = small.into_iter().cloned().collect();
    let weights = match weights {
        Weights::LeftOut => {
            for tensor in large {
                cut.input.push(as_input(tensor)?);
            }
            Arc::default()
        }
        Weights::Given => set_aside(&large, &mut cut.initializer)?,
    };
    let proto = ModelProto {
        ir_version: Some(model.proto.ir_version.unwrap_or(FORMAT.0).clamp(FORMAT.0, FORMAT.1)),
        opset_import: model.proto.opset_import.clone(),
        graph: MessageField::some(cut),
        ..ModelProto::default()
    };
    let model = Model::new(proto).to_bytes().map_err(cannot_load)?;
    Ok(Encoded { model, weights })
}

/// The node, and those inside its bodies, called by a name that leads back to it.
fn numbered(node: &NodeProto, name: &str) -> NodeProto {
    let mut node = node.clone();
    node.name = Some(name.to_owned());
    let bodies = node
        .attribute
        .iter_mut()
        .flat_map(|attribute| attribute.g.as_option_mut().into_iter().chain(&mut attribute.graphs));
    for (number, body) in bodies.enumerate() {
        let nodes = body.node.iter().enumerate();
        let nodes = nodes.map(|(index, node)| numbered(node, &format!("{name}/{number}.{index}")));
        body.node = nodes.collect();
    }
    node
}

/// An output whose type the library is to find out.
fn output(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: Some(name.to_owned()), ..ValueInfoProto::default() }
}

fn is_weight(tensor: &TensorProto) -> bool {
    tensor.n_bytes().is_ok_and(|bytes| bytes >= WEIGHT_FROM_BYTES)
}

fn as_input(tensor: &TensorProto) -> Result<ValueInfoProto, LoadError> {
    let shape: Vec<Dim<'_>> = tensor.shape()?.into_iter().map(Dim::Known).collect();
    let dtype: DataType = tensor.dtype()?;
    Ok(ValueInfoProto::tensor(tensor.label(), dtype, &shape))
}

/// Puts weights into a buffer, one behind the other, and constants that say where they are among the others.
fn set_aside(
    weights: &[&TensorProto],
    constants: &mut Vec<TensorProto>,
) -> Result<Arc<[u8]>, LoadError> {
    let sizes = weights.iter().map(|tensor| tensor.n_bytes()).collect::<Result<Vec<_>, _>>()?;
    let mut offset = 0;
    let mut offsets = Vec::with_capacity(sizes.len());
    for size in &sizes {
        offsets.push(offset);
        offset += size.next_multiple_of(ALIGNMENT_BYTES);
    }
    let mut buffer: Arc<[u8]> = iter::repeat_n(0, offset).collect();
    let bytes = Arc::get_mut(&mut buffer).expect("nobody else has it yet");
    for ((tensor, &size), &offset) in weights.iter().zip(&sizes).zip(&offsets) {
        bytes[offset..offset + size].copy_from_slice(&tensor.to_le_bytes()?);
        let entry = |key: &str, value: String| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value),
            ..StringStringEntryProto::default()
        };
        constants.push(TensorProto {
            name: tensor.name.clone(),
            dims: tensor.dims.clone(),
            data_type: tensor.data_type,
            data_location: Some(DataLocation::EXTERNAL),
            external_data: vec![
                entry("location", WEIGHTS.to_owned()),
                entry("offset", offset.to_string()),
                entry("length", size.to_string()),
            ],
            ..TensorProto::default()
        });
    }
    Ok(buffer)
}

/// The number of the node that the library speaks of.
pub(crate) fn blamed(said: &str) -> Option<usize> {
    let (_, rest) = said.split_once(NODE)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use calibrant_runtime::suite;

    use super::*;

    #[test]
    fn what_a_tensor_depends_on_is_cut_out_with_its_inputs_and_weights() {
        let mut model = suite::model();
        let weight = TensorProto::from_f32("w", &[64], &[0.5; 64]);
        let small = TensorProto::from_f32("s", &[1], &[0.5]);
        let graph = model.graph_mut();
        graph.initializer = vec![weight, small.clone()];
        graph.node.push(NodeProto::new("Add", "", &["w", "s"], &["ws"]));
        let topology = Topology::new(model.graph()).unwrap();
        assert_eq!(needed(&topology, ["sum"]), [true, true, false, false, false]);
        let nodes = needed(&topology, ["ws"]);
        assert_eq!(nodes, [false, false, false, false, true]);
        let encode = |weights| encode(&model, &topology, &nodes, &["ws"], weights).unwrap();
        let given = encode(Weights::Given);
        assert_eq!(given.weights.len(), 256);
        let read = Model::from_bytes(&given.model, None).unwrap();
        let outside: Vec<_> = read.graph().initializer.iter().map(|it| it.is_external()).collect();
        assert_eq!(outside, [false, true]);
        let left_out = Model::from_bytes(&encode(Weights::LeftOut).model, None).unwrap();
        let graph = left_out.graph();
        assert_eq!(graph.input.iter().map(ValueInfoProto::label).collect::<Vec<_>>(), ["w"]);
        assert_eq!(graph.initializer, [small]);
        assert_eq!(graph.node[0].name.as_deref(), Some("node#4"));
    }

    #[test]
    fn the_node_that_the_library_speaks_of_is_found() {
        let said =
            "Non-zero status code returned while running Conv node. Name:'node#17_nchwc' Status";
        assert_eq!(blamed(said), Some(17));
        assert_eq!(blamed("Fatal error: trt:Unheard(-1) is not a registered function/op"), None);
    }
}
