//! What a calibration cache of TensorRT's own was made from: a file of its own, because the cache has no room for it.

use std::io;
use std::path::{Path, PathBuf};

use calibrant_files::read_text;
use calibrant_tensor::Digest;
use serde::{Deserialize, Serialize};

use super::Manifest;
use crate::Algorithm;

/// The manifest of a cache that TensorRT wrote, as it lies beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheManifest {
    /// SHA-256 of the bytes of the cache that it speaks of.
    pub cache: Digest,
    /// What that cache was made from.
    pub manifest: Manifest<Algorithm>,
}

/// Why the manifest of a cache cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheManifestError {
    /// The file cannot be read.
    #[error("cannot read the manifest `{}`", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("`{}` is no manifest of a calibration cache", path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// The field that is missing or of another type, or where the JSON ends.
        source: serde_json::Error,
    },
}

impl CacheManifestError {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl CacheManifest {
    /// Reads the file beside a cache.
    ///
    /// # Errors
    ///
    /// When it is not there, no regular file of text, or says something else.
    pub fn read(path: &Path) -> Result<Self, CacheManifestError> {
        let json = read_text(path)
            .map_err(|source| CacheManifestError::Read { path: path.to_owned(), source })?;
        Self::from_json(&json)
            .map_err(|source| CacheManifestError::Parse { path: path.to_owned(), source })
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// When it is not JSON, or a field is missing or of another type.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Returns the text of the file.
    ///
    /// # Panics
    ///
    /// Never: strings and numbers serialize.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self).expect("strings and numbers serialize");
        json + "\n"
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use calibrant_tensor::digest;

    use super::*;
    use crate::{BackendInfo, SampleDigest};

    fn manifest() -> CacheManifest {
        let sample = SampleDigest { name: "a".to_owned(), sha256: digest(b"a") };
        let (sample_list, samples) = Manifest::list_digest(vec![sample]);
        let backend = BackendInfo {
            name: "tensorrt".to_owned(),
            version: "TensorRT 10.3.0".to_owned(),
            notes: Vec::new(),
        };
        let manifest = Manifest {
            model: digest(b"model"),
            sample_list,
            samples,
            preprocessing: String::new(),
            method: Algorithm::EntropyCalibration2,
            batch_size: Some(8),
            backend,
            program: "calibrant 0".to_owned(),
        };
        CacheManifest { cache: digest(b"cache"), manifest }
    }

    #[test]
    fn a_written_manifest_reads() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("manifest.json");
        fs::write(&file, manifest().to_json()).unwrap();
        assert_eq!(CacheManifest::read(&file).unwrap(), manifest());
    }

    #[test]
    fn what_is_no_manifest_is_refused_with_its_name_and_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("manifest.json");
        let absent = CacheManifest::read(&file).unwrap_err();
        assert!(absent.is_absent(), "{absent}");
        let good = manifest().to_json();
        let cases = [
            (String::new(), "EOF"),
            (good[..good.len() / 2].to_owned(), "EOF"),
            (good.replace("\"cache\"", "\"cash\""), "missing field `cache`"),
            (good.replace("EntropyCalibration2", "Entropy"), "unknown variant `Entropy`"),
            (good.replace("\"batch_size\": 8", "\"batch_size\": -8"), "invalid value"),
            (good + "{}", "trailing characters"),
            ("[".repeat(1_000_000), "invalid type: sequence"),
            (format!("{{\"another\":{}", "[".repeat(1_000_000)), "EOF"),
        ];
        for (json, reason) in cases {
            fs::write(&file, &json).unwrap();
            let error = CacheManifest::read(&file).unwrap_err();
            assert!(!error.is_absent(), "{error}");
            assert!(error.to_string().contains("manifest.json"), "{error}");
            let CacheManifestError::Parse { source, .. } = error else { panic!("{error}") };
            assert!(source.to_string().contains(reason), "{source}");
        }
    }
}
