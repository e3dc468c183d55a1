//! Everything that is to be said against a cache.

use std::collections::BTreeSet;
use std::fmt;

use super::version::{FIRST_WITHOUT_CACHES, tensorrt_release};
use super::{ParseCacheError, Reading, Suspicion};
use crate::Table;

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
    /// Scales are not to be trusted, all of them for the same reason.
    Suspicious(Vec<Suspicion<'a>>),
    /// The ranges are those of one sample.
    OneSample,
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

/// All that is to be said against what was read of a cache: by itself, by the table that it was written from where there
/// is one, for the TensorRT of version number `wanted`, and for the model with these tensors.
///
/// The scales of a table are all ones that can be used; its ranges tell which of them stand for others.
pub fn check<'a>(
    reading: &'a Reading,
    table: Option<&'a Table>,
    wanted: Option<u32>,
    model: Option<&'a ModelTensors>,
) -> Vec<Finding<'a>> {
    let mut findings: Vec<Finding<'a>> =
        reading.problems().iter().map(Finding::Malformed).collect();
    if let Some((version, _)) = reading.header() {
        findings.extend(check_version(version, wanted));
    }
    match table {
        Some(table) => findings.extend(of_table(table)),
        None => findings.extend(by_oddity(reading.suspicions())),
    }
    if let Some(model) = model {
        let names = reading.entries().iter().map(|(name, _)| name.as_str());
        check_names(names, model, &mut findings);
    }
    findings
}

/// All that is to be said against the ranges of a table that no cache is written from, for the model with these tensors.
pub fn check_table<'a>(table: &'a Table, model: &'a ModelTensors) -> Vec<Finding<'a>> {
    let mut findings = of_table(table);
    check_names(table.tensors().keys().map(String::as_str), model, &mut findings);
    findings
}

/// What there is to be said against the ranges of a table by themselves.
fn of_table(table: &Table) -> Vec<Finding<'_>> {
    let mut findings = by_oddity(table.suspicions());
    findings.extend((table.samples() == 1).then_some(Finding::OneSample));
    findings
}

/// One finding for each thing that is odd, in the order in which they first appear.
fn by_oddity<'a>(suspicions: impl Iterator<Item = Suspicion<'a>>) -> Vec<Finding<'a>> {
    let mut groups: Vec<Vec<Suspicion<'a>>> = Vec::new();
    for suspicion in suspicions {
        match groups.iter_mut().find(|group| group[0].oddity == suspicion.oddity) {
            Some(group) => group.push(suspicion),
            None => groups.push(vec![suspicion]),
        }
    }
    groups.into_iter().map(Finding::Suspicious).collect()
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

fn check_names<'a>(
    in_order: impl Iterator<Item = &'a str> + Clone,
    model: &'a ModelTensors,
    findings: &mut Vec<Finding<'a>>,
) {
    let names: BTreeSet<&str> = in_order.clone().collect();
    let is_known = |name: &str| model.names.contains(name);
    if !names.is_empty() && !names.iter().any(|name| is_known(name)) {
        findings.push(Finding::OtherModel);
        return;
    }
    let is_tensorrts = |name: &str| TENSORRTS.iter().any(|start| name.starts_with(start));
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
            Self::Suspicious(group) if group.iter().any(|it| !it.oddity.is_calibrated()) => {
                Severity::Error
            }
            Self::Suspicious(_)
            | Self::OneSample
            | Self::UnknownTensors { .. }
            | Self::MissingTensors { .. } => Severity::Warning,
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
            Self::OneSample => "one-sample",
            Self::OtherModel => "other-model",
            Self::UnknownTensors { .. } => "unknown-tensors",
            Self::MissingTensors { .. } => "missing-tensors",
        }
    }

    /// The tensors that it is about, as many as there are.
    pub fn tensors(&self) -> Vec<&str> {
        match self {
            Self::Suspicious(group) => group.iter().map(|suspicion| suspicion.name).collect(),
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
            Self::Suspicious(group) => match group.as_slice() {
                [] => Ok(()),
                [suspicion] => suspicion.fmt(f),
                [first, ..] => {
                    let names: Vec<&str> = group.iter().map(|suspicion| suspicion.name).collect();
                    write!(f, "{} tensors have {}: {}: ", group.len(), Scales(group), first.oddity)?;
                    f.write_str(&list(&names))
                }
            },
            Self::OneSample => f.write_str(
                "the ranges are those of one sample, which says little of others; calibrate on some hundred",
            ),
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

/// The scales of several tensors.
struct Scales<'a>(&'a [Suspicion<'a>]);

impl fmt::Display for Scales<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut scales: Vec<f32> = self.0.iter().map(|suspicion| suspicion.scale).collect();
        scales.sort_by(f32::total_cmp);
        match (scales.first(), scales.last()) {
            (Some(least), Some(most)) if least.to_bits() != most.to_bits() => {
                write!(f, "scales from {least:?} to {most:?}")
            }
            (first, _) => write!(f, "the scale {:?}", first.copied().unwrap_or_default()),
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
    use calibrant_format::INT8;
    use calibrant_tensor::digest;

    use super::*;
    use crate::{BackendInfo, Cache, Manifest, Method, SavedStatistics, Statistics};

    fn model(activations: &[&str], others: &[&str]) -> ModelTensors {
        let activations: Vec<String> = activations.iter().map(|&name| name.to_owned()).collect();
        let others = others.iter().map(|&name| name.to_owned());
        ModelTensors { names: activations.iter().cloned().chain(others).collect(), activations }
    }

    fn said(text: &str, wanted: Option<u32>, model: Option<&ModelTensors>) -> Vec<String> {
        let reading = Reading::of(text);
        let findings = check(&reading, None, wanted, model);
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
    fn what_is_odd_about_many_is_said_once() {
        let mut text = "TRT-8601-MinMaxCalibration\nzero: 0\n".to_owned();
        (0..7).for_each(|idx| text.push_str(&format!("mask{idx}: 7c010204\n")));
        text.push_str("wide: 7c010205\n");
        let said = said(&text, None, None);
        assert_eq!(said.len(), 2, "{said:?}");
        let expected = "warning: 8 tensors have scales from 2.6793887e36 to 2.679389e36: the range of all floats, as \
                        behind a mask of the lowest float; no other value is left of it: `mask0`, `mask1`, \
                        `mask2`, `mask3`, `mask4` and 3 more";
        assert_eq!(said[1], expected);
    }

    /// The scales of a table hide what its ranges were.
    #[test]
    fn a_table_tells_more_than_its_cache() {
        let mut statistics = Statistics { samples: 1, ..Statistics::default() };
        for (name, values) in [
            ("dead", [0.0, 0.0]),
            ("tiny", [1e-40, -1e-39]),
            ("mask", [0.0, -1e9]),
            ("x", [0.5, 1.0]),
        ] {
            statistics.observe(name, &values).unwrap();
        }
        let (sample_list, samples) = Manifest::list_digest(Vec::new());
        let manifest = Manifest {
            model: digest(b""),
            sample_list,
            samples,
            preprocessing: String::new(),
            method: (),
            batch_size: None,
            backend: BackendInfo { name: "test".into(), version: "1".into(), notes: Vec::new() },
            program: "test".into(),
        };
        let table = Table::new(&SavedStatistics::new(&statistics, manifest), Method::MinMax, &INT8)
            .unwrap();
        let reading = Reading::of(&Cache::from_table(&table, 8601).unwrap().to_string());
        let findings = check(&reading, Some(&table), None, None);
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        for (said, start) in said.iter().zip([
            "tensor `dead` has the scale 0.007874016: only ever 0",
            "tensor `mask` has the scale 7874015.5: a range beyond that of half precision",
            "tensor `tiny` has the scale 1.1754944e-38: next to nothing",
            "the ranges are those of one sample",
        ]) {
            assert!(said.starts_with(start), "{said}");
        }
        assert_eq!(findings.len(), 4, "{said:?}");
        assert!(findings.iter().all(|it| it.severity() == Severity::Warning));
    }

    #[test]
    fn all_tensors_are_named_to_programs() {
        let text = "TRT-8601-MinMaxCalibration\nx: 3c010204\nx: 1\n";
        let reading = Reading::of(text);
        let names: Vec<String> = (0..9).map(|i| format!("t{i}")).chain(["x".to_owned()]).collect();
        let model = ModelTensors { names: names.iter().cloned().collect(), activations: names };
        let findings = check(&reading, None, None, Some(&model));
        assert_eq!(findings[0].tensors(), ["x"]);
        assert_eq!(findings[1].tensors().len(), 9);
    }
}
