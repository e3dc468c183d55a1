//! Who makes and who reads each tensor of a graph, in which order its nodes run, what is constant.
//!
//! It looks at one graph. The bodies of `If`, `Loop` and `Scan` are graphs of their own; what they
//! take from this graph by name counts as read by the node that holds them.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::constant;
use crate::proto::{GraphProto, NodeProto, TensorProto, TypeProto, ValueInfoProto};
use crate::{TensorType, TopologyError};

/// Where a tensor of a graph comes from. Numbers are places in the graph's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The caller.
    Input(usize),
    /// A weight; also when an input carries the same name, which makes it a default value.
    Initializer(usize),
    /// A weight stored as indices and values.
    SparseInitializer(usize),
    /// It is an output of a node.
    Node {
        /// The node's index in the graph.
        node: usize,
        /// The index among its outputs.
        output: usize,
    },
}

/// A node that reads a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Use {
    /// The node's place in the graph.
    pub node: usize,
    /// How it reads.
    pub read_as: ReadAs,
}

/// How a node reads a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadAs {
    /// As this input.
    Input(usize),
    /// By name, inside a graph in one of its attributes.
    Captured,
}

/// An index over one graph.
#[derive(Debug, Clone)]
pub struct Topology<'g> {
    graph: &'g GraphProto,
    origins: HashMap<&'g str, Origin>,
    consumers: HashMap<&'g str, Vec<Use>>,
    types: HashMap<&'g str, &'g TypeProto>,
    constants: HashMap<&'g str, Cow<'g, TensorProto>>,
    outputs: HashSet<&'g str>,
    order: Vec<usize>,
}

impl<'g> Topology<'g> {
    /// Returns the index of `graph`.
    ///
    /// A name that nothing in `graph` makes is fine here (a body reads its surroundings);
    /// [`validate`](crate::validate()) reports the ones that nothing makes at all.
    ///
    /// # Errors
    ///
    /// When two nodes make one tensor, or nodes wait for each other.
    pub fn new(graph: &'g GraphProto) -> Result<Self, TopologyError> {
        let origins = origins(graph)?;
        let consumers = consumers(graph);
        let order = order(graph, &origins, &consumers)?;
        let constants = constants(graph, &order);
        let infos = graph.value_info.iter().chain(&graph.output).chain(&graph.input);
        let types = infos.filter_map(|info| Some((info.label(), info.r#type.as_option()?)));
        Ok(Self {
            types: types.collect(),
            outputs: graph.output.iter().map(ValueInfoProto::label).collect(),
            graph,
            origins,
            consumers,
            constants,
            order,
        })
    }

    /// Has these tensors among the constants.
    pub(crate) fn add_constants(&mut self, made: HashMap<&'g str, TensorProto>) {
        self.constants.extend(made.into_iter().map(|(name, value)| (name, Cow::Owned(value))));
    }

    /// Returns the graph.
    #[must_use]
    pub fn graph(&self) -> &'g GraphProto {
        self.graph
    }

    /// Returns the places of all nodes so that each comes after those it reads from; nodes that
    /// are free to run at the same time keep the graph's order.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Returns where `tensor` comes from, `None` when nothing in this graph makes it.
    #[must_use]
    pub fn origin(&self, tensor: &str) -> Option<Origin> {
        self.origins.get(tensor).copied()
    }

    /// Returns the node that makes `tensor`, with its place.
    #[must_use]
    pub fn producer(&self, tensor: &str) -> Option<(usize, &'g NodeProto)> {
        match self.origin(tensor)? {
            Origin::Node { node, .. } => Some((node, &self.graph.node[node])),
            Origin::Input(_) | Origin::Initializer(_) | Origin::SparseInitializer(_) => None,
        }
    }

    /// Returns who reads `tensor`, in the graph's order, a node once for each input.
    #[must_use]
    pub fn consumers(&self, tensor: &str) -> &[Use] {
        self.consumers.get(tensor).map_or(&[], Vec::as_slice)
    }

    /// Returns the names of the tensors that the node at this place reads, those that its bodies read from this graph
    /// included.
    ///
    /// # Panics
    ///
    /// When there is no such node.
    pub fn reads(&self, node: usize) -> impl Iterator<Item = &'g str> + use<'g> {
        let reader = &self.graph.node[node];
        let mut captured: Vec<&str> = reader.subgraphs().flat_map(captures).collect();
        let mut seen = HashSet::new();
        captured.retain(|name| self.origins.contains_key(name) && seen.insert(*name));
        let inputs = reader.input.iter().map(String::as_str).filter(|name| !name.is_empty());
        inputs.chain(captured)
    }

    /// Whether `tensor` is an output of the graph.
    #[must_use]
    pub fn is_output(&self, tensor: &str) -> bool {
        self.outputs.contains(tensor)
    }

    /// Returns the initializer called `tensor`.
    #[must_use]
    pub fn initializer(&self, tensor: &str) -> Option<&'g TensorProto> {
        match self.origin(tensor)? {
            Origin::Initializer(index) => Some(&self.graph.initializer[index]),
            Origin::Input(_) | Origin::SparseInitializer(_) | Origin::Node { .. } => None,
        }
    }

    /// Returns the value of `tensor` when the model fixes it: an initializer, the output of a
    /// `Constant`, or an `Identity` of one.
    #[must_use]
    pub fn constant(&self, tensor: &str) -> Option<&TensorProto> {
        self.constants.get(tensor).map(Cow::as_ref)
    }

    /// Returns the inputs that the caller must give, those without a default.
    pub fn data_inputs(&self) -> impl Iterator<Item = &'g ValueInfoProto> {
        let is_data =
            |info: &&ValueInfoProto| matches!(self.origin(info.label()), Some(Origin::Input(_)));
        self.graph.input.iter().filter(is_data)
    }

    /// Returns what the model states about the type of `tensor`, be it in the inputs, the outputs
    /// or in between; the inputs win.
    #[must_use]
    pub fn tensor_type(&self, tensor: &str) -> Option<TensorType<'g>> {
        self.types.get(tensor)?.tensor_type()
    }
}

/// Returns each name that `graph` reads but does not make itself, nested bodies included.
pub(crate) fn captures(graph: &GraphProto) -> Vec<&str> {
    let mut made: HashSet<&str> = graph.input.iter().map(ValueInfoProto::label).collect();
    made.extend(graph.initializer.iter().map(TensorProto::label));
    made.extend(graph.sparse_initializer.iter().map(|sparse| sparse.values.label()));
    made.extend(graph.node.iter().flat_map(|node| &node.output).map(String::as_str));
    let read_by = |node| NodeProto::subgraphs(node).flat_map(captures);
    let by_nodes = graph.node.iter();
    let by_nodes = by_nodes.flat_map(|n| n.input.iter().map(String::as_str).chain(read_by(n)));
    let read = by_nodes.chain(graph.output.iter().map(ValueInfoProto::label));
    read.filter(|name| !name.is_empty() && !made.contains(name)).collect()
}

fn origins(graph: &GraphProto) -> Result<HashMap<&str, Origin>, TopologyError> {
    let inputs = graph.input.iter().map(ValueInfoProto::label).enumerate();
    let sparse = graph.sparse_initializer.iter().map(|sparse| sparse.values.label()).enumerate();
    let dense = graph.initializer.iter().map(TensorProto::label).enumerate();
    let given = inputs.map(|(i, name)| (name, Origin::Input(i)));
    let given = given.chain(sparse.map(|(i, name)| (name, Origin::SparseInitializer(i))));
    let given = given.chain(dense.map(|(i, name)| (name, Origin::Initializer(i))));
    let mut origins: HashMap<&str, Origin> = given.filter(|(name, _)| !name.is_empty()).collect();
    for (node, made_by) in graph.node.iter().enumerate() {
        let outputs = made_by.output.iter().enumerate();
        for (output, tensor) in outputs.filter(|(_, tensor)| !tensor.is_empty()) {
            let Some(first) = origins.insert(tensor, Origin::Node { node, output }) else {
                continue;
            };
            return Err(TopologyError::Duplicate {
                tensor: tensor.clone(),
                first: first.describe(graph),
                second: made_by.label(node),
            });
        }
    }
    Ok(origins)
}

impl Origin {
    pub(crate) fn describe(self, graph: &GraphProto) -> String {
        match self {
            Self::Input(index) => format!("graph input {index}"),
            Self::Initializer(index) => format!("initializer {index}"),
            Self::SparseInitializer(index) => format!("sparse initializer {index}"),
            Self::Node { node, .. } => graph.node[node].label(node),
        }
    }
}

fn consumers(graph: &GraphProto) -> HashMap<&str, Vec<Use>> {
    let mut consumers: HashMap<&str, Vec<Use>> = HashMap::new();
    for (node, reader) in graph.node.iter().enumerate() {
        for (i, tensor) in reader.input.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            consumers.entry(tensor).or_default().push(Use { node, read_as: ReadAs::Input(i) });
        }
        let mut captured: Vec<&str> = reader.subgraphs().flat_map(captures).collect();
        captured.sort_unstable();
        captured.dedup();
        for tensor in captured {
            consumers.entry(tensor).or_default().push(Use { node, read_as: ReadAs::Captured });
        }
    }
    consumers
}

/// Kahn's algorithm; of the nodes that are ready the first in the graph goes first.
fn order(
    graph: &GraphProto,
    origins: &HashMap<&str, Origin>,
    consumers: &HashMap<&str, Vec<Use>>,
) -> Result<Vec<usize>, TopologyError> {
    let mut n_waiting = vec![0_usize; graph.node.len()];
    for (tensor, uses) in consumers {
        if let Some(Origin::Node { .. }) = origins.get(tensor) {
            uses.iter().for_each(|reader| n_waiting[reader.node] += 1);
        }
    }
    let ready = n_waiting.iter().enumerate().filter(|&(_, &n)| n == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = ready.map(|(node, _)| Reverse(node)).collect();
    let mut order = Vec::with_capacity(graph.node.len());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        let outputs = graph.node[node].output.iter().filter(|name| !name.is_empty());
        for reader in outputs.filter_map(|name| consumers.get(name.as_str())).flatten() {
            n_waiting[reader.node] -= 1;
            if n_waiting[reader.node] == 0 {
                ready.push(Reverse(reader.node));
            }
        }
    }
    if order.len() == graph.node.len() {
        return Ok(order);
    }
    let stuck = n_waiting.iter().enumerate().filter(|&(_, &n)| n > 0);
    let nodes = stuck.map(|(node, _)| graph.node[node].label(node)).take(8).collect();
    Err(TopologyError::Cycle { nodes })
}

fn constants<'g>(graph: &'g GraphProto, order: &[usize]) -> HashMap<&'g str, Cow<'g, TensorProto>> {
    let mut constants: HashMap<&str, Cow<'_, TensorProto>> = HashMap::new();
    let mut budget_bytes = constant::DENSE_LIMIT_BYTES;
    for sparse in &graph.sparse_initializer {
        if let Some(dense) = constant::densify(sparse, &mut budget_bytes) {
            constants.insert(sparse.values.label(), Cow::Owned(dense));
        }
    }
    let initializers = graph.initializer.iter();
    constants.extend(initializers.map(|tensor| (tensor.label(), Cow::Borrowed(tensor))));
    for node in order.iter().map(|&node| &graph.node[node]) {
        let Some(output) = node.output.first().filter(|name| !name.is_empty()) else { continue };
        let value = if node.is("Constant") {
            constant::of_node(node, &mut budget_bytes)
        } else if node.is("Identity") {
            node.input_name(0).and_then(|input| constants.get(input).cloned())
        } else {
            None
        };
        if let Some(value) = value {
            constants.insert(output, value);
        }
    }
    constants
}
