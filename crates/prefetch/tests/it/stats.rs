//! That each stage's time is told from its neighbours', on a clock that only one stage moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use calibrant_prefetch::{Clock, Config, Stats};

use crate::{config, run_with_clock};

const N: u64 = 50;
const STEP: Duration = Duration::from_millis(7);
const TOTAL: Duration = Duration::from_millis(7 * N);

#[derive(Clone, Copy, PartialEq)]
enum Slow {
    Source,
    Work,
    Sink,
}

/// Runs N samples through a pipeline in which one stage takes a step of time for each.
fn stats(config: &Config, slow: Slow) -> Stats {
    let steps = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&steps);
    let clock = Clock::from_fn(move || STEP * u32::try_from(read.load(SeqCst)).expect("few steps"));
    let pass = |stage| {
        if stage == slow {
            steps.fetch_add(1, SeqCst);
        }
    };
    let items = (0..N).inspect(|_| pass(Slow::Source));
    let work = |_: &mut (), _, _, _: &mut ()| {
        pass(Slow::Work);
        Ok::<_, ()>(())
    };
    let ((), stats) = run_with_clock(
        config,
        &clock,
        items,
        || (),
        || (),
        work,
        |receiver| {
            for delivery in receiver {
                delivery.batch.iter().for_each(|()| pass(Slow::Sink));
            }
        },
    );
    stats
}

fn items(stats: &Stats) -> [u64; 3] {
    [stats.feed.items, stats.work.items, stats.consume.items]
}

#[test]
fn a_slow_source_is_busy_and_waits_for_nobody() {
    let stats = stats(&config(2, 4, 2), Slow::Source);
    assert_eq!(items(&stats), [N; 3]);
    assert_eq!((stats.feed.busy, stats.feed.waiting_for_room), (TOTAL, Duration::ZERO));
    assert_eq!(stats.feed.waiting_for_input, Duration::ZERO);
    assert_eq!(stats.workers, 2);
}

#[test]
fn slow_work_is_busy_and_waits_for_nobody() {
    let stats = stats(&config(1, 4, 2), Slow::Work);
    assert_eq!(items(&stats), [N; 3]);
    assert_eq!(stats.work.busy, TOTAL);
    assert_eq!(stats.work.waiting_for_input + stats.work.waiting_for_room, Duration::ZERO);
    // All time that passes, passes in the consumer as well: within a call for a batch or between
    // two.
    assert_eq!(stats.consume.waiting_for_input + stats.consume.busy, TOTAL);
}

/// With one batch in flight a worker waits for room exactly while the consumer holds it.
#[test]
fn a_slow_sink_is_what_the_worker_waits_for() {
    let stats = stats(&config(1, 1, 1), Slow::Sink);
    assert_eq!(items(&stats), [N; 3]);
    assert_eq!((stats.consume.busy, stats.consume.waiting_for_input), (TOTAL, Duration::ZERO));
    assert_eq!(stats.work.waiting_for_room, TOTAL);
    assert_eq!(stats.work.busy + stats.work.waiting_for_input, Duration::ZERO);
}

#[test]
fn a_clock_that_runs_backwards_counts_nothing() {
    let ticks = AtomicU64::new(1 << 32);
    let clock = Clock::from_fn(move || Duration::from_nanos(ticks.fetch_sub(1, SeqCst)));
    let work = |_: &mut (), _, _, _: &mut ()| Ok::<_, ()>(());
    let (_, stats) =
        run_with_clock(&config(2, 2, 2), &clock, 0..9, || (), || (), work, |it| it.count());
    let all = [stats.feed, stats.work, stats.consume];
    assert!(all.iter().all(|it| (it.busy + it.waiting_for_input + it.waiting_for_room).is_zero()));
}
