//! The pipeline as its callers see it.

mod endings;
mod order;
mod overlap;
mod pool;
mod stats;

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use calibrant_prefetch::{Batch, Clock, Config, Delivery, Receiver, Stats};
use crossbeam_channel::bounded;

/// A backend may pull from a thread of its own, and drop what it pulled on another.
const _: () = {
    const fn sent<T: Send>() {}
    sent::<Batch<Vec<f32>>>();
    sent::<Delivery<Vec<f32>, std::io::Error>>();
    sent::<Receiver<Vec<f32>, std::io::Error>>();
};

/// No test takes a hundredth of this; one that does has locked up.
const PATIENCE: Duration = Duration::from_secs(60);

fn config(workers: usize, batch_size: usize, batches_in_flight: usize) -> Config {
    let size = |n| NonZeroUsize::new(n).expect("not zero");
    Config {
        workers: size(workers),
        batch_size: size(batch_size),
        batches_in_flight: size(batches_in_flight),
    }
}

/// [`calibrant_prefetch::run`] where the few threads of a test can be started.
fn run<I: Send, T: Send, E: Send, S, R>(
    config: &Config,
    items: impl Iterator<Item = I> + Send,
    new_slot: impl Fn() -> T + Sync,
    new_scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, I, &mut T) -> Result<(), E> + Sync,
    consume: impl FnOnce(&mut Receiver<T, E>) -> R,
) -> (R, Stats) {
    run_with_clock(config, &Clock::monotonic(), items, new_slot, new_scratch, work, consume)
}

/// [`calibrant_prefetch::run_with_clock`], likewise.
fn run_with_clock<I: Send, T: Send, E: Send, S, R>(
    config: &Config,
    clock: &Clock,
    items: impl Iterator<Item = I> + Send,
    new_slot: impl Fn() -> T + Sync,
    new_scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, I, &mut T) -> Result<(), E> + Sync,
    consume: impl FnOnce(&mut Receiver<T, E>) -> R,
) -> (R, Stats) {
    calibrant_prefetch::run_with_clock(config, clock, items, new_slot, new_scratch, work, consume)
        .expect("a few threads")
}

/// Work that cannot fail: the slot becomes the item.
fn copy(_: &mut (), _position: usize, item: usize, slot: &mut usize) -> Result<(), ()> {
    *slot = item;
    Ok(())
}

/// Runs a test on a thread of its own and fails it if it does not end.
fn within_patience<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (outbox, inbox) = bounded(1);
    let handle = thread::spawn(move || outbox.send(body()));
    match inbox.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(error) if error.is_timeout() => panic!("locked up"),
        Err(_) => {
            let payload = handle.join().expect_err("nothing was sent, so it panicked");
            std::panic::resume_unwind(payload)
        }
    }
}
