//! What lies beside a calibration cache and says which model it belongs to.
//!
//! A cache itself says nothing of that.
//! What lies beside it counts only when it is of this very cache: a table that would write the same scales, or what
//! TensorRT's calibration was made from, which names the cache by its digest.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use calibrant_calibration::{Cache, CacheManifest, CacheManifestError, Table, TableError};
use calibrant_tensor::digest;

use crate::error::Error;
use crate::output::{CACHE_MANIFEST, TABLE};

/// What is known of the origin of a cache.
#[derive(Debug)]
pub enum Provenance {
    /// The table that it was written from.
    Table(Box<Table>),
    /// What TensorRT made it from.
    TensorRt(Box<CacheManifest>),
    /// Nothing.
    Unknown(Unknown),
}

/// Why nothing says which model a cache belongs to; displays as a sentence for the user.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown {
    file: PathBuf,
    /// Files that lie beside it and are of another cache.
    others: Vec<PathBuf>,
}

/// Looks beside the cache of these bytes at `file`.
///
/// # Errors
///
/// When something lies there that cannot be read: only what is not there says nothing.
pub fn beside(file: &Path, bytes: &[u8], cache: &Cache) -> Result<Provenance, Error> {
    let mut others = Vec::new();
    let manifest = file.with_file_name(CACHE_MANIFEST);
    match read_manifest(&manifest).map_err(|source| unreadable(file, &manifest, source))? {
        Some(found) if found.cache == digest(bytes) => {
            return Ok(Provenance::TensorRt(Box::new(found)));
        }
        Some(_) => others.push(manifest),
        None => {}
    }
    let table = file.with_file_name(TABLE);
    match read_table(&table).map_err(|source| unreadable(file, &table, source))? {
        Some(found) if writes(&found, cache) => return Ok(Provenance::Table(Box::new(found))),
        Some(_) => others.push(table),
        None => {}
    }
    Ok(Provenance::Unknown(Unknown { file: file.to_owned(), others }))
}

fn unreadable(
    file: &Path,
    beside: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Beside { file: file.to_owned(), beside: beside.to_owned(), source: source.into() }
}

fn read_manifest(file: &Path) -> Result<Option<CacheManifest>, CacheManifestError> {
    match CacheManifest::read(file) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_table(file: &Path) -> Result<Option<Table>, TableError> {
    match Table::read(file) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether the table would write the scales of the cache, under whatever header and in whatever order.
fn writes(table: &Table, cache: &Cache) -> bool {
    let bits = |cache: &Cache| -> BTreeMap<String, u32> {
        cache.entries().iter().map(|(name, scale)| (name.clone(), scale.to_bits())).collect()
    };
    Cache::from_table(table, cache.version()).is_ok_and(|written| bits(&written) == bits(cache))
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        if self.others.is_empty() {
            write!(f, "`{file}` has no {TABLE} beside it, so nothing")?;
        } else {
            let others = self.others.iter().map(|other| format!("`{}`", other.display()));
            let others = others.collect::<Vec<_>>().join(" and ");
            let is = if self.others.len() == 1 { "is" } else { "are" };
            write!(f, "{others} {is} of another cache than `{file}`, so nothing")?;
        }
        f.write_str(" says which model it belongs to; only the tensor names were checked")
    }
}
