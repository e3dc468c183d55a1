//! Timing caches: kept from build to build, and never mixed.

use std::fs;

use calibrant_engine::{BuildError, Int8};

use crate::stage::{Stage, VERSIONS, options};

#[test]
fn timings_are_written_and_used_again() {
    for version in VERSIONS.into_iter().filter(|version| !(10_000..100_000).contains(version)) {
        let stage = Stage::new(version);
        let path = stage.path("timing.cache");
        let options = options(|it| it.timing_cache = Some(path.clone()));
        let (_, plan) = stage.built("fp32.onnx", &options, Int8::Model);
        assert_eq!(plan.config.timing_cache_entries, Some(0), "{version}");
        let first = fs::read(&path).unwrap();
        let (_, plan) = stage.built("fp32.onnx", &options, Int8::Model);
        assert!(plan.config.timing_cache_entries > Some(0), "{version}");
        assert!(fs::read(&path).unwrap().len() >= first.len());
        assert_eq!(stage.names(), ["plan", "timing.cache"]);
    }
}

#[test]
fn a_foreign_timing_cache_is_refused_and_left_alone() {
    let other = Stage::new(101_601);
    let path = other.path("timing.cache");
    let options = options(|it| it.timing_cache = Some(path.clone()));
    other.built("fp32.onnx", &options, Int8::Model);
    let timings = fs::read(&path).unwrap();
    for version in [8_601, 100_000, 110_400] {
        let error = Stage::new(version).fails("fp32.onnx", &options, Int8::Model);
        let BuildError::TimingCache { path: named, library, .. } = &error else {
            panic!("{version}: {error:?}")
        };
        assert_eq!((named, library.starts_with("TensorRT ")), (&path, true));
        assert!(error.to_string().contains("delete it, or name another"), "{error}");
    }
    fs::write(&path, "no timing cache").unwrap();
    let error = other.build("fp32.onnx", &options, Int8::Model).0.unwrap_err();
    assert!(matches!(error, BuildError::TimingCache { .. }), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), b"no timing cache");
    fs::write(&path, timings).unwrap();
    other.built("fp32.onnx", &options, Int8::Model);
}

#[test]
fn rtx_keeps_no_timings_and_says_so() {
    for version in [10_400, 10_701] {
        let stage = Stage::new(version);
        let options = options(|it| it.timing_cache = Some(stage.path("timing.cache")));
        let (summary, plan) = stage.built("fp32.onnx", &options, Int8::Model);
        assert!(summary.warnings.iter().any(|warning| warning.contains("timing.cache")));
        assert_eq!(plan.config.timing_cache_entries, None);
        assert_eq!(stage.names(), ["plan"]);
    }
}
