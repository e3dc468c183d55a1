//! Whether what takes the model computes in its types.

use calibrant_calibration::{Method, tensorrt_release};
use calibrant_cast::FloatType;
use calibrant_engine::{
    BuildOptions, Generation, Int8Via, Precision, Product, Unsupported, Version,
    numbered_compute_capabilities,
};
use calibrant_format::{Format, Since};

use crate::config::{Backend, Config, Ranges};
use crate::error::ConfigError;

/// Makes sure that the method can choose ranges for `format`, which is not int8, and that the target, if the job names one,
/// computes in it.
///
/// # Errors
///
/// When it does not.
pub(super) fn check(config: &Config, format: &Format) -> Result<(), ConfigError> {
    let method = match &config.ranges {
        Ranges::Calibrate(calibration) => match calibration.backend {
            Backend::Runtime { method, .. } => Some(method),
            Backend::TensorRt { .. } => None,
        },
        Ranges::Reuse { method, .. } => *method,
        Ranges::None => None,
    };
    if method == Some(Method::TensorrtFaithful) {
        return Err(ConfigError::FaithfulOfInt8(format.name));
    }
    let Some(target) = config.target else { return Ok(()) };
    let [major, minor, _] = tensorrt_release(target.version()).unwrap_or_default();
    since(format, Product::TensorRt, (major, minor), &target.to_string()).map(drop)
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
) -> Result<Option<String>, ConfigError> {
    let (product, (major, minor, _)) = (version.product(), version.parts());
    let numbers = (u32::try_from(major).unwrap_or(0), u32::try_from(minor).unwrap_or(0));
    let Since { compute_capability: least, .. } =
        since(format, product, numbers, &version.to_string())?;
    let mut known = numbered_compute_capabilities();
    let asked_for = |capability: &_| options.compute_capabilities.contains(capability);
    if let Some((given, _)) = known.find(|(numbers, it)| *numbers < least && asked_for(it)) {
        let (given, least) = (dotted(given), dotted(least));
        return Err(ConfigError::FormatOfGpu { given, format: format.name, least });
    }
    // RTX's own set begins with GPUs that not every format has kernels for.
    let has_older = numbered_compute_capabilities().any(|(numbers, _)| numbers < least);
    if product != Product::TensorRtRtx || !has_older || !options.compute_capabilities.is_empty() {
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

/// Makes sure that a library that has flags for half types has that of the one that is written into the model.
///
/// # Errors
///
/// When it does not, so that its parser does not know the type either.
pub(super) fn check_half(half: Option<FloatType>, version: Version) -> Result<(), Unsupported> {
    if half != Some(FloatType::Bf16) || version.generation() != Some(Generation::TensorRt8) {
        return Ok(());
    }
    let flagged = BuildOptions { precision: Some(Precision::Bf16), ..BuildOptions::default() };
    flagged.check(version, Int8Via::Qdq)
}

fn dotted((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

/// Where the product of this version, which is called `taker`, began to compute in `format`.
fn since(
    format: &Format,
    product: Product,
    version: (u32, u32),
    taker: &str,
) -> Result<Since, ConfigError> {
    let since = match product {
        Product::TensorRt => format.tensorrt,
        Product::TensorRtRtx => format.tensorrt_rtx,
    };
    since.filter(|since| version >= since.version).ok_or_else(|| ConfigError::NoSuchFormat {
        taker: taker.to_owned(),
        format: format.name,
        since: since.map(|since| format!("{product} {}", dotted(since.version))),
    })
}
