//! The pipeline as its callers see it.

mod endings;
mod order;
mod overlap;
mod pool;
mod stats;

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use calibrant_prefetch::{Batch, Config, Delivery, Receiver};
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
