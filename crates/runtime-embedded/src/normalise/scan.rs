//! `Scan` as a `Loop` that takes its slices by their number.

use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use calibrant_runtime::Refusal;

use super::emit::{Emit, required};

/// How a `Scan` goes through a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    axis: i64,
    is_reversed: bool,
}

/// Emits the nodes around the loop that computes `node`, and returns the loop, whose body is ONNX's still.
pub(crate) fn as_loop(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<NodeProto, Refusal> {
    if emit.scope.opset < 9 {
        // The first version has batches and lengths of sequences.
        return Err(Refusal::Attribute { name: "opset", value: emit.scope.opset.to_string() });
    }
    let body = node.attr_g("body").ok_or(Refusal::Missing { name: "body" })?;
    let n_scanned = node.attr_i("num_scan_inputs").and_then(|count| usize::try_from(count).ok());
    let n_scanned = n_scanned.ok_or(Refusal::Missing { name: "num_scan_inputs" })?;
    let counts = Refusal::Attribute { name: "num_scan_inputs", value: n_scanned.to_string() };
    let Some(n_states) = node.input.len().checked_sub(n_scanned).filter(|_| n_scanned > 0) else {
        return Err(counts);
    };
    if body.input.len() != node.input.len() || body.output.len() < n_states {
        return Err(counts);
    }
    let scanned = ways(node, "scan_input", n_scanned)?;

    let first = required(node, n_states, "scan_inputs")?;
    let shape = emit.node("Shape", &[first], []);
    let (axis, one) = (emit.scalar(scanned[0].axis), emit.scalar(1));
    let length = emit.node("Gather", &[&shape, &axis], []);
    let last = emit.node("Sub", &[&length, &one], []);
    let turn = emit.fresh();
    let mut inner = GraphProto { initializer: body.initializer.clone(), ..GraphProto::default() };
    let names = [turn.clone(), emit.fresh()];
    inner.input = names.iter().cloned().map(named).collect();
    inner.input.extend(body.input[..n_states].iter().cloned());
    for (index, way) in scanned.iter().enumerate() {
        // Under a name that no tensor of the body can have.
        let whole = emit.node("Identity", &[required(node, n_states + index, "scan_inputs")?], []);
        let place = if way.is_reversed {
            let place = emit.fresh();
            inner.node.push(NodeProto::new("Sub", "", &[&last, &turn], &[&place]));
            place
        } else {
            turn.clone()
        };
        let slice = body.input[n_states + index].label();
        let gather = NodeProto::new("Gather", "", &[&whole, &place], &[slice]);
        inner.node.push(gather.with_attr(AttributeProto::int("axis", way.axis)));
    }
    inner.node.extend(body.node.iter().cloned());
    inner.value_info = body.value_info.clone();
    inner.value_info.extend(body.input.iter().chain(&body.output).cloned());
    let goes_on = emit.fresh();
    inner.node.push(NodeProto::new("Identity", "", &[&names[1]], &[&goes_on]));
    inner.output = vec![named(goes_on)];
    inner.output.extend(body.output.iter().map(|output| named(output.label().to_owned())));

    let yes = emit.constant(|name| TensorProto::from_bool(name, &[], &[true]));
    let states = node.input[..n_states].iter().map(String::as_str);
    let inputs: Vec<&str> = [length.as_str(), &yes].into_iter().chain(states).collect();
    let mut turned = NodeProto::new("Loop", "", &inputs, &[]);
    turned.output.clone_from(&node.output);
    turned.output.resize(body.output.len(), String::new());
    turned.set_attr(AttributeProto::graph("body", inner));
    Ok(turned)
}

/// Puts the outputs that `turned`, the loop, stacks in the order and along the axis that `node` says; returns what follows
/// the loop.
pub(crate) fn after_loop(
    emit: &mut Emit<'_, '_>,
    node: &NodeProto,
    turned: &mut NodeProto,
) -> Result<Vec<NodeProto>, Refusal> {
    let Some(body) = node.attr_g("body") else { return Ok(Vec::new()) };
    let n_scanned = node.attr_i("num_scan_inputs").and_then(|count| usize::try_from(count).ok());
    let n_states = node.input.len() - n_scanned.unwrap_or(0);
    let ways = ways(node, "scan_output", body.output.len() - n_states)?;
    let mut after = Vec::new();
    for (way, place) in ways.into_iter().zip(n_states..) {
        let output = turned.output[place].clone();
        if output.is_empty() || way == (Way { axis: 0, is_reversed: false }) {
            continue;
        }
        let stacked = emit.fresh();
        turned.output[place].clone_from(&stacked);
        let ordered = if way.is_reversed {
            let ordered = if way.axis == 0 { output.clone() } else { emit.fresh() };
            let (last, before_first) = (emit.integers(&[-1]), emit.integers(&[i32::MIN.into()]));
            let axes = emit.integers(&[0]);
            let inputs = [stacked.as_str(), &last, &before_first, &axes, &last];
            after.push(NodeProto::new("Slice", "", &inputs, &[&ordered]));
            ordered
        } else {
            stacked
        };
        if way.axis != 0 {
            let stated = body.output[place].tensor_type().and_then(|stated| stated.shape);
            let rank = stated.and_then(|shape| i64::try_from(shape.len() + 1).ok());
            let rank = rank.ok_or(Refusal::Unknown { what: "an output's rank is" })?;
            let axis = if way.axis < 0 { way.axis + rank } else { way.axis };
            if !(0..rank).contains(&axis) {
                return Err(Refusal::Attribute {
                    name: "scan_output_axes",
                    value: axis.to_string(),
                });
            }
            let order: Vec<i64> = (1..=axis).chain([0]).chain(axis + 1..rank).collect();
            let transpose = NodeProto::new("Transpose", "", &[&ordered], &[&output]);
            after.push(transpose.with_attr(AttributeProto::ints("perm", &order)));
        }
    }
    Ok(after)
}

fn ways(node: &NodeProto, of: &str, count: usize) -> Result<Vec<Way>, Refusal> {
    let list = |what: &str| -> Result<Vec<i64>, Refusal> {
        let stated = node.attr_ints(&format!("{of}_{what}")).map(<[i64]>::to_vec);
        let list = stated.unwrap_or_else(|| vec![0; count]);
        let refusal =
            Refusal::Attribute { name: "scan axes or directions", value: format!("{list:?}") };
        if list.len() == count { Ok(list) } else { Err(refusal) }
    };
    let (axes, directions) = (list("axes")?, list("directions")?);
    let ways = axes.into_iter().zip(directions);
    Ok(ways.map(|(axis, direction)| Way { axis, is_reversed: direction != 0 }).collect())
}

fn named(name: String) -> ValueInfoProto {
    ValueInfoProto { name: Some(name), ..ValueInfoProto::default() }
}

impl Emit<'_, '_> {
    /// Returns the name of a constant whole number.
    fn scalar(&mut self, value: i64) -> String {
        self.constant(|name| TensorProto::from_i64(name, &[], &[value]))
    }
}
