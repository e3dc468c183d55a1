//! TensorRT calibrates: what reaches it, what comes back, and what stops it.

use std::error::Error as _;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calibrant_calibration::Algorithm;
use calibrant_engine::{
    BuildError, BuildEvent, BuildOptions, Int8, Int8Via, Precision, Profile, ProfileProblem,
    build_with,
};

use crate::stage::{HostCalibrator, IMPLICIT, Stage, fixture, options};

const ENTROPY: Algorithm = Algorithm::EntropyCalibration2;

const ALGORITHMS: [Algorithm; 4] = [
    ENTROPY,
    Algorithm::MinMaxCalibration,
    Algorithm::EntropyCalibration,
    Algorithm::LegacyCalibration,
];

fn entropy(calibrator: &mut HostCalibrator) -> Int8<'_> {
    Int8::Calibrator { calibrator, algorithm: ENTROPY }
}

#[test]
fn every_generation_calibrates_by_every_algorithm() {
    for version in IMPLICIT {
        let stage = Stage::new(version);
        for algorithm in ALGORITHMS {
            let mut calibrator = HostCalibrator::new(3);
            let int8 = Int8::Calibrator { calibrator: &mut calibrator, algorithm };
            let (built, events) = stage.build("fp32.onnx", &BuildOptions::default(), int8);
            let (summary, plan) = built.unwrap();
            let told = plan.calibration.unwrap();
            assert_eq!((told.batches.len(), told.cache_was_read), (3, false), "{version}");
            assert_eq!(told.legacy.is_some(), algorithm == Algorithm::LegacyCalibration);
            assert!(plan.config.flags.contains(&"kINT8".to_owned()));

            let int8 = summary.int8.unwrap();
            assert_eq!((int8.via, int8.batches), (Int8Via::Calibrator, 3));
            assert_eq!(int8.algorithm, Some(algorithm.name()));
            let header = format!("TRT-{version}-{}\n", algorithm.name());
            assert!(int8.cache.as_ref().unwrap().starts_with(header.as_bytes()), "{version}");
            assert_eq!(calibrator.written, int8.cache);
            assert_eq!(calibrator.inputs, ["input"]);
            let batches: Vec<u64> = events
                .into_iter()
                .filter_map(|event| match event {
                    BuildEvent::Calibrating { batch } => Some(batch),
                    _ => None,
                })
                .collect();
            assert_eq!(batches, [1, 2, 3]);
        }
    }
}

#[test]
fn a_cache_of_its_own_is_taken_and_another_calibrated_anew() {
    for version in IMPLICIT {
        let stage = Stage::new(version);
        let mut first = HostCalibrator::new(2);
        stage.built("fp32.onnx", &BuildOptions::default(), entropy(&mut first));

        let mut second = HostCalibrator::new(2);
        second.cache = first.written.clone();
        let (summary, plan) =
            stage.built("fp32.onnx", &BuildOptions::default(), entropy(&mut second));
        assert_eq!(summary.int8.unwrap().batches, 0);
        assert!(plan.calibration.unwrap().cache_was_read);

        let foreign = b"TRT-7000-EntropyCalibration2\ninput: 3c010204\n".to_vec();
        let mut third = HostCalibrator::new(2);
        third.cache = Some(foreign);
        let (summary, _) = stage.built("fp32.onnx", &BuildOptions::default(), entropy(&mut third));
        assert_eq!(summary.int8.unwrap().batches, 2);
        let refused = |warning: &String| warning.contains("refused the calibration cache");
        assert!(summary.warnings.iter().any(refused), "{:?}", summary.warnings);
    }
}

#[test]
fn an_error_in_a_callback_comes_back_as_it_was() {
    #[derive(Debug, thiserror::Error)]
    #[error("picture 17 is no picture")]
    struct BadPicture;

    for version in IMPLICIT {
        let stage = Stage::new(version);
        for at in [1, 3] {
            let mut calibrator = HostCalibrator::new(9);
            calibrator.at_batch = Some((at, || Err(BadPicture.into())));
            let error =
                stage.fails("fp32.onnx", &BuildOptions::default(), entropy(&mut calibrator));
            let BuildError::Calibrator { callback: "getBatch", .. } = &error else {
                panic!("{version}: {error:?}")
            };
            assert!(error.source().unwrap().downcast_ref::<BadPicture>().is_some());
            assert_eq!(calibrator.written, None, "half a calibration writes no cache");
        }
    }
}

#[test]
fn a_panic_in_a_callback_comes_out_of_the_build() {
    for version in IMPLICIT {
        let stage = Stage::new(version);
        let mut calibrator = HostCalibrator::new(9);
        calibrator.at_batch = Some((2, || panic!("batch two")));
        let build = || {
            stage.build("fp32.onnx", &BuildOptions::default(), entropy(&mut calibrator)).0.is_ok()
        };
        let panic = catch_unwind(AssertUnwindSafe(build)).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"batch two"), "{version}");
        assert_eq!((calibrator.written, stage.names()), (None, Vec::new()));
        // The library is none the worse.
        let mut calibrator = HostCalibrator::new(1);
        stage.built("fp32.onnx", &BuildOptions::default(), entropy(&mut calibrator));
    }
}

#[test]
fn a_calibration_is_cancelled_midway() {
    /// More than there can be events that nobody has heard yet.
    const BATCHES: u16 = 1000;
    for version in IMPLICIT {
        let stage = Stage::new(version);
        let mut calibrator = HostCalibrator::new(BATCHES);
        let mut stop = |event| match event {
            BuildEvent::Calibrating { batch: 2 } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let built = build_with(
            &stage.library,
            &fixture("fp32.onnx"),
            &BuildOptions::default(),
            entropy(&mut calibrator),
            &mut stop,
            &stage.path("plan"),
        );
        assert!(matches!(built, Err(BuildError::Cancelled { .. })), "{version}: {built:?}");
        assert_eq!((calibrator.written, stage.names()), (None, Vec::new()));
    }
}

#[test]
fn no_samples_at_all_is_a_failed_build() {
    let stage = Stage::new(101_601);
    let error =
        stage.fails("fp32.onnx", &BuildOptions::default(), entropy(&mut HostCalibrator::new(0)));
    assert!(matches!(error, BuildError::Build { .. }), "{error:?}");
}

#[test]
fn dynamic_shapes_calibrate_in_the_first_profile_or_one_of_their_own() {
    let profile = |text: &str| Profile { ranges: vec![text.parse().unwrap()] };
    let calibrates_in = |stage: &Stage, options: &BuildOptions, batch_size| {
        let mut calibrator = HostCalibrator::of_batch_size(1, batch_size);
        let (_, plan) = stage.built("fp32_dynamic.onnx", options, entropy(&mut calibrator));
        assert_eq!(plan.profiles.len(), options.profiles.len());
        plan.config.calibration_profile.unwrap()["input"].opt.clone()
    };
    for version in IMPLICIT {
        let stage = Stage::new(version);
        let mut options = options(|it| {
            it.profiles =
                vec![profile("input:1x3x32x32,2x3x32x32,4x3x32x32"), profile("input:8x3x32x32")];
        });
        assert_eq!(calibrates_in(&stage, &options, 2), [2, 3, 32, 32], "{version}");
        options.calibration_profile = Some(profile("input:5x3x32x32"));
        assert_eq!(calibrates_in(&stage, &options, 5), [5, 3, 32, 32], "{version}");
    }
}

#[test]
fn a_calibration_profile_must_fit() {
    let stage = Stage::new(101_601);
    let options = options(|it| {
        it.calibration_profile = Some(Profile { ranges: vec!["x:1".parse().unwrap()] })
    });
    let error = stage.fails("fp32.onnx", &options, entropy(&mut HostCalibrator::new(1)));
    let BuildError::CalibrationProfile { problem } = &error else { panic!("{error:?}") };
    assert!(matches!(problem, ProfileProblem::UnknownInput { .. }), "{problem}");
}

#[test]
fn int8_beside_fp16_allows_both() {
    for version in IMPLICIT {
        let stage = Stage::new(version);
        let options = options(|it| it.precision = Some(Precision::Int8Fp16));
        let (summary, plan) =
            stage.built("fp32.onnx", &options, entropy(&mut HostCalibrator::new(1)));
        for flag in ["kINT8", "kFP16"] {
            assert!(summary.flags.contains(&flag) && plan.config.flags.contains(&flag.to_owned()));
        }
        assert_eq!(summary.precision, Some(Precision::Int8Fp16));
        assert!(!plan.network.strongly_typed);
    }
}
