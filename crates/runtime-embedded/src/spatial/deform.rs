//! `DeformConv`: convolution of a picture whose taps are moved by offsets, and weighed by a mask.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::Value;
use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_tensor::{NdTensorView, Tensor};

use super::conv::n_groups;
use super::floats;
use super::window::{Axis, Span, Windows};
use crate::demand::{Args, bytes, product};
use crate::error::StepError;
use crate::ours::Compute;

/// `DeformConv`.
#[derive(Debug)]
pub(super) struct DeformConv {
    windows: Windows,
    n_groups: usize,
    /// Groups of input channels that share their offsets.
    n_offset_groups: usize,
}

/// One run of it.
struct Shape {
    rows: Axis,
    columns: Axis,
    /// Channels of the input, and of the output in a group.
    inputs: usize,
    outputs: usize,
}

impl Shape {
    fn n_taps(&self) -> usize {
        self.rows.kernel * self.columns.kernel
    }

    fn n_places(&self) -> usize {
        self.rows.output * self.columns.output
    }
}

impl DeformConv {
    pub(super) fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let offset_group = node.attr_i("offset_group").unwrap_or(1);
        let n_offset_groups = usize::try_from(offset_group).ok().filter(|&group| group > 0);
        let n_offset_groups = n_offset_groups.ok_or_else(|| Refusal::Attribute {
            name: "offset_group",
            value: offset_group.to_string(),
        })?;
        Ok(Self { windows: Windows::of(node)?, n_groups: n_groups(node)?, n_offset_groups })
    }

    fn shape(&self, args: &Args<'_, '_>) -> Result<Shape, StepError> {
        let (x, w) = (args.shape(0), args.shape(1));
        let unfit = || StepError::Window { input: x.clone(), kernel: w.clone() };
        if x.len() != 4
            || w.len() != 4
            || self.windows.kernel.as_ref().is_some_and(|it| *it != w[2..])
        {
            return Err(unfit());
        }
        let axes = self.windows.axes(&x[2..], &w[2..], Span::Dilated)?;
        let &[rows, columns] = &axes[..] else { return Err(unfit()) };
        let shape = Shape { rows, columns, inputs: x[1], outputs: w[0] / self.n_groups };
        let fits = w[1] * self.n_groups == x[1]
            && shape.outputs * self.n_groups == w[0]
            && x[1].is_multiple_of(self.n_offset_groups);
        let n_offsets = self.n_offset_groups * shape.n_taps();
        let places = |channels: usize| vec![x[0], channels, rows.output, columns.output];
        if !fits
            || args.shape(2) != places(2 * n_offsets)
            || (args.is_given(4) && args.shape(4) != places(n_offsets))
        {
            return Err(unfit());
        }
        Ok(shape)
    }

    /// The moved taps of one sample: for each channel and tap a row of the places of the output.
    #[expect(clippy::cast_precision_loss, reason = "places are floats once they are moved")]
    fn columns(
        &self,
        shape: &Shape,
        x: &[f32],
        offsets: &[f32],
        mask: Option<&[f32]>,
        stop: &Stop,
    ) -> Result<Vec<f32>, StepError> {
        let (n_taps, n_places) = (shape.n_taps(), shape.n_places());
        let picture = shape.rows.input * shape.columns.input;
        let together = shape.inputs / self.n_offset_groups;
        let mut columns = Vec::with_capacity(shape.inputs * n_taps * n_places);
        for (channel, tap) in
            (0..shape.inputs).flat_map(|channel| (0..n_taps).map(move |tap| (channel, tap)))
        {
            if stop.is_set() {
                return Err(StepError::Stopped);
            }
            let x = &x[channel * picture..][..picture];
            let row = channel / together * n_taps + tap;
            let along = |half: usize| &offsets[(2 * row + half) * n_places..][..n_places];
            let (down, right) = (along(0), along(1));
            let mask = mask.map(|mask| &mask[row * n_places..][..n_places]);
            let (i, j) = (tap / shape.columns.kernel, tap % shape.columns.kernel);
            let start = |axis: &Axis, window: usize, element: usize| {
                (window * axis.stride + element * axis.dilation) as f32 - axis.before as f32
            };
            for place in 0..n_places {
                let (row, column) = (place / shape.columns.output, place % shape.columns.output);
                let y = start(&shape.rows, row, i) + down[place];
                let at = start(&shape.columns, column, j) + right[place];
                let value = between(x, [shape.rows.input, shape.columns.input], y, at);
                columns.push(value * mask.map_or(1.0, |mask| mask[place]));
            }
        }
        Ok(columns)
    }
}

/// The value between the four neighbours of a place, those outside the picture being 0.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "neighbours are looked for inside the picture only"
)]
fn between(x: &[f32], [height, width]: [usize; 2], y: f32, at: f32) -> f32 {
    if !(y > -1.0 && y < height as f32 && at > -1.0 && at < width as f32) {
        return 0.0;
    }
    let (top, left) = (y.floor(), at.floor());
    let (down, right) = (y - top, at - left);
    let pixel = |row: f32, column: f32| {
        let is_inside = row >= 0.0 && row < height as f32 && column >= 0.0 && column < width as f32;
        if is_inside { x[row as usize * width + column as usize] } else { 0.0 }
    };
    (1.0 - down) * (1.0 - right) * pixel(top, left)
        + (1.0 - down) * right * pixel(top, left + 1.0)
        + down * (1.0 - right) * pixel(top + 1.0, left)
        + down * right * pixel(top + 1.0, left + 1.0)
}

impl Compute for DeformConv {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let Ok(shape) = self.shape(args) else { return 0 };
        let n_places = shape.n_places() as u64;
        let columns = product([shape.inputs as u64, shape.n_taps() as u64, n_places]);
        let outputs = product([args.dims(0)[0], args.dims(1)[0], n_places]);
        let packed = args.len(1);
        bytes(columns.saturating_mul(2).saturating_add(outputs).saturating_add(packed))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let (x, w, offsets) =
            (floats(args, 0, "X")?, floats(args, 1, "W")?, floats(args, 2, "offset")?);
        let optional = |index, name| match args.is_given(index) {
            true => floats(args, index, name).map(Some),
            false => Ok(None),
        };
        let (bias, mask) = (optional(3, "B")?, optional(4, "mask")?);
        let shape = self.shape(args)?;
        let n_outputs = w.shape[0];
        if bias.as_ref().is_some_and(|bias| bias.values.len() != n_outputs) {
            return Err(StepError::Unfit { what: "B" });
        }
        let n_places = shape.n_places();
        let n_samples = x.shape[0];
        let mut y = vec![0.0; n_samples * n_outputs * n_places];
        let gemm = GemmExecutor::<f32>::new();
        let of = |values: &'_ [f32], sample: usize| {
            let len = values.len() / n_samples;
            sample * len..(sample + 1) * len
        };
        let n_rows = shape.inputs / self.n_groups * shape.n_taps();
        for sample in 0..if y.is_empty() || n_rows == 0 { 0 } else { n_samples } {
            let moved = &offsets.values[of(&offsets.values, sample)];
            let mask = mask.as_ref().map(|mask| &mask.values[of(&mask.values, sample)]);
            let x = &x.values[of(&x.values, sample)];
            let columns = self.columns(&shape, x, moved, mask, stop)?;
            let y = &mut y[sample * n_outputs * n_places..][..n_outputs * n_places];
            for (group, y) in y.chunks_exact_mut(shape.outputs * n_places).enumerate() {
                let w = &w.values[group * shape.outputs * n_rows..][..shape.outputs * n_rows];
                let columns = &columns[group * n_rows * n_places..][..n_rows * n_places];
                let bias = bias.as_ref();
                let bias = bias.map(|bias| &bias.values[group * shape.outputs..][..shape.outputs]);
                let options =
                    GemmOptions { bias: bias.map(BiasVector::Column), ..GemmOptions::default() };
                let a = GemmInputA::Unpacked(NdTensorView::from_data([shape.outputs, n_rows], w));
                let b = GemmInputB::Unpacked(NdTensorView::from_data([n_rows, n_places], columns));
                gemm.gemm(y, a, b, options).map_err(StepError::Product)?;
            }
        }
        let dims = [n_samples, n_outputs, shape.rows.output, shape.columns.output];
        Ok(vec![Tensor::from_data(&dims, y).into()])
    }
}
