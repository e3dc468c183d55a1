//! A calibration cache or a calibration table, whichever a file is.

use std::path::Path;

use calibrant_calibration::{Algorithm, Cache, CacheError, Method, Reading, Table};
use calibrant_files::TEXT_LIMIT_BYTES;

use crate::cli::cache::args::HeaderArgs;
use crate::config::DEFAULT_CACHE_VERSION;
use crate::error::{Error, UsageError};

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Given {
    /// A calibration table.
    Table(Box<Table>),
    /// A calibration cache, as far as it can be read.
    Cache(Reading),
}

/// Reads the file at `path`; of a table the ranges of `method` count, where one is named.
///
/// # Errors
///
/// When it cannot be read, or is a table and damaged; a cache never is, here.
pub(crate) fn read(path: &Path, method: Option<Method>) -> Result<Given, Error> {
    let bytes = calibrant_files::read(path, TEXT_LIMIT_BYTES)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        let table = Table::read(path)?;
        let table = match method {
            Some(method) => table.with_method(method)?,
            None => table,
        };
        return Ok(Given::Table(Box::new(table)));
    }
    if method.is_some() {
        return Err(UsageError::MethodOfCache(path.to_owned()).into());
    }
    Ok(Given::Cache(Reading::read(path)?))
}

/// Reads the file at `path` as a sound cache.
///
/// # Errors
///
/// As [`read`], and when anything is wrong with the cache.
pub(crate) fn read_cache(path: &Path, method: Option<Method>) -> Result<Cache, Error> {
    read(path, method)?.into_cache(path)
}

impl Given {
    /// The cache that it is, or that the table makes.
    ///
    /// # Errors
    ///
    /// When anything is wrong with the cache.
    pub(crate) fn into_cache(self, path: &Path) -> Result<Cache, Error> {
        match self {
            Self::Table(table) => Ok(Cache::from_table(&table, DEFAULT_CACHE_VERSION)?),
            Self::Cache(reading) => {
                let broken = |source| CacheError::Parse { path: path.to_owned(), source };
                Ok(reading.into_cache().map_err(broken)?)
            }
        }
    }

    /// The cache under the header that the flags say; only where they leave something open it must have one.
    ///
    /// # Errors
    ///
    /// When anything else is wrong with the cache.
    pub(crate) fn into_cache_for(self, path: &Path, header: &HeaderArgs) -> Result<Cache, Error> {
        let (version, algorithm) = (header.tensorrt_version, header.algorithm);
        match self {
            Self::Cache(reading) => {
                let stated = reading.header();
                let version = version.or(stated.map(|(version, _)| version));
                let algorithm = algorithm.or(stated.map(|(_, algorithm)| algorithm));
                let (Some(version), Some(algorithm)) = (version, algorithm) else {
                    return Err(UsageError::NoHeader(path.to_owned()).into());
                };
                let broken = |source| CacheError::Parse { path: path.to_owned(), source };
                Ok(reading.into_cache_for(version, algorithm).map_err(broken)?)
            }
            Self::Table(_) => Ok(under(header, self.into_cache(path)?)),
        }
    }
}

/// The cache under the header that the flags say, where they say something.
pub(crate) fn under(header: &HeaderArgs, cache: Cache) -> Cache {
    let version = header.tensorrt_version.unwrap_or(cache.version());
    let algorithm: Algorithm = header.algorithm.unwrap_or(cache.algorithm());
    cache.with_header(version, algorithm)
}
