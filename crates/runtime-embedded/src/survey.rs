//! Which nodes of a model are run, and why not the others.

use std::error::Error;

use calibrant_onnx::proto::NodeProto;
use calibrant_onnx::{Model, Topology, validate};
use calibrant_runtime::{LoadError, Refusal, Survey, SurveyedNode};

use crate::demand;
use crate::error::{KernelError, NAME};
use crate::kernel::Kernels;
use crate::normalise::{Names, Stop, operator, rewritten};
use crate::ours;
use calibrant_runtime::host::Fitter;
use calibrant_runtime::host::Scope;

/// What becomes of the nodes of `model`, all of them, whether or not a tensor that can be observed depends on them.
pub(crate) fn survey(model: &Model) -> Result<Survey, LoadError> {
    validate(model)?;
    let topology = Topology::new(model.graph())?.with_constants_folded();
    topology.data_inputs().try_for_each(|input| Fitter::new(input.to_input(), NAME).map(drop))?;
    let scope = Scope::new(&topology, model.opset().unwrap_or_default(), None);
    let mut names = Names::new(topology.graph());
    let mut kernels = Kernels::new(model.proto.opset_import.clone());
    let nodes = topology.graph().node.iter().enumerate().map(|(index, node)| {
        let refusal = match rewritten(&scope, &mut names, index) {
            Ok(nodes) => nodes.iter().find_map(|node| refusal(&mut kernels, node)),
            Err(Stop::Refused(reason)) => Some(reason),
            Err(Stop::Inside(LoadError::Unsupported { nodes, .. })) => {
                let inner = nodes.into_iter().next();
                inner.map(|inner| inside(inner.node, inner.reason))
            }
            Err(Stop::Inside(error)) => return Err(error),
        };
        Ok(SurveyedNode { node: node.label(index), operator: operator(node), refusal })
    });
    Ok(Survey { nodes: nodes.collect::<Result<_, _>>()? })
}

/// Why the executor does not take a node of the normalised graph.
fn refusal(kernels: &mut Kernels, node: &NodeProto) -> Option<Refusal> {
    if node.is("If") || node.is("Loop") {
        let mut nodes = node.subgraphs().flat_map(|body| body.node.iter().enumerate());
        return nodes.find_map(|(index, node)| {
            refusal(kernels, node).map(|reason| inside(node.label(index), reason))
        });
    }
    if ours::is_ours(node) {
        return ours::of(node).err();
    }
    let placed = kernels.place(node).map(drop);
    let rule = demand::rule(node.op()).filter(|_| node.is_default_domain());
    let error = placed.and_then(|()| rule.map(drop).ok_or(KernelError::NoRule)).err()?;
    Some(Refusal::Library { said: said(&error) })
}

fn inside(node: String, reason: Refusal) -> Refusal {
    Refusal::Inside { node, reason: Box::new(reason) }
}

/// An error with its causes.
fn said(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said += &format!(": {error}");
        cause = error.source();
    }
    said
}
