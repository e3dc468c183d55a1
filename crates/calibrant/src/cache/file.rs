//! Ranges under a header of TensorRT's, wherever they come from.

use std::path::Path;

use calibrant_calibration::{Algorithm, Cache, CacheError, Method};
use calibrant_format::INT8;
use calibrant_job::DEFAULT_CACHE_VERSION;
use calibrant_job::given::{self, Given};

use crate::cache::args::HeaderArgs;
use crate::error::{Error, UsageError};

/// Reads the file at `path` as a sound cache.
///
/// # Errors
///
/// As [`given::read`], and when anything is wrong with the cache.
pub(crate) fn read_cache(path: &Path, method: Option<Method>) -> Result<Cache, Error> {
    into_cache(given::read(path, method, Some(&INT8))?, path)
}

/// The cache that it is, or that the table makes.
///
/// # Errors
///
/// When anything is wrong with the cache.
pub(crate) fn into_cache(given: Given, path: &Path) -> Result<Cache, Error> {
    match given {
        Given::Table(given) => Ok(Cache::from_table(&given.table, DEFAULT_CACHE_VERSION)?),
        Given::Cache(given) => Ok(given.cache(path)?),
    }
}

/// The cache under the header that the flags say; only where they leave something open it must have one.
///
/// # Errors
///
/// When anything else is wrong with the cache.
pub(crate) fn into_cache_for(
    given: Given,
    path: &Path,
    header: &HeaderArgs,
) -> Result<Cache, Error> {
    let (version, algorithm) = (header.version(), header.algorithm);
    match given {
        Given::Cache(given) => {
            let stated = given.reading.header();
            let version = version.or(stated.map(|(version, _)| version));
            let algorithm = algorithm.or(stated.map(|(_, algorithm)| algorithm));
            let (Some(version), Some(algorithm)) = (version, algorithm) else {
                return Err(UsageError::NoHeader(path.to_owned()).into());
            };
            let broken = |source| CacheError::Parse { path: path.to_owned(), source };
            Ok(given.reading.into_cache_for(version, algorithm).map_err(broken)?)
        }
        Given::Table(_) => Ok(under(header, into_cache(given, path)?)),
    }
}

/// The cache under the header that the flags say, where they say something.
pub(crate) fn under(header: &HeaderArgs, cache: Cache) -> Cache {
    let version = header.version().unwrap_or(cache.version());
    let algorithm: Algorithm = header.algorithm.unwrap_or(cache.algorithm());
    cache.with_header(version, algorithm)
}
