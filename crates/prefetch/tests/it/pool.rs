//! Slots: how many there are, where they go, and that none is lost.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use calibrant_prefetch::Batch;
use crossbeam_channel::bounded;

use crate::{config, run, within_patience};

/// A slot that is told apart from others and counts its kind.
#[derive(Debug)]
struct Slot {
    id: usize,
    alive: &'static Counts,
    value: usize,
}

#[derive(Debug, Default)]
struct Counts {
    made: AtomicUsize,
    dropped: AtomicUsize,
}

impl Counts {
    fn leaked() -> &'static Self {
        Box::leak(Box::default())
    }

    fn slot(&'static self) -> Slot {
        Slot { id: self.made.fetch_add(1, SeqCst), alive: self, value: usize::MAX }
    }

    /// How many were made, once all are gone.
    fn made_and_gone(&self) -> usize {
        let (made, dropped) = self.made_and_dropped();
        assert_eq!(made, dropped, "slots were lost");
        made
    }

    fn made_and_dropped(&self) -> (usize, usize) {
        (self.made.load(SeqCst), self.dropped.load(SeqCst))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.alive.dropped.fetch_add(1, SeqCst);
    }
}

fn fill(_: &mut (), _position: usize, item: usize, slot: &mut Slot) -> Result<(), usize> {
    slot.value = item;
    if item % 3 == 1 { Err(item) } else { Ok(()) }
}

#[test]
fn slots_are_made_a_batch_at_a_time_when_needed_and_never_more_than_in_flight() {
    for (n_items, expected) in [(0, 0..=0), (1, 4..=4), (5, 4..=8), (12, 4..=12), (300, 4..=12)] {
        let counts = Counts::leaked();
        let consume = |receiver: &mut calibrant_prefetch::Receiver<_, _>| receiver.count();
        run(&config(3, 4, 3), 0..n_items, || counts.slot(), || (), fill, consume);
        let made = counts.made_and_gone();
        assert!(expected.contains(&made) && made.is_multiple_of(4), "{n_items} items: {counts:?}");
    }
}

/// Slots made one after another serve one batch, each always at its own place, whatever fails and
/// in whatever order batches are dropped.
#[test]
fn the_slots_of_a_batch_stay_together_and_in_their_places() {
    const BATCH_SIZE: usize = 5;
    let work = |_: &mut (), position: usize, item: usize, slot: &mut Slot| {
        // Later positions overtake earlier ones.
        (0..position % 4).for_each(|_| thread::yield_now());
        slot.value = position;
        if item.is_multiple_of(7) { Err(item) } else { Ok(()) }
    };
    for in_flight in 1..4 {
        let counts = Counts::leaked();
        let consume = |receiver: &mut calibrant_prefetch::Receiver<Slot, usize>| {
            let mut kept = Vec::new();
            for delivery in receiver {
                let tray = delivery.batch.first().map(|slot| slot.id / BATCH_SIZE);
                for slot in delivery.batch.iter() {
                    let places = (slot.value % BATCH_SIZE, slot.value - delivery.start);
                    assert_eq!(places, (slot.id % BATCH_SIZE, slot.id % BATCH_SIZE));
                    assert_eq!(Some(slot.id / BATCH_SIZE), tray);
                }
                kept.push(delivery);
                if kept.len() == in_flight {
                    // The newest, the oldest, the one between: whichever this batch's number says.
                    kept.swap_remove(kept[0].start / BATCH_SIZE % in_flight);
                }
            }
        };
        run(&config(3, BATCH_SIZE, in_flight), 0..703, || counts.slot(), || (), work, consume);
        let made = counts.made_and_gone();
        assert!(made <= BATCH_SIZE * in_flight, "{counts:?}");
    }
}

/// One kept batch takes one place of those in flight and no more: the others go round without it.
#[test]
fn a_batch_that_is_never_dropped_does_not_stop_the_others() {
    within_patience(|| {
        let counts = Counts::leaked();
        let consume = |receiver: &mut calibrant_prefetch::Receiver<Slot, usize>| {
            let first = receiver.next().expect("there are many");
            (receiver.map(|it| it.batch.len()).sum::<usize>(), first.batch.len())
        };
        let (lens, _) = run(&config(2, 3, 2), 0..90, || counts.slot(), || (), fill, consume);
        assert_eq!(lens, (58, 2));
        assert_eq!(counts.made_and_gone(), 6);
    });
}

#[test]
fn batches_alive_at_once_share_no_slot() {
    let counts = Counts::leaked();
    let consume = |receiver: &mut calibrant_prefetch::Receiver<Slot, usize>| {
        let mut previous: Option<Batch<Slot>> = None;
        for delivery in receiver {
            let both = previous.iter().flat_map(|it| it.iter()).chain(&*delivery.batch);
            let ids: Vec<_> = both.map(|it| it.id).collect();
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
            previous = Some(delivery.batch);
        }
    };
    run(&config(2, 5, 2), 0..400, || counts.slot(), || (), fill, consume);
    assert!(counts.made_and_gone() <= 10, "{counts:?}");
}

/// With one batch in flight, the next can only be filled by slots that the other thread sent home.
#[test]
fn a_batch_dropped_on_another_thread_goes_home() {
    within_patience(|| {
        let counts = Counts::leaked();
        let (outbox, inbox) = bounded::<Batch<Slot>>(0);
        let dropper = thread::spawn(move || inbox.iter().map(|it| it.len()).sum::<usize>());
        let consume = |receiver: &mut calibrant_prefetch::Receiver<_, _>| {
            receiver.for_each(|it| outbox.send(it.batch).expect("the other thread listens"));
        };
        run(&config(2, 4, 1), 0..90, || counts.slot(), || (), fill, consume);
        drop(outbox);
        assert_eq!(dropper.join().expect("it only counts"), 60);
        assert!(counts.made_and_gone() <= 4, "{counts:?}");
    });
}

#[test]
fn batches_may_outlive_the_pipeline() {
    let counts = Counts::leaked();
    let consume = |receiver: &mut calibrant_prefetch::Receiver<Slot, usize>| {
        receiver.by_ref().take(2).map(|it| it.batch).collect::<Vec<_>>()
    };
    let (batches, _) = within_patience(move || {
        run(&config(2, 3, 3), 0..90, || counts.slot(), || (), fill, consume)
    });
    let values: Vec<_> = batches.iter().flat_map(|it| it.iter().map(|slot| slot.value)).collect();
    assert_eq!(values, [0, 2, 3, 5]);
    let (made, dropped) = counts.made_and_dropped();
    assert_eq!(made - dropped, 6, "all but the kept batches' slots went with the pipeline");
    thread::spawn(move || drop(batches)).join().expect("dropping is all it does");
    assert_eq!(counts.made_and_gone(), made);
}

/// Failures keep their slots until their turn, so they are bounded as well.
#[test]
fn a_set_that_fails_throughout_ends() {
    let counts = Counts::leaked();
    let fail = |_: &mut (), position: usize, _, _: &mut Slot| Err::<(), _>(position);
    let (failed, _) = within_patience(move || {
        run(
            &config(4, 3, 2),
            0..1000,
            || counts.slot(),
            || (),
            fail,
            |receiver| {
                receiver
                    .flat_map(|it| {
                        assert!(it.batch.is_empty());
                        it.failures.into_iter().map(|it| it.position)
                    })
                    .collect::<Vec<_>>()
            },
        )
    });
    assert!(failed.into_iter().eq(0..1000));
    assert!(counts.made_and_gone() <= 6, "{counts:?}");
}

#[test]
fn work_sees_what_the_slot_held_before() {
    let work = |_: &mut (), _, item: usize, slot: &mut Vec<usize>| {
        slot.push(item);
        Ok::<_, ()>(())
    };
    let consume = |receiver: &mut calibrant_prefetch::Receiver<Vec<usize>, ()>| {
        receiver.map(|it| it.batch[0].clone()).collect::<Vec<_>>()
    };
    let (slots, _) = run(&config(1, 1, 1), 0..3, Vec::new, || (), work, consume);
    assert_eq!(slots, [vec![0], vec![0, 1], vec![0, 1, 2]]);
}
