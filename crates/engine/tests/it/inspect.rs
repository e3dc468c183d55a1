//! Plans, read back.

use std::fs;

use calibrant_engine::{BuildOptions, InspectError, Int8, ProfilingVerbosity, inspect};

use crate::stage::{Stage, VERSIONS, options};

#[test]
fn every_generation_reads_its_own_plans() {
    for version in VERSIONS {
        let stage = Stage::new(version);
        let detailed = options(|it| it.profiling_verbosity = Some(ProfilingVerbosity::Detailed));
        stage.built("int8.onnx", &detailed, Int8::Model);
        let plan = inspect(&stage.library, &stage.path("plan"), &detailed).unwrap();
        assert_eq!(plan.library_version, stage.library.version().to_string());
        let names = |tensors: &[calibrant_engine::TensorSummary]| {
            tensors.iter().map(|tensor| tensor.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(
            (names(&plan.inputs), names(&plan.outputs)),
            (vec!["input".into()], vec!["head".into()])
        );
        assert_eq!(plan.inputs[0].dims, [1, 3, 32, 32], "{version}");
        let stem = plan.layers.iter().find(|layer| layer.contains("stem")).unwrap();
        assert_eq!(stem.kind.as_deref(), Some("CaskConvolution"), "{version}");
        assert!(stem.computes_in().is_some(), "{stem:?}");
    }
}

#[test]
fn a_plan_tells_what_its_build_let_it() {
    let stage = Stage::new(101_601);
    let layers = |verbosity| {
        let options = options(|it| it.profiling_verbosity = Some(verbosity));
        stage.built("fp32.onnx", &options, Int8::Model);
        inspect(&stage.library, &stage.path("plan"), &options).unwrap().layers
    };
    let names = layers(ProfilingVerbosity::LayerNamesOnly);
    assert!(names.iter().any(|layer| layer.name == "stem" && layer.kind.is_none()));
    assert!(layers(ProfilingVerbosity::None).is_empty());
}

#[test]
fn the_plan_of_another_version_is_refused_with_the_reason() {
    let maker = Stage::new(101_601);
    maker.built("fp32.onnx", &BuildOptions::default(), Int8::Model);
    for version in VERSIONS.into_iter().filter(|&version| version != 101_601) {
        let reader = Stage::new(version);
        let error =
            inspect(&reader.library, &maker.path("plan"), &BuildOptions::default()).unwrap_err();
        let InspectError::Refused { messages, .. } = &error else { panic!("{error:?}") };
        assert!(messages.iter().any(|it| it.contains("not compatible")), "{messages:?}");
    }
}

#[test]
fn what_is_no_plan_is_refused() {
    let stage = Stage::new(8_601);
    let none = stage.path("none");
    let read = |bytes: &[u8]| {
        fs::write(&none, bytes).unwrap();
        inspect(&stage.library, &none, &BuildOptions::default()).unwrap_err()
    };
    for bytes in [&b""[..], b"ftrt", b"{}"] {
        let error = read(bytes);
        assert!(matches!(error, InspectError::Refused { .. }), "{error:?}");
    }
    let error = inspect(&stage.library, &stage.path("missing"), &BuildOptions::default());
    assert!(matches!(error, Err(InspectError::Read { .. })));
}
