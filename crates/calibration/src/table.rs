//! The calibration table: the range of every tensor by one method, as a JSON file.
//!
//! What the ranges were found from lies in [`SavedStatistics`] beside it, which the table names by their digest.

mod entry;
mod error;

use std::collections::BTreeMap;
use std::path::Path;

use calibrant_files::{WriteError, write_atomic};
use calibrant_format::{Format, INT8, Ranges};
use calibrant_tensor::Digest;
use serde::{Deserialize, Serialize};

pub use entry::{Entry, FirstBatch};
pub use error::TableError;

use crate::cache::suspicion;
use crate::{Histograms, Manifest, Method, SavedStatistics, Suspicion};

/// Version of the file's layout; a reader refuses every other one.
pub const SCHEMA_VERSION: u32 = 2;

/// The ranges of a network's float tensors by one method, and what they were made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    schema_version: u32,
    samples: u64,
    statistics: Digest,
    manifest: Manifest,
    #[serde(default, skip_serializing_if = "TableFormat::is_int8")]
    format: TableFormat,
    /// Nothing but the amaxes of [`Method::TensorrtFaithful`] depends on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    first_batch: Vec<String>,
    tensors: BTreeMap<String, Entry>,
}

/// The format that a table's ranges were chosen for; int8 where a table does not say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFormat {
    /// [`Format::name`].
    name: String,
    /// The largest magnitude of its grid.
    largest: f32,
}

impl TableFormat {
    fn of(format: &Format) -> Self {
        Self { name: format.name.to_owned(), largest: format.grid.largest() }
    }

    fn is_int8(&self) -> bool {
        *self == Self::of(&INT8)
    }
}

impl Default for TableFormat {
    fn default() -> Self {
        Self::of(&INT8)
    }
}

impl Table {
    /// The table of `statistics` by `method`, for tensors that are quantized to `format`.
    ///
    /// # Errors
    ///
    /// When no samples were run, the method reads a histogram that was not kept, or it knows nothing of the format.
    pub fn new(
        statistics: &SavedStatistics,
        method: Method,
        format: &Format,
    ) -> Result<Self, TableError> {
        if statistics.samples() == 0 {
            return Err(TableError::NoSamples);
        }
        if method == Method::TensorrtFaithful && *format != INT8 {
            return Err(TableError::Int8Alone { method, format: format.name });
        }
        let entries = statistics.tensors().map(|tensor| {
            let (name, seen) = tensor?;
            let not_kept = || TableError::NotKept { method, tensor: name.to_owned() };
            Ok((name.to_owned(), Entry::new(&seen, method, format).ok_or_else(not_kept)?))
        });
        let tensors = entries.collect::<Result<_, TableError>>()?;
        let first_batch = match method.histograms() {
            Histograms::AndFaithful => statistics.first_batch().to_vec(),
            Histograms::Invariant => Vec::new(),
        };
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            samples: statistics.samples(),
            statistics: statistics.digest(),
            manifest: statistics.manifest().clone().with_method(method),
            format: TableFormat::of(format),
            first_batch,
            tensors,
        })
    }

    /// How amax was chosen.
    pub fn method(&self) -> Method {
        self.manifest.method
    }

    /// SHA-256 of the [`SavedStatistics`] that the ranges were found from, from which those of other methods are.
    pub fn statistics(&self) -> Digest {
        self.statistics
    }

    /// Number of samples that were run.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// What the table was made from.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Names of the samples in the first batch, where [`Method::TensorrtFaithful`], which depends on them, was calibrated for.
    pub fn first_batch(&self) -> &[String] {
        &self.first_batch
    }

    /// What is known of every float tensor, by its name in the original graph.
    pub fn tensors(&self) -> &BTreeMap<String, Entry> {
        &self.tensors
    }

    /// The range of every tensor.
    pub fn ranges(&self) -> Ranges {
        self.tensors.iter().map(|(name, entry)| (name.clone(), entry.range())).collect()
    }

    /// The [name](Format::name) of the format that the ranges were chosen for.
    pub fn format(&self) -> &str {
        &self.format.name
    }

    /// The largest magnitude of that format.
    pub fn largest(&self) -> f32 {
        self.format.largest
    }

    /// The entries whose range is not to be trusted, by name.
    pub fn suspicions(&self) -> impl Iterator<Item = Suspicion<'_>> {
        suspicion::of_table(self)
    }

    /// The same ranges for another format.
    ///
    /// # Errors
    ///
    /// When the method would choose others for it: then a table has to be made of the statistics.
    pub fn in_format(mut self, format: &Format) -> Result<Self, TableError> {
        let wanted = TableFormat::of(format);
        if self.format == wanted {
            return Ok(self);
        }
        let method = self.method();
        if method.depends_on_format() {
            let (was, wanted) = (self.format.name, format.name);
            return Err(TableError::OtherFormat { method, was, wanted });
        }
        for entry in self.tensors.values_mut() {
            entry.scale = format.scale(entry.range());
        }
        Ok(Self { format: wanted, ..self })
    }

    /// Minimum and maximum of every tensor over all samples.
    pub fn bounds(&self) -> BTreeMap<String, (f32, f32)> {
        let bounds = |entry: &Entry| (entry.minimum, entry.maximum);
        self.tensors.iter().map(|(name, entry)| (name.clone(), bounds(entry))).collect()
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
    /// When the text is no table, is of another schema version, or holds a number that no calibration gives.
    pub fn from_json(json: &str) -> Result<Self, TableError> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let Version { schema_version } = serde_json::from_str(json)?;
        if schema_version > SCHEMA_VERSION {
            return Err(TableError::Newer { found: schema_version });
        }
        if schema_version < SCHEMA_VERSION {
            return Err(TableError::Older { found: schema_version });
        }
        let table: Self = serde_json::from_str(json)?;
        let TableFormat { largest, .. } = table.format;
        if !(largest.is_finite() && largest > 0.0) {
            return Err(TableError::Format { name: table.format.name, largest });
        }
        for (name, entry) in &table.tensors {
            entry.check(name, largest)?;
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
        let json = calibrant_files::read_text(path)
            .map_err(|source| TableError::Read { path: path.to_owned(), source })?;
        Self::from_json(&json)
            .map_err(|source| TableError::Parse { path: path.to_owned(), source: Box::new(source) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use calibrant_tensor::digest;
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;
    use crate::{BackendInfo, Statistics, TensorStatistics};

    fn saved(statistics: &Statistics) -> SavedStatistics {
        let (sample_list, samples) = Manifest::list_digest(Vec::new());
        let manifest = Manifest {
            model: digest(b"model"),
            sample_list,
            samples,
            preprocessing: "size = 224".to_owned(),
            method: (),
            batch_size: None,
            backend: BackendInfo {
                name: "scripted".to_owned(),
                version: "1".to_owned(),
                notes: Vec::new(),
            },
            program: "calibrant 0.1.0".to_owned(),
        };
        SavedStatistics::new(statistics, manifest)
    }

    fn table(statistics: &Statistics) -> Table {
        Table::new(&saved(statistics), Method::Mse, &INT8).unwrap()
    }

    fn statistics(tensors: &[(&str, &[f32])]) -> Statistics {
        let mut statistics = Statistics { samples: 1, ..Statistics::default() };
        for (name, values) in tensors {
            statistics.observe(name, values).unwrap();
        }
        statistics
    }

    #[test]
    fn the_file_is_what_it_was() {
        let table = table(&statistics(&[
            ("relu", &[0.0, 0.1, 6.0, 0.0]),
            ("dead", &[0.0]),
            ("a", &[-1.5, 0.25]),
        ]));
        let file = expect![[r#"
            {
              "schema_version": 2,
              "samples": 1,
              "statistics": "446125e4bd93c1aaeb43ddeb1aaa9302ec10e6116e4d7715617156d25b128fcb",
              "manifest": {
                "model": "9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4",
                "sample_list": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "samples": [],
                "preprocessing": "size = 224",
                "method": "mse",
                "backend": {
                  "name": "scripted",
                  "version": "1",
                  "notes": []
                },
                "program": "calibrant 0.1.0"
              },
              "tensors": {
                "a": {
                  "amax": 1.5,
                  "scale": 0.011811024,
                  "count": 2,
                  "minimum": -1.5,
                  "maximum": 0.25,
                  "zeros": 0
                },
                "dead": {
                  "amax": 0.0,
                  "scale": 0.007874016,
                  "count": 1,
                  "minimum": 0.0,
                  "maximum": 0.0,
                  "zeros": 1
                },
                "relu": {
                  "amax": 6.0,
                  "scale": 0.047244094,
                  "count": 4,
                  "minimum": 0.0,
                  "maximum": 6.0,
                  "zeros": 2
                }
              }
            }
        "#]];
        file.assert_eq(&table.to_json());
        assert_eq!(Table::from_json(file.data()).unwrap(), table);
    }

    fn small_json() -> &'static str {
        static JSON: LazyLock<String> =
            LazyLock::new(|| table(&statistics(&[("x", &[1.0, -2.0])])).to_json());
        &JSON
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_float_comes_back_to_the_bit(bits in prop::collection::vec(any::<u32>(), 1..20)) {
            let values: Vec<f32> = bits.into_iter().map(f32::from_bits).filter(|value| value.is_finite()).collect();
            let table = table(&statistics(&[("x", &values)]));
            let json = table.to_json();
            let again = Table::from_json(&json).unwrap();
            prop_assert_eq!(&again, &table);
            prop_assert_eq!(again.to_json(), json);
        }
    }

    proptest! {
        #[test]
        fn damaged_tables_are_refused_without_a_panic(position in any::<prop::sample::Index>(), other in any::<char>()) {
            let mut json: Vec<char> = small_json().chars().collect();
            let position = position.index(json.len());
            json[position] = other;
            if let Ok(read) = Table::from_json(&String::from_iter(json)) {
                prop_assert_eq!(Table::from_json(&read.to_json()).unwrap(), read);
            }
        }
    }

    #[test]
    fn what_no_calibration_gives_is_refused_by_name() {
        let good = small_json();
        assert!(Table::from_json(good).is_ok());
        for (from, to, message) in [
            (
                "\"scale\": 0.015724963",
                "\"scale\": -1.0",
                "tensor `x`: scale is -1, but it must be amax divided by the format's largest",
            ),
            ("\"scale\": 0.015724963", "\"scale\": null", "invalid type: null, expected f32"),
            ("\"scale\": 0.015724963,", "", "missing field `scale`"),
            (
                "\"amax\": 1.9970703",
                "\"amax\": -2.0",
                "tensor `x`: amax is -2, but it must be finite and at least 0",
            ),
            (
                "\"maximum\": 1.0",
                "\"maximum\": -3.0",
                "tensor `x`: maximum is -3, but it must be finite and at least",
            ),
            ("\"mse\"", "\"median\"", "unknown method `median`"),
            (
                "\"zeros\": 0",
                "\"zeros\": 3",
                "tensor `x`: zeros is 3, but it must be at most the count",
            ),
            ("\"minimum\": -2.0", "\"minimum\": -1e39", "number out of range"),
            ("\"count\": 2", "\"count\": -2", "invalid value: integer `-2`, expected u64"),
            ("\"zeros\"", "\"zeroes\"", "unknown field `zeroes`"),
            ("\"schema_version\": 2", "\"schema_version\": 3", "schema version 3 is newer than 2"),
            ("\"schema_version\": 2", "\"schema_version\": 1", "schema version 1 is older than 2"),
            ("\"schema_version\": 2,", "", "missing field `schema_version`"),
        ] {
            assert!(good.contains(from), "{from} in {good}");
            let error = Table::from_json(&good.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn a_newer_table_is_refused_for_its_version_whatever_else_is_in_it() {
        let error = Table::from_json(r#"{"schema_version": 7, "colour": "blue"}"#).unwrap_err();
        assert!(matches!(error, TableError::Newer { found: 7 }));
    }

    #[test]
    fn every_method_reads_the_same_statistics() {
        let statistics = statistics(&[("x", &[0.1, 0.2, 0.3, 9.0])]);
        let half = "percentile:50".parse().unwrap();
        for method in Method::USUAL.into_iter().chain([half]) {
            let table = Table::new(&saved(&statistics), method, &INT8).unwrap();
            assert_eq!(
                Some(table.tensors()["x"].amax),
                statistics.tensors["x"].amax(method, &INT8)
            );
            assert_eq!((table.method(), table.manifest().method), (method, method));
            assert_eq!(table.statistics(), saved(&statistics).digest());
            assert_eq!(Table::from_json(&table.to_json()).unwrap(), table);
        }
    }

    #[test]
    fn what_depends_on_the_first_batch_is_told() {
        let mut seen = Statistics { samples: 3, ..Statistics::default() };
        seen.first_batch = vec!["b.jpg".to_owned(), "a.jpg".to_owned()];
        let mut tensor = TensorStatistics::after_first_batch(1.0);
        tensor.observe(&[0.5, 1.0]).unwrap();
        tensor.observe(&[1.5]).unwrap();
        seen.tensors.insert("x".to_owned(), tensor);
        let faithful = Method::TensorrtFaithful;
        let made = Table::new(&saved(&seen), faithful, &INT8).unwrap();
        assert_eq!(made.first_batch(), ["b.jpg", "a.jpg"]);
        let first = made.tensors()["x"].first_batch.unwrap();
        assert_eq!((first.magnitude, first.doublings), (1.0, 1));
        assert_eq!(made.tensors()["x"].amax, (first.bins as f32 + 0.5) / 1024.0);
        assert_eq!(Table::from_json(&made.to_json()).unwrap(), made);

        assert!(table(&seen).first_batch().is_empty(), "not asked for, not told");

        seen.tensors.insert("y".to_owned(), TensorStatistics::new());
        let error = Table::new(&saved(&seen), faithful, &INT8).unwrap_err().to_string();
        assert!(
            error
                .starts_with("tensorrt-faithful reads a histogram that was not kept of tensor `y`"),
            "{error}"
        );
        let broken = made.to_json().replacen("\"magnitude\": 1.0", "\"magnitude\": 0.0", 1);
        let error = Table::from_json(&broken).unwrap_err().to_string();
        assert!(error.starts_with("tensor `x`: first batch's magnitude is 0"), "{error}");
    }

    #[test]
    fn no_samples_make_no_table() {
        let none = saved(&Statistics::default());
        assert!(matches!(Table::new(&none, Method::MinMax, &INT8), Err(TableError::NoSamples)));
    }

    #[test]
    fn files_are_written_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.json");
        let table = table(&statistics(&[("x", &[1.0])]));
        table.write(&path).unwrap();
        assert_eq!(Table::read(&path).unwrap(), table);
        std::fs::write(&path, "{").unwrap();
        let error = Table::read(&path).unwrap_err();
        assert!(
            error.to_string().ends_with("calibration.json` is no calibration table"),
            "{error}"
        );
        assert!(matches!(Table::read(&folder.path().join("no")), Err(TableError::Read { .. })));
    }
}
