//! Manifests of TensorRT's calibration caches.

use calibrant_calibration::CacheManifest;

/// Reads bytes as the manifest of a cache; one that reads must write and read to an equal one.
///
/// # Panics
///
/// When it does not.
pub fn cache_manifest(bytes: &[u8]) {
    let Ok(json) = std::str::from_utf8(bytes) else { return };
    let Ok(manifest) = CacheManifest::from_json(json) else { return };
    let again = CacheManifest::from_json(&manifest.to_json()).expect("a written manifest reads");
    assert_eq!(again, manifest);
}

#[cfg(test)]
mod tests {
    use calibrant_calibration::{Algorithm, CacheManifest};
    use calibrant_tensor::digest;

    use super::cache_manifest;
    use crate::damage;
    use crate::statistics::small;

    #[test]
    fn damaged_manifests_are_read_or_refused() {
        let statistics = small();
        for method in [Algorithm::EntropyCalibration2, Algorithm::LegacyCalibration] {
            let manifest = statistics.manifest().clone().with_method(method);
            let good = CacheManifest { cache: digest(b"cache"), manifest }.to_json();
            CacheManifest::from_json(&good).expect("the seed reads");
            damage::run(cache_manifest, good.as_bytes(), 3000);
        }
    }
}
