//! Q/DQ pairs: which type their scales have, and what has to follow.
//!
//! Before opset 23 the floats around a scale have the scale's type, and TensorRT runs a node in int8 when its inputs
//! come from `DequantizeLinear` with nothing in between. So there is no Cast between a pair's two halves nor between
//! `DequantizeLinear` and its readers: all of them have one type. With float32 scales that is float32; a kernel that
//! reads int8 sums in wider numbers in any case, and where float goes on in a half type a Cast follows it.

use calibrant_onnx::TensorError;

use super::flow::{Flow, Maker, NodeId, Reader};
use super::judge::Judge;
use super::options::{FloatType, ScalePrecision};
use super::summary::KeptReason;
use super::units::{End, UnitId, Units};

/// Whether a node quantizes or dequantizes.
pub(super) fn is_pair_half(flow: &Flow<'_>, node: NodeId) -> bool {
    let node = &flow.nodes[node].proto;
    node.is("QuantizeLinear") || node.is("DequantizeLinear")
}

/// Whether a node reads what was dequantized.
pub(super) fn reads_dequantized(flow: &Flow<'_>, node: NodeId) -> bool {
    flow.nodes[node].inputs.iter().flatten().any(|&value| match flow.values[value].maker {
        Maker::Node(maker, _) => flow.nodes[maker].proto.is("DequantizeLinear"),
        Maker::Input(_) | Maker::Constant | Maker::Sparse => false,
    })
}

/// Returns why the scale of `node` is not `precision`.
///
/// # Errors
///
/// When the values of the scale cannot be had.
pub(super) fn objection(
    judge: &mut Judge<'_, '_>,
    node: NodeId,
    scales: ScalePrecision,
    precision: FloatType,
) -> Result<Option<KeptReason>, TensorError> {
    if !is_pair_half(judge.flow, node) {
        return Ok(None);
    }
    if scales == ScalePrecision::Fp32 {
        return Ok(Some(KeptReason::FloatScales));
    }
    let Some(scale) = judge.flow.nodes[node].inputs.get(1).copied().flatten() else {
        return Ok(None);
    };
    if !judge.flow.is_float(scale) {
        return Ok(None);
    }
    let tensor = judge.flow.values[scale].name.to_owned();
    let Some(loss) = judge.loss(scale, precision)? else {
        return Ok(Some(KeptReason::FloatScales)); // computed while the model runs
    };
    Ok(loss.first_lost.map(|value| KeptReason::Scale { tensor, value }))
}

/// Returns the units that read what a node with a float32 scale in every case dequantizes, with that node: before opset
/// 19 scales know no other type.
pub(super) fn fixed_readers(flow: &Flow<'_>, units: &Units) -> Vec<(UnitId, NodeId)> {
    let mut found = Vec::new();
    for (id, node) in flow.nodes.iter().enumerate() {
        let is_fixed = units.outputs[id].first() == Some(&End::Float32);
        let Some(&Some(value)) = node.outputs.first() else { continue };
        if node.proto.is("DequantizeLinear") && is_fixed {
            let readers = flow.values[value].readers.iter().map(|&reader| units.wanted(reader));
            found.extend(readers.filter_map(|end| match end {
                End::Unit(unit) => Some((unit, id)),
                _ => None,
            }));
        }
    }
    found
}

/// Returns the pairs of units that have one type because int8 goes from one to the other.
pub(super) fn ties(flow: &Flow<'_>, units: &Units) -> Vec<(UnitId, UnitId)> {
    let mut ties = Vec::new();
    for id in 0..flow.nodes.len() {
        let node = &flow.nodes[id];
        let readers = |output: usize| {
            let value = node.outputs.get(output).copied().flatten();
            value.map_or(&[][..], |value| &flow.values[value].readers[..])
        };
        let Some(&own) = units.of_node(id).first() else { continue };
        for &reader in readers(0) {
            let other = match reader {
                Reader::Node(reader, 0) if node.proto.is("QuantizeLinear") => {
                    let is_pair = flow.nodes[reader].proto.is("DequantizeLinear");
                    is_pair.then(|| units.of_node(reader).first().copied()).flatten()
                }
                Reader::Node(..) if node.proto.is("DequantizeLinear") => {
                    match units.wanted(reader) {
                        End::Unit(other) => Some(other),
                        _ => None,
                    }
                }
                _ => None,
            };
            ties.extend(other.map(|other| (own, other)));
        }
    }
    ties
}
