//! Operators that move, select or convert values.

use calibrant_onnx::DataType;
use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};
use calibrant_runtime::Refusal;

use super::emit::{Emit, output, required};
use crate::halves::half_numbered;

/// Rewrites an operator that moves values.
pub(crate) fn rewrite(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    match node.op() {
        "Attention" => {
            let mut kept = node.clone();
            if kept.output.len() > 3 {
                kept.output.truncate(3);
                if emit.scope.is_read(&node.output[3]) {
                    return Err(Refusal::Output { name: "qk_matmul_output" });
                }
            }
            emit.keep(kept);
        }
        "Pad" => pad(emit, node)?,
        _ => return Err(Refusal::Operator),
    }
    Ok(())
}

/// Rewrites an operator that the executor gets right for some types or ranks only.
pub(crate) fn typed(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    match node.op() {
        "ArgMax" | "ArgMin" => arg_extreme(emit, node)?,
        "Cast" => cast(emit, node)?,
        "CastLike" => cast_like(emit, node)?,
        "ConstantOfShape" | "EyeLike" => filled(emit, node),
        "MatMul" => matmul(emit, node)?,
        "OneHot" => {
            let mut kept = node.clone();
            for (index, name) in ["indices", "depth"].into_iter().enumerate() {
                let input = required(node, index, name)?;
                kept.input[index] = emit.node("Cast", &[input], [to(DataType::INT64)]);
            }
            emit.keep(kept);
        }
        "Pow" => {
            let (base, exponent) = (required(node, 0, "X")?, required(node, 1, "Y")?);
            let mut kept = node.clone();
            if emit.scope.is_float(base) && !emit.scope.is_float(exponent) {
                kept.input[1] = emit.node("Cast", &[exponent], [to(DataType::FLOAT)]);
            }
            emit.keep(kept);
        }
        _ => return Err(Refusal::Operator),
    }
    Ok(())
}

/// The executor's where a constant is put around all axes, as much as is known and nothing taken away, else ours.
fn pad(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    if let Some(pads) = node.attr_ints("pads") {
        // As before opset 11.
        let pads = emit.integers(pads);
        let value = emit.float(node.attr_f("value").unwrap_or(0.0));
        let mode = AttributeProto::string("mode", node.attr_s("mode").unwrap_or("constant"));
        let (x, y) = (required(node, 0, "data")?, output(node)?);
        return emit.ours(NodeProto::new("Pad", "", &[x, &pads, &value], &[y]).with_attr(mode));
    }
    let pads = emit.scope.integers(required(node, 1, "pads")?);
    // Other modes the executor has for the last two axes only.
    let is_plain = node.attr_s("mode").is_none_or(|mode| mode == "constant")
        && pads.is_some_and(|pads| pads.iter().all(|&pad| pad >= 0));
    if !is_plain || node.input_name(3).is_some() {
        return emit.ours(node.clone());
    }
    emit.keep(node.clone());
    Ok(())
}

/// Among equal elements the executor takes the last; the first one is the last of the reversed axis.
fn arg_extreme(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let (x, y) = (required(node, 0, "data")?, output(node)?);
    let mut kept = node.clone();
    let selects_last = kept.remove_attr("select_last_index").and_then(|attribute| attribute.i);
    if selects_last.unwrap_or(0) != 0 {
        emit.keep(kept);
        return Ok(());
    }
    let axis = node.attr_i("axis").unwrap_or(0);
    let (last, before_first) = (emit.integers(&[-1]), emit.integers(&[i32::MIN.into()]));
    let (axes, one) = (emit.integers(&[axis]), emit.integers(&[1]));
    let place = emit.fresh();
    kept.input[0] = emit.node("Slice", &[x, &last, &before_first, &axes, &last], []);
    kept.output[0].clone_from(&place);
    emit.keep(kept);
    let shape = emit.node("Shape", &[x], []);
    let length = emit.node("Gather", &[&shape, &axes], []);
    let highest = emit.node("Sub", &[&length, &one], []);
    // A list of one number would add an axis to a result of rank 0.
    let no_axes = emit.integers(&[]);
    let highest = emit.node("Reshape", &[&highest, &no_axes], []);
    emit.node_into(y, "Sub", &[&highest, &place], []);
    Ok(())
}

/// Floats are of 32 bits here, so one of 64 stays as it is, and one of 16 is a 32-bit number that has no more digits.
fn cast(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let (x, y) = (required(node, 0, "input")?, output(node)?);
    let target = node.attr_i("to").unwrap_or_default();
    if half_numbered(target).is_some() {
        let cast = NodeProto::new("Cast", "", &[x], &[y]);
        return emit.ours(cast.with_attr(AttributeProto::int("to", target)));
    }
    if target == DataType::BOOL as i64 && emit.scope.dtype(x) != Some(DataType::BOOL) {
        // The executor would truncate to a whole number.
        let value = emit.node("Cast", &[x], [to(DataType::FLOAT)]);
        let zero = emit.float(0.0);
        let is_zero = emit.node("Equal", &[&value, &zero], []);
        emit.node_into(y, "Not", &[&is_zero], []);
        return Ok(());
    }
    emit.node_into(y, "Cast", &[x], [AttributeProto::int("to", target)]);
    Ok(())
}

fn cast_like(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let like = required(node, 1, "target_type")?;
    let Some(target) = emit.scope.dtype(like) else {
        emit.keep(node.clone());
        return Ok(());
    };
    let mut node = node.clone();
    node.op_type = Some("Cast".to_owned());
    node.input.truncate(1);
    node.attribute = vec![to(target)];
    cast(emit, &node)
}

/// What a node is filled with is of 32 bits where it is a float.
fn filled(emit: &mut Emit<'_, '_>, node: &NodeProto) {
    let mut kept = node.clone();
    let value = node.attr_t("value").filter(|value| value.dtype().is_ok_and(DataType::is_float));
    if let Some(Ok(values)) = value.map(TensorProto::to_f32) {
        let value = TensorProto::from_f32("", &[values.len()], &values);
        kept.set_attr(AttributeProto::tensor("value", value));
    }
    let is_float = |name| emit.scope.is_float(name);
    if node.is("EyeLike") && node.output_name(0).is_some_and(is_float) {
        kept.set_attr(AttributeProto::int("dtype", DataType::FLOAT as i64));
    }
    emit.keep(kept);
}

/// A vector on the right is made a matrix: the executor keeps the axis that it should drop.
fn matmul(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Refusal> {
    let (a, b, y) = (required(node, 0, "A")?, required(node, 1, "B")?, output(node)?);
    if emit.scope.dims(b).is_none_or(|dims| dims.len() != 1) {
        emit.keep(node.clone());
        return Ok(());
    }
    let (one, last) = (emit.integers(&[1]), emit.integers(&[-1]));
    let column = emit.node("Unsqueeze", &[b, &one], []);
    let product = emit.node("MatMul", &[a, &column], []);
    emit.node_into(y, "Squeeze", &[&product, &last], []);
    Ok(())
}

fn to(dtype: DataType) -> AttributeProto {
    AttributeProto::int("to", dtype as i64)
}
