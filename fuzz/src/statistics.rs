//! Calibration statistics.

use calibrant_calibration::{Method, SavedStatistics, Shard, Statistics, Table, merge_statistics};
use calibrant_format::INT8;

/// Reads bytes as calibration statistics, and behind a checksum that fits them; what reads must write and read to the
/// same statistics, and every method that needs no histogram of TensorRT's must find ranges in them.
///
/// # Panics
///
/// When they do not.
pub fn statistics(bytes: &[u8]) {
    for bytes in [bytes.to_vec(), mended(bytes)] {
        let Ok(saved) = SavedStatistics::from_bytes(bytes) else { continue };
        let tensors = saved.tensors().map(|tensor| {
            let (name, seen) = tensor.expect("they were read");
            (name.to_owned(), seen)
        });
        let (samples, first_batch) = (saved.samples(), saved.first_batch().to_vec());
        let statistics = Statistics { samples, tensors: tensors.collect(), first_batch };
        let written = SavedStatistics::new(&statistics, saved.manifest().clone());
        let again = SavedStatistics::from_bytes(written.as_bytes().to_vec());
        assert!(again.expect("written statistics read") == written);
        for method in Method::USUAL {
            assert_eq!(Table::new(&saved, method, &INT8).is_ok(), samples > 0);
        }
        let shard = Shard { name: "shard", statistics: &saved };
        assert!(merge_statistics(&[shard]).expect("it is one").statistics == saved);
        assert!(merge_statistics(&[shard, shard]).is_err(), "the same samples twice");
    }
}

/// The bytes under a header that says their length and their checksum, so that what comes behind is looked at.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut mended = bytes.to_vec();
    if let Some((header, rest)) = mended.split_at_mut_checked(52) {
        let sum = calibrant_tensor::digest(rest).to_bytes();
        header[12..20].copy_from_slice(&(rest.len() as u64).to_le_bytes());
        header[20..].copy_from_slice(&sum);
    }
    mended
}

#[cfg(test)]
pub(crate) fn small() -> SavedStatistics {
    use calibrant_calibration::{BackendInfo, Manifest, TensorStatistics};
    use calibrant_tensor::digest;

    let mut statistics = Statistics { samples: 2, ..Statistics::default() };
    statistics.observe("conv/output: 0", &[0.5, -3.25, 1e-30]).expect("finite");
    statistics.observe("dead", &[0.0, 0.0]).expect("finite");
    let mut faithful = TensorStatistics::after_first_batch(1.0);
    faithful.observe(&[0.5, 1.0, 3.0]).expect("finite");
    statistics.tensors.insert("faithful".to_owned(), faithful);
    statistics.first_batch = vec!["a.png".to_owned()];
    let manifest = Manifest {
        model: digest(b"model"),
        sample_list: digest(b"list"),
        samples: Vec::new(),
        preprocessing: "preset = \"imagenet\"".to_owned(),
        method: (),
        batch_size: Some(8),
        backend: BackendInfo { name: "fake".into(), version: "1".into(), notes: Vec::new() },
        program: "fuzz".to_owned(),
    };
    SavedStatistics::new(&statistics, manifest)
}

#[cfg(test)]
mod tests {
    use super::{small, statistics};
    use crate::damage;

    #[test]
    fn damaged_statistics_are_read_or_refused() {
        damage::run(statistics, small().as_bytes(), 3000);
    }
}
