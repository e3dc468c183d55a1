//! Writes the Q/DQ pairs that the placement asked for.
//!
//! An activation gets one `QuantizeLinear` and one `DequantizeLinear` a format, whoever reads it in that; readers in
//! float keep the float tensor. A weight becomes an initializer in its format with a `DequantizeLinear`, once for all
//! that read it cut up alike. Zero points are zeros of the format, written out because they are what names it:
//! `QuantizeLinear` without one makes uint8.

use std::collections::HashMap;

use calibrant_format::Format;
use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, Topology};
use calibrant_tensor::OtherFloat;

use crate::error::RewriteError;
use crate::floats::{Floats, ScaleType, constant};
use crate::placement::{Decision, InputKind, PlannedInput, Scaled, Scales};
use crate::summary::{NodeSummary, Note, Outcome, QuantizedInput};
use crate::weights::{Split, quantize_weight};
use calibrant_prepare::Names;

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
    floats: &Floats<'_>,
    decisions: &[Decision<'_>],
    scales: &Scales<'_>,
) -> Result<Quantized, RewriteError> {
    let graph = topology.graph();
    let mut writer = Writer {
        topology,
        floats,
        scales: scales.tensors.iter().map(|it| ((it.tensor, it.format), *it)).collect(),
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

/// ONNX's name of a format; one that ONNX does not have yet is `UNDEFINED`, which its checker refuses.
fn onnx_type(format: Format) -> DataType {
    DataType::of_code(format.onnx.code).unwrap_or(DataType::UNDEFINED)
}

struct Writer<'a> {
    topology: &'a Topology<'a>,
    floats: &'a Floats<'a>,
    scales: HashMap<(&'a str, Format), Scaled<'a>>,
    names: Names,
    /// Zero points by their format and shape.
    zero_points: HashMap<(Format, Vec<usize>), String>,
    /// Dequantized activations by the name of the float tensor.
    activations: HashMap<(&'a str, Format), String>,
    /// Dequantized weights by name of the float tensor.
    weights: HashMap<(&'a str, Format, Split), (String, QuantizedInput)>,
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
                InputKind::Activation { format, .. } => self.activation(tensor, format),
                InputKind::Weight { tensor: weight, format, split } => {
                    self.weight(tensor, weight, (format, split), index)?
                }
            };
            node.input[planned.input] = name;
            summary.push(input);
        }
        self.nodes.push(node);
        Ok(summary)
    }

    /// Returns the dequantized twin of an activation.
    fn activation(&mut self, tensor: &'a str, format: Format) -> (String, QuantizedInput) {
        let Scaled { scale, floats, scale_type, .. } = self.scales[&(tensor, format)];
        let name = tensor.to_owned();
        let input = QuantizedInput::Activation { tensor: name, format: format.name, scale };
        if let Some(name) = self.activations.get(&(tensor, format)) {
            return (name.clone(), input);
        }
        let scale_name = self.initializer(&format!("{tensor}_scale"), |name| {
            constant(name, scale_type.between(floats), &[], &[scale])
        });
        let zero_point = self.zero_point(format, &[]);
        let around = floats.filter(|_| scale_type == ScaleType::Float32);
        let float = match around {
            Some(_) => self.cast(tensor, tensor, None),
            None => tensor.to_owned(),
        };
        let quantized = self.names.fresh(&format!("{tensor}_quantized"));
        let dequantized = self.names.fresh(&format!("{tensor}_dequantized"));
        for (op, from, to) in [
            ("QuantizeLinear", float.as_str(), &quantized),
            ("DequantizeLinear", quantized.as_str(), &dequantized),
        ] {
            let name = self.names.fresh(&format!("{tensor}_{op}"));
            self.nodes.push(NodeProto::new(op, &name, &[from, &scale_name, &zero_point], &[to]));
        }
        let dequantized = match around {
            Some(float) => self.cast(&dequantized, tensor, Some(float)),
            None => dequantized,
        };
        self.activations.insert((tensor, format), dequantized.clone());
        (dequantized, input)
    }

    /// Returns `from`, which stands for `tensor`, in another float type.
    fn cast(&mut self, from: &str, tensor: &str, floats: Option<OtherFloat>) -> String {
        let word = floats.map_or("float", OtherFloat::name);
        let dtype = floats.map_or(DataType::FLOAT, DataType::of_float);
        let to = self.names.fresh(&format!("{from}_{word}"));
        let name = self.names.fresh(&format!("{tensor}_Cast"));
        let cast = NodeProto::new("Cast", &name, &[from], &[&to]);
        self.nodes.push(cast.with_attr(AttributeProto::int("to", dtype as i64)));
        to
    }

    /// Returns the dequantized twin of a constant.
    fn weight(
        &mut self,
        tensor: &'a str,
        weight: &TensorProto,
        (format, split): (Format, Split),
        reader: usize,
    ) -> Result<(String, QuantizedInput), RewriteError> {
        let key = (tensor, format, split);
        if let Some(known) = self.weights.get(&key) {
            return Ok(known.clone());
        }
        let (shape, values) = (weight.shape()?, weight.to_f32()?.into_owned());
        let floats = weight.dtype()?.other_float();
        let mut scale_type = ScaleType::AsFloats;
        let round = |scales: &mut [f32]| scale_type = self.floats.round(floats, scales);
        let weight = quantize_weight(values, &shape, split, &format, round).map_err(|element| {
            RewriteError::NonFiniteWeight {
                tensor: tensor.to_owned(),
                node: self.topology.graph().node[reader].label(reader),
                layer: name_of(&self.topology.graph().node[reader]),
                index: element.index,
                value: element.value,
            }
        })?;
        let quantized = self.initializer(&format!("{tensor}_quantized"), |name| {
            TensorProto::from_raw(name, onnx_type(format), &shape, weight.bytes)
        });
        let scale = self.initializer(&format!("{tensor}_scale"), |name| {
            constant(name, scale_type.between(floats), &weight.scale_shape, &weight.scales)
        });
        let zero_point = self.zero_point(format, &weight.scale_shape);
        let dequantized = self.names.fresh(&format!("{tensor}_dequantized"));
        let name = self.names.fresh(&format!("{tensor}_DequantizeLinear"));
        let mut node = NodeProto::new(
            "DequantizeLinear",
            &name,
            &[&quantized, &scale, &zero_point],
            &[&dequantized],
        );
        let (axis, block) = match split {
            Split::Whole => (None, None),
            Split::Axis(axis) => (Some(axis), None),
            Split::Blocks { axis, size } => (Some(axis), Some(size)),
        };
        for (attribute, value) in [("axis", axis), ("block_size", block)] {
            if let Some(value) = value {
                // The place of a dimension, of which there are a handful, or a number of 32 bits.
                let value = i64::try_from(value).unwrap_or(i64::MAX);
                node.set_attr(AttributeProto::int(attribute, value));
            }
        }
        self.nodes.push(node);
        let around = floats.filter(|_| scale_type == ScaleType::Float32);
        let dequantized = match around {
            Some(float) => self.cast(&dequantized, tensor, Some(float)),
            None => dequantized,
        };
        // A block of zeros is nothing to look at: there are thousands of blocks.
        if block.is_none() && !weight.zero_parts.is_empty() {
            self.notes.push(Note::ZeroChannels {
                tensor: tensor.to_owned(),
                channels: weight.zero_parts,
            });
        }
        let input = QuantizedInput::Weight {
            tensor: tensor.to_owned(),
            format: format.name,
            axis,
            block,
            channels: weight.scales.len(),
            smallest_scale: weight.scales.iter().copied().fold(f32::INFINITY, f32::min),
            largest_scale: weight.scales.iter().copied().fold(0.0, f32::max),
        };
        self.weights.insert(key, (dequantized.clone(), input.clone()));
        Ok((dequantized, input))
    }

    /// Returns the name of zeros of a format, as many as there are scales.
    fn zero_point(&mut self, format: Format, shape: &[usize]) -> String {
        let key = (format, shape.to_vec());
        if let Some(name) = self.zero_points.get(&key) {
            return name.clone();
        }
        let sizes = shape.iter().map(|size| format!("_{size}")).collect::<String>();
        let zeros = format.encode(&vec![0.0; shape.iter().product()]);
        let name = self.initializer(&format!("zero_point{sizes}"), |name| {
            TensorProto::from_raw(name, onnx_type(format), shape, zeros)
        });
        self.zero_points.insert(key, name.clone());
        name
    }

    fn initializer(&mut self, wish: &str, make: impl FnOnce(&str) -> TensorProto) -> String {
        let name = self.names.fresh(wish);
        self.initializers.push(make(&name));
        name
    }
}
