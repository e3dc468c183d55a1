//! Why a model cannot be made ready.

use calibrant_onnx::{TensorError, TopologyError};
use thiserror::Error;

/// Why a model cannot be made ready for a rewrite.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PrepareError {
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

fn unsupported_opset(found: Option<i64>) -> String {
    let range =
        format!("opsets {} to {} are understood", crate::opset::OLDEST, crate::opset::NEWEST);
    match found {
        Some(version) => format!("the model uses opset {version}; {range}"),
        None => format!("the model does not say which opset it uses; {range}"),
    }
}
