//! Whether what takes the model computes in its format.

use calibrant_calibration::{Method, tensorrt_release};
use calibrant_engine::{BuildOptions, Generation, Int8Via, Version, numbered_compute_capabilities};
use calibrant_format::{Format, Product, Taker};

use crate::config::{Backend, Calibration, Config, Ranges};
use crate::error::UsageError;
use crate::precision::{Lacks, taker};

/// Makes sure that the method can choose ranges for `format`, which is not int8, and that the target, if the job names one,
/// computes in it.
///
/// # Errors
///
/// When it does not.
pub(super) fn check(config: &Config, format: &Format) -> Result<(), UsageError> {
    let method = match &config.ranges {
        Ranges::Calibrate(Calibration { backend: Backend::Runtime { method, .. }, .. }) => {
            Some(*method)
        }
        Ranges::Reuse { method, .. } => *method,
        Ranges::Calibrate(_) | Ranges::None => None,
    };
    if method == Some(Method::TensorrtFaithful) {
        return Err(UsageError::FaithfulOfInt8(format.name));
    }
    let Some(target) = config.target else { return Ok(()) };
    let [major, minor, _] = tensorrt_release(target.version()).unwrap_or_default();
    match taker(format, Product::TensorRt, (major, minor)) {
        Ok(_) => Ok(()),
        Err(lacks) => Err(no_such_format(target.to_string(), format, lacks)),
    }
}

/// Has TensorRT-RTX build for those GPUs alone that compute in `format`, and makes sure that the library knows it.
/// Returns the compute capabilities where they had to be chosen.
///
/// # Errors
///
/// When it does not, or a GPU that was asked for does not.
pub(super) fn limit(
    options: &mut BuildOptions,
    format: &Format,
    version: Version,
) -> Result<Option<String>, UsageError> {
    let is_rtx = version.generation().is_some_and(Generation::is_rtx);
    let product = if is_rtx { Product::TensorRtRtx } else { Product::TensorRt };
    let (major, minor, _) = version.parts();
    let numbers = (u32::try_from(major).unwrap_or(0), u32::try_from(minor).unwrap_or(0));
    let Taker { compute_capability: least, .. } = taker(format, product, numbers)
        .map_err(|lacks| no_such_format(version.to_string(), format, lacks))?;
    let mut known = numbered_compute_capabilities();
    let asked_for = |capability: &_| options.compute_capabilities.contains(capability);
    if let Some((given, _)) = known.find(|(numbers, it)| *numbers < least && asked_for(it)) {
        let (given, least) = (dotted(given), dotted(least));
        return Err(UsageError::FormatOfGpu { given, format: format.name, least });
    }
    // RTX's own set begins with GPUs that not every format has kernels for.
    let has_older = numbered_compute_capabilities().any(|(numbers, _)| numbers < least);
    if !is_rtx || !has_older || !options.compute_capabilities.is_empty() {
        return Ok(None);
    }
    let is_known = |capability| {
        let alone = BuildOptions { compute_capabilities: vec![capability], ..Default::default() };
        alone.check(version, Int8Via::Qdq).is_ok()
    };
    let able: Vec<_> = numbered_compute_capabilities()
        .filter(|(numbers, capability)| *numbers >= least && is_known(*capability))
        .collect();
    options.compute_capabilities = able.iter().map(|(_, capability)| *capability).collect();
    let names: Vec<String> = able.into_iter().map(|(numbers, _)| dotted(numbers)).collect();
    Ok(Some(names.join(", ")))
}

fn dotted((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

fn no_such_format(taker: String, format: &Format, lacks: Lacks) -> UsageError {
    let since = match lacks {
        Lacks::Format => None,
        Lacks::Version(Taker { product, since, .. }) => {
            let product = match product {
                Product::TensorRt => "TensorRT",
                Product::TensorRtRtx => "TensorRT-RTX",
            };
            Some(format!("{product} {}", dotted(since)))
        }
    };
    UsageError::NoSuchFormat { taker, format: format.name, since }
}
