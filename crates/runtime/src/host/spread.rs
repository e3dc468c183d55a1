//! Spreads the samples of a source over workers, and adds up what they saw.

use std::convert::Infallible;
use std::ops::Range;
use std::panic;
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use calibrant_calibration::{Histograms, TensorStatistics};
use calibrant_prefetch::Batch;
use calibrant_tensor::{Tensor, TensorData};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, select};

use super::copies::without_copies;
use super::{From, Observed};
use crate::{
    LeftOut, Observations, Reduction, RunError, Sample, Seen, Settings, Shortage, Source,
    SourceError,
};

/// How often the source is asked whether to stop while samples are being run.
const POLL: Duration = Duration::from_millis(50);

/// What is run, and by how many.
#[derive(Debug, Clone, Copy)]
pub struct Spread<'a> {
    /// What messages call the runtime.
    pub runtime: &'a str,
    /// The tensors that are observed, with what is wanted of them.
    pub observed: &'a [Observed],
    /// Workers, and samples that run together.
    pub settings: &'a Settings,
}

/// Tells a worker to stop, once the other end is gone.
#[derive(Debug, Clone)]
pub struct Stop(Receiver<Infallible>);

/// Samples of one batch that run together; the batch goes home with the last of its jobs.
struct Job {
    batch: Arc<Batch<Sample>>,
    samples: Range<usize>,
}

/// What there is to do for one worker.
#[derive(Debug)]
pub struct Jobs<'a> {
    observed: &'a [Observed],
    stop: Stop,
    blank: Vec<Reduction>,
    /// Samples that run together.
    together: usize,
    /// Whether samples that cannot be run are left out.
    leaves_out: bool,
    work: Receiver<Job>,
    failed: Sender<Failure>,
}

/// What one worker saw.
#[derive(Debug)]
pub struct Saw {
    samples: u64,
    /// Samples that were run again to fill up a run.
    copies: u64,
    /// By place among the observed tensors.
    tensors: Vec<Reduction>,
    /// Samples that none of it is of.
    left_out: Vec<LeftOut>,
}

/// Sees the observed tensors of some samples as they are made.
#[derive(Debug)]
pub struct Watch<'a> {
    observed: &'a [Observed],
    samples: &'a [Sample],
    /// Behind as many they are copies.
    n_samples: usize,
    seen: &'a mut [Reduction],
}

/// What a worker does.
type Work<'w> = dyn Fn(Jobs<'_>) -> Saw + Sync + 'w;

/// Why a worker stopped, and at which sample's position.
type Failure = (usize, RunError);

/// The batches of a source, one of which may be run twice.
struct Batches<'a> {
    source: &'a mut dyn Source,
    held: Option<Arc<Batch<Sample>>>,
    /// Whether the one that is held is all there is.
    only_held: bool,
}

impl Batches<'_> {
    fn next(&mut self) -> Result<Option<Arc<Batch<Sample>>>, SourceError> {
        match self.held.take() {
            Some(held) => Ok(Some(held)),
            None if self.only_held => Ok(None),
            None => Ok(self.source.next_batch()?.map(Arc::new)),
        }
    }
}

/// Runs all batches of `source`: each worker calls `work` once, and does its jobs there.
///
/// Where TensorRT's own histograms are wanted, the first batch is run twice: the widths of their bins must be known before
/// any value is counted.
///
/// # Errors
///
/// Those of the source and of `work`; of several samples at fault the earliest is named.
pub fn spread(
    run: Spread<'_>,
    source: &mut dyn Source,
    work: impl Fn(Jobs<'_>) -> Saw + Sync,
) -> Result<Observations, RunError> {
    let mut batches = Batches { source, held: None, only_held: false };
    let faithful = Some(Histograms::AndFaithful);
    let (mut saw, first_batch) =
        if run.observed.iter().any(|seen| seen.task.histograms() == faithful) {
            after_first_batch(run, &work, &mut batches)?
        } else {
            (run_all(run, &work, &blank(run.observed), &mut batches)?, Vec::new())
        };
    saw.left_out.sort_by_key(LeftOut::position);
    saw.left_out.drain(..).for_each(|left_out| batches.source.left_out(left_out));
    let mut observations = named(run.observed, saw);
    observations.statistics.first_batch = first_batch;
    Ok(observations)
}

/// Runs the first batch of which something can be run for the magnitudes in it, then all batches, that one included, with
/// bins as wide as they say. Returns the names of that batch's samples beside what was seen.
fn after_first_batch(
    run: Spread<'_>,
    work: &Work<'_>,
    batches: &mut Batches<'_>,
) -> Result<(Saw, Vec<String>), RunError> {
    let alone = |observed: &Observed| Observed {
        task: observed.task.statistics_alone(),
        ..observed.clone()
    };
    let observed: Vec<_> = run.observed.iter().map(alone).collect();
    let alone = Spread { observed: &observed, ..run };
    let mut left_out = Vec::new();
    while let Some(first) = batches.next()? {
        (batches.held, batches.only_held) = (Some(Arc::clone(&first)), true);
        let saw = run_all(alone, work, &blank(&observed), batches)?;
        batches.only_held = false;
        if saw.samples == 0 {
            left_out.extend(saw.left_out);
            continue;
        }
        let widths = run.observed.iter().zip(&saw.tensors);
        let blank: Vec<_> =
            widths.map(|(observed, seen)| observed.task.blank(Some(seen))).collect();
        let is_left_out = |sample: &&Sample| {
            let mut positions = saw.left_out.iter().flat_map(|it| &it.samples);
            positions.any(|(position, _)| *position == sample.position)
        };
        let used = first.iter().filter(|sample| !is_left_out(sample));
        let first_batch = used.map(|sample| sample.name.to_string()).collect();
        batches.held = Some(first);
        let mut saw = run_all(run, work, &blank, batches)?;
        saw.left_out.extend(left_out);
        return Ok((saw, first_batch));
    }
    Ok((Saw { samples: 0, copies: 0, tensors: blank(&observed), left_out }, Vec::new()))
}

fn blank(observed: &[Observed]) -> Vec<Reduction> {
    observed.iter().map(|observed| observed.task.blank(None)).collect()
}

/// Does something on a thread of its own, which is told to stop when the source says so.
///
/// # Errors
///
/// When the thread cannot be started.
pub fn beside<T: Send>(
    runtime: &str,
    source: &mut dyn Source,
    work: impl FnOnce(&Stop) -> T + Send,
) -> Result<T, RunError> {
    let (alive, stop) = stop();
    let (done, finished) = bounded::<Infallible>(0);
    thread::scope(|scope| {
        let work = move || {
            let made = work(&stop);
            drop(done);
            made
        };
        let worker = spawn(runtime, scope, work)?;
        let mut alive = Some(alive);
        while finished.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
            if source.is_cancelled() {
                alive = None;
            }
        }
        drop(alive);
        Ok(joined(worker))
    })
}

/// Runs the batches on all workers, each of which begins with the statistics in `blank`.
fn run_all(
    run: Spread<'_>,
    work: &Work<'_>,
    blank: &[Reduction],
    batches: &mut Batches<'_>,
) -> Result<Saw, RunError> {
    let n_workers = run.settings.workers.get();
    let leaves_out = batches.source.leaves_out();
    let (jobs, waiting) = bounded(n_workers);
    let (failed, failures) = bounded(n_workers);
    let (alive, stop) = stop();
    thread::scope(|scope| {
        let mut workers = Vec::with_capacity(n_workers);
        for _ in 0..n_workers {
            let jobs = Jobs {
                observed: run.observed,
                stop: stop.clone(),
                blank: blank.to_vec(),
                together: run.settings.samples_per_run.get(),
                leaves_out,
                work: waiting.clone(),
                failed: failed.clone(),
            };
            // Those that have begun find no jobs and end.
            workers.push(spawn(run.runtime, scope, move || work(jobs))?);
        }
        drop(failed);
        let together = run.settings.samples_per_run.get();
        let fed = feed(together, batches, &jobs, &failures);
        drop(jobs);
        let mut alive = Some(alive);
        if fed.is_err() {
            alive = None;
        }
        if !matches!(fed, Ok(None)) {
            // What still waits is not worth starting.
            waiting.try_iter().for_each(drop);
        }
        let mut failed: Vec<Failure> = fed?.into_iter().collect();
        loop {
            match failures.recv_timeout(POLL) {
                Ok(failure) => failed.push(failure),
                Err(RecvTimeoutError::Timeout) if batches.source.is_cancelled() => alive = None,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let was_cancelled = alive.is_none();
        let seen: Vec<Saw> = workers.into_iter().map(joined).collect();
        if was_cancelled {
            return Err(SourceError::cancelled().into());
        }
        // Of several failures the one of the earliest sample, so that a mistake is named alike on every run.
        if let Some((_, error)) = failed.into_iter().min_by_key(|(position, _)| *position) {
            return Err(error);
        }
        Ok(total(run.observed, blank, seen))
    })
}

/// Pulls batches and hands out their samples until the source ends, or a worker fails.
fn feed(
    together: usize,
    batches: &mut Batches<'_>,
    jobs: &Sender<Job>,
    failures: &Receiver<Failure>,
) -> Result<Option<Failure>, RunError> {
    while let Some(batch) = batches.next()? {
        for start in (0..batch.len()).step_by(together) {
            if batches.source.is_cancelled() {
                return Err(SourceError::cancelled().into());
            }
            let samples = start..batch.len().min(start + together);
            let job = Job { batch: Arc::clone(&batch), samples };
            loop {
                select! {
                    send(jobs, job) -> sent => match sent {
                        Ok(()) => break,
                        Err(_) => return Ok(None),
                    },
                    recv(failures) -> failure => return Ok(failure.ok()),
                    default(POLL) => if batches.source.is_cancelled() {
                        return Err(SourceError::cancelled().into());
                    },
                }
            }
        }
    }
    Ok(None)
}

impl Jobs<'_> {
    /// Tells when to stop in the middle of a job.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Does jobs, each a few samples that run together and what sees their tensors, until there are no more or one fails
    /// and is not left out.
    ///
    /// Where fewer are left than run together, they are filled up with copies of their own, which count nothing.
    pub fn each(
        self,
        mut run: impl FnMut(&[Sample], &mut Watch<'_>) -> Result<(), RunError>,
    ) -> Saw {
        let Self { observed, blank, together, leaves_out, work, failed, .. } = self;
        let mut saw = Saw { samples: 0, copies: 0, tensors: blank.clone(), left_out: Vec::new() };
        for job in work {
            let alone = &job.batch[job.samples.clone()];
            let Some(first) = alone.first() else { continue };
            let n_samples = alone.len();
            let filled: Vec<Sample>;
            let samples = if n_samples < together {
                filled = alone.iter().cycle().take(together).cloned().collect();
                &filled
            } else {
                alone
            };
            // What may have to be left out is seen apart until nothing is left that could fail.
            let mut apart = leaves_out.then(|| blank.clone());
            let seen = apart.as_mut().unwrap_or(&mut saw.tensors);
            let ran = run(samples, &mut Watch { observed, samples, n_samples, seen });
            match ran {
                Ok(()) => {
                    let parts = apart.iter().flatten();
                    saw.tensors.iter_mut().zip(parts).for_each(|(sum, part)| sum.merge(part));
                    saw.samples += n_samples as u64;
                    saw.copies += (samples.len() - n_samples) as u64;
                }
                Err(error) if leaves_out && error.is_of_samples() => {
                    let names = alone.iter().map(|it| (it.position, Arc::clone(&it.name)));
                    saw.left_out.push(LeftOut { samples: names.collect(), error });
                }
                Err(error) => {
                    // There is a place for one failure of every worker.
                    drop(failed.try_send((first.position, error)));
                    break;
                }
            }
        }
        saw
    }
}

impl Watch<'_> {
    /// Makes of a tensor, which is the observed one of this place, what is wanted of it.
    ///
    /// # Errors
    ///
    /// As [`Task::observe`](crate::Task::observe).
    pub fn see(&mut self, place: usize, shape: &[usize], values: &[f32]) -> Result<(), RunError> {
        let Observed { name, task, masks, .. } = &self.observed[place];
        let (samples, into) = (&self.samples[..self.n_samples], &mut self.seen[place]);
        let made = Seen { tensor: name, samples, shape, values };
        let copies = self.samples.len() - self.n_samples;
        let without = || without_copies(shape, values, self.n_samples, copies);
        let outcome = match (copies > 0).then(without) {
            None => task.observe(into, &made),
            Some(Some((shape, values))) => {
                task.observe(into, &Seen { shape: &shape, values: &values, ..made })
            }
            Some(None) => {
                into.counts_copies = true;
                task.observe(into, &made)
            }
        };
        match outcome {
            Err(RunError::NonFinite { .. })
                if !task.wants_places() && is_masked(values, masks, samples) =>
            {
                into.hide();
                Ok(())
            }
            outcome => outcome,
        }
    }
}

impl Stop {
    /// Whether to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// Does `work`, and calls `end` from another thread when it is to stop meanwhile: for work that asks nobody.
    pub fn ending<T>(&self, end: impl Fn() + Send, work: impl FnOnce() -> T) -> T {
        let (working, done) = bounded::<Infallible>(0);
        thread::scope(|scope| {
            let watch = move || {
                select! {
                    recv(self.0) -> _ => end(),
                    recv(done) -> _ => {}
                }
            };
            // Where no thread can be started, the work is finished first.
            let _ = thread::Builder::new().spawn_scoped(scope, watch);
            let made = work();
            drop(working);
            made
        })
    }
}

/// Whether values that are not all finite are so because samples put infinities into the inputs called `masks`: a number
/// that is none never is.
fn is_masked(values: &[f32], masks: &[String], samples: &[Sample]) -> bool {
    let holds_infinity = |tensor: &Tensor| match &tensor.data {
        TensorData::F32(values) => values.iter().any(|value| value.is_infinite()),
        _ => false,
    };
    let mut inputs = samples.iter().flat_map(|sample| &sample.inputs);
    !values.iter().any(|value| value.is_nan())
        && inputs.any(|(name, tensor)| {
            masks.iter().any(|mask| **mask == **name) && holds_infinity(tensor)
        })
}

/// Adds up what the workers saw, and what follows from it for the tensors that only move values about.
fn total(observed: &[Observed], blank: &[Reduction], seen: impl IntoIterator<Item = Saw>) -> Saw {
    let mut total = Saw { samples: 0, copies: 0, tensors: blank.to_vec(), left_out: Vec::new() };
    for seen in seen {
        total.samples += seen.samples;
        total.copies += seen.copies;
        total.left_out.extend(seen.left_out);
        for (sum, part) in total.tensors.iter_mut().zip(&seen.tensors) {
            sum.merge(part);
        }
    }
    for (place, observed) in observed.iter().enumerate() {
        let From::Tensors(sources) = &observed.from else { continue };
        let mut sum = TensorStatistics::new();
        let found = sources.iter().filter_map(|&it| total.tensors[it].statistics.as_ref());
        found.for_each(|source| sum.merge(source));
        let any = |is: fn(&Reduction) -> bool| sources.iter().any(|&it| is(&total.tensors[it]));
        let (counts_copies, is_infinite) = (any(|it| it.counts_copies), any(|it| it.is_infinite));
        let statistics = (!is_infinite).then_some(sum);
        let found = Reduction { statistics, counts_copies, is_infinite, ..Reduction::default() };
        total.tensors[place] = found;
    }
    total
}

/// What was seen, by the tensors' names.
fn named(observed: &[Observed], seen: Saw) -> Observations {
    let mut observations = Observations::default();
    observations.statistics.samples = seen.samples;
    observations.copies = seen.copies;
    for (observed, seen) in observed.iter().zip(seen.tensors) {
        observations.add(&observed.name, seen);
    }
    observations
}

/// Both ends of the signal to stop: it is given by dropping the first.
fn stop() -> (Sender<Infallible>, Stop) {
    let (alive, stop) = bounded(0);
    (alive, Stop(stop))
}

fn spawn<'scope, T: Send + 'scope>(
    runtime: &str,
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, RunError> {
    thread::Builder::new().spawn_scoped(scope, work).map_err(|source| RunError::Runtime {
        runtime: runtime.to_owned(),
        source: Shortage::Thread(source).into(),
    })
}

fn joined<T>(worker: ScopedJoinHandle<'_, T>) -> T {
    worker.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
}
