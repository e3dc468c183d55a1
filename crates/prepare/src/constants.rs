//! Constants that are not written as such.
//!
//! Exporters lay a weight out anew in the graph (Transpose before a MatMul), give a bias its shape there, or store
//! float16 and convert. What such a node makes is computed here once, so that the placement sees a weight as a weight.
//! Only layout and conversion to float32 are computed: no arithmetic, so nothing is rounded.

use std::collections::{HashMap, HashSet};

use calibrant_onnx::proto::{GraphProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, TensorError, Topology};

use crate::error::PrepareError;

/// Replaces layout changes and conversions of constants by their result, and returns the labels of those nodes.
///
/// # Errors
///
/// When the graph has no order, or the values of a constant cannot be had.
pub fn fold_constants(graph: &mut GraphProto) -> Result<Vec<String>, PrepareError> {
    let topology = Topology::new(graph)?;
    let mut folded: HashMap<&str, TensorProto> = HashMap::new();
    let mut gone = HashSet::new();
    for &index in topology.order() {
        let node = &graph.node[index];
        let Some(output) = node.output_name(0).filter(|output| !topology.is_output(output)) else {
            continue;
        };
        let constant = |input: usize| {
            let name = node.input_name(input)?;
            folded.get(name).or_else(|| topology.constant(name))
        };
        if let Some(mut result) = compute(node, constant)? {
            result.name = Some(output.to_owned());
            folded.insert(output, result);
            gone.insert(index);
        }
    }
    let mut in_order: Vec<usize> = gone.iter().copied().collect();
    in_order.sort_unstable();
    let labels = in_order.iter().map(|&index| graph.node[index].label(index)).collect();
    let made =
        in_order.iter().filter_map(|&index| folded.remove(graph.node[index].output_name(0)?));
    let made: Vec<TensorProto> = made.collect();
    graph.initializer.extend(made);
    retain_nodes(graph, &gone);
    Ok(labels)
}

/// Removes graph inputs that are names of initializers, and returns them.
///
/// Up to IR version 3 every weight had to be an input as well. Later such a weight counts as a default that the caller
/// may replace, so no runtime treats it as the constant that quantization needs.
pub(crate) fn drop_weight_inputs(graph: &mut GraphProto) -> Vec<String> {
    let weights: HashSet<&str> = graph.initializer.iter().map(TensorProto::label).collect();
    let (removed, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut graph.input)
        .into_iter()
        .partition(|input| weights.contains(input.label()));
    graph.input = kept;
    removed.into_iter().filter_map(|input| input.name).collect()
}

/// Removes constants that nothing reads, and what the graph says about tensors that it does not have.
///
/// # Errors
///
/// When the graph has no order.
pub fn drop_unread(graph: &mut GraphProto) -> Result<(), PrepareError> {
    let topology = Topology::new(graph)?;
    let is_read = |name: &str| topology.is_output(name) || !topology.consumers(name).is_empty();
    let kept: Vec<bool> = graph.initializer.iter().map(|tensor| is_read(tensor.label())).collect();
    let is_idle =
        |node: &NodeProto| node.is("Constant") && !node.output.iter().any(|output| is_read(output));
    let gone = (0..graph.node.len()).filter(|&index| is_idle(&graph.node[index])).collect();
    let stated: Vec<bool> =
        graph.value_info.iter().map(|info| topology.origin(info.label()).is_some()).collect();
    retain(&mut graph.initializer, &kept);
    retain(&mut graph.value_info, &stated);
    retain_nodes(graph, &gone);
    Ok(())
}

/// Removes the nodes at the places in `gone`.
pub(crate) fn retain_nodes(graph: &mut GraphProto, gone: &HashSet<usize>) {
    let kept: Vec<bool> = (0..graph.node.len()).map(|index| !gone.contains(&index)).collect();
    retain(&mut graph.node, &kept);
}

fn retain<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next().copied().unwrap_or(true));
}

/// Returns what `node` makes of its constant inputs, `None` when that is none of this module's business.
fn compute<'t>(
    node: &NodeProto,
    constant: impl Fn(usize) -> Option<&'t TensorProto>,
) -> Result<Option<TensorProto>, TensorError> {
    let Some(data) = constant(0).filter(|_| node.is_default_domain()) else { return Ok(None) };
    if node.is("Cast") {
        return cast(node, data);
    }
    if data.dtype()? != DataType::FLOAT {
        return Ok(None);
    }
    let shape = data.shape()?;
    let list = || constant(1).map(|list| list.to_i64()).transpose();
    let new_shape = match node.op() {
        "Identity" => Some(shape),
        "Transpose" => return transpose(node, data, &shape),
        "Reshape" => match list()? {
            Some(wanted) => reshaped(&shape, &wanted, node.attr_i("allowzero").unwrap_or(0)),
            None => None,
        },
        "Unsqueeze" => list()?.and_then(|axes| unsqueezed(&shape, &axes)),
        "Squeeze" if node.input_name(1).is_none() => {
            Some(shape.into_iter().filter(|&size| size != 1).collect())
        }
        "Squeeze" => list()?.and_then(|axes| squeezed(&shape, &axes)),
        "Flatten" => flattened(&shape, node.attr_i("axis").unwrap_or(1)),
        _ => None,
    };
    let Some(new_shape) = new_shape else { return Ok(None) };
    Ok(Some(TensorProto::from_raw("", DataType::FLOAT, &new_shape, data.to_le_bytes()?)))
}

fn cast(node: &NodeProto, data: &TensorProto) -> Result<Option<TensorProto>, TensorError> {
    let narrow = matches!(data.dtype()?, DataType::FLOAT16 | DataType::BFLOAT16 | DataType::FLOAT);
    if !narrow || node.attr_i("to") != Some(DataType::FLOAT as i64) {
        return Ok(None);
    }
    Ok(Some(TensorProto::from_f32("", &data.shape()?, &data.to_f32()?)))
}

fn transpose(
    node: &NodeProto,
    data: &TensorProto,
    shape: &[usize],
) -> Result<Option<TensorProto>, TensorError> {
    let rank = shape.len();
    let order: Option<Vec<usize>> = match node.attr_ints("perm") {
        Some(order) => order.iter().map(|&axis| usize::try_from(axis).ok()).collect(),
        None => Some((0..rank).rev().collect()),
    };
    let is_order =
        |order: &Vec<usize>| order.len() == rank && (0..rank).all(|axis| order.contains(&axis));
    let Some(order) = order.filter(is_order) else { return Ok(None) };
    let values = data.to_f32()?;
    let new_shape: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let strides: Vec<usize> = (0..rank).map(|axis| shape[axis + 1..].iter().product()).collect();
    let mut at = vec![0; rank];
    let mut moved = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        moved.push(
            values
                [order.iter().zip(&at).map(|(&axis, &place)| strides[axis] * place).sum::<usize>()],
        );
        for (place, &size) in at.iter_mut().zip(&new_shape).rev() {
            *place += 1;
            if *place < size {
                break;
            }
            *place = 0;
        }
    }
    Ok(Some(TensorProto::from_f32("", &new_shape, &moved)))
}

fn reshaped(shape: &[usize], wanted: &[i64], allow_zero: i64) -> Option<Vec<usize>> {
    let n_elements: usize = shape.iter().product();
    let mut new_shape = Vec::with_capacity(wanted.len());
    for (axis, &size) in wanted.iter().enumerate() {
        new_shape.push(match size {
            0 if allow_zero == 0 => *shape.get(axis)?,
            -1 => 1,
            size => usize::try_from(size).ok()?,
        });
    }
    if let Some(free) = wanted.iter().position(|&size| size == -1) {
        let others: usize = new_shape.iter().product();
        new_shape[free] = n_elements.checked_div(others)?;
    }
    (new_shape.iter().product::<usize>() == n_elements).then_some(new_shape)
}

fn unsqueezed(shape: &[usize], axes: &[i64]) -> Option<Vec<usize>> {
    let rank = shape.len() + axes.len();
    let axes: HashSet<usize> =
        axes.iter().map(|&axis| from_end(axis, rank)).collect::<Option<_>>()?;
    let mut sizes = shape.iter();
    (0..rank)
        .map(|axis| if axes.contains(&axis) { Some(1) } else { sizes.next().copied() })
        .collect()
}

fn squeezed(shape: &[usize], axes: &[i64]) -> Option<Vec<usize>> {
    let axes: HashSet<usize> =
        axes.iter().map(|&axis| from_end(axis, shape.len())).collect::<Option<_>>()?;
    let kept = shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    Some(kept.map(|(_, &size)| size).collect())
}

fn flattened(shape: &[usize], axis: i64) -> Option<Vec<usize>> {
    let axis = if axis == i64::try_from(shape.len()).ok()? {
        shape.len()
    } else {
        from_end(axis, shape.len())?
    };
    Some(vec![shape[..axis].iter().product(), shape[axis..].iter().product()])
}

/// Returns an axis that may be counted from the end.
pub fn from_end(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis + i64::try_from(rank).ok()? } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < rank)
}
