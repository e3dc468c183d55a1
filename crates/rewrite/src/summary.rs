//! What a rewrite did, for the report.

use std::fmt;

use calibrant_prepare::Preparation;
use serde::{Serialize, Serializer};

/// What [`quantize`](crate::quantize) did to a model, node by node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// What was done before, to make the model ready.
    #[serde(flatten)]
    pub preparation: Preparation,
    /// Every node but constants, in the order of the graph.
    pub nodes: Vec<NodeSummary>,
    /// Activations that are quantized, by name.
    pub activations: Vec<QuantizedActivation>,
    /// What a user may want to look at.
    pub notes: Vec<Note>,
}

impl Summary {
    /// The operators with weights that stay in float because they lie in a graph inside a node, with that node.
    pub fn inside_others(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.nodes.iter().filter_map(|node| match &node.outcome {
            Outcome::Float { reason: Reason::InnerGraphs(weighted) } if !weighted.is_empty() => {
                Some((node.name.as_str(), weighted.as_slice()))
            }
            _ => None,
        })
    }

    /// The nodes that stay in float for want of a range, with the tensors that have none.
    pub fn without_ranges(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.nodes.iter().filter_map(|node| match &node.outcome {
            Outcome::Float { reason: Reason::NoRange(tensors) } => {
                Some((node.name.as_str(), tensors.as_slice()))
            }
            _ => None,
        })
    }
}

/// What happened to one node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeSummary {
    /// Its name, or that of its first output when it has none.
    pub name: String,
    /// Its operator.
    pub op_type: String,
    /// The tensors it makes.
    pub outputs: Vec<String>,
    /// Quantized or not.
    pub outcome: Outcome,
}

/// Whether a node is quantized.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It reads these inputs quantized.
    Quantized {
        /// The quantized inputs, in the order of the node's inputs.
        inputs: Vec<QuantizedInput>,
    },
    /// It computes in float.
    Float {
        /// Why.
        reason: Reason,
    },
}

/// One quantized input of a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QuantizedInput {
    /// An activation, one scale for the whole tensor.
    Activation {
        /// Its name.
        tensor: String,
        /// The format that it is read in, such as `int8`.
        format: &'static str,
        /// What it is divided by.
        scale: f32,
    },
    /// A constant.
    Weight {
        /// Its name.
        tensor: String,
        /// The format that it is stored in, such as `int8`.
        format: &'static str,
        /// The axis that has a scale an entry or a block, `None` when one scale holds for all.
        axis: Option<usize>,
        /// Entries of a block.
        #[serde(skip_serializing_if = "Option::is_none")]
        block: Option<usize>,
        /// Number of scales.
        channels: usize,
        /// The smallest scale.
        smallest_scale: f32,
        /// The largest scale.
        largest_scale: f32,
    },
}

/// An activation that is quantized.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuantizedActivation {
    /// Its name.
    pub tensor: String,
    /// The format that it is read in, such as `int8`.
    pub format: &'static str,
    /// The range it was given.
    pub amax: f32,
    /// The scale it has: that of its range, or of the tensors it shares a scale with.
    pub scale: f32,
}

/// Why a node computes in float.
///
/// Serialized as the sentence that [`Display`](fmt::Display) writes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The user excluded it by this pattern.
    ExcludedNode(String),
    /// The user excluded its operator by this pattern.
    ExcludedOpType(String),
    /// The scheme has float for it.
    NotInScheme,
    /// It multiplies activations, which the scheme leaves in float.
    FloatActivations,
    /// It has weights, which the scheme leaves in float.
    FloatWeights,
    /// The scheme has a scale for every block of a weight, and its weights are no plain matrix.
    NoBlocks,
    /// Its weights are computed while the model runs.
    ComputedWeights,
    /// Its weights are of this type.
    WeightType(String),
    /// Its weights have this shape, which is not one the operator is quantized for.
    WeightShape(Vec<usize>),
    /// These activations, which it would read quantized, have no range.
    NoRange(Vec<String>),
    /// A convolution with few channels.
    FewChannels {
        /// The format whose kernels would not repay it.
        format: &'static str,
        /// Channels read.
        inputs: usize,
        /// Channels made.
        outputs: usize,
    },
    /// A convolution with a large window.
    LargeWindow {
        /// The format that has no kernels for it.
        format: &'static str,
        /// Elements of the window.
        elements: usize,
    },
    /// A matrix product with a short side.
    SmallMatrix {
        /// The format whose kernels would not repay it.
        format: &'static str,
        /// Length of the sums.
        depth: usize,
        /// Columns made.
        columns: usize,
    },
    /// An Add of two activations neither of which comes from a quantized convolution or matrix product alone.
    NoBranchToFuse,
    /// An Add or Concat whose result is read in float.
    ReadInFloat,
    /// A Concat that also takes a constant.
    ConcatOfConstant,
    /// A Concat of float16 or bfloat16, which onnxruntime has no quantized kernel for and fails to load.
    ConcatOfHalves,
    /// A pool that does not lie between quantized operators.
    PoolAmongFloat,
    /// An elementwise operator.
    Elementwise,
    /// An operator that only moves values.
    MovesValues,
    /// Everything it reads is constant or made of constants.
    ConstantInputs,
    /// It computes whole numbers: shapes, indices.
    WholeNumbers,
    /// It holds graphs of its own, with these operators in them that would be quantized outside.
    InnerGraphs(Vec<String>),
    /// It is not one of ONNX's operators.
    ForeignDomain(String),
    /// An operator that is not quantized.
    NotQuantizable,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExcludedNode(pattern) => write!(f, "excluded by the name pattern `{pattern}`"),
            Self::ExcludedOpType(pattern) => write!(f, "excluded by the operator type pattern `{pattern}`"),
            Self::ComputedWeights => f.write_str("its weights are computed while the model runs"),
            Self::WeightType(dtype) => write!(f, "its weights are {dtype}, and only floats are quantized"),
            Self::WeightShape(shape) => write!(f, "its weights have the shape {shape:?}"),
            Self::NoRange(tensors) => {
                let named = tensors.iter().map(|tensor| format!("`{tensor}`"));
                write!(f, "there is no range for {}", named.collect::<Vec<_>>().join(", "))
            }
            Self::NotInScheme => f.write_str("nothing says that it is to be quantized"),
            Self::FloatActivations => f.write_str("it multiplies activations, which stay in float"),
            Self::FloatWeights => f.write_str("its weights stay in float"),
            Self::NoBlocks => f.write_str("its weights are no matrix that could be cut into blocks"),
            Self::FewChannels { format, inputs, outputs } => {
                write!(f, "too few channels to gain from {format}: {inputs} in, {outputs} out")
            }
            Self::LargeWindow { format, elements } => {
                write!(f, "too large a window for kernels in {format}: {elements} elements")
            }
            Self::SmallMatrix { format, depth, columns } => {
                write!(f, "too small a matrix to gain from {format}: {depth} by {columns}")
            }
            Self::NoBranchToFuse => f.write_str("neither summand comes from a quantized convolution alone, so there is no kernel to add in"),
            Self::ReadInFloat => f.write_str("its result is read in float"),
            Self::ConcatOfConstant => f.write_str("one of the tensors it joins is a constant"),
            Self::ConcatOfHalves => f.write_str("it joins halves: TensorRT moves the pair behind it in front of it, and onnxruntime has no kernel for it"),
            Self::PoolAmongFloat => f.write_str("its neighbours are not quantized"),
            Self::Elementwise => f.write_str("elementwise: TensorRT fuses it with its neighbours"),
            Self::MovesValues => f.write_str("moves values without changing them: TensorRT carries quantized ones through it"),
            Self::ConstantInputs => f.write_str("reads constants only"),
            Self::WholeNumbers => f.write_str("computes shapes or indices"),
            Self::InnerGraphs(weighted) if weighted.is_empty() => {
                f.write_str("holds inner graphs, which are left as they are")
            }
            Self::InnerGraphs(weighted) => {
                write!(f, "holds inner graphs, which are left as they are, with {}", weighted.join(", "))
            }
            Self::ForeignDomain(domain) => write!(f, "an operator of the domain `{domain}`"),
            Self::NotQuantizable => f.write_str("not an operator that is quantized"),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Something a user may want to look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Note {
    /// Calibration saw nothing but 0 in this activation; it has the scale of a range of 1.
    ZeroActivation {
        /// Its name.
        tensor: String,
    },
    /// These channels of a weight are all 0; they have the scale of a range of 1.
    ZeroChannels {
        /// The weight.
        tensor: String,
        /// Which entries of the quantized axis.
        channels: Vec<usize>,
    },
    /// The activations share one scale, that of the widest.
    SharedScale {
        /// Their names.
        tensors: Vec<String>,
        /// The smallest amax among them.
        smallest_amax: f32,
        /// The amax they share.
        shared_amax: f32,
    },
}
