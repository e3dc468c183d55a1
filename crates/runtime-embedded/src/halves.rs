//! Numbers rounded to a half type, which the executor has none of: they stay floats of 32 bits.

use calibrant_onnx::DataType;
use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use calibrant_tensor::OtherFloat;
use rten::{Value, ValueView};
use rten_tensor::{Layout as _, Tensor, TensorView};

use crate::demand::{Args, bytes};
use crate::error::StepError;
use crate::ours::Compute;

/// A `Cast` to float16 or bfloat16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Half(OtherFloat);

/// The half type that ONNX numbers so.
pub(crate) fn half_numbered(dtype: i64) -> Option<OtherFloat> {
    let float = DataType::of_code(i32::try_from(dtype).ok()?)?.other_float()?;
    (float != OtherFloat::F64).then_some(float)
}

/// The operator that `node` is, a `Cast` to a half type.
///
/// # Errors
///
/// When it is to another.
pub(crate) fn of(node: &NodeProto) -> Result<Box<dyn Compute>, Refusal> {
    let half = node.attr_i("to").and_then(half_numbered);
    let half =
        half.ok_or_else(|| Refusal::Attribute { name: "to", value: "no half".to_owned() })?;
    Ok(Box::new(Half(half)))
}

impl Half {
    /// The nearest number of the type, the even one of two, infinite where the value is beyond them all.
    fn nearest(self, value: f32) -> f32 {
        self.0.nearest(value).unwrap_or(f32::INFINITY.copysign(value))
    }

    fn each<T>(self, values: &TensorView<'_, T>, float: impl Fn(&T) -> f32) -> Value {
        let rounded: Vec<f32> = values.iter().map(|value| self.nearest(float(value))).collect();
        Tensor::from_data(values.shape(), rounded).into()
    }
}

impl Compute for Half {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        bytes(args.len(0))
    }

    fn run(&self, args: &Args<'_, '_>, _stop: &Stop) -> Result<Vec<Value>, StepError> {
        let rounded = match args.get(0).ok_or(StepError::NoValue)? {
            ValueView::FloatTensor(values) => self.each(values, |&value| value),
            #[expect(clippy::cast_precision_loss, reason = "digits are lost in any case")]
            ValueView::Int32Tensor(values) => self.each(values, |&value| value as f32),
            ValueView::Int8Tensor(values) => self.each(values, |&value| value.into()),
            ValueView::UInt8Tensor(values) => self.each(values, |&value| value.into()),
            _ => return Err(StepError::Unfit { what: "types" }),
        };
        Ok(vec![rounded])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_once_to_the_even_neighbour() {
        let half = Half(OtherFloat::F16);
        let cases = [
            (1.0 + 1.0 / 2048.0, 1.0),
            (1.0 + 3.0 / 2048.0, 1.0 + 2.0 / 1024.0),
            (-65519.0, -65504.0),
            (65520.0, f32::INFINITY),
            (f32::MIN, f32::NEG_INFINITY),
            (3e-8, 2.0_f32.powi(-24)),
        ];
        for (value, expected) in cases {
            assert_eq!(half.nearest(value), expected, "{value}");
        }
        assert!(half.nearest(f32::NAN).is_nan());
        assert_eq!(Half(OtherFloat::Bf16).nearest(1.0 + 3.0 / 256.0), 1.0 + 1.0 / 64.0);
    }

    #[test]
    fn a_cast_is_of_halves_alone() {
        let cast = |to: DataType| {
            let node = NodeProto::new("Cast", "", &["x"], &["y"]);
            node.with_attr(calibrant_onnx::proto::AttributeProto::int("to", to as i64))
        };
        assert!(of(&cast(DataType::FLOAT16)).is_ok() && of(&cast(DataType::BFLOAT16)).is_ok());
        assert!(of(&cast(DataType::FLOAT)).is_err() && of(&cast(DataType::DOUBLE)).is_err());
    }
}
