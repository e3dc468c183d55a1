//! What a model says of its inputs.

use std::collections::HashSet;

use buffa::Enumeration as _;
use calibrant_tensor::{ElementType, Input, InputType};

use crate::layout::layout;
use crate::proto::ValueInfoProto;
use crate::{DataType, Dim, Model};

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
        other => {
            let float = other.other_float().map(InputType::Float);
            return float.unwrap_or(InputType::Other(other.proto_name()));
        }
    })
}

fn length(dim: &Dim<'_>) -> calibrant_tensor::Dim {
    match *dim {
        Dim::Known(size) => calibrant_tensor::Dim::Fixed(size),
        Dim::Symbol(name) => calibrant_tensor::Dim::Named(name.into()),
        Dim::Unknown => calibrant_tensor::Dim::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageField;
    use crate::proto::{GraphProto, ModelProto, NodeProto, TensorProto};

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
}
