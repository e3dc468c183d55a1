//! The threads and the channels between them.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver as Inbox, Sender as Outbox, bounded};

use crate::clock::Stopwatch;
use crate::home::{Home, Rack};
use crate::receiver::{Finished, Message};
use crate::{Clock, Receiver, Stage, StartError, Stats, WorkError};

/// The size of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Threads that do the work. There is one more for the iterator; the consumer runs on the
    /// caller's.
    pub workers: NonZeroUsize,
    /// Consecutive items per batch.
    pub batch_size: NonZeroUsize,
    /// Batches alive at once, the consumer's own among them: 1 lets work and consumption take
    /// turns, 2 lets them overlap.
    ///
    /// A consumer that holds this many and asks for another waits until one of them is dropped
    /// elsewhere.
    pub batches_in_flight: NonZeroUsize,
}

impl Config {
    /// How many slots there are: `batch_size × batches_in_flight`.
    #[must_use]
    pub fn n_slots(&self) -> NonZeroUsize {
        self.batch_size.saturating_mul(self.batches_in_flight)
    }
}

/// Runs the pipeline to its end and returns what the consumer returned, with the statistics.
///
/// * `new_slot` makes a slot; it is called at most [`n_slots`](Config::n_slots) times, on the workers'
///   threads but never on two at once. Each `batch_size` consecutive calls make the slots
///   of one batch, which stay together for good: in every batch that they serve, the slot of the
///   `i`-th call holds the `i`-th item, or is the gap where that failed.
/// * `new_scratch` makes what a worker keeps for itself from sample to sample; once per worker, and
///   again after a panic.
/// * `work` fills the slot from the item at a position (counted from 0). The slot comes as the
///   sample before, or a failed one, left it: `work` overwrites all of it.
/// * `consume` pulls deliveries, on the caller's thread. When it returns, the pipeline stops.
///
/// ```
/// use std::num::NonZeroUsize;
/// use calibrant_prefetch::{Config, run};
///
/// let size = |n| NonZeroUsize::new(n).expect("not zero");
/// let config = Config { workers: size(2), batch_size: size(3), batches_in_flight: size(2) };
/// let (sums, stats) = run(
///     &config,
///     1..=7_u32,
///     || 0,
///     || (),
///     |(), _position, item, slot| {
///         *slot = item * 10;
///         if item == 5 { Err("five") } else { Ok(()) }
///     },
///     |batches| batches.map(|it| (it.batch.iter().sum::<u32>(), it.failures.len())).collect::<Vec<_>>(),
/// )?;
/// assert_eq!(sums, [(60, 0), (100, 1), (70, 0)]);
/// assert_eq!(stats.work.items, 7);
/// # Ok::<(), calibrant_prefetch::StartError>(())
/// ```
///
/// # Errors
///
/// When the system starts fewer threads than there are workers, and one.
///
/// # Panics
///
/// When the iterator, a constructor or the consumer does, and when there cannot be as many slots as
/// asked for. A panic in `work` is a [`Failure`](crate::Failure) instead.
pub fn run<I, T, E, S, R>(
    config: &Config,
    items: impl Iterator<Item = I> + Send,
    new_slot: impl Fn() -> T + Sync,
    new_scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, I, &mut T) -> Result<(), E> + Sync,
    consume: impl FnOnce(&mut Receiver<T, E>) -> R,
) -> Result<(R, Stats), StartError>
where
    I: Send,
    T: Send,
    E: Send,
{
    run_with_clock(config, &Clock::monotonic(), items, new_slot, new_scratch, work, consume)
}

/// [`run`] with the statistics taken from a clock of the caller's.
///
/// # Errors
///
/// As [`run`].
///
/// # Panics
///
/// As [`run`], and when the clock does.
pub fn run_with_clock<I, T, E, S, R>(
    config: &Config,
    clock: &Clock,
    items: impl Iterator<Item = I> + Send,
    new_slot: impl Fn() -> T + Sync,
    new_scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, I, &mut T) -> Result<(), E> + Sync,
    consume: impl FnOnce(&mut Receiver<T, E>) -> R,
) -> Result<(R, Stats), StartError>
where
    I: Send,
    T: Send,
    E: Send,
{
    let workers = config.workers.get();
    let n_slots = config.n_slots();
    // A batch's worth of items waits, so that the threads need not take turns at every single one.
    let (job_outbox, job_inbox) = bounded(workers.max(config.batch_size.get()));
    // Every sample that is through holds a slot, every thread breaks at most once, and the iterator
    // ends once: sending never waits.
    let (finished_outbox, finished_inbox) = bounded(n_slots.get() + workers + 2);
    let (home, leaves) = Home::new(config, n_slots);

    let rack = Arc::clone(home.rack());
    let worker = Worker { jobs: job_inbox, leaves, rack, finished: finished_outbox.clone(), clock };
    let (new_slot, new_scratch, work) = (&new_slot, &new_scratch, &work);
    thread::scope(|scope| {
        let mut receiver = Receiver::new(finished_inbox, home, n_slots, config.batch_size, clock);
        // Where a thread is missing, this leaves the scope and drops both ends: the others stop.
        let missing = |started| {
            move |source| StartError { started, wanted: workers.saturating_add(1), source }
        };
        let feeder = thread::Builder::new().spawn_scoped(scope, move || {
            reporting(&finished_outbox, || feed(clock, items, &job_outbox, &finished_outbox))
        });
        let feeder = feeder.map_err(missing(0))?;
        let mut crew = Vec::new();
        for started in 0..workers {
            let worker = worker.clone();
            let hand = thread::Builder::new().spawn_scoped(scope, move || {
                reporting(&worker.finished, || worker.run(new_slot, new_scratch, work))
            });
            crew.push(hand.map_err(missing(started + 1))?);
        }
        // Only the threads may hold these ends: the last of them to leave closes the channels.
        drop(worker);

        let result = consume(&mut receiver);
        let mut stats = Stats { consume: receiver.finish(), workers, ..Stats::default() };
        stats.feed = join(feeder);
        for handle in crew {
            stats.work += join(handle);
        }
        Ok((result, stats))
    })
}

#[derive(Debug)]
struct Job<I> {
    position: usize,
    item: I,
}

/// The ends of the channels that a worker holds.
struct Worker<'clock, I, T, E> {
    jobs: Inbox<Job<I>>,
    leaves: Inbox<()>,
    rack: Arc<Rack<T>>,
    finished: Outbox<Message<T, E>>,
    clock: &'clock Clock,
}

impl<I, T, E> Clone for Worker<'_, I, T, E> {
    fn clone(&self) -> Self {
        Self {
            jobs: self.jobs.clone(),
            leaves: self.leaves.clone(),
            rack: Arc::clone(&self.rack),
            finished: self.finished.clone(),
            clock: self.clock,
        }
    }
}

impl<I, T, E> Worker<'_, I, T, E> {
    /// Works until the items or the consumer have gone.
    fn run<S>(
        &self,
        new_slot: &impl Fn() -> T,
        new_scratch: &impl Fn() -> S,
        work: &impl Fn(&mut S, usize, I, &mut T) -> Result<(), E>,
    ) -> Stage {
        let mut stage = Stage::default();
        let mut scratch = new_scratch();
        let mut watch = Stopwatch::start(self.clock);
        loop {
            // Leave for a slot first: positions are then given only to those who can finish them,
            // so the batch that is due never starves.
            let leave = self.leaves.recv();
            watch.lap(&mut stage.waiting_for_room);
            let Ok(()) = leave else { break };

            let job = self.jobs.recv();
            watch.lap(&mut stage.waiting_for_input);
            let Ok(Job { position, item }) = job else { break };

            let mut slot = self.rack.take(position, new_slot);
            let attempt = AssertUnwindSafe(|| work(&mut scratch, position, item, &mut slot));
            let outcome = match catch_unwind(attempt) {
                Ok(outcome) => outcome.map_err(WorkError::Failed),
                Err(payload) => {
                    scratch = new_scratch();
                    Err(WorkError::panicked(payload.as_ref()))
                }
            };
            watch.lap(&mut stage.busy);
            stage.items += 1;
            if self.finished.send(Message::Finished(position, Finished { slot, outcome })).is_err()
            {
                break;
            }
        }
        stage
    }
}

/// Hands out the items until they end or nobody takes them.
fn feed<I, T, E>(
    clock: &Clock,
    items: impl Iterator<Item = I>,
    jobs: &Outbox<Job<I>>,
    finished: &Outbox<Message<T, E>>,
) -> Stage {
    let mut stage = Stage::default();
    let mut watch = Stopwatch::start(clock);
    let mut position = 0;
    for item in items {
        watch.lap(&mut stage.busy);
        let sent = jobs.send(Job { position, item });
        watch.lap(&mut stage.waiting_for_room);
        if sent.is_err() {
            return stage;
        }
        position += 1;
        stage.items += 1;
    }
    watch.lap(&mut stage.busy);
    // A failure means that the consumer has gone, and with it the need to know.
    drop(finished.send(Message::End(position)));
    stage
}

/// Runs a thread's body; a panic is told to the consumer, who would wait for ever otherwise.
fn reporting<T, E>(finished: &Outbox<Message<T, E>>, body: impl FnOnce() -> Stage) -> Stage {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // A failure means that the consumer has gone; nobody is left to be misled.
        drop(finished.send(Message::Broken(payload)));
        Stage::default()
    })
}

fn join(handle: thread::ScopedJoinHandle<'_, Stage>) -> Stage {
    handle.join().unwrap_or_else(|payload| resume_unwind(payload))
}
