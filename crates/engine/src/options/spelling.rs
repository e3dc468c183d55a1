//! How the command line spells the settings of a build.

use calibrant_tensorrt::{
    ComputeCapability, DataType, HardwareCompatibilityLevel, MemoryPoolType, ProfilingVerbosity,
};
use regex_lite::Regex;

use crate::int8::Int8Via;

use super::{Constraints, LayerPrecision, PoolLimit};

/// A setting that the command line spells in no known way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// Not a compute capability that TensorRT-RTX knows.
    #[error("compute capability {given:?} is not one TensorRT-RTX builds for; it knows {}", known.join(", "))]
    ComputeCapability {
        /// What was given.
        given: String,
        /// What would do.
        known: Vec<String>,
    },
    /// Not a profiling verbosity.
    #[error("profiling verbosity {0:?} is none of layer-names, none, detailed")]
    ProfilingVerbosity(String),
    /// Not a way to take precision constraints.
    #[error("precision constraints {0:?} are none of obey, prefer")]
    Constraints(String),
    /// Not a pattern with a type.
    #[error(
        "{0:?} is no layer precision; write a pattern and a type, as ^/head/=fp32, with a type of fp32, fp16, bf16, int8"
    )]
    LayerPrecision(String),
    /// Not a pattern.
    #[error("the pattern of layer precision {given:?} is no regular expression")]
    Pattern {
        /// What was given.
        given: String,
        /// What is wrong with it.
        source: regex_lite::Error,
    },
    /// Not a memory pool with its limit.
    #[error("{given:?} is no memory pool limit; write a pool and a size, as dla-sram:1M, with a pool of {}", known.join(", "))]
    MemoryPool {
        /// What was given.
        given: String,
        /// The pools.
        known: Vec<String>,
    },
    /// Not a hardware compatibility level.
    #[error("hardware compatibility {0:?} is none of none, ampere+, same-compute-capability")]
    HardwareCompatibility(String),
    /// Not a way for ranges to reach the builder.
    #[error("{0:?} is no way for INT8 ranges to reach TensorRT: cache, ranges or qdq")]
    Int8Via(String),
    /// Not a size.
    #[error(
        "{0:?} is not a size; write bytes, or a number with K, M or G (powers of 1024), as 512M"
    )]
    Size(String),
}

/// Every compute capability with the number that names it: `(8.9, SM89)`.
const COMPUTE_CAPABILITIES: [(&str, ComputeCapability); 7] = [
    ("current", ComputeCapability::Current),
    ("7.5", ComputeCapability::Sm75),
    ("8.0", ComputeCapability::Sm80),
    ("8.6", ComputeCapability::Sm86),
    ("8.9", ComputeCapability::Sm89),
    ("12.0", ComputeCapability::Sm120),
    ("12.1", ComputeCapability::Sm121),
];

/// Every compute capability that has a number, as (major, minor), in ascending order.
pub fn numbered_compute_capabilities() -> impl Iterator<Item = ((u32, u32), ComputeCapability)> {
    COMPUTE_CAPABILITIES.iter().filter_map(|(name, capability)| {
        let (major, minor) = name.split_once('.')?;
        Some(((major.parse().ok()?, minor.parse().ok()?), *capability))
    })
}

/// A compute capability as NVIDIA writes it: `8.9`, `89`, `sm89`, `sm_89`, or `current` for the GPU at hand.
///
/// # Errors
/// [`OptionError::ComputeCapability`] for one that TensorRT-RTX has no name for, Hopper's 9.0 among them.
pub fn parse_compute_capability(text: &str) -> Result<ComputeCapability, OptionError> {
    let digits = |text: &str| text.replace('.', "");
    let lower = text.trim().to_ascii_lowercase();
    let wanted = digits(lower.strip_prefix("sm").unwrap_or(&lower).trim_start_matches('_'));
    COMPUTE_CAPABILITIES
        .iter()
        .find(|(name, _)| digits(name) == wanted)
        .map(|&(_, capability)| capability)
        .ok_or_else(|| OptionError::ComputeCapability {
            given: text.to_owned(),
            known: COMPUTE_CAPABILITIES.iter().map(|&(name, _)| name.to_owned()).collect(),
        })
}

/// `layer-names`, `none` or `detailed`.
///
/// # Errors
/// [`OptionError::ProfilingVerbosity`] for any other word.
pub fn parse_profiling_verbosity(text: &str) -> Result<ProfilingVerbosity, OptionError> {
    match text {
        "layer-names" => Ok(ProfilingVerbosity::LayerNamesOnly),
        "none" => Ok(ProfilingVerbosity::None),
        "detailed" => Ok(ProfilingVerbosity::Detailed),
        _ => Err(OptionError::ProfilingVerbosity(text.to_owned())),
    }
}

/// `obey` or `prefer`.
///
/// # Errors
/// [`OptionError::Constraints`] for any other word.
pub fn parse_constraints(text: &str) -> Result<Constraints, OptionError> {
    match text {
        "obey" => Ok(Constraints::Obey),
        "prefer" => Ok(Constraints::Prefer),
        _ => Err(OptionError::Constraints(text.to_owned())),
    }
}

/// A pattern for layer names and a type: `^/head/=fp32`, `Softmax=fp16`.
///
/// # Errors
/// [`OptionError::LayerPrecision`] without a known type behind the last `=`, [`OptionError::Pattern`] for what is no
/// regular expression.
pub fn parse_layer_precision(text: &str) -> Result<LayerPrecision, OptionError> {
    let bad = || OptionError::LayerPrecision(text.to_owned());
    // A pattern may have a `=`, a type has none.
    let (pattern, precision) = text.rsplit_once('=').ok_or_else(bad)?;
    let precision = match precision.trim() {
        "fp32" => DataType::Float,
        "fp16" => DataType::Half,
        "bf16" => DataType::Bf16,
        "int8" => DataType::Int8,
        _ => return Err(bad()),
    };
    if pattern.is_empty() {
        return Err(bad());
    }
    let pattern = Regex::new(pattern)
        .map_err(|source| OptionError::Pattern { given: text.to_owned(), source })?;
    Ok(LayerPrecision { pattern, precision })
}

/// Every memory pool by its name on the command line.
const MEMORY_POOLS: [(&str, MemoryPoolType); 6] = [
    ("workspace", MemoryPoolType::Workspace),
    ("dla-sram", MemoryPoolType::DlaManagedSram),
    ("dla-local-dram", MemoryPoolType::DlaLocalDram),
    ("dla-global-dram", MemoryPoolType::DlaGlobalDram),
    ("tactic-dram", MemoryPoolType::TacticDram),
    ("tactic-shared-memory", MemoryPoolType::TacticSharedMemory),
];

/// A memory pool and its limit: `dla-sram:1M`.
///
/// # Errors
/// [`OptionError::MemoryPool`] for an unknown pool, [`OptionError::Size`] for what is no size.
pub fn parse_memory_pool(text: &str) -> Result<PoolLimit, OptionError> {
    let bad = || OptionError::MemoryPool {
        given: text.to_owned(),
        known: MEMORY_POOLS.iter().map(|&(name, _)| name.to_owned()).collect(),
    };
    let (name, size) = text.split_once(':').ok_or_else(bad)?;
    let pool = MEMORY_POOLS.iter().find(|&&(known, _)| known == name.trim()).ok_or_else(bad)?;
    Ok(PoolLimit { pool: pool.1, bytes: parse_size(size)? })
}

/// The name of a memory pool on the command line.
pub(super) fn pool_name(pool: MemoryPoolType) -> &'static str {
    MEMORY_POOLS.iter().find(|&&(_, known)| known == pool).map_or("memory pool", |&(name, _)| name)
}

/// `none`, `ampere+` or `same-compute-capability`.
///
/// # Errors
/// [`OptionError::HardwareCompatibility`] for any other word.
pub fn parse_hardware_compatibility(text: &str) -> Result<HardwareCompatibilityLevel, OptionError> {
    match text {
        "none" => Ok(HardwareCompatibilityLevel::None),
        "ampere+" => Ok(HardwareCompatibilityLevel::AmperePlus),
        "same-compute-capability" => Ok(HardwareCompatibilityLevel::SameComputeCapability),
        _ => Err(OptionError::HardwareCompatibility(text.to_owned())),
    }
}

/// `cache`, `ranges` or `qdq`; a calibrator is no way for ranges that are known.
///
/// # Errors
/// [`OptionError::Int8Via`] for any other word.
pub fn parse_int8_via(text: &str) -> Result<Int8Via, OptionError> {
    match text {
        "cache" => Ok(Int8Via::Cache),
        "ranges" => Ok(Int8Via::Ranges),
        "qdq" => Ok(Int8Via::Qdq),
        _ => Err(OptionError::Int8Via(text.to_owned())),
    }
}

/// A size in bytes: `1048576`, `1M`, `512MiB`, `2G`; the units are powers of 1024.
///
/// # Errors
/// [`OptionError::Size`] for anything else, a size above 2^64 - 1 among it.
pub fn parse_size(text: &str) -> Result<u64, OptionError> {
    let bad = || OptionError::Size(text.to_owned());
    let trimmed = text.trim();
    let digits = trimmed.len() - trimmed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = trimmed.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().trim_end_matches("ib") {
        "" | "b" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return Err(bad()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift)).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compute_capabilities_are_read_in_every_common_spelling() {
        for text in ["8.9", "89", "sm89", "SM_89", " 8.9 "] {
            assert_eq!(parse_compute_capability(text).unwrap(), ComputeCapability::Sm89, "{text}");
        }
        assert_eq!(parse_compute_capability("12.0").unwrap(), ComputeCapability::Sm120);
        assert_eq!(parse_compute_capability("current").unwrap(), ComputeCapability::Current);
    }

    #[test]
    fn hopper_is_refused_with_what_would_do() {
        let message = parse_compute_capability("9.0").unwrap_err().to_string();
        assert_eq!(
            message,
            "compute capability \"9.0\" is not one TensorRT-RTX builds for; it knows current, 7.5, 8.0, 8.6, 8.9, 12.0, 12.1"
        );
    }

    #[test]
    fn verbosities() {
        assert_eq!(parse_profiling_verbosity("detailed").unwrap(), ProfilingVerbosity::Detailed);
        assert!(parse_profiling_verbosity("verbose").is_err());
    }

    #[test]
    fn sizes() {
        let cases = [
            ("0", 0),
            ("17", 17),
            ("1K", 1024),
            ("512M", 512 << 20),
            ("512MiB", 512 << 20),
            ("2 g", 2 << 30),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_size(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "M", "-1", "1.5G", "1T", "99999999999G", "1MB2"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words_stand_for_settings() {
        assert_eq!(parse_constraints("prefer").unwrap(), Constraints::Prefer);
        assert_eq!(parse_int8_via("ranges").unwrap(), Int8Via::Ranges);
        assert!(parse_int8_via("calibrator").is_err());
        let level = parse_hardware_compatibility("ampere+").unwrap();
        assert_eq!(level, HardwareCompatibilityLevel::AmperePlus);
        let refusals = [
            parse_constraints("").unwrap_err().to_string(),
            parse_hardware_compatibility("turing").unwrap_err().to_string(),
        ];
        for refusal in refusals {
            assert!(refusal.contains(" none of "), "{refusal}");
        }
    }

    #[test]
    fn layer_precisions_end_in_a_type() {
        let precision = parse_layer_precision("^/a=b/.*$=fp16").unwrap();
        assert_eq!(precision.pattern.as_str(), "^/a=b/.*$");
        assert_eq!(precision.precision, DataType::Half);
        for text in ["", "fp16", "=fp16", "head=", "head=fp8"] {
            let error = parse_layer_precision(text).unwrap_err();
            assert!(matches!(error, OptionError::LayerPrecision(_)), "{text}");
        }
        let error = parse_layer_precision("(=fp16").unwrap_err();
        assert!(matches!(error, OptionError::Pattern { .. }), "{error:?}");
    }

    #[test]
    fn memory_pools_are_named() {
        for (name, pool) in MEMORY_POOLS {
            let limit = parse_memory_pool(&format!("{name}:2M")).unwrap();
            assert_eq!(limit, PoolLimit { pool, bytes: 2 << 20 });
            assert_eq!(pool_name(pool), name);
        }
        assert_eq!(
            parse_memory_pool("sram:1M").unwrap_err().to_string(),
            "\"sram:1M\" is no memory pool limit; write a pool and a size, as dla-sram:1M, with a pool of workspace, \
             dla-sram, dla-local-dram, dla-global-dram, tactic-dram, tactic-shared-memory"
        );
        assert!(matches!(parse_memory_pool("workspace:much"), Err(OptionError::Size(_))));
    }
}
