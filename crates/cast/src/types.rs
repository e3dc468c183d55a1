//! Which element types a node's outputs have, from its inputs, its attributes and its bodies.

use calibrant_onnx::DataType;
use calibrant_onnx::proto::{NodeProto, TensorProto};

use super::flow::{Flow, Node, NodeId, ValueId};
use super::schema::Formal;

/// The attribute that states the type of an operator's outputs, and what holds when it is missing.
pub(super) struct Stated {
    pub(super) attribute: &'static str,
    pub(super) otherwise: Otherwise,
}

/// The type of an output when the attribute for it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    Float32,
    /// That of input 0.
    Input,
    /// That of the scale, input 1.
    Scale,
    /// The operator says it by its letters.
    Nothing,
}

/// Returns how `op` states the type of its outputs, `None` when its inputs do.
pub(super) fn stated(op: &str) -> Option<Stated> {
    let (attribute, otherwise) = match op {
        "Cast" => ("to", Otherwise::Nothing),
        "RandomNormal" | "RandomUniform" => ("dtype", Otherwise::Float32),
        "EyeLike" | "RandomNormalLike" | "RandomUniformLike" | "Bernoulli" => {
            ("dtype", Otherwise::Input)
        }
        "BlackmanWindow" | "HammingWindow" | "HannWindow" | "MelWeightMatrix" => {
            ("output_datatype", Otherwise::Float32)
        }
        "DequantizeLinear" => ("output_dtype", Otherwise::Scale),
        _ => return None,
    };
    Some(Stated { attribute, otherwise })
}

/// Returns the inputs of which the model states no type although another input of the same letter is float32.
pub(super) fn unstated_floats(flow: &Flow<'_>, node: NodeId) -> Vec<ValueId> {
    let node = &flow.nodes[node];
    let Some(schema) = node.schema else { return Vec::new() };
    let inputs = node.inputs.iter().enumerate();
    let unknown = inputs.filter_map(|(place, value)| {
        let value = (*value)?;
        let is_float = match schema.input(place) {
            Formal::Letter(letter) => letter_type(flow, node, letter) == Some(DataType::FLOAT),
            Formal::Float32 => true,
            Formal::Other => false,
        };
        (is_float && flow.values[value].dtype.is_none()).then_some(value)
    });
    unknown.collect()
}

/// Returns the types that a node gives to the inputs of its body, as far as it gives any.
pub(super) fn given_to_body(flow: &Flow<'_>, node: NodeId) -> Vec<Option<DataType>> {
    let node = &flow.nodes[node];
    let types = node.inputs.iter().map(|value| flow.values[(*value)?].dtype);
    match node.proto.op() {
        // The number of the round and whether to go on, then what is carried.
        "Loop" => {
            [Some(DataType::INT64), Some(DataType::BOOL)].into_iter().chain(types.skip(2)).collect()
        }
        "Scan" => types.collect(),
        _ => Vec::new(),
    }
}

/// Returns the types of a node's outputs, `None` for those that are not known from the node.
pub(super) fn of_outputs(flow: &Flow<'_>, node: NodeId) -> Vec<Option<DataType>> {
    let node = &flow.nodes[node];
    (0..node.proto.output.len()).map(|output| of_output(flow, node, output)).collect()
}

fn of_output(flow: &Flow<'_>, node: &Node<'_>, output: usize) -> Option<DataType> {
    let proto = node.proto;
    if !proto.is_default_domain() {
        return None;
    }
    match proto.op() {
        "Constant" => {
            return flow.graphs[node.graph].topology.constant(proto.output_name(0)?)?.dtype().ok();
        }
        "ConstantOfShape" => {
            return proto.attr_t("value").map_or(Some(DataType::FLOAT), |value| value.dtype().ok());
        }
        "If" | "Loop" | "Scan" => return of_bodies(flow, node, output),
        _ => {}
    }
    if let Some(found) = by_attribute(flow, node) {
        return Some(found);
    }
    match node.schema?.output(output) {
        Formal::Float32 => Some(DataType::FLOAT),
        Formal::Letter(letter) => letter_type(flow, node, letter).or_else(|| own_statistics(proto)),
        Formal::Other => None,
    }
}

/// LayerNormalization gives out statistics of a type that no input has.
fn own_statistics(node: &NodeProto) -> Option<DataType> {
    node.is("LayerNormalization")
        .then(|| node.attr_i("stash_type").map_or(Some(DataType::FLOAT), from_number))?
}

fn by_attribute(flow: &Flow<'_>, node: &Node<'_>) -> Option<DataType> {
    let Stated { attribute, otherwise } = stated(node.proto.op())?;
    let input = |place: usize| flow.values[(*node.inputs.get(place)?)?].dtype;
    match node.proto.attr_i(attribute) {
        Some(number) if number != 0 => from_number(number),
        _ => match otherwise {
            Otherwise::Float32 => Some(DataType::FLOAT),
            Otherwise::Input => input(0),
            Otherwise::Scale => input(1),
            Otherwise::Nothing => None,
        },
    }
}

/// What a node with bodies gives out, the bodies give out: `Loop` all but its condition.
fn of_bodies(flow: &Flow<'_>, node: &Node<'_>, output: usize) -> Option<DataType> {
    let place = output + usize::from(node.proto.op() == "Loop");
    node.bodies.iter().find_map(|&body| {
        let value = (*flow.graphs[body].outputs.get(place)?)?;
        flow.values[value].dtype
    })
}

/// Returns what stands behind a letter of a node's schema, as its inputs tell.
fn letter_type(flow: &Flow<'_>, node: &Node<'_>, letter: u8) -> Option<DataType> {
    let schema = node.schema?;
    node.inputs.iter().enumerate().find_map(|(place, value)| {
        let value = (*value)?;
        (schema.input(place) == Formal::Letter(letter)).then(|| flow.values[value].dtype)?
    })
}

/// Returns the type that ONNX numbers so.
pub(super) fn from_number(number: i64) -> Option<DataType> {
    let data_type = i32::try_from(number).ok();
    TensorProto { data_type, ..TensorProto::default() }.dtype().ok()
}
