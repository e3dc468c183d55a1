//! Why a model cannot be rewritten.

use calibrant_format::{Format, Granularity};
use calibrant_onnx::{TensorError, TopologyError};
use calibrant_prepare::PrepareError;
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
    /// A format has no scales for such parts of a weight.
    #[error("weights in {format} have no scale for {granularity}, only for {}", parts(*format))]
    Granularity {
        /// The format asked for.
        format: Format,
        /// The part asked for.
        granularity: Granularity,
    },
    /// No operator could be quantized.
    #[error("nothing to quantize: {}", why_nothing(reasons))]
    NothingToQuantize {
        /// Each operator that could have been, with the reason why it is not; none when there is none.
        reasons: Vec<String>,
    },
    /// The model cannot be made ready.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The graph has no order.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The values of a constant cannot be had.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

fn parts(format: Format) -> String {
    format.weights.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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
