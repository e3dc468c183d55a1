//! What a model says of its inputs.

use std::collections::HashSet;

use buffa::Enumeration as _;
use calibrant_tensor::{ElementType, Input, InputType, Layout};

use crate::proto::{GraphProto, ValueInfoProto};
use crate::{DataType, Dim, Model};

/// Numbers of channels that pictures have, one with transparency included.
const CHANNELS: [usize; 3] = [1, 3, 4];

/// Operators that a model may begin with before it turns its input: conversion and normalisation.
const BEFORE_A_TURN: [&str; 7] = ["Cast", "Identity", "Sub", "Add", "Mul", "Div", "Clip"];

/// How many of them are looked through.
const LOOKED_THROUGH: usize = 8;

impl Model {
    /// Returns the inputs that a caller gives, in order: the graph's but for initializers, which old models list too.
    #[must_use]
    pub fn inputs(&self) -> Vec<Input> {
        let graph = self.graph();
        let fixed: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.label()).collect();
        let given = graph.input.iter().filter(|input| !fixed.contains(input.label()));
        let described = |value: &ValueInfoProto| {
            let input = value.to_input();
            Input { layout: layout(graph, &input), ..input }
        };
        given.map(described).collect()
    }
}

impl ValueInfoProto {
    /// Returns what is stated of this input; of its layout nothing is.
    #[must_use]
    pub fn to_input(&self) -> Input {
        let stated = self.tensor_type();
        let element =
            stated.as_ref().and_then(|stated| stated.dtype).map_or(InputType::Open, element);
        let shape = stated.and_then(|stated| stated.shape);
        let shape = shape.map(|dims| dims.iter().map(length).collect());
        Input { name: self.label().into(), element, shape, layout: None }
    }
}

fn element(dtype: DataType) -> InputType {
    InputType::Element(match dtype {
        DataType::FLOAT => ElementType::F32,
        DataType::INT64 => ElementType::I64,
        DataType::INT32 => ElementType::I32,
        DataType::UINT8 => ElementType::U8,
        DataType::BOOL => ElementType::Bool,
        other => return InputType::Other(other.proto_name()),
    })
}

fn length(dim: &Dim<'_>) -> calibrant_tensor::Dim {
    match *dim {
        Dim::Known(size) => calibrant_tensor::Dim::Fixed(size),
        Dim::Symbol(name) => calibrant_tensor::Dim::Named(name.into()),
        Dim::Unknown => calibrant_tensor::Dim::Open,
    }
}

/// Where the channels of a picture input are: as its dimensions say, or as the model turns it before anything else.
fn layout(graph: &GraphProto, input: &Input) -> Option<Layout> {
    let [_batch, second, _, last] = input.shape.as_deref()? else { return None };
    let counts =
        |dim: &calibrant_tensor::Dim| dim.size().is_some_and(|size| CHANNELS.contains(&size));
    if counts(second) {
        return Some(Layout::ChannelsFirst);
    }
    (counts(last) || turns_channels_first(graph, &input.name)).then_some(Layout::ChannelsLast)
}

/// Whether what reads the tensor first moves its last dimension to the second place.
fn turns_channels_first(graph: &GraphProto, tensor: &str) -> bool {
    let mut tensors = vec![tensor];
    for _ in 0..LOOKED_THROUGH {
        let reads = |name: &String| tensors.contains(&name.as_str());
        let readers: Vec<_> =
            graph.node.iter().filter(|node| node.input.iter().any(reads)).collect();
        let turns = |perm: &[i64]| perm == [0, 3, 1, 2];
        if readers
            .iter()
            .any(|node| node.is("Transpose") && node.attr_ints("perm").is_some_and(turns))
        {
            return true;
        }
        let passing = readers.iter().filter(|node| BEFORE_A_TURN.contains(&node.op()));
        tensors = passing.flat_map(|node| &node.output).map(String::as_str).collect();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageField;
    use crate::proto::{AttributeProto, ModelProto, NodeProto, TensorProto};

    fn model(input: Vec<ValueInfoProto>, node: Vec<NodeProto>) -> Model {
        let initializer = vec![TensorProto::from_f32("w", &[1], &[1.0])];
        let graph = GraphProto { input, node, initializer, ..GraphProto::default() };
        Model::new(ModelProto { graph: MessageField::some(graph), ..ModelProto::default() })
    }

    #[test]
    fn inputs_are_those_that_a_caller_gives_as_far_as_they_are_stated() {
        let given = [
            ValueInfoProto::tensor("x", DataType::FLOAT, &[Dim::Symbol("n"), Dim::Known(3)]),
            ValueInfoProto::tensor("w", DataType::FLOAT, &[Dim::Known(1)]),
            ValueInfoProto::tensor("h", DataType::FLOAT16, &[Dim::Unknown]),
            ValueInfoProto { name: Some("open".to_owned()), ..ValueInfoProto::default() },
        ];
        let inputs = model(given.to_vec(), Vec::new()).inputs();
        let shown: Vec<String> = inputs.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["`x` float [?,3]", "`h` float16 [?]", "`open` ? [?]"]);
    }

    #[test]
    fn a_layout_follows_from_the_dimensions_or_the_first_turn() {
        let [three, open] = [Dim::Known(3), Dim::Unknown];
        let turn = |before: &str| {
            let perm = AttributeProto::ints("perm", &[0, 3, 1, 2]);
            vec![
                NodeProto::new(before, "a", &["x", "w"], &["scaled"]),
                NodeProto::new("Transpose", "t", &["scaled"], &["y"]).with_attr(perm),
            ]
        };
        let cases: [(&[Dim<'_>], Vec<NodeProto>, Option<Layout>); 6] = [
            (&[open, three, open, open], Vec::new(), Some(Layout::ChannelsFirst)),
            (&[open, open, open, three], Vec::new(), Some(Layout::ChannelsLast)),
            (&[open, open, open, open], Vec::new(), None),
            (&[open, open, open, open], turn("Mul"), Some(Layout::ChannelsLast)),
            (&[open, open, open, open], turn("Conv"), None),
            (&[open, three], Vec::new(), None),
        ];
        for (dims, nodes, expected) in cases {
            let input = ValueInfoProto::tensor("x", DataType::FLOAT, dims);
            assert_eq!(model(vec![input], nodes).inputs()[0].layout, expected, "{dims:?}");
        }
    }
}
