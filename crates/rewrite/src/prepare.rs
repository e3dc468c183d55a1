//! What every rewrite begins with: dimensions named apart, the opset raised, constants and batch norms folded.

use calibrant_onnx::Model;

use crate::constants::{self, fold_constants};
use crate::error::RewriteError;
use crate::fold_batch_norm::fold_batch_norm;
use crate::opset::{raise_opset, raise_to};
use crate::summary::{FoldedBatchNorm, OpsetChange, RenamedDimension};
use crate::symbols::rename_unrelated_symbols;

/// A model that is ready for a rewrite, and what was done to it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) model: Model,
    pub(crate) opset: OpsetChange,
    pub(crate) dimensions_renamed: Vec<RenamedDimension>,
    pub(crate) weight_inputs_removed: Vec<String>,
    pub(crate) constants_folded: Vec<String>,
    pub(crate) batch_norms_folded: Vec<FoldedBatchNorm>,
}

/// Returns `model` made ready, in `opset` at least.
///
/// # Errors
///
/// When the opset cannot be raised, the graph has no order, or the values of a weight cannot be had.
pub(crate) fn prepare(model: &Model, opset: i64) -> Result<Prepared, RewriteError> {
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
