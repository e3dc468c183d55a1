//! Casts to half precision.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod bodies;
#[path = "../../../rewrite/tests/it/graphs.rs"]
#[allow(dead_code, reason = "shared with the tests of rewrite and prepare")]
mod graphs;
mod models;
mod numbers;
mod opset;
mod pairs;
#[path = "../../../rewrite/tests/it/printer.rs"]
mod printer;
mod random;
mod types;
mod user;

use std::collections::BTreeMap;

use calibrant_cast::{CastOptions, CastSummary, FloatType, cast};
use calibrant_onnx::Model;

use crate::types::assert_consistent;

/// Minimum and maximum by tensor.
type Ranges = BTreeMap<String, (f32, f32)>;

pub(crate) fn ranges(of: &[(&str, f32, f32)]) -> Ranges {
    of.iter().map(|&(tensor, low, high)| (tensor.to_owned(), (low, high))).collect()
}

/// Casts, and holds the result to what must be true of any: valid, types that fit, and nothing left to do.
pub(crate) fn cast_with(
    model: &Model,
    ranges: Option<&Ranges>,
    options: &CastOptions,
) -> (Model, CastSummary) {
    let (result, summary) = cast(model, ranges, options).unwrap();
    calibrant_onnx::validate(&result).unwrap();
    assert_consistent(&result);
    let (again, summary_again) = cast(&result, ranges, options).unwrap();
    assert_eq!(
        again.to_bytes().unwrap(),
        result.to_bytes().unwrap(),
        "a second time changes nothing"
    );
    assert_eq!((summary_again.casts_added, summary_again.constants_cast), (0, 0));
    (result, summary)
}

pub(crate) fn to_fp16(model: &Model) -> (Model, CastSummary) {
    cast_with(model, None, &CastOptions::to(FloatType::Fp16))
}

/// One line for each node that stays in float32: its name and why.
pub(crate) fn kept(summary: &CastSummary) -> String {
    let nodes = summary.nodes.iter().filter(|node| node.precision == FloatType::Fp32);
    let line = |node: &calibrant_cast::CastNode| {
        let reason = node.kept.as_ref().expect("what stays in float32 has a reason");
        format!(
            "{}{}: {reason}\n",
            node.inside.iter().map(|one| format!("{one} > ")).collect::<String>(),
            node.name
        )
    };
    nodes.map(line).collect()
}
