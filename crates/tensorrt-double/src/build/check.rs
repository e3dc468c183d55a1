//! Settings that contradict each other, and shapes that are missing.

use tensorrt_sys::Enumeration;
use tensorrt_sys::enums::{BuilderFlag, DataType, LayerType};

use super::{Job, Stop};
use crate::plan::ShapesPlan;

/// The flags that let a weakly typed network's layers compute in a type.
pub(super) const PRECISIONS: [(BuilderFlag, DataType); 6] = [
    (BuilderFlag::Int8, DataType::Int8),
    (BuilderFlag::Fp16, DataType::Half),
    (BuilderFlag::Bf16, DataType::Bf16),
    (BuilderFlag::Fp8, DataType::Fp8),
    (BuilderFlag::Int4, DataType::Int4),
    (BuilderFlag::Fp4, DataType::Fp4),
];

fn failed<T>(text: String) -> Result<T, Stop> {
    Err(Stop::Failed(text))
}

/// Checks the flags against the network.
pub(super) fn settings(job: &Job<'_>) -> Result<(), Stop> {
    if job.network.outputs.borrow().is_empty() {
        return failed("Network must have at least one output".to_owned());
    }
    if job.network.strongly_typed { strongly_typed(job) } else { weakly_typed(job) }
}

fn strongly_typed(job: &Job<'_>) -> Result<(), Stop> {
    for (flag, _) in PRECISIONS {
        if job.has(flag) {
            let name = flag.vendor_name();
            return failed(format!(
                "!config.getFlag(BuilderFlag::{name}): a strongly typed network takes no precision flag"
            ));
        }
    }
    Ok(())
}

/// Checks that every type a layer was given is one that a flag allows.
fn weakly_typed(job: &Job<'_>) -> Result<(), Stop> {
    if job.has(BuilderFlag::ObeyPrecisionConstraints)
        && job.has(BuilderFlag::PreferPrecisionConstraints)
    {
        let text =
            "kOBEY_PRECISION_CONSTRAINTS and kPREFER_PRECISION_CONSTRAINTS exclude each other";
        return failed(text.to_owned());
    }
    let version = job.context().version();
    for layer in job.network.layers.borrow().iter() {
        let quantizes = matches!(layer.kind, LayerType::Quantize | LayerType::Dequantize);
        let mut given = layer.output_types.borrow().clone();
        given.push(layer.precision.get());
        let given = given.into_iter().flatten().filter_map(|raw| DataType::from_raw(version, raw));
        let needed: Vec<DataType> = given.chain(quantizes.then_some(DataType::Int8)).collect();
        for (flag, data_type) in PRECISIONS {
            if needed.contains(&data_type) && !job.has(flag) {
                let (name, precision) = (layer.name.to_string_lossy(), data_type.vendor_name());
                let text = format!(
                    "{name}: {precision} precision has been set for a layer or layer output, \
                     but {} is not configured in the builder",
                    flag.vendor_name()
                );
                return failed(text);
            }
        }
    }
    Ok(())
}

/// Checks that every dynamic input has shapes in every profile, and that they fit the network.
pub(super) fn profiles(job: &Job<'_>) -> Result<(), Stop> {
    let inputs = job.network.inputs.borrow();
    let profiles = job.config.profiles();
    if profiles.is_empty() && inputs.iter().any(|input| input.is_dynamic()) {
        let text =
            "Network has dynamic or shape inputs, but no optimization profile has been defined.";
        return failed(text.to_owned());
    }
    for (index, profile) in profiles.iter().enumerate() {
        let shapes = profile.to_plan();
        for input in inputs.iter() {
            let (name, dims) = (input.name(), input.dims.borrow());
            match shapes.get(&name) {
                None if input.is_dynamic() => {
                    return failed(format!(
                        "optimization profile {index} has no shapes for {name}"
                    ));
                }
                Some(shapes) if !fits(dims.as_deref(), shapes) => {
                    return failed(format!(
                        "optimization profile {index} has shapes for {name} that contradict its dimensions {:?}",
                        dims.as_deref().unwrap_or_default()
                    ));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether shapes are those of a tensor with these dimensions.
fn fits(dims: Option<&[i64]>, shapes: &ShapesPlan) -> bool {
    let Some(dims) = dims else { return true };
    [&shapes.min, &shapes.opt, &shapes.max].into_iter().all(|shape| {
        shape.len() == dims.len()
            && dims.iter().zip(shape).all(|(&dim, &size)| dim == -1 || dim == size)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_fit_dimensions_that_they_fill() {
        let shapes = |shape: &[i64]| ShapesPlan {
            min: shape.to_vec(),
            opt: shape.to_vec(),
            max: shape.to_vec(),
        };
        assert!(fits(Some(&[-1, 3]), &shapes(&[8, 3])));
        assert!(fits(None, &shapes(&[8])));
        assert!(!fits(Some(&[-1, 3]), &shapes(&[8, 4])));
        assert!(!fits(Some(&[-1, 3]), &shapes(&[8])));
    }
}
