//! Which nodes of a model the library takes, and why not the others: the library is asked.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;

use calibrant_onnx::proto::{GraphProto, ModelProto, NodeProto, ValueInfoProto};
use calibrant_onnx::{DataType, MessageField, Model, Topology, validate};
use calibrant_runtime::host::{Fitter, reads};
use calibrant_runtime::{LoadError, Refusal, Refused, Survey, SurveyedNode};

use crate::error::{NAME, cannot_load};
use crate::graph::{Encoded, Weights, blamed, encode};
use crate::library::Library;
use crate::session::{Purpose, open};

/// What becomes of the nodes of `model`, all of them, whether or not a tensor that can be observed depends on them.
pub(crate) fn survey(library: &Library, model: &Model) -> Result<Survey, LoadError> {
    validate(model)?;
    let topology = Topology::new(model.graph())?;
    topology.data_inputs().try_for_each(|it| Fitter::new(it.to_input(), NAME).map(drop))?;
    let all = vec![true; topology.graph().node.len()];
    let mut refused = refused(library, model, &topology, &all)?;
    let nodes = topology.graph().node.iter().enumerate().map(|(index, node)| SurveyedNode {
        node: node.label(index),
        operator: operator(node),
        refusal: refused.remove(&index),
    });
    Ok(Survey { nodes: nodes.collect() })
}

/// Why the library does not take the model of these nodes, which it has refused.
pub(crate) fn why(
    library: &Library,
    model: &Model,
    topology: &Topology<'_>,
    nodes: &[bool],
    said: Box<dyn Error + Send + Sync>,
) -> LoadError {
    let refused = match refused(library, model, topology, nodes) {
        Ok(refused) => refused,
        Err(error) => return error,
    };
    if refused.is_empty() {
        return cannot_load(said);
    }
    let node = |(index, reason): (usize, Refusal)| {
        let node = &topology.graph().node[index];
        Refused { node: node.label(index), operator: operator(node), reason }
    };
    LoadError::Unsupported {
        runtime: NAME.to_owned(),
        nodes: refused.into_iter().map(node).collect(),
    }
}

/// The nodes that the library does not take, among these; it is asked again and again without those that it has refused and
/// what depends on them.
fn refused(
    library: &Library,
    model: &Model,
    topology: &Topology<'_>,
    among: &[bool],
) -> Result<BTreeMap<usize, Refusal>, LoadError> {
    let mut refused = BTreeMap::new();
    let mut checked = false;
    loop {
        let nodes = without(topology, among, &refused);
        let order: Vec<usize> =
            topology.order().iter().copied().filter(|&index| nodes[index]).collect();
        let asked = |n_nodes: usize| ask(library, model, topology, &order[..n_nodes]);
        let Some(said) = asked(order.len())? else { return Ok(refused) };
        if !checked {
            check_format(library, model)?;
            checked = true;
        }
        let named = blamed(&said).filter(|&index| nodes[index]);
        let (index, said) = match named {
            Some(index) => (index, said),
            None => first_refused(&order, said, &asked)?,
        };
        let node = &topology.graph().node[index];
        let reason = reason(node, said);
        if reason == Refusal::Operator {
            // What is not known once is not known again.
            let is_alike = |&other: &usize| {
                let other = &topology.graph().node[other];
                (other.op(), other.domain.as_deref()) == (node.op(), node.domain.as_deref())
            };
            refused
                .extend(order.iter().copied().filter(is_alike).map(|it| (it, Refusal::Operator)));
        }
        refused.insert(index, reason);
    }
}

/// The first node without which the library takes those before it, by halves.
fn first_refused(
    order: &[usize],
    mut said: String,
    asked: &impl Fn(usize) -> Result<Option<String>, LoadError>,
) -> Result<(usize, String), LoadError> {
    let (mut taken, mut refused) = (0, order.len());
    while refused - taken > 1 {
        let middle = taken + (refused - taken) / 2;
        match asked(middle)? {
            None => taken = middle,
            Some(words) => (refused, said) = (middle, words),
        }
    }
    Ok((order[refused - 1], said))
}

/// Those `among` the nodes that are not refused and depend on none that is.
fn without(
    topology: &Topology<'_>,
    among: &[bool],
    refused: &BTreeMap<usize, Refusal>,
) -> Vec<bool> {
    let mut nodes = among.to_vec();
    let mut unmade: HashSet<&str> = HashSet::new();
    for &index in topology.order() {
        let is_out = refused.contains_key(&index)
            || reads(topology, index).any(|name| unmade.contains(name));
        if is_out {
            nodes[index] = false;
            unmade.extend(topology.graph().node[index].output.iter().map(String::as_str));
        }
    }
    nodes
}

/// What the library says against the model of these nodes, if anything.
fn ask(
    library: &Library,
    model: &Model,
    topology: &Topology<'_>,
    order: &[usize],
) -> Result<Option<String>, LoadError> {
    let mut nodes = vec![false; topology.graph().node.len()];
    order.iter().for_each(|&index| nodes[index] = true);
    let is_end = |name: &&str| {
        !name.is_empty() && !topology.consumers(name).iter().any(|reader| nodes[reader.node])
    };
    let made = order.iter().flat_map(|&index| &topology.graph().node[index].output);
    let outputs: Vec<&str> = made.map(String::as_str).filter(is_end).collect();
    if outputs.is_empty() {
        return Ok(None);
    }
    let encoded = encode(model, topology, &nodes, &outputs, Weights::LeftOut)?;
    Ok(open(library, &encoded, Purpose::Probe).err().map(|said| said.to_string()))
}

/// Makes sure that the library reads a model of this format and these operator sets, whatever its nodes.
fn check_format(library: &Library, model: &Model) -> Result<(), LoadError> {
    let graph = GraphProto {
        name: Some("format".to_owned()),
        node: vec![NodeProto::new("Identity", "", &["x"], &["y"])],
        input: vec![ValueInfoProto::tensor("x", DataType::FLOAT, &[])],
        output: vec![ValueInfoProto::tensor("y", DataType::FLOAT, &[])],
        ..GraphProto::default()
    };
    let proto = ModelProto {
        ir_version: model.proto.ir_version,
        opset_import: model.proto.opset_import.clone(),
        graph: MessageField::some(graph),
        ..ModelProto::default()
    };
    let trivial = Model::new(proto);
    let topology = Topology::new(trivial.graph())?;
    let Encoded { model, weights } =
        encode(&trivial, &topology, &[true], &["y"], Weights::LeftOut)?;
    open(library, &Encoded { model, weights }, Purpose::Probe).map(drop).map_err(cannot_load)
}

/// What the library's words mean, said of a node or of one inside its bodies.
fn reason(node: &NodeProto, said: String) -> Refusal {
    const UNKNOWN: [&str; 3] =
        ["No Op registered for", "is not a registered function/op", "No opset import for domain"];
    let is_unknown = UNKNOWN.iter().any(|words| said.contains(words));
    match is_unknown && node.subgraphs().next().is_none() {
        true => Refusal::Operator,
        false => Refusal::Library { said },
    }
}

/// The operator, with the domain when that is not ONNX's own.
fn operator(node: &NodeProto) -> String {
    match node.domain.as_deref() {
        Some(domain) if !node.is_default_domain() => format!("{domain}.{}", node.op()),
        _ => node.op().to_owned(),
    }
}
