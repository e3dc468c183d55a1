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
use problem::Findings;

/// The versions of ONNX's own operators that the checks and the readers of this crate know.
pub const OPSETS: std::ops::RangeInclusive<i64> = 7..=25;

/// Checks everything in `model` that later work relies on.
///
/// # Errors
///
/// With the list of all problems found.
pub fn validate(model: &Model) -> Result<(), ValidateError> {
    let mut findings = Findings::default();
    check_opsets(model, &mut findings);
    if model.proto.graph.is_set() {
        graph::check_main(model.graph(), &mut findings);
    } else {
        findings.push(Problem::NoGraph);
    }
    findings.into_result()
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
