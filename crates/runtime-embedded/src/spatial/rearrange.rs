//! Operators that put elements elsewhere, each along its axes: `SpaceToDepth`, `CenterCropPad`, and `Pad` with what the
//! executor lacks of it.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::{Value, ValueView};
use rten_tensor::{Layout as _, Tensor, TensorView};

use super::grid::{each_place, strides};
use crate::demand::{self, Args, bytes, product};
use crate::error::StepError;
use crate::ours::Compute;

/// For each place of an axis of the output the element of the input, `None` for what fills up.
type Picks = Vec<Option<usize>>;

/// An operator that picks elements along each axis by itself.
#[derive(Debug)]
pub(super) enum Rearrange {
    SpaceToDepth { block: usize },
    CenterCropPad { axes: Option<Vec<i64>> },
    Pad { mode: PadMode },
}

/// What stands in the padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PadMode {
    Constant,
    Edge,
    Reflect,
    Wrap,
}

impl Rearrange {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        Ok(match node.op() {
            "SpaceToDepth" => {
                let value = node.attr_i("blocksize");
                let value = value.ok_or(Refusal::Missing { name: "blocksize" })?;
                let block = usize::try_from(value).ok().filter(|&block| block > 0);
                let block = block.ok_or_else(|| Refusal::Attribute {
                    name: "blocksize",
                    value: value.to_string(),
                })?;
                Self::SpaceToDepth { block }
            }
            "CenterCropPad" => {
                Self::CenterCropPad { axes: node.attr_ints("axes").map(<[i64]>::to_vec) }
            }
            "Pad" => Self::Pad {
                mode: match node.attr_s("mode").unwrap_or("constant") {
                    "constant" => PadMode::Constant,
                    "edge" => PadMode::Edge,
                    "reflect" => PadMode::Reflect,
                    "wrap" => PadMode::Wrap,
                    value => {
                        return Err(Refusal::Attribute { name: "mode", value: value.to_owned() });
                    }
                },
            },
            _ => return Err(Refusal::Operator),
        })
    }

    /// The sizes of the output.
    fn sizes(&self, args: &Args<'_, '_>) -> Result<Vec<usize>, StepError> {
        let mut sizes = args.shape(0);
        match self {
            Self::SpaceToDepth { block } => match &mut sizes[..] {
                [_, channels, height, width]
                    if height.is_multiple_of(*block) && width.is_multiple_of(*block) =>
                {
                    (*height, *width) = (*height / block, *width / block);
                    *channels *= block * block;
                }
                _ => return Err(StepError::Unfit { what: "blocksize" }),
            },
            Self::CenterCropPad { axes } => {
                let targets = args.integers(1);
                for (axis, target) in named(axes.as_deref(), targets.len(), sizes.len(), "axes")?
                    .into_iter()
                    .zip(targets)
                {
                    let target = usize::try_from(target);
                    sizes[axis] = target.map_err(|_| StepError::Unfit { what: "shape" })?;
                }
            }
            Self::Pad { .. } => {
                for (size, (before, after)) in sizes.iter_mut().zip(pads(args)?) {
                    let padded = i64::try_from(*size)
                        .ok()
                        .and_then(|size| size.checked_add(before)?.checked_add(after))
                        .and_then(|size| usize::try_from(size).ok());
                    *size = padded.ok_or(StepError::Unfit { what: "pads" })?;
                }
            }
        }
        Ok(sizes)
    }

    /// What is picked along each axis of an input of these sizes.
    fn picks(
        &self,
        args: &Args<'_, '_>,
        from: &[usize],
        to: &[usize],
    ) -> Result<Vec<Picks>, StepError> {
        let all = |size: usize| (0..size).map(Some).collect();
        let mut picks: Vec<Picks> = from.iter().map(|&size| all(size)).collect();
        match self {
            Self::SpaceToDepth { .. } => {}
            Self::CenterCropPad { .. } => {
                for ((picks, &from), &to) in picks.iter_mut().zip(from).zip(to) {
                    let (cut, added) = (from.saturating_sub(to) / 2, to.saturating_sub(from) / 2);
                    let pick =
                        |at: usize| (at + cut).checked_sub(added).filter(|&element| element < from);
                    *picks = (0..to).map(pick).collect();
                }
            }
            Self::Pad { mode } => {
                for ((picks, &from), (before, after)) in picks.iter_mut().zip(from).zip(pads(args)?)
                {
                    *picks = padded(*mode, from, before, after)
                        .ok_or(StepError::Unfit { what: "pads" })?;
                }
            }
        }
        Ok(picks)
    }

    fn moved<T: Copy + Default>(
        &self,
        args: &Args<'_, '_>,
        x: &TensorView<'_, T>,
        fill: T,
    ) -> Result<Vec<Value>, StepError>
    where
        Value: From<Tensor<T>>,
    {
        let to = self.sizes(args)?;
        if let Self::SpaceToDepth { block } = self {
            let y = blocks(&x.to_slice(), &to, *block);
            return Ok(vec![Tensor::from_data(&to, y).into()]);
        }
        let from = x.shape().to_vec();
        let picks = self.picks(args, &from, &to)?;
        let y = picked(&x.to_slice(), &from, &picks, fill);
        Ok(vec![Tensor::from_data(&to, y).into()])
    }
}

/// The axes that are named, or all.
fn named(
    axes: Option<&[i64]>,
    count: usize,
    rank: usize,
    what: &'static str,
) -> Result<Vec<usize>, StepError> {
    let axes: Option<Vec<usize>> = match axes {
        Some(axes) => axes.iter().map(|&axis| demand::axis(axis, rank)).collect(),
        None => Some((0..rank).collect()),
    };
    axes.filter(|axes| axes.len() == count).ok_or(StepError::Unfit { what })
}

/// Padding before and after each axis.
fn pads(args: &Args<'_, '_>) -> Result<Vec<(i64, i64)>, StepError> {
    let (pads, rank) = (args.integers(1), args.shape(0).len());
    let axes = args.is_given(3).then(|| args.integers(3));
    let axes = named(axes.as_deref(), pads.len() / 2, rank, "pads")?;
    let (before, after) = pads.split_at(pads.len() / 2);
    if before.len() != after.len() {
        return Err(StepError::Unfit { what: "pads" });
    }
    let mut by_axis = vec![(0, 0); rank];
    for (axis, pads) in axes.into_iter().zip(before.iter().copied().zip(after.iter().copied())) {
        by_axis[axis] = pads;
    }
    Ok(by_axis)
}

/// Negative padding takes away, and what is left is padded.
fn padded(mode: PadMode, from: usize, before: i64, after: i64) -> Option<Picks> {
    let amount = |pad: i64| usize::try_from(pad.unsigned_abs()).ok();
    let (add_before, cut_before) =
        if before < 0 { (0, amount(before)?) } else { (amount(before)?, 0) };
    let (add_after, cut_after) = if after < 0 { (0, amount(after)?) } else { (amount(after)?, 0) };
    let left = from.checked_sub(cut_before)?.checked_sub(cut_after)?;
    if left == 0 && mode != PadMode::Constant && add_before + add_after > 0 {
        return None;
    }
    let last = left.saturating_sub(1);
    let pick = |at: usize| -> Option<usize> {
        let inside = at.checked_sub(add_before).filter(|&at| at < left);
        let element = match mode {
            _ if inside.is_some() => inside?,
            PadMode::Constant => return None,
            PadMode::Edge => {
                if at < add_before {
                    0
                } else {
                    last
                }
            }
            PadMode::Wrap => (at + left - add_before % left) % left,
            PadMode::Reflect => {
                let period = (2 * last).max(1);
                let place = (at + period - add_before % period) % period;
                place.min(period - place).min(last)
            }
        };
        Some(cut_before + element)
    };
    Some((0..add_before.checked_add(left)?.checked_add(add_after)?).map(pick).collect())
}

/// The elements that are picked along every axis, `fill` where one picks none.
fn picked<T: Copy>(x: &[T], from: &[usize], picks: &[Picks], fill: T) -> Vec<T> {
    let sizes: Vec<usize> = picks.iter().map(Vec::len).collect();
    let Some((last, outer)) = picks.split_last() else { return x.to_vec() };
    let steps = strides(from);
    let mut y = Vec::with_capacity(sizes.iter().product());
    if last.is_empty() {
        return y;
    }
    each_place(&sizes[..outer.len()], |place| {
        let along = place.iter().zip(outer).map(|(&at, picks)| picks[at]);
        let start: Option<usize> =
            along.zip(&steps).map(|(element, step)| Some(element? * step)).sum();
        match start {
            Some(start) => {
                y.extend(last.iter().map(|element| element.map_or(fill, |at| x[start + at])));
            }
            None => y.resize(y.len() + last.len(), fill),
        }
    });
    y
}

/// Channel (row * block + column) * C + c of the output is every block-th pixel of channel c, from that row and column on.
fn blocks<T: Copy>(x: &[T], to: &[usize], block: usize) -> Vec<T> {
    let (channels, height, width) = (to[1] / (block * block), to[2], to[3]);
    let steps = strides(&[to[0], channels, height * block, width * block]);
    let mut y = Vec::with_capacity(x.len());
    each_place(&[to[0], block, block, channels, height, width], |place| {
        let &[n, i, j, c, row, column] = place else { return };
        let (row, column) = (row * block + i, column * block + j);
        y.push(x[n * steps[0] + c * steps[1] + row * steps[2] + column]);
    });
    y
}

impl Compute for Rearrange {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let sizes = self.sizes(args).unwrap_or_default();
        // A pick takes four numbers' place, and lists of numbers are read as such of twice the size.
        let picks = sizes.iter().map(|&size| size as u64).fold(0, u64::saturating_add);
        let picks = picks.saturating_add(args.shape(0).iter().map(|&size| size as u64).sum());
        let elements = product(sizes.iter().map(|&size| size as u64));
        let lists = args.len(1).saturating_mul(4);
        bytes(elements.saturating_add(picks.saturating_mul(4)).saturating_add(lists))
    }

    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let is_pad = matches!(self, Self::Pad { .. });
        let value = if is_pad { args.get(2) } else { None };
        match args.get(0) {
            Some(ValueView::FloatTensor(x)) => {
                let fill = match value {
                    Some(ValueView::FloatTensor(fill)) => fill.iter().next().copied(),
                    _ => None,
                };
                self.moved(args, x, fill.unwrap_or(0.0))
            }
            Some(ValueView::Int32Tensor(x)) => {
                let fill = match value {
                    Some(ValueView::Int32Tensor(fill)) => fill.iter().next().copied(),
                    _ => None,
                };
                self.moved(args, x, fill.unwrap_or(0))
            }
            Some(ValueView::Int8Tensor(x)) => {
                let fill = match value {
                    Some(ValueView::Int8Tensor(fill)) => fill.iter().next().copied(),
                    _ => None,
                };
                self.moved(args, x, fill.unwrap_or(0))
            }
            Some(ValueView::UInt8Tensor(x)) => {
                let fill = match value {
                    Some(ValueView::UInt8Tensor(fill)) => fill.iter().next().copied(),
                    _ => None,
                };
                self.moved(args, x, fill.unwrap_or(0))
            }
            _ => Err(StepError::Unfit { what: "data" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mode: PadMode, before: i64, after: i64) -> Vec<i64> {
        let picks = padded(mode, 3, before, after).unwrap();
        picks.into_iter().map(|pick| pick.map_or(-1, |at| i64::try_from(at).unwrap())).collect()
    }

    #[test]
    fn padding_picks_what_numpy_does() {
        assert_eq!(of(PadMode::Constant, 2, 1), [-1, -1, 0, 1, 2, -1]);
        assert_eq!(of(PadMode::Edge, 2, 1), [0, 0, 0, 1, 2, 2]);
        assert_eq!(of(PadMode::Reflect, 2, 3), [2, 1, 0, 1, 2, 1, 0, 1]);
        assert_eq!(of(PadMode::Wrap, 4, 2), [2, 0, 1, 2, 0, 1, 2, 0, 1]);
        assert_eq!(of(PadMode::Edge, -1, 1), [1, 2, 2]);
        assert_eq!(of(PadMode::Constant, -2, 0), [2]);
        assert_eq!(padded(PadMode::Edge, 3, -2, -2), None);
    }

    #[test]
    fn picks_of_every_axis_meet() {
        let picks = [vec![Some(1), None], vec![Some(2), Some(0), None]];
        assert_eq!(picked(&[0, 1, 2, 3, 4, 5], &[2, 3], &picks, 9), [5, 3, 9, 9, 9, 9]);
    }
}
