//! The settings of a build, and how the command line spells them.

use std::path::PathBuf;

use calibrant_tensorrt::{ComputeCapability, ProfilingVerbosity, Severity};

use crate::shapes::Profile;

/// The settings of a build. `None` and empty leave TensorRT's own default alone.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildOptions {
    /// The shapes of dynamic inputs, one profile after the other; none for a model whose shapes are all fixed.
    pub profiles: Vec<Profile>,
    /// The most scratch memory a layer may take, in bytes.
    pub workspace_bytes: Option<u64>,
    /// How hard TensorRT searches, 0 to 5; its default is 3.
    pub optimization_level: Option<u8>,
    /// How much the plan tells about its layers.
    pub profiling_verbosity: Option<ProfilingVerbosity>,
    /// A file that keeps kernel timings from build to build; read if it exists, written after a build. TensorRT-RTX has
    /// no use for one.
    pub timing_cache: Option<PathBuf>,
    /// The GPUs a TensorRT-RTX plan is for; none for RTX's default set. Other products build for the GPU at hand.
    pub compute_capabilities: Vec<ComputeCapability>,
    /// The least severe log message that becomes an [`Event::Log`](crate::Event::Log).
    pub log: Severity,
}

impl Default for BuildOptions {
    /// TensorRT's own defaults, and its warnings and errors as events.
    fn default() -> Self {
        Self {
            profiles: Vec::new(),
            workspace_bytes: None,
            optimization_level: None,
            profiling_verbosity: None,
            timing_cache: None,
            compute_capabilities: Vec::new(),
            log: Severity::Warning,
        }
    }
}

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
}
