//! Convolution over any number of axes, whatever decides its weight.
//!
//! A picture is padded once; its patches are never written out, the multiplication gathers them as it goes.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use rten::Value;
use rten_gemm::{
    BiasVector, ColOffsets, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, Im2Col, RowOffsets,
};
use rten_tensor::{NdTensorView, Tensor};

use super::floats;
use super::grid::{dot, each_place, strides};
use super::window::{Axis, Span, Windows};
use crate::demand::{Args, bytes, product};
use crate::error::StepError;
use crate::ours::Compute;
use calibrant_runtime::host::Stop;

/// With fewer channels than this a group is added up tap by tap: a matrix of so few rows multiplies slowly.
const FEW_CHANNELS: usize = 4;

/// Numbers that are kept for each place of the output and each row of the weight: where its elements begin.
const PLACE_ELEMENTS: u64 = 3;

/// `Conv`.
#[derive(Debug)]
pub(super) struct Conv {
    windows: Windows,
    n_groups: usize,
}

/// One run of it.
struct Shape {
    axes: Vec<Axis>,
    n_samples: usize,
    n_groups: usize,
    /// Channels of the input in a group.
    inputs: usize,
    /// Channels of the output in a group.
    outputs: usize,
    /// Sizes of the input with its padding, and of the output.
    padded: Vec<usize>,
    output: Vec<usize>,
}

impl Conv {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        Ok(Self { windows: Windows::of(node)?, n_groups: n_groups(node)? })
    }

    fn shape(&self, x: &[usize], w: &[usize]) -> Result<Shape, StepError> {
        let unfit = || StepError::Window { input: x.to_vec(), kernel: w.to_vec() };
        if x.len() < 3
            || x.len() != w.len()
            || self.windows.kernel.as_ref().is_some_and(|kernel| kernel != &w[2..])
        {
            return Err(unfit());
        }
        let axes = self.windows.axes(&x[2..], &w[2..], Span::Dilated)?;
        let (inputs, outputs) = (x[1] / self.n_groups, w[0] / self.n_groups);
        if inputs * self.n_groups != x[1] || outputs * self.n_groups != w[0] || inputs != w[1] {
            return Err(unfit());
        }
        Ok(Shape {
            n_samples: x[0],
            n_groups: self.n_groups,
            inputs,
            outputs,
            padded: axes.iter().map(|axis| axis.input + axis.before + axis.after).collect(),
            output: axes.iter().map(|axis| axis.output).collect(),
            axes,
        })
    }
}

impl Compute for Conv {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let (x, w) = (args.shape(0), args.shape(1));
        let Ok(shape) = self.shape(&x, &w) else { return 0 };
        let of = |sizes: &[usize]| product(sizes.iter().map(|&size| size as u64));
        let places = of(&shape.output);
        let output = product([shape.n_samples as u64, w[0] as u64, places]);
        let padded = of(&shape.padded).saturating_mul(shape.inputs as u64);
        let rows = of(&w[1..]).saturating_add(places).saturating_mul(PLACE_ELEMENTS);
        let weights = of(&w).saturating_mul(2);
        bytes([output, padded, rows, weights].into_iter().fold(0, u64::saturating_add))
    }

    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        let (x, w) = (floats(args, 0, "X")?, floats(args, 1, "W")?);
        let bias = if args.is_given(2) { Some(floats(args, 2, "B")?) } else { None };
        let shape = self.shape(&x.shape, &w.shape)?;
        if bias.as_ref().is_some_and(|bias| bias.values.len() != w.shape[0]) {
            return Err(StepError::Window { input: x.shape, kernel: w.shape });
        }
        let n_places: usize = shape.output.iter().product();
        let mut y = vec![0.0; shape.n_samples * w.shape[0] * n_places];
        if y.is_empty() || x.values.is_empty() {
            let bias = bias.map(|bias| bias.values.into_owned());
            fill(&mut y, n_places, bias.as_deref());
        } else {
            let bias = bias.as_ref().map(|bias| &*bias.values);
            shape.convolve(&x.values, &w.values, bias, &mut y)?;
        }
        let dims = [&[shape.n_samples, w.shape[0]], &shape.output[..]].concat();
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }
}

/// The number of groups of channels.
///
/// # Errors
///
/// When it is none.
pub(super) fn n_groups(node: &NodeProto) -> Result<usize, Refusal> {
    let group = node.attr_i("group").unwrap_or(1);
    let n_groups = usize::try_from(group).ok().filter(|&group| group > 0);
    n_groups.ok_or_else(|| Refusal::Attribute { name: "group", value: group.to_string() })
}

/// Every place of each channel its bias.
pub(super) fn fill(y: &mut [f32], n_places: usize, bias: Option<&[f32]>) {
    if let Some(bias) = bias.filter(|_| n_places > 0) {
        let channels = y.chunks_exact_mut(n_places).zip(bias.iter().cycle());
        channels.for_each(|(channel, &bias)| channel.fill(bias));
    }
}

impl Shape {
    fn convolve(
        &self,
        x: &[f32],
        w: &[f32],
        bias: Option<&[f32]>,
        y: &mut [f32],
    ) -> Result<(), StepError> {
        let sizes: Vec<usize> = self.axes.iter().map(|axis| axis.input).collect();
        let group_in = self.inputs * sizes.iter().product::<usize>();
        let group_out = self.outputs * self.output.iter().product::<usize>();
        let n_taps: usize = self.axes.iter().map(|axis| axis.kernel).product();
        let group_weight = self.outputs * self.inputs * n_taps;
        let is_padded = self.padded != sizes;
        let patches = Patches::of(self);
        let gemm = GemmExecutor::<f32>::new();
        let parts = x.chunks_exact(group_in).zip(y.chunks_exact_mut(group_out)).enumerate();
        for (part, (x, y)) in parts {
            let group = part % self.n_groups;
            let weight = &w[group * group_weight..][..group_weight];
            let bias = bias.map(|bias| &bias[group * self.outputs..][..self.outputs]);
            let padded;
            let picture = if is_padded {
                padded = self.pad(x, &sizes);
                &padded
            } else {
                x
            };
            if self.outputs < FEW_CHANNELS {
                fill(y, group_out / self.outputs, bias);
                patches.add_taps(picture, weight, y, self);
            } else {
                patches.multiply(&gemm, picture, weight, bias, y)?;
            }
        }
        Ok(())
    }

    /// The picture with zeros around it.
    fn pad(&self, x: &[f32], sizes: &[usize]) -> Vec<f32> {
        let mut padded = vec![0.0; self.inputs * self.padded.iter().product::<usize>()];
        let (Some((&width, outer)), Some(last)) = (sizes.split_last(), self.axes.last()) else {
            return padded;
        };
        let to = strides(&[&[self.inputs], &self.padded[..]].concat());
        let mut rows = x.chunks_exact(width);
        each_place(&[&[self.inputs], outer].concat(), |place| {
            let inner = place[1..].iter().zip(&self.axes).map(|(at, axis)| at + axis.before);
            let inner: usize = inner.zip(&to[1..]).map(|(at, stride)| at * stride).sum();
            let start = place[0] * to[0] + inner + last.before;
            if let Some(row) = rows.next() {
                padded[start..start + width].copy_from_slice(row);
            }
        });
        padded
    }
}

/// Where the patches of a padded picture are.
struct Patches {
    /// Of each element of a patch, from its first.
    rows: Vec<usize>,
    /// Of the first element of each patch.
    columns: Vec<usize>,
    /// Whether a patch is one element and every element one, in order.
    is_matrix: bool,
}

impl Patches {
    fn of(shape: &Shape) -> Self {
        let axes = &shape.axes;
        let steps = strides(&[&[shape.inputs], &shape.padded[..]].concat());
        let offsets = |dims: &[usize], steps: &[usize]| {
            let mut offsets = Vec::with_capacity(dims.iter().product());
            each_place(dims, |place| offsets.push(dot(place, steps)));
            offsets
        };
        let kernel: Vec<usize> = axes.iter().map(|axis| axis.kernel).collect();
        let with = |factor: fn(&Axis) -> usize| -> Vec<usize> {
            axes.iter().zip(&steps[1..]).map(|(axis, step)| factor(axis) * step).collect()
        };
        let inner = [&steps[..1], &with(|axis| axis.dilation)].concat();
        Self {
            rows: offsets(&[&[shape.inputs], &kernel[..]].concat(), &inner),
            columns: offsets(&shape.output, &with(|axis| axis.stride)),
            is_matrix: kernel.iter().all(|&size| size == 1) && shape.padded == shape.output,
        }
    }

    /// The weight times the patches.
    fn multiply(
        &self,
        gemm: &GemmExecutor<f32>,
        picture: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        y: &mut [f32],
    ) -> Result<(), StepError> {
        let (n_rows, n_columns) = (self.rows.len(), self.columns.len());
        let weight = NdTensorView::from_data([weight.len() / n_rows, n_rows], weight);
        let options = GemmOptions { bias: bias.map(BiasVector::Column), ..GemmOptions::default() };
        let a = GemmInputA::Unpacked(weight);
        if self.is_matrix {
            let b = GemmInputB::Unpacked(NdTensorView::from_data([n_rows, n_columns], picture));
            return gemm.gemm(y, a, b, options).map_err(StepError::Product);
        }
        let patches = self.im2col(gemm, picture)?;
        gemm.gemm(y, a, GemmInputB::Im2Col(&patches), options).map_err(StepError::Product)
    }

    /// The patches as the multiplication reads them; all of them lie inside the picture, so neither of its axes is bounded.
    fn im2col<'p>(
        &self,
        gemm: &GemmExecutor<f32>,
        picture: &'p [f32],
    ) -> Result<Im2Col<'p, f32>, StepError> {
        let too_large = |_| StepError::TooLarge { elements: picture.len() };
        // Twice the length is a number too.
        let len = i32::try_from(picture.len().saturating_mul(2)).map_err(too_large)? / 2;
        let offsets = |offsets: &[usize], step: usize, beyond: i32| {
            let list = offsets.iter().map(|&at| i32::try_from(at).map_err(too_large));
            let mut list = list.collect::<Result<Vec<i32>, StepError>>()?;
            list.resize(offsets.len().next_multiple_of(step), beyond);
            Ok::<_, StepError>(list)
        };
        let y = offsets(&self.rows, gemm.im2col_row_count_step(), len)?;
        let columns = offsets(&self.columns, gemm.im2col_col_count_step(), 0)?;
        Ok(Im2Col {
            image: NdTensorView::from_data([1, 1, picture.len()], picture),
            row_offsets: RowOffsets { chan: vec![0; y.len()], x: vec![0; y.len()], y },
            col_offsets: ColOffsets { x: vec![0; columns.len()], y: columns },
            n_cols: self.columns.len(),
            n_rows: self.rows.len(),
            max_y_offset: len - 1,
            max_x_offset: 0,
        })
    }

    /// Adds to each output channel every tap of its weight, a row of the output at a time.
    fn add_taps(&self, picture: &[f32], weight: &[f32], y: &mut [f32], shape: &Shape) {
        let Some(last) = shape.axes.last() else { return };
        let width = last.output;
        let taps = self.rows.len();
        for (weight, y) in weight.chunks_exact(taps).zip(y.chunks_exact_mut(self.columns.len())) {
            for (&weight, &tap) in weight.iter().zip(&self.rows) {
                let starts = self.columns.iter().step_by(width);
                for (&start, row) in starts.zip(y.chunks_exact_mut(width)) {
                    let from = &picture[start + tap..];
                    match last.stride {
                        1 => row.iter_mut().zip(from).for_each(|(y, x)| *y += weight * x),
                        stride => {
                            let from = from.iter().step_by(stride);
                            row.iter_mut().zip(from).for_each(|(y, x)| *y += weight * x);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use calibrant_onnx::proto::AttributeProto;

    use super::*;

    /// Sums of up to 54 terms in another order.
    const TOLERANCE: f32 = 1e-4;

    /// What the operator's description says, for two axes.
    fn naive(x: &[f32], w: &[f32], shape: &Shape) -> Vec<f32> {
        let [rows, columns] = [shape.axes[0], shape.axes[1]];
        let n_inputs = shape.inputs * shape.n_groups;
        let mut y = Vec::new();
        for (n, out) in (0..shape.n_samples)
            .flat_map(|n| (0..shape.outputs * shape.n_groups).map(move |out| (n, out)))
        {
            let group = out / shape.outputs;
            for (row, column) in (0..rows.output)
                .flat_map(|row| (0..columns.output).map(move |column| (row, column)))
            {
                let mut sum = 0.0;
                for input in 0..shape.inputs {
                    for (i, j) in
                        (0..rows.kernel).flat_map(|i| (0..columns.kernel).map(move |j| (i, j)))
                    {
                        let at = |axis: &Axis, window: usize, element: usize| {
                            (window * axis.stride + element * axis.dilation)
                                .checked_sub(axis.before)
                                .filter(|&at| at < axis.input)
                        };
                        if let (Some(y), Some(x_at)) = (at(&rows, row, i), at(&columns, column, j))
                        {
                            let channel = n * n_inputs + group * shape.inputs + input;
                            let tap = ((out * shape.inputs + input) * rows.kernel + i)
                                * columns.kernel
                                + j;
                            sum += w[tap] * x[(channel * rows.input + y) * columns.input + x_at];
                        }
                    }
                }
                y.push(sum);
            }
        }
        y
    }

    #[test]
    fn it_matches_the_naive_sum() {
        let values = |n: usize, seed: u32| -> Vec<f32> {
            let mut state = seed;
            let next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f32::from(u8::try_from(state >> 24).unwrap()) / 128.0 - 1.0
            };
            std::iter::repeat_with(next).take(n).collect()
        };
        let ints = AttributeProto::ints;
        for (groups, inputs, outputs) in [(1, 3, 5), (2, 2, 4), (4, 1, 1), (1, 2, 2)] {
            for (kernel, strides, dilations, pads) in [
                ([3, 2], [1, 1], [1, 1], [0, 0, 0, 0]),
                ([3, 3], [2, 1], [1, 2], [1, 2, 0, 1]),
                ([1, 1], [1, 1], [1, 1], [0, 0, 0, 0]),
                ([1, 1], [2, 3], [1, 1], [0, 1, 1, 0]),
            ] {
                let node = NodeProto::new("Conv", "", &[], &[])
                    .with_attr(ints("strides", &strides))
                    .with_attr(ints("dilations", &dilations))
                    .with_attr(ints("pads", &pads))
                    .with_attr(AttributeProto::int("group", groups.try_into().unwrap()));
                let conv = Conv::of(&node).unwrap();
                let x = [2, inputs * groups, 6, 7];
                let w = [outputs * groups, inputs, kernel[0], kernel[1]];
                let shape = conv.shape(&x, &w).unwrap();
                let (x, w) = (values(x.iter().product(), 1), values(w.iter().product(), 2));
                let expected = naive(&x, &w, &shape);
                let mut found = vec![0.0; expected.len()];
                shape.convolve(&x, &w, None, &mut found).unwrap();
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < TOLERANCE, "{node:?}");
                }
            }
        }
    }
}
