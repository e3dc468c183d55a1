//! The safe layer over a library of every generation, played by the [`double`](crate::double).

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use calibrant_onnx::proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use calibrant_onnx::{DataType as OnnxType, Dim, MessageField, Model};
use tensorrt_double::Plan;
use tensorrt_sys::enums::{
    BuilderFlag, ComputeCapability, DataType, LayerType, MemoryPoolType, ProfilingVerbosity,
};
use tensorrt_sys::{Generation, Version};

use crate::double::{library, live_objects, record};
use crate::{
    Builder, Error, NetworkTyping, Parser, ParserError, Progress, ProgressMonitor, Severity, Turn,
};

/// One version of every generation, the first and the last of those with later additions, and the exception.
const VERSIONS: [i32; 12] = [
    8_503, 8_601, 9_300, 100_000, 100_800, 101_601, 110_000, 110_400, 10_300, 10_400, 10_500,
    10_701,
];

fn generation(version: i32) -> Generation {
    Version::from_raw(version).generation().unwrap()
}

/// Weak typing where there is no strong one.
fn typing(version: i32) -> NetworkTyping {
    if version < 9_300 { NetworkTyping::Weak } else { NetworkTyping::Strong }
}

/// A model of the fixtures.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tensorrt/models").join(name)
}

/// A parser that has parsed the plain model.
fn parsed<'b>(builder: &'b Builder<'_>, version: i32) -> Parser<'b> {
    let mut parser = Parser::new(builder.create_network(typing(version)).unwrap()).unwrap();
    parser.parse_file(&fixture("fp32.onnx")).unwrap();
    parser
}

#[test]
fn a_build_from_parser_to_plan() {
    for version in VERSIONS {
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut parser = parsed(&builder, version);
        let config = builder.create_config().unwrap();
        let plan = builder.build(parser.network_mut(), &config).unwrap();
        assert_eq!(Plan::read(plan.as_bytes()).map(|plan| plan.version), Some(version));
        drop((plan, config, parser));
        drop(builder);

        let flags = match (generation(version), version) {
            (Generation::TensorRt8, 9_300) => "0b101",
            (Generation::TensorRt8, _) | (Generation::TensorRt11 | Generation::Rtx1_5, _) => "0b1",
            (Generation::TensorRt10 | Generation::Rtx1_3, _) => "0b10",
        };
        let expected = [
            format!("builder for {version}"),
            format!("network {flags}"),
            format!("parser {}", if matches!(version, 110_400 | 10_701) { 200 } else { 100 }),
            format!("parse {} 2", fixture("fp32.onnx").display()),
            "delete memory".to_owned(),
            "delete config".to_owned(),
            "delete parser".to_owned(),
            "delete network".to_owned(),
            "delete builder".to_owned(),
        ];
        assert_eq!(record(), expected, "{version}");
        assert_eq!(live_objects(), [].into(), "{version}");
    }
}

/// A model with one node, which quantizes an input of FP16 with these dimensions.
fn quantizing_model(dims: &[Dim<'_>]) -> Vec<u8> {
    let graph = GraphProto {
        input: vec![ValueInfoProto::tensor("x", OnnxType::FLOAT16, dims)],
        initializer: vec![TensorProto::from_f32("scale", &[], &[1.0])],
        node: vec![NodeProto::new("QuantizeLinear", "q", &["x", "scale"], &["y"])],
        output: vec![ValueInfoProto::tensor("y", OnnxType::INT8, dims)],
        ..GraphProto::default()
    };
    let proto = ModelProto { graph: MessageField::some(graph), ..ModelProto::default() };
    Model::new(proto).to_bytes().unwrap()
}

#[test]
fn dimensions_cross_by_value_up_to_9_and_by_reference_later() {
    for version in VERSIONS {
        let last = if generation(version) == Generation::TensorRt8 { 40 } else { 1 << 40 };
        let model = quantizing_model(&[Dim::Symbol("n"), Dim::Known(3), Dim::Known(last)]);
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut profile = builder.create_profile().unwrap();
        profile.set_shapes("x", &[1, 3], &[8, 3], &[32, 3]).unwrap();
        assert_eq!(record()[1..], ["x 0 [1, 3]", "x 1 [8, 3]", "x 2 [32, 3]"], "{version}");
        builder.create_config().unwrap().add_profile(&profile).unwrap();

        let mut parser = Parser::new(builder.create_network(typing(version)).unwrap()).unwrap();
        parser.parse_bytes(&model).unwrap();
        let inputs = parser.network().inputs().unwrap();
        let last = i64::try_from(last).unwrap();
        assert_eq!(inputs[0].dims().unwrap(), Some(vec![-1, 3, last]), "{version}");
        assert_eq!(inputs[0].name().unwrap(), "x");
        assert_eq!(inputs[0].data_type().unwrap(), Some(DataType::Half));
        let layers = parser.network().layers().unwrap();
        assert_eq!(layers[0].kind().unwrap(), Some(LayerType::Quantize), "{version}");
        assert_eq!(layers[0].outputs().unwrap()[0].name().unwrap(), "y");
    }
}

#[test]
fn the_log_reaches_subscribers_while_they_are_subscribed() {
    for version in VERSIONS {
        let library = library(version);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let config = builder.create_config().unwrap();
        let mut parser = parsed(&builder, version);
        let sink = Arc::clone(&heard);
        let subscription = library.subscribe(move |severity, text| {
            sink.lock().unwrap().push((severity, text.to_owned()))
        });
        builder.build(parser.network_mut(), &config).unwrap();
        drop(subscription);
        builder.build(parser.network_mut(), &config).unwrap();
        let expected = "Detected 1 inputs and 1 output network tensors.";
        assert_eq!(*heard.lock().unwrap(), [(Severity::Info, expected.to_owned())], "{version}");
    }
}

#[test]
fn a_panic_in_the_log_comes_out_of_the_build() {
    for version in VERSIONS {
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let config = builder.create_config().unwrap();
        let mut parser = parsed(&builder, version);
        let subscription = library.subscribe(|_, _| panic!("log"));
        let build = AssertUnwindSafe(|| builder.build(parser.network_mut(), &config));
        let panic = catch_unwind(build).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"log"), "{version}");
        drop(subscription);
        builder.build(parser.network_mut(), &config).unwrap();
    }
}

#[test]
fn progress_is_heard_and_stops_the_build() {
    for version in VERSIONS {
        let library = library(version);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = Arc::clone(&heard);
        let monitor = ProgressMonitor::new(&library, move |progress| {
            let inner = matches!(&progress, Progress::StepComplete { phase, .. } if phase == INNER);
            hear.lock().unwrap().push(progress);
            if inner { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if version < 9_300 {
            assert!(matches!(monitor.unwrap_err(), Error::MissingMethod(_)));
            continue;
        }
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut config = builder.create_config().unwrap();
        config.set_progress_monitor(monitor.unwrap()).unwrap();
        let mut parser = parsed(&builder, version);
        let stopped = builder.build(parser.network_mut(), &config).unwrap_err();
        assert!(matches!(stopped, Error::Null { .. }), "{version}: {stopped:?}");
        let steps = i32::try_from(parser.network().layers().unwrap().len()).unwrap();
        let outer = || "Building Engine".to_owned();
        let inner = || INNER.to_owned();
        let expected = [
            Progress::PhaseStart { phase: outer(), parent: None, steps: 3 },
            Progress::StepComplete { phase: outer(), step: 0 },
            Progress::StepComplete { phase: outer(), step: 1 },
            Progress::PhaseStart { phase: inner(), parent: Some(outer()), steps },
            Progress::StepComplete { phase: inner(), step: 0 },
            Progress::PhaseFinish { phase: inner() },
            Progress::PhaseFinish { phase: outer() },
        ];
        assert_eq!(*heard.lock().unwrap(), expected, "{version}");
    }
}

/// The phase inside of the outermost one.
const INNER: &str = "Timing graph nodes";

#[test]
fn settings_arrive_where_they_exist() {
    for version in VERSIONS {
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut config = builder.create_config().unwrap();
        config.set_memory_pool_limit(MemoryPoolType::Workspace, 1 << 30).unwrap();
        config.set_profiling_verbosity(ProfilingVerbosity::Detailed).unwrap();
        config.set_timing_cache(b"").unwrap();
        let cache = config.timing_cache().unwrap().serialize().unwrap().as_bytes().to_vec();
        config.set_timing_cache(&cache).unwrap();
        let foreign = config.set_timing_cache(b"somebody else's");
        assert!(matches!(foreign, Err(Error::Null { .. })), "{foreign:?}");
        assert_eq!(
            record()[1..4],
            ["pool 0 1073741824", "verbosity 2", "timing cache of 0 bytes"],
            "{version}"
        );

        let level = config.set_optimization_level(2);
        assert_eq!(level.is_ok(), version != 8_503, "{version}: {level:?}");
        if level.is_ok() {
            assert!(matches!(config.set_optimization_level(6), Err(Error::Refused { .. })));
        }
        let by_default = config.flags().unwrap();
        let int8 = config.set_flag(BuilderFlag::Int8);
        let has_flag = !matches!(generation(version), Generation::TensorRt11 | Generation::Rtx1_5);
        assert_eq!(int8.is_ok(), has_flag, "{version}");
        let flag = if has_flag { 0b10 } else { 0 };
        assert_eq!(config.flags().unwrap(), by_default | flag);

        let capabilities =
            config.set_compute_capabilities(&[ComputeCapability::Sm86, ComputeCapability::Sm120]);
        assert_eq!(
            capabilities.is_ok(),
            generation(version).is_rtx(),
            "{version}: {capabilities:?}"
        );
        if capabilities.is_ok() {
            let told = record();
            assert_eq!(
                told[told.len() - 3..],
                ["2 capabilities", "capability 0 86", "capability 1 120"]
            );
        }
    }
}

#[test]
fn what_is_missing_is_an_error_that_says_since_when() {
    let error = |version, call: fn(&mut crate::Config<'_>) -> Result<(), Error>| {
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut config = builder.create_config().unwrap();
        call(&mut config).unwrap_err().to_string()
    };
    assert_eq!(
        error(110_100, |config| config.set_flag(BuilderFlag::Fp16)),
        "TensorRT 11.1.0 has no BuilderFlag::kFP16"
    );
    assert_eq!(
        error(8_503, |config| config.set_optimization_level(1)),
        "TensorRT 8.5.3 has no IBuilderConfig::setBuilderOptimizationLevel; it came with TensorRT 8.6.1"
    );
    assert_eq!(
        error(101_601, |config| config.set_compute_capabilities(&[ComputeCapability::Sm89])),
        "TensorRT 10.16.1 has no IBuilderConfig::setNbComputeCapabilities"
    );
    assert_eq!(
        error(10_400, |config| config.set_compute_capabilities(&[ComputeCapability::Sm121])),
        "TensorRT-RTX 1.4.0 has no ComputeCapability::kSM121"
    );
}

#[test]
fn the_parsers_errors_are_read_as_far_as_the_version_tells_them() {
    for version in VERSIONS {
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut parser = Parser::new(builder.create_network(typing(version)).unwrap()).unwrap();
        let unsupported = parser.parse_file(&fixture("unsupported.onnx"));
        assert!(matches!(unsupported, Err(Error::Parse)));
        let [ParserError { code, description, node, node_name, operator }] =
            &parser.errors().unwrap()[..]
        else {
            panic!("{:?}", parser.errors())
        };
        assert_eq!((code.as_str(), *node), ("kUNSUPPORTED_NODE", Some(1)), "{version}");
        assert!(description.contains("Plugin not found"), "{description}");
        let named = version >= 9_300;
        assert_eq!((node_name.is_some(), operator.is_some()), (named, named), "{version}");
        assert!(parser.parse_bytes(b"model").is_err());
        assert!(record().contains(&"parse 5 bytes".to_owned()));
    }
}

#[test]
fn objects_of_two_libraries_do_not_meet() {
    let (one, other) = (library(10_701), library(10_701));
    let turn = Turn::take();
    let builder = Builder::new(&one, &turn).unwrap();
    let stranger = Builder::new(&other, &turn).unwrap();
    let mut network = stranger.create_network(NetworkTyping::Strong).unwrap();
    let config = builder.create_config().unwrap();
    assert!(matches!(builder.build(&mut network, &config), Err(Error::Refused { .. })));
}
