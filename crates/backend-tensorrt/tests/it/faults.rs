//! What goes wrong comes out as it was, and nothing stays behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;

use calibrant_backend_tensorrt::{
    Feed, FeedConfig, FeedError, FeedReport, InputLayout, Inputs, PinnedInputs, feed,
};
use calibrant_cuda::Error as CudaError;
use calibrant_prefetch::{Batch, Clock};
use calibrant_runtime::scripted::{ScriptedSource, Step};
use calibrant_runtime::{Slot, Source, SourceError, SourceErrorKind};
use calibrant_tensor::ElementType;
use calibrant_tensorrt::{Calibrator, Error};
use tensorrt_double::Faults;

use crate::rig::{Announced, Job, Rig, size, within_patience};

/// The error of a calibrator's, as it was.
fn cause<E: std::error::Error + 'static>(error: Error) -> E {
    match error {
        Error::Calibrator { callback: "getBatch", source } => {
            *source.downcast::<E>().unwrap_or_else(|other| panic!("another error: {other:?}"))
        }
        other => panic!("another error: {other:?}"),
    }
}

#[test]
fn a_sample_that_fails_ends_the_build_with_its_own_error() {
    for rig in Rig::all(8_601) {
        let job = Job { bad: vec![9], skip_bad: false, ..Job::of(40) };
        let (plan, report) = within_patience({
            move || {
                let outcome = rig.run(&job);
                rig.assert_nothing_is_left();
                outcome
            }
        });
        let error: SourceError = cause(plan.unwrap_err());
        assert_eq!(error.kind(), SourceErrorKind::BadSample);
        assert_eq!(error.sample(), Some((9, "sample 9")));
        assert_eq!((report.batches, report.ended), (2, false), "the batches before are used");
        assert!(report.cache_written.is_none() && report.unheard.is_none());
    }
}

#[test]
fn an_interruption_comes_out_as_one() {
    let rig = Rig::double(101_601);
    let mut source =
        ScriptedSource::<Slot<PinnedInputs>>::new([Step::Fail(SourceError::cancelled())]);
    let ((plan, again), _) = with(&rig, &rig.layout(), &mut source, |feed| {
        (rig.build(4, feed), feed.next_batch(&["ids"], &mut [0]))
    });
    assert_eq!(cause::<SourceError>(plan.unwrap_err()).kind(), SourceErrorKind::Cancelled);
    let spent = again.unwrap_err();
    assert!(matches!(spent.downcast_ref(), Some(FeedError::Spent)), "{spent:?}");
}

struct Panicking;

impl Source<Slot<PinnedInputs>> for Panicking {
    fn next_batch(&mut self) -> Result<Option<Batch<Slot<PinnedInputs>>>, SourceError> {
        panic!("the source broke")
    }
}

#[test]
fn a_panic_of_the_source_is_the_builds() {
    let rig = Rig::double(101_601);
    let layout = rig.layout();
    for tensorrt_asks in [true, false] {
        let (asked, heard) = channel();
        let mut source = Announced { source: Panicking, asked };
        let build = |feed: &mut Feed<'_>| {
            if tensorrt_asks {
                drop(rig.build(4, feed));
            } else {
                heard.recv().expect("the copier asks");
            }
        };
        let broken = AssertUnwindSafe(|| with(&rig, &layout, &mut source, build));
        let payload = catch_unwind(broken).expect_err("it panics");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"the source broke"));
        rig.assert_nothing_is_left();
    }
}

#[test]
fn a_panic_of_the_builds_stops_the_rest() {
    let rig = Rig::double(101_601);
    let broken = AssertUnwindSafe(|| rig.feed(&Job::of(40), |_| panic!("the build broke")));
    let payload = catch_unwind(broken).expect_err("it panics");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the build broke"));
    rig.assert_nothing_is_left();
}

#[test]
fn a_build_that_does_not_ask_to_the_end_is_told_from_one_that_does() {
    let rig = Rig::double(101_601);
    let stock = rig.stock(size(4)).unwrap();
    let batch = Step::Batch((0..4).map(|_| stock.new_slot()).collect());
    let failure = Step::Fail(SourceError::bad_sample(6, "sample 6".into(), "torn"));
    let (asked, heard) = channel();
    let mut source = Announced { source: ScriptedSource::new([batch, failure]), asked };
    let (more, report) = with(&rig, &rig.layout(), &mut source, |feed| {
        let more = feed.next_batch(&["pixels"], &mut [0]).unwrap();
        (0..2).for_each(|_| heard.recv().expect("the copier asks for the next"));
        more
    });
    assert_eq!((more, report.batches, report.ended), (true, 1, false));
    match report.unheard {
        Some(FeedError::Source(error)) => assert_eq!(error.sample(), Some((6, "sample 6"))),
        other => panic!("the sample that failed behind it: {other:?}"),
    }
    drop(stock);
    rig.assert_nothing_is_left();
}

#[test]
fn an_input_that_the_samples_lack_is_named_beside_those_they_have() {
    let rig = Rig::double(101_601);
    let ask = |feed: &mut Feed<'_>| feed.next_batch(&["pixels", "mask"], &mut [0; 2]);
    let (outcome, _) = rig.feed(&Job::of(8), ask).unwrap();
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "TensorRT asks for input `mask`; the samples have `ids`, `pixels`"
    );
}

#[test]
fn a_device_without_room_for_the_ring_says_so_before_anything_begins() {
    let rig = Rig::double(101_601);
    let batch_bytes = 4 * (5 * 8 + 12 * 4);
    let faults = Faults { out_of_memory_after: Some(2 * batch_bytes + 100), ..Faults::default() };
    rig.installed.set_cuda_faults(faults).unwrap();
    let error = rig.feed(&Job::of(8), |_| panic!("the build began")).map(|((), _)| ()).unwrap_err();
    match error {
        FeedError::Cuda(CudaError::OutOfDeviceMemory { asked_bytes, .. }) => {
            assert_eq!(asked_bytes, 4 * 5 * 8, "the third batch's ids");
        }
        other => panic!("another error: {other:?}"),
    }
    rig.assert_nothing_is_left();
}

/// The builds of this test look at no batch, so that every copy is the copier's.
#[test]
fn a_copy_that_fails_ends_the_feed() {
    let drain = |feed: &mut Feed<'_>| loop {
        match feed.next_batch(&["ids"], &mut [0]) {
            Ok(true) => {}
            Ok(false) => panic!("an end, as if there were no more"),
            Err(error) => return error,
        }
    };
    for copies in 0..6 {
        let (error, report) = within_patience(move || {
            let rig = Rig::double(101_601);
            let faults = Faults { copies_fail_after: Some(copies), ..Faults::default() };
            rig.installed.set_cuda_faults(faults).unwrap();
            let outcome = rig.feed(&Job { pipeline: (4, 1), ..Job::of(40) }, drain).unwrap();
            rig.assert_nothing_is_left();
            outcome
        });
        match error.downcast_ref() {
            Some(FeedError::Cuda(CudaError::Call { call, .. })) => {
                assert_eq!(*call, "cuMemcpyHtoDAsync");
            }
            _ => panic!("another error: {error:?}"),
        }
        assert_eq!((report.batches, report.ended), (copies / 2, false));
    }
}

#[test]
fn a_batch_that_tensorrt_cannot_count_is_refused() {
    let rig = Rig::double(101_601);
    let layout =
        [InputLayout { name: "x".into(), element: ElementType::F32, sample_shape: vec![1] }];
    let batch_size = size(1 << 31);
    let config = FeedConfig { batch_size, ring: size(1), cache: None, clock: Clock::monotonic() };
    let outcome =
        feed(&rig.device, &layout, &config, Inputs { layout: &layout }, &mut Panicking, |_| ());
    assert!(matches!(outcome, Err(FeedError::BatchSize { batch_size }) if batch_size == 1 << 31));
}

/// Feeds from a source that needs no pipeline.
fn with<R>(
    rig: &Rig,
    layout: &[InputLayout],
    source: &mut dyn Source<Slot<PinnedInputs>>,
    build: impl FnOnce(&mut Feed<'_>) -> R,
) -> (R, FeedReport) {
    let config =
        FeedConfig { batch_size: size(4), ring: size(2), cache: None, clock: Clock::monotonic() };
    feed(&rig.device, layout, &config, Inputs { layout }, source, build)
        .expect("there is room for the ring")
}
