//! The calibration table: what was found for every tensor, as a JSON file.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Manifest, Method, Statistics, TensorStatistics, WriteError, write_atomic};

/// Version of the file's layout; a reader refuses a newer one.
pub const SCHEMA_VERSION: u32 = 1;

/// The ranges of a network's float tensors with the statistics behind them, and what they were made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    schema_version: u32,
    method: Method,
    samples: u64,
    manifest: Manifest,
    tensors: BTreeMap<String, Entry>,
}

/// What is known of one tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The largest magnitude kept by the table's method; 0 for a tensor that was only ever 0.
    pub amax: f32,
    /// [`scale_of`] that amax, always above 0.
    pub scale: f32,
    /// Number of values seen.
    pub count: u64,
    /// Smallest value seen.
    pub minimum: f32,
    /// Largest value seen.
    pub maximum: f32,
    /// Number of values that were 0.
    pub zeros: u64,
    /// The histogram's e: its range was [0, 2^e).
    pub exponent: i32,
    /// The amax of each of [`Method::RECORDED`], and of the table's method.
    pub amax_by_method: BTreeMap<Method, f32>,
}

/// Why a table cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// There is nothing to make a table from.
    #[error("no samples were run, so there are no ranges")]
    NoSamples,
    /// The file cannot be read.
    #[error("cannot read the calibration table `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("`{}` is no calibration table", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<TableError>,
    },
    /// The text is not JSON, or a field is missing, unknown or of another type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A newer program wrote it.
    #[error(
        "schema version {found} is newer than {SCHEMA_VERSION}, the newest that this program reads; use a newer program"
    )]
    Newer {
        /// The version in the text.
        found: u32,
    },
    /// A number cannot be what it is said to be.
    #[error("tensor `{tensor}`: {field} is {value}, but it must be {must}")]
    Value {
        /// The tensor's name.
        tensor: String,
        /// The field.
        field: &'static str,
        /// What stands there.
        value: f64,
        /// What may stand there.
        must: &'static str,
    },
}

/// The scale of a tensor whose magnitudes up to `amax` are kept: `amax / 127`, and always positive.
///
/// Scale 0 makes TensorRT's builder fail, so a tensor that was only ever 0 gets 1/127, as if its amax were 1: exact for
/// 0, and neither its value nor its reciprocal leaves the range of `f16`.
/// An amax so small that the scale would be subnormal gets the smallest normal `f32`, whose reciprocal is finite.
#[doc(alias = "setDynamicRange")]
pub fn scale_of(amax: f32) -> f32 {
    if amax == 0.0 { 1.0 / 127.0 } else { (amax / 127.0).max(f32::MIN_POSITIVE) }
}

impl Table {
    /// The table of `statistics` by the manifest's method.
    ///
    /// # Errors
    ///
    /// When no samples were run.
    pub fn new(statistics: &Statistics, manifest: Manifest) -> Result<Self, TableError> {
        if statistics.samples == 0 {
            return Err(TableError::NoSamples);
        }
        let method = manifest.method;
        let entries = statistics.tensors.iter();
        let tensors = entries
            .map(|(name, statistics)| (name.clone(), Entry::new(statistics, method)))
            .collect();
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            method,
            samples: statistics.samples,
            manifest,
            tensors,
        })
    }

    /// How amax was chosen.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Number of samples that were run.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// What the table was made from.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What is known of every float tensor, by its name in the original graph.
    pub fn tensors(&self) -> &BTreeMap<String, Entry> {
        &self.tensors
    }

    /// The amax of every tensor.
    pub fn ranges(&self) -> BTreeMap<String, f32> {
        self.tensors.iter().map(|(name, entry)| (name.clone(), entry.amax)).collect()
    }

    /// The table as JSON, with a newline at the end: the same table is always the same bytes.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self)
            .expect("string keys and finite numbers always serialize");
        json.push('\n');
        json
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// When the text is no table, is of a newer schema version, or holds a number that no calibration gives.
    pub fn from_json(json: &str) -> Result<Self, TableError> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let Version { schema_version } = serde_json::from_str(json)?;
        if schema_version > SCHEMA_VERSION {
            return Err(TableError::Newer { found: schema_version });
        }
        let table: Self = serde_json::from_str(json)?;
        for (name, entry) in &table.tensors {
            entry.check(name)?;
        }
        Ok(table)
    }

    /// Writes the table to `path`; the file appears only when it is complete.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        write_atomic(path, self.to_json().as_bytes())
    }

    /// Reads the table at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or [`from_json`](Self::from_json) refuses it.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let json = std::fs::read_to_string(path)
            .map_err(|source| TableError::Read { path: path.to_owned(), source })?;
        Self::from_json(&json)
            .map_err(|source| TableError::Parse { path: path.to_owned(), source: Box::new(source) })
    }
}

impl Entry {
    fn new(statistics: &TensorStatistics, method: Method) -> Self {
        let methods = Method::RECORDED.into_iter().chain([method]);
        let amax_by_method: BTreeMap<_, _> =
            methods.map(|method| (method, statistics.amax(method))).collect();
        let amax = amax_by_method[&method];
        Self {
            amax,
            scale: scale_of(amax),
            count: statistics.count(),
            minimum: statistics.minimum(),
            maximum: statistics.maximum(),
            zeros: statistics.zeros(),
            exponent: statistics.histogram().exponent(),
            amax_by_method,
        }
    }

    fn check(&self, tensor: &str) -> Result<(), TableError> {
        let wrong = |field, value: f32, must| {
            Err(TableError::Value {
                tensor: tensor.to_owned(),
                field,
                value: f64::from(value),
                must,
            })
        };
        let amaxes = self.amax_by_method.values().chain([&self.amax]);
        if let Some(&amax) = amaxes.into_iter().find(|amax| !(amax.is_finite() && **amax >= 0.0)) {
            return wrong("amax", amax, "finite and at least 0");
        }
        if !(self.scale.is_finite() && self.scale > 0.0) {
            return wrong("scale", self.scale, "finite and above 0");
        }
        if !self.minimum.is_finite() {
            return wrong("minimum", self.minimum, "finite");
        }
        if !(self.maximum.is_finite() && self.maximum >= self.minimum) {
            return wrong("maximum", self.maximum, "finite and at least the minimum");
        }
        Ok(())
    }
}
