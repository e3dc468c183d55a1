//! Every item comes out once, in order, whatever the sizes, the failures and the end.

use std::collections::VecDeque;
use std::thread;

use calibrant_prefetch::{Delivery, WorkError};
use proptest::prelude::*;

use crate::{config, copy, run, within_patience};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Succeeds,
    Fails,
    Panics,
}

#[derive(Debug, Clone)]
struct Case {
    sizes: [usize; 3],
    fates: Vec<Fate>,
    /// Batches after which the consumer leaves.
    leaves_after: usize,
    /// Batches that the consumer keeps while it asks for the next.
    keeps: usize,
}

fn case() -> impl Strategy<Value = Case> {
    let fate = prop_oneof![
        8 => Just(Fate::Succeeds),
        2 => Just(Fate::Fails),
        1 => Just(Fate::Panics),
    ];
    let sizes = (1..5_usize, 1..6_usize, 1..4_usize);
    let fates = prop::collection::vec(fate, 0..60);
    (sizes, fates, prop_oneof![Just(usize::MAX), 0..12_usize], any::<prop::sample::Index>())
        .prop_map(|((workers, batch_size, in_flight), fates, leaves_after, keeps)| Case {
            sizes: [workers, batch_size, in_flight],
            fates,
            leaves_after,
            keeps: keeps.index(in_flight),
        })
}

/// What one delivery covered, as the naive twin computes it too: its start, the values, the failed
/// positions with their words.
type Seen = (usize, Vec<usize>, Vec<(usize, String)>);

fn seen(delivery: &Delivery<usize, String>) -> Seen {
    let failures = delivery.failures.iter().map(|it| match &it.error {
        WorkError::Failed(error) => (it.position, error.clone()),
        WorkError::Panicked { message } => (it.position, message.clone()),
    });
    (delivery.start, delivery.batch.to_vec(), failures.collect())
}

fn through_the_pipeline(case: &Case) -> Vec<Seen> {
    let [workers, batch_size, in_flight] = case.sizes;
    let consume = |receiver: &mut calibrant_prefetch::Receiver<_, _>| {
        let mut kept = VecDeque::new();
        let mut all = Vec::new();
        for delivery in receiver.take(case.leaves_after) {
            all.push(seen(&delivery));
            kept.push_back(delivery);
            if kept.len() > case.keeps {
                kept.pop_front();
            }
        }
        all
    };
    let (all, _) = run(
        &config(workers, batch_size, in_flight),
        case.fates.iter(),
        || usize::MAX,
        || (),
        |(), position, fate, slot| {
            // Later positions overtake earlier ones.
            (0..position % 4).for_each(|_| thread::yield_now());
            match fate {
                Fate::Succeeds => {
                    *slot = position * 10;
                    Ok(())
                }
                Fate::Fails => Err(format!("failed {position}")),
                Fate::Panics => std::panic::resume_unwind(Box::new(format!("panicked {position}"))),
            }
        },
        consume,
    );
    all
}

fn naively(case: &Case) -> Vec<Seen> {
    let chunks = case.fates.chunks(case.sizes[1]).enumerate();
    let deliveries = chunks.map(|(idx, fates)| {
        let start = idx * case.sizes[1];
        let mut seen: Seen = (start, vec![], vec![]);
        for (position, fate) in (start..).zip(fates) {
            match fate {
                Fate::Succeeds => seen.1.push(position * 10),
                Fate::Fails => seen.2.push((position, format!("failed {position}"))),
                Fate::Panics => seen.2.push((position, format!("panicked {position}"))),
            }
        }
        seen
    });
    deliveries.take(case.leaves_after).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn deliveries_match_naive(case in case()) {
        let expected = naively(&case);
        let shown = format!("{case:?}");
        let actual = within_patience(move || through_the_pipeline(&case));
        prop_assert_eq!(actual, expected, "{}", shown);
    }
}

#[test]
fn the_last_batch_is_short_and_never_padded() {
    let lengths = |n_items: usize| {
        let consume = |receiver: &mut calibrant_prefetch::Receiver<_, _>| {
            receiver.map(|it| it.batch.len()).collect::<Vec<_>>()
        };
        run(&config(2, 4, 2), 0..n_items, || 0, || (), copy, consume).0
    };
    let cases: [(usize, &[usize]); 5] =
        [(0, &[]), (1, &[1]), (4, &[4]), (9, &[4, 4, 1]), (12, &[4, 4, 4])];
    for (n_items, expected) in cases {
        assert_eq!(lengths(n_items), expected, "{n_items} items");
    }
}

#[test]
fn the_end_is_the_end() {
    let (after, _) = run(
        &config(2, 2, 2),
        0..3,
        || 0,
        || (),
        copy,
        |receiver| {
            let batches = receiver.by_ref().count();
            (batches, receiver.next().is_none(), receiver.next().is_none())
        },
    );
    assert_eq!(after, (2, true, true));
}
