//! Parts of a model that are float32 as a whole: the arithmetic of shapes, and what the model keeps between Casts.

use std::collections::HashSet;

use calibrant_onnx::DataType;

use super::flow::{Flow, Maker, Node, NodeId, Reader, ValueId};
use super::units::{End, UnitId, Units};

/// Inputs that take sizes or places; sorted. What is computed for them has to be exact.
#[rustfmt::skip]
const SIZES: [(&str, &[usize]); 16] = [
    ("CenterCropPad", &[1]), ("Col2Im", &[1, 2]), ("ConstantOfShape", &[0]), ("Expand", &[1]), ("MaxUnpool", &[2]),
    ("OneHot", &[1]), ("Pad", &[1, 3]), ("Range", &[0, 1, 2]), ("Reshape", &[1]), ("Resize", &[1, 2, 3]),
    ("Slice", &[1, 2, 3, 4]), ("Split", &[1]), ("Squeeze", &[1]), ("Tile", &[1]), ("TopK", &[1]), ("Unsqueeze", &[1]),
];

/// Returns the nodes that compute with sizes alone: everything that varies among what they read comes from `Shape` or
/// `Size`, or everything that is made of their results ends as a size.
///
/// TensorRT computes those on the host, in whole numbers and float32 only.
pub(super) fn shape_arithmetic(flow: &Flow<'_>) -> HashSet<NodeId> {
    let from_shapes = made_of_shapes(flow);
    let into_sizes = ending_as_sizes(flow);
    let is_one = |node: &NodeId| {
        let outputs = flow.nodes[*node].outputs.iter().flatten();
        let mut outputs = outputs.copied().peekable();
        outputs.peek().is_some()
            && outputs.all(|value| from_shapes.contains(&value) || into_sizes.contains(&value))
    };
    (0..flow.nodes.len()).filter(is_one).collect()
}

fn made_of_shapes(flow: &Flow<'_>) -> HashSet<ValueId> {
    let mut found = HashSet::new();
    for node in &flow.nodes {
        let is_shape = matches!(node.proto.op(), "Shape" | "Size");
        // What these make has a size from a shape, but is data.
        if matches!(node.proto.op(), "ConstantOfShape" | "EyeLike" | "Expand" | "Range" | "Tile") {
            continue;
        }
        let varying = node.inputs.iter().flatten();
        let mut varying = varying.filter(|&&value| !is_fixed(flow, value)).peekable();
        let is_made_of_shapes = node.bodies.is_empty()
            && varying.peek().is_some()
            && varying.all(|value| found.contains(value));
        if node.proto.is_default_domain() && (is_shape || is_made_of_shapes) {
            found.extend(node.outputs.iter().flatten());
        }
    }
    found
}

fn is_fixed(flow: &Flow<'_>, value: ValueId) -> bool {
    matches!(flow.values[value].maker, Maker::Constant | Maker::Sparse)
}

fn ending_as_sizes(flow: &Flow<'_>) -> HashSet<ValueId> {
    let mut found: HashSet<ValueId> = HashSet::new();
    // Readers come behind what they read, so that going backwards they are known first.
    for node in flow.nodes.iter().rev().filter(|node| node.bodies.is_empty()) {
        for value in node.outputs.iter().flatten() {
            let readers = &flow.values[*value].readers;
            let ends = |reader: &Reader| match *reader {
                Reader::Node(reader, input) => {
                    let reader = &flow.nodes[reader];
                    takes_size(reader, input)
                        || (reader.bodies.is_empty()
                            && reader.outputs.iter().flatten().all(|made| found.contains(made)))
                }
                Reader::Output(..) => false,
            };
            if !readers.is_empty() && readers.iter().all(ends) {
                found.insert(*value);
            }
        }
    }
    found
}

fn takes_size(node: &Node<'_>, input: usize) -> bool {
    let place = SIZES.binary_search_by_key(&node.proto.op(), |(op, _)| op);
    node.proto.is_default_domain() && place.is_ok_and(|place| SIZES[place].1.contains(&input))
}

/// Returns the units that the model keeps in float32 itself: those joined, by float32 tensors, to a Cast from or to a
/// half type inside the model.
///
/// A model that was cast before is left alone by this, and so is one that was trained in mixed precision. Casts right
/// behind an input of the model or right before an output do not count: those say what the caller holds, not how to
/// compute.
pub(super) fn on_purpose(flow: &Flow<'_>, units: &Units) -> HashSet<UnitId> {
    let mut waiting: Vec<ValueId> = Vec::new();
    for node in flow.nodes.iter().filter(|node| node.proto.is("Cast")) {
        let (Some(&Some(from)), Some(&Some(to))) = (node.inputs.first(), node.outputs.first())
        else {
            continue;
        };
        if is_half(flow, from) && flow.is_float(to) && !is_callers(flow, from) {
            waiting.push(to);
        }
        if flow.is_float(from) && is_half(flow, to) && !goes_to_caller_alone(flow, to) {
            waiting.push(from);
        }
    }
    let mut seen: HashSet<ValueId> = HashSet::new();
    let mut found = HashSet::new();
    while let Some(value) = waiting.pop() {
        if !seen.insert(value) {
            continue;
        }
        let made = units.made(flow, value);
        let readers = flow.values[value].readers.iter().map(|&reader| units.wanted(reader));
        for end in readers.chain([made]) {
            let End::Unit(unit) = end else { continue };
            if found.insert(unit) {
                waiting.extend(tensors_of(flow, units, unit));
            }
        }
    }
    found
}

/// Returns the tensors that stand where `unit` is asked for, constants left out.
fn tensors_of(flow: &Flow<'_>, units: &Units, unit: UnitId) -> Vec<ValueId> {
    let node = units.units[unit].node;
    let proto = &flow.nodes[node];
    let bodies = proto.bodies.iter().map(|&body| &flow.graphs[body]);
    let inner = bodies.flat_map(|body| body.inputs.iter().chain(&body.outputs)).flatten();
    let outer = proto.inputs.iter().chain(&proto.outputs).flatten();
    let all = outer.chain(inner).copied();
    all.filter(|&value| !is_fixed(flow, value) && touches(flow, units, value, unit)).collect()
}

fn touches(flow: &Flow<'_>, units: &Units, value: ValueId, unit: UnitId) -> bool {
    let readers = flow.values[value].readers.iter().map(|&reader| units.wanted(reader));
    readers.chain([units.made(flow, value)]).any(|end| end == End::Unit(unit))
}

pub(super) fn is_half(flow: &Flow<'_>, value: ValueId) -> bool {
    matches!(flow.values[value].dtype, Some(DataType::FLOAT16 | DataType::BFLOAT16))
}

fn is_callers(flow: &Flow<'_>, value: ValueId) -> bool {
    let value = &flow.values[value];
    value.graph == 0 && matches!(value.maker, Maker::Input(_))
}

fn goes_to_caller_alone(flow: &Flow<'_>, value: ValueId) -> bool {
    flow.values[value].readers.iter().all(|reader| matches!(reader, Reader::Output(0, _)))
}

#[cfg(test)]
mod tests {
    use super::SIZES;

    #[test]
    fn the_table_is_sorted() {
        assert!(SIZES.is_sorted_by_key(|(op, _)| op));
    }
}
