//! Number formats, and how ONNX and TensorRT write them.

use std::fmt;
use std::num::NonZeroU32;

use crate::{Grid, Range};

/// A number format that tensors can be quantized to, symmetrically around 0.
///
/// It is a value like any other: a format that is not among those here is made by writing its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format {
    /// What it is called on the command line and in reports, such as `int8`.
    pub name: &'static str,
    /// Its magnitudes.
    pub grid: Grid,
    /// How a sign is written.
    pub sign: Sign,
    /// Bits of a number: 8, or 4, of which two share a byte.
    pub bits: u32,
    /// How ONNX knows it.
    pub onnx: OnnxType,
    /// The parts of a weight that can have a scale of their own; a scheme that asks for others is refused.
    pub weights: &'static [Granularity],
    /// What a layer has to be like for its kernels to pay.
    pub kernels: Kernels,
    /// Which TensorRT computes in it, if any does.
    pub tensorrt: Option<Since>,
    /// Which TensorRT-RTX.
    pub tensorrt_rtx: Option<Since>,
}

/// How a number below 0 is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sign {
    /// As the complement of two, like integers.
    Complement,
    /// In the highest bit, like floats.
    Bit,
}

/// A format in ONNX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OnnxType {
    /// `TensorProto.DataType`.
    pub code: i32,
    /// The first opset whose `QuantizeLinear` and `DequantizeLinear` take it.
    pub first_opset: i64,
}

/// The part of a weight that has one scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Granularity {
    /// All of it.
    Tensor,
    /// What makes one output channel.
    Channel,
    /// So many neighbours along the axis that is summed over, of one output channel.
    Block(NonZeroU32),
}

/// Which layers are large enough for the kernels of a format to be faster than float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kernels {
    /// Channels that a convolution reads in a group, and makes: at least so many.
    pub fewest_channels: u32,
    /// Sides of a matrix: at least so long.
    pub shortest_side: u32,
    /// A convolution of a picture, of up to four channels, is worth it all the same when it makes a multiple of so many.
    pub picture_step: Option<u32>,
    /// Convolutions in groups.
    pub grouped: Grouped,
    /// The largest number of elements in a kernel's window.
    pub largest_window: Option<u32>,
}

/// Which convolutions in groups are worth it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grouped {
    /// All but those of a channel a group that make no multiple of `step` channels, or whose window has a side below
    /// `shortest_side`.
    Depthwise {
        /// Channels come in multiples of this.
        step: u32,
        /// The shortest side of the window.
        shortest_side: u32,
    },
    /// Those with [`Kernels::fewest_channels`], read in each group and made by all.
    Wide,
}

/// Where a product begins to compute in a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Since {
    /// Its first version, as (major, minor).
    pub version: (u32, u32),
    /// The compute capability of the first GPU, as (major, minor).
    pub compute_capability: (u32, u32),
}

/// Signed integers of 8 bits; -128 stays unused, so that the format is symmetric.
pub const INT8: Format = Format {
    name: "int8",
    grid: Grid::integers(127),
    sign: Sign::Complement,
    bits: 8,
    // QuantizeLinear came with opset 10, the axis of DequantizeLinear with 13.
    onnx: OnnxType { code: 3, first_opset: 13 },
    weights: &[Granularity::Tensor, Granularity::Channel],
    kernels: Kernels {
        fewest_channels: 16,
        shortest_side: 16,
        picture_step: Some(8),
        grouped: Grouped::Depthwise { step: 8, shortest_side: 3 },
        largest_window: None,
    },
    tensorrt: Some(Since { version: (8, 5), compute_capability: (6, 1) }),
    tensorrt_rtx: Some(Since { version: (1, 0), compute_capability: (7, 5) }),
};

/// Floats of 8 bits: 4 of exponent, 3 of mantissa, no infinity and one code for what is not a number (P. Micikevicius
/// and others, "FP8 formats for deep learning", 2022; ONNX's `FLOAT8E4M3FN`).
///
/// A number has 4 significant bits wherever it lies in the upper 15 of 18 binades, where int8 has up to 7 near the range's
/// end and fewer the smaller it is.
#[doc(alias = "kFP8")]
pub const FP8_E4M3FN: Format = Format {
    name: "fp8",
    grid: Grid::floats(3, -6, 0x7f),
    sign: Sign::Bit,
    bits: 8,
    onnx: OnnxType { code: 17, first_opset: 19 },
    weights: &[Granularity::Tensor, Granularity::Channel],
    // As ModelOpt leaves convolutions in float for TensorRT (modelopt/onnx/quantization/graph_utils.py).
    kernels: Kernels {
        fewest_channels: 17,
        shortest_side: 16,
        picture_step: None,
        grouped: Grouped::Wide,
        largest_window: Some(32),
    },
    tensorrt: Some(Since { version: (10, 0), compute_capability: (8, 9) }),
    tensorrt_rtx: Some(Since { version: (1, 0), compute_capability: (8, 9) }),
};

/// The formats that come along.
pub const FORMATS: [Format; 2] = [INT8, FP8_E4M3FN];

impl Format {
    /// The scale of a tensor whose magnitudes up to `range` are kept: range / [largest magnitude](Grid::largest), and
    /// always positive.
    ///
    /// Scale 0 makes TensorRT's builder fail, so a tensor that was only ever 0 gets that of a range of 1: exact for 0, and
    /// neither its value nor its reciprocal leaves the range of `f16`.
    /// A range so small that the scale would be subnormal gets the smallest normal `f32`, whose reciprocal is finite.
    #[doc(alias = "setDynamicRange")]
    #[must_use]
    pub fn scale(&self, range: Range) -> f32 {
        range.scale(self.grid.largest())
    }

    /// The codes of `values`, which are in units of their scale, as ONNX stores them: of two numbers of 4 bits the first in
    /// the lower half of their byte, and 0 in a half that is left over.
    #[must_use]
    pub fn encode(&self, values: &[f32]) -> Vec<u8> {
        if self.bits == 8 {
            return values.iter().map(|&value| self.code(value)).collect();
        }
        let code = |value: Option<&f32>| value.map_or(0, |&value| self.code(value));
        values.chunks(2).map(|pair| code(pair.first()) | code(pair.get(1)) << 4).collect()
    }

    /// The value of a code at scale 1.
    #[must_use]
    pub fn decode(&self, code: u8) -> f32 {
        let all = u32::from(code) & ((1 << self.bits) - 1);
        let sign = all >> (self.bits - 1);
        let level = match (sign, self.sign) {
            (0, _) => all,
            (_, Sign::Complement) => (1 << self.bits) - all,
            (_, Sign::Bit) => all - (1 << (self.bits - 1)),
        };
        let magnitude = self.grid.magnitude(level);
        if sign == 0 { magnitude } else { -magnitude }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a code has at most 8 bits")]
    fn code(&self, value: f32) -> u8 {
        let level = self.grid.level(value.abs());
        let is_negative = value.is_sign_negative() && level != 0;
        (match (is_negative, self.sign) {
            (false, _) => level,
            (true, Sign::Complement) => (1 << self.bits) - level,
            (true, Sign::Bit) => (1 << (self.bits - 1)) | level,
        }) as u8
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tensor => f.write_str("a tensor"),
            Self::Channel => f.write_str("a channel"),
            Self::Block(size) => write!(f, "a block of {size}"),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INT4: Format = Format {
        name: "int4",
        grid: Grid::integers(7),
        sign: Sign::Complement,
        bits: 4,
        onnx: OnnxType { code: 22, first_opset: 21 },
        weights: &[Granularity::Tensor],
        kernels: INT8.kernels,
        tensorrt: None,
        tensorrt_rtx: None,
    };

    fn range(amax: f32) -> Range {
        Range::of_amax(amax).unwrap()
    }

    #[test]
    fn scales_are_positive_and_end_at_the_largest_magnitude() {
        for (amax, scale) in [
            (127.0, 1.0),
            (1.0, 1.0 / 127.0),
            (0.0, 1.0 / 127.0),
            (f32::from_bits(1), f32::MIN_POSITIVE),
            (f32::MAX, f32::MAX / 127.0),
        ] {
            assert_eq!(INT8.scale(range(amax)).to_bits(), f32::to_bits(scale), "{amax:e}");
        }
        assert_eq!(FP8_E4M3FN.scale(range(448.0)), 1.0);
        assert_eq!(FP8_E4M3FN.scale(range(0.0)), 1.0 / 448.0);
        let raised = [1e-40, 0.0, 1.0].map(|amax| range(amax).is_raised(127.0));
        assert_eq!(raised, [true, false, false]);
    }

    #[test]
    fn codes_are_those_of_the_formats() {
        let codes = |format: Format, values: &[f32]| format.encode(values);
        assert_eq!(
            codes(INT8, &[0.0, -0.0, 1.5, 2.5, -1.0, -300.0, 300.0]),
            [0, 0, 2, 2, 255, 129, 127]
        );
        // 0x7e is 448, 0x01 is 2^-9, and half of that is a tie that goes to 0.
        let floats = [448.0, -448.0, 1000.0, 0.001953125, 0.0009765625, -1.0, 1.0625, -0.0];
        assert_eq!(codes(FP8_E4M3FN, &floats), [0x7e, 0xfe, 0x7e, 0x01, 0x00, 0xb8, 0x38, 0x00]);
        assert_eq!(codes(INT4, &[1.0, -1.0, 7.9]), [0xf1, 0x07]);
    }

    proptest! {
        #[test]
        fn scales_round_once(amax in 0f32..=f32::MAX) {
            let scale = INT8.scale(range(amax));
            prop_assert!(scale > 0.0 && scale.is_finite() && scale.recip().is_finite());
            let divided = if amax == 0.0 { 1.0 / 127.0 } else { (amax / 127.0).max(f32::MIN_POSITIVE) };
            prop_assert_eq!(scale.to_bits(), divided.to_bits());
        }

        #[test]
        fn codes_stand_for_the_nearest_magnitude(value in -500f32..500.0, format in prop::sample::select(vec![INT8, FP8_E4M3FN, INT4])) {
            let decoded = format.decode(format.encode(&[value])[0]);
            let nearest = format.grid.magnitude(format.grid.level(value.abs()));
            prop_assert_eq!(decoded.abs(), nearest);
            prop_assert!(decoded == 0.0 || (decoded < 0.0) == (value < 0.0));
        }
    }
}
