//! Which element type each tensor of a graph has: what is stated, and what follows from the operators.

use std::collections::HashMap;

use buffa::Enumeration as _;
use calibrant_tensor::OtherFloat;

use crate::proto::{GraphProto, NodeProto};
use crate::{DataType, Topology};

/// The element types of a graph's tensors, inside the graphs that enclose it.
#[derive(Debug, Clone)]
pub struct ElementTypes<'a> {
    topology: &'a Topology<'a>,
    made: HashMap<&'a str, DataType>,
    outer: Option<&'a Self>,
}

impl DataType {
    /// Whether these are floats of 16, 32 or 64 bits, in which networks compute.
    #[must_use]
    pub fn is_float(self) -> bool {
        self == Self::FLOAT || self.other_float().is_some()
    }

    /// Returns which floats of another width than 32 bits these are, if they are any in which networks compute.
    #[must_use]
    pub fn other_float(self) -> Option<OtherFloat> {
        match self {
            Self::FLOAT16 => Some(OtherFloat::F16),
            Self::BFLOAT16 => Some(OtherFloat::Bf16),
            Self::DOUBLE => Some(OtherFloat::F64),
            _ => None,
        }
    }

    /// Returns ONNX's name of floats of another width than 32 bits.
    #[must_use]
    pub fn of_float(float: OtherFloat) -> Self {
        match float {
            OtherFloat::F16 => Self::FLOAT16,
            OtherFloat::Bf16 => Self::BFLOAT16,
            OtherFloat::F64 => Self::DOUBLE,
        }
    }
}

impl<'a> ElementTypes<'a> {
    /// Returns the types of the tensors of `topology`'s graph, whose surroundings are `outer`.
    #[must_use]
    pub fn new(topology: &'a Topology<'a>, outer: Option<&'a Self>) -> Self {
        let mut types = Self { topology, made: HashMap::new(), outer };
        for &index in topology.order() {
            let node = &topology.graph().node[index];
            for (output, name) in node.output.iter().enumerate() {
                let stated = topology.tensor_type(name).and_then(|stated| stated.dtype);
                if let Some(dtype) = stated.or_else(|| types.of_output(node, output)) {
                    types.made.insert(name, dtype);
                }
            }
        }
        types
    }

    /// Returns the element type of `tensor` where it is stated or follows from the operators.
    #[must_use]
    pub fn of(&self, tensor: &str) -> Option<DataType> {
        if let Some(value) = self.topology.constant(tensor) {
            return value.dtype().ok();
        }
        let here = self.made.get(tensor).copied();
        let stated = || self.topology.tensor_type(tensor)?.dtype;
        here.or_else(stated).or_else(|| match self.topology.origin(tensor) {
            Some(_) => None,
            None => self.outer?.of(tensor),
        })
    }

    /// Returns the type that `node` gives its output of this number.
    fn of_output(&self, node: &NodeProto, output: usize) -> Option<DataType> {
        let of_input = |index: usize| self.of(node.input_name(index)?);
        match (node.op(), output) {
            _ if !node.is_default_domain() => None,
            ("Shape" | "Size" | "ArgMax" | "ArgMin" | "NonZero" | "NonMaxSuppression", _) => {
                Some(DataType::INT64)
            }
            ("TopK" | "MaxPool", 1) | ("Unique", 1..) => Some(DataType::INT64),
            ("Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual", _) => {
                Some(DataType::BOOL)
            }
            ("And" | "Or" | "Xor" | "Not" | "IsNaN" | "IsInf", _) | ("Dropout", 1) => {
                Some(DataType::BOOL)
            }
            ("Cast", _) => numbered(node.attr_i("to")?),
            ("RandomNormal" | "RandomUniform", _) => {
                node.attr_i("dtype").map_or(Some(DataType::FLOAT), numbered)
            }
            ("EyeLike" | "RandomNormalLike" | "RandomUniformLike" | "Bernoulli", _) => {
                node.attr_i("dtype").map_or_else(|| of_input(0), numbered)
            }
            ("HannWindow" | "HammingWindow" | "BlackmanWindow" | "MelWeightMatrix", _) => {
                node.attr_i("output_datatype").map_or(Some(DataType::FLOAT), numbered)
            }
            ("ConstantOfShape", _) => {
                node.attr_t("value").map_or(Some(DataType::FLOAT), |value| value.dtype().ok())
            }
            ("DequantizeLinear", _) => match node.attr_i("output_dtype") {
                Some(number) if number != 0 => numbered(number),
                _ => of_input(1),
            },
            ("CastLike" | "Where", _) => of_input(1),
            ("OneHot" | "QuantizeLinear", _) => of_input(2),
            ("If", _) => self.of_body(node, "then_branch", output),
            ("Loop", _) => self.of_body(node, "body", output + 1),
            ("Scan", _) => self.of_body(node, "body", output),
            ("Constant", _) => None,
            _ => of_input(0),
        }
    }

    /// Returns the type of what a body of the node gives out at this place, which is what the node gives out.
    fn of_body(&self, node: &NodeProto, body: &str, place: usize) -> Option<DataType> {
        let body: &GraphProto = node.attr_g(body)?;
        let output = body.output.get(place)?;
        let stated = output.tensor_type().and_then(|stated| stated.dtype);
        stated.or_else(|| {
            let topology = Topology::new(body).ok()?;
            ElementTypes::new(&topology, Some(self)).of(output.label())
        })
    }
}

/// Returns the element type that ONNX gives this number.
fn numbered(number: i64) -> Option<DataType> {
    let dtype = DataType::from_i32(i32::try_from(number).ok()?)?;
    (dtype != DataType::UNDEFINED).then_some(dtype)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dim;
    use crate::proto::{AttributeProto, TensorProto, ValueInfoProto};

    fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto::new(op, "", inputs, &[output])
    }

    fn to(dtype: DataType) -> AttributeProto {
        AttributeProto::int("to", dtype as i64)
    }

    #[test]
    fn types_follow_the_operators() {
        let half = TensorProto::from_raw("w", DataType::FLOAT16, &[1], vec![0, 60]);
        let body = GraphProto {
            node: vec![node("Add", &["h", "w"], "inner")],
            output: vec![ValueInfoProto { name: Some("inner".into()), ..Default::default() }],
            ..GraphProto::default()
        };
        let graph = GraphProto {
            input: vec![ValueInfoProto::tensor("x", DataType::DOUBLE, &[Dim::Unknown])],
            initializer: vec![half],
            node: vec![
                node("Cast", &["x"], "h").with_attr(to(DataType::FLOAT16)),
                node("Conv", &["h", "w"], "c"),
                node("Greater", &["c", "w"], "b"),
                node("Where", &["b", "c", "w"], "s"),
                node("Shape", &["s"], "n"),
                node("If", &["b"], "i").with_attr(AttributeProto::graph("then_branch", body)),
                node("Relu", &["i"], "r"),
                node("Cast", &["r"], "f").with_attr(to(DataType::FLOAT)),
                node("Cast", &["r"], "none").with_attr(AttributeProto::int("to", 1 << 40)),
                node("Sqrt", &["x"], "d"),
            ],
            ..GraphProto::default()
        };
        let topology = Topology::new(&graph).unwrap();
        let types = ElementTypes::new(&topology, None);
        let cases = [
            ("x", Some(DataType::DOUBLE)),
            ("h", Some(DataType::FLOAT16)),
            ("c", Some(DataType::FLOAT16)),
            ("b", Some(DataType::BOOL)),
            ("s", Some(DataType::FLOAT16)),
            ("n", Some(DataType::INT64)),
            ("i", Some(DataType::FLOAT16)),
            ("r", Some(DataType::FLOAT16)),
            ("f", Some(DataType::FLOAT)),
            ("none", None),
            ("d", Some(DataType::DOUBLE)),
            ("of nobody", None),
        ];
        for (tensor, expected) in cases {
            assert_eq!(types.of(tensor), expected, "{tensor}");
        }
    }
}
