//! Operators that choose: `Hardmax`, `Compress` and `NonMaxSuppression`.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::{Value, ValueView};
use rten_tensor::Tensor;

use crate::demand::{Args, axis, bytes, bytes_of};
use crate::dense::{Dense, floats, integers};
use crate::error::StepError;
use crate::ours::Compute;

mod suppression;

/// Set on a `Hardmax` of before opset 13, which takes all axes from its own on as one.
pub(crate) const FLATTENS: &str = "flattens";

/// The operator that `node` is.
///
/// # Errors
///
/// When it is none of these.
pub(crate) fn of(node: &NodeProto) -> Result<Box<dyn Compute>, Refusal> {
    match node.op() {
        "Hardmax" => Ok(Box::new(Hardmax {
            axis: node.attr_i("axis").unwrap_or(-1),
            flattens: node.attr_i(FLATTENS).is_some(),
        })),
        "Compress" => Ok(Box::new(Compress { axis: node.attr_i("axis") })),
        "NonMaxSuppression" => Ok(suppression::of(node)),
        _ => Err(Refusal::Operator),
    }
}

/// 1 at the first of the largest elements along an axis, 0 elsewhere.
#[derive(Debug)]
struct Hardmax {
    axis: i64,
    flattens: bool,
}

impl Compute for Hardmax {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        bytes(args.len(0).saturating_mul(2))
    }

    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let x = floats(args, 0, "input")?.ok_or(StepError::NoValue)?;
        let rank = x.shape.len();
        let axis = axis(self.axis, rank).ok_or(StepError::Unfit { what: "axis and input" })?;
        let (len, inner) = if self.flattens {
            (x.shape[axis..].iter().product(), 1)
        } else {
            (x.shape[axis], x.shape[axis + 1..].iter().product::<usize>())
        };
        let mut made = vec![0.0; x.values.len()];
        let lanes = (0..x.values.len() / (len * inner).max(1))
            .flat_map(|outer| (0..inner).map(move |place| outer * len * inner + place));
        for start in lanes {
            let at = |index: usize| x.values[start + index * inner];
            let largest =
                (0..len).reduce(|most, index| if at(index) > at(most) { index } else { most });
            if let Some(index) = largest {
                made[start + index * inner] = 1.0;
            }
        }
        Ok(vec![Tensor::from_data(&x.shape, made).into()])
    }
}

/// The slices of an axis, or the elements, that a condition names.
#[derive(Debug)]
struct Compress {
    axis: Option<i64>,
}

impl Compute for Compress {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let data = args.get(0).map_or(0, bytes_of);
        data.saturating_mul(2).saturating_add(bytes(args.len(1).saturating_mul(3)))
    }

    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let condition = integers(args, 1, "condition")?.ok_or(StepError::NoValue)?;
        let chosen = condition.values.iter().enumerate().filter(|(_, is)| **is != 0);
        let chosen: Vec<usize> = chosen.map(|(index, _)| index).collect();
        Ok(vec![match args.get(0).ok_or(StepError::NoValue)? {
            ValueView::FloatTensor(data) => self.of(&Dense::of(data), &chosen)?,
            ValueView::Int32Tensor(data) => self.of(&Dense::of(data), &chosen)?,
            ValueView::Int8Tensor(data) => self.of(&Dense::of(data), &chosen)?,
            ValueView::UInt8Tensor(data) => self.of(&Dense::of(data), &chosen)?,
            _ => return Err(StepError::Unfit { what: "types" }),
        }])
    }
}

impl Compress {
    fn of<T: Copy>(&self, data: &Dense<'_, T>, chosen: &[usize]) -> Result<Value, StepError>
    where
        Value: From<Tensor<T>>,
    {
        let unfit = || StepError::Unfit { what: "condition and input" };
        let mut shape = data.shape.clone();
        let (len, inner) = match self.axis {
            None => (data.values.len(), 1),
            Some(stated) => {
                let axis = axis(stated, shape.len()).ok_or_else(unfit)?;
                (shape[axis], shape[axis + 1..].iter().product::<usize>())
            }
        };
        if chosen.last().is_some_and(|&last| last >= len) {
            return Err(unfit());
        }
        match self.axis.and_then(|stated| axis(stated, shape.len())) {
            None => shape = vec![chosen.len()],
            Some(axis) => shape[axis] = chosen.len(),
        }
        let blocks = data.values.chunks((len * inner).max(1));
        let values = blocks.flat_map(|block| {
            chosen.iter().flat_map(move |&index| &block[index * inner..][..inner])
        });
        let values: Vec<T> = values.copied().collect();
        Ok(Tensor::from_data(&shape, values).into())
    }
}
