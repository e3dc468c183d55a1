//! Weights to int8: symmetric, abs-max, one scale a channel or one for all.

use calibrant_calibration::scale_of;

/// The largest magnitude of a quantized weight: -128 stays unused, so that the range is symmetric.
const LARGEST: f32 = 127.0;

/// A weight in int8: `value ≈ quantized × scale of its channel`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuantizedWeight {
    /// Row-major, in the shape of the float weight.
    pub(crate) values: Vec<i8>,
    /// One scale a channel, or a single one; always positive.
    pub(crate) scales: Vec<f32>,
    /// Channels that are all 0.
    pub(crate) zero_channels: Vec<usize>,
}

/// An element that is infinite or not a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NonFiniteElement {
    pub(crate) index: usize,
    pub(crate) value: f32,
}

/// Returns `values` (row-major, of `shape`) in int8, with a scale for every entry of `axis`, or one for all.
pub(crate) fn quantize_weight(
    values: &[f32],
    shape: &[usize],
    axis: Option<usize>,
) -> Result<QuantizedWeight, NonFiniteElement> {
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        return Err(NonFiniteElement { index, value: values[index] });
    }
    let channels = axis.map_or(1, |axis| shape[axis]);
    let inner = axis.map_or(values.len(), |axis| shape[axis + 1..].iter().product()).max(1);
    let mut amax = vec![0f32; channels];
    for (row, run) in values.chunks(inner).enumerate() {
        let largest = run.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        amax[row % channels] = amax[row % channels].max(largest);
    }
    let scales: Vec<f32> = amax.iter().copied().map(scale_of).collect();
    let quantized = values
        .chunks(inner)
        .enumerate()
        .flat_map(|(row, run)| {
            let scale = scales[row % channels];
            run.iter().map(move |&value| quantize_one(value, scale))
        })
        .collect();
    let zero_channels = (0..channels).filter(|&channel| amax[channel] == 0.0).collect();
    Ok(QuantizedWeight { values: quantized, scales, zero_channels })
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to int8 on the line")]
fn quantize_one(value: f32, scale: f32) -> i8 {
    (value / scale).round_ties_even().clamp(-LARGEST, LARGEST) as i8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Half a step, plus what two roundings to f32 may add at 127 steps.
    const HALF_STEP: f64 = 0.5 + 127.0 * 2.0 * f32::EPSILON as f64;

    /// One element at a time, by its coordinates.
    fn naive(values: &[f32], shape: &[usize], axis: Option<usize>) -> (Vec<f32>, Vec<f32>) {
        let channel_of = |index: usize| {
            axis.map_or(0, |axis| index / shape[axis + 1..].iter().product::<usize>() % shape[axis])
        };
        let channels = axis.map_or(1, |axis| shape[axis]);
        let scale_of_channel = |channel: usize| {
            let mine = values.iter().enumerate().filter(|(index, _)| channel_of(*index) == channel);
            let amax = mine.map(|(_, value)| value.abs()).fold(0.0, f32::max);
            if amax == 0.0 { 1.0 / 127.0 } else { (amax / 127.0).max(f32::MIN_POSITIVE) }
        };
        let scales: Vec<f32> = (0..channels).map(scale_of_channel).collect();
        let quantized = values.iter().enumerate().map(|(index, value)| {
            let steps = value / scales[channel_of(index)];
            let (low, high) = (steps.floor(), steps.ceil());
            let nearest = match (steps - low).total_cmp(&(high - steps)) {
                std::cmp::Ordering::Less => low,
                std::cmp::Ordering::Greater => high,
                std::cmp::Ordering::Equal if low % 2.0 == 0.0 => low,
                std::cmp::Ordering::Equal => high,
            };
            nearest.clamp(-127.0, 127.0)
        });
        (quantized.collect(), scales)
    }

    fn weights() -> impl Strategy<Value = (Vec<f32>, Vec<usize>, Option<usize>)> {
        let shape = prop::collection::vec(1usize..5, 1..5);
        let value = prop_oneof![-2f32..2.0, Just(0.0), -1e-30f32..1e-30, -1e30f32..1e30];
        shape.prop_flat_map(move |shape| {
            let n_values = shape.iter().product::<usize>();
            let axis = prop::option::of(0..shape.len());
            (prop::collection::vec(value.clone(), n_values), Just(shape), axis)
        })
    }

    proptest! {
        #[test]
        fn matches_naive((values, shape, axis) in weights()) {
            let found = quantize_weight(&values, &shape, axis).unwrap();
            let (quantized, scales) = naive(&values, &shape, axis);
            let found_values: Vec<f32> = found.values.iter().map(|&value| f32::from(value)).collect();
            prop_assert_eq!(found_values, quantized);
            prop_assert_eq!(found.scales, scales);
        }

        #[test]
        fn no_element_is_off_by_more_than_half_a_step((values, shape, axis) in weights()) {
            let found = quantize_weight(&values, &shape, axis).unwrap();
            let inner: usize = axis.map_or(values.len(), |axis| shape[axis + 1..].iter().product());
            for (index, (&value, &quantized)) in values.iter().zip(&found.values).enumerate() {
                let scale = f64::from(found.scales[index / inner % found.scales.len()]);
                let error = (f64::from(value) - f64::from(quantized) * scale).abs();
                prop_assert!(error <= HALF_STEP * scale, "{value} became {quantized} x {scale}");
            }
        }
    }

    #[test]
    fn the_largest_of_each_channel_is_127_steps() {
        let values = [0.5, -1.0, 0.0, 0.0, 2.0, 0.25];
        let found = quantize_weight(&values, &[3, 2], Some(0)).unwrap();
        assert_eq!(found.values, [64, -127, 0, 0, 127, 16]);
        assert_eq!(found.scales, [1.0 / 127.0, 1.0 / 127.0, 2.0 / 127.0]);
        assert_eq!(found.zero_channels, [1]);
    }

    #[test]
    fn ties_go_to_the_even_step() {
        let found = quantize_weight(&[127.0, 0.5, 1.5, -2.5, -3.5], &[5], None).unwrap();
        assert_eq!(found.values, [127, 0, 2, -2, -4]);
    }

    #[test]
    fn an_infinity_or_nan_is_named() {
        let found = quantize_weight(&[1.0, f32::NEG_INFINITY], &[2], None).unwrap_err();
        assert_eq!(found, NonFiniteElement { index: 1, value: f32::NEG_INFINITY });
        assert_eq!(quantize_weight(&[f32::NAN], &[1], Some(0)).unwrap_err().index, 0);
    }
}
