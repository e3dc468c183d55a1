//! Writes the Q/DQ pairs that the placement asked for.
//!
//! An activation gets one `QuantizeLinear` and one `DequantizeLinear`, whoever reads it in int8; readers in float keep
//! the float tensor. A weight becomes an int8 initializer with a `DequantizeLinear`, once for all that read it on the
//! same axis. Zero points are int8 zeros, written out because `QuantizeLinear` without one makes uint8.

use std::collections::HashMap;

use calibrant_onnx::Topology;
use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};

use crate::error::RewriteError;
use crate::names::Names;
use crate::placement::{Decision, InputKind, PlannedInput, Scale, Scales};
use crate::summary::{NodeSummary, Note, Outcome, QuantizedInput};
use crate::weights::quantize_weight;

/// A graph with Q/DQ pairs, in parts.
pub(crate) struct Quantized {
    /// All nodes, in an order that runs.
    pub(crate) nodes: Vec<NodeProto>,
    /// Initializers to add.
    pub(crate) initializers: Vec<TensorProto>,
    /// What happened to each node but constants.
    pub(crate) summary: Vec<NodeSummary>,
    /// What is worth a note about weights.
    pub(crate) notes: Vec<Note>,
}

/// Returns the graph of `topology` with the pairs that `decisions` ask for.
///
/// # Errors
///
/// When a weight cannot be read or holds an infinity or not a number.
pub(crate) fn quantized(
    topology: &Topology<'_>,
    decisions: &[Decision<'_>],
    scales: &Scales<'_>,
) -> Result<Quantized, RewriteError> {
    let graph = topology.graph();
    let mut writer = Writer {
        topology,
        scales: scales.tensors.iter().copied().collect(),
        names: Names::of(graph),
        zero_points: HashMap::new(),
        activations: HashMap::new(),
        weights: HashMap::new(),
        nodes: Vec::with_capacity(graph.node.len() + 2 * scales.tensors.len()),
        initializers: Vec::new(),
        notes: Vec::new(),
    };
    let mut summary = Vec::new();
    for &index in topology.order() {
        let node = &graph.node[index];
        let outcome = match &decisions[index] {
            Decision::Quantize(inputs) => {
                Outcome::Quantized { inputs: writer.quantize(index, inputs)? }
            }
            decision => {
                writer.nodes.push(node.clone());
                match decision {
                    Decision::Float(reason) => Outcome::Float { reason: reason.clone() },
                    _ => continue,
                }
            }
        };
        summary.push(NodeSummary {
            name: name_of(node),
            op_type: node.op().to_owned(),
            outputs: node.output.clone(),
            outcome,
        });
    }
    let Writer { nodes, initializers, notes, .. } = writer;
    Ok(Quantized { nodes, initializers, summary, notes })
}

/// The node's name, or that of its first output when it has none.
pub(crate) fn name_of(node: &NodeProto) -> String {
    let mut names = node.name.iter().chain(&node.output);
    names.find(|name| !name.is_empty()).cloned().unwrap_or_default()
}

impl Quantized {
    /// Puts the parts into `graph`.
    pub(crate) fn write_into(self, graph: &mut GraphProto) -> (Vec<NodeSummary>, Vec<Note>) {
        graph.node = self.nodes;
        graph.initializer.extend(self.initializers);
        (self.summary, self.notes)
    }
}

struct Writer<'a> {
    topology: &'a Topology<'a>,
    scales: HashMap<&'a str, Scale>,
    names: Names,
    /// Zero points by number of channels, `None` for the scalar.
    zero_points: HashMap<Option<usize>, String>,
    /// Dequantized activations by the name of the float tensor.
    activations: HashMap<&'a str, String>,
    /// Dequantized weights by name of the float tensor and quantized axis.
    weights: HashMap<(&'a str, Option<usize>), (String, QuantizedInput)>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    notes: Vec<Note>,
}

impl<'a> Writer<'a> {
    /// Writes node `index` with these inputs quantized, and before it what it reads.
    fn quantize(
        &mut self,
        index: usize,
        inputs: &[PlannedInput<'_>],
    ) -> Result<Vec<QuantizedInput>, RewriteError> {
        let original = &self.topology.graph().node[index];
        let mut node = original.clone();
        let mut summary = Vec::with_capacity(inputs.len());
        for planned in inputs {
            let tensor = original.input[planned.input].as_str();
            let (name, input) = match planned.kind {
                InputKind::Activation { .. } => self.activation(tensor),
                InputKind::Weight { tensor: constant, axis } => {
                    self.weight(tensor, constant, axis, index)?
                }
            };
            node.input[planned.input] = name;
            summary.push(input);
        }
        self.nodes.push(node);
        Ok(summary)
    }

    /// Returns the dequantized twin of an activation.
    fn activation(&mut self, tensor: &'a str) -> (String, QuantizedInput) {
        let scale = self.scales[tensor].scale;
        let input = QuantizedInput::Activation { tensor: tensor.to_owned(), scale };
        if let Some(name) = self.activations.get(tensor) {
            return (name.clone(), input);
        }
        let scale_name = self.initializer(&format!("{tensor}_scale"), |name| {
            TensorProto::from_f32(name, &[], &[scale])
        });
        let zero_point = self.zero_point(None);
        let quantized = self.names.fresh(&format!("{tensor}_quantized"));
        let dequantized = self.names.fresh(&format!("{tensor}_dequantized"));
        for (op, from, to) in [
            ("QuantizeLinear", tensor, &quantized),
            ("DequantizeLinear", quantized.as_str(), &dequantized),
        ] {
            let name = self.names.fresh(&format!("{tensor}_{op}"));
            self.nodes.push(NodeProto::new(op, &name, &[from, &scale_name, &zero_point], &[to]));
        }
        self.activations.insert(tensor, dequantized.clone());
        (dequantized, input)
    }

    /// Returns the dequantized twin of a constant.
    fn weight(
        &mut self,
        tensor: &'a str,
        constant: &TensorProto,
        axis: Option<usize>,
        reader: usize,
    ) -> Result<(String, QuantizedInput), RewriteError> {
        if let Some(known) = self.weights.get(&(tensor, axis)) {
            return Ok(known.clone());
        }
        let (shape, values) = (constant.shape()?, constant.to_f32()?);
        let weight = quantize_weight(&values, &shape, axis).map_err(|element| {
            RewriteError::NonFiniteWeight {
                tensor: tensor.to_owned(),
                node: self.topology.graph().node[reader].label(reader),
                layer: name_of(&self.topology.graph().node[reader]),
                index: element.index,
                value: element.value,
            }
        })?;
        let channels = axis.map(|axis| shape[axis]);
        let scale_shape: Vec<usize> = channels.into_iter().collect();
        let quantized = self.initializer(&format!("{tensor}_quantized"), |name| {
            TensorProto::from_i8(name, &shape, &weight.values)
        });
        let scale = self.initializer(&format!("{tensor}_scale"), |name| {
            TensorProto::from_f32(name, &scale_shape, &weight.scales)
        });
        let zero_point = self.zero_point(channels);
        let dequantized = self.names.fresh(&format!("{tensor}_dequantized"));
        let name = self.names.fresh(&format!("{tensor}_DequantizeLinear"));
        let mut node = NodeProto::new(
            "DequantizeLinear",
            &name,
            &[&quantized, &scale, &zero_point],
            &[&dequantized],
        );
        if let Some(axis) = axis {
            // An axis is the place of a dimension, of which there are a handful.
            node.set_attr(AttributeProto::int("axis", i64::try_from(axis).unwrap_or(i64::MAX)));
        }
        self.nodes.push(node);
        if !weight.zero_channels.is_empty() {
            self.notes.push(Note::ZeroChannels {
                tensor: tensor.to_owned(),
                channels: weight.zero_channels,
            });
        }
        let input = QuantizedInput::Weight {
            tensor: tensor.to_owned(),
            axis,
            channels: weight.scales.len(),
            smallest_scale: weight.scales.iter().copied().fold(f32::INFINITY, f32::min),
            largest_scale: weight.scales.iter().copied().fold(0.0, f32::max),
        };
        self.weights.insert((tensor, axis), (dequantized.clone(), input.clone()));
        Ok((dequantized, input))
    }

    /// Returns the name of int8 zeros, one a channel, or of a single one.
    fn zero_point(&mut self, channels: Option<usize>) -> String {
        if let Some(name) = self.zero_points.get(&channels) {
            return name.clone();
        }
        let wish =
            channels.map_or("zero_point".to_owned(), |channels| format!("zero_point_{channels}"));
        let shape: Vec<usize> = channels.into_iter().collect();
        let zeros = vec![0; channels.unwrap_or(1)];
        let name = self.initializer(&wish, |name| TensorProto::from_i8(name, &shape, &zeros));
        self.zero_points.insert(channels, name.clone());
        name
    }

    fn initializer(&mut self, wish: &str, make: impl FnOnce(&str) -> TensorProto) -> String {
        let name = self.names.fresh(wish);
        self.initializers.push(make(&name));
        name
    }
}
