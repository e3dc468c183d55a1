//! Depthwise convolutions, whose every output channel looks at one input channel: the executor multiplies them a value at
//! a time.
//!
//! A channel is laid out with its padding, and where windows are several elements apart, as one plane for each remainder of
//! that distance.
//! So a weight meets neighbouring values for neighbouring outputs, whatever the stride and the dilation, and a channel is
//! one loop over its outputs, rows included, for each weight.
//! What lies between two rows is computed with them and left out.
//!
//! Every output is a sum of its own, from the bias on in the order of the weights, each product rounded: the executor's, and
//! that of any processor, to the bit.

use calibrant_onnx::proto::NodeProto;
use rten::{Value, ValueView};
use rten_tensor::{Layout as _, Tensor, TensorView};

use axis::Axis;
pub(crate) use sums::WIDEST;
use sums::sums;

mod axis;
mod sums;

/// The output of the `Conv` that `node` is, `None` where it is not depthwise, or its inputs do not go together.
pub(crate) fn conv(node: &NodeProto, inputs: &[Option<ValueView<'_>>]) -> Option<Value> {
    let float = |index: usize| match inputs.get(index) {
        Some(Some(ValueView::FloatTensor(values))) => Some(values),
        _ => None,
    };
    let (x, weight) = (float(0)?, float(1)?);
    let bias = match inputs.get(2) {
        None | Some(None) => None,
        Some(Some(_)) => Some(float(2)?),
    };
    let work = Work::new(node, x.shape(), weight.shape())?;
    if bias.is_some_and(|bias| bias.len() != work.n_outputs) {
        return None;
    }
    // The padding would no longer count for nothing.
    if weight.iter().any(|weight| !weight.is_finite()) {
        return None;
    }
    let values = work.run(&x.to_slice(), &weight.to_slice(), bias);
    Some(Tensor::from_data(&work.shape(x.shape()), values).into())
}

/// A convolution, by its shapes.
#[derive(Debug)]
struct Work {
    n_pictures: usize,
    n_inputs: usize,
    n_outputs: usize,
    y: Axis,
    x: Axis,
}

impl Work {
    fn new(node: &NodeProto, picture: &[usize], weight: &[usize]) -> Option<Self> {
        let (&[n_pictures, n_inputs, ref picture @ ..], &[n_outputs, 1, ref kernel @ ..]) =
            (picture, weight)
        else {
            return None;
        };
        let is_depthwise = n_inputs > 0
            && usize::try_from(node.attr_i("group")?) == Ok(n_inputs)
            && n_outputs % n_inputs == 0;
        if !is_depthwise || picture.len() != kernel.len() {
            return None;
        }
        let axis = |at: usize| Axis::of(node, at, picture[at], kernel[at], kernel.len());
        let (y, x) = match picture.len() {
            1 => (Axis::NONE, axis(0)?),
            2 => (axis(0)?, axis(1)?),
            _ => return None,
        };
        Some(Self { n_pictures, n_inputs, n_outputs, y, x })
    }

    /// The shape of the output for an input of this one.
    fn shape(&self, input: &[usize]) -> Vec<usize> {
        let mut shape = vec![self.n_pictures, self.n_outputs];
        shape.extend([self.y.n_places, self.x.n_places].iter().skip(4 - input.len()));
        shape
    }

    fn run(&self, x: &[f32], weight: &[f32], bias: Option<&TensorView<'_, f32>>) -> Vec<f32> {
        let bias: Vec<f32> = match bias {
            Some(bias) => bias.iter().copied().collect(),
            None => vec![0.0; self.n_outputs],
        };
        let n_values = self.n_pictures * self.n_outputs * self.y.n_places * self.x.n_places;
        let mut values = Vec::with_capacity(n_values);
        let (n_elements, n_weights) = (self.y.size * self.x.size, self.y.kernel * self.x.kernel);
        if n_values == 0 || n_elements == 0 || n_weights == 0 {
            return values;
        }
        let pitch = self.x.per_phase();
        let n_sums = (self.y.n_places - 1) * pitch + self.x.n_places;
        let mut row_of_sums = vec![0.0; n_sums.next_multiple_of(WIDEST)];
        let mut planes = vec![0.0; self.planes() + WIDEST];
        let offsets = self.offsets();
        let mut taps: Vec<(usize, f32)> = Vec::with_capacity(n_weights);
        let (per_input, mut outputs) =
            (self.n_outputs / self.n_inputs, weight.chunks(n_weights).zip(&bias).cycle());
        for channel in x.chunks(n_elements) {
            self.lay_out(channel, &mut planes);
            for (weights, &bias) in outputs.by_ref().take(per_input) {
                taps.clear();
                taps.extend(offsets.iter().copied().zip(weights.iter().copied()));
                sums(&taps, bias, &planes, &mut row_of_sums);
                let rows = row_of_sums.chunks(pitch).take(self.y.n_places);
                rows.for_each(|row| values.extend_from_slice(&row[..self.x.n_places]));
            }
        }
        values
    }

    /// Elements of all planes of a channel.
    fn planes(&self) -> usize {
        self.y.n_phases() * self.x.n_phases() * self.y.per_phase() * self.x.per_phase()
    }

    /// Where a row and a column of the padded channel begin in its planes.
    fn place(&self, row: usize, column: usize) -> usize {
        let ((y_phase, y), (x_phase, x)) = (self.y.split(row), self.x.split(column));
        let plane = y_phase * self.x.n_phases() + x_phase;
        (plane * self.y.per_phase() + y) * self.x.per_phase() + x
    }

    /// Where the element that each weight meets first lies in the planes.
    fn offsets(&self) -> Vec<usize> {
        let row = |ky: usize| {
            (0..self.x.kernel).map(move |kx| self.place(ky * self.y.dilation, kx * self.x.dilation))
        };
        (0..self.y.kernel).flat_map(row).collect()
    }

    /// Puts a channel into its planes, whose padding stays as it is.
    fn lay_out(&self, channel: &[f32], planes: &mut [f32]) {
        let Self { y, x, .. } = self;
        let rows = channel.chunks(x.size).take(y.reach().saturating_sub(y.before));
        for (row, values) in rows.enumerate() {
            for phase in 0..x.n_phases() {
                // The first column of this phase that is no padding.
                let column = x.before + (phase + x.stride - x.before % x.stride) % x.stride;
                let Some(values) = values.get(column - x.before..) else { continue };
                if column < x.reach() {
                    let room = x.per_phase() - column / x.stride;
                    let to = &mut planes[self.place(row + y.before, column)..][..room];
                    every(x.stride, values, to);
                }
            }
        }
    }
}

/// Copies the first of every `step` values, as many as there is room for.
fn every(step: usize, values: &[f32], to: &mut [f32]) {
    match step {
        1 => {
            let n_values = values.len().min(to.len());
            to[..n_values].copy_from_slice(&values[..n_values]);
        }
        2 => {
            let (pairs, last) = values.as_chunks::<2>();
            let (of_pairs, rest) = to.split_at_mut(pairs.len().min(to.len()));
            of_pairs.iter_mut().zip(pairs).for_each(|(to, [first, _])| *to = *first);
            rest.iter_mut().zip(last).for_each(|(to, value)| *to = *value);
        }
        _ => to.iter_mut().zip(values.iter().step_by(step)).for_each(|(to, value)| *to = *value),
    }
}

#[cfg(test)]
mod tests;
