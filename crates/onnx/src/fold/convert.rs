//! Conversions between types as `Cast` means them, where every value has one.

use half::{bf16, f16};

use crate::DataType;
use crate::proto::TensorProto;

/// Returns `data` as `to`: floats of any width as floats of another,
/// rounded to 32 bits on the way to 16 as onnxruntime does, and whole numbers as whole numbers that
/// have them all; `None` for other conversions.
pub(super) fn cast(data: &TensorProto, to: DataType) -> Option<TensorProto> {
    let (from, shape) = (data.dtype().ok()?, data.shape().ok()?);
    let raw = |bytes: Vec<u8>| Some(TensorProto::from_raw("", to, &shape, bytes));
    if from == to {
        return Some(TensorProto::from_raw("", to, &shape, data.to_le_bytes().ok()?));
    }
    if from.is_float() && to.is_float() {
        let values = floats(data, from)?;
        return raw(match to {
            DataType::FLOAT => values.flat_map(|value| narrow(value).to_le_bytes()).collect(),
            DataType::FLOAT16 => {
                values.flat_map(|value| f16::from_f64(value).to_le_bytes()).collect()
            }
            DataType::BFLOAT16 => {
                values.flat_map(|value| bf16::from_f32(narrow(value)).to_le_bytes()).collect()
            }
            _ => values.flat_map(f64::to_le_bytes).collect(),
        });
    }
    let whole = data.to_i64().ok()?;
    match to {
        DataType::INT64 => Some(TensorProto::from_i64("", &shape, &whole)),
        DataType::INT32 => {
            let narrow = whole.iter().map(|&value| i32::try_from(value).ok());
            Some(TensorProto::from_i32("", &shape, &narrow.collect::<Option<Vec<_>>>()?))
        }
        _ => None,
    }
}

/// The values in double precision, which has them all.
fn floats(data: &TensorProto, from: DataType) -> Option<Box<dyn Iterator<Item = f64>>> {
    fn each<const N: usize>(
        bytes: buffa::bytes::Bytes,
        value: impl Fn([u8; N]) -> f64 + 'static,
    ) -> Box<dyn Iterator<Item = f64>> {
        let n_values = bytes.len() / N;
        let at = move |index: usize| {
            let mut element = [0; N];
            element.copy_from_slice(&bytes[index * N..(index + 1) * N]);
            value(element)
        };
        Box::new((0..n_values).map(at))
    }
    let bytes = data.to_le_bytes().ok()?;
    Some(match from {
        DataType::FLOAT => each(bytes, |element| f32::from_le_bytes(element).into()),
        DataType::FLOAT16 => each(bytes, |element| f16::from_le_bytes(element).to_f64()),
        DataType::BFLOAT16 => each(bytes, |element| bf16::from_le_bytes(element).to_f64()),
        _ => each(bytes, f64::from_le_bytes),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
fn narrow(value: f64) -> f32 {
    value as f32
}
