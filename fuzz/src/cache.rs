//! TensorRT calibration caches.

use calibrant_calibration::{Algorithm, Cache, MergeBy, Reading, check};

/// Parses bytes as a calibration cache; one that parses must print and parse to the same names and the same bits.
///
/// One that does not parse must be read as far as it goes, with something said against it.
///
/// # Panics
///
/// When it does not.
pub fn cache(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let reading = Reading::of(text);
    let findings = check(&reading, None, Some(8601), None);
    assert!(findings.len() >= reading.problems().len());
    findings.iter().for_each(|finding| assert!(!finding.to_string().is_empty()));
    let Ok(cache) = text.parse::<Cache>() else {
        assert!(!reading.problems().is_empty(), "refused for no reason");
        let only_header = reading.problems().iter().all(|problem| problem.is_header());
        let mended = reading.into_cache_for(8601, Algorithm::MinMaxCalibration);
        assert_eq!(mended.is_ok(), only_header);
        return;
    };
    assert!(cache.diff(&cache).is_within(0.0));
    let merged = Cache::merge(&[cache.clone(), cache.clone()], MergeBy::Max).expect("they agree");
    assert_eq!(merged.cache.to_string(), cache.to_string());
    let again: Cache = cache.to_string().parse().expect("a printed cache parses");
    assert_eq!(again.version(), cache.version());
    assert_eq!(again.algorithm(), cache.algorithm());
    // By bits, because a scale may be NaN: the format has a place for it.
    let bits = |cache: &Cache| -> Vec<(String, u32)> {
        cache.entries().iter().map(|(name, scale)| (name.clone(), scale.to_bits())).collect()
    };
    assert_eq!(bits(&again), bits(&cache));
}

#[cfg(test)]
mod tests {
    use super::cache;
    use crate::damage;

    #[test]
    fn damaged_caches_are_read_or_refused() {
        for seed in [
            "TRT-101601-EntropyCalibration2\nimages: 3c008912\n/model.0/act/Sigmoid_output_0: 3c010a14\n",
            "TRT-8601-MinMaxCalibration\r\nx: 0\r\na: b: 7f800000\r\n",
            "TRT-8XXX-EntropyCalibration2\na: 1\na: 2\nb\nc: 7c010204\n",
            "\u{feff}TRT-8503-EntropyCalibration2\nnan: 7fc00000\nminus: BD000000",
        ] {
            damage::run(cache, seed.as_bytes(), 2000);
        }
    }
}
