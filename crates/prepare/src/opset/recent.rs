//! From opset 13 or later up to 22, for what came later: scales in half precision and 8-bit floats with 19, scales for
//! blocks with 21, bfloat16 almost everywhere with 22.
//!
//! | operator | changed at | upgrade |
//! |---|---|---|
//! | BatchNormalization | 14 | refused when it gives out statistics: those changed their meaning |
//! | RoiAlign | 16 | the old sampling, half a pixel off, is spelled out |
//! | ReduceMean, ReduceMax, ... (all but ReduceSum) | 18, 20 | `axes` move to an input |
//! | Split | 18 | without `split`, the number of parts is written out |
//! | GridSample | 20 | the modes have other names |
//! | DFT | 20 | `axis` moves to an input |
//! | GroupNormalization | 21 | refused: scale and bias count channels instead of groups |
//!
//! All else means the same, with attributes and inputs that may be left out.

use calibrant_onnx::Model;
use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};

use super::attributes::{set_input, wish};
use crate::error::{PrepareError, RaiseProblem};
use crate::names::Names;
use crate::summary::OpsetChange;

/// The opset since which scales may be float16 or bfloat16.
pub const HALF_SCALES: i64 = 19;
/// The opset since which neighbours on an axis can share a scale.
pub const BLOCKS: i64 = 21;
/// The opset since which nearly all operators have bfloat16.
pub const BFLOAT16: i64 = 22;

/// Raises a model of opset 13 or later to `target` when it is older.
///
/// # Errors
///
/// When an operator cannot be raised exactly.
pub fn raise_to(model: &mut Model, target: i64) -> Result<OpsetChange, PrepareError> {
    let before = model.opset().unwrap_or(target);
    if before >= target {
        return Ok(OpsetChange { before, after: before });
    }
    if let Some(function) = model.proto.functions.first() {
        let node = function.name.clone().unwrap_or_default();
        let problem = RaiseProblem::Functions;
        return Err(PrepareError::CannotRaise { node, from: before, to: target, problem });
    }
    let mut names = Names::of(model.graph());
    raise_graph(model.graph_mut(), before, target, &mut names)?;
    model.set_opset(target);
    let needed_ir = if target > 20 { 10 } else { 9 };
    model.proto.ir_version = model.proto.ir_version.max(Some(needed_ir));
    Ok(OpsetChange { before, after: target })
}

fn raise_graph(
    graph: &mut GraphProto,
    from: i64,
    to: i64,
    names: &mut Names,
) -> Result<(), PrepareError> {
    let mut new = Vec::new();
    for (index, node) in graph.node.iter_mut().enumerate() {
        for attribute in &mut node.attribute {
            for inner in attribute.g.as_option_mut().into_iter().chain(&mut attribute.graphs) {
                raise_graph(inner, from, to, names)?;
            }
        }
        let problem = node.is_default_domain().then(|| raise_node(node, from, to, names, &mut new));
        if let Some(Err(problem)) = problem {
            return Err(PrepareError::CannotRaise { node: node.label(index), from, to, problem });
        }
    }
    graph.initializer.extend(new);
    Ok(())
}

fn raise_node(
    node: &mut NodeProto,
    from: i64,
    to: i64,
    names: &mut Names,
    new: &mut Vec<TensorProto>,
) -> Result<(), RaiseProblem> {
    let crosses = |changed: i64| from < changed && changed <= to;
    match node.op() {
        "BatchNormalization" if crosses(14) => {
            if node.output.iter().skip(1).any(|output| !output.is_empty()) {
                return Err(RaiseProblem::UsedOutput { output: "mean" });
            }
            node.output.truncate(1);
        }
        "RoiAlign" if crosses(16) => {
            let mode = "coordinate_transformation_mode";
            node.set_attr(AttributeProto::string(mode, "output_half_pixel"));
        }
        "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMax"
        | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSumSquare"
            if crosses(18) =>
        {
            move_ints(node, "axes", 1, names, new);
        }
        "Split" if crosses(18) && node.input_name(1).is_none() => {
            let parts = i64::try_from(node.output.len()).unwrap_or(i64::MAX);
            node.set_attr(AttributeProto::int("num_outputs", parts));
        }
        "GridSample" if crosses(20) => {
            let mode = match node.attr_s("mode") {
                None | Some("bilinear") => "linear",
                Some("bicubic") => "cubic",
                Some(_) => return Ok(()),
            };
            node.set_attr(AttributeProto::string("mode", mode));
        }
        "DFT" if crosses(20) => {
            let axis = node.remove_attr("axis").and_then(|axis| axis.i).unwrap_or(1);
            let name = names.fresh(&wish(node, "axis"));
            new.push(TensorProto::from_i64(&name, &[], &[axis]));
            set_input(node, 2, name);
        }
        "GroupNormalization" if crosses(21) => return Err(RaiseProblem::DefinedAnew),
        _ => {}
    }
    Ok(())
}

fn move_ints(
    node: &mut NodeProto,
    attribute: &str,
    input: usize,
    names: &mut Names,
    new: &mut Vec<TensorProto>,
) {
    let Some(values) = node.remove_attr(attribute) else { return };
    let name = names.fresh(&wish(node, attribute));
    new.push(TensorProto::from_i64(&name, &[values.ints.len()], &values.ints));
    set_input(node, input, name);
}
