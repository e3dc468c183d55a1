//! Where float32 ends: as few Casts as there can be.
//!
//! What has a reason to be float32 and what gains from a half type stand fixed. In between, nodes that compute element
//! by element or only move values can be either, and which they are decides where Casts go, and how many. Each tensor
//! that is made in one type and read in another costs one Cast, however many readers there are; the cheapest choice is
//! a minimum cut, and of several the one with the least in float32 is taken. A Cast right behind a node that reads
//! int8 costs a little more, because it would part the node from what TensorRT fuses it with.

use super::flow::{Flow, Maker, NodeId};
use super::min_cut::{MinCut, SINK, SOURCE, UNCUTTABLE};
use super::options::IoPrecision;
use super::scales;
use super::units::{End, UnitId, Units};

/// What a Cast costs, and what it costs right behind a node that reads int8.
const CAST: u64 = 2;
const CAST_BEHIND_INT8: u64 = 3;

/// Operators that compute each element by itself, or only move values; sorted.
#[rustfmt::skip]
const LIGHT: [&str; 73] = [
    "Abs", "Acos", "Acosh", "Add", "Asin", "Asinh", "Atan", "Atanh", "BatchNormalization", "Cast", "CastLike", "Ceil",
    "CenterCropPad", "Clip", "Compress", "Concat", "ConstantOfShape", "Cos", "Cosh", "DepthToSpace", "Div", "Dropout",
    "Elu", "Erf", "Exp", "Expand", "EyeLike", "Flatten", "Floor", "Gather", "GatherElements", "GatherND", "Gelu",
    "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg",
    "PRelu", "Pad", "Pow", "Reciprocal", "Relu", "Reshape", "ReverseSequence", "Round", "Selu", "Shrink", "Sigmoid",
    "Sign", "Sin", "Slice", "Softplus", "Softsign", "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Swish",
    "Tanh", "Tile", "Transpose", "Unsqueeze", "Where",
];

/// What is known of a unit before the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Float32,
    Half,
    /// Either.
    Free,
}

/// The cheapest choice.
#[derive(Debug)]
pub(super) struct Cut {
    /// By unit: whether it is float32.
    pub(super) units: Vec<bool>,
    /// By input of the model: whether it is float32.
    pub(super) inputs: Vec<bool>,
}

/// Whether `node` may be in either type for all that it gains from one.
pub(super) fn is_light(flow: &Flow<'_>, node: NodeId) -> bool {
    let node = &flow.nodes[node];
    LIGHT.binary_search(&node.proto.op()).is_ok() || !node.bodies.is_empty()
}

/// Returns the cheapest choice for what is free.
pub(super) fn cut(
    flow: &Flow<'_>,
    units: &Units,
    sides: &[Side],
    io: IoPrecision,
    inputs: &[Side],
) -> Cut {
    let mut graph = MinCut::new();
    let mut vertex = |side: &Side| match side {
        Side::Float32 => SOURCE,
        Side::Half => SINK,
        Side::Free => graph.add_vertex(),
    };
    let unit_vertices: Vec<usize> = sides.iter().map(&mut vertex).collect();
    let input_vertices: Vec<usize> = inputs.iter().map(&mut vertex).collect();
    for value in (0..flow.values.len()).filter(|&value| flow.is_float(value)) {
        let maker = match (units.made(flow, value), flow.values[value].maker) {
            (End::Unit(unit), _) => unit_vertices[unit],
            (End::Float32, _) => SOURCE,
            (End::Caller, Maker::Input(place)) => input_vertices[place],
            _ => continue,
        };
        let readers =
            flow.values[value].readers.iter().filter_map(|&reader| match units.wanted(reader) {
                End::Unit(unit) => Some(unit_vertices[unit]),
                End::Float32 => Some(SOURCE),
                End::Caller => (io == IoPrecision::Fp32).then_some(SOURCE),
                End::NotFloat | End::Any | End::Constant => None,
            });
        let cost = cost(flow, units.made(flow, value), units);
        join(&mut graph, maker, readers.collect(), cost);
    }
    let side = graph.source_side();
    Cut {
        units: unit_vertices.into_iter().map(|vertex| side[vertex]).collect(),
        inputs: input_vertices.into_iter().map(|vertex| side[vertex]).collect(),
    }
}

fn cost(flow: &Flow<'_>, made: End, units: &Units) -> u64 {
    let is_behind_int8 = |unit: UnitId| scales::reads_dequantized(flow, units.units[unit].node);
    match made {
        End::Unit(unit) if is_behind_int8(unit) => CAST_BEHIND_INT8,
        _ => CAST,
    }
}

/// Adds a tensor: `cost` once when the maker is float32 and a reader is not, and once the other way round.
fn join(graph: &mut MinCut, maker: usize, readers: Vec<usize>, cost: u64) {
    if readers.iter().all(|&reader| reader == maker) {
        return;
    }
    let (down, up) = (graph.add_vertex(), graph.add_vertex());
    graph.add_edge(maker, down, cost);
    graph.add_edge(up, maker, cost);
    for reader in readers {
        graph.add_edge(down, reader, UNCUTTABLE);
        graph.add_edge(reader, up, UNCUTTABLE);
    }
}

#[cfg(test)]
mod tests {
    use super::LIGHT;

    #[test]
    fn the_table_is_sorted() {
        assert!(LIGHT.is_sorted());
    }
}
