//! That copies run ahead of TensorRT, and how far.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::time::Duration;

use calibrant_backend_tensorrt::{FeedConfig, Inputs, PinnedInputs, feed};
use calibrant_prefetch::Clock;
use calibrant_runtime::Slot;
use calibrant_runtime::scripted::{ScriptedSource, Step};
use calibrant_tensorrt::Calibrator;

use crate::rig::{Announced, Job, Rig, size, within_patience};

#[test]
fn a_batch_is_one_copy_an_input_and_memory_is_the_rings() {
    let rig = Rig::double(101_601);
    let job = Job { ring: 2, ..Job::of(400) };
    let (plan, report) = rig.run(&job);
    assert_eq!(plan.unwrap().calibration.unwrap().batches.len(), 100);
    let (sample_bytes, live) = (5 * 8 + 12 * 4, rig.installed.live().unwrap());
    assert_eq!(live.copies - 2 * 100, 2 * 100, "each input in, and back to be compared: {live:?}");
    assert_eq!(live.most_device_bytes, 2 * 4 * sample_bytes);
    assert_eq!(report.copied_bytes, 400 * sample_bytes);
    assert_eq!((report.copier.items, report.consume.items), (400, 100));
    assert!(report.copying > Duration::ZERO && report.copying <= report.total);
    assert!(report.copy_rate().is_some_and(|rate| rate > 0.0));
    rig.assert_nothing_is_left();
}

/// So many batches of one sample each.
fn samples(rig: &Rig, count: usize) -> ScriptedSource<Slot<PinnedInputs>> {
    let stock = rig.stock(size(count)).expect("there is memory");
    ScriptedSource::new((0..count).map(|_| Step::Batch(vec![stock.new_slot()])))
}

/// While TensorRT holds batch k, the source is asked for as many more as the ring has room for, and for no others before
/// TensorRT is through with it.
#[test]
fn copies_run_ahead_by_the_ring_and_no_further() {
    const BATCHES: usize = 9;
    for ring in 1..4 {
        within_patience(move || {
            let rig = Rig::double(101_601);
            let layout = rig.layout();
            let (asked, heard) = channel();
            let mut source = Announced { source: samples(&rig, BATCHES), asked };
            let config = FeedConfig {
                batch_size: size(1),
                ring: size(ring),
                cache: None,
                clock: Clock::monotonic(),
            };
            let build = |it: &mut calibrant_backend_tensorrt::Feed<'_>| {
                for batch in 1..=BATCHES {
                    assert!(it.next_batch(&["pixels"], &mut [0]).unwrap());
                    // The last time it is asked, there is none.
                    let ahead = (batch + ring - 1).min(BATCHES + 1);
                    let before = if batch == 1 { 0 } else { (batch + ring - 2).min(BATCHES + 1) };
                    for _ in before..ahead {
                        heard.recv().expect("it is asked while this batch is held");
                    }
                    assert!(heard.try_recv().is_err(), "batch {batch} of a ring of {ring}");
                }
                it.next_batch(&["pixels"], &mut [0]).unwrap()
            };
            let (more, report) =
                feed(&rig.device, &layout, &config, Inputs { layout: &layout }, &mut source, build)
                    .unwrap();
            assert!(!more && report.ended);
        });
    }
}

/// Slots go home when they are read, not when TensorRT is through: one batch in flight is enough.
#[test]
fn a_pipeline_with_one_batch_in_flight_feeds_a_ring_of_many() {
    within_patience(|| {
        for rig in Rig::all(101_601) {
            let job = Job { pipeline: (4, 1), ring: 4, ..Job::of(64) };
            let (plan, report) = rig.run(&job);
            assert_eq!(crate::rig::seen(&plan.unwrap()), rig.expected(&job.packed()));
            assert_eq!(report.batches, 16);
        }
    });
}

/// On a clock that only the build moves, all time is the build's.
#[test]
fn time_is_told_apart() {
    const STEP: Duration = Duration::from_millis(5);
    let rig = Rig::double(101_601);
    let layout = rig.layout();
    let steps = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&steps);
    let clock = Clock::from_fn(move || STEP * u32::try_from(read.load(SeqCst)).expect("few"));
    let config = FeedConfig { batch_size: size(1), ring: size(2), cache: None, clock };
    let mut source = samples(&rig, 6);
    let build = |it: &mut calibrant_backend_tensorrt::Feed<'_>| {
        while it.next_batch(&["ids"], &mut [0]).unwrap() {
            steps.fetch_add(1, SeqCst);
        }
    };
    let loader = Inputs { layout: &layout };
    let ((), report) = feed(&rig.device, &layout, &config, loader, &mut source, build).unwrap();
    assert_eq!((report.consume.busy, report.consume.waiting_for_input), (6 * STEP, Duration::ZERO));
    assert_eq!(report.total, 6 * STEP);
    let copier = report.copier;
    let all = copier.busy + copier.waiting_for_input + copier.waiting_for_room;
    assert!(all <= report.total, "{copier:?}");
}
