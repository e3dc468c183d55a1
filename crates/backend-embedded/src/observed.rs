//! Which tensors of the caller's graph are calibrated, and how their statistics come about.

use std::collections::{HashMap, HashSet};

use calibrant_onnx::proto::{NodeProto, TensorProto};
use calibrant_onnx::{DataType, Slot, Topology};

use crate::scope::Scope;

/// A tensor that gets statistics.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observed {
    /// Its name.
    pub(crate) name: String,
    /// Where its statistics come from.
    pub(crate) from: From,
}

/// Where statistics come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum From {
    /// The tensor's values, as they appear.
    Values,
    /// The values are those of these observed tensors (places in the list), each once for each time it is named:
    /// moving values about changes no count, so their statistics are added up instead.
    Tensors(Vec<usize>),
}

/// Returns the observed tensors of the scope's graph: first its inputs, then in the order in which nodes make them.
pub(crate) fn observed(scope: &Scope<'_>) -> Vec<Observed> {
    let topology = scope.topology;
    let is_float = |name: &str| matches!(scope.dtype(name), None | Some(DataType::FLOAT));
    let infinite = infinite(scope);
    let mut depend: HashSet<&str> = topology.data_inputs().map(|input| input.label()).collect();
    let inputs = topology.data_inputs().map(|input| input.label());
    let mut observed: Vec<Observed> = inputs
        .filter(|name| scope.is_read(name) && is_float(name))
        .map(|name| Observed { name: name.to_owned(), from: From::Values })
        .collect();
    let mut places: HashMap<&str, usize> = HashMap::new();
    places.extend(topology.data_inputs().filter_map(|input| {
        let place = observed.iter().position(|seen| seen.name == input.label())?;
        Some((input.label(), place))
    }));
    for &index in topology.order() {
        let node = &topology.graph().node[index];
        if is_about_shape(node) || !reads(topology, index).any(|name| depend.contains(name)) {
            continue;
        }
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            depend.insert(name);
            if scope.is_read(name) && is_float(name) && !infinite.contains(name.as_str()) {
                places.insert(name, observed.len());
                observed.push(Observed { name: name.clone(), from: from(node, &places) });
            }
        }
    }
    observed
}

/// Returns the names of the tensors that node `index` reads, those read inside its bodies included.
pub(crate) fn reads<'a>(topology: &Topology<'a>, index: usize) -> impl Iterator<Item = &'a str> {
    let node = &topology.graph().node[index];
    let inputs = node.input.iter().map(String::as_str).filter(|name| !name.is_empty());
    let has_bodies = node.subgraphs().next().is_some();
    let captured = if has_bodies { captured(topology, index) } else { Vec::new() };
    inputs.chain(captured)
}

fn captured<'a>(topology: &Topology<'a>, index: usize) -> Vec<&'a str> {
    let graph = topology.graph();
    let made = graph.node.iter().flat_map(|node| &node.output).map(String::as_str);
    let given = graph.input.iter().map(|input| input.label());
    let weights = graph.initializer.iter().map(|tensor| tensor.label());
    let is_captured = |name: &&str| {
        topology
            .consumers(name)
            .iter()
            .any(|reader| reader.node == index && reader.slot == Slot::Captured)
    };
    let mut names: Vec<&str> =
        made.chain(given).chain(weights).filter(|name| !name.is_empty()).collect();
    let mut seen = HashSet::new();
    names.retain(|name| is_captured(name) && seen.insert(*name));
    names
}

/// Whether the outputs say nothing of the values that the node reads, only of their number.
fn is_about_shape(node: &NodeProto) -> bool {
    ["Shape", "Size"].iter().any(|op| node.is(op))
}

/// The tensors that hold infinities by design: a mask put them there, and nothing has squashed them yet.
fn infinite<'a>(scope: &Scope<'a>) -> HashSet<&'a str> {
    const PASS_ON: [&str; 24] = [
        "Add",
        "Cast",
        "CastLike",
        "Concat",
        "ConstantOfShape",
        "Expand",
        "Flatten",
        "Gather",
        "Identity",
        "If",
        "Max",
        "Min",
        "Mul",
        "Neg",
        "Pad",
        "Reshape",
        "Slice",
        "Squeeze",
        "Sub",
        "Tile",
        "Transpose",
        "Trilu",
        "Unsqueeze",
        "Where",
    ];
    let has_infinity = |value: &TensorProto| {
        value.to_f32().is_ok_and(|values| values.iter().any(|value| value.is_infinite()))
    };
    let mut infinite: HashSet<&str> = HashSet::new();
    for &index in scope.topology.order() {
        let node = &scope.topology.graph().node[index];
        if !PASS_ON.iter().any(|op| node.is(op)) {
            continue;
        }
        let is_filled = node.attr_t("value").is_some_and(has_infinity);
        let mut names = reads(scope.topology, index);
        if is_filled
            || names.any(|name| {
                infinite.contains(name) || scope.constant(name).is_some_and(has_infinity)
            })
        {
            infinite.extend(node.output.iter().map(String::as_str));
        }
    }
    infinite
}

/// How the output of `node` comes by its statistics, given the places of the tensors observed so far.
fn from(node: &NodeProto, places: &HashMap<&str, usize>) -> From {
    const MOVES: [&str; 8] = [
        "Identity",
        "Reshape",
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "Transpose",
        "DepthToSpace",
        "SpaceToDepth",
    ];
    let sources = if MOVES.iter().any(|op| node.is(op)) {
        node.input.get(..1)
    } else if node.is("Concat") {
        Some(node.input.as_slice())
    } else {
        None
    };
    let places =
        sources.map(|names| names.iter().map(|name| places.get(name.as_str()).copied()).collect());
    places.flatten().map_or(From::Values, From::Tensors)
}
