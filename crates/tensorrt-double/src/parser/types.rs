//! Element types and shapes: what the model says, and for the rest what follows from the operator.

use std::collections::HashMap;

use calibrant_onnx::proto::NodeProto;
use calibrant_onnx::{DataType as OnnxType, Dim, Topology};
use tensorrt_sys::enums::DataType;
use tensorrt_sys::{Enumeration, Version};

/// The type of every tensor met so far, in the order of the graph.
pub(super) struct Types<'t, 'g> {
    topology: &'t Topology<'g>,
    version: Version,
    known: HashMap<String, DataType>,
}

impl<'t, 'g> Types<'t, 'g> {
    pub(super) fn new(topology: &'t Topology<'g>, version: Version) -> Self {
        Self { topology, version, known: HashMap::new() }
    }

    /// The type of a tensor, as the version numbers it.
    pub(super) fn raw(&self, tensor: &str) -> i32 {
        let data_type = self.known.get(tensor).copied();
        let data_type = data_type.or_else(|| self.stated(tensor)).unwrap_or(DataType::Float);
        data_type.to_raw(self.version).unwrap_or_default()
    }

    /// The dimensions of a tensor, as far as the model states them.
    pub(super) fn dims(&self, tensor: &str) -> Option<Vec<i64>> {
        let shape = self.topology.tensor_type(tensor)?.shape?;
        let size = |dim: &Dim<'_>| match dim {
            Dim::Known(size) => i64::try_from(*size).unwrap_or(i64::MAX),
            Dim::Symbol(_) | Dim::Unknown => -1,
        };
        Some(shape.iter().map(size).collect())
    }

    /// Takes note of the types that a node puts out.
    pub(super) fn enter(&mut self, node: &NodeProto) {
        let data_type = self.made_by(node);
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            let data_type = self.stated(output).unwrap_or(data_type);
            self.known.insert(output.clone(), data_type);
        }
    }

    /// The type that a node puts out, where the model does not say.
    fn made_by(&self, node: &NodeProto) -> DataType {
        let input = |index| {
            let name = node.input_name(index)?;
            self.known.get(name).copied().or_else(|| self.stated(name))
        };
        let int8 = DataType::Int8;
        let made = match node.op() {
            "QuantizeLinear" => input(2).or(Some(int8)),
            "DequantizeLinear" => input(1),
            "Cast" => node.attr_i("to").and_then(|to| self.of_onnx(to)),
            "Shape" | "Size" | "NonZero" | "ArgMax" | "ArgMin" => Some(self.int64()),
            "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or"
            | "Xor" | "Not" | "IsInf" | "IsNaN" => Some(DataType::Bool),
            "Where" => input(1),
            "Constant" => {
                node.output_name(0).and_then(|output| self.topology.constant(output)).and_then(
                    |constant| self.of_onnx(i64::from(constant.data_type.unwrap_or_default())),
                )
            }
            _ => input(0),
        };
        made.unwrap_or(DataType::Float)
    }

    /// The type that the model states, be it of an input or of a weight.
    fn stated(&self, tensor: &str) -> Option<DataType> {
        let stated = self.topology.tensor_type(tensor).and_then(|stated| stated.dtype);
        let stated = stated.or_else(|| self.topology.initializer(tensor)?.dtype().ok());
        self.of_onnx(stated? as i64)
    }

    /// TensorRT's type for one of ONNX's; `None` for what it has no type for.
    fn of_onnx(&self, data_type: i64) -> Option<DataType> {
        const TYPES: [(OnnxType, DataType); 11] = [
            (OnnxType::FLOAT, DataType::Float),
            (OnnxType::DOUBLE, DataType::Float),
            (OnnxType::FLOAT16, DataType::Half),
            (OnnxType::BFLOAT16, DataType::Bf16),
            (OnnxType::INT8, DataType::Int8),
            (OnnxType::UINT8, DataType::Uint8),
            (OnnxType::INT32, DataType::Int32),
            (OnnxType::BOOL, DataType::Bool),
            (OnnxType::FLOAT8E4M3FN, DataType::Fp8),
            (OnnxType::INT4, DataType::Int4),
            (OnnxType::FLOAT4E2M1, DataType::Fp4),
        ];
        if data_type == OnnxType::INT64 as i64 {
            return Some(self.int64());
        }
        TYPES.iter().find(|(onnx, _)| *onnx as i64 == data_type).map(|&(_, own)| own)
    }

    /// What 64-bit integers become: themselves where the version has them, else 32-bit ones.
    fn int64(&self) -> DataType {
        if DataType::Int64.to_raw(self.version).is_ok() { DataType::Int64 } else { DataType::Int32 }
    }
}
