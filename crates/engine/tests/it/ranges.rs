//! Ranges from outside: as a cache, and in the network.

use calibrant_calibration::Algorithm;
use calibrant_engine::{BuildError, BuildOptions, Dla, Int8, Int8Via, Rule};
use calibrant_format::Ranges;

use crate::stage::{IMPLICIT, Stage, VERSIONS, options};

const ENTROPY: Algorithm = Algorithm::EntropyCalibration2;

/// Ranges of some of the residual network's tensors, and of one that it does not have.
fn table() -> Ranges {
    let ranges = [
        ("input", 2.0),
        ("stem", 4.0),
        ("inner_relu", 3.0),
        ("outer", 5.0),
        ("add", 6.0),
        ("join_relu", 7.0),
        ("pool", 1.5),
        ("head", 9.0),
        ("folded_away", 1.0),
    ];
    of(&ranges)
}

fn of(amax: &[(&str, f32)]) -> Ranges {
    Ranges::of_amax(amax.iter().map(|&(name, amax)| (name.to_owned(), amax))).unwrap()
}

#[test]
fn dynamic_ranges_are_set_and_completed() {
    for version in IMPLICIT {
        let stage = Stage::new(version);
        let (summary, plan) =
            stage.built("fp32.onnx", &BuildOptions::default(), Int8::Ranges { ranges: &table() });
        let int8 = summary.int8.unwrap();
        assert_eq!((int8.via, int8.batches, int8.cache), (Int8Via::Ranges, 0, None));
        let coverage = int8.coverage.unwrap();
        assert_eq!(coverage.unused, ["folded_away"]);
        let rules: Vec<_> =
            coverage.completed.iter().map(|it| (it.tensor.as_str(), it.rule)).collect();
        assert!(rules.contains(&("inner", Rule::Relu)), "{version}: {rules:?}");
        assert!(rules.contains(&("stem_relu", Rule::Relu)), "{version}: {rules:?}");
        assert!(rules.contains(&("flat", Rule::Shuffle)), "{version}: {rules:?}");
        assert!(coverage.missing.is_empty(), "{:?}", coverage.missing);

        let range = |name: &str| plan.tensor(name).unwrap().dynamic_range;
        assert_eq!(range("input"), Some([-2.0, 2.0]), "{version}");
        assert_eq!(range("stem_relu"), Some([-4.0, 4.0]));
        assert_eq!(range("flat"), Some([-1.5, 1.5]));
        assert!(plan.calibration.is_none(), "nothing is calibrated");
    }
}

#[test]
fn a_cache_is_written_for_the_version_and_taken() {
    let ranges = table();
    for version in IMPLICIT {
        for algorithm in [ENTROPY, Algorithm::MinMaxCalibration] {
            let stage = Stage::new(version);
            let int8 = Int8::Cache { ranges: &ranges, algorithm };
            let (summary, plan) = stage.built("fp32.onnx", &BuildOptions::default(), int8);
            let told = plan.calibration.unwrap();
            assert!(told.cache_was_read && told.batches.is_empty(), "{version}");
            assert!(told.cache[0].starts_with(&format!("TRT-{version}-")), "{}", told.cache[0]);
            assert_eq!(plan.scales["input"], format!("{:x}", (2.0_f32 / 127.0).to_bits()));
            assert_eq!(plan.scales["flat"], format!("{:x}", (1.5_f32 / 127.0).to_bits()));
            let int8 = summary.int8.unwrap();
            assert_eq!(int8.via, Int8Via::Cache);
            assert!(int8.coverage.unwrap().missing.is_empty());
        }
    }
}

#[test]
fn missing_ranges_are_listed_and_warned_of() {
    let stage = Stage::new(101_601);
    let ranges = of(&[("input", 1.0)]);
    let (summary, _) =
        stage.built("fp32.onnx", &BuildOptions::default(), Int8::Ranges { ranges: &ranges });
    let missing = summary.int8.unwrap().coverage.unwrap().missing;
    assert!(missing.contains(&"stem".to_owned()), "{missing:?}");
    let warned = |warning: &String| warning.contains("have no range") && warning.contains("stem");
    assert!(summary.warnings.iter().any(warned), "{:?}", summary.warnings);
}

#[test]
fn a_dla_wants_them_all_unless_the_gpu_may_help() {
    let stage = Stage::new(101_601);
    let ranges = of(&[("input", 1.0)]);
    let with = |gpu_fallback| options(|it| it.dla = Some(Dla { core: 1, gpu_fallback }));
    let error = stage.fails("fp32.onnx", &with(false), Int8::Ranges { ranges: &ranges });
    let BuildError::DlaRanges { tensors } = &error else { panic!("{error:?}") };
    assert!(tensors.contains(&"stem".to_owned()));
    let (summary, plan) = stage.built("fp32.onnx", &with(true), Int8::Ranges { ranges: &ranges });
    assert_eq!((plan.config.dla_core, plan.config.default_device.as_str()), (1, "kDLA"));
    assert!(summary.flags.contains(&"kGPU_FALLBACK"));
}

#[test]
fn ranges_of_another_model_are_refused() {
    let stage = Stage::new(8_601);
    let ranges = of(&[("of", 1.0), ("another", 1.0), ("model", 1.0)]);
    let int8 = Int8::Ranges { ranges: &ranges };
    let error = stage.fails("fp32.onnx", &BuildOptions::default(), int8);
    assert!(matches!(error, BuildError::ForeignRanges { n_ranges: 3, .. }), "{error:?}");
}

#[test]
fn a_model_with_ranges_of_its_own_takes_no_others() {
    let ranges = table();
    for version in IMPLICIT {
        let stage = Stage::new(version);
        let ways =
            [Int8::Ranges { ranges: &ranges }, Int8::Cache { ranges: &ranges, algorithm: ENTROPY }];
        for int8 in ways {
            let error = stage.fails("int8.onnx", &BuildOptions::default(), int8);
            assert!(matches!(error, BuildError::AlreadyQuantized { .. }), "{error:?}");
        }
    }
}

#[test]
fn where_there_is_no_implicit_quantization_nothing_is_tried() {
    for version in VERSIONS.into_iter().filter(|version| !IMPLICIT.contains(version)) {
        let stage = Stage::new(version);
        let ranges = table();
        let ways =
            [Int8::Ranges { ranges: &ranges }, Int8::Cache { ranges: &ranges, algorithm: ENTROPY }];
        for int8 in ways {
            let error = stage.fails("fp32.onnx", &BuildOptions::default(), int8);
            let BuildError::Unsupported(unsupported) = &error else { panic!("{error:?}") };
            assert!(unsupported.to_string().contains("use a Q/DQ model"), "{unsupported}");
        }
    }
}
