//! Transposed convolution over any number of axes.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use rten::Value;
use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_tensor::{NdTensorView, Tensor};

use super::conv::{fill, n_groups};
use super::floats;
use super::grid::{each_place, strides};
use super::window::{Padding, Windows};
use crate::demand::{Args, bytes, product};
use crate::error::StepError;
use crate::ours::Compute;
use calibrant_runtime::host::Stop;

/// `ConvTranspose`.
#[derive(Debug)]
pub(super) struct ConvTranspose {
    windows: Windows,
    n_groups: usize,
    /// Sizes of the output, where they are stated.
    output: Option<Vec<usize>>,
    /// Elements that the output has beyond those that the input reaches.
    extra: Option<Vec<usize>>,
}

/// An axis of the input on its way to the output's.
#[derive(Debug, Clone, Copy)]
struct Axis {
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    output: usize,
}

impl Axis {
    /// The elements of the input that reach the output with the weight's element of this number, and the place that the
    /// first of them reaches.
    fn reach(&self, element: usize) -> (std::ops::Range<usize>, usize) {
        let offset = element * self.dilation;
        let first = self.before.saturating_sub(offset).div_ceil(self.stride);
        let end = (self.output + self.before).saturating_sub(offset).div_ceil(self.stride);
        let end = end.min(self.input);
        let at = (first * self.stride + offset).saturating_sub(self.before);
        (first.min(end)..end, at)
    }
}

impl ConvTranspose {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let sizes = |name: &'static str| -> Result<Option<Vec<usize>>, Refusal> {
            let Some(values) = node.attr_ints(name).filter(|values| !values.is_empty()) else {
                return Ok(None);
            };
            let sizes: Option<Vec<usize>> =
                values.iter().map(|&value| usize::try_from(value).ok()).collect();
            sizes.map(Some).ok_or_else(|| Refusal::Attribute { name, value: format!("{values:?}") })
        };
        Ok(Self {
            windows: Windows::of(node)?,
            n_groups: n_groups(node)?,
            output: sizes("output_shape")?,
            extra: sizes("output_padding")?,
        })
    }

    fn axes(&self, x: &[usize], w: &[usize]) -> Result<Vec<Axis>, StepError> {
        let unfit = || StepError::Window { input: x.to_vec(), kernel: w.to_vec() };
        let stated = self.windows.kernel.as_ref();
        if x.len() < 3
            || x.len() != w.len()
            || x[1] != w[0]
            || !x[1].is_multiple_of(self.n_groups)
            || stated.is_some_and(|kernel| kernel != &w[2..])
        {
            return Err(unfit());
        }
        let n_axes = x.len() - 2;
        let axis = |at: usize| self.axis(at, n_axes, x[at + 2], w[at + 2]);
        let axes: Option<Vec<Axis>> = (0..n_axes).map(axis).collect();
        axes.ok_or_else(unfit)
    }

    /// `None` where the attributes are for another number of axes, or nothing is left of the output.
    fn axis(&self, at: usize, n_axes: usize, input: usize, kernel: usize) -> Option<Axis> {
        let (stride, dilation, pads) = self.windows.stated(at, n_axes)?;
        let extra = match &self.extra {
            Some(extra) if extra.len() == n_axes => extra[at],
            Some(_) => return None,
            None => 0,
        };
        let extent = kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
        let reach = input.checked_sub(1)?.checked_mul(stride)?;
        let reach = reach.checked_add(extent)?.checked_add(extra)?;
        let padding = self.windows.padding;
        let is_same = matches!(padding, Padding::SameUpper | Padding::SameLower);
        let stated = match &self.output {
            // Some state the samples and channels too.
            Some(sizes) => Some(*sizes.get(sizes.len().checked_sub(n_axes)? + at)?),
            None => None,
        };
        let wanted = if is_same { Some(input.checked_mul(stride)?) } else { None };
        let (before, output) = match stated.or(wanted) {
            Some(wanted) => {
                let total = reach.saturating_sub(wanted);
                let before =
                    if padding == Padding::SameUpper { total / 2 } else { total.div_ceil(2) };
                // What is stated is filled up; a multiple of the input is as much of it as the input reaches.
                (before, stated.unwrap_or(reach - total))
            }
            None => (pads.0, reach.checked_sub(pads.0)?.checked_sub(pads.1)?),
        };
        (output > 0).then_some(Axis { input, kernel, stride, dilation, before, output })
    }
}

impl Compute for ConvTranspose {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let (x, w) = (args.shape(0), args.shape(1));
        let Ok(axes) = self.axes(&x, &w) else { return 0 };
        let of = |first: usize, size: fn(&Axis) -> usize| {
            product([first as u64].into_iter().chain(axes.iter().map(|axis| size(axis) as u64)))
        };
        let channels = w[1].saturating_mul(self.n_groups);
        let output = of(channels, |axis| axis.output).saturating_mul(x[0] as u64);
        let products = of(w[1], |axis| axis.input);
        // The weight in another order, and both factors as they are packed.
        let weights = product(w.iter().map(|&size| size as u64)).saturating_mul(2);
        let packed = of(x[1], |axis| axis.input);
        bytes([output, products, weights, packed].into_iter().fold(0, u64::saturating_add))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let (x, w) = (floats(args, 0, "X")?, floats(args, 1, "W")?);
        let bias = if args.is_given(2) { Some(floats(args, 2, "B")?.values) } else { None };
        let axes = self.axes(&x.shape, &w.shape)?;
        let outputs = w.shape[1];
        let n_channels = outputs * self.n_groups;
        if bias.as_ref().is_some_and(|bias| bias.len() != n_channels) {
            return Err(StepError::Window { input: x.shape, kernel: w.shape });
        }
        let sizes: Vec<usize> = axes.iter().map(|axis| axis.output).collect();
        let n_places: usize = sizes.iter().product();
        let mut y = vec![0.0; x.shape[0] * n_channels * n_places];
        fill(&mut y, n_places, bias.as_deref());
        let inputs = x.shape[1] / self.n_groups;
        let from: usize = axes.iter().map(|axis| axis.input).product();
        if inputs * from > 0 && outputs * n_places > 0 {
            let taps = taps(&w.values, inputs, outputs, self.n_groups);
            let parts = x.values.chunks_exact(inputs * from);
            let mut scatter = Scatter::new(&axes, outputs, inputs);
            for (part, y) in y.chunks_exact_mut(outputs * n_places).enumerate() {
                let Some(x) = parts.clone().nth(part) else { break };
                scatter.add(x, &taps[part % self.n_groups], y, stop)?;
            }
        }
        let dims = [&[x.shape[0], n_channels], &sizes[..]].concat();
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }
}

/// For each group and tap of the weight, a matrix of output channels by input channels.
fn taps(w: &[f32], inputs: usize, outputs: usize, n_groups: usize) -> Vec<Vec<f32>> {
    let n_taps = w.len() / (inputs * outputs * n_groups);
    let group = |group: usize| {
        let w = &w[group * inputs * outputs * n_taps..];
        let mut turned = Vec::with_capacity(inputs * outputs * n_taps);
        for tap in 0..n_taps {
            for output in 0..outputs {
                let row = (0..inputs).map(|input| w[(input * outputs + output) * n_taps + tap]);
                turned.extend(row);
            }
        }
        turned
    };
    (0..n_groups).map(group).collect()
}

/// Adds what one group of one sample is worth, tap by tap.
struct Scatter<'a> {
    axes: &'a [Axis],
    outputs: usize,
    inputs: usize,
    gemm: GemmExecutor<f32>,
    /// Of one tap, output channels by places of the input.
    products: Vec<f32>,
    from: Vec<usize>,
    to: Vec<usize>,
}

impl<'a> Scatter<'a> {
    fn new(axes: &'a [Axis], outputs: usize, inputs: usize) -> Self {
        let sizes = |size: fn(&Axis) -> usize| axes.iter().map(size).collect::<Vec<_>>();
        let from: usize = axes.iter().map(|axis| axis.input).product();
        Self {
            axes,
            outputs,
            inputs,
            gemm: GemmExecutor::new(),
            products: vec![0.0; outputs * from],
            from: strides(&sizes(|axis| axis.input)),
            to: strides(&sizes(|axis| axis.output)),
        }
    }

    fn add(
        &mut self,
        x: &[f32],
        taps: &[f32],
        y: &mut [f32],
        stop: &Stop,
    ) -> Result<(), StepError> {
        let places = x.len() / self.inputs;
        let kernel: Vec<usize> = self.axes.iter().map(|axis| axis.kernel).collect();
        let mut taps = taps.chunks_exact(self.outputs * self.inputs);
        let mut outcome = Ok(());
        each_place(&kernel, |element| {
            let Some(tap) = taps.next().filter(|_| outcome.is_ok()) else { return };
            if stop.is_set() {
                outcome = Err(StepError::Stopped);
                return;
            }
            let a = NdTensorView::from_data([self.outputs, self.inputs], tap);
            let b = NdTensorView::from_data([self.inputs, places], x);
            let (a, b) = (GemmInputA::Unpacked(a), GemmInputB::Unpacked(b));
            let product = self.gemm.gemm(&mut self.products, a, b, GemmOptions::default());
            outcome = product.map_err(StepError::Product);
            self.scatter(element, y);
        });
        outcome
    }

    /// Adds the products of one tap where they belong.
    fn scatter(&self, element: &[usize], y: &mut [f32]) {
        let reach: Vec<_> =
            self.axes.iter().zip(element).map(|(axis, &element)| axis.reach(element)).collect();
        let (Some(((last, at), outer)), Some(axis)) = (reach.split_last(), self.axes.last()) else {
            return;
        };
        let (from, to) = (self.products.len() / self.outputs, y.len() / self.outputs);
        let counts: Vec<usize> = outer.iter().map(|(elements, _)| elements.len()).collect();
        for (products, y) in self.products.chunks_exact(from).zip(y.chunks_exact_mut(to)) {
            each_place(&counts, |place| {
                let (mut start, mut target) = (last.start, *at);
                for (index, (&place, (elements, at))) in place.iter().zip(outer).enumerate() {
                    start += (elements.start + place) * self.from[index];
                    target += (at + place * self.axes[index].stride) * self.to[index];
                }
                let products = &products[start..start + last.len()];
                let row = y[target.min(to)..].iter_mut().step_by(axis.stride);
                row.zip(products).for_each(|(y, product)| *y += product);
            });
        }
    }
}
