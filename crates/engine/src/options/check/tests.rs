//! One version of each generation, and those at which something came.

use calibrant_tensorrt::ComputeCapability;

use super::super::{Constraints, Dla, PoolLimit, parse_layer_precision};
use super::*;

const VERSIONS: [i32; 9] =
    [8_503, 8_601, 9_300, 100_000, 101_601, 110_000, 110_400, 10_400, 10_701];

/// The versions among [`VERSIONS`] that take the options.
fn taken_by(options: &BuildOptions, int8: Int8Via) -> Vec<i32> {
    let takes = |version: &i32| options.check(Version::from_raw(*version), int8).is_ok();
    VERSIONS.into_iter().filter(takes).collect()
}

fn with(change: impl FnOnce(&mut BuildOptions)) -> BuildOptions {
    let mut options = BuildOptions::default();
    change(&mut options);
    options
}

fn pool(pool: MemoryPoolType) -> BuildOptions {
    with(|it| it.pools = vec![PoolLimit { pool, bytes: 1 << 20 }])
}

#[test]
fn every_version_takes_the_defaults() {
    assert_eq!(taken_by(&BuildOptions::default(), Int8Via::Qdq), VERSIONS);
}

#[test]
fn implicit_int8_ends_with_tensorrt_10() {
    let weak = [8_503, 8_601, 9_300, 100_000, 101_601];
    for int8 in [Int8Via::Calibrator, Int8Via::Cache, Int8Via::Ranges] {
        assert_eq!(taken_by(&BuildOptions::default(), int8), weak);
        let int8_fp16 = with(|it| it.precision = Some(Precision::Int8Fp16));
        assert_eq!(taken_by(&int8_fp16, int8), weak);
        assert!(taken_by(&with(|it| it.precision = Some(Precision::Fp16)), int8).is_empty());
    }
    let message = |version, int8| {
        BuildOptions::default().check(Version::from_raw(version), int8).unwrap_err().to_string()
    };
    assert_eq!(
        message(110_100, Int8Via::Calibrator),
        "TensorRT 11.1 has no calibrators: weak typing was removed in 11.0; have the ranges found without it"
    );
    assert_eq!(
        message(10_701, Int8Via::Ranges),
        "TensorRT-RTX 1.7 has no dynamic ranges: its networks say the type of every tensor themselves; use a Q/DQ \
         model"
    );
}

/// Options, their name in a failed test, and the versions that take them.
type Case<'v> = (&'static str, BuildOptions, &'v [i32]);

fn check_cases(cases: &[Case<'_>]) {
    for (name, options, takers) in cases {
        assert_eq!(taken_by(options, Int8Via::Qdq), *takers, "{name}");
    }
}

const SINCE_8_6: [i32; 8] = [8_601, 9_300, 100_000, 101_601, 110_000, 110_400, 10_400, 10_701];

const SINCE_10: [i32; 6] = [100_000, 101_601, 110_000, 110_400, 10_400, 10_701];

const TENSORRT: [i32; 7] = [8_503, 8_601, 9_300, 100_000, 101_601, 110_000, 110_400];

#[test]
fn types_are_flags_where_typing_is_weak() {
    let weak = [8_503, 8_601, 9_300, 100_000, 101_601];
    let bf16 = [9_300, 100_000, 101_601];
    let precision = |precision| with(|it| it.precision = Some(precision));
    let layers =
        |text: &str| with(|it| it.layer_precisions = vec![parse_layer_precision(text).unwrap()]);
    check_cases(&[
        ("fp16", precision(Precision::Fp16), &weak),
        ("fp32", precision(Precision::Fp32), &weak),
        ("bf16", precision(Precision::Bf16), &bf16),
        ("obey", with(|it| it.constraints = Some(Constraints::Obey)), &weak),
        ("layers", layers("a=fp16"), &weak),
        ("bf16 layers", layers("a=bf16"), &bf16),
        ("tf32", with(|it| it.tf32 = Some(false)), &VERSIONS),
    ]);
}

#[test]
fn searching_is_set_where_it_can_be() {
    let tactic_dram = [&TENSORRT[1..], &[10_400, 10_701]].concat();
    check_cases(&[
        ("level", with(|it| it.optimization_level = Some(1)), &SINCE_8_6),
        ("plugins", with(|it| it.plugins = vec!["a.so".into()]), &SINCE_8_6),
        ("workspace", pool(MemoryPoolType::Workspace), &VERSIONS),
        ("dla sram", pool(MemoryPoolType::DlaManagedSram), &TENSORRT),
        ("tactic dram", pool(MemoryPoolType::TacticDram), &tactic_dram),
        ("tactic shared", pool(MemoryPoolType::TacticSharedMemory), &SINCE_10),
        ("sparse", with(|it| it.sparse_weights = true), &VERSIONS),
        ("dla", with(|it| it.dla = Some(Dla { core: 0, gpu_fallback: true })), &TENSORRT),
    ]);
}

#[test]
fn plans_go_elsewhere_where_they_can() {
    let level = |level| with(|it| it.hardware_compatibility = Some(level));
    let capability = |capability| with(|it| it.compute_capabilities = vec![capability]);
    let same = level(HardwareCompatibilityLevel::SameComputeCapability);
    let lean = with(|it| it.version_compatible = Some(LeanRuntime::Excluded));
    check_cases(&[
        ("lean", lean, &TENSORRT[1..]),
        ("ampere", level(HardwareCompatibilityLevel::AmperePlus), &TENSORRT[1..]),
        ("same capability", same, &[101_601, 110_000, 110_400]),
        ("sm89", capability(ComputeCapability::Sm89), &[10_400, 10_701]),
        ("sm121", capability(ComputeCapability::Sm121), &[10_701]),
        ("strip", with(|it| it.strip_plan = true), &SINCE_10),
        ("refit", with(|it| it.refit = Some(Refit::Any)), &VERSIONS),
        ("identical", with(|it| it.refit = Some(Refit::Identical)), &SINCE_10),
        ("streaming", with(|it| it.weight_streaming = true), &SINCE_10),
    ]);
}

#[test]
fn a_missing_setting_says_since_when_and_what_to_do() {
    let message = |version, options: &BuildOptions| {
        options.check(Version::from_raw(version), Int8Via::Qdq).unwrap_err().to_string()
    };
    let cases = [
        (
            message(8_503, &with(|it| it.optimization_level = Some(1))),
            "TensorRT 8.5 has no optimization level: it came with TensorRT 8.6",
        ),
        (
            message(8_601, &with(|it| it.strip_plan = true)),
            "TensorRT 8.6 has no plans without weights: TensorRT 8.5 to 9.x has none; use TensorRT 10 or later",
        ),
        (
            message(101_601, &with(|it| it.compute_capabilities = vec![ComputeCapability::Sm89])),
            "TensorRT 10.16 has no compute capabilities to choose: it builds for the GPU at hand",
        ),
        (
            message(
                100_000,
                &with(|it| {
                    it.hardware_compatibility =
                        Some(HardwareCompatibilityLevel::SameComputeCapability)
                }),
            ),
            "TensorRT 10.0 has no such hardware compatibility level: it came with TensorRT 10.9; build a plan on each \
             kind of GPU",
        ),
    ];
    for (message, expected) in cases {
        assert_eq!(message, expected);
    }
}

#[test]
fn settings_that_exclude_each_other_are_conflicts() {
    let conflicts = [
        (with(|it| it.calibration_profile = Some(Default::default())), Int8Via::Cache),
        (
            with(|it| {
                it.weight_streaming = true;
                it.precision = Some(Precision::Fp16);
            }),
            Int8Via::Qdq,
        ),
        (
            with(|it| {
                it.dla = Some(Dla { core: 0, gpu_fallback: false });
                it.precision = Some(Precision::Fp32);
            }),
            Int8Via::Qdq,
        ),
    ];
    for (options, int8) in conflicts {
        let error = options.check(Version::from_raw(101_601), int8).unwrap_err();
        assert!(matches!(error, Unsupported::Conflict { .. }), "{error}");
        assert!(error.to_string().contains(" does not go with "), "{error}");
    }
}
