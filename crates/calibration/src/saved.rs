//! Statistics as a file, `calibration.stats`: everything that any method reads, and what it was made from.
//!
//! The table holds the ranges of one method; from this file those of any other are computed without running a sample,
//! the statistics of several machines are added up, and a tensor's histogram is looked at.
//! It knows no method: the same samples give the same bytes whatever method was asked for.
//! `docs/statistics.md` describes every byte; in short:
//!
//! ```text
//! "CALSTATS"  version u32  length of the rest u64  SHA-256 of the rest
//! manifest as JSON, number of samples, names of the first batch, number of tensors
//! of each tensor, by name: exponent, extremes, zeros, the counts of its bins, and TensorRT's own histogram if it was kept
//! ```
//!
//! A file is untrusted: every length is checked against what is left, every number against what a calibration can give,
//! and one tensor is taken apart at a time, so that a small file never asks for much memory.

mod bytes;
mod error;
mod merge;
mod record;

use std::path::Path;

use calibrant_files::{WriteError, write_atomic};
use calibrant_tensor::{Digest, digest};

pub use error::StatisticsError;
pub use merge::{MergeStatisticsError, MergedStatistics, Shard, merge_statistics};

use self::bytes::{Reader, put_bytes, put_number};
use crate::{Manifest, Statistics, TensorStatistics};

/// How a file begins.
const MAGIC: &[u8; 8] = b"CALSTATS";
/// Version of the layout; a reader refuses every other one.
const VERSION: u32 = 1;
/// Bytes before the part that the checksum covers.
const HEADER_BYTES: usize = 8 + 4 + 8 + 32;
/// Bytes that a file may have: 100,000 tensors in all their bins take less.
const LIMIT_BYTES: u64 = 2 << 30;

/// Statistics in the form in which they are kept, with what they were made from.
///
/// ```
/// # use calibrant_calibration::{BackendInfo, Manifest, Method, SavedStatistics, Statistics, Table};
/// # use calibrant_format::INT8;
/// # use calibrant_tensor::digest;
/// # let (sample_list, samples) = Manifest::list_digest(Vec::new());
/// # let backend = BackendInfo { name: "test".into(), version: "1".into(), notes: Vec::new() };
/// # let manifest = Manifest {
/// #     model: digest(b"model"), sample_list, samples, preprocessing: String::new(), method: (),
/// #     batch_size: None, backend, program: "test".into(),
/// # };
/// let mut statistics = Statistics { samples: 1, ..Statistics::default() };
/// statistics.observe("relu", &[0.0, 1.5, 6.0])?;
/// let saved = SavedStatistics::new(&statistics, manifest);
/// let again = SavedStatistics::from_bytes(saved.as_bytes().to_vec())?;
/// let table = Table::new(&again, "percentile:99.9".parse()?, &INT8)?;
/// assert_eq!(table.statistics(), saved.digest());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SavedStatistics {
    bytes: Vec<u8>,
    manifest: Manifest<()>,
    samples: u64,
    first_batch: Vec<String>,
    n_tensors: usize,
    /// Where the tensors begin.
    tensors_at: usize,
}

impl SavedStatistics {
    /// `statistics` in the form of the file.
    pub fn new(statistics: &Statistics, manifest: Manifest<()>) -> Self {
        let mut parts = Parts::new(statistics.samples, statistics.first_batch.clone(), manifest);
        statistics.tensors.iter().for_each(|(name, seen)| parts.push(name, seen));
        parts.into_saved()
    }

    /// Whether a file that begins with these bytes says that it holds statistics.
    pub fn is_start(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// When they are not those of statistics, were damaged, or hold what no calibration gives.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, StatisticsError> {
        let mut reader = Reader::new(&bytes);
        if reader.take(MAGIC.len()).ok() != Some(&MAGIC[..]) {
            return Err(StatisticsError::NotStatistics);
        }
        let found = u32::from_le_bytes(reader.array()?);
        if found != VERSION {
            return Err(StatisticsError::OtherVersion { found });
        }
        let (expected, found) = (u64::from_le_bytes(reader.array()?), reader.left() as u64);
        let sum: [u8; 32] = reader.array()?;
        if found.checked_sub(32) != Some(expected) {
            let whole = expected.saturating_add(HEADER_BYTES as u64);
            return Err(StatisticsError::Length { expected: whole, found: bytes.len() as u64 });
        }
        if digest(&bytes[HEADER_BYTES..]).to_bytes() != sum {
            return Err(StatisticsError::Damaged);
        }
        let manifest =
            serde_json::from_slice(reader.bytes()?).map_err(StatisticsError::Manifest)?;
        let samples = reader.number()?;
        let mut first_batch = Vec::new();
        for _ in 0..reader.length()? {
            first_batch.push(reader.text()?.to_owned());
        }
        let n_tensors = reader.length()?;
        let tensors_at = reader.position();
        let saved = Self { manifest, samples, first_batch, n_tensors, tensors_at, bytes };
        let mut tensors = saved.tensors();
        tensors.by_ref().try_for_each(|tensor| tensor.map(drop))?;
        tensors.reader.end()?;
        Ok(saved)
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is too large, or [`from_bytes`](Self::from_bytes) refuses it.
    pub fn read(path: &Path) -> Result<Self, StatisticsError> {
        let failed = |source| StatisticsError::Read { path: path.to_owned(), source };
        let bytes = calibrant_files::read(path, LIMIT_BYTES).map_err(failed)?;
        Self::from_bytes(bytes).map_err(|source| StatisticsError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Writes the file to `path`; it appears only when it is complete.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        write_atomic(path, &self.bytes)
    }

    /// The bytes of the file: the same statistics and manifest are always the same bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the file, by which a [`Table`](crate::Table) names the statistics that it was made from.
    pub fn digest(&self) -> Digest {
        digest(&self.bytes)
    }

    /// What the statistics were made from; no method is chosen yet.
    pub fn manifest(&self) -> &Manifest<()> {
        &self.manifest
    }

    /// Number of samples that were run.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Names of the samples that set the widths of TensorRT's own histograms; empty where none were kept.
    pub fn first_batch(&self) -> &[String] {
        &self.first_batch
    }

    /// Number of tensors.
    pub fn n_tensors(&self) -> usize {
        self.n_tensors
    }

    /// What was seen of every tensor, by name; each is taken out of the bytes when it is asked for.
    pub fn tensors(&self) -> Tensors<'_> {
        let reader = Reader::at(&self.bytes, self.tensors_at);
        Tensors { reader, left: self.n_tensors, last: None }
    }

    /// What was seen of the tensor called `name`, where there is one.
    ///
    /// # Errors
    ///
    /// As the items of [`tensors`](Self::tensors).
    pub fn tensor(&self, name: &str) -> Result<Option<TensorStatistics>, StatisticsError> {
        for tensor in self.tensors() {
            let (found, seen) = tensor?;
            if found == name {
                return Ok(Some(seen));
            }
        }
        Ok(None)
    }
}

impl PartialEq for SavedStatistics {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

/// The tensors of [`SavedStatistics`], in the order of their names; it ends after an error.
#[derive(Debug, Clone)]
pub struct Tensors<'a> {
    reader: Reader<'a>,
    left: usize,
    last: Option<&'a str>,
}

impl<'a> Iterator for Tensors<'a> {
    type Item = Result<(&'a str, TensorStatistics), StatisticsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let tensor = self.read();
        if tensor.is_err() {
            self.left = 0;
        }
        Some(tensor)
    }
}

impl<'a> Tensors<'a> {
    fn read(&mut self) -> Result<(&'a str, TensorStatistics), StatisticsError> {
        let at = self.reader.position();
        let name = self.reader.text()?;
        if self.last.is_some_and(|last| last >= name) {
            return Err(StatisticsError::Malformed { at, what: "the names are not in order" });
        }
        self.last = Some(name);
        Ok((name, record::read(&mut self.reader)?))
    }
}

/// A file that is being put together.
struct Parts {
    manifest: Manifest<()>,
    samples: u64,
    first_batch: Vec<String>,
    n_tensors: usize,
    tensors: Vec<u8>,
}

impl Parts {
    fn new(samples: u64, first_batch: Vec<String>, manifest: Manifest<()>) -> Self {
        Self { manifest, samples, first_batch, n_tensors: 0, tensors: Vec::new() }
    }

    /// Adds the next tensor in the order of the names.
    fn push(&mut self, name: &str, seen: &TensorStatistics) {
        put_bytes(&mut self.tensors, name.as_bytes());
        record::put(&mut self.tensors, seen);
        self.n_tensors += 1;
    }

    fn into_saved(self) -> SavedStatistics {
        let Self { manifest, samples, first_batch, n_tensors, tensors } = self;
        let json = serde_json::to_vec(&manifest).expect("strings and numbers always serialize");
        let mut rest = Vec::with_capacity(json.len() + tensors.len());
        put_bytes(&mut rest, &json);
        put_number(&mut rest, samples);
        put_number(&mut rest, first_batch.len() as u64);
        first_batch.iter().for_each(|name| put_bytes(&mut rest, name.as_bytes()));
        put_number(&mut rest, n_tensors as u64);
        let tensors_at = HEADER_BYTES + rest.len();
        rest.extend(tensors);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + rest.len());
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((rest.len() as u64).to_le_bytes());
        bytes.extend(digest(&rest).to_bytes());
        bytes.extend(rest);
        SavedStatistics { bytes, manifest, samples, first_batch, n_tensors, tensors_at }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use calibrant_format::INT8;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::{BackendInfo, Method, SampleDigest, Table, TableError};

    /// The values of one tensor in one sample, over the whole range of `f32`, and with outliers and zeros.
    pub(super) fn samples() -> impl Strategy<Value = Vec<Vec<f32>>> {
        let whole_range = proptest::num::f32::POSITIVE | proptest::num::f32::NEGATIVE;
        let value =
            prop_oneof![1 => whole_range, 8 => -8.0f32..8.0, 2 => Just(0.0), 1 => Just(-0.0)];
        vec(vec(value, 0..60), 1..8)
    }

    pub(super) fn manifest() -> Manifest<()> {
        let (sample_list, samples) = Manifest::list_digest(Vec::new());
        Manifest {
            model: digest(b"model"),
            sample_list,
            samples,
            preprocessing: "size = 224".to_owned(),
            method: (),
            batch_size: None,
            backend: BackendInfo {
                name: "test".to_owned(),
                version: "1".to_owned(),
                notes: Vec::new(),
            },
            program: "calibrant 0.1.0".to_owned(),
        }
    }

    /// A run over some of the samples; one tensor is in all, one only in those that have values above 4.
    pub(super) fn saved(samples: &[Vec<f32>], run: Range<usize>) -> SavedStatistics {
        let mut statistics = Statistics::default();
        let mut used = Vec::new();
        for idx in run {
            let values = &samples[idx];
            statistics.observe("conv: 0", values).unwrap();
            let large: Vec<f32> = values.iter().copied().filter(|value| *value > 4.0).collect();
            if !large.is_empty() {
                statistics.observe("a/large", &large).unwrap();
            }
            statistics.samples += 1;
            let sha256 = digest(format!("{idx} {values:?}").as_bytes());
            used.push(SampleDigest { name: format!("{idx}.png"), sha256 });
        }
        let (sample_list, samples) = Manifest::list_digest(used);
        SavedStatistics::new(&statistics, Manifest { sample_list, samples, ..manifest() })
    }

    fn small() -> SavedStatistics {
        saved(&[vec![0.0, 1.0, -2.5, 7.0], vec![0.5; 300]], 0..2)
    }

    /// The same bytes with another part behind the header, and a checksum of that.
    fn with_rest(saved: &SavedStatistics, rest: &[u8]) -> Vec<u8> {
        let mut bytes = saved.as_bytes()[..12].to_vec();
        bytes.extend((rest.len() as u64).to_le_bytes());
        bytes.extend(digest(rest).to_bytes());
        bytes.extend(rest);
        bytes
    }

    proptest! {
        #[test]
        fn statistics_come_back_to_the_bit(samples in samples(), first in proptest::option::of(0f32..9.0)) {
            let mut statistics = Statistics { samples: samples.len() as u64, ..Statistics::default() };
            for (idx, values) in samples.iter().enumerate() {
                let blank = first.map_or_else(TensorStatistics::new, TensorStatistics::after_first_batch);
                let seen = statistics.tensors.entry(format!("t{}", idx % 3)).or_insert(blank);
                seen.observe(values).unwrap();
            }
            statistics.first_batch = first.iter().map(ToString::to_string).collect();
            let saved = SavedStatistics::new(&statistics, manifest());
            let again = SavedStatistics::from_bytes(saved.as_bytes().to_vec()).unwrap();
            let read = Statistics {
                samples: again.samples(),
                tensors: again.tensors().map(|it| it.map(|(name, seen)| (name.to_owned(), seen))).collect::<Result<_, _>>().unwrap(),
                first_batch: again.first_batch().to_vec(),
            };
            prop_assert_eq!(&read, &statistics);
            prop_assert_eq!(again.manifest(), saved.manifest());
            let written = SavedStatistics::new(&read, manifest());
            prop_assert_eq!(written.as_bytes(), saved.as_bytes());
        }

        /// Behind a checksum that fits, so that the layout alone has to hold.
        #[test]
        fn other_bytes_are_read_or_refused(at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()) {
            let saved = small();
            let rest = &saved.as_bytes()[HEADER_BYTES..];
            let mut changed = rest.to_vec();
            changed[at.index(rest.len())] = byte;
            for rest in [&changed[..], &rest[..cut.index(rest.len())]] {
                if let Ok(read) = SavedStatistics::from_bytes(with_rest(&saved, rest)) {
                    let tensors = read.tensors().map(|it| it.map(|(name, seen)| (name.to_owned(), seen)));
                    let tensors = tensors.collect::<Result<_, _>>().unwrap();
                    let (samples, first_batch) = (read.samples(), read.first_batch().to_vec());
                    let statistics = Statistics { samples, tensors, first_batch };
                    let again = SavedStatistics::new(&statistics, read.manifest().clone());
                    prop_assert!(SavedStatistics::from_bytes(again.as_bytes().to_vec()).is_ok());
                }
            }
        }
    }

    #[test]
    fn any_percentile_comes_from_the_file() {
        let mut statistics = Statistics { samples: 1, ..Statistics::default() };
        let values: Vec<f32> = (0..10_000u16).map(|it| f32::from(it) / 10_000.0).collect();
        statistics.observe("x", &values).unwrap();
        let saved = SavedStatistics::new(&statistics, manifest());
        for (percentile, amax) in [("10", 0.1), ("50", 0.5), ("99.9", 0.999), ("100", 0.9999)] {
            let method: Method = format!("percentile:{percentile}").parse().unwrap();
            let found = Table::new(&saved, method, &INT8).unwrap().tensors()["x"].amax;
            assert!((found - amax).abs() < 1.0 / 4096.0, "{percentile}: {found}");
            assert_eq!(Some(found), statistics.tensors["x"].amax(method, &INT8));
        }
        let error = Table::new(&saved, Method::TensorrtFaithful, &INT8).unwrap_err();
        assert!(matches!(error, TableError::NotKept { .. }), "{error}");
    }

    #[test]
    fn damage_is_told_from_other_files_and_other_versions() {
        let good = small();
        let refused = |bytes: Vec<u8>| SavedStatistics::from_bytes(bytes).unwrap_err().to_string();
        let changed = |at: usize, byte: u8| {
            let mut bytes = good.as_bytes().to_vec();
            bytes[at] = byte;
            bytes
        };
        let n_bytes = good.as_bytes().len();
        assert_eq!(refused(changed(n_bytes - 1, 9)), "its checksum differs: it was damaged");
        assert_eq!(refused(changed(25, 9)), "its checksum differs: it was damaged");
        assert!(refused(changed(0, b'c')).starts_with("it does not begin with CALSTATS"));
        assert!(refused(changed(8, 2)).starts_with("its layout is version 2, and this"));
        let cut = refused(good.as_bytes()[..n_bytes - 1].to_vec());
        assert!(
            cut.starts_with(&format!("it has {} bytes and should have {n_bytes}", n_bytes - 1))
        );
        assert!(refused([good.as_bytes(), b"x"].concat()).contains("or something was added"));
        for n_bytes in 0..HEADER_BYTES {
            SavedStatistics::from_bytes(good.as_bytes()[..n_bytes].to_vec()).unwrap_err();
        }
    }

    #[test]
    fn what_no_values_give_is_refused() {
        let good = small();
        let rest = &good.as_bytes()[HEADER_BYTES..];
        let tensor = good.tensors_at - HEADER_BYTES;
        let name = tensor + 1 + "a/large".len();
        let refused = |at: usize, byte: u8| {
            let mut rest = rest.to_vec();
            rest[at] = byte;
            SavedStatistics::from_bytes(with_rest(&good, &rest)).unwrap_err().to_string()
        };
        assert!(refused(tensor - 1, 3).contains("it ends too early"), "three tensors");
        assert!(refused(tensor - 1, 1).contains("something follows the last tensor"));
        assert!(refused(tensor, 1).contains("byte"), "a name of one letter");
        assert!(refused(tensor + 1, b'x').contains("the names are not in order"));
        assert!(refused(name, 0).contains("no values give"), "another exponent");
        assert!(
            refused(name + 4, 0x7f).contains("no values give"),
            "the minimum above the maximum"
        );
        assert!(refused(name + 9, 1).contains("no values give"), "a zero above 4");
        assert!(refused(rest.len() - 1, 2).contains("neither 0 nor 1"), "histograms");
    }

    #[test]
    fn tensors_are_found_by_name_and_files_by_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.stats");
        let saved = small();
        saved.write(&path).unwrap();
        let read = SavedStatistics::read(&path).unwrap();
        assert!(read == saved && read.n_tensors() == 2 && read.samples() == 2);
        assert_eq!(read.tensor("conv: 0").unwrap().unwrap().count(), 304);
        assert!(read.tensor("conv").unwrap().is_none());
        assert!(SavedStatistics::is_start(saved.as_bytes()) && !SavedStatistics::is_start(b"{"));
        std::fs::write(&path, "TRT-8601-MinMaxCalibration\n").unwrap();
        let error = SavedStatistics::read(&path).unwrap_err();
        assert!(matches!(&error, StatisticsError::Parse { .. }), "{error}");
        let missing = SavedStatistics::read(&folder.path().join("no"));
        assert!(matches!(missing, Err(StatisticsError::Read { .. })));
    }
}
