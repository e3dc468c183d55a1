//! Where rewrites put the nodes and constants that they make.

use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use calibrant_runtime::Refusal;

use crate::ours;
use calibrant_runtime::host::Scope;

/// Names that the caller's graph does not use.
#[derive(Debug)]
pub(crate) struct Names {
    prefix: String,
    n_tensors: usize,
}

/// What one node turns into.
#[derive(Debug)]
pub(crate) struct Emit<'a, 'n> {
    /// What is known of the graph's tensors.
    pub(crate) scope: &'a Scope<'a>,
    /// Source of names.
    pub(crate) names: &'n mut Names,
    /// The nodes, in order.
    pub(crate) nodes: Vec<NodeProto>,
    /// Constants that they read beside the graph's own.
    pub(crate) constants: Vec<TensorProto>,
}

impl Names {
    /// Names that neither `graph` nor its bodies use.
    pub(crate) fn new(graph: &GraphProto) -> Self {
        let mut prefix = "calibrant/".to_owned();
        while uses_prefix(graph, &prefix) {
            prefix.push('/');
        }
        Self { prefix, n_tensors: 0 }
    }

    fn tensor(&mut self) -> String {
        self.n_tensors += 1;
        format!("{}{}", self.prefix, self.n_tensors)
    }
}

impl<'a, 'n> Emit<'a, 'n> {
    pub(crate) fn new(scope: &'a Scope<'a>, names: &'n mut Names) -> Self {
        Self { scope, names, nodes: Vec::new(), constants: Vec::new() }
    }

    /// Emits `node` as it is.
    pub(crate) fn keep(&mut self, node: NodeProto) {
        self.nodes.push(node);
    }

    /// Emits `node` as one that is computed here.
    ///
    /// # Errors
    ///
    /// When it is not, in this form.
    pub(crate) fn ours(&mut self, mut node: NodeProto) -> Result<(), Refusal> {
        ours::of(&node)?;
        node.domain = Some(ours::DOMAIN.to_owned());
        self.nodes.push(node);
        Ok(())
    }

    /// Emits a node that makes `output`.
    pub(crate) fn node_into<const N: usize>(
        &mut self,
        output: &str,
        op: &str,
        inputs: &[&str],
        attributes: [AttributeProto; N],
    ) {
        let mut node = NodeProto::new(op, "", inputs, &[output]);
        node.attribute = attributes.into();
        self.nodes.push(node);
    }

    /// Emits a node and returns the name of the tensor that it makes.
    pub(crate) fn node<const N: usize>(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: [AttributeProto; N],
    ) -> String {
        let output = self.fresh();
        self.node_into(&output, op, inputs, attributes);
        output
    }

    /// Returns a name for a tensor.
    pub(crate) fn fresh(&mut self) -> String {
        self.names.tensor()
    }

    /// Returns the name of a float constant.
    pub(crate) fn float(&mut self, value: f32) -> String {
        self.constant(|name| TensorProto::from_f32(name, &[], &[value]))
    }

    /// Returns the name of a constant list of whole numbers.
    pub(crate) fn integers(&mut self, values: &[i64]) -> String {
        self.constant(|name| TensorProto::from_i64(name, &[values.len()], values))
    }

    /// Returns the name of the constant that `make` makes of it.
    pub(crate) fn constant(&mut self, make: impl FnOnce(&str) -> TensorProto) -> String {
        let name = self.fresh();
        self.constants.push(make(&name));
        name
    }
}

/// The name of a required input; [`calibrant_onnx::validate`] does not know which are.
pub(crate) fn required<'n>(
    node: &'n NodeProto,
    index: usize,
    name: &'static str,
) -> Result<&'n str, Refusal> {
    node.input_name(index).ok_or(Refusal::Missing { name })
}

/// The name of the first output.
pub(crate) fn output(node: &NodeProto) -> Result<&str, Refusal> {
    node.output_name(0).ok_or(Refusal::Missing { name: "output" })
}

/// The node without its outputs from the second on, which nothing may read.
pub(crate) fn first_output_only(
    emit: &Emit<'_, '_>,
    node: &NodeProto,
    names: &[&'static str],
) -> Result<NodeProto, Refusal> {
    for (name, output) in names.iter().zip(node.output.iter().skip(1)) {
        if !output.is_empty() && emit.scope.is_read(output) {
            return Err(Refusal::Output { name });
        }
    }
    let mut node = node.clone();
    node.output.truncate(1);
    Ok(node)
}

fn uses_prefix(graph: &GraphProto, prefix: &str) -> bool {
    let inputs = graph.input.iter().map(|input| input.label());
    let weights = graph.initializer.iter().map(|tensor| tensor.label());
    let made = graph.node.iter().flat_map(|node| &node.output).map(String::as_str);
    let mut bodies = graph.node.iter().flat_map(NodeProto::subgraphs);
    inputs.chain(weights).chain(made).any(|name| name.starts_with(prefix))
        || bodies.any(|body| uses_prefix(body, prefix))
}
