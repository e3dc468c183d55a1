//! Builds with a calibrator in every generation that calibrates, played by the [`double`](crate::double).

use std::error::Error as _;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tensorrt_double::Plan;
use tensorrt_sys::classes::{IBuilderConfig, IInt8Calibrator};
use tensorrt_sys::enums::{
    ActivationType, BuilderFlag, CalibrationAlgoType, DataType, DeviceType, QuantizationFlag,
};

use crate::double::library;
use crate::{
    BoxError, Builder, Calibrator, Config, Error, HostMemory, Library, NetworkTyping, Parser,
    ProgressMonitor, Turn,
};

/// The first and the last version of each generation that calibrates.
const VERSIONS: [i32; 5] = [8_503, 8_601, 9_300, 100_000, 101_601];

/// A calibrator of one batch, which may fail.
struct OneBatch {
    batch: Vec<f32>,
    given: bool,
    fails: Option<fn() -> BoxError>,
}

impl OneBatch {
    fn new(fails: Option<fn() -> BoxError>) -> Self {
        Self { batch: vec![1.0; 3 * 32 * 32], given: false, fails }
    }
}

impl Calibrator for OneBatch {
    fn batch_size(&mut self) -> i32 {
        1
    }

    fn next_batch(&mut self, _: &[&str], addresses: &mut [u64]) -> Result<bool, BoxError> {
        if let Some(error) = self.fails {
            return Err(error());
        }
        addresses[0] = self.batch.as_ptr().addr() as u64;
        Ok(!std::mem::replace(&mut self.given, true))
    }

    fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError> {
        Ok(None)
    }

    fn write_cache(&mut self, _: &[u8]) -> Result<(), BoxError> {
        Ok(())
    }
}

fn parser<'b>(builder: &'b Builder<'_>) -> Parser<'b> {
    let mut parser = Parser::new(builder.create_network(NetworkTyping::Weak).unwrap()).unwrap();
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tensorrt/models");
    parser.parse_file(&models.join("fp32.onnx")).unwrap();
    parser
}

fn calibrate(
    builder: &Builder<'_>,
    config: &mut Config<'_>,
    calibrator: &mut OneBatch,
) -> Result<HostMemory, Error> {
    let mut parser = parser(builder);
    let entropy = CalibrationAlgoType::EntropyCalibration2;
    builder.build_calibrated(parser.network_mut(), config, entropy, calibrator)
}

/// The calibrator that TensorRT has.
fn attached(config: &Config<'_>) -> *mut IInt8Calibrator {
    let (this, get) = config.bind(&IBuilderConfig::GET_INT8_CALIBRATOR).unwrap();
    // SAFETY: bound to the live config.
    unsafe { get(this) }
}

fn with_config(library: &Library, test: impl FnOnce(&Builder<'_>, &mut Config<'_>)) {
    let turn = Turn::take();
    let builder = Builder::new(library, &turn).unwrap();
    let mut config = builder.create_config().unwrap();
    config.set_flag(BuilderFlag::Int8).unwrap();
    test(&builder, &mut config);
}

#[test]
fn the_calibrator_is_with_the_config_for_the_build_alone() {
    let fails: [Option<fn() -> BoxError>; 3] =
        [None, Some(|| "failed".into()), Some(|| panic!("panicked"))];
    for version in VERSIONS {
        for fails in fails {
            with_config(&library(version), |builder, config| {
                let mut calibrator = OneBatch::new(fails);
                let built =
                    catch_unwind(AssertUnwindSafe(|| calibrate(builder, config, &mut calibrator)));
                assert!(attached(config).is_null(), "{version}");
                match built {
                    Ok(Ok(plan)) => {
                        let plan = Plan::read(plan.as_bytes()).unwrap();
                        assert_eq!(plan.calibration.unwrap().batches.len(), 1);
                    }
                    Ok(Err(error)) => assert_eq!(error.source().unwrap().to_string(), "failed"),
                    Err(panic) => assert_eq!(panic.downcast_ref::<&str>(), Some(&"panicked")),
                }
                // What was there before works again.
                calibrate(builder, config, &mut OneBatch::new(None)).unwrap();
            });
        }
    }
}

#[test]
fn a_progress_monitor_hears_nothing_more_after_an_error_and_works_again() {
    for version in [9_300, 100_000, 101_601] {
        let library = library(version);
        with_config(&library, |builder, config| {
            let heard = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&heard);
            let monitor = ProgressMonitor::new(&library, move |_| {
                count.fetch_add(1, Ordering::Relaxed);
                ControlFlow::Continue(())
            });
            config.set_progress_monitor(monitor.unwrap()).unwrap();
            let failed = calibrate(builder, config, &mut OneBatch::new(Some(|| "failed".into())));
            assert!(matches!(failed, Err(Error::Calibrator { callback: "getBatch", .. })));
            let before = heard.load(Ordering::Relaxed);
            calibrate(builder, config, &mut OneBatch::new(None)).unwrap();
            assert!(heard.load(Ordering::Relaxed) > before, "{version}");
        });
    }
}

#[test]
fn a_calibrator_without_the_flag_is_refused() {
    for version in VERSIONS {
        with_config(&library(version), |builder, config| {
            config.clear_flag(BuilderFlag::Int8).unwrap();
            let refused = calibrate(builder, config, &mut OneBatch::new(None)).unwrap_err();
            assert!(matches!(refused, Error::Refused { .. }), "{version}: {refused:?}");
        });
    }
}

#[test]
fn versions_that_do_not_calibrate_say_so_before_any_call() {
    for version in [110_000, 110_400, 10_400, 10_701] {
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut config = builder.create_config().unwrap();
        let mut network = builder.create_network(NetworkTyping::Strong).unwrap();
        let entropy = CalibrationAlgoType::EntropyCalibration2;
        let refused = builder
            .build_calibrated(&mut network, &mut config, entropy, &mut OneBatch::new(None))
            .unwrap_err();
        assert!(matches!(refused, Error::MissingValue(_)), "{version}: {refused:?}");
        let flag = config.set_quantization_flag(QuantizationFlag::CalibrateBeforeFusion);
        assert!(matches!(flag, Err(Error::MissingValue(_))), "{version}: {flag:?}");
        let profile = builder.create_profile().unwrap();
        let profile = config.set_calibration_profile(&profile);
        assert!(matches!(profile, Err(Error::MissingMethod(_))), "{version}: {profile:?}");
    }
}

#[test]
fn tensors_and_layers_are_read_and_set() {
    for version in VERSIONS {
        with_config(&library(version), |builder, config| {
            let parser = parser(builder);
            let layers = parser.network().layers().unwrap();
            let layer = |name: &str| *layers.iter().find(|it| it.name().unwrap() == name).unwrap();
            assert_eq!(layer("stem_relu").activation().unwrap(), Some(ActivationType::Relu));
            assert_eq!(layer("stem").activation().unwrap(), None);
            assert_eq!(layer("stem").pooling().unwrap(), None);
            let add = layer("add");
            let inputs = add.inputs().unwrap();
            let inputs: Vec<_> = inputs.iter().map(|tensor| tensor.name().unwrap()).collect();
            assert_eq!(inputs, ["outer", "stem_relu"]);

            let tensor = add.outputs().unwrap()[0];
            assert_eq!(tensor.dynamic_range().unwrap(), None);
            tensor.set_dynamic_range(-3.0, 3.0).unwrap();
            assert_eq!(tensor.dynamic_range().unwrap(), Some((-3.0, 3.0)));
            assert!(matches!(tensor.set_dynamic_range(-1.0, f32::NAN), Err(Error::Refused { .. })));
            tensor.reset_dynamic_range().unwrap();
            assert_eq!(tensor.dynamic_range().unwrap(), None);
            assert!(!tensor.is_network_output().unwrap());
            assert!(parser.network().outputs().unwrap()[0].is_network_output().unwrap());

            assert_eq!((add.precision().unwrap(), add.output_type(0).unwrap()), (None, None));
            add.set_precision(DataType::Half).unwrap();
            add.set_output_type(0, DataType::Float).unwrap();
            assert_eq!(add.precision().unwrap(), Some(DataType::Half), "{version}");
            assert_eq!(add.output_type(0).unwrap(), Some(DataType::Float));
            assert!(matches!(add.set_output_type(1, DataType::Half), Err(Error::Refused { .. })));

            config.set_device(&add, DeviceType::Dla).unwrap();
            assert!(config.can_run_on_dla(&layer("stem")).unwrap());
            config.set_quantization_flag(QuantizationFlag::CalibrateBeforeFusion).unwrap();
            assert!(config.has_quantization_flag(QuantizationFlag::CalibrateBeforeFusion).unwrap());
        });
    }
}
