//! Number formats as values, the ranges of tensors, and which operator computes in which format.
//!
//! A [`Format`] says which numbers there are at scale 1 (its [`Grid`]), how they are written down, and who computes in them.
//! A [`Range`] is the largest magnitude of a tensor that is worth keeping, exactly as it was found, told or read; the scale
//! is the range divided by the format's largest magnitude ([`Format::scale`]).
//! A [`Scheme`] gives every operator of a network the format of its activations and of its weights, or float.
//!
//! Quantization is symmetric everywhere: TensorRT knows no zero point but 0.
//! This crate knows no histograms and no graphs.
//!
//! ```
//! use calibrant_format::{FP8_E4M3FN, INT8, Range};
//!
//! let range = Range::of_amax(6.0).expect("6 is a magnitude");
//! assert_eq!(INT8.scale(range), 6.0 / 127.0);
//! assert_eq!(FP8_E4M3FN.scale(range), 6.0 / 448.0);
//! assert_eq!(INT8.encode(&[2.5, -200.0]), [2, 0x81]);
//! ```

#![forbid(unsafe_code)]

mod grid;
mod number;
mod range;
mod scheme;

pub use grid::Grid;
pub use number::{
    FORMATS, FP8_E4M3FN, Format, Granularity, Grouped, INT8, Kernels, OnnxType, Sign, Since,
};
pub use range::{Range, Ranges, UnusableRange};
pub use scheme::{Numbers, Operators, Rule, Scheme, WeightFormat, fits};
