//! Operators that are computed here: those that the executor lacks, or lacks a form of.
//!
//! The normaliser marks their nodes with a [domain](DOMAIN) of their own, in which a node has the name and the attributes
//! that it has in ONNX's; what depends on the version of the operators is written out as an attribute before.

use std::fmt;

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::Value;

use crate::bits;
use crate::demand::Args;
use crate::error::StepError;
use crate::halves;
use crate::loss;
use crate::matrix;
use crate::random;
use crate::recurrent;
use crate::selection;
use crate::spatial;

/// The domain of operators that are computed here.
pub(crate) const DOMAIN: &str = "calibrant";

/// An operator with its attributes.
pub(crate) trait Compute: fmt::Debug + Send + Sync {
    /// The bytes that it takes beside its inputs, its outputs included; see [`demand`](crate::demand).
    fn bytes(&self, args: &Args<'_, '_>) -> u64;

    /// Its outputs for these inputs, those that nothing reads included.
    ///
    /// # Errors
    ///
    /// When ONNX has no answer for them.
    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError>;
}

/// Whether `node` is one of these operators.
pub(crate) fn is_ours(node: &NodeProto) -> bool {
    node.domain.as_deref() == Some(DOMAIN)
}

/// The operator that `node` is, whatever its domain.
///
/// # Errors
///
/// When it is none that is computed here, or not with these attributes.
pub(crate) fn of(node: &NodeProto) -> Result<Box<dyn Compute>, Refusal> {
    match node.op() {
        "Cast" => halves::of(node),
        "GRU" | "LSTM" | "RNN" => recurrent::of(node),
        "BitShift" | "BitwiseAnd" | "BitwiseNot" | "BitwiseOr" | "BitwiseXor" => bits::of(node),
        "Compress" | "Hardmax" | "NonMaxSuppression" => selection::of(node),
        "Det" => matrix::of(node),
        "NegativeLogLikelihoodLoss" | "SoftmaxCrossEntropyLoss" => loss::of(node),
        op if random::draws(op) => random::of(node),
        _ => spatial::of(node),
    }
}
