//! Where Q/DQ pairs go.
//!
//! TensorRT looks for operators whose inputs all come from `DequantizeLinear` and runs them in int8; it moves
//! `QuantizeLinear` up and `DequantizeLinear` down as far as they commute, and fuses a weighted operator with what
//! follows it up to the next `QuantizeLinear`. The rules below give it the pairs that it can use and no other, since
//! every pair that stays is a kernel of its own and a rounding for nothing.
//!
//! 1. **Conv, ConvTranspose, Gemm, MatMul: inputs and weights.** The activation has one scale, the weight one a
//!    channel made: axis 0 of Conv, axis 1 of ConvTranspose, the column axis of Gemm and MatMul. *Why:* those are the
//!    axes that int8 kernels take, and per-channel weights are what keeps depthwise networks accurate. A ConvTranspose
//!    with groups has one scale for all, because axis 1 then counts the channels of a single group and the same scale
//!    would stand for unrelated channels; so has a MatMul whose weight is a stack of matrices or stands on the left.
//!    A MatMul or Gemm of two activations is quantized on both. Nothing is put behind the operator and its bias is
//!    not touched. *Why:* TensorRT takes the next pair backwards itself, and keeps biases in float.
//! 2. **Weights must be constants of floats**, of whatever width. A convolution whose weights are computed stays in float,
//!    since their ranges are not known when the engine is built.
//! 3. **Small layers stay in float** ([`SmallLayers`](crate::SmallLayers)): a Conv with fewer than 16 channels in or
//!    out, a depthwise Conv whose channels are no multiple of 8 or whose kernel is smaller than 3, a matrix with a side
//!    shorter than 16. *Why:* int8 kernels work on 16 or 32 channels at once and would fill up with zeros, while such
//!    layers hold a thousandth of the arithmetic and, as first and last layers, much of the accuracy. The usual first
//!    layer is an exception, because TensorRT has kernels made for it: at most 4 channels in, a multiple of 8 out and a
//!    square kernel. Leaving a layer in float is always safe, hence the default.
//! 4. **Residual Add: the skip input only**, and only when the sum is read in int8. The other input, which comes from a
//!    quantized operator that nothing else reads, stays as it is. *Why:* Conv and Add then are one kernel with int8 in
//!    and out; a pair on the convolution's side would cut them apart. When both sides qualify the longer one is taken
//!    as the convolution's. An Add of a constant is no residual.
//! 5. **Concat: all inputs, with one scale**, when everything that reads the result reads int8. *Why:* TensorRT moves
//!    the pair above the Concat anyway; with one scale joining is a copy, with several each input is rescaled. One of
//!    float16 or bfloat16 has no pairs: TensorRT finds the one behind it, and onnxruntime 1.32 makes an operator of pairs
//!    with half scales before and behind a Concat that it then does not take.
//! 6. **AveragePool and GlobalAveragePool between quantized operators** are quantized on their input, if that keeps no
//!    float reader of the same tensor waiting. *Why:* the tensor between them then stays in int8; elsewhere, as in the
//!    squeeze of a squeeze-and-excitation block, a pair would be one kernel more.
//! 7. **What only moves values** (MaxPool, Reshape, Transpose, nearest Resize, ...) has no pair of its own, and what
//!    goes in and what comes out share one scale. *Why:* it commutes with quantization.
//! 8. **No pair on graph outputs, and nothing for the rest**: elementwise operators are fused, others have no int8
//!    kernel that repays the conversion.

mod fusion;
mod neighbours;
mod scales;
mod weighted;

use std::collections::HashSet;

use calibrant_format::{Format, Numbers, Operators, Range, Ranges, Rule, Scheme, WeightFormat};
use calibrant_onnx::proto::{NodeProto, TensorProto};
use calibrant_onnx::{ElementTypes, ReadAs, Topology, Use, facts};

use crate::error::RewriteError;
use crate::options::QuantizeOptions;
use crate::summary::Reason;
use crate::weights::Split;

pub(crate) use scales::{Scaled, Scales, scales};

/// What becomes of each node.
#[derive(Debug, Clone)]
pub(crate) enum Decision<'a> {
    /// These inputs are quantized, in the order of the inputs.
    Quantize(Vec<PlannedInput<'a>>),
    /// It stays in float.
    Float(Reason),
    /// It is a constant.
    Constant,
}

/// An input to be quantized.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlannedInput<'a> {
    /// Which input of the node.
    pub(crate) input: usize,
    /// What stands there.
    pub(crate) kind: InputKind<'a>,
}

/// What stands at an input to be quantized.
#[derive(Debug, Clone, Copy)]
pub(crate) enum InputKind<'a> {
    /// An activation: one scale.
    Activation {
        /// Its range.
        range: Range,
        /// What it is read in.
        format: Format,
    },
    /// A constant: a scale for each part.
    Weight {
        /// The constant.
        tensor: &'a TensorProto,
        /// What it is stored in.
        format: Format,
        /// Its parts.
        split: Split,
    },
}

/// Decides for every node, in the order of the graph. What has no range in `ranges` is not quantized, and so are not the
/// operators that would read it quantized: TensorRT, too, leaves them in float.
///
/// # Errors
///
/// When a rule by name meets no node, a format has no scales for what the scheme wants, or a weight is broken.
pub(crate) fn place<'a>(
    topology: &'a Topology<'a>,
    types: &'a ElementTypes<'a>,
    options: &'a QuantizeOptions,
    ranges: &'a Ranges,
) -> Result<Vec<Decision<'a>>, RewriteError> {
    known_names(topology, options)?;
    known_parts(options)?;
    let mut placer = Placer {
        topology,
        types,
        options,
        ranges,
        of_samples: facts::of_samples(topology),
        whole: facts::whole_numbers(topology),
        decisions: vec![None; topology.graph().node.len()],
    };
    placer.weighted_operators()?;
    while placer.join_neighbours() {}
    placer.average_pools();
    let decisions = placer.decisions.iter().zip(&topology.graph().node);
    Ok(decisions
        .map(|(decision, node)| decision.clone().unwrap_or_else(|| placer.rest(node)))
        .collect())
}

/// The decisions while they are made.
struct Placer<'a> {
    topology: &'a Topology<'a>,
    types: &'a ElementTypes<'a>,
    options: &'a QuantizeOptions,
    ranges: &'a Ranges,
    /// Tensors whose values are of the samples.
    of_samples: HashSet<&'a str>,
    /// Tensors of whole numbers: shapes, indices.
    whole: HashSet<&'a str>,
    decisions: Vec<Option<Decision<'a>>>,
}

impl<'a> Placer<'a> {
    fn node(&self, index: usize) -> &'a NodeProto {
        &self.topology.graph().node[index]
    }

    /// What the scheme wants the node to compute in, or that it is float.
    fn numbers(&self, node: &NodeProto) -> Result<Numbers, Reason> {
        let (numbers, rule) = self.options.scheme.of(node.op(), names(node));
        if numbers != Numbers::FLOAT {
            return Ok(numbers);
        }
        Err(match rule.map(|rule| &rule.operators) {
            Some(Operators::Named(pattern)) => Reason::ExcludedNode(pattern.clone()),
            Some(Operators::OfType(pattern)) => Reason::ExcludedOpType(pattern.clone()),
            None => Reason::NotInScheme,
        })
    }

    /// Whether a tensor is the same for all samples of a shape.
    fn is_constant(&self, tensor: &str) -> bool {
        !self.of_samples.contains(tensor)
    }

    fn computes_whole_numbers(&self, node: &NodeProto) -> bool {
        node.output_name(0).is_some_and(|output| self.whole.contains(output))
    }

    /// The inputs that a node reads quantized.
    fn planned(&self, index: usize) -> &[PlannedInput<'a>] {
        match &self.decisions[index] {
            Some(Decision::Quantize(inputs)) => inputs,
            _ => &[],
        }
    }

    /// Whether a node's arithmetic is in this format: that of its activations.
    fn computes_in(&self, index: usize, format: &Format) -> bool {
        self.planned(index).iter().any(|planned| planned.is_activation_in(format))
    }

    /// Whether this reader reads an activation in this format.
    fn reads_in(&self, reader: Use, format: &Format) -> bool {
        let ReadAs::Input(input) = reader.read_as else { return false };
        let mut planned = self.planned(reader.node).iter();
        planned.any(|planned| planned.input == input && planned.is_activation_in(format))
    }

    /// Returns the inputs of `node` whose values are of the samples, with their places.
    fn activations(&self, node: &'a NodeProto) -> Vec<(usize, &'a str)> {
        let inputs =
            (0..node.input.len()).filter_map(|input| Some((input, node.input_name(input)?)));
        inputs.filter(|(_, tensor)| !self.is_constant(tensor)).collect()
    }

    /// Returns these inputs of `node`, all of them activations, with their ranges, or which of them have none.
    fn ranged(
        &self,
        node: &NodeProto,
        inputs: impl IntoIterator<Item = usize>,
        format: Format,
    ) -> Result<Vec<PlannedInput<'a>>, Reason> {
        let (mut planned, mut missing) = (Vec::new(), Vec::new());
        for input in inputs {
            let tensor = &node.input[input];
            match self.ranges.get(tensor) {
                Some(range) => {
                    planned.push(PlannedInput {
                        input,
                        kind: InputKind::Activation { range, format },
                    });
                }
                None if missing.contains(tensor) => {}
                None => missing.push(tensor.clone()),
            }
        }
        if missing.is_empty() { Ok(planned) } else { Err(Reason::NoRange(missing)) }
    }

    /// Returns why a node that no rule took stays in float.
    fn rest(&self, node: &NodeProto) -> Decision<'a> {
        if node.is("Constant") {
            return Decision::Constant;
        }
        let is_fixed = node.output.iter().all(|output| self.is_constant(output));
        Decision::Float(match () {
            () if !node.is_default_domain() => {
                Reason::ForeignDomain(node.domain.clone().unwrap_or_default())
            }
            () if node.subgraphs().next().is_some() => Reason::InnerGraphs(weighted::inside(node)),
            () if self.computes_whole_numbers(node) => Reason::WholeNumbers,
            () if is_fixed => Reason::ConstantInputs,
            () if facts::moves_values(node) => Reason::MovesValues,
            () if facts::is_elementwise(node) => Reason::Elementwise,
            () => Reason::NotQuantizable,
        })
    }
}

impl PlannedInput<'_> {
    fn is_activation_in(&self, wanted: &Format) -> bool {
        matches!(&self.kind, InputKind::Activation { format, .. } if format == wanted)
    }
}

/// What a node is called: by its own name, and by those of its outputs.
fn names(node: &NodeProto) -> impl Iterator<Item = &str> + Clone {
    node.name.iter().chain(&node.output).map(String::as_str)
}

/// Makes sure that every format has scales for the parts of weights that the scheme asks for.
fn known_parts(options: &QuantizeOptions) -> Result<(), RewriteError> {
    let Scheme { rules, rest } = &options.scheme;
    let numbers = rules.iter().map(|rule| &rule.numbers).chain([rest]);
    for WeightFormat { format, granularity } in numbers.filter_map(|numbers| numbers.weights) {
        if !format.weights.contains(&granularity) {
            return Err(RewriteError::Granularity { format, granularity });
        }
    }
    Ok(())
}

fn known_names(topology: &Topology<'_>, options: &QuantizeOptions) -> Result<(), RewriteError> {
    let nodes = &topology.graph().node;
    for Rule { operators, .. } in &options.scheme.rules {
        if let Operators::Named(pattern) = operators
            && !nodes.iter().any(|node| operators.include(node.op(), names(node)))
        {
            return Err(RewriteError::UnknownRule { pattern: pattern.clone() });
        }
    }
    Ok(())
}
