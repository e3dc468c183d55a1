//! What the user may decide about casts.

use std::fmt;
use std::str::FromStr;

use calibrant_onnx::DataType;
use half::{bf16, f16};
use regex_lite::Regex;
use serde::{Deserialize, Serialize};

/// A type that a node computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FloatType {
    /// IEEE single precision.
    Fp32,
    /// IEEE half precision: 11 bits of significand, nothing above 65504, nothing below 6e-8.
    Fp16,
    /// The upper half of a float32: its range, 8 bits of significand.
    Bf16,
}

impl FloatType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fp32, Self::Fp16, Self::Bf16];

    /// What it is called in options and reports, such as `fp16`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Bf16 => "bf16",
        }
    }
}

/// What a rewrite into another precision is to do.
///
/// The patterns of `keep_nodes` and `keep_op_types` are those of [`fits`](calibrant_format::fits): `*` stands for any run of
/// characters, everything else for itself. A node is meant by its name or by the name of any of its outputs; nodes of
/// inner graphs are nodes like others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CastOptions {
    /// What nodes compute in unless something below or the model itself says otherwise.
    pub precision: FloatType,
    /// The type of the model's float inputs and outputs.
    pub io: IoPrecision,
    /// The type of scales in a quantized model.
    pub scales: ScalePrecision,
    /// Nodes to keep in float32; a pattern that meets no node is an error, so a typing slip is not a silent no-op.
    pub keep_nodes: Vec<String>,
    /// Operator types to keep in float32, such as `Softmax`; may name types that the model does not have.
    pub keep_op_types: Vec<String>,
    /// Nodes with a type of their own. Later entries win, and all win over the two lists before.
    pub layers: Vec<LayerPrecision>,
}

/// A type for the nodes whose name, or that of an output, a regular expression fits, anywhere in it.
///
/// It is obeyed where the operator has the type at all, whatever the ranges say about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerPrecision {
    /// The expression.
    #[serde(with = "as_text")]
    pub pattern: Regex,
    /// What they compute in.
    pub precision: FloatType,
}

impl PartialEq for LayerPrecision {
    fn eq(&self, other: &Self) -> bool {
        self.pattern.as_str() == other.pattern.as_str() && self.precision == other.precision
    }
}

/// Regular expressions as the text that they were made from.
mod as_text {
    use regex_lite::Regex;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        pattern: &Regex,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(pattern.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Regex, D::Error> {
        Regex::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The type of a model's float inputs and outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IoPrecision {
    /// Float32 as before, with a Cast behind each input and before each output.
    Fp32,
    /// Whatever the nodes that read or make them compute in: no Casts.
    Model,
}

/// The type of the scales of `QuantizeLinear` and `DequantizeLinear`, which is that of the floats around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalePrecision {
    /// Float32 as calibrated; what reads int8 makes float32, and a Cast follows where float goes on.
    Fp32,
    /// The model's half type where every scale concerned can be written in it.
    Model,
}

impl CastOptions {
    /// Returns options that cast everything to `precision`, inputs, outputs and scales left in float32.
    #[must_use]
    pub fn to(precision: FloatType) -> Self {
        Self {
            precision,
            io: IoPrecision::Fp32,
            scales: ScalePrecision::Fp32,
            keep_nodes: Vec::new(),
            keep_op_types: Vec::new(),
            layers: Vec::new(),
        }
    }
}

impl FloatType {
    /// Returns ONNX's name of the type.
    #[must_use]
    pub fn dtype(self) -> DataType {
        match self {
            Self::Fp32 => DataType::FLOAT,
            Self::Fp16 => DataType::FLOAT16,
            Self::Bf16 => DataType::BFLOAT16,
        }
    }

    /// Returns the largest finite number.
    #[must_use]
    pub fn largest(self) -> f32 {
        match self {
            Self::Fp32 => f32::MAX,
            Self::Fp16 => f16::MAX.to_f32(),
            Self::Bf16 => bf16::MAX.to_f32(),
        }
    }

    /// Returns the smallest number above 0, a subnormal one.
    #[must_use]
    pub fn smallest(self) -> f32 {
        match self {
            Self::Fp32 => f32::from_bits(1),
            Self::Fp16 => f16::MIN_POSITIVE_SUBNORMAL.to_f32(),
            Self::Bf16 => bf16::MIN_POSITIVE_SUBNORMAL.to_f32(),
        }
    }

    /// Returns the smallest number above 0 that has all its digits.
    #[must_use]
    pub fn smallest_normal(self) -> f32 {
        match self {
            Self::Fp32 => f32::MIN_POSITIVE,
            Self::Fp16 => f16::MIN_POSITIVE.to_f32(),
            Self::Bf16 => bf16::MIN_POSITIVE.to_f32(),
        }
    }

    /// Returns the number up to which all whole numbers can be written.
    #[must_use]
    pub fn whole_numbers(self) -> f32 {
        match self {
            Self::Fp32 => 16_777_216.0,
            Self::Fp16 => 2048.0,
            Self::Bf16 => 256.0,
        }
    }

    /// Returns `value` rounded to the type, to the nearest and to even on a tie.
    #[must_use]
    pub fn round(self, value: f32) -> f32 {
        match self {
            Self::Fp32 => value,
            Self::Fp16 => f16::from_f32(value).to_f32(),
            Self::Bf16 => bf16::from_f32(value).to_f32(),
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Bf16 => "bf16",
        }
    }
}

impl fmt::Display for FloatType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fp32 => "float32",
            Self::Fp16 => "float16",
            Self::Bf16 => "bfloat16",
        })
    }
}

/// The text is none of `fp32`, `fp16` and `bf16`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no precision; there are fp32, fp16 and bf16")]
pub struct UnknownPrecision {
    /// The text.
    pub found: String,
}

impl FromStr for FloatType {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        let known = [Self::Fp32, Self::Fp16, Self::Bf16];
        known
            .into_iter()
            .find(|precision| precision.word() == text)
            .ok_or_else(|| UnknownPrecision { found: text.to_owned() })
    }
}
