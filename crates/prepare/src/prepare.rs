//! What every rewrite begins with: dimensions named apart, the opset raised, constants and batch norms folded.

use calibrant_onnx::{Model, fold_constants};

use crate::constants;
use crate::error::PrepareError;
use crate::fold_batch_norm::fold_batch_norm;
use crate::opset::{raise_opset, raise_to};
use crate::summary::{OpsetChange, Preparation};
use crate::symbols::rename_unrelated_symbols;

/// Returns `model` made ready, in `opset` at least, and what was done to it.
///
/// # Errors
///
/// When the opset cannot be raised, the graph has no order, or the values of a weight cannot be had.
pub fn prepare(model: &Model, opset: i64) -> Result<(Model, Preparation), PrepareError> {
    let mut model = model.clone();
    let dimensions_renamed = rename_unrelated_symbols(&mut model);
    let OpsetChange { before, .. } = raise_opset(&mut model)?;
    let OpsetChange { after, .. } = raise_to(&mut model, opset)?;
    let graph = model.graph_mut();
    let preparation = Preparation {
        opset: OpsetChange { before, after },
        dimensions_renamed,
        weight_inputs_removed: constants::drop_weight_inputs(graph),
        constants_folded: fold_constants(graph)?,
        batch_norms_folded: fold_batch_norm(graph)?,
    };
    Ok((model, preparation))
}
