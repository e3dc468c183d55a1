//! Spreads the samples of a source over workers, and adds up what they saw.

use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;
use std::{io, panic};

use calibrant_calibration::{
    BackendError, BatchSource, Histograms, NonFinite, Sample, SourceError, Statistics,
    TensorStatistics,
};
use calibrant_prefetch::Batch;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use rten::{RunOptions, ThreadPool, Value};
use rten_tensor::AsView as _;

use crate::demand::bytes_of;
use crate::embedded::{Embedded, NAME};
use crate::error::{NoRoom, SetupFailed, StepError};
use crate::observed::From;
use crate::run::{Budget, Ended, Machine, Stop};

/// How often the source is asked whether to stop while samples are being run.
const POLL: Duration = Duration::from_millis(50);

/// Bytes of one tensor's statistics, and of TensorRT's own histogram beside them.
const STATISTICS_BYTES: u64 = 33 << 10;

/// Samples of one batch that run together; the batch goes home with the last of its jobs.
struct Job {
    batch: Arc<Batch<Sample>>,
    samples: Range<usize>,
}

/// What one worker saw.
struct Seen {
    samples: u64,
    /// By place among the observed tensors.
    tensors: Vec<TensorStatistics>,
}

/// Why a worker stopped, and at which sample's position.
type Failure = (usize, BackendError);

/// What all workers share.
#[derive(Clone, Copy)]
struct Shared<'a> {
    backend: &'a Embedded,
    /// Constants that are no weights.
    made: &'a [Value],
    budget: Budget,
}

/// The batches of a source, one of which may be run twice.
struct Batches<'a> {
    source: &'a mut dyn BatchSource,
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

/// Runs all batches of `source` through `backend`.
pub(crate) fn calibrate(
    backend: &Embedded,
    source: &mut dyn BatchSource,
) -> Result<Statistics, BackendError> {
    let budget = budget(backend).map_err(runtime)?;
    let made = setup(backend, budget, source)?;
    let shared = Shared { backend, made: &made, budget };
    let blank = vec![TensorStatistics::new(); backend.observed.len()];
    let mut batches = Batches { source, held: None, only_held: false };
    match backend.options.histograms {
        Histograms::Invariant => Ok(named(backend, run_all(shared, &blank, &mut batches)?)),
        Histograms::AndFaithful => after_first_batch(shared, &blank, &mut batches),
    }
}

/// Runs the first batch for the magnitudes in it, then all batches, that one included, with bins as wide as they say.
fn after_first_batch(
    shared: Shared<'_>,
    blank: &[TensorStatistics],
    batches: &mut Batches<'_>,
) -> Result<Statistics, BackendError> {
    let first = loop {
        match batches.next()? {
            Some(batch) if batch.is_empty() => {}
            Some(batch) => break batch,
            None => return Ok(Statistics::default()),
        }
    };
    (batches.held, batches.only_held) = (Some(Arc::clone(&first)), true);
    let seen = run_all(shared, blank, batches)?;
    let widths = seen.tensors.iter().map(TensorStatistics::magnitude);
    let blank: Vec<_> = widths.map(TensorStatistics::after_first_batch).collect();
    let first_batch = first.iter().map(|sample| sample.name.to_string()).collect();
    (batches.held, batches.only_held) = (Some(first), false);
    let seen = run_all(shared, &blank, batches)?;
    Ok(Statistics { first_batch, ..named(shared.backend, seen) })
}

/// What is left for each worker of the memory that the network may take.
fn budget(backend: &Embedded) -> Result<Budget, NoRoom> {
    let workers = backend.options.workers.get();
    let weights = backend.program.constants.iter().map(|value| bytes_of(&value.as_view()));
    let by_values = backend.observed.iter().filter(|seen| seen.from == From::Values).count();
    let histograms = match backend.options.histograms {
        Histograms::Invariant => 1,
        Histograms::AndFaithful => 2,
    };
    let statistics = [by_values as u64, workers as u64 + 1, histograms, STATISTICS_BYTES];
    let statistics = statistics.into_iter().fold(1, u64::saturating_mul);
    let needed = weights.fold(statistics, u64::saturating_add);
    let budget = backend.options.memory_bytes;
    match budget.checked_sub(needed) {
        Some(rest) => Ok(Budget { bytes: rest / workers as u64, workers }),
        None => Err(NoRoom { tensors: backend.observed.len(), needed, budget }),
    }
}

/// Computes what no sample changes.
fn setup(
    backend: &Embedded,
    budget: Budget,
    source: &mut dyn BatchSource,
) -> Result<Vec<Value>, BackendError> {
    let program = &backend.program;
    if program.setup.steps.is_empty() {
        return Ok(Vec::new());
    }
    let (alive, stop) = stop();
    let (done, finished) = bounded::<Infallible>(0);
    let made = thread::scope(|scope| {
        let work = move || {
            let made = on_worker(|on| {
                let mut machine = Machine::new(program, &[], &[], on, &stop, budget);
                machine.run(&program.setup, &mut |_, _| Ok(()))
            });
            drop(done);
            made
        };
        let worker = spawn(scope, work)?;
        let mut alive = Some(alive);
        while finished.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
            if source.is_cancelled() {
                alive = None;
            }
        }
        drop(alive);
        Ok::<_, BackendError>(joined(worker))
    })?;
    made.map_err(|ended| match ended {
        Ended::Failed { label, error } => {
            runtime(SetupFailed { node: program.labels[label].label.clone(), source: error })
        }
        Ended::Stopped | Ended::NonFinite { .. } => SourceError::cancelled().into(),
    })
}

/// Runs the batches on all workers, each of which begins with the statistics in `blank`.
fn run_all(
    shared: Shared<'_>,
    blank: &[TensorStatistics],
    batches: &mut Batches<'_>,
) -> Result<Seen, BackendError> {
    let n_workers = shared.backend.options.workers.get();
    let (jobs, work) = bounded(n_workers);
    let (failed, failures) = bounded(n_workers);
    let (alive, stop) = stop();
    thread::scope(|scope| {
        let mut workers = Vec::with_capacity(n_workers);
        for _ in 0..n_workers {
            let (work, failed, stop) = (work.clone(), failed.clone(), stop.clone());
            let blank = blank.to_vec();
            let worker = move || on_worker(|on| run_jobs(shared, on, &stop, blank, &work, &failed));
            // Those that have begun find no jobs and end.
            workers.push(spawn(scope, worker)?);
        }
        drop(failed);
        let together = shared.backend.options.samples_per_run.get();
        let fed = feed(together, batches, &jobs, &failures);
        drop(jobs);
        let mut alive = Some(alive);
        if fed.is_err() {
            alive = None;
        }
        if !matches!(fed, Ok(None)) {
            // What still waits is not worth starting.
            work.try_iter().for_each(drop);
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
        let seen: Vec<Seen> = workers.into_iter().map(joined).collect();
        if was_cancelled {
            return Err(SourceError::cancelled().into());
        }
        // Of several failures the one of the earliest sample, so that a mistake is named alike on every run.
        if let Some((_, error)) = failed.into_iter().min_by_key(|(position, _)| *position) {
            return Err(error);
        }
        Ok(total(shared.backend, blank, seen))
    })
}

/// Pulls batches and hands out their samples until the source ends, or a worker fails.
fn feed(
    together: usize,
    batches: &mut Batches<'_>,
    jobs: &Sender<Job>,
    failures: &Receiver<Failure>,
) -> Result<Option<Failure>, BackendError> {
    while let Some(batch) = batches.next()? {
        for start in (0..batch.len()).step_by(together) {
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

/// Runs jobs until there are no more, or one fails.
fn run_jobs(
    shared: Shared<'_>,
    on: &RunOptions,
    stop: &Stop,
    blank: Vec<TensorStatistics>,
    work: &Receiver<Job>,
    failed: &Sender<Failure>,
) -> Seen {
    let mut seen = Seen { samples: 0, tensors: blank };
    for job in work {
        let Some((first, others)) = job.batch[job.samples.clone()].split_first() else { continue };
        let run = Run { shared, on, stop, first, others };
        if let Err(error) = run.observe(&mut seen.tensors) {
            // There is a place for one failure of every worker.
            drop(failed.try_send((first.position, error)));
            break;
        }
        seen.samples += job.samples.len() as u64;
    }
    seen
}

/// Some samples on their way through the network.
struct Run<'a> {
    shared: Shared<'a>,
    on: &'a RunOptions,
    stop: &'a Stop,
    first: &'a Sample,
    others: &'a [Sample],
}

impl Run<'_> {
    /// Runs all nodes; each tensor is observed when it is made and dropped after its last use.
    fn observe(&self, seen: &mut [TensorStatistics]) -> Result<(), BackendError> {
        let Shared { backend, made, budget } = self.shared;
        let program = &backend.program;
        let inputs = backend.inputs.iter().map(|input| input.prepare(self.first, self.others));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        for (planned, prepared) in program.inputs.iter().zip(&inputs) {
            if let (Some(place), Some(values)) = (planned.observed, prepared.floats()) {
                seen[place].observe(values).map_err(|bad| self.non_finite(place, bad))?;
            }
        }
        let mut machine = Machine::new(program, made, &inputs, self.on, self.stop, budget);
        let mut see = |place: usize, value: &Value| match value {
            Value::FloatTensor(values) => seen[place].observe(&values.to_slice()),
            _ => Ok(()),
        };
        match machine.run(&program.main, &mut see) {
            Ok(_) => Ok(()),
            Err(Ended::Stopped) => Err(SourceError::cancelled().into()),
            Err(Ended::NonFinite { place, bad }) => Err(self.non_finite(place, bad)),
            Err(Ended::Failed { label, error }) => Err(self.execution(label, error)),
        }
    }

    fn non_finite(&self, place: usize, NonFinite { value, index }: NonFinite) -> BackendError {
        let tensor = self.shared.backend.observed[place].name.clone();
        BackendError::NonFinite { tensor, sample: self.sample(), value, index }
    }

    fn execution(&self, label: usize, error: StepError) -> BackendError {
        let label = &self.shared.backend.program.labels[label];
        let (node, operator) = (label.name.clone(), label.operator.clone());
        BackendError::Execution { node, operator, sample: self.sample(), source: error.into() }
    }

    fn sample(&self) -> String {
        let samples = std::iter::once(self.first).chain(self.others);
        samples.map(|sample| &*sample.name).collect::<Vec<_>>().join(", ")
    }
}

/// Adds up what the workers saw, and what follows from it for the tensors that only move values about.
fn total(
    backend: &Embedded,
    blank: &[TensorStatistics],
    seen: impl IntoIterator<Item = Seen>,
) -> Seen {
    let mut total = Seen { samples: 0, tensors: blank.to_vec() };
    for seen in seen {
        total.samples += seen.samples;
        for (sum, part) in total.tensors.iter_mut().zip(&seen.tensors) {
            sum.merge(part);
        }
    }
    for (place, observed) in backend.observed.iter().enumerate() {
        let From::Tensors(sources) = &observed.from else { continue };
        let mut sum = TensorStatistics::new();
        sources.iter().for_each(|&source| sum.merge(&total.tensors[source]));
        total.tensors[place] = sum;
    }
    total
}

/// The statistics of the tensors that had values, by name.
fn named(backend: &Embedded, seen: Seen) -> Statistics {
    let named = backend.observed.iter().map(|observed| observed.name.clone()).zip(seen.tensors);
    Statistics {
        samples: seen.samples,
        tensors: named.filter(|(_, seen)| seen.count() > 0).collect(),
        first_batch: Vec::new(),
    }
}

/// Both ends of the signal to stop: it is given by dropping the first.
fn stop() -> (Sender<Infallible>, Stop) {
    let (alive, stop) = bounded(0);
    (alive, Stop(stop))
}

/// Calls `work` on a thread of the executor's own.
fn on_worker<R: Send>(work: impl FnOnce(&RunOptions) -> R + Send) -> R {
    let pool = Arc::new(ThreadPool::with_num_threads(1));
    let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&pool)));
    // Inside the pool a run finds itself on the right thread; from outside each operator would be sent across.
    pool.run(|| work(&options))
}

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, BackendError> {
    thread::Builder::new().spawn_scoped(scope, work).map_err(|source| runtime(NoThread(source)))
}

fn joined<T>(worker: ScopedJoinHandle<'_, T>) -> T {
    worker.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
}

/// A worker that cannot begin.
#[derive(Debug, thiserror::Error)]
#[error("a worker thread cannot be started; lower --workers")]
struct NoThread(#[source] io::Error);

fn runtime(source: impl std::error::Error + Send + Sync + 'static) -> BackendError {
    BackendError::Runtime { backend: NAME.to_owned(), source: source.into() }
}
