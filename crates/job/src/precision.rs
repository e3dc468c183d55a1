//! What a model is brought to: the format that is quantized to, and the float type of the rest.

use std::fmt;
use std::str::FromStr;

use calibrant_cast::FloatType;
use calibrant_format::{FORMATS, FP8_E4M3FN, Format, INT8, Numbers};
use serde::{Serialize, Serializer};

/// What a model is brought to.
///
/// Displayed, parsed and serialized as on the command line: `int8`, `fp8+fp16`, `bf16`, `best`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision {
    /// The format that activations and weights are quantized to; `None` leaves all in float.
    pub quantized: Option<Format>,
    /// The type of what is not quantized.
    pub float: FloatType,
    /// Whether a builder that chooses types itself may take whatever is fastest; where the model has to say the types,
    /// the other fields do.
    pub is_free: bool,
}

/// A text that is no [`Precision`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "precision {text:?} is none of fp32, fp16, bf16, best, or a format ({}) with or without +fp16 or +bf16",
    formats()
)]
pub struct ParsePrecisionError {
    /// The text as given.
    pub text: String,
}

impl Precision {
    /// Nothing but FP32.
    pub const FP32: Self = Self { quantized: None, float: FloatType::Fp32, is_free: false };
    /// FP16, and FP32 where that would not survive.
    pub const FP16: Self = Self { float: FloatType::Fp16, ..Self::FP32 };
    /// BF16.
    pub const BF16: Self = Self { float: FloatType::Bf16, ..Self::FP32 };
    /// 8-bit integers and FP32.
    pub const INT8: Self = Self { quantized: Some(INT8), ..Self::FP32 };
    /// 8-bit integers and FP16.
    pub const INT8_FP16: Self = Self { float: FloatType::Fp16, ..Self::INT8 };
    /// 8-bit floats and FP32.
    pub const FP8: Self = Self { quantized: Some(FP8_E4M3FN), ..Self::FP32 };
    /// Whatever a builder finds fastest, and 8-bit integers with FP16 where the model says the types.
    pub const BEST: Self = Self { is_free: true, ..Self::INT8_FP16 };

    /// Those that people ask for: every float type, and every format alone and with FP16.
    pub fn usual() -> impl Iterator<Item = Self> {
        let formats = FORMATS.into_iter().flat_map(|format| {
            let alone = Self { quantized: Some(format), ..Self::FP32 };
            [alone, Self { float: FloatType::Fp16, ..alone }]
        });
        [Self::FP32, Self::FP16, Self::BF16].into_iter().chain(formats).chain([Self::BEST])
    }

    /// What operators are to compute in.
    pub(crate) fn numbers(self) -> Numbers {
        self.quantized.map_or(Numbers::FLOAT, Numbers::both)
    }

    /// The half type of what is not quantized.
    pub(crate) fn half(self) -> Option<FloatType> {
        (self.float != FloatType::Fp32).then_some(self.float)
    }

    /// The same for a builder that chooses types itself, if it can be told.
    pub(crate) fn of_builder(self) -> Option<calibrant_engine::Precision> {
        use calibrant_engine::Precision as Builder;
        match (self.quantized, self.float) {
            _ if self.is_free => Some(Builder::Best),
            (None, FloatType::Fp32) => Some(Builder::Fp32),
            (None, FloatType::Fp16) => Some(Builder::Fp16),
            (None, FloatType::Bf16) => Some(Builder::Bf16),
            (Some(INT8), FloatType::Fp32) => Some(Builder::Int8),
            (Some(INT8), FloatType::Fp16) => Some(Builder::Int8Fp16),
            (Some(_), _) => None,
        }
    }
}

fn formats() -> String {
    FORMATS.map(|format| format.name).join(", ")
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_free {
            return f.write_str("best");
        }
        match (self.quantized, self.half()) {
            (None, _) => f.write_str(self.float.name()),
            (Some(format), None) => f.write_str(format.name),
            (Some(format), Some(half)) => write!(f, "{format}+{}", half.name()),
        }
    }
}

impl FromStr for Precision {
    type Err = ParsePrecisionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || ParsePrecisionError { text: text.to_owned() };
        if text == "best" {
            return Ok(Self::BEST);
        }
        let mut precision = Self::FP32;
        for (place, word) in text.split('+').enumerate() {
            let format = FORMATS.into_iter().find(|format| format.name == word);
            let float = FloatType::ALL.into_iter().find(|float| float.name() == word);
            match (format, float) {
                (Some(format), _) if precision.quantized.is_none() => {
                    precision.quantized = Some(format);
                }
                (_, Some(FloatType::Fp32)) if place == 0 && text == word => {}
                (_, Some(float))
                    if precision.float == FloatType::Fp32 && float != FloatType::Fp32 =>
                {
                    precision.float = float;
                }
                _ => return Err(unknown()),
            }
        }
        let is_two_floats = precision.quantized.is_none() && text.contains('+');
        if is_two_floats { Err(unknown()) } else { Ok(precision) }
    }
}

impl Serialize for Precision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_are_written_as_they_are_read() {
        for text in [
            "fp32",
            "fp16",
            "bf16",
            "int8",
            "int8+fp16",
            "int8+bf16",
            "fp8",
            "fp8+fp16",
            "fp8+bf16",
            "best",
        ] {
            assert_eq!(text.parse::<Precision>().unwrap().to_string(), text);
        }
        assert_eq!("fp16+int8".parse(), Ok(Precision::INT8_FP16));
        assert!(Precision::usual().all(|precision| precision.to_string().parse() == Ok(precision)));
        for text in
            ["", "int4", "fp16+fp16", "int8+fp8", "int8+fp32", "int8+", "fp32+fp16", "bf16+fp16"]
        {
            let error = text.parse::<Precision>().unwrap_err().to_string();
            assert!(error.contains("a format (int8, fp8)"), "{error}");
        }
    }

    #[test]
    fn builders_are_told_what_they_know() {
        use calibrant_engine::Precision as Builder;
        assert_eq!(Precision::BEST.of_builder(), Some(Builder::Best));
        assert_eq!(Precision::INT8_FP16.of_builder(), Some(Builder::Int8Fp16));
        assert_eq!(Precision::FP8.of_builder(), None);
    }
}
