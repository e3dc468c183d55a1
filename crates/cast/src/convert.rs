//! Constants in a half type: rounding to the nearest, and what is lost by it.

use calibrant_onnx::proto::TensorProto;
use calibrant_onnx::{DataType, TensorError};
use half::slice::HalfFloatSliceExt as _;
use half::{bf16, f16};

use super::options::FloatType;

/// What rounding to a type does to the values of a constant.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Loss {
    pub(super) elements: usize,
    /// The largest magnitude of a finite value.
    pub(super) largest: f32,
    /// Values other than 0.
    pub(super) filled: usize,
    /// Finite values that become infinite.
    pub(super) overflowed: usize,
    /// Values other than 0 that become 0.
    pub(super) vanished: usize,
    /// Values that become subnormal numbers.
    pub(super) subnormal: usize,
    /// The first value that becomes infinite, 0 or subnormal.
    pub(super) first_lost: Option<f32>,
}

/// Returns what rounding `values` to `precision` does to them.
pub(super) fn loss(values: &[f32], precision: FloatType) -> Loss {
    let mut loss = Loss { elements: values.len(), ..Loss::default() };
    let smallest_normal = precision.smallest_normal();
    for &value in values.iter().filter(|value| value.is_finite() && **value != 0.0) {
        let rounded = precision.round(value);
        let (overflows, vanishes) = (rounded.is_infinite(), rounded == 0.0);
        let is_subnormal = !vanishes && rounded.abs() < smallest_normal;
        loss.filled += 1;
        loss.largest = loss.largest.max(value.abs());
        loss.overflowed += usize::from(overflows);
        loss.vanished += usize::from(vanishes);
        loss.subnormal += usize::from(is_subnormal);
        if overflows || vanishes || is_subnormal {
            loss.first_lost.get_or_insert(value);
        }
    }
    loss
}

/// Returns `tensor`, which holds float32, under the name `name` and in `precision`.
///
/// # Errors
///
/// When its values cannot be had.
pub(super) fn converted(
    tensor: &TensorProto,
    name: &str,
    precision: FloatType,
) -> Result<TensorProto, TensorError> {
    let (shape, values) = (tensor.shape()?, tensor.to_f32()?);
    let bytes: Vec<u8> = match precision {
        FloatType::Fp32 => return Ok(TensorProto::from_f32(name, &shape, &values)),
        FloatType::Fp16 => {
            let mut rounded = vec![f16::ZERO; values.len()];
            rounded.convert_from_f32_slice(&values);
            rounded.into_iter().flat_map(f16::to_le_bytes).collect()
        }
        FloatType::Bf16 => {
            let mut rounded = vec![bf16::ZERO; values.len()];
            rounded.convert_from_f32_slice(&values);
            rounded.into_iter().flat_map(bf16::to_le_bytes).collect()
        }
    };
    Ok(TensorProto {
        doc_string: tensor.doc_string.clone(),
        ..TensorProto::from_raw(name, precision.dtype(), &shape, bytes)
    })
}

/// Returns what an element of `dtype` that is no float may be at most, for the dequantized range.
pub(super) fn largest_step(dtype: DataType) -> Option<f32> {
    match dtype {
        DataType::INT8 => Some(128.0),
        DataType::UINT8 => Some(255.0),
        DataType::INT4 => Some(8.0),
        DataType::UINT4 => Some(15.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bits of the nearest number with `digits` bits of significand behind the point and the given exponents, ties
    /// to even: by hand, in f64, which holds all of them.
    fn naive(value: f32, digits: i32, lowest: i32, highest: i32) -> f64 {
        let value = f64::from(value);
        if value == 0.0 || !value.is_finite() {
            return value;
        }
        let exponent = value.abs().log2().floor().max(f64::from(lowest));
        let step = 2f64.powf(exponent - f64::from(digits));
        let rounded = (value / step).round_ties_even() * step;
        let limit = 2f64.powi(highest + 1);
        if rounded.abs() >= limit { f64::INFINITY.copysign(value) } else { rounded }
    }

    fn read(tensor: &TensorProto) -> Vec<f32> {
        tensor.to_f32().unwrap().into_owned()
    }

    fn numbers() -> impl Strategy<Value = Vec<f32>> {
        let any_bits =
            any::<u32>().prop_map(f32::from_bits).prop_filter("a number", |v| !v.is_nan());
        let near = prop_oneof![any_bits, -70000f32..70000.0, -1e-4f32..1e-4, -1e-7f32..1e-7];
        prop::collection::vec(near, 1..40)
    }

    proptest! {
        #[test]
        fn rounding_matches_naive(values in numbers()) {
            let tensor = TensorProto::from_f32("w", &[values.len()], &values);
            for (precision, digits, lowest, highest) in
                [(FloatType::Fp16, 10, -14, 15), (FloatType::Bf16, 7, -126, 127)]
            {
                let expected: Vec<f64> =
                    values.iter().map(|&value| naive(value, digits, lowest, highest)).collect();
                let found = read(&converted(&tensor, "w", precision).unwrap());
                prop_assert_eq!(found.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), expected.clone());
                let one_by_one: Vec<f64> = values.iter().map(|&v| f64::from(precision.round(v))).collect();
                prop_assert_eq!(one_by_one, expected);
            }
        }

        #[test]
        fn losses_are_what_the_rounded_tensor_shows(values in numbers()) {
            let tensor = TensorProto::from_f32("w", &[values.len()], &values);
            for precision in [FloatType::Fp16, FloatType::Bf16] {
                let after = read(&converted(&tensor, "w", precision).unwrap());
                let pairs: Vec<(f32, f32)> = values.iter().copied().zip(after).collect();
                let count = |test: &dyn Fn(f32, f32) -> bool| {
                    pairs.iter().filter(|pair| test(pair.0, pair.1)).count()
                };
                let found = loss(&values, precision);
                prop_assert_eq!(found.overflowed, count(&|a, b| a.is_finite() && b.is_infinite()));
                prop_assert_eq!(found.vanished, count(&|a, b| a != 0.0 && b == 0.0));
                prop_assert_eq!(found.subnormal, count(&|a, b| a.is_finite() && b != 0.0 && b.abs() < precision.smallest_normal()));
            }
        }
    }
}
