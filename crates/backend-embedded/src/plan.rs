//! Cuts the normalised graph into slices and says what each needs, makes, and leaves behind.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use calibrant_onnx::Topology;

use crate::executor::TensorId;
use crate::observed::{From, Observed, reads};

/// How to run the graph on one sample.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Names of the tensors that cross from one slice to another or are observed.
    pub(crate) tensors: Vec<String>,
    /// Where each of them comes from.
    pub(crate) origins: Vec<Origin>,
    /// The graph's inputs that are needed.
    pub(crate) inputs: Vec<PlannedInput>,
    /// What is computed once, from constants alone.
    pub(crate) constants: Vec<TensorId>,
    /// What is run for each sample, in order.
    pub(crate) slices: Vec<Slice>,
}

/// Where a tensor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The sample: a place in [`Plan::inputs`].
    Input(usize),
    /// Constants: a place in [`Plan::constants`].
    Constant(usize),
    /// A slice.
    Slice,
}

/// An input of the graph.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PlannedInput {
    /// Its name.
    pub(crate) name: String,
    /// Its place among the observed tensors.
    pub(crate) observed: Option<usize>,
}

/// Some nodes that run in one go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// The tensors that it starts from.
    pub(crate) reads: Vec<Read>,
    /// The tensors that it makes for others.
    pub(crate) makes: Vec<Made>,
    /// Its last node, by its place in the graph.
    pub(crate) node: usize,
}

/// A tensor that a slice starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Read {
    /// Which.
    pub(crate) id: TensorId,
    /// Whether nothing reads it afterwards.
    pub(crate) is_last: bool,
}

/// A tensor that a slice makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made {
    /// Which.
    pub(crate) id: TensorId,
    /// Its place among the observed tensors.
    pub(crate) observed: Option<usize>,
    /// Whether a later slice reads it.
    pub(crate) is_kept: bool,
}

/// Returns the plan for the graph of `topology`, of which the values of some tensors are `observed`.
pub(crate) fn plan(topology: &Topology<'_>, observed: &[Observed]) -> Plan {
    let by_values = observed.iter().enumerate().filter(|(_, seen)| seen.from == From::Values);
    let observed: HashMap<&str, usize> =
        by_values.map(|(place, seen)| (seen.name.as_str(), place)).collect();
    let (constant, varying) = split(topology);
    let cuts = cuts(topology, &varying, &observed);
    let last_read = last_reads(topology, &varying, &cuts);

    let mut ids = Ids::default();
    let inputs: Vec<&str> = topology.data_inputs().map(|input| input.label()).collect();
    let inputs: Vec<PlannedInput> = inputs
        .into_iter()
        .filter(|name| last_read.contains_key(name) || observed.contains_key(name))
        .enumerate()
        .map(|(place, name)| {
            ids.add(name, Origin::Input(place));
            PlannedInput { name: name.to_owned(), observed: observed.get(name).copied() }
        })
        .collect();
    let constant = constant.iter().flat_map(|&index| &topology.graph().node[index].output);
    let constants = constant
        .filter(|name| last_read.contains_key(name.as_str()))
        .enumerate()
        .map(|(place, name)| ids.add(name, Origin::Constant(place)))
        .collect();

    let mut slices = Vec::with_capacity(cuts.len());
    for (place, cut) in cuts.iter().enumerate() {
        let nodes = &varying[cut.clone()];
        let read = outer_reads(topology, nodes).into_iter().filter_map(|name| {
            let id = ids.get(name)?;
            Some(Read { id, is_last: last_read[name] == place })
        });
        let reads = read.collect();
        let made = nodes.iter().flat_map(|&index| &topology.graph().node[index].output);
        let makes = made.filter(|name| !name.is_empty()).filter_map(|name| {
            let observed = observed.get(name.as_str()).copied();
            let is_kept = last_read.get(name.as_str()).is_some_and(|&last| last > place);
            (observed.is_some() || is_kept).then(|| Made {
                id: ids.add(name, Origin::Slice),
                observed,
                is_kept,
            })
        });
        let makes = makes.collect();
        slices.push(Slice { reads, makes, node: varying[cut.end - 1] });
    }
    Plan { tensors: ids.names, origins: ids.origins, inputs, constants, slices }
}

/// Numbers for tensors.
#[derive(Debug, Default)]
struct Ids {
    names: Vec<String>,
    origins: Vec<Origin>,
    by_name: HashMap<String, TensorId>,
}

impl Ids {
    fn add(&mut self, name: &str, origin: Origin) -> TensorId {
        let id = TensorId(self.names.len());
        self.names.push(name.to_owned());
        self.origins.push(origin);
        self.by_name.insert(name.to_owned(), id);
        id
    }

    /// `None` for a constant that the executor holds itself.
    fn get(&self, name: &str) -> Option<TensorId> {
        self.by_name.get(name).copied()
    }
}

/// The nodes that no input of the graph reaches, not even by its shape, and the others; both in order.
fn split(topology: &Topology<'_>) -> (Vec<usize>, Vec<usize>) {
    let mut vary: HashSet<&str> = topology.data_inputs().map(|input| input.label()).collect();
    let (mut constant, mut varying) = (Vec::new(), Vec::new());
    for &index in topology.order() {
        if reads(topology, index).any(|name| vary.contains(name)) {
            vary.extend(topology.graph().node[index].output.iter().map(String::as_str));
            varying.push(index);
        } else {
            constant.push(index);
        }
    }
    (constant, varying)
}

/// Cuts after each node that makes an observed tensor; what comes after the last one is left out.
fn cuts(
    topology: &Topology<'_>,
    varying: &[usize],
    observed: &HashMap<&str, usize>,
) -> Vec<Range<usize>> {
    let mut cuts: Vec<Range<usize>> = Vec::new();
    for (place, &index) in varying.iter().enumerate() {
        let mut outputs = topology.graph().node[index].output.iter();
        if outputs.any(|name| observed.contains_key(name.as_str())) {
            cuts.push(cuts.last().map_or(0, |cut| cut.end)..place + 1);
        }
    }
    cuts
}

/// The last slice that reads each tensor from outside itself.
fn last_reads<'a>(
    topology: &Topology<'a>,
    varying: &[usize],
    cuts: &[Range<usize>],
) -> HashMap<&'a str, usize> {
    let read = cuts.iter().enumerate().flat_map(|(place, cut)| {
        outer_reads(topology, &varying[cut.clone()]).into_iter().map(move |name| (name, place))
    });
    read.collect()
}

/// The tensors that `nodes` read and do not make, each once.
fn outer_reads<'a>(topology: &Topology<'a>, nodes: &[usize]) -> Vec<&'a str> {
    let made =
        nodes.iter().flat_map(|&index| &topology.graph().node[index].output).map(String::as_str);
    let mut known: HashSet<&str> = made.collect();
    nodes
        .iter()
        .flat_map(|&index| reads(topology, index))
        .filter(|name| known.insert(name))
        .collect()
}
