//! What TensorRT-RTX makes of every setting, and of what it does not have.

use std::fs;
use std::num::NonZeroU32;

use calibrant_calibration::Algorithm;
use calibrant_engine::{
    BuildError, BuildOptions, Dla, HardwareCompatibilityLevel, InspectError, Int8, LeanRuntime,
    MemoryPoolType, PlanHeader, PoolLimit, Precision, Refit, build_with, inspect,
    parse_layer_precision,
};
use calibrant_format::Ranges;
use calibrant_tensorrt::{
    ActivationType, Builder, DataType, DeviceType, EngineCapability, Error, NetworkTyping, Parser,
    QuantizationFlag, Runtime, Turn,
};

use crate::stage::{build_in, library, model, names_in};

fn options(change: impl FnOnce(&mut BuildOptions)) -> BuildOptions {
    let mut options = BuildOptions::default();
    change(&mut options);
    options
}

/// Builds the INT8 model; returns the flags that were set and the plan.
fn built(options: &BuildOptions) -> (Vec<&'static str>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let summary = build_in(folder.path(), &model("int8.onnx"), options).0.unwrap();
    (summary.flags, fs::read(folder.path().join("plan")).unwrap())
}

#[test]
fn settings_that_need_no_gpu_are_taken() {
    let (flags, plain) = built(&BuildOptions::default());
    assert!(flags.contains(&"kTF32"), "{flags:?}");
    let (flags, plan) = built(&options(|it| {
        it.tf32 = Some(false);
        it.sparse_weights = true;
        it.average_timing_iterations = NonZeroU32::new(3);
        it.max_threads = NonZeroU32::new(2);
        it.optimization_level = Some(2);
        it.pools = vec![PoolLimit { pool: MemoryPoolType::TacticSharedMemory, bytes: 64 << 10 }];
    }));
    assert!(flags.contains(&"kSPARSE_WEIGHTS") && !flags.contains(&"kTF32"), "{flags:?}");
    assert!(plan.len() > plain.len() / 2);
}

#[test]
fn plans_without_their_weights_are_smaller() {
    let (_, plain) = built(&BuildOptions::default());
    let stripped = options(|it| it.strip_plan = true);
    let folder = tempfile::tempdir().unwrap();
    // Without a GPU a refit, and so a stripped plan, may be refused; what is built must be smaller.
    match build_in(folder.path(), &model("int8.onnx"), &stripped).0 {
        Ok(summary) => assert!(summary.plan_bytes < plain.len() as u64, "{summary:?}"),
        Err(BuildError::Build { messages, .. }) => assert!(!messages.is_empty()),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_refit_is_built_or_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let refit = options(|it| it.refit = Some(Refit::Any));
    match build_in(folder.path(), &model("fp32.onnx"), &refit).0 {
        Ok(summary) => assert!(summary.flags.contains(&"kREFIT"), "{summary:?}"),
        Err(BuildError::Build { messages, .. }) => {
            assert!(!messages.is_empty());
            assert_eq!(names_in(folder.path()), [""; 0]);
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn what_it_lacks_is_said_before_anything_is_done() {
    let ranges = Ranges::of_amax([("input".to_owned(), 1.0)]).unwrap();
    let algorithm = Algorithm::EntropyCalibration2;
    let folder = tempfile::tempdir().unwrap();
    for int8 in [Int8::Ranges { ranges: &ranges }, Int8::Cache { ranges: &ranges, algorithm }] {
        let plan = folder.path().join("plan");
        let mut heard = 0;
        let mut hear = |_| {
            heard += 1;
            std::ops::ControlFlow::Continue(())
        };
        let options = BuildOptions::default();
        let error = build_with(library(), &model("fp32.onnx"), &options, int8, &mut hear, &plan)
            .unwrap_err();
        assert!(error.to_string().contains("use a Q/DQ model"), "{error}");
        assert_eq!(heard, 0, "nothing was done");
    }
    let lacking = [
        options(|it| it.precision = Some(Precision::Fp16)),
        options(|it| it.layer_precisions = vec![parse_layer_precision("a=fp16").unwrap()]),
        options(|it| it.dla = Some(Dla { core: 0, gpu_fallback: true })),
        options(|it| it.version_compatible = Some(LeanRuntime::Included)),
        options(|it| it.hardware_compatibility = Some(HardwareCompatibilityLevel::AmperePlus)),
        options(|it| {
            it.pools = vec![PoolLimit { pool: MemoryPoolType::DlaManagedSram, bytes: 1 << 16 }];
        }),
    ];
    for options in lacking {
        let error = build_in(folder.path(), &model("fp32.onnx"), &options).0.unwrap_err();
        assert!(matches!(error, BuildError::Unsupported(_)), "{error:?}");
    }
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[test]
fn a_plugin_library_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(|it| it.plugins = vec![model("fp32.onnx")]);
    let error = build_in(folder.path(), &model("fp32.onnx"), &options).0.unwrap_err();
    let BuildError::TensorRt { source: Error::PluginLibrary { path }, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*path, model("fp32.onnx"));
}

/// The layers' own implementations lie where the tables say: a wrong place would be no answer, or a crash.
#[test]
fn layers_tell_what_they_are_and_what_they_read() {
    let turn = Turn::take();
    let builder = Builder::new(library(), &turn).unwrap();
    let mut parser = Parser::new(builder.create_network(NetworkTyping::Strong).unwrap()).unwrap();
    parser.parse_file(&model("fp32.onnx")).unwrap();
    let layers = parser.network().layers().unwrap();
    let layer = |name: &str| *layers.iter().find(|it| it.name().unwrap() == name).unwrap();
    for relu in ["stem_relu", "inner_relu", "join_relu"] {
        assert_eq!(layer(relu).activation().unwrap(), Some(ActivationType::Relu), "{relu}");
        assert_eq!(layer(relu).pooling().unwrap(), None);
    }
    assert_eq!(layer("stem").activation().unwrap(), None);
    let names = |tensors: Vec<calibrant_tensorrt::Tensor<'_>>| {
        tensors.iter().map(|tensor| tensor.name().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(names(layer("add").inputs().unwrap()), ["outer", "stem_relu"]);
    assert_eq!(names(layer("add").outputs().unwrap()), ["add"]);
    assert!(parser.network().outputs().unwrap()[0].is_network_output().unwrap());
    assert!(!layer("stem").outputs().unwrap()[0].is_network_output().unwrap());
    assert_eq!(builder.n_dla_cores().unwrap(), 0);

    let stem = layer("stem");
    let missing = [
        stem.set_precision(DataType::Half).unwrap_err(),
        stem.outputs().unwrap()[0].set_dynamic_range(-1.0, 1.0).unwrap_err(),
        builder.has_fast_int8().unwrap_err(),
    ];
    for error in missing {
        assert!(matches!(error, Error::MissingMethod(_)), "{error:?}");
    }
}

#[test]
fn settings_of_the_safe_layer_are_kept_or_refused() {
    let turn = Turn::take();
    let builder = Builder::new(library(), &turn).unwrap();
    let mut config = builder.create_config().unwrap();
    config.set_average_timing_iterations(4).unwrap();
    assert!(matches!(config.set_average_timing_iterations(0), Err(Error::Refused { .. })));
    config.set_engine_capability(EngineCapability::Standard).unwrap();
    config.set_plugins_to_serialize(&[]).unwrap();
    config.set_default_device(DeviceType::Gpu).unwrap();
    let flag = config.set_quantization_flag(QuantizationFlag::CalibrateBeforeFusion);
    assert!(matches!(flag, Err(Error::MissingValue(_))), "{flag:?}");
    let profile = builder.create_profile().unwrap();
    let profile = config.set_calibration_profile(&profile);
    assert!(matches!(profile, Err(Error::MissingMethod(_))), "{profile:?}");
}

#[test]
fn plans_are_read_on_a_gpu_and_refused_with_words_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    build_in(folder.path(), &model("int8.onnx"), &BuildOptions::default()).0.unwrap();
    let plan = folder.path().join("plan");
    let header = PlanHeader::read(&fs::read(&plan).unwrap()).unwrap().to_string();
    assert!(header.starts_with(&format!("{}.", library().version())), "{header}");
    match inspect(library(), &plan, &BuildOptions::default()) {
        Ok(inspection) => assert_eq!(inspection.inputs[0].name, "input"),
        Err(InspectError::Refused { messages, .. }) => assert!(!messages.is_empty()),
        Err(other) => panic!("{other:?}"),
    }
    let runtime = Runtime::new(library()).unwrap();
    assert!(runtime.deserialize(b"no plan at all, and short").is_err());
}
