//! A copy of the graph that the executor computes as ONNX says.
//!
//! Three things happen to it: defaults that the executor asks for are written out, operators that it lacks or computes
//! wrongly are replaced by ones that compute the same, and what has no such replacement is refused.
//! Tensors of the caller's graph keep their names; what is added has names of its own.
//! Nodes that no observed tensor depends on are left out, so they are not refused either.

use std::collections::HashSet;

use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use calibrant_onnx::{DataType, MessageField, Model, Topology};
use calibrant_runtime::{LoadError, Refusal, Refused};

use crate::error::NAME;
use crate::random;
use calibrant_runtime::host::Scope;
use calibrant_runtime::host::{From, Observed, reads};

mod activation;
mod bounds;
mod emit;
mod functions;
mod layout;
mod norm;
mod places;
mod recurrent;
mod scan;
mod support;
mod window;

use emit::Emit;
pub(crate) use emit::Names;

/// The graph for the executor.
#[derive(Debug)]
pub(crate) struct Normalised {
    /// The model; its graph has no outputs and states no types.
    pub(crate) model: Model,
    /// What to call each of its nodes.
    pub(crate) labels: Vec<NodeLabel>,
}

/// How messages call a node, after the node of the caller's graph that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeLabel {
    /// `Conv "stem" (#12)`.
    pub(crate) label: String,
    /// The node's name, or that of its first output.
    pub(crate) name: String,
    /// The operator.
    pub(crate) operator: String,
}

/// Returns the normalised copy of `model`, whose graph is the scope's.
///
/// # Errors
///
/// When nodes that an observed tensor depends on cannot be computed exactly; all of them are listed.
pub(crate) fn normalise(
    model: &Model,
    scope: &Scope<'_>,
    observed: &[Observed],
) -> Result<Normalised, LoadError> {
    let topology = scope.topology;
    let mut names = Names::new(topology.graph());
    let needed = needed(topology, observed);
    let made = rewrite_all(scope, &mut names, needed.into_iter())?;
    let labels = labels(topology.graph(), &made.origins);
    let mut graph = graph_of(scope, made)?;
    graph.input = topology.data_inputs().map(|input| untyped(input.label())).collect();
    let mut normalised = Model::new(calibrant_onnx::proto::ModelProto {
        opset_import: model.proto.opset_import.clone(),
        ..Default::default()
    });
    normalised.proto.graph = MessageField::some(graph);
    Ok(Normalised { model: normalised, labels })
}

/// The labels of nodes that come from those at `origins`; where several come from one, the others say which part of it
/// they are.
fn labels(graph: &GraphProto, origins: &[usize]) -> Vec<NodeLabel> {
    let mut part = 0;
    let mut labels = Vec::with_capacity(origins.len());
    for (place, &index) in origins.iter().enumerate() {
        part = if place > 0 && origins[place - 1] == index { part + 1 } else { 0 };
        let node = &graph.node[index];
        let name =
            node.name.as_deref().filter(|name| !name.is_empty()).or_else(|| node.output_name(0));
        let suffix = if part > 0 { format!(" part {part}") } else { String::new() };
        labels.push(NodeLabel {
            label: format!("{}{suffix}", node.label(index)),
            name: name.unwrap_or_default().to_owned(),
            operator: operator(node),
        });
    }
    labels
}

/// The operator, with its domain when that is not ONNX's own.
pub(crate) fn operator(node: &NodeProto) -> String {
    match node.domain.as_deref() {
        Some(domain) if !node.is_default_domain() => format!("{domain}.{}", node.op()),
        _ => node.op().to_owned(),
    }
}

/// The nodes that lead to tensors observed by their values, in order.
fn needed(topology: &Topology<'_>, observed: &[Observed]) -> Vec<usize> {
    let by_values = observed.iter().filter(|seen| seen.from == From::Values);
    let mut wanted: Vec<&str> = by_values.map(|seen| seen.name.as_str()).collect();
    let mut needed = HashSet::new();
    while let Some(name) = wanted.pop() {
        if let Some((index, _)) = topology.producer(name)
            && needed.insert(index)
        {
            wanted.extend(reads(topology, index));
        }
    }
    topology.order().iter().copied().filter(|index| needed.contains(index)).collect()
}

/// What became of a graph's nodes.
#[derive(Debug)]
struct Made {
    nodes: Vec<NodeProto>,
    /// For each, the place of the node that it comes from.
    origins: Vec<usize>,
    /// Constants that were added.
    constants: Vec<TensorProto>,
}

fn rewrite_all(
    scope: &Scope<'_>,
    names: &mut Names,
    indices: impl Iterator<Item = usize>,
) -> Result<Made, LoadError> {
    let mut made = Made { nodes: Vec::new(), origins: Vec::new(), constants: Vec::new() };
    let mut refused = Vec::new();
    for index in indices {
        let node = &scope.topology.graph().node[index];
        if is_constant(scope, node) {
            continue;
        }
        let mut emit = Emit::new(scope, names);
        match rewrite(&mut emit, node) {
            Ok(()) => {
                made.origins.resize(made.origins.len() + emit.nodes.len(), index);
                made.nodes.append(&mut emit.nodes);
                made.constants.append(&mut emit.constants);
            }
            Err(Stop::Refused(reason)) => {
                refused.push(Refused { node: node.label(index), operator: operator(node), reason });
            }
            Err(Stop::Inside(LoadError::Unsupported { nodes, .. })) => refused.extend(nodes),
            Err(Stop::Inside(error)) => return Err(error),
        }
    }
    if refused.is_empty() { Ok(made) } else { Err(unsupported(refused)) }
}

fn unsupported(nodes: Vec<Refused>) -> LoadError {
    LoadError::Unsupported { runtime: NAME.to_owned(), nodes }
}

/// The nodes that compute what the node at `index` of the scope's graph does; none where the model fixes what it makes.
///
/// # Errors
///
/// When it cannot be computed exactly, or a constant inside it cannot be read.
pub(crate) fn rewritten(
    scope: &Scope<'_>,
    names: &mut Names,
    index: usize,
) -> Result<Vec<NodeProto>, Stop> {
    let node = &scope.topology.graph().node[index];
    if is_constant(scope, node) {
        return Ok(Vec::new());
    }
    let mut emit = Emit::new(scope, names);
    rewrite(&mut emit, node)?;
    Ok(emit.nodes)
}

/// Whether the model fixes all that the node makes.
fn is_constant(scope: &Scope<'_>, node: &NodeProto) -> bool {
    node.output.iter().all(|name| name.is_empty() || scope.topology.constant(name).is_some())
}

/// Why a node is not rewritten.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It cannot be run.
    Refused(Refusal),
    /// A body of it cannot be run.
    Inside(LoadError),
}

impl std::convert::From<Refusal> for Stop {
    fn from(reason: Refusal) -> Self {
        Self::Refused(reason)
    }
}

/// Emits what computes the same as `node`.
fn rewrite(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<(), Stop> {
    if !node.is_default_domain() {
        return Err(Refusal::Operator.into());
    }
    bounds::check(emit.scope, node)?;
    match node.op() {
        "Conv" => window::conv(emit, node)?,
        "ConvTranspose" => window::conv_transpose(emit, node)?,
        "AveragePool" | "GlobalLpPool" | "LpPool" | "MaxPool" => window::pool(emit, node)?,
        "Celu" | "Mish" | "Selu" | "Shrink" | "Sign" | "Softplus" | "ThresholdedRelu" => {
            activation::pointwise(emit, node)?;
        }
        "Softmax" | "LogSoftmax" if emit.scope.opset < 13 => {
            activation::softmax_of_matrix(emit, node)?
        }
        "BatchNormalization" | "LayerNormalization" | "GroupNormalization" | "LRN" => {
            norm::rewrite(emit, node)?
        }
        "BitShift" | "BitwiseAnd" | "BitwiseNot" | "BitwiseOr" | "BitwiseXor" => {
            functions::bits(emit, node)?;
        }
        "Compress"
        | "Det"
        | "NegativeLogLikelihoodLoss"
        | "NonMaxSuppression"
        | "SoftmaxCrossEntropyLoss" => emit.ours(node.clone())?,
        op if random::draws(op) => emit.ours(node.clone())?,
        "Dropout" => functions::dropout(emit, node)?,
        "GRU" | "LSTM" | "RNN" => recurrent::rewrite(emit, node)?,
        "Hardmax" | "IsInf" | "MeanVarianceNormalization" => functions::rewrite(emit, node)?,
        "Scan" => {
            let mut turned = scan::as_loop(emit, node)?;
            let after = scan::after_loop(emit, node, &mut turned)?;
            let turned = with_bodies(emit, &turned)?;
            emit.keep(turned);
            after.into_iter().for_each(|node| emit.keep(node));
        }
        "ArgMax" | "ArgMin" | "Cast" | "CastLike" | "ConstantOfShape" | "EyeLike" | "MatMul"
        | "OneHot" | "Pow" => layout::typed(emit, node)?,
        "Attention" | "Pad" => layout::rewrite(emit, node)?,
        op if places::is_one(op) => places::rewrite(emit, node)?,
        op if support::is_supported(op) => {
            let node = with_bodies(emit, node)?;
            emit.keep(node);
        }
        _ => return Err(Refusal::Operator.into()),
    }
    Ok(())
}

/// The node with its bodies normalised.
fn with_bodies(emit: &mut Emit<'_, '_>, node: &NodeProto) -> Result<NodeProto, Stop> {
    let mut node = node.clone();
    for attribute in &mut node.attribute {
        if let Some(body) = attribute.g.as_option() {
            let body = body_of(emit, body).map_err(Stop::Inside)?;
            *attribute = AttributeProto { g: MessageField::some(body), ..attribute.clone() };
        }
    }
    Ok(node)
}

fn body_of(emit: &mut Emit<'_, '_>, body: &GraphProto) -> Result<GraphProto, LoadError> {
    let topology = Topology::new(body)?.with_constants_folded();
    let scope = Scope::new(&topology, emit.scope.opset, Some(emit.scope));
    let made = rewrite_all(&scope, emit.names, topology.order().iter().copied())?;
    let mut graph = graph_of(&scope, made)?;
    graph.input = topology.data_inputs().map(|input| untyped(input.label())).collect();
    graph.output = body.output.iter().map(|output| untyped(output.label())).collect();
    let constant_outputs = body.output.iter().map(ValueInfoProto::label);
    add_constants(&scope, &mut graph, constant_outputs)?;
    Ok(graph)
}

/// The graph of these nodes, with the constants that they read.
fn graph_of(scope: &Scope<'_>, made: Made) -> Result<GraphProto, LoadError> {
    let mut graph = GraphProto { initializer: made.constants, ..GraphProto::default() };
    let mut names = Vec::new();
    made.nodes.iter().for_each(|node| all_names(node, &mut names));
    add_constants(scope, &mut graph, names.into_iter())?;
    graph.node = made.nodes;
    Ok(graph)
}

/// Every name that the node reads, or that a node inside its bodies does.
fn all_names<'a>(node: &'a NodeProto, names: &mut Vec<&'a str>) {
    names.extend(node.input.iter().map(String::as_str));
    for body in node.subgraphs() {
        body.node.iter().for_each(|node| all_names(node, names));
        names.extend(body.output.iter().map(ValueInfoProto::label));
    }
}

/// Adds those of `names` that are constants of the scope's own graph.
fn add_constants<'a>(
    scope: &Scope<'_>,
    graph: &mut GraphProto,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), LoadError> {
    let mut known: HashSet<String> =
        graph.initializer.iter().map(|tensor| tensor.label().to_owned()).collect();
    for name in names {
        if let Some(value) = scope.topology.constant(name)
            && known.insert(name.to_owned())
        {
            graph.initializer.push(readable(name, value)?);
        }
    }
    Ok(())
}

/// The constant in a type that the executor reads.
fn readable(name: &str, value: &TensorProto) -> Result<TensorProto, LoadError> {
    let shape = value.shape()?;
    let dtype = value.dtype()?;
    Ok(match dtype {
        DataType::FLOAT
        | DataType::INT64
        | DataType::INT32
        | DataType::INT8
        | DataType::UINT8
        | DataType::BOOL => {
            let mut value = value.clone();
            value.name = Some(name.to_owned());
            value
        }
        DataType::DOUBLE | DataType::FLOAT16 | DataType::BFLOAT16 => {
            TensorProto::from_f32(name, &shape, &value.to_f32()?)
        }
        DataType::INT16 | DataType::UINT16 | DataType::UINT32 | DataType::UINT64 => {
            TensorProto::from_i64(name, &shape, &value.to_i64()?)
        }
        _ => {
            let reason = Refusal::Attribute { name: "value", value: format!("a {dtype:?} tensor") };
            let (node, operator) = (format!("constant \"{name}\""), "Constant".to_owned());
            return Err(unsupported(vec![Refused { node, operator, reason }]));
        }
    })
}

fn untyped(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: Some(name.to_owned()), ..ValueInfoProto::default() }
}
