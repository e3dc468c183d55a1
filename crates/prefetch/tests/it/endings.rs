//! Ends that are not the input's: a consumer that leaves, and panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use calibrant_prefetch::{Failure, Receiver, WorkError};

use crate::{config, copy, run, within_patience};

/// What a pipeline that must panic says.
fn words(body: impl FnOnce() + Send + 'static) -> String {
    let payload = within_patience(move || {
        catch_unwind(AssertUnwindSafe(body)).map_err(|it| it.downcast::<&str>())
    });
    payload.expect_err("it must panic").expect("with these words").to_string()
}

#[test]
fn a_consumer_that_leaves_stops_an_endless_input() {
    let (sum, stats) = within_patience(|| {
        run(
            &config(3, 2, 2),
            0..,
            || 0,
            || (),
            copy,
            |receiver| receiver.take(3).flat_map(|it| it.batch.to_vec()).sum::<usize>(),
        )
    });
    assert_eq!(sum, 15);
    assert_eq!(stats.consume.items, 6);
    // Two slots more than were delivered, and at most one sample more for each worker.
    assert!((6..=6 + 4 + 3).contains(&stats.work.items), "{stats:?}");
}

#[test]
fn a_consumer_that_wants_nothing_gets_nothing() {
    let ((), stats) = within_patience(|| run(&config(2, 2, 2), 0.., || 0, || (), copy, |_| ()));
    assert_eq!(stats.consume.items, 0);
}

#[test]
fn a_panic_in_work_is_a_failure_and_the_scratch_is_made_anew() {
    static SCRATCHES: AtomicUsize = AtomicUsize::new(0);
    let scratch = || {
        SCRATCHES.fetch_add(1, SeqCst);
        false
    };
    let work = |spoilt: &mut bool, _: usize, item: usize, slot: &mut usize| {
        assert!(!*spoilt, "a spoilt scratch was used again");
        *spoilt = item == 3;
        assert!(item != 3, "three is too many");
        *slot = item;
        Ok::<_, ()>(())
    };
    let consume = |receiver: &mut Receiver<usize, ()>| {
        receiver.map(|it| (it.batch.to_vec(), it.failures)).collect::<Vec<_>>()
    };
    let (deliveries, _) = run(&config(1, 2, 2), 0..6, || 0, scratch, work, consume);
    let message = "three is too many".to_owned();
    let failure = Failure { position: 3, error: WorkError::Panicked { message } };
    assert_eq!(deliveries, [(vec![0, 1], vec![]), (vec![2], vec![failure]), (vec![4, 5], vec![])]);
    assert_eq!(SCRATCHES.load(SeqCst), 2);
}

/// The items before it may come through, but the end never looks like the input's.
#[test]
fn a_panic_in_the_iterator_is_the_consumers() {
    let words = words(|| {
        let items = (0..100_usize).inspect(|&it| assert!(it != 50, "the source broke"));
        run(
            &config(2, 4, 2),
            items,
            || 0,
            || (),
            copy,
            |receiver| {
                let n_items: usize = receiver.map(|it| it.batch.len()).sum();
                panic!("an end after {n_items} items")
            },
        );
    });
    assert_eq!(words, "the source broke");
}

#[test]
fn a_panic_in_a_constructor_is_the_consumers() {
    let consume = |receiver: &mut Receiver<usize, ()>| receiver.count();
    let slot = words(move || {
        run(&config(2, 4, 2), 0..100, || panic!("no slot"), || (), copy, consume);
    });
    assert_eq!(slot, "no slot");
    let scratch = words(move || {
        run(&config(2, 4, 2), 0..100, || 0, || panic!("no scratch"), copy, consume);
    });
    assert_eq!(scratch, "no scratch");
}

#[test]
fn a_panic_in_the_consumer_stops_the_rest() {
    let words = words(|| {
        run(
            &config(2, 4, 2),
            0..,
            || 0,
            || (),
            copy,
            |receiver| {
                receiver.next();
                panic!("enough")
            },
        );
    });
    assert_eq!(words, "enough");
}

/// After such a panic the receiver has nothing more to give, and does not wait for it either.
#[test]
fn a_consumer_that_survives_the_panic_sees_the_end() {
    let (after, _) = within_patience(|| {
        let items = (0..).inspect(|&it| assert!(it != 5, "the source broke"));
        run(
            &config(2, 1, 1),
            items,
            || 0,
            || (),
            copy,
            |receiver| {
                let broken = catch_unwind(AssertUnwindSafe(|| receiver.count()));
                (broken.is_err(), receiver.next().is_none())
            },
        )
    });
    assert_eq!(after, (true, true));
}

#[test]
fn a_token_of_the_callers_cancels() {
    let cancelled = AtomicUsize::new(0);
    let items = (0..).take_while(|_| cancelled.load(SeqCst) == 0);
    let ((), stats) = run(
        &config(2, 2, 2),
        items,
        || 0,
        || (),
        copy,
        |receiver| {
            for delivery in receiver {
                if delivery.start >= 10 {
                    cancelled.store(1, SeqCst);
                }
            }
        },
    );
    assert!(stats.consume.items >= 12, "what was on its way is delivered: {stats:?}");
    assert_eq!(stats.consume.items, stats.feed.items);
}
