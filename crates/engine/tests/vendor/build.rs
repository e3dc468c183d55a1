//! Builds: what they tell, and what stops them.

use std::fs;
use std::path::Path;

use calibrant_engine::{
    BuildError, BuildEvent, BuildOptions, ComputeCapability, Profile, ProfileProblem, Severity,
};
use calibrant_tensorrt::{Builder, BuilderFlag, Error, NetworkTyping, Turn};

use crate::stage::{alone, build_in, fixtures, library, model, names_in};

fn failure(onnx: &Path, options: &BuildOptions) -> BuildError {
    let folder = tempfile::tempdir().unwrap();
    let error = build_in(folder.path(), onnx, options).0.expect_err("this must fail");
    assert_eq!(names_in(folder.path()), [""; 0], "a failed build leaves no file");
    error
}

#[test]
fn a_build_tells_what_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions { log: Severity::Info, ..BuildOptions::default() };
    let (result, events) = build_in(folder.path(), &model("int8.onnx"), &options);
    let summary = result.unwrap();
    assert_eq!(names_in(folder.path()), ["plan"]);
    assert_eq!(summary.inputs[0].dims, [1, 3, 32, 32]);
    assert_eq!(
        (summary.inputs[0].name.as_str(), summary.inputs[0].data_type.as_str()),
        ("input", "float")
    );
    assert_eq!(summary.outputs[0].dims, [1, 10]);
    assert!(summary.layers > 20, "{} layers", summary.layers);
    assert_eq!(summary.library_version, library().version().to_string());

    let began = events.iter().filter(|event| matches!(event, BuildEvent::Phase { .. })).count();
    let ended = events.iter().filter(|event| matches!(event, BuildEvent::PhaseEnd { .. })).count();
    assert!(began > 5 && began == ended, "{began} phases began, {ended} ended");
    assert!(
        events.iter().any(|event| matches!(event, BuildEvent::Phase { depth: 1.., .. })),
        "phases nest"
    );
    for event in &events {
        if let BuildEvent::Progress { done, total, phase } = event {
            assert!((1..=*total).contains(done), "{phase}: {done} of {total}");
        }
    }
    let logged =
        |event: &BuildEvent| matches!(event, BuildEvent::Log { severity: Severity::Info, .. });
    assert!(events.iter().any(logged), "the log arrives");
}

#[test]
fn a_plan_replaces_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plan"), "old").unwrap();
    build_in(folder.path(), &model("fp32.onnx"), &BuildOptions::default()).0.unwrap();
    assert!(fs::metadata(folder.path().join("plan")).unwrap().len() > 100_000);
    assert_eq!(names_in(folder.path()), ["plan"]);
}

#[test]
fn dynamic_inputs_want_shapes() {
    let error = failure(&model("int8_dynamic.onnx"), &BuildOptions::default());
    let BuildError::NeedsShapes { inputs, example } = error else { panic!("{error:?}") };
    assert_eq!(inputs, ["input [-1, 3, 32, 32]"]);
    assert_eq!(example, "input:1x3x32x32,8x3x32x32,32x3x32x32");
}

#[test]
fn shapes_must_fit_the_model() {
    let profiles = Profile::group(vec!["input:1x4x32x32".parse().unwrap()]);
    let error =
        failure(&model("int8_dynamic.onnx"), &BuildOptions { profiles, ..BuildOptions::default() });
    let BuildError::Profile { problem, .. } = error else { panic!("{error:?}") };
    assert_eq!(
        problem,
        ProfileProblem::Fixed { input: "input".into(), axis: 1, expected: 3, given: 4 }
    );
}

#[test]
fn what_the_parser_says_arrives_whole() {
    let error = failure(&model("unsupported.onnx"), &BuildOptions::default());
    let BuildError::Parse { messages, .. } = &error else { panic!("{error:?}") };
    let volume = messages
        .iter()
        .find(|message| message.node_name.as_deref() == Some("volume"))
        .expect("the node is named");
    assert_eq!((volume.node, volume.operator.as_deref()), (Some(1), Some("Det")));
    assert!(error.to_string().contains("Det \"volume\" (node 1)"), "{error}");
}

#[test]
fn garbage_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(model("fp32.onnx")).unwrap();
    let noise: Vec<u8> =
        (0..5000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (name, bytes) in
        [("empty", &[][..]), ("noise", &noise), ("half", &whole[..whole.len() / 2])]
    {
        let onnx = folder.path().join(name);
        fs::write(&onnx, bytes).unwrap();
        // Fields that the parser does not know are skipped, so noise may be a model with nothing in it.
        let error = failure(&onnx, &BuildOptions::default());
        let refused = matches!(&error, BuildError::Parse { messages, .. } if !messages.is_empty());
        assert!(refused || matches!(error, BuildError::NoOutputs { .. }), "{name}: {error:?}");
    }
}

#[test]
fn dimensions_of_one_name_and_two_sizes_have_a_way_out() {
    let profiles = Profile::group(vec!["x:1x3x48x192".parse().unwrap()]);
    let options = BuildOptions { profiles, ..BuildOptions::default() };
    let error = failure(&fixtures().join("models/ppocr_cls.onnx"), &options);
    assert!(error.to_string().contains("a name of its own"), "{error}");
}

#[test]
fn a_missing_model_is_named() {
    let error = failure(Path::new("/nonexistent/model.onnx"), &BuildOptions::default());
    assert!(error.to_string().contains("/nonexistent/model.onnx"), "{error}");
}

#[test]
fn too_little_memory_has_a_way_out() {
    let options = BuildOptions { workspace_bytes: Some(1), ..BuildOptions::default() };
    let error = failure(&model("fp32.onnx"), &options);
    assert!(
        matches!(&error, BuildError::Build { messages, .. } if !messages.is_empty()),
        "{error:?}"
    );
}

#[test]
fn settings_that_the_version_lacks_are_errors_before_the_call() {
    let turn = Turn::take();
    let builder = Builder::new(library(), &turn).unwrap();
    let mut config = builder.create_config().unwrap();
    let flags = config.flags().unwrap();
    let error = config.set_flag(BuilderFlag::Int8).unwrap_err();
    assert_eq!(error.to_string(), format!("{} has no BuilderFlag::kINT8", library().version()));
    assert_eq!(config.flags().unwrap(), flags);
    let error = builder.create_network(NetworkTyping::Weak).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    let error = config.set_optimization_level(9).unwrap_err();
    assert_eq!(error.to_string(), "IBuilderConfig::setBuilderOptimizationLevel refused level 9");
}

#[test]
fn the_gpu_at_hand_needs_a_gpu() {
    let options = BuildOptions {
        compute_capabilities: vec![ComputeCapability::Current],
        ..BuildOptions::default()
    };
    let folder = tempfile::tempdir().unwrap();
    // On a machine with a supported GPU this builds; without one the error must name the way out.
    match build_in(folder.path(), &model("fp32.onnx"), &options).0 {
        Ok(summary) => assert!(summary.plan_bytes > 0, "{summary:?}"),
        Err(error) => assert!(error.to_string().contains("GPU"), "{error}"),
    }
}

#[test]
fn rtx_keeps_no_timing_cache_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("timing.cache");
    let options = BuildOptions { timing_cache: Some(cache), ..BuildOptions::default() };
    let summary = build_in(folder.path(), &model("fp32.onnx"), &options).0.unwrap();
    assert!(
        summary.warnings.iter().any(|warning| warning.contains("timing.cache")),
        "{:?}",
        summary.warnings
    );
    assert_eq!(names_in(folder.path()), ["plan"]);
}

#[test]
fn timing_caches_are_made_and_serialized() {
    let turn = Turn::take();
    let builder = Builder::new(library(), &turn).unwrap();
    let mut config = builder.create_config().unwrap();
    assert!(config.timing_cache().is_none());
    config.set_timing_cache(&[]).unwrap();
    assert!(!config.timing_cache().unwrap().serialize().unwrap().as_bytes().is_empty());
}

/// The memory this process holds, in bytes.
fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn every_object_is_deleted() {
    // Other tests' builds would be measured too.
    if !alone("build::every_object_is_deleted") {
        return;
    }
    /// A network with its weights and a plan take over 1 MiB: leaking one of each would show after 40 builds.
    const ALLOWED: usize = 16 << 20;
    let folder = tempfile::tempdir().unwrap();
    let build =
        || build_in(folder.path(), &model("fp32.onnx"), &BuildOptions::default()).0.unwrap();
    (0..8).for_each(|_| drop(build()));
    let before = resident_bytes();
    (0..40).for_each(|_| drop(build()));
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < ALLOWED, "40 builds hold {grown} bytes more");
}
