//! Everything that is to be said against a cache.

use std::collections::BTreeSet;
use std::fmt;

use super::version::{FIRST_WITHOUT_CACHES, tensorrt_release};
use super::{ParseCacheError, Reading, Suspicion};

/// At most this many names stand in a message.
const NAMES_SHOWN: usize = 5;

/// Beginnings of names that TensorRT gives to tensors of its own, which no model has.
const TENSORRTS: [&str; 2] = ["(Unnamed Layer* ", "ONNXTRT_"];

/// The tensors of the model that a cache is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelTensors {
    /// All of them.
    pub names: BTreeSet<String>,
    /// The float tensors that depend on the model's inputs, in the order of the graph: those that need a scale.
    pub activations: Vec<String>,
}

/// Something to be said against a cache; displays as a sentence for the user.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Finding<'a> {
    /// A line cannot be read.
    Malformed(&'a ParseCacheError),
    /// No TensorRT has this version.
    NoSuchVersion {
        /// The number in the first line.
        version: u32,
    },
    /// This TensorRT has no calibrators and reads no cache.
    VersionWithoutCaches {
        /// The number in the first line.
        version: u32,
    },
    /// The TensorRT that is to read the cache has another version.
    OtherVersion {
        /// The number in the first line.
        version: u32,
        /// The number of the TensorRT in use.
        wanted: u32,
    },
    /// A scale is not to be trusted.
    Suspicious(Suspicion<'a>),
    /// Not one tensor of the cache is in the model.
    OtherModel,
    /// Tensors of the cache that the model does not have.
    UnknownTensors {
        /// Their names, in the order of the cache.
        names: Vec<&'a str>,
    },
    /// Tensors of the model that stand in for activations and have no scale.
    MissingTensors {
        /// Their names, in the order of the graph.
        names: Vec<&'a str>,
    },
}

/// What a [`Finding`] means for who uses the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It may be as it should.
    Warning,
    /// TensorRT refuses the cache, or does not find in it what it needs.
    Error,
}

/// All that is to be said against what was read of a cache: by itself, for the TensorRT of version number `wanted`, and
/// for the model with these tensors.
pub fn check<'a>(
    reading: &'a Reading,
    wanted: Option<u32>,
    model: Option<&'a ModelTensors>,
) -> Vec<Finding<'a>> {
    let mut findings: Vec<Finding<'a>> =
        reading.problems().iter().map(Finding::Malformed).collect();
    if let Some((version, _)) = reading.header() {
        findings.extend(check_version(version, wanted));
    }
    findings.extend(reading.suspicions().map(Finding::Suspicious));
    if let Some(model) = model {
        check_names(reading, model, &mut findings);
    }
    findings
}

fn check_version<'a>(version: u32, wanted: Option<u32>) -> Option<Finding<'a>> {
    if tensorrt_release(version).is_none() {
        return Some(Finding::NoSuchVersion { version });
    }
    if version >= FIRST_WITHOUT_CACHES {
        return Some(Finding::VersionWithoutCaches { version });
    }
    let wanted = wanted.filter(|wanted| *wanted != version)?;
    Some(Finding::OtherVersion { version, wanted })
}

fn check_names<'a>(reading: &'a Reading, model: &'a ModelTensors, findings: &mut Vec<Finding<'a>>) {
    let names: BTreeSet<&str> = reading.entries().iter().map(|(name, _)| name.as_str()).collect();
    let is_known = |name: &str| model.names.contains(name);
    if !names.is_empty() && !names.iter().any(|name| is_known(name)) {
        findings.push(Finding::OtherModel);
        return;
    }
    let is_tensorrts = |name: &str| TENSORRTS.iter().any(|start| name.starts_with(start));
    let in_order = reading.entries().iter().map(|(name, _)| name.as_str());
    let unknown: Vec<&str> =
        in_order.filter(|name| !is_known(name) && !is_tensorrts(name)).collect();
    if !unknown.is_empty() {
        findings.push(Finding::UnknownTensors { names: unknown });
    }
    let activations = model.activations.iter().map(String::as_str);
    let missing: Vec<&str> = activations.filter(|name| !names.contains(name)).collect();
    if !missing.is_empty() {
        findings.push(Finding::MissingTensors { names: missing });
    }
}

impl Finding<'_> {
    /// What it means for who uses the cache.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Malformed(_)
            | Self::NoSuchVersion { .. }
            | Self::VersionWithoutCaches { .. }
            | Self::OtherVersion { .. }
            | Self::OtherModel => Severity::Error,
            Self::Suspicious(suspicion) if !suspicion.oddity.is_tensorrts() => Severity::Error,
            Self::Suspicious(_) | Self::UnknownTensors { .. } | Self::MissingTensors { .. } => {
                Severity::Warning
            }
        }
    }

    /// What it is, in a word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::NoSuchVersion { .. } => "no-such-version",
            Self::VersionWithoutCaches { .. } => "version-without-caches",
            Self::OtherVersion { .. } => "other-version",
            Self::Suspicious(_) => "suspicious",
            Self::OtherModel => "other-model",
            Self::UnknownTensors { .. } => "unknown-tensors",
            Self::MissingTensors { .. } => "missing-tensors",
        }
    }

    /// The tensors that it is about, as many as there are.
    pub fn tensors(&self) -> Vec<&str> {
        match self {
            Self::Suspicious(suspicion) => vec![suspicion.name],
            Self::UnknownTensors { names } | Self::MissingTensors { names } => names.clone(),
            Self::Malformed(ParseCacheError::Duplicate { name, .. }) => vec![name],
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(problem) => problem.fmt(f),
            Self::NoSuchVersion { version } => {
                write!(f, "no TensorRT has the version {version}, so each refuses the cache")
            }
            Self::VersionWithoutCaches { version } => write!(
                f,
                "{} reads no calibration cache: TensorRT has no calibrators since version 11; give it a model with Q/DQ nodes",
                release(*version)
            ),
            Self::OtherVersion { version, wanted } => write!(
                f,
                "{} refuses the cache and calibrates anew, because it is of {}",
                release(*wanted),
                release(*version)
            ),
            Self::Suspicious(suspicion) => suspicion.fmt(f),
            Self::OtherModel => f.write_str(
                "the model has not one of the cache's tensors, so it belongs to another",
            ),
            Self::UnknownTensors { names } => {
                write!(
                    f,
                    "the model does not have {} of the cache's tensors: {}",
                    names.len(),
                    list(names)
                )
            }
            Self::MissingTensors { names } => write!(
                f,
                "{} float tensors of the model have no scale, and layers that need one stay in float: {}",
                names.len(),
                list(names)
            ),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

fn release(version: u32) -> String {
    match tensorrt_release(version) {
        Some([major, minor, patch]) => format!("TensorRT {major}.{minor}.{patch}"),
        None => format!("version {version}"),
    }
}

fn list(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES_SHOWN).map(|name| format!("`{name}`"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(activations: &[&str], others: &[&str]) -> ModelTensors {
        let activations: Vec<String> = activations.iter().map(|&name| name.to_owned()).collect();
        let others = others.iter().map(|&name| name.to_owned());
        ModelTensors { names: activations.iter().cloned().chain(others).collect(), activations }
    }

    fn said(text: &str, wanted: Option<u32>, model: Option<&ModelTensors>) -> Vec<String> {
        let reading = Reading::of(text);
        let findings = check(&reading, wanted, model);
        findings.iter().map(|it| format!("{}: {it}", it.severity())).collect()
    }

    #[test]
    fn a_sound_cache_of_the_model_has_nothing_against_it() {
        let text = "TRT-8601-EntropyCalibration2\nx: 3c010204\n(Unnamed Layer* 12) [Constant]_output: 3c010204\n\
                    ONNXTRT_Broadcast_812_output: 3c010204\nweight: 3c010204\n";
        let model = model(&["x"], &["weight"]);
        assert_eq!(said(text, Some(8601), Some(&model)), Vec::<String>::new());
    }

    #[test]
    fn each_thing_is_told_in_its_words() {
        let all = ["x", "y", "a", "b", "c", "d", "e"];
        let model = model(&all, &["weight"]);
        for (text, wanted, model, expected) in [
            (
                "TRT-86-MinMaxCalibration\n",
                None,
                None,
                &["error: no TensorRT has the version 86"][..],
            ),
            (
                "TRT-110100-MinMaxCalibration\n",
                None,
                None,
                &["error: TensorRT 11.1.0 reads no calibration cache"],
            ),
            (
                "TRT-8601-MinMaxCalibration\n",
                Some(101_601),
                None,
                &[
                    "error: TensorRT 10.16.1 refuses the cache and calibrates anew, because it is of TensorRT 8.6.1",
                ],
            ),
            (
                "TRT-8601-MinMaxCalibration\nx: 0\ny: bf800000\nz",
                None,
                None,
                &[
                    "error: line 4 is `z`",
                    "warning: tensor `x` has the scale 0.0",
                    "error: tensor `y` has the scale -1.0",
                ],
            ),
            (
                "TRT-8601-MinMaxCalibration\nx: 3c010204\nold: 3c010204\n",
                None,
                Some(&model),
                &[
                    "warning: the model does not have 1 of the cache's tensors: `old`",
                    "warning: 6 float tensors of the model have no scale, and layers that need one stay in float: \
                     `y`, `a`, `b`, `c`, `d` and 1 more",
                ],
            ),
            (
                "TRT-8601-MinMaxCalibration\nold: 1000000\n",
                None,
                Some(&model),
                &["error: the model has not one"],
            ),
        ] {
            let said = said(text, wanted, model);
            assert_eq!(said.len(), expected.len(), "{said:?}");
            assert!(said.iter().zip(expected).all(|(it, start)| it.starts_with(start)), "{said:?}");
        }
    }

    #[test]
    fn all_tensors_are_named_to_programs() {
        let text = "TRT-8601-MinMaxCalibration\nx: 3c010204\nx: 1\n";
        let reading = Reading::of(text);
        let names: Vec<String> = (0..9).map(|i| format!("t{i}")).chain(["x".to_owned()]).collect();
        let model = ModelTensors { names: names.iter().cloned().collect(), activations: names };
        let findings = check(&reading, None, Some(&model));
        assert_eq!(findings[0].tensors(), ["x"]);
        assert_eq!(findings[1].tensors().len(), 9);
    }
}
