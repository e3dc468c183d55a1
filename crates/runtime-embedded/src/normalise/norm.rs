//! Normalisations.

use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};
use calibrant_runtime::Refusal;

use super::emit::{Emit, first_output_only, output, required};
use super::functions;

/// Rewrites a normalisation.
pub(crate) fn rewrite(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    match node.op() {
        "BatchNormalization" => {
            if node.attr_i("training_mode").unwrap_or(0) != 0 {
                return Err(Refusal::Attribute { name: "training_mode", value: "1".to_owned() });
            }
            let kept = first_output_only(emit, node, &["mean", "var", "saved_mean", "saved_var"])?;
            emit.keep(kept);
        }
        "LayerNormalization" => {
            let is_read = |name: &String| !name.is_empty() && emit.scope.is_read(name);
            if node.output.iter().skip(1).any(is_read) {
                return functions::layer_norm_with_moments(emit, node);
            }
            let kept = first_output_only(emit, node, &["Mean", "InvStdDev"])?;
            emit.keep(kept);
        }
        "GroupNormalization" => group_norm(emit, node)?,
        "LRN" => lrn(emit, node)?,
        _ => return Err(Refusal::Operator),
    }
    Ok(())
}

/// `GroupNormalization` as `InstanceNormalization` of [N, groups, elements].
///
/// Scale and bias have one value a group before opset 21, and one a channel from then on.
fn group_norm(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let (x, y) = (required(node, 0, "X")?, output(node)?);
    let (scale, bias) = (required(node, 1, "scale")?, required(node, 2, "bias")?);
    let groups = node.attr_i("num_groups").ok_or(Refusal::Missing { name: "num_groups" })?;
    let n_groups = usize::try_from(groups).map_err(|_| too_many(groups))?;
    if n_groups == 0 || n_groups > 1 << 20 {
        return Err(too_many(groups));
    }
    let epsilon = || [AttributeProto::float("epsilon", node.attr_f("epsilon").unwrap_or(1e-5))];
    let shape = emit.node("Shape", &[x], []);
    let by_group = emit.integers(&[0, groups, -1]);
    let grouped = emit.node("Reshape", &[x, &by_group], []);
    if emit.scope.opset < 21 {
        let normalised = emit.node("InstanceNormalization", &[&grouped, scale, bias], epsilon());
        emit.node_into(y, "Reshape", &[&normalised, &shape], []);
        return Ok(());
    }
    let ones = emit.constant(|name| TensorProto::from_f32(name, &[n_groups], &vec![1.0; n_groups]));
    let zeros =
        emit.constant(|name| TensorProto::from_f32(name, &[n_groups], &vec![0.0; n_groups]));
    let normalised = emit.node("InstanceNormalization", &[&grouped, &ones, &zeros], epsilon());
    let (keep, rest, last) = (emit.integers(&[0]), emit.integers(&[-1]), emit.integers(&[1]));
    let channels = emit.node("Shape", &[scale], []);
    let by_channel =
        emit.node("Concat", &[&keep, &channels, &rest], [AttributeProto::int("axis", 0)]);
    let normalised = emit.node("Reshape", &[&normalised, &by_channel], []);
    let scale = emit.node("Unsqueeze", &[scale, &last], []);
    let bias = emit.node("Unsqueeze", &[bias, &last], []);
    let scaled = emit.node("Mul", &[&normalised, &scale], []);
    let moved = emit.node("Add", &[&scaled, &bias], []);
    emit.node_into(y, "Reshape", &[&moved, &shape], []);
    Ok(())
}

/// x / (bias + alpha / size * sum of x² over `size` channels)^beta; the mean over channels is an average pool of
/// [N, 1, channels, elements].
fn lrn(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let (x, y) = (required(node, 0, "X")?, output(node)?);
    let size = node.attr_i("size").ok_or(Refusal::Missing { name: "size" })?;
    if !(1..=1 << 20).contains(&size) {
        return Err(Refusal::Attribute { name: "size", value: size.to_string() });
    }
    let before = (size - 1) / 2;
    let shape = emit.node("Shape", &[x], []);
    let square = emit.node("Mul", &[x, x], []);
    let one = emit.integers(&[1]);
    let rows = emit.integers(&[0, 0, 0, -1]);
    let square = emit.node("Unsqueeze", &[&square, &one], []);
    let square = emit.node("Reshape", &[&square, &rows], []);
    let pooled = emit.fresh();
    let pool = NodeProto::new("AveragePool", "", &[&square], &[&pooled])
        .with_attr(AttributeProto::ints("kernel_shape", &[size, 1]))
        .with_attr(AttributeProto::ints("pads", &[before, 0, size - 1 - before, 0]))
        .with_attr(AttributeProto::int("count_include_pad", 1));
    emit.ours(pool)?;
    let mean = emit.node("Reshape", &[&pooled, &shape], []);
    let alpha = emit.float(node.attr_f("alpha").unwrap_or(1e-4));
    let beta = emit.float(node.attr_f("beta").unwrap_or(0.75));
    let bias = emit.float(node.attr_f("bias").unwrap_or(1.0));
    let scaled = emit.node("Mul", &[&mean, &alpha], []);
    let sum = emit.node("Add", &[&scaled, &bias], []);
    let divisor = emit.node("Pow", &[&sum, &beta], []);
    emit.node_into(y, "Div", &[x, &divisor], []);
    Ok(())
}

fn too_many(groups: i64) -> Refusal {
    Refusal::Attribute { name: "num_groups", value: groups.to_string() }
}
