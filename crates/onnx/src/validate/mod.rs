//! Lists what is wrong with a model before other code relies on it.
//!
//! It knows the names in a graph, the storage of tensors and the attributes whose odd values would
//! hurt later (a stride of zero, a group of none). It does not infer shapes and knows nothing of
//! operators outside ONNX's own domain, which it lets pass.

mod attributes;
mod graph;
mod problem;

pub use problem::{Problem, ValidateError};

use crate::Model;
use crate::proto::{GraphProto, NodeProto};
use problem::Findings;

/// The versions of ONNX's own operators that the checks and the readers of this crate know.
pub const OPSETS: std::ops::RangeInclusive<i64> = 7..=25;

/// How deep the bodies of `If`, `Loop` and `Scan` may be nested, about as deep as a file can hold them: readers of
/// graphs follow them by recursion.
const NESTING_LIMIT: usize = 32;

/// Checks everything in `model` that later work relies on.
///
/// # Errors
///
/// With the list of all problems found.
pub fn validate(model: &Model) -> Result<(), ValidateError> {
    let mut findings = Findings::default();
    check_opsets(model, &mut findings);
    if is_too_deep(model.graph()) {
        findings.push(Problem::Nesting { limit: NESTING_LIMIT });
    } else if model.proto.graph.is_set() {
        graph::check_main(model.graph(), &mut findings);
    } else {
        findings.push(Problem::NoGraph);
    }
    findings.into_result()
}

/// Whether bodies are nested deeper than they may be; by a list of its own, so that no depth is too much for it.
fn is_too_deep(graph: &GraphProto) -> bool {
    let mut waiting = vec![(graph, 0)];
    while let Some((graph, depth)) = waiting.pop() {
        if depth > NESTING_LIMIT {
            return true;
        }
        let bodies = graph.node.iter().flat_map(NodeProto::subgraphs);
        waiting.extend(bodies.map(|body| (body, depth + 1)));
    }
    false
}

fn check_opsets(model: &Model, findings: &mut Findings) {
    let imports = &model.proto.opset_import;
    let mut own = imports.iter().filter(|import| import.is_default_domain());
    let Some(first) = own.next() else { return findings.push(Problem::NoOpset) };
    let version = first.version.unwrap_or(0);
    if !OPSETS.contains(&version) {
        findings.push(Problem::Opset { version });
    }
    for other in own.filter(|other| other.version != first.version) {
        findings.push(Problem::TwoOpsets { first: version, second: other.version.unwrap_or(0) });
    }
}
