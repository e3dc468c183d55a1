//! What every rewrite begins with: dimensions named apart, the opset raised, constants and batch norms folded.

use calibrant_onnx::Model;

use crate::constants::{self, fold_constants};
use crate::error::PrepareError;
use crate::fold_batch_norm::fold_batch_norm;
use crate::opset::{raise_opset, raise_to};
use crate::summary::{FoldedBatchNorm, OpsetChange, RenamedDimension};
use crate::symbols::rename_unrelated_symbols;

/// A model that is ready for a rewrite, and what was done to it.
#[derive(Debug)]
pub struct Prepared {
    /// The model.
    pub model: Model,
    /// Its opset, as it came and as it is.
    pub opset: OpsetChange,
    /// Dimensions that got a name of their own.
    pub dimensions_renamed: Vec<RenamedDimension>,
    /// Graph inputs that only named a stored weight, which now is a constant.
    pub weight_inputs_removed: Vec<String>,
    /// Nodes computed once and for all because their inputs are constants, by label.
    pub constants_folded: Vec<String>,
    /// BatchNormalization nodes that went into the weights before them.
    pub batch_norms_folded: Vec<FoldedBatchNorm>,
}

/// Returns `model` made ready, in `opset` at least.
///
/// # Errors
///
/// When the opset cannot be raised, the graph has no order, or the values of a weight cannot be had.
pub fn prepare(model: &Model, opset: i64) -> Result<Prepared, PrepareError> {
    let mut model = model.clone();
    let dimensions_renamed = rename_unrelated_symbols(&mut model);
    let OpsetChange { before, .. } = raise_opset(&mut model)?;
    let OpsetChange { after, .. } = raise_to(&mut model, opset)?;
    let graph = model.graph_mut();
    let weight_inputs_removed = constants::drop_weight_inputs(graph);
    let constants_folded = fold_constants(graph)?;
    let batch_norms_folded = fold_batch_norm(graph)?;
    Ok(Prepared {
        model,
        opset: OpsetChange { before, after },
        dimensions_renamed,
        weight_inputs_removed,
        constants_folded,
        batch_norms_folded,
    })
}
