//! Ranges of an earlier calibration: read, checked, and put into the words asked for now.

use std::collections::BTreeMap;
use std::path::Path;

use calibrant_calibration::{
    Algorithm, Cache, Difference, Manifest, Method, SavedStatistics, Stale, Table,
};
use calibrant_format::{Format, INT8, Ranges};
use calibrant_tensor::Digest;

use crate::error::{ConfigError, Error};
use crate::findings::Remark;
use crate::given::{self, CacheFile, Given};
use crate::provenance::{self, Provenance};
use crate::report::CalibrationReport;

/// Ranges, however they were found.
#[derive(Debug)]
pub(crate) struct Obtained {
    pub(crate) report: CalibrationReport,
    pub(crate) ranges: Ranges,
    /// Minimum and maximum over all samples, by tensor; a cache has none.
    pub(crate) bounds: Option<BTreeMap<String, (f32, f32)>>,
    /// The calibrator that a cache of them is said to be of.
    pub(crate) algorithm: Algorithm,
    /// What is to be said against them.
    pub(crate) remarks: Vec<Remark>,
}

/// Ranges read from a file.
#[derive(Debug)]
pub struct Reused {
    /// The ranges themselves.
    pub ranges: Ranges,
    /// How they were chosen, where that is known.
    pub method: Option<Method>,
    /// The table, if the file is or gives one, or was written from the one beside it.
    pub table: Option<Box<Table>>,
    /// What that was computed from, if it is there.
    pub statistics: Option<Box<SavedStatistics>>,
    /// Whether what lies beside the file was looked at, too; statistics say all by themselves.
    pub looked_beside: bool,
    /// What TensorRT is told; of int8 alone.
    pub cache: Option<Cache>,
    /// What TensorRT made the cache from, if it did.
    pub manifest: Option<Manifest<Algorithm>>,
    /// What a user should know.
    pub notes: Vec<String>,
}

/// Reads calibration statistics, a calibration table or a TensorRT calibration cache for the model of this digest, which is
/// to be quantized to `format`.
///
/// # Errors
///
/// When the file is none of them, was made from another model, has no ranges for the format, or what says so cannot be
/// read.
pub fn reuse(
    file: &Path,
    method: Option<Method>,
    format: &Format,
    model: Digest,
    version: u32,
) -> Result<Reused, Error> {
    match given::read(file, method, Some(format))? {
        Given::Table(given) => {
            check_model(file, given.table.manifest().model, model)?;
            let cache = (*format == INT8).then(|| Cache::from_table(&given.table, version));
            let cache = cache.transpose()?;
            let mut reused = Reused::of_table(given.table, cache);
            match given.statistics {
                Some(statistics) => {
                    reused.looked_beside = given.kind != given::STATISTICS_KIND;
                    reused.statistics = Some(statistics);
                }
                None => reused.take_statistics_from(file),
            }
            Ok(reused)
        }
        Given::Cache(given) if *format == INT8 => from_cache(file, &given, model, version),
        Given::Cache(_) => {
            let (file, format) = (file.to_owned(), format.name);
            Err(ConfigError::CacheOfInt8 { file, format }.into())
        }
    }
}

fn from_cache(
    file: &Path,
    given: &CacheFile,
    model: Digest,
    version: u32,
) -> Result<Reused, Error> {
    let cache = given.cache(file)?;
    let written = Cache::new(version, cache.algorithm(), cache.entries().to_vec())?;
    Ok(match provenance::beside(file, &given.bytes, &cache)? {
        Provenance::Table(table) => {
            check_model(file, table.manifest().model, model)?;
            let mut reused = Reused::of_table(table, Some(written));
            reused.take_statistics_from(file);
            reused
        }
        Provenance::TensorRt(found) => {
            check_model(file, found.manifest.model, model)?;
            Reused { manifest: Some(found.manifest), ..Reused::of_cache(written) }
        }
        Provenance::Unknown(unknown) => {
            Reused { notes: vec![unknown.to_string()], ..Reused::of_cache(written) }
        }
    })
}

impl Reused {
    fn of_table(table: Box<Table>, cache: Option<Cache>) -> Self {
        let (ranges, method) = (table.ranges(), Some(table.method()));
        Self { method, table: Some(table), cache, ..Self::of(ranges) }
    }

    fn of_cache(cache: Cache) -> Self {
        Self { cache: Some(cache.clone()), ..Self::of(cache.ranges()) }
    }

    fn of(ranges: Ranges) -> Self {
        Self {
            ranges,
            method: None,
            table: None,
            statistics: None,
            looked_beside: true,
            cache: None,
            manifest: None,
            notes: Vec::new(),
        }
    }

    /// Takes along the statistics beside `file`, from which the table was made; nothing but later methods needs them.
    fn take_statistics_from(&mut self, file: &Path) {
        let beside = self.table.as_deref().map(|table| given::statistics_beside(file, table));
        match beside.transpose() {
            Ok(found) => self.statistics = found.flatten(),
            Err(error) => self.notes.push(format!("{error}; the ranges need no statistics")),
        }
    }
}

fn check_model(file: &Path, was: Digest, is: Digest) -> Result<(), Error> {
    if was == is {
        return Ok(());
    }
    let source = Stale { differences: vec![Difference::Model { was, is }] };
    Err(Error::Stale { file: file.to_owned(), source })
}
