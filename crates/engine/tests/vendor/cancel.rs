//! Builds that are stopped, and builds side by side.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use calibrant_engine::{BuildError, BuildEvent, BuildOptions, build};
use calibrant_tensorrt::{Builder, NetworkTyping, Parser, ProgressMonitor, Turn};

use crate::stage::{build_in, library, model, names_in};

#[test]
fn a_break_cancels_midway_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for stop_at in [1, 20, 60] {
        let mut steps = 0;
        let mut stop = |event| {
            steps += usize::from(matches!(event, BuildEvent::Progress { .. }));
            if steps == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let plan = folder.path().join("plan");
        let result =
            build(library(), &model("int8.onnx"), &BuildOptions::default(), &mut stop, &plan);
        assert!(matches!(result, Err(BuildError::Cancelled { .. })), "{result:?}");
        assert_eq!(steps, stop_at, "nothing is heard after the break");
        assert_eq!(names_in(folder.path()), [""; 0]);
    }
    build_in(folder.path(), &model("int8.onnx"), &BuildOptions::default())
        .0
        .expect("the library is none the worse");
}

#[test]
fn a_monitor_that_breaks_stops_tensorrt_itself() {
    let turn = Turn::take();
    let builder = Builder::new(library(), &turn).unwrap();
    let mut parser = Parser::new(builder.create_network(NetworkTyping::Strong).unwrap()).unwrap();
    parser.parse_file(&model("fp32.onnx")).unwrap();
    let mut config = builder.create_config().unwrap();
    let monitor = ProgressMonitor::new(library(), |_| ControlFlow::Break(())).unwrap();
    config.set_progress_monitor(monitor).unwrap();
    builder.build(parser.network_mut(), &config).expect_err("TensorRT was told to stop");
}

#[test]
fn panics_in_callbacks_come_out_where_the_build_was_started() {
    let turn = Turn::take();
    let builder = Builder::new(library(), &turn).unwrap();
    let mut parser = Parser::new(builder.create_network(NetworkTyping::Strong).unwrap()).unwrap();
    parser.parse_file(&model("fp32.onnx")).unwrap();
    let mut config = builder.create_config().unwrap();
    config
        .set_progress_monitor(ProgressMonitor::new(library(), |_| panic!("monitor")).unwrap())
        .unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| builder.build(parser.network_mut(), &config)))
        .unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"monitor"));
}

#[test]
fn a_panic_of_the_listener_ends_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan");
    let mut events = |_| -> ControlFlow<()> { panic!("listener") };
    let panic = catch_unwind(AssertUnwindSafe(|| {
        build(library(), &model("fp32.onnx"), &BuildOptions::default(), &mut events, &plan)
    }))
    .unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"listener"));
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[test]
fn builds_side_by_side_are_the_same_builds() {
    let sha256 = || {
        let folder = tempfile::tempdir().unwrap();
        build_in(folder.path(), &model("int8.onnx"), &BuildOptions::default())
            .0
            .unwrap()
            .plan_sha256
    };
    let alone = sha256();
    let together = thread::scope(|scope| {
        let builds = [(); 3].map(|()| scope.spawn(sha256));
        builds.map(|build| build.join().unwrap())
    });
    assert_eq!(together, [alone.clone(), alone.clone(), alone]);
}
