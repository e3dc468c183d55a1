//! Which tensors of the caller's graph are observed, and how what is wanted of them comes about.

use std::collections::{HashMap, HashSet};

use crate::{Task, Wanted};
use calibrant_calibration::Histograms;
use calibrant_onnx::facts::rearranges_values;
use calibrant_onnx::proto::{NodeProto, TensorProto};
use calibrant_onnx::{DataType, ReadAs, Topology};

use super::Scope;

/// A tensor of which something is wanted.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Its name.
    pub name: String,
    /// What is wanted of it.
    pub task: Task,
    /// Where its statistics come from.
    pub from: From,
}

/// Where what is wanted comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    /// The tensor's values, as they appear.
    Values,
    /// Only statistics are wanted, and the values are those of these observed tensors (places in the list), each once for
    /// each time it is named: moving values about changes no count, so their statistics are added up instead.
    Tensors(Vec<usize>),
}

/// Returns the observed tensors of the scope's graph: first its inputs, then in the order in which nodes make them.
pub fn observed(scope: &Scope<'_>, wanted: &Wanted) -> Vec<Observed> {
    let topology = scope.topology;
    let infinite = infinite(scope);
    let task = |name: &str| {
        let is_float = matches!(scope.dtype(name), None | Some(DataType::FLOAT));
        let is_observed = is_float && scope.is_read(name) && !infinite.contains(name);
        Some(wanted.of_tensor(name)).filter(|task| is_observed && !task.is_empty())
    };
    let mut observed: Vec<Observed> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut depend: HashSet<&str> = HashSet::new();
    for name in topology.data_inputs().map(|input| input.label()) {
        depend.insert(name);
        if let Some(task) = task(name) {
            places.insert(name, observed.len());
            observed.push(Observed { name: name.to_owned(), task, from: From::Values });
        }
    }
    for &index in topology.order() {
        let node = &topology.graph().node[index];
        if is_about_shape(node) || !reads(topology, index).any(|name| depend.contains(name)) {
            continue;
        }
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            depend.insert(name);
            if let Some(task) = task(name) {
                let of = |name: &str| places.get(name).map(|&place| (place, &observed[place].task));
                let from = from(node, &task, of);
                places.insert(name, observed.len());
                observed.push(Observed { name: name.clone(), task, from });
            }
        }
    }
    observed
}

/// Returns the names of the tensors that node `index` reads, those read inside its bodies included.
pub fn reads<'a>(topology: &Topology<'a>, index: usize) -> impl Iterator<Item = &'a str> {
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
            .any(|reader| reader.node == index && reader.read_as == ReadAs::Captured)
    };
    let mut names: Vec<&str> =
        made.chain(given).chain(weights).filter(|name| !name.is_empty()).collect();
    let mut seen = HashSet::new();
    names.retain(|name| is_captured(name) && seen.insert(*name));
    names
}

/// Whether the outputs say nothing of the values that the node reads, only of their number.
fn is_about_shape(node: &NodeProto) -> bool {
    node.is_default_domain() && matches!(node.op(), "Shape" | "Size" | "EyeLike")
}

/// The tensors that hold infinities by design: a mask put them there, and nothing has squashed them yet.
fn infinite<'a>(scope: &Scope<'a>) -> HashSet<&'a str> {
    let has_infinity = |value: &TensorProto| {
        value.to_f32().is_ok_and(|values| values.iter().any(|value| value.is_infinite()))
    };
    let mut infinite: HashSet<&str> = HashSet::new();
    for &index in scope.topology.order() {
        let node = &scope.topology.graph().node[index];
        if !passes_on(node) {
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

/// Whether an infinity among the inputs of `node` is one among its outputs.
fn passes_on(node: &NodeProto) -> bool {
    let is_arithmetic =
        matches!(node.op(), "Add" | "Sub" | "Mul" | "Neg" | "Max" | "Min" | "Where");
    let is_conversion = matches!(node.op(), "Cast" | "CastLike" | "If");
    let makes_larger =
        matches!(node.op(), "ConstantOfShape" | "Expand" | "Tile" | "Pad" | "Concat");
    let selects = matches!(node.op(), "Gather" | "Slice" | "Trilu");
    node.is_default_domain()
        && (is_arithmetic || is_conversion || makes_larger || selects || rearranges_values(node))
}

/// How the output of `node`, of which `task` is wanted, comes about, given the places and tasks of the tensors observed so
/// far.
///
/// TensorRT's own histograms of several tensors do not add up: the bins of each have a width of their own.
fn from<'t>(
    node: &NodeProto,
    task: &Task,
    observed: impl Fn(&str) -> Option<(usize, &'t Task)>,
) -> From {
    if task.wants_places() {
        return From::Values;
    }
    let sources = if rearranges_values(node) {
        node.input.get(..1)
    } else if node.is("Concat") && task.histograms() == Some(Histograms::Invariant) {
        Some(node.input.as_slice())
    } else {
        None
    };
    let place = |name: &String| {
        let (place, of_source) = observed(name)?;
        (of_source.histograms() == task.histograms()).then_some(place)
    };
    let places = sources.and_then(|names| names.iter().map(place).collect());
    places.map_or(From::Values, From::Tensors)
}
