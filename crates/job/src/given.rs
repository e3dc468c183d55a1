//! A file that ranges come from, whichever it is: calibration statistics, a calibration table or a TensorRT calibration
//! cache.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use calibrant_calibration::{
    Cache, CacheError, Method, Reading, SavedStatistics, StatisticsError, Table, TableError,
};
use calibrant_files::TEXT_LIMIT_BYTES;
use calibrant_format::{Format, INT8};

use crate::config::DEFAULT_METHOD;
use crate::error::{ConfigError, Error};
use crate::output::STATISTICS;

/// Bytes by which a file of statistics is known.
const HEAD_BYTES: usize = 8;

/// What a file of statistics is called.
pub const STATISTICS_KIND: &str = "calibration statistics";

/// What a file holds.
#[derive(Debug)]
pub enum RangeFile {
    /// Calibration statistics, from which the ranges of any method are computed.
    Statistics(Box<SavedStatistics>),
    /// A calibration table, with the ranges of one method.
    Table(Box<Table>),
    /// A calibration cache, as far as it can be read.
    Cache(CacheFile),
}

/// Ranges, by the method asked for.
#[derive(Debug)]
pub enum Given {
    /// Those of a table, or of statistics.
    Table(Tabled),
    /// Those of a calibration cache, as far as it can be read.
    Cache(CacheFile),
}

/// A table, and what it was computed from if that had to be read.
#[derive(Debug)]
pub struct Tabled {
    /// What the file is called: `calibration statistics` or `calibration table`.
    pub kind: &'static str,
    /// The ranges.
    pub table: Box<Table>,
    /// What they were computed from, where the file is or needed it.
    pub statistics: Option<Box<SavedStatistics>>,
}

/// A calibration cache.
#[derive(Debug)]
pub struct CacheFile {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What it says, line by line.
    pub reading: Reading,
}

/// What only statistics give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Ranges of a method other than the table's.
    Method(Method),
    /// Ranges for a format other than the table's, by a method that depends on it.
    Format(&'static str),
    /// The histogram of a tensor.
    Histogram,
}

/// Reads the file at `path`; of statistics and tables the ranges of `method` for `format` count, where they are named, else
/// of statistics those of [`DEFAULT_METHOD`] for int8 and of a table its own.
///
/// # Errors
///
/// When it cannot be read, or is damaged statistics or a damaged table (a cache never is, here), or the method needs
/// statistics that are not there.
pub fn read(path: &Path, method: Option<Method>, format: Option<&Format>) -> Result<Given, Error> {
    open(path)?.by(method, format, path)
}

/// Reads the file at `path`.
///
/// # Errors
///
/// As [`read`].
pub fn open(path: &Path) -> Result<RangeFile, Error> {
    let unread = |source| Error::Read { path: path.to_owned(), source };
    if SavedStatistics::is_start(&calibrant_files::head(path, HEAD_BYTES).map_err(unread)?) {
        return Ok(RangeFile::Statistics(Box::new(SavedStatistics::read(path)?)));
    }
    let bytes = calibrant_files::read(path, TEXT_LIMIT_BYTES).map_err(unread)?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        return Ok(RangeFile::Table(Box::new(Table::read(path)?)));
    }
    let text = str::from_utf8(&bytes).map_err(|source| CacheError::Read {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, source),
    })?;
    let reading = Reading::of(text);
    Ok(RangeFile::Cache(CacheFile { reading, bytes }))
}

impl RangeFile {
    /// The ranges of the file, which lies at `path`, by `method` and for `format`.
    ///
    /// # Errors
    ///
    /// When the method cannot be had.
    pub fn by(
        self,
        method: Option<Method>,
        format: Option<&Format>,
        path: &Path,
    ) -> Result<Given, Error> {
        match self {
            Self::Statistics(statistics) => {
                let method = method.unwrap_or(DEFAULT_METHOD);
                let table = Table::new(&statistics, method, format.unwrap_or(&INT8));
                Ok(Given::Table(Tabled {
                    kind: STATISTICS_KIND,
                    table: Box::new(table.map_err(|source| of_file(path, source))?),
                    statistics: Some(statistics),
                }))
            }
            Self::Table(table) => {
                let (table, statistics) = retold(path, table, method, format)?;
                Ok(Given::Table(Tabled { kind: "calibration table", table, statistics }))
            }
            Self::Cache(_) if method.is_some() => {
                Err(ConfigError::MethodOfCache(path.to_owned()).into())
            }
            Self::Cache(cache) => Ok(Given::Cache(cache)),
        }
    }

    /// The statistics that the file, which lies at `path`, is or was computed from.
    ///
    /// # Errors
    ///
    /// When it is a cache, or they are not beside the table.
    pub fn statistics(self, path: &Path) -> Result<Box<SavedStatistics>, Error> {
        match self {
            Self::Statistics(statistics) => Ok(statistics),
            Self::Table(table) => needed(path, &table, Wanted::Histogram),
            Self::Cache(_) => Err(ConfigError::HistogramOfCache(path.to_owned()).into()),
        }
    }
}

impl CacheFile {
    /// The cache, which lies at `path`.
    ///
    /// # Errors
    ///
    /// When anything is wrong with it.
    pub fn cache(&self, path: &Path) -> Result<Cache, CacheError> {
        let broken = |source| CacheError::Parse { path: path.to_owned(), source };
        self.reading.clone().into_cache().map_err(broken)
    }
}

/// The table at `path` by `method` for `format`, and the statistics that this took.
fn retold(
    path: &Path,
    table: Box<Table>,
    method: Option<Method>,
    format: Option<&Format>,
) -> Result<(Box<Table>, Option<Box<SavedStatistics>>), Error> {
    let other_format = format.filter(|format| format.name != table.format());
    let method = method.unwrap_or(table.method());
    let wanted = match other_format {
        _ if method != table.method() => Wanted::Method(method),
        Some(format) if method.depends_on_format() => Wanted::Format(format.name),
        Some(format) => {
            let table = table.in_format(format).map_err(|source| of_file(path, source))?;
            return Ok((Box::new(table), None));
        }
        None => return Ok((table, None)),
    };
    let statistics = needed(path, &table, wanted)?;
    let table = Table::new(&statistics, method, format.unwrap_or(&INT8));
    Ok((Box::new(table.map_err(|source| of_file(path, source))?), Some(statistics)))
}

/// The statistics beside the table at `path` that it was made from; `None` when there are none.
///
/// # Errors
///
/// When they cannot be read, or are of another calibration.
pub fn statistics_beside(
    path: &Path,
    table: &Table,
) -> Result<Option<Box<SavedStatistics>>, Error> {
    let beside = path.with_file_name(STATISTICS);
    match SavedStatistics::read(&beside) {
        Ok(found) if found.digest() == table.statistics() => Ok(Some(Box::new(found))),
        Ok(_) => Err(Error::OtherStatistics { table: path.to_owned(), statistics: beside }),
        Err(StatisticsError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn needed(path: &Path, table: &Table, wanted: Wanted) -> Result<Box<SavedStatistics>, Error> {
    statistics_beside(path, table)?.ok_or_else(|| Error::NoStatistics {
        table: path.to_owned(),
        method: table.method(),
        statistics: path.with_file_name(STATISTICS),
        wanted,
    })
}

fn of_file(path: &Path, source: TableError) -> Error {
    Error::Ranges { path: PathBuf::from(path), source }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method(method) => write!(f, "those of {method}"),
            Self::Format(format) => write!(f, "those for {format}"),
            Self::Histogram => f.write_str("histograms"),
        }
    }
}
