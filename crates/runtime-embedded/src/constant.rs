//! Weights: those of the caller's model, not copied where they can be read where they are.

use std::fmt;

use calibrant_onnx::proto::TensorProto;
use calibrant_onnx::{Bytes, DataType};
use rten::{Value, ValueView};

use crate::demand::bytes_of;
use crate::error::ConstantError;
use crate::kernel::constant;

/// A constant of the graph as the executor computes with it.
pub(crate) enum Constant {
    /// Float32 values where the model keeps them.
    Shared {
        /// Length of each axis.
        shape: Vec<usize>,
        /// The values as this processor has them in memory.
        values: Bytes,
    },
    /// In a type or a place that had to be changed.
    Owned(Value),
}

impl Constant {
    /// The constant that `tensor` is.
    ///
    /// # Errors
    ///
    /// When its values cannot be had, or have no form that the executor computes with.
    pub(crate) fn of(tensor: &TensorProto) -> Result<Self, ConstantError> {
        if tensor.dtype()? == DataType::FLOAT && cfg!(target_endian = "little") {
            let shared = Self::Shared { shape: tensor.shape()?, values: tensor.to_le_bytes()? };
            if shared.view().is_some() {
                return Ok(shared);
            }
        }
        constant(tensor).map(Self::Owned)
    }

    /// Its values; `None` where they do not stand as floats have to, which [`of`](Self::of) looks after.
    pub(crate) fn view(&self) -> Option<ValueView<'_>> {
        match self {
            Self::Shared { shape, values } => {
                ValueView::from_shape(shape, bytemuck::try_cast_slice::<u8, f32>(values).ok()?).ok()
            }
            Self::Owned(value) => Some(value.as_view()),
        }
    }

    /// The bytes that it takes, the model's own among them.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.view().map_or(0, |view| bytes_of(&view))
    }
}

impl fmt::Debug for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Shared { .. } => "Shared",
            Self::Owned(_) => "Owned",
        };
        f.debug_struct(name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_read_where_they_are_if_they_stand_there_as_floats_do() {
        let values: Vec<u8> = [1.5f32, -2.0, 0.25].iter().flat_map(|it| it.to_le_bytes()).collect();
        for shift in 0..4 {
            // Somewhere in this buffer the values begin at a multiple of 4.
            let mut buffer = vec![0; shift];
            buffer.extend_from_slice(&values);
            let raw = Bytes::from(buffer).slice(shift..);
            let is_aligned = raw.as_ptr().addr() % align_of::<f32>() == 0;
            let tensor = TensorProto {
                raw_data: Some(raw.clone()),
                ..TensorProto::from_f32("w", &[3], &[])
            };
            let constant = Constant::of(&tensor).unwrap();
            let is_shared = matches!(&constant, Constant::Shared { values, .. } if values.as_ptr() == raw.as_ptr());
            assert_eq!(is_shared, is_aligned && cfg!(target_endian = "little"), "{shift}");
            let Some(ValueView::FloatTensor(view)) = constant.view() else { panic!("no floats") };
            assert_eq!(view.iter().copied().collect::<Vec<_>>(), [1.5, -2.0, 0.25]);
            assert_eq!(constant.n_bytes(), 12);
        }
        let whole = Constant::of(&TensorProto::from_i64("n", &[2], &[7, i64::MAX])).unwrap();
        let Some(ValueView::Int32Tensor(view)) = whole.view() else { panic!("no whole numbers") };
        assert_eq!(view.iter().copied().collect::<Vec<_>>(), [7, i32::MAX]);
    }
}
