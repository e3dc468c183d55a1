//! Which floats a graph computes in, and which type the scales between them and a format have.
//!
//! A float16 or bfloat16 graph has scales of its own type, as ONNX demands from opset 19 on and TensorRT fuses best: a pair
//! then lies between floats of that type without a Cast. Where the opset has no such scales, where the type cannot hold a
//! scale to a part in [`TOLERATED`], and around doubles, which no opset quantizes, scales are float32 and Casts lead to the
//! pair and away from it.

use calibrant_onnx::proto::{GraphProto, NodeProto, TensorProto};
use calibrant_onnx::{ElementTypes, Model, Topology, TopologyError};
use calibrant_prepare::{HALF_SCALES, raise_to};
use calibrant_tensor::OtherFloat;

/// A scale may be off by this part of itself. Values are quantized with the scale as it is written, so that it costs range
/// and no accuracy; this is half of what bfloat16 rounds by.
const TOLERATED: f32 = 1.0 / 256.0;

/// The floats of a graph.
#[derive(Debug)]
pub(crate) struct Floats<'a> {
    types: ElementTypes<'a>,
    has_half_scales: bool,
}

/// What scales are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScaleType {
    /// The type of the floats around them.
    AsFloats,
    /// Float32, with Casts around the pair where the floats are others.
    Float32,
}

impl<'a> Floats<'a> {
    /// Those of `topology`'s graph, which is of this opset.
    pub(crate) fn of(topology: &'a Topology<'a>, opset: i64) -> Self {
        let types = ElementTypes::new(topology, None);
        Self { types, has_half_scales: opset >= HALF_SCALES }
    }

    /// The element types of the graph's tensors.
    pub(crate) fn types(&self) -> &ElementTypes<'a> {
        &self.types
    }

    /// What the node computes in where that is not float32. All operators that are quantized have one type for all that
    /// they read and make, so one of which a type is known tells it.
    pub(crate) fn computed_by(&self, node: &NodeProto) -> Option<OtherFloat> {
        let mut names = node.input.iter().chain(&node.output);
        names.find_map(|name| self.types.of(name))?.other_float()
    }

    /// Rounds scales between such floats and a format to what they are written as.
    pub(crate) fn round(&self, floats: Option<OtherFloat>, scales: &mut [f32]) -> ScaleType {
        let Some(half) = floats.filter(|_| self.has_half_scales) else {
            return if floats.is_none() { ScaleType::AsFloats } else { ScaleType::Float32 };
        };
        let nearest = |scale: f32| {
            let nearest = half.nearest(scale)?;
            ((nearest - scale).abs() <= TOLERATED * scale).then_some(nearest)
        };
        let rounded: Option<Vec<f32>> = scales.iter().map(|&scale| nearest(scale)).collect();
        match rounded.filter(|_| half != OtherFloat::F64) {
            Some(rounded) => {
                scales.copy_from_slice(&rounded);
                ScaleType::AsFloats
            }
            None => ScaleType::Float32,
        }
    }
}

impl ScaleType {
    /// What scales between these floats and a format are where they are not float32.
    pub(crate) fn between(self, floats: Option<OtherFloat>) -> Option<OtherFloat> {
        match self {
            Self::AsFloats => floats,
            Self::Float32 => None,
        }
    }
}

/// A constant of such floats.
pub(crate) fn constant(
    name: &str,
    floats: Option<OtherFloat>,
    shape: &[usize],
    values: &[f32],
) -> TensorProto {
    match floats {
        Some(other) => TensorProto::from_f32_as(name, other, shape, values),
        None => TensorProto::from_f32(name, shape, values),
    }
}

/// Raises a model whose weighted operators compute in half types to the opset that has scales of those, if it can be raised.
///
/// # Errors
///
/// When the graph has no order.
pub(crate) fn raise_for_half_scales(model: &mut Model) -> Result<(), TopologyError> {
    if model.opset().is_none_or(|opset| opset >= HALF_SCALES) || !multiplies_halves(model.graph())?
    {
        return Ok(());
    }
    let mut raised = model.clone();
    if raise_to(&mut raised, HALF_SCALES).is_ok() {
        *model = raised;
    }
    Ok(())
}

fn multiplies_halves(graph: &GraphProto) -> Result<bool, TopologyError> {
    let topology = Topology::new(graph)?;
    let floats = Floats::of(&topology, HALF_SCALES);
    let is_half = |node: &NodeProto| {
        let is_weighted = matches!(node.op(), "Conv" | "ConvTranspose" | "Gemm" | "MatMul");
        let half = || floats.computed_by(node).filter(|&float| float != OtherFloat::F64);
        is_weighted && half().is_some()
    };
    Ok(graph.node.iter().any(is_half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_of_the_type_around_them_where_it_can_hold_them() {
        use OtherFloat::{Bf16, F16, F64};
        let graph = GraphProto::default();
        let topology = Topology::new(&graph).unwrap();
        let cases = [
            (19, None, 0.1, ScaleType::AsFloats, 0.1),
            (19, Some(F16), 0.1, ScaleType::AsFloats, 0.099_975_586),
            (19, Some(Bf16), 0.1, ScaleType::AsFloats, 0.100_097_656),
            (19, Some(F64), 0.1, ScaleType::Float32, 0.1),
            (18, Some(F16), 0.1, ScaleType::Float32, 0.1),
            // Subnormal, but near enough; then too far off, vanished, and too large.
            (19, Some(F16), 1e-5, ScaleType::AsFloats, 1.001_358e-5),
            (19, Some(F16), 1e-6, ScaleType::Float32, 1e-6),
            (19, Some(F16), 1e-9, ScaleType::Float32, 1e-9),
            (19, Some(F16), 1e6, ScaleType::Float32, 1e6),
        ];
        for (opset, floats, scale, expected, written) in cases {
            let mut scales = [scale];
            let found = Floats::of(&topology, opset).round(floats, &mut scales);
            assert_eq!((found, scales), (expected, [written]), "{opset} {floats:?} {scale}");
        }
    }

    #[test]
    fn one_scale_that_does_not_fit_keeps_all_in_float32() {
        let graph = GraphProto::default();
        let topology = Topology::new(&graph).unwrap();
        let mut scales = [0.1, 1e-9];
        let found = Floats::of(&topology, 19).round(Some(OtherFloat::F16), &mut scales);
        assert_eq!((found, scales), (ScaleType::Float32, [0.1, 1e-9]));
    }
}
