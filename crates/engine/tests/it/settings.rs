//! Every setting arrives where it exists.

use std::fs;
use std::num::NonZeroU32;

use calibrant_engine::{
    BuildError, BuildOptions, Dla, HardwareCompatibilityLevel, Int8, LeanRuntime, MemoryPoolType,
    PoolLimit, ProfilingVerbosity, Refit,
};
use tensorrt_double::PLUGIN_LIBRARY;

use crate::stage::{Stage, VERSIONS, fixture, options};

fn pool(pool: MemoryPoolType, bytes: u64) -> PoolLimit {
    PoolLimit { pool, bytes }
}

#[test]
fn all_that_every_version_has() {
    for version in VERSIONS {
        let options = options(|it| {
            it.workspace_bytes = Some(1 << 30);
            it.average_timing_iterations = NonZeroU32::new(7);
            it.max_threads = NonZeroU32::new(3);
            it.profiling_verbosity = Some(ProfilingVerbosity::Detailed);
            it.sparse_weights = true;
            it.refit = Some(Refit::Any);
        });
        let (summary, plan) = Stage::new(version).built("fp32.onnx", &options, Int8::Model);
        assert_eq!(plan.config.memory_pools["kWORKSPACE"], 1 << 30, "{version}");
        assert_eq!(plan.config.avg_timing_iterations, 7);
        assert_eq!(plan.config.profiling_verbosity, "kDETAILED");
        for flag in ["kSPARSE_WEIGHTS", "kREFIT"] {
            assert!(summary.flags.contains(&flag), "{version}: {:?}", summary.flags);
        }
    }
}

#[test]
fn pools_levels_and_compatibility_of_tensorrt() {
    for version in [8_601, 9_300, 101_601, 110_400] {
        let options = options(|it| {
            it.optimization_level = Some(4);
            it.version_compatible = Some(LeanRuntime::Excluded);
            it.hardware_compatibility = Some(HardwareCompatibilityLevel::AmperePlus);
            it.pools = vec![
                pool(MemoryPoolType::DlaManagedSram, 1 << 16),
                pool(MemoryPoolType::DlaLocalDram, 1 << 20),
                pool(MemoryPoolType::DlaGlobalDram, 1 << 21),
                pool(MemoryPoolType::TacticDram, 1 << 22),
            ];
        });
        let (summary, plan) = Stage::new(version).built("fp32.onnx", &options, Int8::Model);
        assert_eq!(plan.config.optimization_level, 4, "{version}");
        assert_eq!(plan.config.hardware_compatibility, "kAMPERE_PLUS");
        assert_eq!(plan.config.memory_pools["kDLA_MANAGED_SRAM"], 1 << 16);
        assert_eq!(plan.config.memory_pools["kTACTIC_DRAM"], 1 << 22);
        for flag in ["kVERSION_COMPATIBLE", "kEXCLUDE_LEAN_RUNTIME"] {
            assert!(summary.flags.contains(&flag), "{version}: {:?}", summary.flags);
        }
    }
}

#[test]
fn what_tensorrt_10_brought() {
    for version in [100_000, 101_601, 110_000, 110_400] {
        let options = options(|it| {
            it.strip_plan = true;
            it.refit = Some(Refit::Identical);
            it.weight_streaming = true;
            it.pools = vec![pool(MemoryPoolType::TacticSharedMemory, 1 << 15)];
        });
        let (summary, plan) = Stage::new(version).built("fp32.onnx", &options, Int8::Model);
        for flag in ["kSTRIP_PLAN", "kREFIT_IDENTICAL", "kWEIGHT_STREAMING"] {
            assert!(summary.flags.contains(&flag), "{version}: {:?}", summary.flags);
        }
        assert_eq!(plan.config.memory_pools["kTACTIC_SHARED_MEMORY"], 1 << 15);
    }
}

#[test]
fn a_dla_core_that_is_not_there_is_refused() {
    let stage = Stage::new(101_601);
    let options = options(|it| it.dla = Some(Dla { core: 2, gpu_fallback: true }));
    let error = stage.fails("fp32.onnx", &options, Int8::Model);
    assert_eq!(error.to_string(), "there is no DLA core 2: this machine has 2");
}

#[test]
fn a_pool_limit_that_tensorrt_does_not_keep_is_refused() {
    let stage = Stage::new(101_601);
    let options = options(|it| it.pools = vec![pool(MemoryPoolType::DlaManagedSram, 1000)]);
    let error = stage.fails("fp32.onnx", &options, Int8::Model);
    assert!(matches!(error, BuildError::TensorRt { .. }), "{error:?}");
}

#[test]
fn plugin_libraries_are_loaded_before_the_model_is_parsed() {
    for version in [8_601, 100_000, 110_400] {
        let stage = Stage::new(version);
        let plugins = tempfile::tempdir().unwrap();
        let library = plugins.path().join("libdet.so");
        fs::write(&library, format!("{PLUGIN_LIBRARY}\nDet\n")).unwrap();
        let without = stage.fails("unsupported.onnx", &BuildOptions::default(), Int8::Model);
        assert!(matches!(without, BuildError::Parse { .. }), "{version}: {without:?}");
        let mut options = options(|it| it.plugins = vec![library.clone()]);
        let (_, plan) = stage.built("unsupported.onnx", &options, Int8::Model);
        assert!(plan.config.plugins_to_serialize.is_empty());
        options.version_compatible = Some(LeanRuntime::Included);
        let (_, plan) = stage.built("unsupported.onnx", &options, Int8::Model);
        assert_eq!(plan.config.plugins_to_serialize.len(), 1, "{version}");
    }
}

#[test]
fn a_plugin_library_that_is_not_there_is_named() {
    let stage = Stage::new(101_601);
    let options = options(|it| it.plugins = vec![fixture("nothing.so")]);
    let error = stage.fails("fp32.onnx", &options, Int8::Model);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.contains("cannot load plugins from") && source.contains("nothing.so"),
        "{source}"
    );
}

#[test]
fn what_a_version_lacks_is_said_before_anything_is_done() {
    let cases = [
        (8_503, options(|it| it.optimization_level = Some(1))),
        (8_503, options(|it| it.plugins = vec!["libany.so".into()])),
        (8_601, options(|it| it.strip_plan = true)),
        (10_701, options(|it| it.dla = Some(Dla { core: 0, gpu_fallback: true }))),
        (10_701, options(|it| it.version_compatible = Some(LeanRuntime::Included))),
    ];
    for (version, options) in cases {
        let stage = Stage::new(version);
        // A model that would not parse: the check comes first.
        let error = stage.fails("unsupported.onnx", &options, Int8::Model);
        assert!(matches!(error, BuildError::Unsupported(_)), "{version}: {error:?}");
    }
}
