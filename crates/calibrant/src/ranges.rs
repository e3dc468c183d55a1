//! Ranges of an earlier calibration: read, checked, and put into the words asked for now.

use std::collections::BTreeMap;
use std::path::Path;

use calibrant_calibration::{Algorithm, Cache, Difference, Manifest, Method, Stale, Table};
use calibrant_dataset::Digest;
use calibrant_files::TEXT_LIMIT_BYTES;

use crate::error::{Error, UsageError};
use crate::provenance::{self, Provenance};
use crate::report::CalibrationReport;

/// Ranges, however they were found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) report: CalibrationReport,
    /// The largest magnitude kept, by tensor.
    pub(crate) amax: BTreeMap<String, f32>,
    /// Minimum and maximum over all samples, by tensor; a cache has none.
    pub(crate) bounds: Option<BTreeMap<String, (f32, f32)>>,
    /// The scale of each tensor; that of a cache is kept bit for bit, which its amax cannot promise.
    pub(crate) scales: BTreeMap<String, f32>,
    /// The calibrator that a cache of them is said to be of.
    pub(crate) algorithm: Algorithm,
}

/// Ranges read from a file.
#[derive(Debug)]
pub(crate) struct Reused {
    /// The largest magnitude kept, by tensor.
    pub(crate) ranges: BTreeMap<String, f32>,
    /// How they were chosen, where that is known.
    pub(crate) method: Option<Method>,
    /// The table, if the file is one or was written from the one beside it.
    pub(crate) table: Option<Table>,
    /// What TensorRT is told.
    pub(crate) cache: Cache,
    /// What TensorRT made the cache from, if it did.
    pub(crate) manifest: Option<Manifest<Algorithm>>,
    /// What a user should know.
    pub(crate) notes: Vec<String>,
}

/// Reads a calibration table or a TensorRT calibration cache for the model of this digest.
///
/// # Errors
///
/// When the file is neither, was made from another model, or what says so cannot be read.
pub(crate) fn reuse(
    file: &Path,
    method: Option<Method>,
    model: Digest,
    version: u32,
) -> Result<Reused, Error> {
    let bytes = calibrant_files::read(file, TEXT_LIMIT_BYTES)
        .map_err(|source| Error::Read { path: file.to_owned(), source })?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        from_table(file, method, model, version)
    } else {
        from_cache(file, &bytes, method, model, version)
    }
}

fn from_table(
    file: &Path,
    method: Option<Method>,
    model: Digest,
    version: u32,
) -> Result<Reused, Error> {
    let table = Table::read(file)?;
    check_model(file, table.manifest().model, model)?;
    let method = method.unwrap_or(table.method());
    let table = table.with_method(method)?;
    Ok(Reused {
        ranges: table.ranges(),
        method: Some(method),
        cache: Cache::from_table(&table, version)?,
        table: Some(table),
        manifest: None,
        notes: Vec::new(),
    })
}

fn from_cache(
    file: &Path,
    bytes: &[u8],
    method: Option<Method>,
    model: Digest,
    version: u32,
) -> Result<Reused, Error> {
    if method.is_some() {
        return Err(UsageError::MethodOfCache(file.to_owned()).into());
    }
    let cache = Cache::read(file)?;
    let (mut table, mut manifest, mut notes) = (None, None, Vec::new());
    match provenance::beside(file, bytes, &cache)? {
        Provenance::Table(found) => {
            check_model(file, found.manifest().model, model)?;
            table = Some(*found);
        }
        Provenance::TensorRt(found) => {
            check_model(file, found.manifest.model, model)?;
            manifest = Some(found.manifest);
        }
        Provenance::Unknown(unknown) => notes.push(unknown.to_string()),
    }
    for suspicion in cache.suspicions() {
        notes.push(format!("`{}`: {suspicion}", file.display()));
    }
    let ranges =
        cache.ranges().into_iter().filter(|(_, amax)| amax.is_finite() && *amax >= 0.0).collect();
    let cache = Cache::new(version, cache.algorithm(), cache.entries().to_vec())?;
    Ok(Reused { ranges, method: table.as_ref().map(Table::method), table, cache, manifest, notes })
}

fn check_model(file: &Path, was: Digest, is: Digest) -> Result<(), Error> {
    if was == is {
        return Ok(());
    }
    let source = Stale { differences: vec![Difference::Model { was, is }] };
    Err(Error::Stale { file: file.to_owned(), source })
}
