//! `Col2Im`, which adds columns of patches up to a picture, and `MaxUnpool`, which puts maxima back where they were.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::Value;
use rten_tensor::Tensor;

use super::floats;
use super::grid::{each_place, strides};
use super::window::{Axis, Span, Windows};
use crate::demand::{Args, bytes, product};
use crate::dense;
use crate::error::StepError;
use crate::ours::Compute;

/// `Col2Im`.
#[derive(Debug)]
pub(super) struct Col2Im {
    windows: Windows,
}

/// The picture and the block, and how the blocks lie in it.
struct Blocks {
    axes: Vec<Axis>,
    n_samples: usize,
    n_channels: usize,
}

impl Col2Im {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        Ok(Self { windows: Windows::of(node)? })
    }

    fn blocks(&self, args: &Args<'_, '_>) -> Result<Blocks, StepError> {
        let sizes = |index: usize, name: &'static str| -> Result<Vec<usize>, StepError> {
            let sizes = args.integers(index).into_iter().map(usize::try_from);
            sizes.collect::<Result<_, _>>().map_err(|_| StepError::Unfit { what: name })
        };
        let (picture, block) = (sizes(1, "image_shape")?, sizes(2, "block_shape")?);
        let columns = args.shape(0);
        let axes = self.windows.axes(&picture, &block, Span::Dilated)?;
        let n_taps: usize = block.iter().product();
        let n_blocks: usize = axes.iter().map(|axis| axis.output).product();
        let unfit = || StepError::Window { input: columns.clone(), kernel: block.clone() };
        let &[n_samples, rows, n_columns] = &columns[..] else { return Err(unfit()) };
        if n_taps == 0 || !rows.is_multiple_of(n_taps) || n_columns != n_blocks {
            return Err(unfit());
        }
        Ok(Blocks { axes, n_samples, n_channels: rows / n_taps })
    }
}

impl Compute for Col2Im {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let Ok(blocks) = self.blocks(args) else { return 0 };
        let outer = [blocks.n_samples as u64, blocks.n_channels as u64];
        bytes(product(outer.into_iter().chain(blocks.axes.iter().map(|axis| axis.input as u64))))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let columns = floats(args, 0, "input")?;
        let blocks = self.blocks(args)?;
        let sizes = |size: fn(&Axis) -> usize| blocks.axes.iter().map(size).collect::<Vec<_>>();
        let (picture, kernel) = (sizes(|axis| axis.input), sizes(|axis| axis.kernel));
        let (steps, n_places) = (strides(&picture), picture.iter().product::<usize>());
        let windows = strides(&sizes(|axis| axis.output));
        let n_blocks = blocks.axes.iter().map(|axis| axis.output).product::<usize>();
        let mut y = vec![0.0; blocks.n_samples * blocks.n_channels * n_places];
        let mut rows = columns.values.chunks_exact(n_blocks.max(1));
        let mut is_stopped = false;
        for y in y.chunks_exact_mut(n_places.max(1)) {
            each_place(&kernel, |element| {
                is_stopped |= stop.is_set();
                let Some(row) = rows.next().filter(|_| !is_stopped) else { return };
                let reach: Vec<_> = blocks
                    .axes
                    .iter()
                    .zip(element)
                    .map(|(axis, &element)| axis.reach(element))
                    .collect();
                let counts: Vec<usize> = reach.iter().map(|(windows, _)| windows.len()).collect();
                each_place(&counts, |place| {
                    let (mut from, mut to) = (0, 0);
                    for (axis, (&place, (range, at))) in place.iter().zip(&reach).enumerate() {
                        from += (range.start + place) * windows[axis];
                        to += (at + place * blocks.axes[axis].stride) * steps[axis];
                    }
                    y[to] += row[from];
                });
            });
        }
        if is_stopped {
            return Err(StepError::Stopped);
        }
        let dims = [&[blocks.n_samples, blocks.n_channels], &picture[..]].concat();
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }
}

/// `MaxUnpool`.
#[derive(Debug)]
pub(super) struct MaxUnpool {
    windows: Windows,
    kernel: Vec<usize>,
}

impl MaxUnpool {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let windows = Windows::of(node)?;
        let kernel = windows.kernel.clone().ok_or(Refusal::Missing { name: "kernel_shape" })?;
        Ok(Self { windows, kernel })
    }

    /// The dimensions of the output: those whose pool has the input's.
    fn output(&self, args: &Args<'_, '_>) -> Result<Vec<usize>, StepError> {
        let x = args.shape(0);
        let n_axes = self.kernel.len();
        let size = |at: usize| {
            let (stride, _, (before, after)) = self.windows.stated(at, n_axes)?;
            let reach = x.get(at + 2)?.checked_sub(1)?.checked_mul(stride)?;
            reach.checked_add(self.kernel[at])?.checked_sub(before)?.checked_sub(after)
        };
        let sizes: Option<Vec<usize>> = (0..n_axes).map(size).collect();
        let sizes = sizes.filter(|_| x.len() == n_axes + 2);
        let sizes = sizes
            .ok_or_else(|| StepError::Window { input: x.clone(), kernel: self.kernel.clone() })?;
        let made = [&x[..2], &sizes].concat();
        let stated = args.integers(2).into_iter().map(usize::try_from);
        if args.is_given(2) && !stated.eq(made.iter().map(|&size| Ok(size))) {
            return Err(StepError::TwoReadings { name: "output_shape" });
        }
        Ok(made)
    }
}

impl Compute for MaxUnpool {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let output = self.output(args).unwrap_or_default();
        bytes(product(output.into_iter().map(|size| size as u64)))
    }

    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let x = floats(args, 0, "X")?;
        let places = dense::integers(args, 1, "I")?.ok_or(StepError::Unfit { what: "I" })?;
        let dims = self.output(args)?;
        if places.shape != x.shape {
            return Err(StepError::Window { input: x.shape, kernel: places.shape });
        }
        let mut y = vec![0.0; dims.iter().product()];
        for (&value, &place) in x.values.iter().zip(places.values.iter()) {
            let place = usize::try_from(place).ok().and_then(|place| y.get_mut(place));
            *place.ok_or(StepError::Unfit { what: "I" })? = value;
        }
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }
}
