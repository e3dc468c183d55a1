//! Rules 1 to 3: the operators that have weights.

use calibrant_format::{Format, Granularity, Grouped, Kernels, Numbers};
use calibrant_onnx::DataType;
use calibrant_onnx::proto::{NodeProto, TensorProto};

use super::{Decision, InputKind, Placer, PlannedInput};
use crate::error::RewriteError;
use crate::options::SmallLayers;
use crate::summary::Reason;
use crate::weights::Split;

/// A first layer reads at most this many channels: a picture.
const PICTURE_CHANNELS: usize = 4;

/// A constant that an operator reads, and what of it the operator makes its channels of.
struct Weight<'a> {
    /// Which input.
    input: usize,
    tensor: &'a TensorProto,
    /// The axis of the channels made, where all that it counts can have a scale of its own.
    channels: Option<usize>,
    /// The axis that is summed over, where neighbours on it can share a scale.
    summed: Option<usize>,
}

/// The convolutions and products of matrices in the graphs inside `node`, by label.
pub(super) fn inside(node: &NodeProto) -> Vec<String> {
    let mut found = Vec::new();
    for body in node.subgraphs() {
        for (index, node) in body.node.iter().enumerate() {
            let is_convolution = node.is("Conv") || node.is("ConvTranspose");
            if is_convolution || node.is("Gemm") || node.is("MatMul") {
                found.push(node.label(index));
            }
            found.extend(inside(node));
        }
    }
    found
}

impl<'a> Placer<'a> {
    /// Decides for every Conv, ConvTranspose, Gemm and MatMul.
    pub(super) fn weighted_operators(&mut self) -> Result<(), RewriteError> {
        for index in 0..self.decisions.len() {
            let node = self.node(index);
            let rule = match node.op() {
                "Conv" | "ConvTranspose" => Self::convolution,
                "Gemm" | "MatMul" => Self::matrix_product,
                _ => continue,
            };
            if !node.is_default_domain()
                || node.output.iter().all(|output| self.is_constant(output))
            {
                continue;
            }
            let decision = match self.numbers(node) {
                Err(reason) => Decision::Float(reason),
                Ok(numbers) => rule(self, node, numbers)?,
            };
            self.decisions[index] = Some(decision);
        }
        Ok(())
    }

    fn convolution(
        &self,
        node: &NodeProto,
        numbers: Numbers,
    ) -> Result<Decision<'a>, RewriteError> {
        let Some(weight) = node.input_name(1).and_then(|name| self.topology.constant(name)) else {
            return Ok(Decision::Float(Reason::ComputedWeights));
        };
        if let Some(reason) = wrong_type(weight.dtype()?) {
            return Ok(Decision::Float(reason));
        }
        let shape = weight.shape()?;
        let group =
            node.attr_i("group").and_then(|group| usize::try_from(group).ok()).unwrap_or(1).max(1);
        let kernel = shape.get(2..).unwrap_or_default();
        let axis = match (node.op(), group) {
            _ if kernel.is_empty() || shape.contains(&0) => {
                return Ok(Decision::Float(Reason::WeightShape(shape)));
            }
            ("Conv", _) => Some(0),
            (_, 1) => Some(1),
            _ => None,
        };
        let (inputs, outputs) = match node.op() {
            "Conv" => (shape[1].saturating_mul(group), shape[0]),
            _ => (shape[0], shape[1].saturating_mul(group)),
        };
        if let Some(reason) = self.too_small(numbers, |format| {
            let layer = Convolution { inputs, outputs, group, window: kernel };
            layer.objection(&format.kernels, format.name)
        }) {
            return Ok(Decision::Float(reason));
        }
        let weight = Weight { input: 1, tensor: weight, channels: axis, summed: None };
        Ok(self.weighted(node, numbers, 0, &weight))
    }

    /// Why a layer is not worth it in the format of its weights.
    fn too_small(
        &self,
        numbers: Numbers,
        objection: impl FnOnce(&Format) -> Option<Reason>,
    ) -> Option<Reason> {
        match self.options.small_layers {
            SmallLayers::Float => objection(&numbers.weights?.format),
            SmallLayers::Quantize => None,
        }
    }

    fn matrix_product(
        &self,
        node: &NodeProto,
        numbers: Numbers,
    ) -> Result<Decision<'a>, RewriteError> {
        let (Some(left), Some(right)) = (node.input_name(0), node.input_name(1)) else {
            return Ok(Decision::Float(Reason::ComputedWeights));
        };
        let dtype = [left, right].into_iter().find_map(|tensor| self.types.of(tensor));
        if let Some(reason) = dtype.and_then(wrong_type) {
            return Ok(Decision::Float(reason));
        }
        match (self.is_constant(left), self.is_constant(right)) {
            (false, false) => {
                let format = numbers.activations.ok_or(Reason::FloatActivations);
                let planned = format.and_then(|format| self.ranged(node, [0, 1], format));
                Ok(planned.map_or_else(Decision::Float, Decision::Quantize))
            }
            (false, true) => self.matrix_weight(node, numbers, 0, 1),
            (true, _) => self.matrix_weight(node, numbers, 1, 0),
        }
    }

    /// Decides for a product of an activation and a constant, which are these inputs.
    fn matrix_weight(
        &self,
        node: &NodeProto,
        numbers: Numbers,
        activation: usize,
        constant: usize,
    ) -> Result<Decision<'a>, RewriteError> {
        let Some(weight) = self.topology.constant(&node.input[constant]) else {
            return Ok(Decision::Float(Reason::ComputedWeights));
        };
        if let Some(reason) = wrong_type(weight.dtype()?) {
            return Ok(Decision::Float(reason));
        }
        let shape = weight.shape()?;
        let [.., rows, columns] = shape[..] else {
            return Ok(Decision::Float(Reason::WeightShape(shape)));
        };
        if shape.contains(&0) {
            return Ok(Decision::Float(Reason::WeightShape(shape)));
        }
        let is_turned =
            node.is("Gemm") && node.attr_i(["transA", "transB"][constant]).unwrap_or(0) != 0;
        let (depth, made) =
            if is_turned == (constant == 1) { (columns, rows) } else { (rows, columns) };
        let small = self.too_small(numbers, |format| {
            let is_small = depth.min(made) < format.kernels.shortest_side as usize;
            let format = format.name;
            is_small.then_some(Reason::SmallMatrix { format, depth, columns: made })
        });
        if let Some(reason) = small {
            return Ok(Decision::Float(reason));
        }
        let (made_axis, summed) = if is_turned { (0, 1) } else { (1, 0) };
        let is_plain = constant == 1 && shape.len() == 2;
        let weight = Weight {
            input: constant,
            tensor: weight,
            channels: is_plain.then_some(made_axis),
            summed: is_plain.then_some(summed),
        };
        Ok(self.weighted(node, numbers, activation, &weight))
    }

    fn weighted(
        &self,
        node: &NodeProto,
        numbers: Numbers,
        activation: usize,
        weight: &Weight<'a>,
    ) -> Decision<'a> {
        self.weighted_inputs(node, numbers, activation, weight)
            .map_or_else(Decision::Float, Decision::Quantize)
    }

    fn weighted_inputs(
        &self,
        node: &NodeProto,
        numbers: Numbers,
        activation: usize,
        weight: &Weight<'a>,
    ) -> Result<Vec<PlannedInput<'a>>, Reason> {
        let stored = numbers.weights.ok_or(Reason::FloatWeights)?;
        let mut inputs = match numbers.activations {
            Some(format) => self.ranged(node, [activation], format)?,
            None => Vec::new(),
        };
        let split = match (stored.granularity, weight.channels, weight.summed) {
            (Granularity::Tensor, _, _) | (Granularity::Channel, None, _) => Split::Whole,
            (Granularity::Channel, Some(axis), _) => Split::Axis(axis),
            (Granularity::Block(size), _, Some(axis)) => {
                Split::Blocks { axis, size: usize::try_from(size.get()).unwrap_or(usize::MAX) }
            }
            (Granularity::Block(_), _, None) => return Err(Reason::NoBlocks),
        };
        let kind = InputKind::Weight { tensor: weight.tensor, format: stored.format, split };
        inputs.push(PlannedInput { input: weight.input, kind });
        inputs.sort_unstable_by_key(|planned| planned.input);
        Ok(inputs)
    }
}

/// Why weights of this type are not quantized.
fn wrong_type(dtype: DataType) -> Option<Reason> {
    (!dtype.is_float()).then(|| Reason::WeightType(format!("{dtype:?}").to_lowercase()))
}

/// A convolution's size.
struct Convolution<'s> {
    inputs: usize,
    outputs: usize,
    group: usize,
    window: &'s [usize],
}

impl Convolution<'_> {
    /// Why kernels for a format do not repay it: rule 3.
    fn objection(&self, kernels: &Kernels, format: &'static str) -> Option<Reason> {
        let &Self { inputs, outputs, group, window } = self;
        let few = Reason::FewChannels { format, inputs, outputs };
        let fewest = kernels.fewest_channels as usize;
        let n_elements =
            window.iter().fold(1, |product: usize, &side| product.saturating_mul(side));
        if kernels.largest_window.is_some_and(|largest| n_elements > largest as usize) {
            return Some(Reason::LargeWindow { format, elements: n_elements });
        }
        let is_small = match kernels.grouped {
            _ if group == 1 => {
                let is_square = window.iter().all(|&side| side == window[0]);
                let is_first = inputs <= PICTURE_CHANNELS
                    && is_square
                    && kernels.picture_step.is_some_and(|step| is_multiple(outputs, step));
                inputs.min(outputs) < fewest && !is_first
            }
            Grouped::Wide => outputs.min(inputs / group) < fewest,
            Grouped::Depthwise { step, shortest_side } => {
                let is_depthwise = group == inputs;
                let is_narrow = || window.iter().any(|&side| side < shortest_side as usize);
                is_depthwise && (!is_multiple(outputs, step) || is_narrow())
            }
        };
        is_small.then_some(few)
    }
}

fn is_multiple(channels: usize, step: u32) -> bool {
    channels.is_multiple_of(step as usize)
}
