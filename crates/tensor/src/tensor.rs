//! Tensors as samples hold them: a shape and row-major values of one of five types.

use std::fmt;

/// An array of numbers in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Length of each axis, the slowest first; empty for a scalar.
    pub shape: Vec<usize>,
    /// As many values as the axes multiply to.
    pub data: TensorData,
}

/// The values of a [`Tensor`].
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit integers: token ids.
    I64(Vec<i64>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// Bytes.
    U8(Vec<u8>),
    /// Truth values: masks.
    Bool(Vec<bool>),
}

/// A whole number that a type has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotWhole {
    /// Its place, row-major.
    pub index: usize,
    /// What it is.
    pub value: i64,
}

/// The type of a tensor's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ElementType {
    /// See [`TensorData::F32`].
    F32,
    /// See [`TensorData::I64`].
    I64,
    /// See [`TensorData::I32`].
    I32,
    /// See [`TensorData::U8`].
    U8,
    /// See [`TensorData::Bool`].
    Bool,
}

impl Tensor {
    /// A tensor of these values, or `None` when the shape does not multiply to their number.
    pub fn new(shape: Vec<usize>, data: TensorData) -> Option<Self> {
        let len = shape.iter().try_fold(1_usize, |product, &axis| product.checked_mul(axis))?;
        (len == data.len()).then_some(Self { shape, data })
    }
}

impl TensorData {
    /// The number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same whole numbers, or truth values as 0 and 1, in another type of that kind; `None` where either type is of
    /// another.
    ///
    /// # Errors
    ///
    /// With the first value that the type has not.
    pub fn whole_as(&self, element: ElementType) -> Option<Result<Self, NotWhole>> {
        let values: Vec<i64> = match self {
            Self::I64(values) => values.clone(),
            Self::I32(values) => values.iter().map(|&value| value.into()).collect(),
            Self::U8(values) => values.iter().map(|&value| value.into()).collect(),
            Self::Bool(values) => values.iter().map(|&value| value.into()).collect(),
            _ => return None,
        };
        Some(match element {
            ElementType::I64 => Ok(Self::I64(values)),
            ElementType::I32 => each(&values, |value| i32::try_from(value).ok()).map(Self::I32),
            ElementType::U8 => each(&values, |value| u8::try_from(value).ok()).map(Self::U8),
            ElementType::Bool => {
                let truth = |value| matches!(value, 0 | 1).then_some(value == 1);
                each(&values, truth).map(Self::Bool)
            }
            _ => return None,
        })
    }

    /// The type of the values.
    pub fn element_type(&self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::F32,
            Self::I64(_) => ElementType::I64,
            Self::I32(_) => ElementType::I32,
            Self::U8(_) => ElementType::U8,
            Self::Bool(_) => ElementType::Bool,
        }
    }

    /// The name of the type as NumPy spells it, such as `float32`.
    pub fn dtype(&self) -> &'static str {
        self.element_type().name()
    }
}

fn each<V>(values: &[i64], convert: impl Fn(i64) -> Option<V>) -> Result<Vec<V>, NotWhole> {
    let converted = values.iter().enumerate();
    converted.map(|(index, &value)| convert(value).ok_or(NotWhole { index, value })).collect()
}

impl ElementType {
    /// The name as NumPy spells it, such as `float32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::U8 => "uint8",
            Self::Bool => "bool",
        }
    }
}

/// Values in and out of [`TensorData`]; the way out gives the tensor back when it holds another
/// type.
macro_rules! conversions {
    ($($variant:ident($value:ty)),*) => {$(
        impl From<Vec<$value>> for TensorData {
            fn from(values: Vec<$value>) -> Self {
                Self::$variant(values)
            }
        }

        impl TryFrom<TensorData> for Vec<$value> {
            type Error = TensorData;

            fn try_from(data: TensorData) -> Result<Self, TensorData> {
                match data {
                    TensorData::$variant(values) => Ok(values),
                    other => Err(other),
                }
            }
        }
    )*};
}

conversions!(F32(f32), I64(i64), I32(i32), U8(u8), Bool(bool));

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_must_fit_the_values() {
        let data = TensorData::I64(vec![1, 2, 3, 4, 5, 6]);
        assert!(Tensor::new(vec![2, 3], data.clone()).is_some());
        assert!(Tensor::new(vec![2, 2], data.clone()).is_none());
        assert!(Tensor::new(vec![usize::MAX, usize::MAX], data).is_none());
        assert!(Tensor::new(vec![], TensorData::Bool(vec![true])).is_some());
    }

    #[test]
    fn names_are_numpys() {
        let cases = [
            (TensorData::F32(vec![0.0]), "float32", 1),
            (TensorData::I64(vec![]), "int64", 0),
            (TensorData::I32(vec![1, 2]), "int32", 2),
            (TensorData::U8(vec![1]), "uint8", 1),
            (TensorData::Bool(vec![true]), "bool", 1),
        ];
        for (data, name, len) in cases {
            assert_eq!((data.dtype(), data.len(), data.is_empty()), (name, len, len == 0));
        }
    }

    #[test]
    fn whole_numbers_change_their_type_where_they_fit() {
        use ElementType::{Bool, F32, I32, I64, U8};
        let of = |values: &[i64]| TensorData::I64(values.to_vec());
        assert_eq!(of(&[0, 300]).whole_as(I32), Some(Ok(vec![0, 300].into())));
        assert_eq!(of(&[0, 255]).whole_as(U8), Some(Ok(vec![0_u8, 255].into())));
        assert_eq!(of(&[0, 1]).whole_as(Bool), Some(Ok(vec![false, true].into())));
        assert_eq!(TensorData::from(vec![7_i32]).whole_as(I64), Some(Ok(vec![7_i64].into())));
        assert_eq!(TensorData::from(vec![true]).whole_as(U8), Some(Ok(vec![1_u8].into())));
        let beyond = |value: i64, index: usize| Some(Err(NotWhole { index, value }));
        assert_eq!(of(&[0, i64::MIN]).whole_as(I32), beyond(i64::MIN, 1));
        assert_eq!(of(&[0, -1]).whole_as(U8), beyond(-1, 1));
        assert_eq!(of(&[2, 1]).whole_as(Bool), beyond(2, 0));
        assert_eq!(of(&[1]).whole_as(F32), None);
        assert_eq!(TensorData::from(vec![1.0_f32]).whole_as(I64), None);
    }

    #[test]
    fn values_go_in_and_out() {
        let data = TensorData::from(vec![1_i32, 2]);
        assert_eq!(Vec::<i64>::try_from(data.clone()), Err(data.clone()));
        assert_eq!(Vec::<i32>::try_from(data), Ok(vec![1, 2]));
    }
}
