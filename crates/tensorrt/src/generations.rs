//! The safe layer over a library of every generation, played by [`fake`](crate::fake).

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use tensorrt_sys::enums::{
    BuilderFlag, ComputeCapability, DataType, LayerType, MemoryPoolType, ProfilingVerbosity,
};
use tensorrt_sys::{Generation, Version};

use crate::fake::{library, record};
use crate::{Builder, Error, NetworkTyping, Parser, ParserError, Progress, ProgressMonitor, Turn};

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

#[test]
fn a_build_from_parser_to_plan() {
    for version in VERSIONS {
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut parser = Parser::new(builder.create_network(typing(version)).unwrap()).unwrap();
        parser.parse_file("model.onnx".as_ref()).unwrap();
        let config = builder.create_config().unwrap();
        let plan = builder.build(parser.network_mut(), &config).unwrap();
        assert_eq!(plan.as_bytes(), b"plan", "{version}");
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
            "parser 100".to_owned(),
            "parse model.onnx 2".to_owned(),
            "delete memory".to_owned(),
            "delete config".to_owned(),
            "delete parser".to_owned(),
            "delete network".to_owned(),
            "delete builder".to_owned(),
        ];
        assert_eq!(record(), expected, "{version}");
    }
}

#[test]
fn dimensions_cross_by_value_up_to_9_and_by_reference_later() {
    for version in VERSIONS {
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut profile = builder.create_profile().unwrap();
        profile.set_shapes("x", &[1, 3], &[8, 3], &[32, 3]).unwrap();
        assert_eq!(record()[1..], ["x 0 [1, 3]", "x 1 [8, 3]", "x 2 [32, 3]"], "{version}");
        builder.create_config().unwrap().add_profile(&profile).unwrap();

        let network = builder.create_network(typing(version)).unwrap();
        let inputs = network.inputs().unwrap();
        let last = if generation(version) == Generation::TensorRt8 { 40 } else { 1 << 40 };
        assert_eq!(inputs[0].dims().unwrap(), Some(vec![-1, 3, last]), "{version}");
        assert_eq!(inputs[0].name().unwrap(), "x");
        assert_eq!(inputs[0].data_type().unwrap(), Some(DataType::Half));
        let layers = network.layers().unwrap();
        assert_eq!(layers[0].kind().unwrap(), Some(LayerType::Quantize), "{version}");
        assert_eq!(layers[0].outputs().unwrap()[0].name().unwrap(), "x");
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
        let mut network = builder.create_network(typing(version)).unwrap();
        let sink = Arc::clone(&heard);
        let subscription = library.subscribe(move |severity, text| {
            sink.lock().unwrap().push(format!("{severity:?} {text}"))
        });
        builder.build(&mut network, &config).unwrap();
        drop(subscription);
        builder.build(&mut network, &config).unwrap();
        assert_eq!(*heard.lock().unwrap(), ["Warning careful"], "{version}");
    }
}

#[test]
fn a_panic_in_the_log_comes_out_of_the_build() {
    for version in VERSIONS {
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let config = builder.create_config().unwrap();
        let mut network = builder.create_network(typing(version)).unwrap();
        let subscription = library.subscribe(|_, _| panic!("log"));
        let panic =
            catch_unwind(AssertUnwindSafe(|| builder.build(&mut network, &config))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"log"), "{version}");
        drop(subscription);
        builder.build(&mut network, &config).unwrap();
    }
}

#[test]
fn progress_is_heard_and_stops_the_build() {
    for version in VERSIONS {
        let library = library(version);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = Arc::clone(&heard);
        let monitor = ProgressMonitor::new(&library, move |progress| {
            let stop = matches!(progress, Progress::StepComplete { step: 1, .. });
            hear.lock().unwrap().push(progress);
            if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if version < 9_300 {
            assert!(matches!(monitor.unwrap_err(), Error::MissingMethod(_)));
            continue;
        }
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut config = builder.create_config().unwrap();
        config.set_progress_monitor(monitor.unwrap()).unwrap();
        let mut network = builder.create_network(typing(version)).unwrap();
        let stopped = builder.build(&mut network, &config).unwrap_err();
        assert!(matches!(stopped, Error::Null { .. }), "{version}: {stopped:?}");
        let phase = || "inner".to_owned();
        let expected = [
            Progress::PhaseStart { phase: phase(), parent: Some("outer".to_owned()), steps: 3 },
            Progress::StepComplete { phase: phase(), step: 0 },
            Progress::StepComplete { phase: phase(), step: 1 },
        ];
        assert_eq!(*heard.lock().unwrap(), expected, "{version}");
    }
}

#[test]
fn settings_arrive_where_they_exist() {
    for version in VERSIONS {
        let library = library(version);
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut config = builder.create_config().unwrap();
        config.set_memory_pool_limit(MemoryPoolType::Workspace, 1 << 30).unwrap();
        config.set_profiling_verbosity(ProfilingVerbosity::Detailed).unwrap();
        config.set_timing_cache(b"cache").unwrap();
        assert_eq!(config.timing_cache().unwrap().serialize().unwrap().as_bytes(), b"plan");
        assert_eq!(
            record()[1..4],
            ["pool 0 1073741824", "verbosity 2", "timing cache of 5 bytes"],
            "{version}"
        );

        let level = config.set_optimization_level(2);
        assert_eq!(level.is_ok(), version != 8_503, "{version}: {level:?}");
        if level.is_ok() {
            assert!(matches!(config.set_optimization_level(6), Err(Error::Refused { .. })));
        }
        let int8 = config.set_flag(BuilderFlag::Int8);
        let has_flag = !matches!(generation(version), Generation::TensorRt11 | Generation::Rtx1_5);
        assert_eq!(int8.is_ok(), has_flag, "{version}");
        assert_eq!(config.flags().unwrap(), if has_flag { 0b10 } else { 0 });

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
        assert!(matches!(parser.parse_file("bad.onnx".as_ref()), Err(Error::Parse)));
        let named = (version >= 9_300).then(|| "bad".to_owned());
        let expected = ParserError {
            code: "kUNSUPPORTED_NODE".to_owned(),
            description: "bad".to_owned(),
            node: Some(4),
            node_name: named.clone(),
            operator: named,
        };
        assert_eq!(parser.errors().unwrap(), [expected], "{version}");
        parser.parse_bytes(b"model").unwrap();
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
