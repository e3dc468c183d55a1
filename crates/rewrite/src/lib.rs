//! Q/DQ placement in ONNX graphs for TensorRT, and ranges out of graphs that have it.
//!
//! [`quantize`] takes a float32 model, the range of each activation and the formats that operators are to compute in, and
//! gives back the model in the form that every TensorRT from 8.5 on, and every other runtime, takes: explicit
//! `QuantizeLinear` and `DequantizeLinear` pairs, weights stored quantized. It knows no runtime and runs nothing; what it
//! did stands in the [`Summary`].
//! The rules of the placement, with their reasons, are the first page of `placement/mod.rs`.
//!
//! [`activation_scales`] reads the scales of a quantized model back.
//!
//! # Examples
//!
//! ```no_run
//! use calibrant_format::{Numbers, Ranges};
//! use calibrant_onnx::Model;
//! use calibrant_rewrite::{QuantizeOptions, quantize};
//!
//! let model = Model::read("model.onnx".as_ref())?;
//! let ranges = Ranges::of_amax([("input".to_owned(), 2.64), ("relu1".to_owned(), 6.0)])?;
//! let (quantized, summary) = quantize(&model, &ranges, &QuantizeOptions::all(Numbers::INT8))?;
//! quantized.write("model.int8.onnx".as_ref())?;
//! println!("{} activations in int8", summary.activations.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod error;
mod options;
mod summary;

mod detect;
mod floats;
mod implicit;
mod placement;
mod qdq;
mod weights;

use std::collections::BTreeSet;

use calibrant_format::{Granularity, Ranges, Scheme};
use calibrant_onnx::{ElementTypes, Model, Topology};
use calibrant_prepare::{BLOCKS, NEEDED, drop_unread, prepare};

pub use detect::already_quantized;
pub use error::RewriteError;
pub use implicit::{ActivationScales, ScaleError, activation_scales, model_tensors};
pub use options::{QuantizeOptions, SmallLayers};
pub use summary::{
    NodeSummary, Note, Outcome, QuantizedActivation, QuantizedInput, Reason, Summary,
};

use floats::{Floats, raise_for_half_scales};
use placement::{Decision, InputKind, Scaled};

/// Returns `model` with Q/DQ pairs, and what was done to each of its nodes.
///
/// `ranges` has the range of each activation, by the tensor's name in `model`; names that are not needed are ignored.
/// An operator that would read a tensor without a range stays in float, as it does in TensorRT with such a calibration
/// cache; [`Summary::without_ranges`] lists them.
/// Tensors that have to share a scale have that of the widest range among them; a tensor that was only ever 0 has that of
/// a range of 1.
///
/// # Errors
///
/// When the model is quantized already, its opset cannot be raised, all ranges that are needed are missing, a weight
/// cannot be read, a rule by name meets no node, or nothing is left to quantize.
pub fn quantize(
    model: &Model,
    ranges: &Ranges,
    options: &QuantizeOptions,
) -> Result<(Model, Summary), RewriteError> {
    if let Some(reason) = already_quantized(model) {
        return Err(RewriteError::AlreadyQuantized { reason });
    }
    let (mut model, mut preparation) = prepare(model, first_opset(&options.scheme))?;
    raise_for_half_scales(&mut model)?;
    let opset = model.opset().unwrap_or(preparation.opset.after);
    preparation.opset.after = opset;
    let graph = model.graph_mut();
    let topology = Topology::new(graph)?;
    let floats = Floats::of(&topology, opset);
    let decisions = placement::place(&topology, floats.types(), options, ranges)?;
    something_to_do(&topology, &decisions, ranges)?;
    let scales = placement::scales(&topology, &floats, &decisions);
    let quantized = qdq::quantized(&topology, &floats, &decisions, &scales)?;
    let activations =
        scales.tensors.iter().map(|&Scaled { tensor, format, range, scale, .. }| {
            let (tensor, format, amax) = (tensor.to_owned(), format.name, range.amax());
            QuantizedActivation { tensor, format, amax, scale }
        });
    let activations = activations.collect();
    let mut notes = scales.notes;
    let (nodes, weight_notes) = quantized.write_into(graph);
    drop_unread(graph)?;
    notes.extend(weight_notes);
    let summary = Summary { preparation, nodes, activations, notes };
    Ok((model, summary))
}

/// The activations that each node of `model` would read quantized if every tensor had a range; of nodes that read none, as
/// those that stay in float, there is nothing.
///
/// So what has to be calibrated for a quantized model is known before anything is.
///
/// # Errors
///
/// As [`quantize`], but for missing ranges and for a model in which nothing can be quantized, which reads nothing.
pub fn needed_ranges(
    model: &Model,
    options: &QuantizeOptions,
) -> Result<Vec<BTreeSet<String>>, RewriteError> {
    if let Some(reason) = already_quantized(model) {
        return Err(RewriteError::AlreadyQuantized { reason });
    }
    let (model, _) = prepare(model, first_opset(&options.scheme))?;
    let graph = model.graph();
    let topology = Topology::new(graph)?;
    let made = graph.node.iter().flat_map(|node| &node.output).cloned();
    let given = graph.input.iter().map(|input| input.label().to_owned());
    let ranges = Ranges::of_amax(made.chain(given).map(|tensor| (tensor, 1.0)));
    let ranges = ranges.unwrap_or_default();
    let types = ElementTypes::new(&topology, None);
    let decisions = placement::place(&topology, &types, options, &ranges)?;
    let needed = decisions.iter().zip(&graph.node).filter_map(|(decision, node)| {
        let Decision::Quantize(inputs) = decision else { return None };
        let activations =
            inputs.iter().filter(|it| matches!(it.kind, InputKind::Activation { .. }));
        Some(activations.map(|it| node.input[it.input].clone()).collect::<BTreeSet<_>>())
    });
    Ok(needed.filter(|tensors| !tensors.is_empty()).collect())
}

/// The first opset that can say what `scheme` asks for.
fn first_opset(scheme: &Scheme) -> i64 {
    let formats = scheme.formats().into_iter().map(|format| format.onnx.first_opset);
    let numbers = scheme.rules.iter().map(|rule| rule.numbers).chain([scheme.rest]);
    let granularities = numbers.filter_map(|numbers| Some(numbers.weights?.granularity));
    let has_blocks = granularities.into_iter().any(|it| matches!(it, Granularity::Block(_)));
    formats.chain(has_blocks.then_some(BLOCKS)).max().unwrap_or(NEEDED)
}

/// Fails when everything would stay in float.
fn something_to_do(
    topology: &Topology<'_>,
    decisions: &[Decision<'_>],
    ranges: &Ranges,
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
