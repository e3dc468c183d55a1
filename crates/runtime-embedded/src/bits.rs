//! Operators on the bits of whole numbers: `BitwiseAnd`, `BitwiseOr`, `BitwiseXor`, `BitwiseNot` and `BitShift`.
//!
//! Numbers of 64 bits are held in 32, so what cannot be told from those is refused: a shift that leaves them here, and a
//! constant beyond them by the normaliser.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::{Value, ValueView};
use rten_tensor::{AsView as _, Layout as _, Tensor, TensorView};

use crate::demand::{Args, broadcast_dims, bytes, product};
use crate::error::StepError;
use crate::ours::Compute;
use crate::own::broadcast_shape;

/// An operator on bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bits {
    And,
    Or,
    Xor,
    Not,
    ShiftLeft,
    ShiftRight,
}

/// The operator that `node` is.
///
/// # Errors
///
/// When it is none of these, or shifts in no direction.
pub(crate) fn of(node: &NodeProto) -> Result<Box<dyn Compute>, Refusal> {
    Ok(Box::new(match node.op() {
        "BitwiseAnd" => Bits::And,
        "BitwiseOr" => Bits::Or,
        "BitwiseXor" => Bits::Xor,
        "BitwiseNot" => Bits::Not,
        "BitShift" => match node.attr_s("direction").unwrap_or_default() {
            "LEFT" => Bits::ShiftLeft,
            "RIGHT" => Bits::ShiftRight,
            value => return Err(Refusal::Attribute { name: "direction", value: value.to_owned() }),
        },
        _ => return Err(Refusal::Operator),
    }))
}

impl Compute for Bits {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        bytes(product(broadcast_dims(&args.dims(0), &args.dims(1))))
    }

    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let types = StepError::Unfit { what: "types" };
        let value: Value = match (args.get(0).ok_or(StepError::NoValue)?, args.get(1)) {
            (ValueView::Int32Tensor(a), None) => a.map(|&a| !a).into(),
            (ValueView::UInt8Tensor(a), None) => a.map(|&a| !a).into(),
            (ValueView::Int8Tensor(a), None) => a.map(|&a| !a).into(),
            (ValueView::Int32Tensor(a), Some(ValueView::Int32Tensor(b))) => {
                each(a, b, |a, b| self.of_32(a, b))?.into()
            }
            (ValueView::UInt8Tensor(a), Some(ValueView::UInt8Tensor(b))) => {
                each(a, b, |a, b| Some(self.of_8(a, b)))?.into()
            }
            (ValueView::Int8Tensor(a), Some(ValueView::Int8Tensor(b))) => {
                let of = |a: i8, b: i8| self.of_8(a.cast_unsigned(), b.cast_unsigned());
                each(a, b, |a, b| Some(of(a, b).cast_signed()))?.into()
            }
            _ => return Err(types),
        };
        Ok(vec![value])
    }
}

impl Bits {
    /// For numbers held in 32 bits, `None` where the result is not.
    fn of_32(self, a: i32, b: i32) -> Option<i32> {
        Some(match self {
            Self::And => a & b,
            Self::Or => a | b,
            Self::Xor => a ^ b,
            Self::Not => !a,
            // Shifted are numbers without a sign; beyond 31 bits there may be more than are held.
            Self::ShiftLeft => {
                let (a, b) = (u64::try_from(a).ok()?, u32::try_from(b).ok()?);
                if a == 0 { 0 } else { i32::try_from(a.checked_shl(b)?).ok().filter(|_| b < 32)? }
            }
            Self::ShiftRight => {
                let (a, b) = (u32::try_from(a).ok()?, u32::try_from(b).ok()?);
                a.checked_shr(b).unwrap_or(0).try_into().ok()?
            }
        })
    }

    fn of_8(self, a: u8, b: u8) -> u8 {
        match self {
            Self::And => a & b,
            Self::Or => a | b,
            Self::Xor => a ^ b,
            Self::Not => !a,
            Self::ShiftLeft => a.checked_shl(b.into()).unwrap_or(0),
            Self::ShiftRight => a.checked_shr(b.into()).unwrap_or(0),
        }
    }
}

fn each<T: Copy>(
    a: &TensorView<'_, T>,
    b: &TensorView<'_, T>,
    of: impl Fn(T, T) -> Option<T>,
) -> Result<Tensor<T>, StepError> {
    let shape = broadcast_shape(a.shape(), b.shape()).ok_or_else(|| StepError::Broadcast {
        first: a.shape().to_vec(),
        second: b.shape().to_vec(),
    })?;
    let (a, b) = (a.broadcast(shape.as_slice()), b.broadcast(shape.as_slice()));
    let values: Option<Vec<T>> = a.iter().zip(b.iter()).map(|(&a, &b)| of(a, b)).collect();
    let values = values.ok_or(StepError::Unfit { what: "numbers and 32 bits" })?;
    Ok(Tensor::from_data(&shape, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_beyond_what_is_held_are_not_guessed_at() {
        assert_eq!(Bits::ShiftLeft.of_32(3, 4), Some(48));
        assert_eq!(Bits::ShiftLeft.of_32(1, 31), None);
        assert_eq!(Bits::ShiftLeft.of_32(1, 70), None);
        assert_eq!(Bits::ShiftLeft.of_32(0, 70), Some(0));
        assert_eq!(Bits::ShiftRight.of_32(48, 4), Some(3));
        assert_eq!(Bits::ShiftRight.of_32(48, 40), Some(0));
        assert_eq!(Bits::ShiftRight.of_32(-1, 1), None);
        assert_eq!((Bits::ShiftLeft.of_8(0x81, 1), Bits::ShiftRight.of_8(0x81, 9)), (2, 0));
    }
}
