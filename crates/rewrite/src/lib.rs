//! Rewrite ONNX graphs for TensorRT: Q/DQ placement, casts, batch-norm folding, opset upgrades and repairs.
//!
//! [`quantize`] takes a float32 model and the range of each activation and gives back the model in the form that every
//! TensorRT from 8.5 on, and every other runtime, takes for int8: explicit `QuantizeLinear` and `DequantizeLinear`
//! pairs, weights stored as int8. It knows no runtime and runs nothing; what it did stands in the [`Summary`].
//!
//! [`cast`] takes a float32 model, quantized or not, to float16 or bfloat16, and keeps in float32 what would not survive
//! it; see its [`CastSummary`].
//!
//! The steps of quantization, each public on its own: [`already_quantized`], [`rename_unrelated_symbols`], [`raise_opset`],
//! [`fold_constants`], [`fold_batch_norm`]. The rules of the placement, with their reasons, are the first page of
//! `placement/mod.rs`.
//!
//! # Examples
//!
//! ```no_run
//! use std::collections::BTreeMap;
//!
//! use calibrant_onnx::Model;
//! use calibrant_rewrite::{Options, quantize};
//!
//! let model = Model::read("model.onnx".as_ref())?;
//! let ranges = BTreeMap::from([("input".to_owned(), 2.64), ("relu1".to_owned(), 6.0)]);
//! let (quantized, summary) = quantize(&model, &ranges, &Options::for_tensorrt())?;
//! quantized.write("model.int8.onnx".as_ref())?;
//! println!("{} activations in int8", summary.activations.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod error;
mod options;
mod summary;

mod constants;
mod detect;
mod fold_batch_norm;
mod opset;
mod prepare;
mod symbols;

mod names;
mod placement;
mod qdq;
mod weights;

mod cast;
mod implicit;

use std::collections::BTreeMap;

use calibrant_onnx::{Model, Topology};

pub use cast::{
    CastNode, CastNote, CastOptions, CastSummary, FloatType, IoPrecision, KeptReason,
    LayerPrecision, ScalePrecision, UnknownPrecision, cast,
};
pub use constants::fold_constants;
pub use detect::already_quantized;
pub use error::{RaiseProblem, RewriteError};
pub use fold_batch_norm::fold_batch_norm;
pub use implicit::{
    ActivationScales, ScaleError, activation_scales, model_tensors, quantize_to_scales,
};
pub use opset::raise_opset;
pub use options::{Options, SmallLayers};
pub use summary::{
    FoldedBatchNorm, NodeSummary, Note, OpsetChange, Outcome, QuantizedActivation, QuantizedInput,
    Reason, RenamedDimension, Summary,
};
pub use symbols::rename_unrelated_symbols;

use placement::{Decision, Scale};
use prepare::{Prepared, prepare};

/// Returns `model` with Q/DQ pairs, and what was done to each of its nodes.
///
/// `ranges` holds the largest absolute value worth keeping of each activation, by the tensor's name in `model`; names
/// that are not needed are ignored. An operator that would read a tensor without a range stays in float, as it does in
/// TensorRT with such a calibration cache; [`Summary::without_ranges`] lists them.
///
/// # Errors
///
/// When the model is quantized already, its opset cannot be raised, a range that is needed is unusable or all of them
/// are missing, a weight cannot be read, an exclusion meets no node, or nothing is left to quantize.
pub fn quantize(
    model: &Model,
    ranges: &BTreeMap<String, f32>,
    options: &Options,
) -> Result<(Model, Summary), RewriteError> {
    if let Some(reason) = already_quantized(model) {
        return Err(RewriteError::AlreadyQuantized { reason });
    }
    let Prepared {
        mut model,
        opset,
        dimensions_renamed,
        weight_inputs_removed,
        constants_folded,
        batch_norms_folded,
    } = prepare(model)?;
    let graph = model.graph_mut();
    let topology = Topology::new(graph)?;
    let decisions = placement::place(&topology, options, ranges)?;
    something_to_do(&topology, &decisions, ranges)?;
    let scales = placement::scales(&topology, &decisions)?;
    let quantized = qdq::quantized(&topology, &decisions, &scales)?;
    let activations = scales.tensors.iter().map(|&(tensor, Scale { amax, scale })| {
        QuantizedActivation { tensor: tensor.to_owned(), amax, scale }
    });
    let activations = activations.collect();
    let mut notes = scales.notes;
    let (nodes, weight_notes) = quantized.write_into(graph);
    constants::drop_unread(graph)?;
    notes.extend(weight_notes);
    let summary = Summary {
        opset,
        dimensions_renamed,
        weight_inputs_removed,
        constants_folded,
        batch_norms_folded,
        nodes,
        activations,
        notes,
    };
    Ok((model, summary))
}

/// Fails when everything would stay in float.
fn something_to_do(
    topology: &Topology<'_>,
    decisions: &[Decision<'_>],
    ranges: &BTreeMap<String, f32>,
) -> Result<(), RewriteError> {
    if decisions.iter().any(|decision| matches!(decision, Decision::Quantize(_))) {
        return Ok(());
    }
    let unranged: Vec<String> = decisions
        .iter()
        .filter_map(|decision| match decision {
            Decision::Float(Reason::NoRange(tensors)) => Some(tensors.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    if !unranged.is_empty() && ranges.is_empty() {
        return Err(RewriteError::NoRanges { tensors: unranged });
    }
    if !unranged.is_empty() {
        return Err(RewriteError::ForeignRanges { n_ranges: ranges.len(), tensors: unranged });
    }
    let has_weights = |op: &str| matches!(op, "Conv" | "ConvTranspose" | "Gemm" | "MatMul");
    let nodes = topology.graph().node.iter().enumerate().zip(decisions);
    let reasons = nodes.filter(|((_, node), _)| has_weights(node.op())).filter_map(
        |((index, node), decision)| {
            let Decision::Float(reason) = decision else { return None };
            Some(format!("{}: {reason}", node.label(index)))
        },
    );
    Err(RewriteError::NothingToQuantize { reasons: reasons.collect() })
}
