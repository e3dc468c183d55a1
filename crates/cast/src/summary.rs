//! What a rewrite into another precision did, for the report.

use std::fmt;

use serde::{Serialize, Serializer};

use super::options::FloatType;
use calibrant_prepare::Preparation;

/// What [`cast`](crate::cast) did to a model, node by node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CastSummary {
    /// What was done before, to make the model ready.
    #[serde(flatten)]
    pub preparation: Preparation,
    /// Every node that reads or makes floats but constants, those of bodies behind the node that holds them.
    pub nodes: Vec<CastNode>,
    /// Casts that were added.
    pub casts_added: usize,
    /// Constants that were written in a half type.
    pub constants_cast: usize,
    /// What a user may want to look at.
    pub notes: Vec<CastNote>,
}

/// What happened to one node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CastNode {
    /// Its name, or that of its first output when it has none.
    pub name: String,
    /// Its operator.
    pub op_type: String,
    /// The nodes that hold its graph, the outermost first; none in the main graph.
    pub inside: Vec<String>,
    /// What it computes in.
    pub precision: FloatType,
    /// Why it computes in float32 although another type was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptReason>,
}

/// Why a node computes in float32.
///
/// Serialized as the sentence that [`Display`](fmt::Display) writes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum KeptReason {
    /// The user keeps it by this pattern.
    Name(String),
    /// The user keeps its operator by this pattern.
    OpType(String),
    /// Float32 is what was asked for.
    Asked,
    /// It is not one of ONNX's operators.
    ForeignDomain(String),
    /// ONNX does not have the operator in the model's opset.
    UnknownOperator,
    /// The operator does not take the type in the model's opset.
    NoType {
        /// The type that was asked for.
        precision: FloatType,
        /// The opset.
        opset: i64,
    },
    /// TensorRT's parser or compiler does not take the operator in the type.
    NotInTensorRt(FloatType),
    /// It computes sizes and places.
    ShapeArithmetic,
    /// It reads places in a picture, which need more digits.
    Positions,
    /// The model itself has it between Casts.
    OnPurpose,
    /// It quantizes or dequantizes by float32 scales.
    FloatScales,
    /// A scale cannot be written in the type.
    Scale {
        /// The scales.
        tensor: String,
        /// One that cannot.
        value: f32,
    },
    /// It shares int8 tensors with a node that stays in float32.
    SharesInt8 {
        /// That node.
        with: String,
    },
    /// A tensor goes beyond the type.
    Overflow {
        /// Its name in the model.
        tensor: String,
        /// Its largest magnitude over all samples.
        reached: f32,
        /// The largest number of the type.
        largest: f32,
    },
    /// A tensor would be all zeros.
    Vanishes {
        /// Its name in the model.
        tensor: String,
        /// Its largest magnitude, over all samples or of a constant.
        reached: f32,
    },
    /// A constant goes beyond the type.
    ConstantOverflow {
        /// The constant.
        tensor: String,
        /// Its largest magnitude.
        reached: f32,
    },
    /// A sum on the way to the result could go beyond the type.
    InnerSum {
        /// What is summed.
        tensor: String,
        /// How many numbers are.
        terms: usize,
        /// What the sum could reach.
        estimate: f32,
    },
    /// A square on the way to the result could go beyond the type.
    InnerSquare {
        /// What is squared.
        tensor: String,
        /// The largest number that is.
        reached: f32,
    },
    /// An exponential on the way to the result goes beyond the type.
    InnerExponential {
        /// Of what.
        tensor: String,
        /// The outermost number.
        reached: f32,
    },
    /// Whole numbers that the type cannot tell apart.
    WholeNumbers {
        /// Its name in the model.
        tensor: String,
        /// Its largest magnitude over all samples.
        reached: f32,
        /// The number up to which the type holds all.
        exact: f32,
    },
    /// Angles that the type rounds too coarsely.
    Angles {
        /// Its name in the model.
        tensor: String,
        /// Its largest magnitude over all samples.
        reached: f32,
    },
    /// Its neighbours are float32 and it costs less than Casts around it.
    BetweenFloat32,
}

impl KeptReason {
    /// Whether the node's values are the reason, and not its operator, its place or the user.
    #[must_use]
    pub fn is_about_values(&self) -> bool {
        matches!(
            self,
            Self::Overflow { .. }
                | Self::Vanishes { .. }
                | Self::ConstantOverflow { .. }
                | Self::InnerSum { .. }
                | Self::InnerSquare { .. }
                | Self::InnerExponential { .. }
                | Self::WholeNumbers { .. }
                | Self::Angles { .. }
        )
    }
}

impl fmt::Display for KeptReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(pattern) => write!(f, "kept by the name pattern `{pattern}`"),
            Self::OpType(pattern) => write!(f, "kept by the operator type pattern `{pattern}`"),
            Self::Asked => f.write_str("float32 was asked for"),
            Self::ForeignDomain(domain) => write!(f, "an operator of the domain `{domain}`"),
            Self::UnknownOperator => f.write_str("not an operator of the model's opset"),
            Self::NoType { precision, opset } => {
                write!(f, "the operator has no {precision} in opset {opset}")
            }
            Self::NotInTensorRt(precision) => {
                write!(f, "TensorRT has no {precision} for the operator")
            }
            Self::ShapeArithmetic => f.write_str("computes sizes or places"),
            Self::Positions => {
                f.write_str("reads positions, which need more digits than a half type has")
            }
            Self::OnPurpose => f.write_str("the model itself has it in float32, between Casts"),
            Self::FloatScales => f.write_str("its scale is float32"),
            Self::Scale { tensor, value } => {
                write!(f, "the scale {value:e} in \"{tensor}\" cannot be written in the type")
            }
            Self::SharesInt8 { with } => {
                write!(f, "shares int8 tensors with {with}, which is float32")
            }
            Self::Overflow { tensor, reached, largest } => {
                write!(f, "tensor \"{tensor}\" reaches {reached:e}, above {largest:e}")
            }
            Self::Vanishes { tensor, reached } => {
                write!(f, "tensor \"{tensor}\" stays within {reached:e}, which would all become 0")
            }
            Self::ConstantOverflow { tensor, reached } => {
                write!(f, "constant \"{tensor}\" holds {reached:e}, which would become infinite")
            }
            Self::InnerSum { tensor, terms, estimate } => {
                write!(
                    f,
                    "sums {terms} numbers of \"{tensor}\", which could reach {estimate:e} on the way"
                )
            }
            Self::InnerSquare { tensor, reached } => {
                write!(f, "squares numbers of \"{tensor}\" of up to {reached:e}")
            }
            Self::InnerExponential { tensor, reached } => {
                write!(f, "takes the exponential of \"{tensor}\", which reaches {reached:e}")
            }
            Self::WholeNumbers { tensor, reached, exact } => {
                write!(
                    f,
                    "tensor \"{tensor}\" holds whole numbers up to {reached:e}, exact are those up to {exact}"
                )
            }
            Self::Angles { tensor, reached } => {
                write!(
                    f,
                    "tensor \"{tensor}\" holds angles up to {reached:e}, too large to keep their fractions"
                )
            }
            Self::BetweenFloat32 => {
                f.write_str("its neighbours are float32, and Casts around it would cost more")
            }
        }
    }
}

impl Serialize for KeptReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Something a user may want to look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CastNote {
    /// A constant lost small values.
    SmallWeights {
        /// The constant.
        tensor: String,
        /// Its type now.
        precision: FloatType,
        /// How many values it has.
        elements: usize,
        /// How many of them became 0 without having been.
        vanished: usize,
        /// How many have fewer digits than the type otherwise has.
        subnormal: usize,
    },
    /// A constant holds infinities where it had numbers, because its node was cast on request.
    InfiniteWeights {
        /// The constant.
        tensor: String,
        /// Its type now.
        precision: FloatType,
        /// How many values.
        overflowed: usize,
    },
    /// An activation came within a factor of 4 of the largest number of its type.
    NearOverflow {
        /// The activation.
        tensor: String,
        /// Its type.
        precision: FloatType,
        /// Its largest magnitude over all samples.
        reached: f32,
    },
    /// An activation is so small that its type has fewer digits for it, or none.
    SmallActivation {
        /// The activation.
        tensor: String,
        /// Its type.
        precision: FloatType,
        /// Its largest magnitude over all samples.
        reached: f32,
    },
    /// Ranges were given, but none for these tensors, which were taken to fit.
    Unjudged {
        /// How many.
        tensors: usize,
        /// The first of them.
        first: String,
    },
}
