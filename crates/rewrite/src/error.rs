//! Why a model cannot be rewritten.

use calibrant_onnx::{TensorError, TopologyError};
use thiserror::Error;

/// At most this many names stand in a message.
const NAMES_SHOWN: usize = 8;

/// Why a model cannot be rewritten.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// The model holds quantized operators.
    #[error(
        "the model is quantized already: {reason}; give the float32 model that it was made from"
    )]
    AlreadyQuantized {
        /// What gave it away.
        reason: String,
    },
    /// Whatever could be quantized has no range.
    #[error(
        "none of the {n_ranges} ranges is of a tensor that could be quantized, as {} could; they belong to another model",
        list(tensors)
    )]
    ForeignRanges {
        /// How many ranges there are.
        n_ranges: usize,
        /// The tensors that would need one, in the order of the graph.
        tensors: Vec<String>,
    },
    /// There is not one range.
    #[error("there is no range for {}, nor for anything else", list(tensors))]
    NoRanges {
        /// The tensors that would need one, in the order of the graph.
        tensors: Vec<String>,
    },
    /// A weight holds an infinity or not a number.
    #[error("weight \"{tensor}\" of {node} holds {value} at {index}")]
    NonFiniteWeight {
        /// The weight.
        tensor: String,
        /// Who reads it, as messages call it.
        node: String,
        /// Its name, or its first output where it has none.
        layer: String,
        /// Which element, row-major.
        index: usize,
        /// What stands there.
        value: f32,
    },
    /// No node answers to a name that the scheme has a rule for.
    #[error(
        "no node and no tensor is called `{pattern}`, so there is nothing to make an exception of"
    )]
    UnknownRule {
        /// The name or pattern.
        pattern: String,
    },
    /// A bound of a range is infinite or not a number.
    #[error("a bound of the range of tensor \"{tensor}\" is {bound}; bounds are finite numbers")]
    NonFiniteRange {
        /// The tensor.
        tensor: String,
        /// What was given.
        bound: f32,
    },
    /// No node answers to a name that was to get a precision of its own.
    #[error("no node and no tensor is called `{pattern}`, so it cannot get a precision of its own")]
    UnknownLayer {
        /// The name or pattern.
        pattern: String,
    },
    /// No operator could be quantized.
    #[error("nothing to quantize: {}", why_nothing(reasons))]
    NothingToQuantize {
        /// Each operator that could have been, with the reason why it is not; none when there is none.
        reasons: Vec<String>,
    },
    /// The opset is missing or out of the range that is understood.
    #[error("{}", unsupported_opset(*found))]
    UnsupportedOpset {
        /// The opset of ONNX's own domain, `None` when the model imports none.
        found: Option<i64>,
    },
    /// An operator cannot be written in the newer opset.
    #[error(
        "{node} cannot be raised from opset {from} to {to}: {problem}; export the model with opset {to} or later"
    )]
    CannotRaise {
        /// The operator.
        node: String,
        /// The model's opset.
        from: i64,
        /// The opset that is needed.
        to: i64,
        /// What stands in the way.
        problem: RaiseProblem,
    },
    /// The graph has no order.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The values of a constant cannot be had.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

/// Why an operator cannot be written in a newer opset with the same meaning.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RaiseProblem {
    /// It is not known what the operator means in the newer opset.
    #[error("the operator is not one of ONNX's in that opset")]
    UnknownOperator,
    /// The operator was defined anew, with other inputs.
    #[error("the operator was defined anew since")]
    DefinedAnew,
    /// The model defines functions, whose opsets are their own.
    #[error("the model defines functions of its own")]
    Functions,
    /// An attribute has a value that the newer operator cannot express.
    #[error("its attribute `{attribute}` is {value}, which has no counterpart")]
    Attribute {
        /// The attribute.
        attribute: &'static str,
        /// Its value.
        value: String,
    },
    /// An attribute is needed but missing.
    #[error("it lacks the attribute `{attribute}`")]
    MissingAttribute {
        /// The attribute.
        attribute: &'static str,
    },
    /// An input would have to be constant.
    #[error("its input `{input}` is computed while the model runs")]
    ComputedInput {
        /// What the input is for.
        input: &'static str,
    },
    /// A constant would have to be written in a type other than float32.
    #[error("it works on {dtype}, only float32, float16 and bfloat16 are raised")]
    ElementType {
        /// The element type.
        dtype: String,
    },
    /// An output means something else in the newer opset.
    #[error("its output `{output}` is used")]
    UsedOutput {
        /// What the output is.
        output: &'static str,
    },
}

fn why_nothing(reasons: &[String]) -> String {
    match reasons {
        [] => "the model has no Conv, ConvTranspose, Gemm or MatMul".to_owned(),
        [first] => first.clone(),
        [first, ..] => format!("{first}, and so on for {} nodes", reasons.len()),
    }
}

fn list(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(NAMES_SHOWN)
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn unsupported_opset(found: Option<i64>) -> String {
    let range =
        format!("opsets {} to {} are understood", crate::opset::OLDEST, crate::opset::NEWEST);
    match found {
        Some(version) => format!("the model uses opset {version}; {range}"),
        None => format!("the model does not say which opset it uses; {range}"),
    }
}
