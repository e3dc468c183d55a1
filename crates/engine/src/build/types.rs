//! What the layers of a network compute in.

use calibrant_tensorrt::{
    BuilderFlag, Config, DataType, Error, Generation, Layer, LayerType, NetworkTyping,
};

use super::LayerTypeSummary;
use crate::error::BuildError;
use crate::int8::Int8Via;
use crate::options::{BuildOptions, Constraints, Precision};

/// Strong typing wherever it exists, because what a tensor is to be computed in stands in the model, unless the caller
/// wants what only weak typing has.
pub(super) fn typing(
    generation: Generation,
    options: &BuildOptions,
    int8: Int8Via,
) -> NetworkTyping {
    if generation == Generation::TensorRt8 || options.wants_weak_typing(int8) {
        NetworkTyping::Weak
    } else {
        NetworkTyping::Strong
    }
}

/// Whether the network quantizes by itself.
pub(super) fn contains_quantize(layers: &[Layer<'_>]) -> Result<bool, Error> {
    for layer in layers {
        if layer.kind()? == Some(LayerType::Quantize) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a weakly typed network may compute in besides FP32.
pub(super) struct Allowed {
    pub(super) int8: bool,
}

/// Allows a weakly typed network the types that the caller, the model and the ranges ask for.
pub(super) fn allow(
    config: &mut Config<'_>,
    layers: &[Layer<'_>],
    options: &BuildOptions,
    via: Int8Via,
    quantized: bool,
) -> Result<Allowed, Error> {
    let precision = options.precision;
    let asked = |wanted| options.layer_precisions.iter().any(|it| it.precision == wanted);
    let int8 = via != Int8Via::Qdq
        || quantized
        || precision.is_some_and(Precision::has_int8)
        || asked(DataType::Int8);
    if int8 {
        config.set_flag(BuilderFlag::Int8)?;
    }
    let fp16 = precision.is_some_and(Precision::has_fp16);
    for (data_type, flag, wanted) in [
        (DataType::Half, BuilderFlag::Fp16, fp16),
        (DataType::Bf16, BuilderFlag::Bf16, precision == Some(Precision::Bf16)),
    ] {
        if wanted || asked(data_type) || makes(layers, data_type)? {
            config.set_flag(flag)?;
        }
    }
    let constraints = match options.constraints {
        None if options.layer_precisions.is_empty() => return Ok(Allowed { int8 }),
        None | Some(Constraints::Obey) => BuilderFlag::ObeyPrecisionConstraints,
        Some(Constraints::Prefer) => BuilderFlag::PreferPrecisionConstraints,
    };
    config.set_flag(constraints)?;
    Ok(Allowed { int8 })
}

/// Whether a layer makes a tensor of a type.
fn makes(layers: &[Layer<'_>], data_type: DataType) -> Result<bool, Error> {
    for layer in layers {
        for output in layer.outputs()? {
            if output.data_type()? == Some(data_type) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Sets the types of the layers that the caller's patterns fit, and of the floats that they make; returns them.
///
/// The network's outputs keep their types: what comes out of a plan is not the business of the layer that makes it.
pub(super) fn set_layer_types(
    layers: &[Layer<'_>],
    options: &BuildOptions,
) -> Result<Vec<LayerTypeSummary>, BuildError> {
    let mut set = Vec::new();
    let mut fitted = vec![false; options.layer_precisions.len()];
    for layer in layers {
        let name = layer.name()?;
        let patterns = options.layer_precisions.iter().enumerate();
        let fitting: Vec<_> = patterns.filter(|(_, it)| it.pattern.is_match(&name)).collect();
        fitting.iter().for_each(|&(at, _)| fitted[at] = true);
        let Some(&(_, last)) = fitting.last() else { continue };
        let floats = floats_of(layer)?;
        // A layer that makes no float computes with indices or shapes, in no type of choice.
        if floats.is_empty() {
            continue;
        }
        layer.set_precision(last.precision)?;
        let outputs = layer.outputs()?;
        for output in floats {
            if !outputs[output].is_network_output()? {
                layer.set_output_type(output, last.precision)?;
            }
        }
        set.push(LayerTypeSummary { layer: name, data_type: super::type_name(last.precision) });
    }
    match fitted.iter().position(|fitted| !fitted) {
        None => Ok(set),
        Some(at) => Err(BuildError::LayerPattern {
            pattern: options.layer_precisions[at].pattern.as_str().to_owned(),
            layers: layers.iter().map(Layer::name).collect::<Result<_, _>>()?,
        }),
    }
}

/// The outputs of a layer that are floats, by index.
fn floats_of(layer: &Layer<'_>) -> Result<Vec<usize>, Error> {
    let mut floats = Vec::new();
    for (at, output) in layer.outputs()?.iter().enumerate() {
        if output.data_type()?.is_some_and(super::is_float) {
            floats.push(at);
        }
    }
    Ok(floats)
}
