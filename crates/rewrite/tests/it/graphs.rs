//! Small models by hand.

use calibrant_format::{Numbers, Range, Ranges};
use calibrant_onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, Model};
use calibrant_rewrite::{QuantizeOptions, SmallLayers, Summary, model_tensors, quantize};

/// A graph under construction; every node is named after its output.
#[derive(Default)]
pub(crate) struct Graph {
    proto: GraphProto,
}

impl Graph {
    /// A graph that reads `x`, a float tensor of these dimensions.
    pub(crate) fn reading(shape: &[usize]) -> Self {
        Self::default().input("x", shape)
    }

    pub(crate) fn input(mut self, name: &str, shape: &[usize]) -> Self {
        let dims: Vec<Dim<'_>> = shape.iter().map(|&size| Dim::Known(size)).collect();
        self.proto.input.push(ValueInfoProto::tensor(name, DataType::FLOAT, &dims));
        self
    }

    /// A weight with the values -1, -0.5, 0, 0.5, 1 in turn, moved on by one from row to row.
    pub(crate) fn weight(self, name: &str, shape: &[usize]) -> Self {
        let n_elements = shape.iter().product::<usize>();
        let row = (n_elements / shape[0]).max(1);
        let values: Vec<f32> =
            (0..n_elements).map(|index| ((index + index / row) % 5) as f32 / 2.0 - 1.0).collect();
        self.constant(TensorProto::from_f32(name, shape, &values))
    }

    pub(crate) fn floats(self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        self.constant(TensorProto::from_f32(name, shape, values))
    }

    pub(crate) fn ints(self, name: &str, values: &[i64]) -> Self {
        self.constant(TensorProto::from_i64(name, &[values.len()], values))
    }

    pub(crate) fn constant(mut self, tensor: TensorProto) -> Self {
        self.proto.initializer.push(tensor);
        self
    }

    /// Adds `output = op(inputs)`; names are separated by spaces.
    pub(crate) fn node(self, op: &str, inputs: &str, output: &str) -> Self {
        self.node_with(op, inputs, output, &[])
    }

    pub(crate) fn node_with(
        mut self,
        op: &str,
        inputs: &str,
        outputs: &str,
        attributes: &[AttributeProto],
    ) -> Self {
        let split = |names: &str| names.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (inputs, outputs) = (split(inputs), split(outputs));
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
        let node = NodeProto::new(op, &format!("{op}.{}", outputs[0]), &inputs, &outputs);
        let node = attributes.iter().cloned().fold(node, NodeProto::with_attr);
        self.proto.node.push(node);
        self
    }

    pub(crate) fn output(mut self, name: &str) -> Self {
        self.proto.output.push(ValueInfoProto {
            name: Some(name.to_owned()),
            ..ValueInfoProto::tensor(name, DataType::FLOAT, &[])
        });
        self
    }

    pub(crate) fn opset(self, version: i64) -> Model {
        let mut model = Model::new(ModelProto {
            ir_version: Some(8),
            graph: self.proto.into(),
            ..Default::default()
        });
        model.set_opset(version);
        model
    }

    pub(crate) fn model(self) -> Model {
        self.opset(17)
    }
}

pub(crate) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto::int(name, value)
}

/// QuantizeOptions with nothing excluded and every layer quantized however small.
pub(crate) fn everything() -> QuantizeOptions {
    QuantizeOptions { small_layers: SmallLayers::Quantize, ..QuantizeOptions::all(Numbers::INT8) }
}

/// Ranges of `amax` 1, 2, 3, ... for the tensors that quantization needs, in its order.
pub(crate) fn counted_ranges(model: &Model, options: &QuantizeOptions) -> Ranges {
    counted(model, options, 1.0)
}

/// Ranges of 1, 2, 3, ... `unit`s.
fn counted(model: &Model, options: &QuantizeOptions, unit: f32) -> Ranges {
    let (_, activations) = model_tensors(model).unwrap();
    let ones = activations.into_iter().map(|tensor| (tensor, Range::ONE)).collect();
    let (_, summary) = quantize(model, &ones, options).unwrap();
    let needed = summary.activations.into_iter().map(|activation| activation.tensor);
    let range = |(tensor, amax): (String, u8)| (tensor, f32::from(amax) * unit);
    Ranges::of_amax(needed.zip(1u8..).map(range)).unwrap()
}

/// The ranges up to these magnitudes.
pub(crate) fn ranges(amax: &[(&str, f32)]) -> Ranges {
    Ranges::of_amax(amax.iter().map(|&(tensor, amax)| (tensor.to_owned(), amax))).unwrap()
}

/// Quantizes with [`everything`] and scales of 1, 2, 3, ... 127ths.
pub(crate) fn quantized(model: &Model) -> (Model, Summary) {
    quantize(model, &counted(model, &everything(), 127.0), &everything()).unwrap()
}

/// One line a node: what happened to it.
pub(crate) fn outcomes(summary: &Summary) -> String {
    use calibrant_rewrite::{Outcome, QuantizedInput};
    let line = |node: &calibrant_rewrite::NodeSummary| {
        let outcome = match &node.outcome {
            Outcome::Float { reason } => format!("float: {reason}"),
            Outcome::Quantized { inputs } => inputs
                .iter()
                .map(|input| match input {
                    QuantizedInput::Activation { tensor, scale, .. } => {
                        format!("{tensor} x {scale}")
                    }
                    QuantizedInput::Weight { tensor, axis, channels, .. } => {
                        format!("{tensor} axis {axis:?} of {channels}")
                    }
                })
                .collect::<Vec<_>>()
                .join(", "),
        };
        format!("{}: {outcome}\n", node.name)
    };
    summary.nodes.iter().map(line).collect()
}
