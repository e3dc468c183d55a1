//! Ranges that are used again: they belong to the model that they were found for, or the job says that nothing tells.

use std::fs;
use std::path::{Path, PathBuf};

use calibrant_calibration::{Cache, Method, Table};
use calibrant_job::{CACHE, CACHE_MANIFEST, Config, EnginePolicy, Error, Ranges, Report, TABLE};
use calibrant_tensor::digest;
use serde_json::json;
use tempfile::TempDir;

use crate::fixtures::{fashion_calibration, fixture, job, run};

const MODEL: &str = "models/fashion_cnn.onnx";
/// Another model, some of whose tensors have the names of the first's.
const OTHER: &str = "models/fashion_cnn_bn.onnx";

fn calibrated(model: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut config = job(model, fashion_calibration(), folder.path());
    config.engine.policy = EnginePolicy::CalibrateOnly;
    run(&config).unwrap();
    folder
}

/// A job on `model` with the ranges of `file`.
fn reusing(model: &str, file: PathBuf, output: &Path) -> Config {
    let mut config = job(model, fashion_calibration(), output);
    config.ranges = Ranges::Reuse { file, method: None };
    config
}

fn reuse(model: &str, file: PathBuf) -> Result<Report, Error> {
    let output = tempfile::tempdir().unwrap();
    run(&reusing(model, file, output.path()))
}

/// Whether a note says that nothing tells which model the ranges belong to.
fn is_unknown(report: &Report) -> bool {
    report.notes.iter().any(|note| note.contains("says which model it belongs to"))
}

#[test]
fn an_old_table_does_not_stay_beside_the_cache_of_another_model() {
    let (out, other) = (calibrated(MODEL), calibrated(OTHER));
    run(&reusing(OTHER, other.path().join(CACHE), out.path())).unwrap();
    let table = Table::read(&out.path().join(TABLE)).unwrap();
    assert_eq!(table, Table::read(&other.path().join(TABLE)).unwrap(), "it goes with its cache");
    let error = reuse(MODEL, out.path().join(CACHE)).unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error:?}");
    assert!(!is_unknown(&reuse(OTHER, out.path().join(CACHE)).unwrap()));

    // A cache that came alone leaves none behind.
    let alone = tempfile::tempdir().unwrap();
    fs::copy(other.path().join(CACHE), alone.path().join(CACHE)).unwrap();
    let out = calibrated(MODEL);
    assert!(is_unknown(&run(&reusing(OTHER, alone.path().join(CACHE), out.path())).unwrap()));
    assert!(!out.path().join(TABLE).exists());
    assert!(is_unknown(&reuse(OTHER, out.path().join(CACHE)).unwrap()));
}

#[test]
fn a_table_of_another_cache_proves_nothing() {
    let (ours, other) = (calibrated(MODEL), calibrated(OTHER));
    fs::copy(other.path().join(CACHE), ours.path().join(CACHE)).unwrap();
    let report = reuse(OTHER, ours.path().join(CACHE)).unwrap();
    let note = report.notes.iter().find(|note| note.contains("is of another cache")).unwrap();
    assert!(note.contains(TABLE) && is_unknown(&report), "{note}");
}

#[test]
fn another_header_leaves_a_cache_with_its_table() {
    let folder = calibrated(MODEL);
    let path = folder.path().join("8.6.cache");
    let cache = Cache::read(&folder.path().join(CACHE)).unwrap();
    cache.clone().with_header(8601, cache.algorithm()).write(&path).unwrap();
    assert!(!is_unknown(&reuse(MODEL, path.clone()).unwrap()));
    assert!(matches!(reuse(OTHER, path).unwrap_err(), Error::Stale { .. }));
}

#[test]
fn what_lies_beside_a_cache_and_cannot_be_read_is_not_called_absent() {
    let folder = calibrated(MODEL);
    let table = fs::read_to_string(folder.path().join(TABLE)).unwrap();
    let newer = r#"{"schema_version": 1000, "colour": "blue"}"#;
    for (name, text) in [
        (TABLE, newer),
        (TABLE, &table[..table.len() / 2]),
        (TABLE, "of another program"),
        (CACHE_MANIFEST, "{"),
        (CACHE_MANIFEST, r#"{"cache": "of a newer program"}"#),
    ] {
        fs::write(folder.path().join(TABLE), &table).unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        let error = reuse(MODEL, folder.path().join(CACHE)).unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, Error::Beside { .. }) && said.contains(name), "{text}: {said}");
        // The way out that it names.
        fs::remove_file(folder.path().join(name)).unwrap();
        reuse(MODEL, folder.path().join(CACHE)).unwrap();
    }
    fs::create_dir(folder.path().join(CACHE_MANIFEST)).unwrap();
    assert!(matches!(reuse(MODEL, folder.path().join(CACHE)), Err(Error::Beside { .. })));
}

/// What lies beside the caches of TensorRT's own calibrations counts as a table does.
#[test]
fn a_cache_of_tensorrts_own_belongs_to_its_model() {
    let calibrated = calibrated(MODEL);
    let folder = tempfile::tempdir().unwrap();
    let (cache, manifest) = (folder.path().join(CACHE), folder.path().join(CACHE_MANIFEST));
    fs::copy(calibrated.path().join(CACHE), &cache).unwrap();
    let made_from = json!({
        "cache": digest(&fs::read(&cache).unwrap()),
        "manifest": {
            "model": digest(&fs::read(fixture(MODEL)).unwrap()),
            "sample_list": digest(b""),
            "samples": [],
            "preprocessing": "",
            "method": "EntropyCalibration2",
            "batch_size": 4,
            "backend": { "name": "tensorrt", "version": "TensorRT 10.16.1", "notes": [] },
            "program": "calibrant 0.1.0"
        }
    });
    fs::write(&manifest, made_from.to_string()).unwrap();
    assert!(matches!(reuse(OTHER, cache.clone()).unwrap_err(), Error::Stale { .. }));

    // It goes along, under whatever header the cache is written again.
    let out = tempfile::tempdir().unwrap();
    let mut again = reusing(MODEL, cache.clone(), out.path());
    again.cache_version = Some(8601);
    assert!(!is_unknown(&run(&again).unwrap()));
    assert!(matches!(reuse(OTHER, out.path().join(CACHE)).unwrap_err(), Error::Stale { .. }));

    let changed = Cache::read(&cache).unwrap();
    let entries = changed.entries().iter().map(|(name, scale)| (name.clone(), scale * 2.0));
    Cache::new(8601, changed.algorithm(), entries.collect()).unwrap().write(&cache).unwrap();
    let report = reuse(MODEL, cache).unwrap();
    assert!(report.notes.iter().any(|note| note.contains("is of another cache")), "{report:?}");
}

#[test]
fn a_table_brings_its_method_and_another_one_can_be_asked_for() {
    let folder = calibrated(MODEL);
    let out = tempfile::tempdir().unwrap();
    let mut again = reusing(MODEL, folder.path().join(TABLE), out.path());
    run(&again).unwrap();
    assert_eq!(Table::read(&out.path().join(TABLE)).unwrap().method(), Method::Mse);
    let minmax = Some(Method::MinMax);
    again.ranges = Ranges::Reuse { file: folder.path().join(TABLE), method: minmax };
    run(&again).unwrap();
    assert_eq!(Table::read(&out.path().join(TABLE)).unwrap().method(), Method::MinMax);
}
