//! What is known of a graph's tensors before it runs: constants, element types, dimensions.

use std::collections::HashMap;

use calibrant_onnx::proto::{NodeProto, TensorProto};
use calibrant_onnx::{DataType, Dim, Topology};

/// A graph with its element types, inside the graphs that enclose it.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The graph's index.
    pub topology: &'a Topology<'a>,
    /// Version of ONNX's own operators.
    pub opset: i64,
    dtypes: HashMap<&'a str, DataType>,
    outer: Option<&'a Self>,
}

impl<'a> Scope<'a> {
    /// The scope of `topology`'s graph, whose surroundings are `outer`.
    pub fn new(topology: &'a Topology<'a>, opset: i64, outer: Option<&'a Self>) -> Self {
        let mut scope = Self { topology, opset, dtypes: HashMap::new(), outer };
        for &index in topology.order() {
            let node = &topology.graph().node[index];
            for (output, name) in node.output.iter().enumerate() {
                let stated = topology.tensor_type(name).and_then(|stated| stated.dtype);
                if let Some(dtype) = stated.or_else(|| scope.dtype_made(node, output)) {
                    scope.dtypes.insert(name, dtype);
                }
            }
        }
        scope
    }

    /// The value of `tensor` when the model fixes it.
    pub fn constant(&self, tensor: &str) -> Option<&TensorProto> {
        match self.topology.constant(tensor) {
            Some(value) => Some(value),
            None if self.topology.origin(tensor).is_some() => None,
            None => self.outer?.constant(tensor),
        }
    }

    /// The whole numbers in `tensor` when the model fixes them.
    pub fn integers(&self, tensor: &str) -> Option<Vec<i64>> {
        Some(self.constant(tensor)?.to_i64().ok()?.into_owned())
    }

    /// The element type of `tensor` where it is stated or follows from the operators.
    pub fn dtype(&self, tensor: &str) -> Option<DataType> {
        if let Some(value) = self.topology.constant(tensor) {
            return value.dtype().ok();
        }
        let here = self.dtypes.get(tensor).copied();
        let stated = || self.topology.tensor_type(tensor)?.dtype;
        here.or_else(stated).or_else(|| match self.topology.origin(tensor) {
            Some(_) => None,
            None => self.outer?.dtype(tensor),
        })
    }

    /// The dimensions of `tensor` where their number is known.
    pub fn dims(&self, tensor: &str) -> Option<Vec<Dim<'_>>> {
        if let Some(value) = self.topology.constant(tensor) {
            return Some(value.shape().ok()?.into_iter().map(Dim::Known).collect());
        }
        if let Some(stated) = self.topology.tensor_type(tensor) {
            return stated.shape;
        }
        match self.topology.origin(tensor) {
            Some(_) => None,
            None => self.outer?.dims(tensor),
        }
    }

    /// Whether anything reads `tensor`.
    pub fn is_read(&self, tensor: &str) -> bool {
        self.topology.is_output(tensor) || !self.topology.consumers(tensor).is_empty()
    }

    /// The element type that `node` gives its output of this number.
    fn dtype_made(&self, node: &NodeProto, output: usize) -> Option<DataType> {
        let of_input = |index: usize| self.dtype(node.input_name(index)?);
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
            ("Cast", _) => dtype_of(node.attr_i("to")?),
            ("EyeLike", _) => node.attr_i("dtype").map_or_else(|| of_input(0), dtype_of),
            ("HannWindow" | "HammingWindow" | "BlackmanWindow" | "MelWeightMatrix", _) => {
                node.attr_i("output_datatype").map_or(Some(DataType::FLOAT), dtype_of)
            }
            ("ConstantOfShape", _) => {
                node.attr_t("value").map_or(Some(DataType::FLOAT), |value| value.dtype().ok())
            }
            ("CastLike" | "Where" | "DequantizeLinear", _) => of_input(1),
            ("OneHot" | "QuantizeLinear", _) => of_input(2),
            ("If" | "Loop" | "Scan" | "Constant", _) => None,
            _ => of_input(0),
        }
    }
}

/// The element type that ONNX gives this number.
fn dtype_of(number: i64) -> Option<DataType> {
    let probe =
        TensorProto { data_type: Some(i32::try_from(number).ok()?), ..TensorProto::default() };
    probe.dtype().ok()
}
