//! A model with all its inner graphs as one list of nodes and one of tensors, each tensor with its element type.
//!
//! Names are resolved here once: a body may read the tensors of the graphs around it, and two bodies may use one name
//! for two tensors. What follows works on numbers alone.

use std::collections::HashMap;

use calibrant_onnx::proto::{GraphProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, Dim, Origin, Topology, TopologyError};

use super::schema::Schema;
use super::types;

/// Place in [`Flow::values`].
pub(super) type ValueId = usize;
/// Place in [`Flow::nodes`].
pub(super) type NodeId = usize;
/// Place in [`Flow::graphs`]; the main graph is 0.
pub(super) type GraphId = usize;

/// A model with all its inner graphs.
#[derive(Debug)]
pub(super) struct Flow<'m> {
    /// The opset of ONNX's own operators.
    pub(super) opset: i64,
    pub(super) graphs: Vec<Graph<'m>>,
    /// A node comes after those that it reads from, and before the nodes of its bodies.
    pub(super) nodes: Vec<Node<'m>>,
    pub(super) values: Vec<Value<'m>>,
}

/// One graph.
#[derive(Debug)]
pub(super) struct Graph<'m> {
    /// The node that holds it, `None` for the main graph.
    pub(super) holder: Option<NodeId>,
    pub(super) topology: Topology<'m>,
    /// The tensors made in this graph, by name.
    pub(super) values: HashMap<&'m str, ValueId>,
    /// The nodes, in the places that they have in the graph.
    pub(super) nodes: Vec<NodeId>,
    pub(super) inputs: Vec<Option<ValueId>>,
    pub(super) outputs: Vec<Option<ValueId>>,
}

/// One node.
#[derive(Debug)]
pub(super) struct Node<'m> {
    pub(super) proto: &'m NodeProto,
    pub(super) graph: GraphId,
    /// Its place in its graph.
    pub(super) index: usize,
    pub(super) inputs: Vec<Option<ValueId>>,
    pub(super) outputs: Vec<Option<ValueId>>,
    /// The graphs in its attributes, in their order.
    pub(super) bodies: Vec<GraphId>,
    /// `None` for operators of other domains and those that ONNX does not have.
    pub(super) schema: Option<Schema>,
}

/// One tensor.
#[derive(Debug)]
pub(super) struct Value<'m> {
    pub(super) name: &'m str,
    pub(super) graph: GraphId,
    /// `None` where nothing tells; such a tensor does not count as float.
    pub(super) dtype: Option<DataType>,
    pub(super) maker: Maker,
    pub(super) readers: Vec<Reader>,
}

/// Where a tensor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// The graph's caller: for a body, the node that holds it.
    Input(usize),
    /// A weight or the value of a `Constant`, which can be written in any type.
    Constant,
    /// A constant stored as indices and values, which is left as it is.
    Sparse,
    /// A node.
    Node(NodeId, usize),
}

/// Who reads a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// A node, as this input.
    Node(NodeId, usize),
    /// A graph gives it out at this place.
    Output(GraphId, usize),
}

impl<'m> Flow<'m> {
    /// # Errors
    ///
    /// When a graph has no order.
    pub(super) fn new(graph: &'m GraphProto, opset: i64) -> Result<Self, TopologyError> {
        let mut flow = Self { opset, graphs: Vec::new(), nodes: Vec::new(), values: Vec::new() };
        flow.add_graph(graph, None, &[])?;
        Ok(flow)
    }

    /// Whether a tensor is float32 in the model as it came.
    pub(super) fn is_float(&self, value: ValueId) -> bool {
        self.values[value].dtype == Some(DataType::FLOAT)
    }

    /// Returns what a constant holds.
    pub(super) fn constant(&self, value: ValueId) -> Option<&TensorProto> {
        let value = &self.values[value];
        if value.maker != Maker::Constant {
            return None;
        }
        self.graphs[value.graph].topology.constant(value.name)
    }

    /// Returns the constant at an input of a node.
    pub(super) fn constant_input(&self, node: &Node<'m>, input: usize) -> Option<&TensorProto> {
        self.constant(node.inputs.get(input).copied().flatten()?)
    }

    /// Returns the sizes of a tensor as far as the model states them.
    pub(super) fn shape(&self, value: ValueId) -> Option<Vec<Option<usize>>> {
        let value = &self.values[value];
        let topology = &self.graphs[value.graph].topology;
        if let Some(constant) = topology.constant(value.name) {
            return Some(constant.shape().ok()?.into_iter().map(Some).collect());
        }
        let size = |dim: Dim<'_>| match dim {
            Dim::Known(size) => Some(size),
            Dim::Symbol(_) | Dim::Unknown => None,
        };
        Some(topology.tensor_type(value.name)?.shape?.into_iter().map(size).collect())
    }

    /// Returns how messages call a node: its label, behind those of the nodes that hold its graph.
    pub(super) fn label(&self, node: NodeId) -> String {
        let node = &self.nodes[node];
        let own = node.proto.label(node.index);
        match self.graphs[node.graph].holder {
            Some(holder) => format!("{} > {own}", self.label(holder)),
            None => own,
        }
    }

    fn add_graph(
        &mut self,
        proto: &'m GraphProto,
        holder: Option<NodeId>,
        given: &[Option<DataType>],
    ) -> Result<GraphId, TopologyError> {
        let graph = self.graphs.len();
        let topology = Topology::new(proto)?;
        let order = topology.order().to_vec();
        self.graphs.push(Graph {
            holder,
            topology,
            values: HashMap::new(),
            nodes: vec![NodeId::MAX; proto.node.len()],
            inputs: Vec::new(),
            outputs: Vec::new(),
        });
        self.add_given(graph, proto, given);
        for index in order {
            self.add_node(graph, index, &proto.node[index])?;
        }
        let outputs: Vec<_> =
            proto.output.iter().map(|output| self.resolve(graph, output.label())).collect();
        for (place, value) in outputs.iter().enumerate() {
            if let Some(value) = *value {
                self.values[value].readers.push(Reader::Output(graph, place));
            }
        }
        self.graphs[graph].outputs = outputs;
        Ok(graph)
    }

    /// Adds the tensors of `graph` that no node makes.
    fn add_given(&mut self, graph: GraphId, proto: &'m GraphProto, given: &[Option<DataType>]) {
        for tensor in &proto.initializer {
            self.add_value(graph, tensor.label(), tensor.dtype().ok(), Maker::Constant);
        }
        for sparse in &proto.sparse_initializer {
            self.add_value(graph, sparse.values.label(), sparse.values.dtype().ok(), Maker::Sparse);
        }
        for (place, input) in proto.input.iter().enumerate() {
            let origin = self.graphs[graph].topology.origin(input.label());
            if !matches!(origin, Some(Origin::Input(_))) {
                self.graphs[graph].inputs.push(None);
                continue;
            }
            let stated = input.tensor_type().and_then(|stated| stated.dtype);
            let dtype = stated.or_else(|| given.get(place).copied().flatten());
            let value = self.add_value(graph, input.label(), dtype, Maker::Input(place));
            self.graphs[graph].inputs.push(Some(value));
        }
    }

    fn add_node(
        &mut self,
        graph: GraphId,
        index: usize,
        proto: &'m NodeProto,
    ) -> Result<(), TopologyError> {
        let id = self.nodes.len();
        let inputs: Vec<_> = proto.input.iter().map(|name| self.resolve(graph, name)).collect();
        for (place, value) in inputs.iter().enumerate() {
            if let Some(value) = *value {
                self.values[value].readers.push(Reader::Node(id, place));
            }
        }
        let schema =
            proto.is_default_domain().then(|| Schema::of(proto.op(), self.opset)).flatten();
        self.graphs[graph].nodes[index] = id;
        let (bodies, outputs) = (Vec::new(), Vec::new());
        self.nodes.push(Node { proto, graph, index, inputs, outputs, bodies, schema });

        for value in types::unstated_floats(self, id) {
            self.values[value].dtype = Some(DataType::FLOAT);
        }
        for body in proto.subgraphs() {
            let given = types::given_to_body(self, id);
            let body = self.add_graph(body, Some(id), &given)?;
            self.nodes[id].bodies.push(body);
        }
        let types = types::of_outputs(self, id);
        for (place, name) in proto.output.iter().enumerate() {
            if name.is_empty() {
                self.nodes[id].outputs.push(None);
                continue;
            }
            let stated = self.graphs[graph].topology.tensor_type(name);
            let dtype = types[place].or_else(|| stated?.dtype);
            let is_constant = proto.is("Constant") && proto.attr("sparse_value").is_none();
            let maker = if is_constant { Maker::Constant } else { Maker::Node(id, place) };
            let value = self.add_value(graph, name, dtype, maker);
            self.nodes[id].outputs.push(Some(value));
        }
        Ok(())
    }

    fn add_value(
        &mut self,
        graph: GraphId,
        name: &'m str,
        dtype: Option<DataType>,
        maker: Maker,
    ) -> ValueId {
        let id = self.values.len();
        self.values.push(Value { name, graph, dtype, maker, readers: Vec::new() });
        self.graphs[graph].values.insert(name, id);
        id
    }

    /// Returns the tensor that `name` means in `graph`.
    fn resolve(&self, graph: GraphId, name: &str) -> Option<ValueId> {
        if let Some(&value) = self.graphs[graph].values.get(name) {
            return Some(value);
        }
        let holder = self.graphs[graph].holder?;
        self.resolve(self.nodes[holder].graph, name)
    }
}
