//! Names, types and tensors of a graph and of the bodies inside it.

use std::collections::{HashMap, HashSet};

use buffa::Enumeration as _;

use super::attributes;
use super::problem::{Findings, Problem};
use crate::proto::tensor_shape_proto::dimension::Value as DimValue;
use crate::proto::type_proto::Value as TypeValue;
use crate::proto::{AttributeProto, GraphProto, SparseTensorProto, TensorProto, ValueInfoProto};
use crate::{DataType, Origin, Topology, TopologyError, constant};

/// A dimension that some exporters write for one they do not know.
const UNKNOWN_DIM: i64 = -1;

/// Checks the graph of the model.
pub(super) fn check_main(graph: &GraphProto, findings: &mut Findings) {
    if graph.output.is_empty() {
        findings.push(Problem::NoOutputs);
    }
    for input in graph.input.iter().filter(|input| input.r#type.value.is_none()) {
        findings.push(Problem::NoType { tensor: input.label().to_owned() });
    }
    check(graph, "", None, findings);
}

/// The tensors of a graph, and those of the graphs around it, which its nodes may read too.
struct Scope<'s, 'g> {
    made: HashMap<&'g str, Origin>,
    outer: Option<&'s Self>,
}

impl Scope<'_, '_> {
    fn contains(&self, tensor: &str) -> bool {
        self.made.contains_key(tensor) || self.outer.is_some_and(|outer| outer.contains(tensor))
    }
}

/// Checks `graph`, the labels of whose nodes are to follow `place`: `If "flag" (#3) > `.
fn check(graph: &GraphProto, place: &str, outer: Option<&Scope<'_, '_>>, findings: &mut Findings) {
    let scope = Scope { made: makers(graph, place, findings), outer };

    for info in graph.input.iter().chain(&graph.output).chain(&graph.value_info) {
        check_type(info, place, findings);
    }
    for tensor in &graph.initializer {
        check_tensor(tensor, place, findings);
    }
    for sparse in &graph.sparse_initializer {
        check_sparse(sparse, place, findings);
    }
    let topology = match Topology::new(graph) {
        Ok(topology) => Some(topology),
        Err(TopologyError::Cycle { nodes }) => {
            let nodes = nodes.iter().map(|node| format!("{place}{node}")).collect();
            findings.push(Problem::Cycle { nodes });
            None
        }
        Err(TopologyError::Duplicate { .. }) => None, // found above, with all others
    };
    for (index, node) in graph.node.iter().enumerate() {
        let label = format!("{place}{}", node.label(index));
        for tensor in node.input.iter().filter(|name| !name.is_empty()) {
            if !scope.contains(tensor) {
                findings.push(Problem::Missing { node: label.clone(), tensor: tensor.clone() });
            }
        }
        attributes::check(node, &label, topology.as_ref(), findings);
        check_attribute_values(&node.attribute, &format!("{label} > "), &scope, findings);
    }
    for output in graph.output.iter().filter(|output| !output.label().is_empty()) {
        if !scope.contains(output.label()) {
            let tensor = output.label().to_owned();
            findings.push(Problem::MissingOutput { place: place.to_owned(), tensor });
        }
    }
}

/// Returns all tensors that `graph` makes, and by what, reporting those made twice or without name.
fn makers<'g>(
    graph: &'g GraphProto,
    place: &str,
    findings: &mut Findings,
) -> HashMap<&'g str, Origin> {
    let mut made: HashMap<&str, Origin> = HashMap::new();
    let mut add = |tensor: &'g str, maker: Origin, findings: &mut Findings| {
        if let Some(first) = made.get(tensor) {
            let describe = |origin: Origin| format!("{place}{}", origin.describe(graph));
            let (first, second) = (describe(*first), describe(maker));
            findings.push(Problem::Duplicate { tensor: tensor.to_owned(), first, second });
        } else {
            made.insert(tensor, maker);
        }
    };
    let unnamed = |what, index| Problem::Unnamed { place: place.to_owned(), what, index };

    let initializers = graph.initializer.iter().map(TensorProto::label);
    for (index, tensor) in initializers.clone().enumerate() {
        match tensor {
            "" => findings.push(unnamed("initializer", index)),
            _ => add(tensor, Origin::Initializer(index), findings),
        }
    }
    for (index, sparse) in graph.sparse_initializer.iter().enumerate() {
        match sparse.values.label() {
            "" => findings.push(unnamed("sparse initializer", index)),
            tensor => add(tensor, Origin::SparseInitializer(index), findings),
        }
    }
    // An input may carry the name of an initializer: a weight that the caller can replace.
    let mut replaceable: HashSet<&str> = initializers.collect();
    for (index, tensor) in graph.input.iter().map(ValueInfoProto::label).enumerate() {
        if tensor.is_empty() {
            findings.push(unnamed("graph input", index));
        } else if !replaceable.remove(tensor) {
            add(tensor, Origin::Input(index), findings);
        }
    }
    for (node, maker) in graph.node.iter().enumerate() {
        let named = maker.output.iter().enumerate().filter(|(_, name)| !name.is_empty());
        named.for_each(|(output, tensor)| add(tensor, Origin::Node { node, output }, findings));
    }
    let outputs = graph.output.iter().enumerate().filter(|(_, output)| output.label().is_empty());
    outputs.for_each(|(index, _)| findings.push(unnamed("graph output", index)));
    made
}

/// Checks the tensors and the bodies in a node's attributes.
fn check_attribute_values(
    attributes: &[AttributeProto],
    place: &str,
    scope: &Scope<'_, '_>,
    findings: &mut Findings,
) {
    for attribute in attributes {
        for tensor in attribute.t.as_option().into_iter().chain(&attribute.tensors) {
            check_tensor(tensor, place, findings);
        }
        let sparse = attribute.sparse_tensor.as_option();
        for sparse in sparse.into_iter().chain(&attribute.sparse_tensors) {
            check_sparse(sparse, place, findings);
        }
        for body in attribute.g.as_option().into_iter().chain(&attribute.graphs) {
            check(body, place, Some(scope), findings);
        }
    }
}

fn check_type(info: &ValueInfoProto, place: &str, findings: &mut Findings) {
    let Some(TypeValue::TensorType(tensor)) = &info.r#type.value else { return };
    let data_type = tensor.elem_type.unwrap_or(0);
    // Partial shape inference leaves the type of values in between at 0.
    if data_type != 0 && DataType::from_i32(data_type).is_none() {
        let (place, tensor) = (place.to_owned(), info.label().to_owned());
        findings.push(Problem::ValueType { place, tensor, data_type });
    }
    for (axis, dim) in tensor.shape.dim.iter().enumerate() {
        if let Some(DimValue::DimValue(dim @ ..UNKNOWN_DIM)) = dim.value {
            let (place, tensor) = (place.to_owned(), info.label().to_owned());
            findings.push(Problem::ValueDim { place, tensor, axis, dim });
        }
    }
}

fn check_tensor(tensor: &TensorProto, place: &str, findings: &mut Findings) {
    if let Err(source) = tensor.check() {
        findings.push(Problem::Tensor { place: place.to_owned(), source });
    }
}

fn check_sparse(sparse: &SparseTensorProto, place: &str, findings: &mut Findings) {
    if let Err(source) = constant::Layout::of(sparse) {
        findings.push(Problem::Tensor { place: place.to_owned(), source });
    }
}
