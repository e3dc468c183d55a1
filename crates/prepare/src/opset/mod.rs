//! Raising a model to the opset that per-channel weights need.
//!
//! `DequantizeLinear` has its `axis` since opset 13. Older models are raised to 13 and no further; newer ones are left
//! where they are, unless a type asks for more (`recent.rs`). Each operator that changed in between has its upgrade here, named after what moved; an operator that
//! could not keep its exact meaning is refused by name.
//!
//! | operator | changed at | upgrade |
//! |---|---|---|
//! | BatchNormalization | 9 | `spatial` = 1, the default, goes away |
//! | Upsample | 9, 10 | becomes Resize; `scales` moves to an input |
//! | Scan | 9 | refused when older: it was defined anew |
//! | Slice, TopK | 10 | `starts` `ends` `axes`, `k` move to inputs |
//! | Clip, Pad | 11 | `min` `max`, `pads` `value` move to inputs |
//! | Resize | 11, 13 | sampling rule of opset 10 spelled out; unused inputs left out |
//! | Scatter | 11 | becomes ScatterElements |
//! | OneHot | 11 | kept when its indices are constant and not negative, refused otherwise |
//! | Dropout | 12 | `ratio`, meaningless at inference, goes away; refused when the mask is used |
//! | Squeeze, Unsqueeze, ReduceSum, Split | 13 | `axes`, `split` move to an input |
//! | Softmax, LogSoftmax, Hardmax | 13 | the matrix that the input was seen as is spelled out, unless it is the same |
//!
//! Graphs inside `If`, `Loop` and `Scan` are raised with the rest.

mod attributes;
mod recent;
mod resize;
mod softmax;
mod unchanged;

use calibrant_onnx::proto::{GraphProto, NodeProto, TensorProto};
use calibrant_onnx::{Model, Topology};

use crate::error::{PrepareError, RaiseProblem};
use crate::names::Names;
use crate::summary::OpsetChange;

pub use recent::{BFLOAT16, BLOCKS, HALF_SCALES, raise_to};

/// The oldest opset that is understood.
pub(crate) const OLDEST: i64 = 7;
/// The newest opset that is understood.
pub(crate) const NEWEST: i64 = 25;
/// The opset in which weights can have a scale a channel.
pub const NEEDED: i64 = 13;
/// The IR version that came with [`NEEDED`].
const NEEDED_IR: i64 = 7;

/// Raises the model to opset 13 when it is older, in the same meaning, and returns its opset before and after.
///
/// # Errors
///
/// When the opset is missing, older than 7 or newer than 25, or an operator cannot be raised exactly.
pub fn raise_opset(model: &mut Model) -> Result<OpsetChange, PrepareError> {
    let found = model.opset();
    let before = found
        .filter(|version| (OLDEST..=NEWEST).contains(version))
        .ok_or(PrepareError::UnsupportedOpset { found })?;
    // Before IR version 4 an initializer had to be an input as well, which makes it no constant.
    model.proto.ir_version = model.proto.ir_version.max(Some(NEEDED_IR));
    if before >= NEEDED {
        return Ok(OpsetChange { before, after: before });
    }
    if let Some(function) = model.proto.functions.first() {
        let node = function.name.clone().unwrap_or_default();
        return Err(refusal(node, before, RaiseProblem::Functions));
    }
    let mut names = Names::of(model.graph());
    raise_graph(model.graph_mut(), before, &mut names)?;
    model.set_opset(NEEDED);
    Ok(OpsetChange { before, after: NEEDED })
}

fn refusal(node: String, from: i64, problem: RaiseProblem) -> PrepareError {
    PrepareError::CannotRaise { node, from, to: NEEDED, problem }
}

fn raise_graph(graph: &mut GraphProto, from: i64, names: &mut Names) -> Result<(), PrepareError> {
    let topology = Topology::new(graph)?;
    let mut upgrade =
        Upgrade { from, topology: &topology, names, nodes: Vec::new(), initializers: Vec::new() };
    for (index, node) in graph.node.iter().enumerate() {
        let mut node = node.clone();
        for attribute in &mut node.attribute {
            for inner in attribute.g.as_option_mut().into_iter().chain(&mut attribute.graphs) {
                raise_graph(inner, from, upgrade.names)?;
            }
        }
        let label = node.label(index);
        upgrade.node(node).map_err(|problem| refusal(label, from, problem))?;
    }
    let Upgrade { nodes, initializers, .. } = upgrade;
    graph.node = nodes;
    graph.initializer.extend(initializers);
    Ok(())
}

/// One graph while it is raised.
struct Upgrade<'a> {
    /// The model's opset.
    from: i64,
    /// The graph as it was.
    topology: &'a Topology<'a>,
    names: &'a mut Names,
    /// The graph's new nodes.
    nodes: Vec<NodeProto>,
    /// Constants that the new nodes read.
    initializers: Vec<TensorProto>,
}

impl Upgrade<'_> {
    /// Writes `node` in the newer opset.
    fn node(&mut self, mut node: NodeProto) -> Result<(), RaiseProblem> {
        if !node.is_default_domain() {
            self.nodes.push(node);
            return Ok(());
        }
        match (node.op(), self.from) {
            ("Squeeze" | "Unsqueeze" | "ReduceSum", _) => self.move_ints(&mut node, "axes"),
            ("Split", _) => self.move_ints(&mut node, "split"),
            ("Slice", ..10) => self.slice(&mut node)?,
            ("TopK", ..10) => self.top_k(&mut node)?,
            ("Clip", ..11) => self.clip(&mut node)?,
            ("Pad", ..11) => self.pad(&mut node)?,
            ("OneHot", ..11) => self.one_hot(&node)?,
            ("Dropout", ..12) => self.dropout(&mut node)?,
            ("BatchNormalization", ..9) => attributes::batch_norm(&mut node)?,
            ("Scatter", _) => node.op_type = Some("ScatterElements".to_owned()),
            ("Upsample", _) => self.upsample(&mut node)?,
            ("Resize", 10) => self.resize_10(&mut node)?,
            ("Resize", _) => attributes::resize_11(&mut node),
            ("Softmax" | "LogSoftmax" | "Hardmax", _) => return self.softmax(node),
            (
                "Slice" | "TopK" | "Clip" | "Pad" | "OneHot" | "Dropout" | "BatchNormalization",
                _,
            ) => {}
            ("Scan", 9..) => {}
            ("Scan", _) => return Err(RaiseProblem::DefinedAnew),
            (op, _) if unchanged::is_unchanged(op) => {}
            _ => return Err(RaiseProblem::UnknownOperator),
        }
        self.nodes.push(node);
        Ok(())
    }

    /// Returns the name of a new constant list of whole numbers.
    fn ints(&mut self, wish: &str, values: &[i64]) -> String {
        let name = self.names.fresh(wish);
        self.initializers.push(TensorProto::from_i64(&name, &[values.len()], values));
        name
    }
}
