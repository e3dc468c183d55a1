//! The cases: what both are told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tensorrt_sys::Enumeration;

/// The smallest, the best and the largest shape of an input.
pub(crate) type Shapes = BTreeMap<String, [Vec<i64>; 3]>;

/// One build, or several of the same.
///
/// Enumerators are spelled as in Python: without the `k`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// The versions of the bindings.
    pub(crate) versions: Vec<String>,
    /// A file of `fixtures/tensorrt/models`.
    pub(crate) model: String,
    pub(crate) strongly_typed: bool,
    pub(crate) flags: Vec<String>,
    pub(crate) cleared_flags: Vec<String>,
    pub(crate) quantization_flags: Vec<String>,
    pub(crate) memory_pools: BTreeMap<String, u64>,
    pub(crate) profiles: Vec<Shapes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) calibration_profile: Option<Shapes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) calibrator: Option<Told>,
    /// How often it is built; each time with the calibration cache of the time before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) builds: Option<usize>,
    pub(crate) timing_cache: bool,
    pub(crate) progress: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) optimization_level: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profiling_verbosity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) avg_timing_iterations: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hardware_compatibility: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dla_core: Option<u8>,
    pub(crate) gpu_layers: Vec<String>,
    /// The precision of layers, and the type of their outputs.
    pub(crate) layer_precisions: BTreeMap<String, String>,
    /// The largest absolute value of tensors.
    pub(crate) dynamic_ranges: BTreeMap<String, f32>,
}

/// What a calibrator is like.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    pub(crate) class: String,
    pub(crate) batches: usize,
    pub(crate) batch_size: i32,
    #[serde(default)]
    pub(crate) quantile: f64,
    #[serde(default)]
    pub(crate) regression_cutoff: f64,
}

/// The folder of the tables, the models and the witness.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tensorrt")
}

/// The cases of a version of the bindings.
pub(crate) fn of_version(version: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(fixtures().join("witness/cases.json")).unwrap();
    let mut cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    cases.retain(|case| case.versions.iter().any(|named| named == version));
    cases
}

impl Case {
    pub(crate) fn model_path(&self) -> PathBuf {
        fixtures().join("models").join(&self.model)
    }
}

/// The enumerator that Python spells so.
pub(crate) fn named<E: Enumeration>(name: &str) -> E {
    let row = E::ROWS.iter().find(|(_, spelled, _)| spelled.strip_prefix('k') == Some(name));
    row.unwrap_or_else(|| panic!("{} has no {name}", E::NAME)).0
}
