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

mod algorithm;
mod check;
mod diff;
mod error;
mod merge;
mod parse;
pub(crate) mod suspicion;
mod target;
mod version;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use calibrant_files::{WriteError, write_atomic};
use calibrant_format::{INT8, Ranges};

pub use algorithm::{Algorithm, ParseAlgorithmError};
pub use check::{Finding, ModelTensors, Severity, check, check_table};
pub use diff::{Diff, Moved};
pub use error::CacheError;
pub use merge::{Conflict, MergeBy, MergeError, Merged, ParseMergeByError};
pub use parse::{ParseCacheError, Reading};
pub use suspicion::{Oddity, Suspicion};
pub use target::{Target, TargetError, TargetWay};
pub use version::{
    FIRST_WITHOUT_CACHES, ParseVersionError, parse_tensorrt_version, tensorrt_release,
    tensorrt_version,
};

use crate::Table;

/// Names and scales, and for which TensorRT and which of its calibrators they are.
#[derive(Debug, Clone, PartialEq)]
#[doc(alias = "readCalibrationCache")]
pub struct Cache {
    version: u32,
    algorithm: Algorithm,
    entries: Vec<(String, f32)>,
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
        let mut seen = BTreeSet::new();
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
    /// When a tensor's name cannot be written, or the table is one for another format than int8.
    pub fn from_table(table: &Table, version: u32) -> Result<Self, CacheError> {
        if table.format() != INT8.name {
            return Err(CacheError::Format { format: table.format().to_owned() });
        }
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

    /// The same names and scales for another TensorRT, or another of its calibrators.
    #[must_use]
    pub fn with_header(self, version: u32, algorithm: Algorithm) -> Self {
        Self { version, algorithm, ..self }
    }

    /// The entries whose scale is not to be trusted, in the order of the file.
    ///
    /// TensorRT itself writes some of these (0 for a tensor that was only ever 0, infinity after a `Log`), so they are
    /// read like any other; who builds an engine from them decides.
    pub fn suspicions(&self) -> impl Iterator<Item = Suspicion<'_>> {
        suspicion::suspicions(&self.entries)
    }

    /// The range of every entry, without those whose scale stands for none: negative, infinite, or not a number.
    pub fn ranges(&self) -> Ranges {
        Ranges::of_scales(self.entries.iter().cloned(), &INT8)
    }

    /// Writes the cache to `path`; the file appears only when it is complete.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        write_atomic(path, self.to_string().as_bytes())
    }

    /// Reads the cache at `path`; [`Reading`] is for those that are damaged.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is no cache.
    pub fn read(path: &Path) -> Result<Self, CacheError> {
        let reading = Reading::read(path)?;
        reading.into_cache().map_err(|source| CacheError::Parse { path: path.to_owned(), source })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bits(cache: &Cache) -> Vec<(&str, u32)> {
        cache.entries().iter().map(|(name, scale)| (name.as_str(), scale.to_bits())).collect()
    }

    #[test]
    fn public_caches_are_read_as_they_are_and_written_back() {
        for (text, version, algorithm) in [
            // NVIDIA/TensorRT, samples/sampleINT8API.
            (
                "TRT-7000-EntropyCalibration2\ndata: 3c008912\nconv1: 3c88edfc\npool1: 3c88edfc\nprob: 3c010a14\n",
                7000,
                Algorithm::EntropyCalibration2,
            ),
            // Data-Prodigy/cpp_chicken_tracking.
            (
                "TRT-100300-EntropyCalibration2\nimages: 3c008912\n/model.0/act/Sigmoid_output_0: 3c010a14\n",
                100_300,
                Algorithm::EntropyCalibration2,
            ),
            // Names that TensorRT makes and special values that it writes, from several public caches.
            (
                "TRT-101303-MinMaxCalibration\n(Unnamed Layer* 12) [Convolution]_output: 3c010204\nx:0: 0\n\
                 a: b: 7f800000\nONNXTRT_Broadcast_812_output: 7c010204\n",
                101_303,
                Algorithm::MinMaxCalibration,
            ),
        ] {
            let cache: Cache = text.parse().unwrap();
            assert_eq!((cache.version(), cache.algorithm()), (version, algorithm));
            assert_eq!(cache.to_string(), text);
        }
    }

    #[test]
    fn scales_are_the_bits_of_floats() {
        let cache: Cache =
            "TRT-8601-EntropyCalibration2\nimages: 3c008912\nmax: 3c010204\nzero: 0\n"
                .parse()
                .unwrap();
        let ranges = cache.ranges();
        // An 8-bit image in [0, 1] whose last of 2048 bins was clipped: amax is 2040.5 / 2048.
        let amax = |name| ranges.get(name).map(|range| range.amax());
        assert_eq!(amax("images"), Some(2040.5 / 2048.0));
        assert_eq!(amax("max"), Some(1.0));
        assert_eq!(amax("zero"), Some(0.0));
        assert_eq!(cache.entries()[1].1, 1.0 / 127.0);
    }

    #[test]
    fn names_that_would_break_the_file_are_refused() {
        for name in ["", "a\nb", "a\r", "\n"] {
            let error =
                Cache::new(8601, Algorithm::MinMaxCalibration, vec![(name.to_owned(), 1.0)])
                    .unwrap_err();
            assert!(matches!(error, CacheError::Name { .. }), "{error}");
        }
        let twice = vec![("a".to_owned(), 1.0), ("a".to_owned(), 1.0)];
        let error = Cache::new(8601, Algorithm::MinMaxCalibration, twice).unwrap_err();
        assert_eq!(error.to_string(), "tensor `a` occurs twice");
    }

    #[test]
    fn files_are_written_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.cache");
        let cache =
            Cache::new(8601, Algorithm::MinMaxCalibration, vec![("a".to_owned(), 0.5)]).unwrap();
        cache.write(&path).unwrap();
        assert_eq!(Cache::read(&path).unwrap(), cache);
        std::fs::write(&path, b"\xff").unwrap();
        assert!(matches!(Cache::read(&path), Err(CacheError::Read { .. })));
        std::fs::write(&path, b"x").unwrap();
        let error = Cache::read(&path).unwrap_err();
        assert!(
            error.to_string().ends_with("calibration.cache` is no TensorRT calibration cache"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn caches_survive_their_text(
            version in any::<u32>(),
            algorithm in prop::sample::select(vec![
                Algorithm::EntropyCalibration2,
                Algorithm::EntropyCalibration,
                Algorithm::MinMaxCalibration,
                Algorithm::LegacyCalibration,
            ]),
            entries in prop::collection::btree_map("[ -~: é\t]{1,12}", any::<u32>(), 0..20),
        ) {
            let entries: Vec<_> = entries.into_iter().map(|(name, bits)| (name, f32::from_bits(bits))).collect();
            let cache = Cache::new(version, algorithm, entries).unwrap();
            let again: Cache = cache.to_string().parse().unwrap();
            prop_assert_eq!(bits(&again), bits(&cache));
            prop_assert_eq!((again.version(), again.algorithm()), (version, algorithm));
        }
    }
}
