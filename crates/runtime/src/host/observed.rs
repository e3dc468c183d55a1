//! Which tensors of the caller's graph are observed, and how what is wanted of them comes about.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{Task, Wanted};
use calibrant_calibration::Histograms;
use calibrant_onnx::facts::{is_elementwise, of_samples, rearranges_values};
use calibrant_onnx::proto::{NodeProto, TensorProto};
use calibrant_onnx::{DataType, Topology};
use calibrant_tensor::OtherFloat;

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
    /// The model's inputs whose infinities may be in it: those of an additive mask, say.
    pub masks: Vec<String>,
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
    let (infinite, masks) = (infinite(scope), Masks::new(scope));
    let task = |name: &str| {
        let is_observed = scope.is_float(name) && scope.is_read(name) && !infinite.contains(name);
        Some(wanted.of_tensor(name)).filter(|task| is_observed && !task.is_empty())
    };
    let mut observed: Vec<Observed> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let of_samples = of_samples(topology);
    for name in topology.data_inputs().map(|input| input.label()) {
        if let Some(task) = task(name) {
            places.insert(name, observed.len());
            let (name, masks) = (name.to_owned(), masks.of(name));
            observed.push(Observed { name, task, from: From::Values, masks });
        }
    }
    for &index in topology.order() {
        let node = &topology.graph().node[index];
        for name in node.output.iter().filter(|name| of_samples.contains(name.as_str())) {
            if let Some(task) = task(name) {
                let of = |name: &str| places.get(name).map(|&place| (place, &observed[place].task));
                let from = from(node, &task, of);
                places.insert(name, observed.len());
                observed.push(Observed { name: name.clone(), task, from, masks: masks.of(name) });
            }
        }
    }
    observed
}

/// Returns the names of the tensors that node `index` reads, those read inside its bodies included.
pub fn reads<'a>(topology: &Topology<'a>, index: usize) -> impl Iterator<Item = &'a str> {
    topology.reads(index)
}

/// The tensors that hold infinities by design: a mask put them there, or numbers that a half type has none for, and nothing
/// has squashed them yet.
fn infinite<'a>(scope: &Scope<'a>) -> HashSet<&'a str> {
    let graph = scope.topology.graph();
    let mut overflowing: HashSet<&str> = HashSet::new();
    for half in [OtherFloat::F16, OtherFloat::Bf16] {
        let is_cast = |node: &&NodeProto| node.is("Cast") && made_by_cast(node) == Some(half);
        let made = graph.node.iter().filter(is_cast).flat_map(|node| &node.output);
        let mut made = made.map(String::as_str).peekable();
        if made.peek().is_some() {
            let is_beyond = |value| half.nearest(value).is_none();
            let beyond = holding(scope, is_beyond, &HashSet::new());
            overflowing.extend(made.filter(|name| beyond.contains(name)));
        }
    }
    holding(scope, f32::is_infinite, &overflowing)
}

/// What a `Cast` makes, where that are floats of another width.
fn made_by_cast(node: &NodeProto) -> Option<OtherFloat> {
    DataType::of_code(i32::try_from(node.attr_i("to")?).ok()?)?.other_float()
}

/// The tensors in which numbers of a kind are by design: constants have them, or they are `made` so, and what reads them
/// passes them on.
fn holding<'a>(
    scope: &Scope<'a>,
    is_such: impl Fn(f32) -> bool,
    made: &HashSet<&str>,
) -> HashSet<&'a str> {
    let has_such = |value: &TensorProto| {
        value.to_f32().is_ok_and(|values| values.iter().any(|&value| is_such(value)))
    };
    let mut holding: HashSet<&str> = HashSet::new();
    for &index in scope.topology.order() {
        let node = &scope.topology.graph().node[index];
        if !passes_on(node) {
            continue;
        }
        let is_filled = node.attr_t("value").is_some_and(has_such);
        let is_made = node.output.iter().any(|name| made.contains(name.as_str()));
        let mut names = scope.topology.reads(index);
        if is_filled
            || is_made
            || names
                .any(|name| holding.contains(name) || scope.constant(name).is_some_and(has_such))
        {
            holding.extend(node.output.iter().map(String::as_str));
        }
    }
    holding
}

/// The tensors that infinities in an input of the model may reach before anything squashes them, by tensor.
struct Masks<'a>(HashMap<&'a str, BTreeSet<&'a str>>);

impl<'a> Masks<'a> {
    fn new(scope: &Scope<'a>) -> Self {
        let topology = scope.topology;
        let inputs = topology.data_inputs().map(|input| input.label());
        let mut reached: HashMap<_, _> =
            inputs.map(|name| (name, BTreeSet::from([name]))).collect();
        for &index in topology.order() {
            let node = &topology.graph().node[index];
            if !passes_on(node) && !is_elementwise(node) {
                continue;
            }
            let masks: BTreeSet<&str> = reads(topology, index)
                .filter_map(|name| reached.get(name))
                .flatten()
                .copied()
                .collect();
            if !masks.is_empty() {
                reached.extend(node.output.iter().map(|name| (name.as_str(), masks.clone())));
            }
        }
        Self(reached)
    }

    fn of(&self, tensor: &str) -> Vec<String> {
        let masks = self.0.get(tensor).into_iter().flatten();
        masks.map(|name| (*name).to_owned()).collect()
    }
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
