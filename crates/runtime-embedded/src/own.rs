//! Operators computed here, because the executor panics on inputs that ONNX has an answer for, or takes far longer.

use calibrant_onnx::proto::NodeProto;
use rten::{Value, ValueView};
use rten_tensor::{AsView as _, Layout as _, SliceItem, SliceRange, Tensor, TensorView};

use crate::depthwise;
use crate::error::StepError;

/// An operator that is computed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// The executor's takes several times as long where it is depthwise.
    Conv,
    /// Of whole numbers; the executor's panics where the quotient does not fit.
    Div,
    /// Of whole numbers, with the sign of the divisor, or of the dividend where `fmod` says so.
    Mod {
        /// As C's operator.
        fmod: bool,
    },
    /// The executor's goes on for ever where a step is lost in rounding.
    Range,
    /// The executor's panics where a backward slice starts before the first element.
    Slice,
}

impl Own {
    /// What `node` is, if it is one of these.
    pub(crate) fn of(node: &NodeProto) -> Option<Self> {
        if !node.is_default_domain() {
            return None;
        }
        match node.op() {
            "Conv" => Some(Self::Conv),
            "Div" => Some(Self::Div),
            "Mod" => Some(Self::Mod { fmod: node.attr_i("fmod").unwrap_or(0) != 0 }),
            "Range" => Some(Self::Range),
            "Slice" => Some(Self::Slice),
            _ => None,
        }
    }

    /// The output for these inputs, `None` where the executor's own is right.
    ///
    /// # Errors
    ///
    /// When ONNX has no answer either.
    pub(crate) fn run(
        self,
        node: &NodeProto,
        inputs: &[Option<ValueView<'_>>],
    ) -> Option<Result<Value, StepError>> {
        match (self, inputs) {
            (Self::Conv, _) => depthwise::conv(node, inputs).map(Ok),
            (Self::Slice, _) => Some(slice(node, inputs)),
            (Self::Range, _) => range(inputs),
            (Self::Div, [Some(ValueView::Int32Tensor(a)), Some(ValueView::Int32Tensor(b))]) => {
                Some(divided(a, b, i32::wrapping_div))
            }
            (
                Self::Mod { fmod },
                [Some(ValueView::Int32Tensor(a)), Some(ValueView::Int32Tensor(b))],
            ) => Some(divided(a, b, if fmod { i32::wrapping_rem } else { floored_rem })),
            _ => None,
        }
    }
}

/// The remainder with the sign of the divisor.
fn floored_rem(a: i32, b: i32) -> i32 {
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

fn divided(
    a: &TensorView<'_, i32>,
    b: &TensorView<'_, i32>,
    divide: fn(i32, i32) -> i32,
) -> Result<Value, StepError> {
    if b.iter().any(|&divisor| divisor == 0) {
        return Err(StepError::DivisionByZero);
    }
    let shape = broadcast_shape(a.shape(), b.shape()).ok_or_else(|| StepError::Broadcast {
        first: a.shape().to_vec(),
        second: b.shape().to_vec(),
    })?;
    let values = a.broadcast(shape.as_slice());
    let divisors = b.broadcast(shape.as_slice());
    let quotients: Vec<i32> =
        values.iter().zip(divisors.iter()).map(|(&a, &b)| divide(a, b)).collect();
    Ok(Tensor::from_data(&shape, quotients).into())
}

/// The shape that these broadcast to.
pub(crate) fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let at = |dims: &[usize], axis: usize| {
        (axis + dims.len()).checked_sub(rank).map_or(1, |axis| dims[axis])
    };
    let dim = |axis| match (at(a, axis), at(b, axis)) {
        (1, other) | (other, 1) => Some(other),
        (first, second) => (first == second).then_some(first),
    };
    (0..rank).map(dim).collect()
}

/// The number of values that a `Range` of these inputs has, `None` where they are none that it takes.
pub(crate) fn range_len(inputs: &[Option<ValueView<'_>>]) -> Option<u64> {
    let scalar = |index: usize| -> Option<f64> {
        match inputs.get(index)?.as_ref()? {
            ValueView::FloatTensor(value) => value.item().copied().map(f64::from),
            ValueView::Int32Tensor(value) => value.item().copied().map(f64::from),
            _ => None,
        }
    };
    let (start, limit, delta) = (scalar(0)?, scalar(1)?, scalar(2)?);
    // Saturates; NaN, as from a step of 0 to where it starts, becomes 0.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
    let len = ((limit - start) / delta).ceil().max(0.0) as u64;
    Some(len)
}

fn range(inputs: &[Option<ValueView<'_>>]) -> Option<Result<Value, StepError>> {
    let len = usize::try_from(range_len(inputs)?).ok()?;
    let [Some(start), Some(_), Some(delta)] = inputs else { return None };
    match (start, delta) {
        (ValueView::FloatTensor(start), ValueView::FloatTensor(delta)) => {
            let (start, delta) = (*start.item()?, *delta.item()?);
            let values = std::iter::successors(Some(start), |value| Some(value + delta));
            (delta != 0.0).then(|| Ok(Tensor::from(values.take(len).collect::<Vec<_>>()).into()))
        }
        (ValueView::Int32Tensor(start), ValueView::Int32Tensor(delta)) => {
            let (start, delta) = (*start.item()?, *delta.item()?);
            let values =
                std::iter::successors(Some(start), |value| Some(value.wrapping_add(delta)));
            (delta != 0).then(|| Ok(Tensor::from(values.take(len).collect::<Vec<_>>()).into()))
        }
        _ => None,
    }
}

fn slice(node: &NodeProto, inputs: &[Option<ValueView<'_>>]) -> Result<Value, StepError> {
    let list = |index: usize, name: &'static str| -> Result<Option<Vec<i64>>, StepError> {
        match inputs.get(index).and_then(Option::as_ref) {
            Some(ValueView::Int32Tensor(list)) if list.ndim() == 1 => {
                Ok(Some(list.iter().map(|&value| value.into()).collect()))
            }
            Some(_) => Err(StepError::SliceInput { name }),
            None => Ok(node.attr_ints(name).map(<[i64]>::to_vec)),
        }
    };
    let data = inputs.first().and_then(Option::as_ref);
    let data = data.ok_or(StepError::SliceInput { name: "data" })?;
    let starts = list(1, "starts")?.ok_or(StepError::SliceInput { name: "starts" })?;
    let ends = list(2, "ends")?.ok_or(StepError::SliceInput { name: "ends" })?;
    let count = i64::try_from(starts.len()).unwrap_or(i64::MAX);
    let axes = list(3, "axes")?.unwrap_or_else(|| (0..count).collect());
    let steps = list(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|&len| len != starts.len()) {
        return Err(StepError::SliceInput { name: "axes" });
    }
    let shape = data.shape().to_vec();
    let mut ranges: Vec<Option<SliceRange>> = vec![None; shape.len()];
    for (index, &axis) in axes.iter().enumerate() {
        let place = crate::demand::axis(axis, shape.len());
        let place = place.filter(|&place| ranges[place].is_none());
        let place = place.ok_or(StepError::SliceInput { name: "axes" })?;
        let range = slice_range(starts[index], ends[index], steps[index], shape[place]);
        ranges[place] = Some(range.ok_or(StepError::SliceInput { name: "steps" })?);
    }
    let whole = |range: Option<SliceRange>| range.unwrap_or_else(|| SliceRange::new(0, None, 1));
    let items: Vec<SliceItem> =
        ranges.into_iter().map(|range| SliceItem::Range(whole(range))).collect();
    match data {
        ValueView::FloatTensor(data) => Ok(data.slice_copy(items.as_slice()).into()),
        ValueView::Int32Tensor(data) => Ok(data.slice_copy(items.as_slice()).into()),
        ValueView::Int8Tensor(data) => Ok(data.slice_copy(items.as_slice()).into()),
        ValueView::UInt8Tensor(data) => Ok(data.slice_copy(items.as_slice()).into()),
        _ => Err(StepError::SliceInput { name: "data" }),
    }
}

/// What ONNX means by these numbers on an axis of this size, `None` for a step of 0.
///
/// Ends count from the end of the axis when they are negative, and are then moved onto it; a backward slice may end
/// before the first element.
fn slice_range(start: i64, end: i64, step: i64, size: usize) -> Option<SliceRange> {
    let (size, step) = (i64::try_from(size).ok()?, isize::try_from(step).ok()?);
    let counted = |value: i64| if value < 0 { value.saturating_add(size) } else { value };
    let empty = SliceRange::new(0, Some(0), 1);
    let (start, end) = match step {
        0 => return None,
        1.. => (counted(start).clamp(0, size), counted(end).clamp(0, size)),
        _ if size == 0 => return Some(empty),
        _ => (counted(start).clamp(0, size - 1), counted(end).clamp(-1, size - 1)),
    };
    let is_empty = if step > 0 { end <= start } else { end >= start };
    if is_empty {
        return Some(empty);
    }
    // Where `rten` counts: -1 would be the last element.
    let end = if end < 0 { -size - 1 } else { end };
    Some(SliceRange::new(isize::try_from(start).ok()?, isize::try_from(end).ok(), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements of [0, 1, …, size - 1] that Python's slice takes.
    fn naive(start: i64, end: i64, step: i64, size: i64) -> Vec<i64> {
        let counted = |value: i64| if value < 0 { value + size } else { value };
        let (start, end) = (counted(start), counted(end));
        let mut taken = Vec::new();
        if size == 0 {
            return taken;
        }
        if step > 0 {
            let mut at = start.max(0);
            while at < end.min(size) {
                taken.push(at);
                at += step;
            }
        } else {
            let mut at = start.clamp(0, size - 1);
            while at > end.max(-1) {
                taken.push(at);
                at += step;
            }
        }
        taken
    }

    #[test]
    fn every_small_slice_takes_what_pythons_does() {
        for size in 0..5_i64 {
            let values: Vec<i32> = (0..i32::try_from(size).unwrap()).collect();
            let tensor = Tensor::from(values);
            for (start, end) in (-8..8).flat_map(|start| (-8..8).map(move |end| (start, end))) {
                for step in [-3, -2, -1, 1, 2, 3] {
                    let range = slice_range(start, end, step, tensor.len()).unwrap();
                    let taken = tensor.slice_copy([SliceItem::Range(range)].as_slice());
                    let taken: Vec<i64> = taken.iter().map(|&value| value.into()).collect();
                    assert_eq!(
                        taken,
                        naive(start, end, step, size),
                        "[{start}:{end}:{step}] of {size}"
                    );
                }
            }
        }
        assert_eq!(slice_range(0, 1, 0, 4), None);
    }

    #[test]
    fn remainders_have_the_sign_that_onnx_says() {
        let cases = [(7, 3, 1, 1), (-7, 3, 2, -1), (7, -3, -2, 1), (-7, -3, -1, -1)];
        for (a, b, floored, truncated) in cases {
            assert_eq!((floored_rem(a, b), a.wrapping_rem(b)), (floored, truncated));
        }
        assert_eq!((floored_rem(i32::MIN, -1), i32::MIN.wrapping_div(-1)), (0, i32::MIN));
    }
}
