//! Weights in a number format: symmetric, abs-max, a scale for each part.

use calibrant_format::{Format, Range};

/// How a weight is cut into parts that have a scale each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Split {
    /// Not at all.
    Whole,
    /// Into the entries of an axis.
    Axis(usize),
    /// Into runs of `size` neighbours along an axis, the last of which may be shorter, for each entry of all others.
    Blocks { axis: usize, size: usize },
}

/// A quantized weight: `value ≈ decoded code × scale of its part`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QuantizedWeight {
    /// Codes in row-major order, packed as ONNX has them.
    pub(crate) bytes: Vec<u8>,
    /// A scale for each part, row-major; always positive.
    pub(crate) scales: Vec<f32>,
    /// The scales' shape.
    pub(crate) scale_shape: Vec<usize>,
    /// Parts that are all 0.
    pub(crate) zero_parts: Vec<usize>,
}

/// An element that is infinite or not a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NonFiniteElement {
    pub(crate) index: usize,
    pub(crate) value: f32,
}

/// Returns `values` (row-major, of `shape`) in `format`, with a scale for each part, which `round` makes what they are
/// written as.
pub(crate) fn quantize_weight(
    mut values: Vec<f32>,
    shape: &[usize],
    split: Split,
    format: &Format,
    round: impl FnOnce(&mut [f32]),
) -> Result<QuantizedWeight, NonFiniteElement> {
    if let Some(index) = values.iter().position(|value| !value.is_finite()) {
        return Err(NonFiniteElement { index, value: values[index] });
    }
    let (scale_shape, run) = (split.scale_shape(shape), split.run(shape));
    let mut amax = vec![0f32; scale_shape.iter().product()];
    for (row, run) in values.chunks(run).enumerate() {
        for (part, value) in split.parts(shape, row).zip(run) {
            amax[part] = amax[part].max(value.abs());
        }
    }
    // Magnitudes of finite values are ranges.
    let ranges = amax.iter().filter_map(|&amax| Range::of_amax(amax));
    let mut scales: Vec<f32> = ranges.map(|range| format.scale(range)).collect();
    round(&mut scales);
    for (row, run) in values.chunks_mut(run).enumerate() {
        for (part, value) in split.parts(shape, row).zip(run) {
            *value /= scales[part];
        }
    }
    let zero_parts = (0..amax.len()).filter(|&part| amax[part] == 0.0).collect();
    Ok(QuantizedWeight { bytes: format.encode(&values), scales, scale_shape, zero_parts })
}

impl Split {
    /// The shape of the scales of a weight of `shape`.
    fn scale_shape(self, shape: &[usize]) -> Vec<usize> {
        match self {
            Self::Whole => Vec::new(),
            Self::Axis(axis) => vec![shape[axis]],
            Self::Blocks { axis, size } => {
                let mut shape = shape.to_vec();
                shape[axis] = shape[axis].div_ceil(size);
                shape
            }
        }
    }

    /// Values in a run: those of one entry of the axis that lie one behind the other, or all.
    fn run(self, shape: &[usize]) -> usize {
        let behind = match self {
            Self::Whole => shape,
            Self::Axis(axis) | Self::Blocks { axis, .. } => &shape[axis + 1..],
        };
        behind.iter().product::<usize>().max(1)
    }

    /// The part of each value of run number `row`: one for all, or one after the other.
    fn parts(self, shape: &[usize], row: usize) -> impl Iterator<Item = usize> + use<> {
        let (first, step) = match self {
            Self::Whole => (0, 0),
            Self::Axis(axis) => (row % shape[axis], 0),
            Self::Blocks { axis, size } => {
                let (outer, entry) = (row / shape[axis], row % shape[axis]);
                let block = outer * shape[axis].div_ceil(size) + entry / size;
                (block * self.run(shape), 1)
            }
        };
        (0..).map(move |place| first + place * step)
    }
}

#[cfg(test)]
mod tests {
    use calibrant_format::{FP8_E4M3FN, INT8};
    use proptest::prelude::*;

    use super::*;

    /// Which part an element belongs to, by its coordinates.
    fn naive_part(index: usize, shape: &[usize], split: Split) -> usize {
        let strides = |axis: usize| shape[axis + 1..].iter().product::<usize>();
        let coordinate = |axis: usize| index / strides(axis) % shape[axis];
        match split {
            Split::Whole => 0,
            Split::Axis(axis) => coordinate(axis),
            Split::Blocks { axis: cut, size } => {
                let scale_shape = split.scale_shape(shape);
                (0..shape.len()).fold(0, |part, axis| {
                    let place =
                        if axis == cut { coordinate(axis) / size } else { coordinate(axis) };
                    part * scale_shape[axis] + place
                })
            }
        }
    }

    fn weights() -> impl Strategy<Value = (Vec<f32>, Vec<usize>, Split)> {
        let shape = prop::collection::vec(1usize..5, 1..5);
        let value = prop_oneof![-2f32..2.0, Just(0.0), -1e-30f32..1e-30, -1e30f32..1e30];
        shape.prop_flat_map(move |shape| {
            let n_values = shape.iter().product::<usize>();
            let split = prop_oneof![
                Just(Split::Whole),
                (0..shape.len()).prop_map(Split::Axis),
                (0..shape.len(), 1usize..4).prop_map(|(axis, size)| Split::Blocks { axis, size }),
            ];
            (prop::collection::vec(value.clone(), n_values), Just(shape), split)
        })
    }

    proptest! {
        #[test]
        fn matches_naive((values, shape, split) in weights(), format in prop::sample::select(vec![INT8, FP8_E4M3FN])) {
            let found = quantize_weight(values.clone(), &shape, split, &format, |_| ()).unwrap();
            let n_parts = found.scale_shape.iter().product::<usize>();
            prop_assert_eq!(found.scales.len(), n_parts);
            for part in 0..n_parts {
                let mine = values.iter().enumerate().filter(|(index, _)| naive_part(*index, &shape, split) == part);
                let amax = mine.map(|(_, value)| value.abs()).fold(0.0, f32::max);
                prop_assert_eq!(found.scales[part], format.scale(Range::of_amax(amax).unwrap()));
                prop_assert_eq!(found.zero_parts.contains(&part), amax == 0.0);
            }
            for (index, value) in values.iter().enumerate() {
                let scale = found.scales[naive_part(index, &shape, split)];
                prop_assert_eq!(found.bytes[index], format.encode(&[value / scale])[0]);
            }
        }
    }

    #[test]
    fn channels_have_their_own_scale() {
        let found = vec![0.5, -1.0, 0.0, 0.0, 2.0, 0.25];
        let found = quantize_weight(found, &[3, 2], Split::Axis(0), &INT8, |_| ()).unwrap();
        assert_eq!(found.bytes, [64, 129, 0, 0, 127, 16]);
        assert_eq!(found.scales, [1.0 / 127.0, 1.0 / 127.0, 2.0 / 127.0]);
        assert_eq!(found.zero_parts, [1]);
    }

    #[test]
    fn codes_are_of_the_scales_that_are_written() {
        let coarser = |scales: &mut [f32]| scales.iter_mut().for_each(|scale| *scale = 0.5);
        let found = quantize_weight(vec![1.0, -1.2], &[2], Split::Whole, &INT8, coarser).unwrap();
        assert_eq!((found.bytes, found.scales), (vec![2, 254], vec![0.5]));
    }

    #[test]
    fn ties_go_to_the_even_neighbour() {
        let found =
            quantize_weight(vec![127.0, 0.5, 1.5, -2.5, -3.5], &[5], Split::Whole, &INT8, |_| ())
                .unwrap();
        assert_eq!(found.bytes, [127, 0, 2, 254, 252]);
        assert!(found.scale_shape.is_empty());
    }

    #[test]
    fn what_is_not_finite_is_named() {
        for (value, index) in [(f32::NAN, 1), (f32::INFINITY, 2), (f32::NEG_INFINITY, 0)] {
            let mut values = vec![1.0; 3];
            values[index] = value;
            let error = quantize_weight(values, &[3], Split::Whole, &INT8, |_| ()).unwrap_err();
            assert_eq!((error.index, error.value.to_bits()), (index, value.to_bits()));
        }
    }
}
