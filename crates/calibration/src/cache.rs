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

mod parse;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use parse::ParseCacheError;

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
            Method::Entropy | Method::Percentile(_) | Method::Mse | Method::TensorrtFaithful => {
                Self::EntropyCalibration2
            }
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

impl fmt::Display for Suspicion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tensor `{}` has the scale {:?}", self.name, self.scale)
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
        assert_eq!(ranges["images"], 2040.5 / 2048.0);
        assert_eq!(ranges["max"], 1.0);
        assert_eq!(ranges["zero"], 0.0);
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
    fn unusable_scales_are_pointed_out() {
        let text = "TRT-8601-EntropyCalibration2\na: 3c010204\nb: 0\nc: 7f800000\nd: bc010204\ne: 7fc00000\nf: 80000000\n";
        let cache: Cache = text.parse().unwrap();
        let suspicions: Vec<String> = cache.suspicions().map(|it| it.to_string()).collect();
        assert_eq!(
            suspicions,
            [
                "tensor `b` has the scale 0.0",
                "tensor `c` has the scale inf",
                "tensor `d` has the scale -0.007874016",
                "tensor `e` has the scale NaN",
                "tensor `f` has the scale -0.0",
            ]
        );
    }

    #[test]
    fn versions_are_numbered_as_tensorrt_does() {
        for (version, number) in [
            ((7, 0, 0), Some(7000)),
            ((7, 2, 2), Some(7202)),
            ((8, 4, 1), Some(8401)),
            ((8, 6, 2), Some(8602)),
            ((10, 3, 0), Some(100_300)),
            ((10, 13, 3), Some(101_303)),
            ((10, 16, 1), Some(101_601)),
            ((8, 10, 0), None),
            ((10, 100, 0), None),
            ((u32::MAX, 0, 0), None),
        ] {
            assert_eq!(tensorrt_version(version.0, version.1, version.2), number, "{version:?}");
        }
    }

    #[test]
    fn methods_go_under_the_calibrator_that_is_like_them() {
        for method in Method::RECORDED {
            let clips = method != Method::MinMax;
            assert_eq!(Algorithm::of(method) == Algorithm::EntropyCalibration2, clips);
            assert_eq!(Algorithm::of(method) == Algorithm::MinMaxCalibration, !clips);
        }
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
