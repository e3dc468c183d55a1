//! BatchNormalization into the weights before it.
//!
//! At inference BatchNormalization is a factor and an offset a channel. A Conv or ConvTranspose whose result it alone
//! reads takes both up: `w' = w · f` and `b' = (b - mean) · f + shift`, with `f = scale / sqrt(variance + epsilon)`,
//! computed in f64. An Add of a constant a channel between the two, which is how some exporters write a bias, goes along.
//!
//! It has to be done before weights are quantized, because their ranges are those of `w'`. The node keeps the name of
//! BatchNormalization's output, so ranges found on the original graph stay valid. Any other BatchNormalization is left
//! where it is: before an activation's own convolution, in training mode, with statistics that others read.

use std::collections::HashSet;

use calibrant_onnx::proto::{GraphProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, TensorError, Topology};
use calibrant_tensor::OtherFloat;

use crate::constants::retain_nodes;
use crate::error::PrepareError;
use crate::names::Names;
use crate::summary::FoldedBatchNorm;

/// ONNX's default of BatchNormalization's `epsilon`.
const EPSILON: f32 = 1e-5;

/// Folds every BatchNormalization that it can, and returns which.
///
/// # Errors
///
/// When the graph has no order, or the values of a weight cannot be had.
pub fn fold_batch_norm(graph: &mut GraphProto) -> Result<Vec<FoldedBatchNorm>, PrepareError> {
    let mut names = Names::of(graph);
    let topology = Topology::new(graph)?;
    let mut folds = Vec::new();
    for &index in topology.order() {
        if graph.node[index].is("BatchNormalization") {
            folds.extend(fold(&topology, index)?);
        }
    }
    let mut gone = HashSet::new();
    let mut summary = Vec::new();
    for fold in folds {
        summary.push(FoldedBatchNorm {
            batch_norm: graph.node[fold.batch_norm].label(fold.batch_norm),
            into: graph.node[fold.into].label(fold.into),
        });
        gone.insert(fold.batch_norm);
        gone.extend(fold.bias_add);
        fold.apply(graph, &mut names);
    }
    retain_nodes(graph, &gone);
    Ok(summary)
}

/// One BatchNormalization on its way into a convolution.
struct Fold {
    batch_norm: usize,
    into: usize,
    /// The Add between them.
    bias_add: Option<usize>,
    shape: Vec<usize>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// What the convolution computes in, where that is not float32.
    floats: Option<OtherFloat>,
}

impl Fold {
    fn apply(self, graph: &mut GraphProto, names: &mut Names) {
        let output = graph.node[self.batch_norm].output[0].clone();
        let node = &mut graph.node[self.into];
        let weight = names.fresh(&format!("{}_bn_folded", node.input[1]));
        let bias = names.fresh(&format!("{weight}_bias"));
        node.input.truncate(1);
        node.input.extend([weight.clone(), bias.clone()]);
        node.output[0] = output;
        let constant = |name: &str, shape: &[usize], values: &[f32]| match self.floats {
            Some(floats) => TensorProto::from_f32_as(name, floats, shape, values),
            None => TensorProto::from_f32(name, shape, values),
        };
        graph.initializer.push(constant(&weight, &self.shape, &self.weight));
        graph.initializer.push(constant(&bias, &[self.bias.len()], &self.bias));
    }
}

fn fold(topology: &Topology<'_>, batch_norm: usize) -> Result<Option<Fold>, TensorError> {
    let node = &topology.graph().node[batch_norm];
    let Some((factors, mean, shift)) = statistics(topology, node)? else { return Ok(None) };
    let Some(above) = only_reader_of(topology, node, 0) else { return Ok(None) };
    let (bias_add, into, added) = match bias_add(topology, above, factors.len())? {
        Some((into, added)) => (Some(above), into, added),
        None => (None, above, vec![0.0]),
    };
    let Some(before) = convolution(topology, into, factors.len())? else { return Ok(None) };
    let Convolution { shape, floats, .. } = before;
    let weight = scaled(&topology.graph().node[into], &shape, &before.weight, &factors);
    let bias = (0..factors.len()).map(|channel| {
        let before = at(&before.bias, channel) + at(&added, channel);
        narrow((before - mean[channel]) * factors[channel] + shift[channel])
    });
    let bias: Vec<f32> = bias.collect();
    let fits =
        |&value: &f32| value.is_finite() && floats.is_none_or(|it| it.nearest(value).is_some());
    let all_fit = weight.iter().chain(&bias).all(fits);
    Ok(all_fit.then_some(Fold { batch_norm, into, bias_add, shape, weight, bias, floats }))
}

/// Factor, mean and shift of each channel.
type Statistics = (Vec<f64>, Vec<f64>, Vec<f64>);

/// Returns what a BatchNormalization does to each channel, `None` unless it is fixed.
fn statistics(
    topology: &Topology<'_>,
    node: &NodeProto,
) -> Result<Option<Statistics>, TensorError> {
    let others_are_read = node.output.iter().skip(1).any(|output| !output.is_empty());
    if others_are_read || node.attr_i("training_mode") == Some(1) {
        return Ok(None);
    }
    let mut parameters = Vec::with_capacity(4);
    for input in 1..5 {
        let Some(tensor) = float_constant(topology, node, input)? else { return Ok(None) };
        parameters.push(wide(tensor)?);
    }
    let Ok([scale, shift, mean, variance]) = <[Vec<f64>; 4]>::try_from(parameters) else {
        return Ok(None);
    };
    let channels = scale.len();
    if [&shift, &mean, &variance].iter().any(|parameter| parameter.len() != channels) {
        return Ok(None);
    }
    let epsilon = f64::from(node.attr_f("epsilon").unwrap_or(EPSILON));
    let factors =
        scale.iter().zip(&variance).map(|(scale, variance)| scale / (variance + epsilon).sqrt());
    Ok(Some((factors.collect(), mean, shift)))
}

/// Returns the node that makes input `input` of `node` when nothing but `node` reads that tensor.
fn only_reader_of(topology: &Topology<'_>, node: &NodeProto, input: usize) -> Option<usize> {
    let tensor = node.input_name(input)?;
    let is_only = topology.consumers(tensor).len() == 1 && !topology.is_output(tensor);
    topology.producer(tensor).filter(|_| is_only).map(|(index, _)| index)
}

/// Returns the convolution and the constants when node `index` adds a constant a channel to it alone.
fn bias_add(
    topology: &Topology<'_>,
    index: usize,
    channels: usize,
) -> Result<Option<(usize, Vec<f64>)>, TensorError> {
    let node = &topology.graph().node[index];
    if !node.is("Add") {
        return Ok(None);
    }
    for (data, constant) in [(0, 1), (1, 0)] {
        let Some(tensor) = float_constant(topology, node, constant)? else { continue };
        let Some(into) = only_reader_of(topology, node, data) else { continue };
        let rank = weight_rank(topology, into);
        if rank
            .is_some_and(|rank| is_per_channel(&tensor.shape().unwrap_or_default(), rank, channels))
        {
            return Ok(Some((into, wide(tensor)?)));
        }
    }
    Ok(None)
}

/// Whether a constant of `shape` adds one number to each of `channels` (dimension 1 of `rank`), or one to all.
fn is_per_channel(shape: &[usize], rank: usize, channels: usize) -> bool {
    let Some(missing) = rank.checked_sub(shape.len()) else { return false };
    let is_one =
        |(axis, &size): (usize, &usize)| size == 1 || (axis + missing == 1 && size == channels);
    shape.iter().enumerate().all(is_one)
}

fn weight_rank(topology: &Topology<'_>, index: usize) -> Option<usize> {
    let weight = topology.graph().node[index].input_name(1)?;
    Some(topology.constant(weight)?.dims.len())
}

/// The constants of a Conv or ConvTranspose.
struct Convolution {
    shape: Vec<usize>,
    weight: Vec<f32>,
    /// One a channel made, or a single 0 when it has none.
    bias: Vec<f64>,
    /// What it computes in, where that is not float32.
    floats: Option<OtherFloat>,
}

/// Returns the constants of node `index` when it is a Conv or ConvTranspose that makes `channels` and all are fixed.
fn convolution(
    topology: &Topology<'_>,
    index: usize,
    channels: usize,
) -> Result<Option<Convolution>, TensorError> {
    let node = &topology.graph().node[index];
    if !(node.is("Conv") || node.is("ConvTranspose")) {
        return Ok(None);
    }
    let Some(weight) = float_constant(topology, node, 1)? else { return Ok(None) };
    let shape = weight.shape()?;
    let made = match shape[..] {
        [made, _, ..] if node.is("Conv") => made,
        [_, made, ..] => made * group(node),
        _ => return Ok(None),
    };
    let bias = match node.input_name(2) {
        None => vec![0.0],
        Some(_) => match float_constant(topology, node, 2)? {
            Some(bias) => wide(bias)?,
            None => return Ok(None),
        },
    };
    let fits = made == channels && (bias.len() == 1 || bias.len() == channels);
    let floats = weight.dtype()?.other_float();
    let weight = weight.to_f32()?.into_owned();
    Ok(fits.then_some(Convolution { shape, weight, bias, floats }))
}

fn scaled(node: &NodeProto, shape: &[usize], weight: &[f32], factors: &[f64]) -> Vec<f32> {
    let kernel: usize = shape[2..].iter().product();
    let channel_of: Box<dyn Fn(usize) -> usize> = if node.is("Conv") {
        let filter = shape[1] * kernel;
        Box::new(move |index| index / filter)
    } else {
        // Each group reads its share of the rows and makes `made` channels of its own.
        let (made, rows_a_group) = (shape[1], (shape[0] / group(node)).max(1));
        Box::new(move |index| index / (made * kernel) / rows_a_group * made + index / kernel % made)
    };
    let values = weight.iter().enumerate();
    values.map(|(index, &value)| narrow(f64::from(value) * factors[channel_of(index)])).collect()
}

fn group(node: &NodeProto) -> usize {
    node.attr_i("group").and_then(|group| usize::try_from(group).ok()).unwrap_or(1).max(1)
}

fn float_constant<'t>(
    topology: &'t Topology<'_>,
    node: &NodeProto,
    input: usize,
) -> Result<Option<&'t TensorProto>, TensorError> {
    let Some(tensor) = node.input_name(input).and_then(|name| topology.constant(name)) else {
        return Ok(None);
    };
    // Doubles are left as they are: float32 would not have all of their digits.
    let dtype = tensor.dtype()?;
    Ok((dtype.is_float() && dtype != DataType::DOUBLE).then_some(tensor))
}

fn wide(tensor: &TensorProto) -> Result<Vec<f64>, TensorError> {
    Ok(tensor.to_f32()?.iter().copied().map(f64::from).collect())
}

/// Returns entry `channel`, or the only one.
fn at(values: &[f64], channel: usize) -> f64 {
    if values.len() == 1 { values[0] } else { values[channel] }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the purpose")]
fn narrow(value: f64) -> f32 {
    value as f32
}
