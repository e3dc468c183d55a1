//! Spreads the samples of a source over workers, and adds up what they saw.

use std::convert::Infallible;
use std::ops::Range;
use std::panic;
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use calibrant_calibration::{Histograms, TensorStatistics};
use calibrant_prefetch::Batch;
use calibrant_runtime::{
    Observations, Reduction, RunError, Sample, Seen as Made, Shortage, Source, SourceError,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use rten::{RunOptions, ThreadPool, Value};
use rten_tensor::{AsView as _, Layout as _};

use crate::demand::bytes_of;
use crate::error::{SetupFailed, StepError, failed};
use crate::loaded::Loaded;
use crate::observed::{From, Observed};
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
    tensors: Vec<Reduction>,
}

/// Why a worker stopped, and at which sample's position.
type Failure = (usize, RunError);

/// What all workers share.
#[derive(Clone, Copy)]
struct Shared<'a> {
    loaded: &'a Loaded,
    /// The tensors that are observed, with what is wanted of them in this pass.
    observed: &'a [Observed],
    /// Constants that are no weights.
    computed: &'a [Value],
    budget: Budget,
}

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

/// Runs all batches of `source` through the network.
pub(crate) fn run(loaded: &Loaded, source: &mut dyn Source) -> Result<Observations, RunError> {
    let budget = budget(loaded).map_err(failed)?;
    let computed = setup(loaded, budget, source)?;
    let shared = Shared { loaded, observed: &loaded.observed, computed: &computed, budget };
    let mut batches = Batches { source, held: None, only_held: false };
    if loaded.is_faithful {
        return after_first_batch(shared, &mut batches);
    }
    let blank = blank(&loaded.observed);
    Ok(named(&loaded.observed, run_all(shared, &blank, &mut batches)?))
}

/// Runs the first batch for the magnitudes in it, then all batches, that one included, with bins as wide as they say.
fn after_first_batch(
    shared: Shared<'_>,
    batches: &mut Batches<'_>,
) -> Result<Observations, RunError> {
    let first = loop {
        match batches.next()? {
            Some(batch) if batch.is_empty() => {}
            Some(batch) => break batch,
            None => return Ok(Observations::default()),
        }
    };
    (batches.held, batches.only_held) = (Some(Arc::clone(&first)), true);
    let alone = |observed: &Observed| Observed {
        task: observed.task.statistics_alone(),
        ..observed.clone()
    };
    let observed: Vec<_> = shared.observed.iter().map(alone).collect();
    let seen =
        run_all(Shared { observed: &observed, ..shared }, &blank(&observed), batches)?.tensors;
    let widths = shared.observed.iter().zip(&seen);
    let blank: Vec<_> = widths.map(|(observed, seen)| observed.task.blank(Some(seen))).collect();
    let first_batch = first.iter().map(|sample| sample.name.to_string()).collect();
    (batches.held, batches.only_held) = (Some(first), false);
    let mut observations = named(shared.observed, run_all(shared, &blank, batches)?);
    observations.statistics.first_batch = first_batch;
    Ok(observations)
}

fn blank(observed: &[Observed]) -> Vec<Reduction> {
    observed.iter().map(|observed| observed.task.blank(None)).collect()
}

/// What is left for each worker of the memory that the network may take.
fn budget(loaded: &Loaded) -> Result<Budget, Shortage> {
    let workers = loaded.settings.workers.get();
    let weights = loaded.program.constants.iter().map(|value| bytes_of(&value.as_view()));
    let by_values = loaded.observed.iter().filter(|seen| seen.from == From::Values);
    let histograms = by_values.map(|seen| match seen.task.histograms() {
        None => 0,
        Some(Histograms::Invariant) => 1,
        Some(Histograms::AndFaithful) => 2,
    });
    let statistics = [histograms.sum(), workers as u64 + 1, STATISTICS_BYTES];
    let statistics = statistics.into_iter().fold(1, u64::saturating_mul);
    let needed_bytes = weights.fold(statistics, u64::saturating_add);
    let limit_bytes = loaded.settings.memory_bytes;
    match limit_bytes.checked_sub(needed_bytes) {
        Some(rest) => Ok(Budget { bytes: rest / workers as u64, workers }),
        None => Err(Shortage::Room { n_tensors: loaded.observed.len(), needed_bytes, limit_bytes }),
    }
}

/// Computes what no sample changes.
fn setup(loaded: &Loaded, budget: Budget, source: &mut dyn Source) -> Result<Vec<Value>, RunError> {
    let program = &loaded.program;
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
        Ok::<_, RunError>(joined(worker))
    })?;
    made.map_err(|ended| match ended {
        Ended::Failed { label, error } => {
            let node = program.labels[label].label.clone();
            failed(SetupFailed { node, source: error.into_source() })
        }
        Ended::Stopped => SourceError::cancelled().into(),
        Ended::Unseen(error) => error,
    })
}

/// Runs the batches on all workers, each of which begins with the statistics in `blank`.
fn run_all(
    shared: Shared<'_>,
    blank: &[Reduction],
    batches: &mut Batches<'_>,
) -> Result<Seen, RunError> {
    let n_workers = shared.loaded.settings.workers.get();
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
        let together = shared.loaded.settings.samples_per_run.get();
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
        Ok(total(shared.observed, blank, seen))
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

/// Runs jobs until there are no more, or one fails.
fn run_jobs(
    shared: Shared<'_>,
    on: &RunOptions,
    stop: &Stop,
    blank: Vec<Reduction>,
    work: &Receiver<Job>,
    failed: &Sender<Failure>,
) -> Seen {
    let mut seen = Seen { samples: 0, tensors: blank };
    for job in work {
        let Some((first, others)) = job.batch[job.samples.clone()].split_first() else { continue };
        let samples = &job.batch[job.samples.clone()];
        let run = Run { shared, on, stop, samples, first, others };
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
    samples: &'a [Sample],
    first: &'a Sample,
    others: &'a [Sample],
}

impl Run<'_> {
    /// Runs all nodes; each tensor is observed when it is made and dropped after its last use.
    fn observe(&self, seen: &mut [Reduction]) -> Result<(), RunError> {
        let Shared { loaded, computed, budget, .. } = self.shared;
        let program = &loaded.program;
        let inputs = loaded.inputs.iter().map(|input| input.prepare(self.first, self.others));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        for (planned, prepared) in program.inputs.iter().zip(&inputs) {
            if let (Some(place), Some(values)) = (planned.observed, prepared.floats()) {
                self.see(place, prepared.shape(), values, &mut seen[place])?;
            }
        }
        let mut machine = Machine::new(program, computed, &inputs, self.on, self.stop, budget);
        let mut see = |place: usize, value: &Value| match value {
            Value::FloatTensor(tensor) => {
                self.see(place, tensor.shape(), &tensor.to_slice(), &mut seen[place])
            }
            _ => Ok(()),
        };
        match machine.run(&program.main, &mut see) {
            Ok(_) => Ok(()),
            Err(Ended::Stopped) => Err(SourceError::cancelled().into()),
            Err(Ended::Unseen(error)) => Err(error),
            Err(Ended::Failed { label, error }) => Err(self.execution(label, error)),
        }
    }

    /// Makes of a tensor what is wanted of it.
    fn see(
        &self,
        place: usize,
        shape: &[usize],
        values: &[f32],
        into: &mut Reduction,
    ) -> Result<(), RunError> {
        let Observed { name, task, .. } = &self.shared.observed[place];
        task.observe(into, &Made { tensor: name, samples: self.samples, shape, values })
    }

    fn execution(&self, label: usize, error: StepError) -> RunError {
        let label = &self.shared.loaded.program.labels[label];
        let (node, operator) = (label.name.clone(), label.operator.clone());
        RunError::Execution { node, operator, sample: self.sample(), source: error.into_source() }
    }

    fn sample(&self) -> String {
        self.samples.iter().map(|sample| &*sample.name).collect::<Vec<_>>().join(", ")
    }
}

/// Adds up what the workers saw, and what follows from it for the tensors that only move values about.
fn total(observed: &[Observed], blank: &[Reduction], seen: impl IntoIterator<Item = Seen>) -> Seen {
    let mut total = Seen { samples: 0, tensors: blank.to_vec() };
    for seen in seen {
        total.samples += seen.samples;
        for (sum, part) in total.tensors.iter_mut().zip(&seen.tensors) {
            sum.merge(part);
        }
    }
    for (place, observed) in observed.iter().enumerate() {
        let From::Tensors(sources) = &observed.from else { continue };
        let mut sum = TensorStatistics::new();
        let sources = sources.iter().filter_map(|&it| total.tensors[it].statistics.as_ref());
        sources.for_each(|source| sum.merge(source));
        total.tensors[place].statistics = Some(sum);
    }
    total
}

/// What was seen, by the tensors' names.
fn named(observed: &[Observed], seen: Seen) -> Observations {
    let mut observations = Observations::default();
    observations.statistics.samples = seen.samples;
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
) -> Result<ScopedJoinHandle<'scope, T>, RunError> {
    thread::Builder::new()
        .spawn_scoped(scope, work)
        .map_err(|source| failed(Shortage::Thread(source)))
}

fn joined<T>(worker: ScopedJoinHandle<'_, T>) -> T {
    worker.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
}
