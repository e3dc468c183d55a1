//! What a model says about the type and shape of a tensor.

use std::fmt;

use buffa::Enumeration as _;

use crate::DataType;
use crate::proto::tensor_shape_proto::dimension::Value as DimValue;
use crate::proto::type_proto::Value as TypeValue;
use crate::proto::{TypeProto, ValueInfoProto};

/// The element type and the shape of a tensor, as far as the model states them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorType<'a> {
    /// The element type, `None` when it is not stated or not one of ONNX's.
    pub dtype: Option<DataType>,
    /// One entry a dimension, `None` when even their number is not stated.
    pub shape: Option<Vec<Dim<'a>>>,
}

/// One dimension of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dim<'a> {
    /// Its size.
    Known(usize),
    /// A name for a size known when the model runs.
    Symbol(&'a str),
    /// Not stated, or negative.
    Unknown,
}

impl<'a> Dim<'a> {
    fn of(value: Option<&'a DimValue>) -> Self {
        match value {
            Some(DimValue::DimValue(size)) => {
                usize::try_from(*size).map_or(Self::Unknown, Self::Known)
            }
            Some(DimValue::DimParam(name)) if !name.is_empty() => Self::Symbol(name),
            Some(DimValue::DimParam(_)) | None => Self::Unknown,
        }
    }
}

impl fmt::Display for Dim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(size) => size.fmt(f),
            Self::Symbol(name) => name.fmt(f),
            Self::Unknown => f.write_str("?"),
        }
    }
}

impl TensorType<'_> {
    /// Returns the shape when every dimension is known.
    #[must_use]
    pub fn known_shape(&self) -> Option<Vec<usize>> {
        let known = |dim: &Dim<'_>| match dim {
            Dim::Known(size) => Some(*size),
            Dim::Symbol(_) | Dim::Unknown => None,
        };
        self.shape.as_ref()?.iter().map(known).collect()
    }
}

impl ValueInfoProto {
    /// Returns the tensor's name, empty when it has none.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Returns the type when this is a (dense) tensor.
    #[must_use]
    pub fn tensor_type(&self) -> Option<TensorType<'_>> {
        self.r#type.as_option()?.tensor_type()
    }
}

impl TypeProto {
    /// Returns the type when this is a (dense) tensor.
    #[must_use]
    pub fn tensor_type(&self) -> Option<TensorType<'_>> {
        let Some(TypeValue::TensorType(tensor)) = &self.value else { return None };
        let shape = tensor.shape.as_option();
        let shape =
            shape.map(|shape| shape.dim.iter().map(|dim| Dim::of(dim.value.as_ref())).collect());
        let dtype = tensor.elem_type.and_then(DataType::from_i32);
        Some(TensorType { dtype: dtype.filter(|&dtype| dtype != DataType::UNDEFINED), shape })
    }
}
