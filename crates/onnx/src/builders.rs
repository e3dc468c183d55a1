//! Makers of the messages that a graph rewrite needs: tensors, attributes, nodes, value infos.

use buffa::MessageField;
use buffa::bytes::Bytes;
use calibrant_tensor::OtherFloat;
use half::{bf16, f16};

use crate::proto::attribute_proto::AttributeType;
use crate::proto::tensor_shape_proto::Dimension;
use crate::proto::tensor_shape_proto::dimension::Value as DimValue;
use crate::proto::{
    AttributeProto, GraphProto, NodeProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};
use crate::{DataType, Dim};

impl TensorProto {
    /// Returns a tensor of `dtype` whose values stand little-endian in `raw_data`.
    ///
    /// Nothing is checked here; [`validate`](crate::validate()) and every getter of values do.
    #[must_use]
    pub fn from_raw(
        name: &str,
        dtype: DataType,
        shape: &[usize],
        raw_data: impl Into<Bytes>,
    ) -> Self {
        Self {
            name: Some(name.to_owned()),
            data_type: Some(dtype as i32),
            dims: shape.iter().map(|&dim| saturating_i64(dim)).collect(),
            raw_data: Some(raw_data.into()),
            ..Self::default()
        }
    }

    /// Returns a FLOAT tensor.
    #[must_use]
    pub fn from_f32(name: &str, shape: &[usize], values: &[f32]) -> Self {
        Self::from_raw(name, DataType::FLOAT, shape, le_bytes(values, |v| v.to_le_bytes()))
    }

    /// Returns a tensor of floats of another width, each the nearest to one of `values`.
    #[must_use]
    pub fn from_f32_as(name: &str, float: OtherFloat, shape: &[usize], values: &[f32]) -> Self {
        let bytes = match float {
            OtherFloat::F16 => le_bytes(values, |v| f16::from_f32(*v).to_le_bytes()),
            OtherFloat::Bf16 => le_bytes(values, |v| bf16::from_f32(*v).to_le_bytes()),
            OtherFloat::F64 => le_bytes(values, |v| f64::from(*v).to_le_bytes()),
        };
        Self::from_raw(name, DataType::of_float(float), shape, bytes)
    }

    /// Returns an INT64 tensor.
    #[must_use]
    pub fn from_i64(name: &str, shape: &[usize], values: &[i64]) -> Self {
        Self::from_raw(name, DataType::INT64, shape, le_bytes(values, |v| v.to_le_bytes()))
    }

    /// Returns an INT32 tensor.
    #[must_use]
    pub fn from_i32(name: &str, shape: &[usize], values: &[i32]) -> Self {
        Self::from_raw(name, DataType::INT32, shape, le_bytes(values, |v| v.to_le_bytes()))
    }

    /// Returns an INT8 tensor.
    #[must_use]
    pub fn from_i8(name: &str, shape: &[usize], values: &[i8]) -> Self {
        Self::from_raw(name, DataType::INT8, shape, le_bytes(values, |v| v.to_le_bytes()))
    }

    /// Returns a UINT8 tensor.
    #[must_use]
    pub fn from_u8(name: &str, shape: &[usize], values: &[u8]) -> Self {
        Self::from_raw(name, DataType::UINT8, shape, values.to_vec())
    }

    /// Returns a BOOL tensor.
    #[must_use]
    pub fn from_bool(name: &str, shape: &[usize], values: &[bool]) -> Self {
        Self::from_raw(name, DataType::BOOL, shape, le_bytes(values, |&v| [u8::from(v)]))
    }

    /// Returns a STRING tensor.
    #[must_use]
    pub fn from_strings(name: &str, shape: &[usize], values: &[Bytes]) -> Self {
        Self {
            raw_data: None,
            string_data: values.to_vec(),
            ..Self::from_raw(name, DataType::STRING, shape, Bytes::new())
        }
    }
}

impl AttributeProto {
    /// Returns a whole-number attribute.
    #[must_use]
    pub fn int(name: &str, value: i64) -> Self {
        Self { i: Some(value), ..Self::of(name, AttributeType::INT) }
    }

    /// Returns a float attribute.
    #[must_use]
    pub fn float(name: &str, value: f32) -> Self {
        Self { f: Some(value), ..Self::of(name, AttributeType::FLOAT) }
    }

    /// Returns a string attribute.
    #[must_use]
    pub fn string(name: &str, value: &str) -> Self {
        Self { s: Some(value.to_owned().into()), ..Self::of(name, AttributeType::STRING) }
    }

    /// Returns an attribute that lists whole numbers.
    #[must_use]
    pub fn ints(name: &str, values: &[i64]) -> Self {
        Self { ints: values.to_vec(), ..Self::of(name, AttributeType::INTS) }
    }

    /// Returns an attribute that lists floats.
    #[must_use]
    pub fn floats(name: &str, values: &[f32]) -> Self {
        Self { floats: values.to_vec(), ..Self::of(name, AttributeType::FLOATS) }
    }

    /// Returns a tensor attribute.
    #[must_use]
    pub fn tensor(name: &str, value: TensorProto) -> Self {
        Self { t: MessageField::some(value), ..Self::of(name, AttributeType::TENSOR) }
    }

    /// Returns a graph attribute.
    #[must_use]
    pub fn graph(name: &str, value: GraphProto) -> Self {
        Self { g: MessageField::some(value), ..Self::of(name, AttributeType::GRAPH) }
    }

    fn of(name: &str, kind: AttributeType) -> Self {
        Self { name: Some(name.to_owned()), r#type: Some(kind), ..Self::default() }
    }
}

impl NodeProto {
    /// Returns a node of ONNX's own domain; an empty input or output name stands for one left out.
    #[must_use]
    pub fn new(op: &str, name: &str, inputs: &[&str], outputs: &[&str]) -> Self {
        Self {
            op_type: Some(op.to_owned()),
            name: Some(name.to_owned()),
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: outputs.iter().map(|&output| output.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Returns the node with `attribute` set.
    #[must_use]
    pub fn with_attr(mut self, attribute: AttributeProto) -> Self {
        self.set_attr(attribute);
        self
    }
}

impl ValueInfoProto {
    /// Returns the statement that tensor `name` has this type and shape.
    #[must_use]
    pub fn tensor(name: &str, dtype: DataType, shape: &[Dim<'_>]) -> Self {
        let dim = |dim: &Dim<'_>| Dimension {
            value: match dim {
                Dim::Known(size) => Some(DimValue::DimValue(saturating_i64(*size))),
                Dim::Symbol(symbol) => Some(DimValue::DimParam((*symbol).to_owned())),
                Dim::Unknown => None,
            },
            ..Dimension::default()
        };
        let shape = TensorShapeProto { dim: shape.iter().map(dim).collect(), ..Default::default() };
        let tensor = type_proto::Tensor {
            elem_type: Some(dtype as i32),
            shape: MessageField::some(shape),
            ..Default::default()
        };
        let r#type = TypeProto { value: Some(tensor.into()), ..Default::default() };
        Self {
            name: Some(name.to_owned()),
            r#type: MessageField::some(r#type),
            ..Default::default()
        }
    }
}

fn le_bytes<T, const N: usize>(values: &[T], to_le: impl Fn(&T) -> [u8; N]) -> Bytes {
    values.iter().flat_map(to_le).collect()
}

/// A size as ONNX states it; no allocation is larger than `i64` can say.
fn saturating_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
