//! That a slow source, slow work and a slow sink run at the same time.

use std::thread;

use crossbeam_channel::bounded;

use crate::{PATIENCE, config, copy, run};

/// The source makes item k + 1 *while* the sink consumes item k: they meet within, once for each k,
/// or the test fails.
///
/// So the making of N items and the consumption of N items, one step each, take N + 1 steps
/// together. One after another, they would take 2 N.
#[test]
fn source_and_sink_are_busy_at_the_same_time() {
    const N: usize = 200;
    let (source, sink) = bounded::<usize>(0);
    let items = (0..N).inspect(|&item| {
        if item > 0 {
            source.send_timeout(item, PATIENCE).expect("the sink is consuming the item before");
        }
    });
    let (meetings, _) = run(
        &config(1, 1, 2),
        items,
        || 0,
        || (),
        copy,
        |receiver| {
            let meet = |item: usize| {
                let made = sink.recv_timeout(PATIENCE).expect("the source is making the next item");
                assert_eq!(made, item + 1);
            };
            receiver.map(|it| it.batch[0]).take(N - 1).map(meet).count()
        },
    );
    assert_eq!(meetings, N - 1);
}

/// As many samples are in work at once as there are workers: each waits within its work until all
/// are there.
#[test]
fn workers_are_busy_at_the_same_time() {
    const WORKERS: usize = 4;
    let barrier = std::sync::Barrier::new(WORKERS);
    let work = |scratch: &mut (), position, item, slot: &mut usize| {
        barrier.wait();
        copy(scratch, position, item, slot)
    };
    let (count, _) =
        run(&config(WORKERS, 2, 4), 0..8 * WORKERS, || 0, || (), work, |it| it.count());
    assert_eq!(count, 4 * WORKERS);
}

/// Units of virtual time per sample.
const SOURCE: u64 = 3;
const WORK: u64 = 3;
const SINK: u64 = 3;
const N_SAMPLES: u64 = 400;
const BATCH_SIZE: u64 = 4;

/// When a slot was filled, and when it was free again.
#[derive(Default)]
struct Slot {
    filled_at: u64,
    free_at: u64,
}

/// The time the whole takes on a virtual clock: each stage has its own time, which is never before
/// that of what it waits for, an item or a free slot, and which its own work advances. What waits
/// for what is the real pipeline's doing.
fn virtual_time(batches_in_flight: usize) -> u64 {
    let items = (1..=N_SAMPLES).map(|nth| nth * SOURCE);
    let work = |now: &mut u64, _, made_at: u64, slot: &mut Slot| {
        *now = (*now).max(made_at).max(slot.free_at) + WORK;
        slot.filled_at = *now;
        Ok::<_, ()>(())
    };
    let config = config(1, usize::try_from(BATCH_SIZE).expect("small"), batches_in_flight);
    let (end, _) = run(
        &config,
        items,
        Slot::default,
        || 0,
        work,
        |receiver| {
            receiver.fold(0, |mut now: u64, mut delivery| {
                for slot in delivery.batch.iter() {
                    now = now.max(slot.filled_at);
                }
                now += SINK * delivery.batch.len() as u64;
                delivery.batch.iter_mut().for_each(|slot| slot.free_at = now);
                now
            })
        },
    );
    end
}

#[test]
fn the_whole_takes_little_more_than_the_slowest_stage() {
    let slowest = N_SAMPLES * SOURCE.max(WORK).max(SINK);
    // Until the first batch has reached the sink there is nothing to overlap with, and again while
    // the sink takes the last.
    let filling = BATCH_SIZE * (SOURCE + SINK) + WORK;
    let overlapped = virtual_time(2);
    assert!((slowest..=slowest + filling).contains(&overlapped), "{overlapped}");
    // The measure tells the difference: with one batch in flight, work and sink take turns.
    assert!(virtual_time(1) >= N_SAMPLES * (WORK + SINK), "{}", virtual_time(1));
    // And more batches in flight cannot make even stages faster.
    assert!((slowest..=overlapped).contains(&virtual_time(4)));
}

/// The result is the same run for run, although threads are not: the virtual clock measures the
/// pipeline, not the machine.
#[test]
fn the_virtual_clock_does_not_depend_on_the_machine() {
    let expected = virtual_time(2);
    let busy = thread::spawn(|| (0..40_u64).map(|_| virtual_time(2)).collect::<Vec<_>>());
    assert!((0..40).all(|_| virtual_time(2) == expected));
    assert!(busy.join().expect("it only runs pipelines").iter().all(|&it| it == expected));
}
