//! Operators that ONNX defines by others, and those that this crate computes by itself.

use calibrant_onnx::DataType;
use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};
use calibrant_runtime::Refusal;

use super::emit::{Emit, output, required};
use crate::selection::FLATTENS;

/// Rewrites an operator that ONNX defines by others.
pub(crate) fn rewrite(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    match node.op() {
        "Hardmax" => hardmax(emit, node),
        "IsInf" => is_infinite(emit, node),
        "MeanVarianceNormalization" => mean_variance(emit, node),
        _ => Err(Refusal::Operator),
    }
}

/// Before opset 13 all axes from `axis` on are taken as one.
fn hardmax(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let mut node = node.clone();
    if emit.scope.opset < 13 {
        let axis = node.attr_i("axis").unwrap_or(1);
        node.set_attr(AttributeProto::int("axis", axis));
        node.set_attr(AttributeProto::int(FLATTENS, 1));
    }
    emit.ours(node)
}

/// Infinities of one sign are those that lie on its side of 0.
fn is_infinite(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let (x, y) = (required(node, 0, "X")?, output(node)?);
    let detects = |name| node.attr_i(name).unwrap_or(1) != 0;
    let side = match (detects("detect_positive"), detects("detect_negative")) {
        (true, true) => {
            emit.node_into(y, "IsInf", &[x], []);
            return Ok(());
        }
        (true, false) => "Greater",
        (false, true) => "Less",
        (false, false) => {
            // Nothing is both.
            let (a, b) = (emit.node("IsInf", &[x], []), emit.node("IsNaN", &[x], []));
            emit.node_into(y, "And", &[&a, &b], []);
            return Ok(());
        }
    };
    let zero = emit.float(0.0);
    let is_infinite = emit.node("IsInf", &[x], []);
    let is_on_side = emit.node(side, &[x, &zero], []);
    emit.node_into(y, "And", &[&is_infinite, &is_on_side], []);
    Ok(())
}

/// (x - mean) / (deviation + 1e-9) over the axes.
fn mean_variance(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let (x, y) = (required(node, 0, "X")?, output(node)?);
    let axes = node.attr_ints("axes").unwrap_or(&[0, 2, 3]).to_vec();
    let (centred, variance) = emit.moments(x, &axes);
    let deviation = emit.node("Sqrt", &[&variance.1], []);
    let epsilon = emit.float(1e-9);
    let divisor = emit.node("Add", &[&deviation, &epsilon], []);
    emit.node_into(y, "Div", &[&centred, &divisor], []);
    Ok(())
}

/// Emits an operator on bits, of which numbers beyond 32 bits are not asked.
pub(crate) fn bits(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    for name in &node.input {
        let dtype = emit.scope.dtype(name);
        let is_unsigned =
            matches!(dtype, Some(DataType::UINT16 | DataType::UINT32 | DataType::UINT64));
        // Held in 32 bits with a sign: turned over they would be below 0.
        if is_unsigned && node.is("BitwiseNot") {
            return Err(Refusal::Attribute { name: "type", value: format!("{dtype:?}") });
        }
        let beyond = |values: Vec<i64>| values.into_iter().find(|&it| i32::try_from(it).is_err());
        if let Some(value) = emit.scope.integers(name).and_then(beyond) {
            return Err(Refusal::Attribute { name: "constant", value: value.to_string() });
        }
    }
    emit.ours(node.clone())
}

/// Emits a `LayerNormalization` of which the mean or the deviation is read.
pub(crate) fn layer_norm_with_moments(
    emit: &mut Emit<'_, '_>,
    node: &NodeProto,
) -> Result<(), Refusal> {
    let (x, scale) = (required(node, 0, "X")?, required(node, 1, "Scale")?);
    let axis = node.attr_i("axis").unwrap_or(-1);
    let rank = emit.scope.dims(x).and_then(|dims| i64::try_from(dims.len()).ok());
    let axes: Vec<i64> = match (axis < 0, rank) {
        (true, _) => (axis..0).collect(),
        (false, Some(rank)) => (axis..rank).collect(),
        (false, None) => return Err(Refusal::Unknown { what: "the input's rank is" }),
    };
    let (centred, (mean, variance)) = emit.moments(x, &axes);
    let epsilon = emit.float(node.attr_f("epsilon").unwrap_or(1e-5));
    let sum = emit.node("Add", &[&variance, &epsilon], []);
    let root = emit.node("Sqrt", &[&sum], []);
    let inverse = emit.node("Reciprocal", &[&root], []);
    for (index, made) in [&mean, &inverse].into_iter().enumerate() {
        if let Some(name) = node.output_name(index + 1) {
            emit.node_into(name, "Identity", &[made], []);
        }
    }
    let normalised = emit.node("Mul", &[&centred, &inverse], []);
    let y = node.output_name(0).map_or_else(|| emit.fresh(), str::to_owned);
    match node.input_name(2) {
        None => emit.node_into(&y, "Mul", &[&normalised, scale], []),
        Some(shift) => {
            let scaled = emit.node("Mul", &[&normalised, scale], []);
            emit.node_into(&y, "Add", &[&scaled, shift], []);
        }
    }
    Ok(())
}

/// `Dropout` passes its input on, and all of it; there is no training here.
pub(crate) fn dropout(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let training = node.input_name(2).and_then(|name| emit.scope.integers(name));
    if node.input_name(2).is_some() && training != Some(vec![0]) {
        return Err(Refusal::Input { name: "training_mode" });
    }
    let (x, y) = (required(node, 0, "data")?, output(node)?);
    emit.node_into(y, "Identity", &[x], []);
    if let Some(mask) = node.output_name(1).filter(|mask| emit.scope.is_read(mask)) {
        let shape = emit.node("Shape", &[x], []);
        let value = TensorProto::from_i32("", &[1], &[1]);
        emit.node_into(
            mask,
            "ConstantOfShape",
            &[&shape],
            [AttributeProto::tensor("value", value)],
        );
    }
    Ok(())
}

impl Emit<'_, '_> {
    /// Emits x less its mean over `axes`, which stay with one element, and the mean and the variance.
    fn moments(&mut self, x: &str, axes: &[i64]) -> (String, (String, String)) {
        let over = || [AttributeProto::ints("axes", axes)];
        let mean = self.node("ReduceMean", &[x], over());
        let centred = self.node("Sub", &[x, &mean], []);
        let square = self.node("Mul", &[&centred, &centred], []);
        let variance = self.node("ReduceMean", &[&square], over());
        (centred, (mean, variance))
    }
}
