//! What is known of a graph's tensors before it runs: constants, element types, dimensions.

use calibrant_onnx::proto::{NodeProto, TensorProto};
use calibrant_onnx::{DataType, Dim, ElementTypes, Topology};

/// A graph with its element types, inside the graphs that enclose it.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The graph's index.
    pub topology: &'a Topology<'a>,
    /// Version of ONNX's own operators.
    pub opset: i64,
    types: ElementTypes<'a>,
    outer: Option<&'a Self>,
}

impl<'a> Scope<'a> {
    /// The scope of `topology`'s graph, whose surroundings are `outer`.
    pub fn new(topology: &'a Topology<'a>, opset: i64, outer: Option<&'a Self>) -> Self {
        let types = ElementTypes::new(topology, outer.map(|outer| &outer.types));
        Self { topology, opset, types, outer }
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
        self.types.of(tensor)
    }

    /// Whether `tensor` holds floats, of whatever width; where no type is known, it is taken to.
    pub fn is_float(&self, tensor: &str) -> bool {
        self.dtype(tensor).is_none_or(DataType::is_float)
    }

    /// The dimensions of `tensor` where their number is known.
    pub fn dims(&self, tensor: &str) -> Option<Vec<Dim<'_>>> {
        let mut tensor = tensor;
        loop {
            if let Some(value) = self.topology.constant(tensor) {
                return Some(value.shape().ok()?.into_iter().map(Dim::Known).collect());
            }
            if let Some(stated) = self.topology.tensor_type(tensor) {
                return stated.shape;
            }
            match self.topology.producer(tensor) {
                Some((_, node)) if keeps_shape(node) => tensor = node.input_name(0)?,
                _ if self.topology.origin(tensor).is_some() => return None,
                _ => return self.outer?.dims(tensor),
            }
        }
    }

    /// Whether anything reads `tensor`.
    pub fn is_read(&self, tensor: &str) -> bool {
        self.topology.is_output(tensor) || !self.topology.consumers(tensor).is_empty()
    }
}

/// Whether `node` makes a tensor of the shape of its input 0, of other values.
fn keeps_shape(node: &NodeProto) -> bool {
    let converts = matches!(node.op(), "Cast" | "QuantizeLinear" | "DequantizeLinear");
    node.is_default_domain() && converts
}
