//! Casts: a model in float16 or bfloat16, for runtimes that compute in whatever types the model states.
//!
//! TensorRT 11 and TensorRT-RTX are such runtimes: they took away the flag that let the builder choose. [`cast`] writes
//! into the model what the flag stood for, and says of every node that stays in float32 why.
//!
//! A type is chosen for each *unit*: the floats that one node computes with, which by the operator's definition have
//! one type, or what goes in and out of bodies at one place. What stays in float32:
//!
//! 1. **What the user names**, and nodes whose operator has no half type, in ONNX at this opset or in TensorRT.
//! 2. **The arithmetic of shapes.** *Why:* TensorRT computes it on the host in float32, and a rounded size is wrong.
//! 3. **What the model has between Casts itself.** *Why:* somebody meant it; and casting twice changes nothing.
//! 4. **What goes beyond the type**, by the range of each tensor over all samples, by the constants, and by what the
//!    operator computes on the way (`judge.rs`). Without ranges only constants are judged.
//! 5. **Q/DQ pairs and what they feed**, unless the scales are asked to be half (`scales.rs`).
//! 6. **What lies in between and costs fewer Casts that way** (`cut.rs`).
//!
//! Bodies of `If`, `Loop` and `Scan` are cast with the rest; calibration has no ranges for tensors inside them.

#![forbid(unsafe_code)]

mod convert;
mod cut;
mod decide;
mod error;
mod flow;
mod judge;
mod min_cut;
mod naming;
mod options;
mod regions;
mod scales;
mod schema;
mod schemas;
mod summary;
mod types;
mod units;
mod wishes;
mod write;

use std::collections::BTreeMap;

use calibrant_onnx::Model;
use calibrant_prepare::{BFLOAT16, HALF_SCALES, Names, drop_unread, prepare, raise_to};

pub use error::CastError;
pub use options::{
    CastOptions, FloatType, IoPrecision, LayerPrecision, ScalePrecision, UnknownPrecision,
};
pub use summary::{CastNode, CastNote, CastSummary, KeptReason};

use self::decide::{Decision, decide, fixed_reason};
use self::flow::{Flow, Maker, NodeId, Reader};
use self::judge::{Judge, Ranges};
use self::naming::Naming;
use self::schema::Schema;
use self::units::{End, Units};
use self::write::Writer;

/// Where a constant or an activation is noted: this share of its values, or this part of the largest number.
const NOTED_SHARE: f64 = 0.01;
const NOTED_HEADROOM: f32 = 4.0;

/// Returns `model` in the precision of `options`, and what became of each of its nodes.
///
/// `ranges` holds minimum and maximum of activations over all calibration samples, by the tensor's name in `model`;
/// names that are not needed are ignored. A model that is in half precision already comes back as it is, and so does
/// one that was cast before.
///
/// # Errors
///
/// When the model's opset cannot be raised to what the type needs, a pattern of names meets no node, a range is not
/// finite, or a weight cannot be read.
///
/// # Examples
///
/// ```no_run
/// use std::collections::BTreeMap;
///
/// use calibrant_onnx::Model;
/// use calibrant_cast::{CastOptions, FloatType, cast};
///
/// let model = Model::read("model.onnx".as_ref())?;
/// let ranges = BTreeMap::from([("input".to_owned(), (-2.1, 2.64)), ("squares".to_owned(), (0.0, 7.2e4))]);
/// let options = CastOptions::to(FloatType::Fp16);
/// let (half, summary) = cast(&model, Some(&ranges), &options)?;
/// half.write("model.fp16.onnx".as_ref())?;
/// for node in &summary.nodes {
///     if let Some(reason) = &node.kept {
///         println!("{} stays in float32: {reason}", node.name);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cast(
    model: &Model,
    ranges: Option<&BTreeMap<String, (f32, f32)>>,
    options: &CastOptions,
) -> Result<(Model, CastSummary), CastError> {
    check(ranges)?;
    let (mut model, mut preparation) = prepare(model, calibrant_prepare::NEEDED)?;
    let needed = needed_opset(&model, preparation.opset.after, options);
    if needed > preparation.opset.after && computes_in_float32(&model, preparation.opset.after)? {
        preparation.opset.after = raise_to(&mut model, needed)?.after;
    }

    let flow = Flow::new(model.graph(), preparation.opset.after)?;
    let units = Units::of(&flow);
    let decision = decide(&flow, &units, ranges, options)?;
    let mut names = Names::of(model.graph());
    let naming = Naming::new(&flow, &units, &decision, options.io, &mut names);
    let mut writer = Writer { naming, names, casts: 0, constants: Vec::new() };
    let mut graph = model.graph().clone();
    writer.graph(0, &mut graph)?;
    let Writer { casts, constants, .. } = writer;

    let mut judge = Judge::new(&flow, &units, ranges);
    let mut notes = constant_notes(&mut judge, &constants)?;
    notes.extend(activation_notes(&judge, &decision));
    let summary = CastSummary {
        preparation,
        nodes: (0..flow.nodes.len())
            .filter_map(|node| summarized(&flow, &units, &decision, node))
            .collect(),
        casts_added: casts,
        constants_cast: constants.len(),
        notes,
    };
    drop_unread(&mut graph)?;
    *model.graph_mut() = graph;
    Ok((model, summary))
}

fn check(ranges: Option<&Ranges>) -> Result<(), CastError> {
    let bounds = |(tensor, range): (_, &(f32, f32))| [(tensor, range.0), (tensor, range.1)];
    let mut bounds = ranges.into_iter().flatten().flat_map(bounds);
    match bounds.find(|(_, bound)| !bound.is_finite()) {
        Some((tensor, bound)) => {
            Err(CastError::NonFiniteRange { tensor: String::clone(tensor), bound })
        }
        None => Ok(()),
    }
}

/// Whether there is anything to cast.
fn computes_in_float32(model: &Model, opset: i64) -> Result<bool, CastError> {
    let flow = Flow::new(model.graph(), opset)?;
    Ok(!Units::of(&flow).units.is_empty())
}

/// Returns the opset that the types asked for need: 22 when operators of the model have bfloat16 only since, 19 when
/// scales are to be half.
fn needed_opset(model: &Model, opset: i64, options: &CastOptions) -> i64 {
    let wants = |precision| {
        options.precision == precision
            || options.layers.iter().any(|layer| layer.precision == precision)
    };
    let mut needed = opset;
    let mut waiting = vec![model.graph()];
    while let Some(graph) = waiting.pop() {
        for node in graph.node.iter().filter(|node| node.is_default_domain()) {
            waiting.extend(node.subgraphs());
            let has_bfloat16 = |opset| {
                let schema = Schema::of(node.op(), opset);
                schema.is_some_and(|schema| schema.allows_everywhere(FloatType::Bf16))
            };
            let has_bodies = node.subgraphs().next().is_some();
            let gains = has_bfloat16(BFLOAT16) && !has_bfloat16(opset);
            if wants(FloatType::Bf16) && (gains || has_bodies && opset < BFLOAT16) {
                needed = needed.max(BFLOAT16);
            }
            let is_half = wants(FloatType::Fp16) || wants(FloatType::Bf16);
            let is_pair = matches!(node.op(), "QuantizeLinear" | "DequantizeLinear");
            if is_pair && is_half && options.scales == ScalePrecision::Model {
                needed = needed.max(HALF_SCALES);
            }
        }
    }
    needed
}

/// Returns what became of a node, `None` when it has nothing to do with float32.
fn summarized(flow: &Flow<'_>, units: &Units, decision: &Decision, id: NodeId) -> Option<CastNode> {
    let node = &flow.nodes[id];
    if converts_floats(flow, node) {
        return None;
    }
    let mut ends = units.inputs[id].iter().chain(&units.outputs[id]);
    let computes = ends.any(|end| matches!(end, End::Unit(_) | End::Float32));
    if !computes || node.proto.is("Constant") {
        return None;
    }
    let own = units.of_node(id);
    // Scales of Resize and the like beside data that came in a half type.
    if own.is_empty() && node.inputs.iter().flatten().any(|&value| regions::is_half(flow, value)) {
        return None;
    }
    let kept = own.iter().find_map(|&unit| decision.kept[unit].clone());
    let (precision, kept) = match (own.first(), kept) {
        (Some(_), Some(kept)) => (FloatType::Fp32, Some(kept)),
        (Some(&unit), None) => (decision.types[unit], None),
        (None, _) => (FloatType::Fp32, fixed_reason(flow, id, &decision.wishes[id])),
    };
    let mut inside = Vec::new();
    let mut graph = node.graph;
    while let Some(holder) = flow.graphs[graph].holder {
        inside.insert(0, flow.nodes[holder].proto.label(flow.nodes[holder].index));
        graph = flow.nodes[holder].graph;
    }
    let mut names = node.proto.name.iter().chain(&node.proto.output);
    Some(CastNode {
        name: names.find(|name| !name.is_empty()).cloned().unwrap_or_default(),
        op_type: node.proto.op().to_owned(),
        inside,
        precision,
        kept,
    })
}

/// Whether a node is a Cast from one float type to another, which computes nothing.
fn converts_floats(flow: &Flow<'_>, node: &flow::Node<'_>) -> bool {
    let ends = node.inputs.iter().chain(&node.outputs).flatten();
    node.proto.is("Cast") && ends.into_iter().all(|&value| judge::is_any_float(flow, value))
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn constant_notes(
    judge: &mut Judge<'_, '_>,
    constants: &[(flow::ValueId, FloatType)],
) -> Result<Vec<CastNote>, CastError> {
    let mut notes = Vec::new();
    for &(value, precision) in constants {
        let Some(loss) = judge.loss(value, precision)? else { continue };
        let tensor = judge.flow.values[value].name.to_owned();
        if loss.overflowed > 0 {
            let (tensor, overflowed) = (tensor.clone(), loss.overflowed);
            notes.push(CastNote::InfiniteWeights { tensor, precision, overflowed });
        }
        let small = loss.vanished + loss.subnormal;
        if loss.vanished > 0 || small as f64 > NOTED_SHARE * loss.elements as f64 {
            notes.push(CastNote::SmallWeights {
                tensor,
                precision,
                elements: loss.elements,
                vanished: loss.vanished,
                subnormal: loss.subnormal,
            });
        }
    }
    Ok(notes)
}

/// Notes activations that come near the ends of their type, and those that nothing is known of.
fn activation_notes(judge: &Judge<'_, '_>, decision: &Decision) -> Vec<CastNote> {
    let (flow, units) = (judge.flow, judge.units);
    let mut notes = Vec::new();
    let mut unjudged: Vec<&str> = Vec::new();
    for value in (0..flow.values.len()).filter(|&value| flow.is_float(value)) {
        let tensor = &flow.values[value];
        let precision = match (units.made(flow, value), tensor.maker) {
            (End::Unit(unit), _) => decision.types[unit],
            (End::Caller, Maker::Input(place)) => decision.inputs[place],
            _ => continue,
        };
        let is_read = tensor.readers.iter().any(|reader| !matches!(reader, Reader::Output(0, _)));
        if precision == FloatType::Fp32 || !is_read && tensor.readers.is_empty() {
            continue;
        }
        let Some(reached) = judge.reach(value) else {
            unjudged.push(tensor.name);
            continue;
        };
        let name = tensor.name.to_owned();
        if reached > precision.largest() / NOTED_HEADROOM {
            notes.push(CastNote::NearOverflow { tensor: name, precision, reached });
        } else if reached > 0.0 && reached < precision.smallest_normal() {
            notes.push(CastNote::SmallActivation { tensor: name, precision, reached });
        }
    }
    if let (Some(first), true) = (unjudged.first(), judge.ranges.is_some()) {
        notes.push(CastNote::Unjudged { tensors: unjudged.len(), first: (*first).to_owned() });
    }
    notes
}
