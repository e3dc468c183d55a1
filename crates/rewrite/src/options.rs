//! What the user may decide about the placement.

use calibrant_format::{Numbers, Scheme};

/// What operators are to compute in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantizeOptions {
    /// Which operator in which format. A rule for operators by name that meets no node is an error, so a typing slip is
    /// not a silent no-op; one for a type of operators may name types that the model does not have.
    pub scheme: Scheme,
    /// What becomes of layers too small for their format to be worth it.
    pub small_layers: SmallLayers,
}

/// What becomes of layers too small for their format to be worth it, as its
/// [`Kernels`](calibrant_format::Kernels) say; the `placement` module has the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmallLayers {
    /// They stay in float: quantized kernels would pad their channels, and they cost accuracy first.
    Float,
    /// They are quantized like the others.
    Quantize,
}

impl QuantizeOptions {
    /// Everything in the same numbers, with the placement that TensorRT does best with: small layers in float.
    #[must_use]
    pub fn all(numbers: Numbers) -> Self {
        Self { scheme: Scheme::all(numbers), small_layers: SmallLayers::Float }
    }
}
