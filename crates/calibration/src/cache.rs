//! TensorRT's calibration cache: a text file of tensor names and scales.
//!
//! ```text
//! TRT-101601-EntropyCalibration2
//! images: 3c008912
//! /model.0/act/Sigmoid_output_0: 3c010a14
//! ```
//!
//! The first line is `TRT-<version>-<algorithm>`; TensorRT takes a cache only when both equal its own.
//! Each further line is a tensor's name, `: `, and the bits of its scale (`amax / 127`) as a hexadecimal number, most
//! significant digit first, lower case, without leading zeros, so 0 is `0`.
//! Names may themselves contain `: `; the last one separates.
//!
//! Reading also takes upper-case and padded numbers, CRLF, blank lines, a byte order mark and a missing newline at the
//! end, because these files are edited by hand.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::{Method, Table, WriteError, write_atomic};

/// Names and scales, and for which TensorRT and which of its calibrators they are.
#[derive(Debug, Clone, PartialEq)]
#[doc(alias = "readCalibrationCache")]
pub struct Cache {
    version: u32,
    algorithm: Algorithm,
    entries: Vec<(String, f32)>,
}

/// Which of TensorRT's calibrators a cache is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `IInt8EntropyCalibrator2`, the usual one for CNNs.
    EntropyCalibration2,
    /// `IInt8EntropyCalibrator`.
    EntropyCalibration,
    /// `IInt8MinMaxCalibrator`.
    MinMaxCalibration,
    /// `IInt8LegacyCalibrator`; no public cache with this header is known.
    LegacyCalibration,
}

/// Why a [`Cache`] cannot be made, read or written as a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The format has no way to write this name.
    #[error(
        "tensor name {name:?} cannot stand in a calibration cache: {why}; rename the tensor in the model"
    )]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two entries have the same name.
    #[error("tensor `{name}` occurs twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read the calibration cache `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("`{}` is no TensorRT calibration cache", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: ParseCacheError,
    },
}

/// Why a text is no calibration cache; lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseCacheError {
    /// The first line is something else.
    #[error(
        "line 1 is `{found}`, but it must be TRT-<version>-<algorithm>, for example TRT-8601-EntropyCalibration2"
    )]
    Header {
        /// The line, shortened.
        found: String,
    },
    /// The first line names a calibrator that TensorRT does not have.
    #[error(
        "line 1: unknown algorithm `{found}`; it must be EntropyCalibration2, EntropyCalibration, MinMaxCalibration or LegacyCalibration"
    )]
    Algorithm {
        /// The word, shortened.
        found: String,
    },
    /// A line has no name or no separator.
    #[error("line {line} is `{found}`, but it must be a tensor name, `: ` and a hexadecimal scale")]
    Entry {
        /// Its number.
        line: usize,
        /// The line, shortened.
        found: String,
    },
    /// What follows the last `: ` is not up to eight hexadecimal digits.
    #[error("line {line}: `{found}` is no scale; it must be 1 to 8 hexadecimal digits")]
    Scale {
        /// Its number.
        line: usize,
        /// The digits, shortened.
        found: String,
    },
    /// A name stands on two lines.
    #[error("line {line}: tensor `{name}` already stands on line {first}")]
    Duplicate {
        /// The number of the second line.
        line: usize,
        /// The number of the first line.
        first: usize,
        /// The name.
        name: String,
    },
}

/// An entry whose scale cannot be used as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspicion<'a> {
    /// The tensor's name.
    pub name: &'a str,
    /// Its scale: 0, negative, infinite or NaN.
    pub scale: f32,
}

/// The number that TensorRT `major.minor.patch` writes into its caches (`NV_TENSORRT_VERSION`).
///
/// `None` when it would not be told from another version's.
pub fn tensorrt_version(major: u32, minor: u32, patch: u32) -> Option<u32> {
    match major {
        _ if minor > 99 || patch > 99 => None,
        0..10 if minor > 9 => None,
        0..10 => Some(major * 1000 + minor * 100 + patch),
        _ => major.checked_mul(10_000)?.checked_add(minor * 100 + patch),
    }
}

impl Cache {
    /// A cache of these names and scales, in this order.
    ///
    /// # Errors
    ///
    /// When a name is empty, holds a line break, or occurs twice.
    pub fn new(
        version: u32,
        algorithm: Algorithm,
        entries: Vec<(String, f32)>,
    ) -> Result<Self, CacheError> {
        let mut seen = std::collections::BTreeSet::new();
        for (name, _) in &entries {
            if let Some(why) = unwritable(name) {
                return Err(CacheError::Name { name: name.clone(), why });
            }
            if !seen.insert(name.as_str()) {
                return Err(CacheError::Duplicate { name: name.clone() });
            }
        }
        Ok(Self { version, algorithm, entries })
    }

    /// The scales of `table`, for the TensorRT whose version number (see [`tensorrt_version`]) is `version`.
    ///
    /// # Errors
    ///
    /// When a tensor's name cannot be written.
    pub fn from_table(table: &Table, version: u32) -> Result<Self, CacheError> {
        let entries =
            table.tensors().iter().map(|(name, entry)| (name.clone(), entry.scale)).collect();
        Self::new(version, Algorithm::of(table.method()), entries)
    }

    /// The TensorRT version in the first line, for example 101601.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The calibrator in the first line.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Names and scales in the order of the file.
    pub fn entries(&self) -> &[(String, f32)] {
        &self.entries
    }

    /// The entries whose scale is 0, negative, infinite or NaN.
    ///
    /// TensorRT itself writes some of these (0 for a tensor that was only ever 0, infinity after a `Log`), so they are
    /// read like any other; who builds an engine from them decides.
    pub fn suspicions(&self) -> impl Iterator<Item = Suspicion<'_>> {
        let entries = self.entries.iter().map(|(name, scale)| Suspicion { name, scale: *scale });
        entries.filter(|entry| !(entry.scale.is_finite() && entry.scale > 0.0))
    }

    /// The amax of every entry: 127 · scale, rounded to `f32`.
    pub fn ranges(&self) -> BTreeMap<String, f32> {
        self.entries.iter().map(|(name, scale)| (name.clone(), scale * 127.0)).collect()
    }

    /// Writes the cache to `path`; the file appears only when it is complete.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        write_atomic(path, self.to_string().as_bytes())
    }

    /// Reads the cache at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is no cache.
    pub fn read(path: &Path) -> Result<Self, CacheError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| CacheError::Read { path: path.to_owned(), source })?;
        text.parse().map_err(|source| CacheError::Parse { path: path.to_owned(), source })
    }
}

impl Algorithm {
    /// Which calibrator's name a table of this method is written under.
    ///
    /// TensorRT checks only that the name equals that of the calibrator it was given, so every method that clips goes
    /// under the one that clips.
    pub fn of(method: Method) -> Self {
        match method {
            Method::MinMax => Self::MinMaxCalibration,
            Method::Entropy | Method::Percentile(_) | Method::Mse => Self::EntropyCalibration2,
        }
    }

    /// The name in the first line.
    pub fn name(self) -> &'static str {
        match self {
            Self::EntropyCalibration2 => "EntropyCalibration2",
            Self::EntropyCalibration => "EntropyCalibration",
            Self::MinMaxCalibration => "MinMaxCalibration",
            Self::LegacyCalibration => "LegacyCalibration",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let all = [
            Self::EntropyCalibration2,
            Self::EntropyCalibration,
            Self::MinMaxCalibration,
            Self::LegacyCalibration,
        ];
        all.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// Writes the file as TensorRT does.
impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "TRT-{}-{}", self.version, self.algorithm.name())?;
        for (name, scale) in &self.entries {
            writeln!(f, "{name}: {:x}", scale.to_bits())?;
        }
        Ok(())
    }
}

impl FromStr for Cache {
    type Err = ParseCacheError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().enumerate();
        let (version, algorithm) = parse_header(lines.next().map_or("", |(_, line)| line))?;
        let mut entries = Vec::new();
        let mut seen = BTreeMap::new();
        for (index, line) in lines {
            if line.trim().is_empty() {
                continue;
            }
            let line_number = index + 1;
            let (name, scale) = parse_entry(line_number, line)?;
            match seen.entry(name) {
                Entry::Occupied(first) => {
                    let (first, name) = (*first.get(), name.to_owned());
                    return Err(ParseCacheError::Duplicate { line: line_number, first, name });
                }
                Entry::Vacant(place) => place.insert(line_number),
            };
            entries.push((name.to_owned(), scale));
        }
        Ok(Self { version, algorithm, entries })
    }
}

fn parse_header(line: &str) -> Result<(u32, Algorithm), ParseCacheError> {
    let line = line.trim_end();
    let header = || ParseCacheError::Header { found: shorten(line) };
    let (version, algorithm) =
        line.strip_prefix("TRT-").and_then(|rest| rest.split_once('-')).ok_or_else(header)?;
    if !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(header());
    }
    let version = version.parse().map_err(|_| header())?;
    let algorithm = Algorithm::from_name(algorithm)
        .ok_or_else(|| ParseCacheError::Algorithm { found: shorten(algorithm) })?;
    Ok((version, algorithm))
}

fn parse_entry(line_number: usize, line: &str) -> Result<(&str, f32), ParseCacheError> {
    let entry = || ParseCacheError::Entry { line: line_number, found: shorten(line) };
    let (name, digits) = line.rsplit_once(": ").ok_or_else(entry)?;
    if unwritable(name).is_some() {
        return Err(entry());
    }
    let digits = digits.trim();
    let scale = || ParseCacheError::Scale { line: line_number, found: shorten(digits) };
    // `from_str_radix` would also take a sign.
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(scale());
    }
    let bits = u32::from_str_radix(digits, 16).map_err(|_| scale())?;
    Ok((name, f32::from_bits(bits)))
}

/// Why a name cannot stand in the file.
fn unwritable(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.contains(['\n', '\r']) {
        Some("it holds a line break")
    } else {
        None
    }
}

/// The first 60 characters, so that a message about a binary file stays one line.
fn shorten(text: &str) -> String {
    let mut short = String::new();
    for character in text.chars().take(60).flat_map(char::escape_debug) {
        short.push(character);
    }
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}
