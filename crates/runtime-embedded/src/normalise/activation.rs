//! Activations that the executor lacks or gets wrong, in terms of others.

use calibrant_onnx::DataType;
use calibrant_onnx::proto::{AttributeProto, NodeProto};
use calibrant_runtime::Refusal;

use super::emit::{Emit, output, required};

/// Rewrites an activation that looks at one element at a time.
pub(crate) fn pointwise(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let (x, y) = (required(node, 0, "X")?, output(node)?);
    let attr = |name, default| node.attr_f(name).unwrap_or(default);
    match node.op() {
        "Celu" => celu(emit, x, y, attr("alpha", 1.0)),
        "Mish" => {
            let softplus = emit.fresh();
            softplus_into(emit, x, &softplus);
            let tanh = emit.node("Tanh", &[&softplus], []);
            emit.node_into(y, "Mul", &[x, &tanh], []);
        }
        "Selu" => {
            let alpha = attr("alpha", 1.673_263_2);
            let elu = emit.node("Elu", &[x], [AttributeProto::float("alpha", alpha)]);
            let gamma = emit.float(attr("gamma", 1.050_701));
            emit.node_into(y, "Mul", &[&elu, &gamma], []);
        }
        "Shrink" => shrink(emit, x, y, attr("lambd", 0.5), attr("bias", 0.0)),
        "Sign" => sign(emit, node, x, y),
        "Softplus" => softplus_into(emit, x, y),
        "ThresholdedRelu" => {
            let (alpha, zero) = (emit.float(attr("alpha", 1.0)), emit.float(0.0));
            let is_above = emit.node("Greater", &[x, &alpha], []);
            emit.node_into(y, "Where", &[&is_above, x, &zero], []);
        }
        _ => return Err(Refusal::Operator),
    }
    Ok(())
}

/// Rewrites `Softmax` and `LogSoftmax` of before opset 13, which take all axes from `axis` on as one.
pub(crate) fn softmax_of_matrix(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let (x, y) = (required(node, 0, "input")?, output(node)?);
    let axis = node.attr_i("axis").unwrap_or(1);
    let last = AttributeProto::int("axis", -1);
    let rank = emit.scope.dims(x).map(|dims| dims.len());
    if axis == -1 || rank.is_some_and(|rank| usize::try_from(axis + 1) == Ok(rank)) {
        emit.node_into(y, node.op(), &[x], [last]);
        return Ok(());
    }
    let shape = emit.node("Shape", &[x], []);
    let matrix = emit.node("Flatten", &[x], [AttributeProto::int("axis", axis)]);
    let normalised = emit.node(node.op(), &[&matrix], [last]);
    emit.node_into(y, "Reshape", &[&normalised, &shape], []);
    Ok(())
}

/// log(1 + e^x) as max(x, 0) + log(1 + e^-|x|): the executor's own overflows from x = 89 on.
fn softplus_into(emit: &mut Emit<'_, '_>, x: &str, y: &str) {
    let positive = emit.node("Relu", &[x], []);
    let magnitude = emit.node("Abs", &[x], []);
    let negated = emit.node("Neg", &[&magnitude], []);
    let exponential = emit.node("Exp", &[&negated], []);
    let one = emit.float(1.0);
    let sum = emit.node("Add", &[&exponential, &one], []);
    let logarithm = emit.node("Log", &[&sum], []);
    emit.node_into(y, "Add", &[&positive, &logarithm], []);
}

/// max(0, x) + min(0, alpha (e^(x / alpha) - 1)) as alpha elu(x / alpha).
fn celu(emit: &mut Emit<'_, '_>, x: &str, y: &str, alpha: f32) {
    let alpha = emit.float(alpha);
    let scaled = emit.node("Div", &[x, &alpha], []);
    let elu = emit.node("Elu", &[&scaled], []);
    emit.node_into(y, "Mul", &[&elu, &alpha], []);
}

/// x + bias below -lambda, x - bias above lambda, 0 in between.
fn shrink(emit: &mut Emit<'_, '_>, x: &str, y: &str, lambda: f32, bias: f32) {
    let (below, above) = (emit.float(-lambda), emit.float(lambda));
    let (bias, zero) = (emit.float(bias), emit.float(0.0));
    let is_below = emit.node("Less", &[x, &below], []);
    let is_above = emit.node("Greater", &[x, &above], []);
    let raised = emit.node("Add", &[x, &bias], []);
    let lowered = emit.node("Sub", &[x, &bias], []);
    let upper = emit.node("Where", &[&is_above, &lowered, &zero], []);
    emit.node_into(y, "Where", &[&is_below, &raised, &upper], []);
}

/// (x > 0) - (x < 0): the executor's own says 1 for a float 0.
fn sign(emit: &mut Emit<'_, '_>, node: &NodeProto, x: &str, y: &str) {
    if !emit.scope.is_float(x) {
        emit.keep(node.clone());
        return;
    }
    let zero = emit.float(0.0);
    let float = || [AttributeProto::int("to", DataType::FLOAT as i64)];
    let above = emit.node("Greater", &[x, &zero], []);
    let above = emit.node("Cast", &[&above], float());
    let below = emit.node("Less", &[x, &zero], []);
    let below = emit.node("Cast", &[&below], float());
    emit.node_into(y, "Sub", &[&above, &below], []);
}
