//! Rules 1 to 3: the operators that have weights.

use calibrant_onnx::DataType;
use calibrant_onnx::proto::{NodeProto, TensorProto};

use super::{Decision, InputKind, Placer, PlannedInput};
use crate::error::RewriteError;
use crate::options::SmallLayers;
use crate::summary::Reason;

/// Int8 kernels work on this many channels at once, at least.
const KERNEL_CHANNELS: usize = 16;
/// Channels of a depthwise convolution, or made by the first layer, come in multiples of this.
const CHANNEL_STEP: usize = 8;
/// A first layer reads at most this many channels: a picture.
const PICTURE_CHANNELS: usize = 4;
/// The smallest kernel of a depthwise convolution that is worth it.
const DEPTHWISE_KERNEL: usize = 3;

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
            let decision = match self.excluded(node) {
                Some(reason) => Decision::Float(reason),
                None => rule(self, node)?,
            };
            self.decisions[index] = Some(decision);
        }
        Ok(())
    }

    fn convolution(&self, node: &NodeProto) -> Result<Decision<'a>, RewriteError> {
        let Some(weight) = node.input_name(1).and_then(|name| self.topology.constant(name)) else {
            return Ok(Decision::Float(Reason::ComputedWeights));
        };
        if let Some(reason) = wrong_type(weight)? {
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
        let is_small = self.options.small_layers == SmallLayers::Float
            && is_small(inputs, outputs, group, kernel);
        Ok(if is_small {
            Decision::Float(Reason::FewChannels { inputs, outputs })
        } else {
            self.weighted(node, 0, 1, weight, axis)
        })
    }

    fn matrix_product(&self, node: &NodeProto) -> Result<Decision<'a>, RewriteError> {
        let (Some(left), Some(right)) = (node.input_name(0), node.input_name(1)) else {
            return Ok(Decision::Float(Reason::ComputedWeights));
        };
        let stated =
            [left, right].into_iter().find_map(|tensor| self.topology.tensor_type(tensor)?.dtype);
        match stated {
            None | Some(DataType::FLOAT) => {}
            Some(dtype) => {
                return Ok(Decision::Float(Reason::WeightType(
                    format!("{dtype:?}").to_lowercase(),
                )));
            }
        }
        match (self.is_constant(left), self.is_constant(right)) {
            (false, false) => {
                let planned = self.ranged(node, [0, 1]);
                Ok(planned.map_or_else(Decision::Float, Decision::Quantize))
            }
            (false, true) => self.matrix_weight(node, 0, 1),
            (true, _) => self.matrix_weight(node, 1, 0),
        }
    }

    /// Decides for a product of an activation and a constant, which are these inputs.
    fn matrix_weight(
        &self,
        node: &NodeProto,
        activation: usize,
        constant: usize,
    ) -> Result<Decision<'a>, RewriteError> {
        let Some(weight) = self.topology.constant(&node.input[constant]) else {
            return Ok(Decision::Float(Reason::ComputedWeights));
        };
        if let Some(reason) = wrong_type(weight)? {
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
        let is_small = depth.min(made) < KERNEL_CHANNELS;
        if self.options.small_layers == SmallLayers::Float && is_small {
            return Ok(Decision::Float(Reason::SmallMatrix { depth, columns: made }));
        }
        let made_axis = if is_turned { 0 } else { 1 };
        let axis = (constant == 1 && shape.len() == 2).then_some(made_axis);
        Ok(self.weighted(node, activation, constant, weight, axis))
    }

    fn weighted(
        &self,
        node: &NodeProto,
        activation: usize,
        constant: usize,
        tensor: &'a TensorProto,
        axis: Option<usize>,
    ) -> Decision<'a> {
        match self.ranged(node, [activation]) {
            Ok(mut inputs) => {
                let kind = InputKind::Weight { tensor, axis };
                inputs.push(PlannedInput { input: constant, kind });
                inputs.sort_unstable_by_key(|planned| planned.input);
                Decision::Quantize(inputs)
            }
            Err(reason) => Decision::Float(reason),
        }
    }
}

fn wrong_type(weight: &TensorProto) -> Result<Option<Reason>, RewriteError> {
    let dtype = weight.dtype()?;
    Ok((dtype != DataType::FLOAT).then(|| Reason::WeightType(format!("{dtype:?}").to_lowercase())))
}

/// Whether a convolution is too small for int8 to be worth it: rule 3.
fn is_small(inputs: usize, outputs: usize, group: usize, kernel: &[usize]) -> bool {
    if group == 1 {
        let is_square = kernel.iter().all(|&side| side == kernel[0]);
        let is_first =
            inputs <= PICTURE_CHANNELS && outputs.is_multiple_of(CHANNEL_STEP) && is_square;
        return inputs.min(outputs) < KERNEL_CHANNELS && !is_first;
    }
    let is_depthwise = group == inputs;
    is_depthwise
        && (!outputs.is_multiple_of(CHANNEL_STEP)
            || kernel.iter().any(|&side| side < DEPTHWISE_KERNEL))
}
