//! Spreads the samples of a source over workers, and adds up what they saw.

use std::ops::Range;
use std::sync::Arc;
use std::thread;

use calibrant_calibration::{
    BackendError, BatchSource, Histograms, NonFinite, Sample, SourceError, Statistics,
    TensorStatistics,
};
use calibrant_prefetch::Batch;
use crossbeam_channel::{Receiver, Sender, bounded, select};

use crate::embedded::{Embedded, caught};
use crate::executor::{Executor, ExecutorError, Feed, TensorId};
use crate::inputs::Prepared;
use crate::normalise::label_of;
use crate::observed::From;
use crate::plan::{Origin, Slice};

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

/// The next batch, `None` when there are no more.
type NextBatch<'a> = dyn FnMut() -> Result<Option<Arc<Batch<Sample>>>, SourceError> + 'a;

/// Runs all batches of `source` through `backend`.
pub(crate) fn calibrate<E: Executor>(
    backend: &Embedded<E>,
    source: &mut dyn BatchSource,
) -> Result<Statistics, BackendError> {
    let blank = vec![TensorStatistics::new(); backend.observed.len()];
    let mut next = || Ok(source.next_batch()?.map(Arc::new));
    match backend.options.histograms {
        Histograms::Invariant => Ok(named(backend, run_all(backend, &blank, &mut next)?)),
        Histograms::AndFaithful => after_first_batch(backend, &blank, &mut next),
    }
}

/// Runs the first batch for the magnitudes in it, then all batches, that one included, with bins as wide as they say.
fn after_first_batch<E: Executor>(
    backend: &Embedded<E>,
    blank: &[TensorStatistics],
    next: &mut NextBatch<'_>,
) -> Result<Statistics, BackendError> {
    let first = loop {
        match next()? {
            Some(batch) if batch.is_empty() => {}
            Some(batch) => break batch,
            None => return Ok(Statistics::default()),
        }
    };
    let mut alone = Some(Arc::clone(&first));
    let seen = run_all(backend, blank, &mut || Ok(alone.take()))?;
    let widths = seen.tensors.iter().map(TensorStatistics::magnitude);
    let blank: Vec<_> = widths.map(TensorStatistics::after_first_batch).collect();
    let first_batch = first.iter().map(|sample| sample.name.to_string()).collect();
    let mut again = Some(first);
    let seen = run_all(backend, &blank, &mut || match again.take() {
        Some(first) => Ok(Some(first)),
        None => next(),
    })?;
    Ok(Statistics { first_batch, ..named(backend, seen) })
}

/// Runs the batches on all workers, each of which begins with the statistics in `blank`.
fn run_all<E: Executor>(
    backend: &Embedded<E>,
    blank: &[TensorStatistics],
    next: &mut NextBatch<'_>,
) -> Result<Seen, BackendError> {
    let n_workers = backend.options.workers.get();
    let (jobs, work) = bounded(n_workers);
    let (failed, failures) = bounded(n_workers);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..n_workers)
            .map(|_| {
                let (work, failed) = (work.clone(), failed.clone());
                scope.spawn(move || {
                    backend
                        .executor
                        .on_worker(|on| run_jobs(backend, on, blank.to_vec(), &work, &failed))
                })
            })
            .collect();
        drop(failed);
        let fed = feed(backend.options.samples_per_run.get(), next, &jobs, &failures);
        drop(jobs);
        if !matches!(fed, Ok(None)) {
            // What still waits is not worth starting.
            work.try_iter().for_each(drop);
        }
        let seen: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // Of several failures the one of the earliest sample, so that a mistake is named alike on every run.
        let failures = fed?.into_iter().chain(failures.try_iter());
        if let Some((_, error)) = failures.min_by_key(|(position, _)| *position) {
            return Err(error);
        }
        let seen = seen
            .into_iter()
            .map(|seen| seen.unwrap_or_else(|payload| std::panic::resume_unwind(payload)));
        Ok(total(backend, blank, seen))
    })
}

/// Pulls batches and hands out their samples until the source ends, or a worker fails.
fn feed(
    together: usize,
    next: &mut NextBatch<'_>,
    jobs: &Sender<Job>,
    failures: &Receiver<Failure>,
) -> Result<Option<Failure>, BackendError> {
    while let Some(batch) = next()? {
        for start in (0..batch.len()).step_by(together) {
            let samples = start..batch.len().min(start + together);
            let job = Job { batch: Arc::clone(&batch), samples };
            select! {
                send(jobs, job) -> sent => if sent.is_err() { return Ok(None) },
                recv(failures) -> failure => return Ok(failure.ok()),
            }
        }
    }
    Ok(None)
}

/// Runs jobs until there are no more, or one fails.
fn run_jobs<E: Executor>(
    backend: &Embedded<E>,
    on: &E::Worker,
    blank: Vec<TensorStatistics>,
    work: &Receiver<Job>,
    failed: &Sender<Failure>,
) -> Seen {
    let mut seen = Seen { samples: 0, tensors: blank };
    for job in work {
        let Some((first, others)) = job.batch[job.samples.clone()].split_first() else { continue };
        if let Err(error) = (Run { backend, on, first, others }).observe(&mut seen.tensors) {
            // There is a place for one failure of every worker.
            drop(failed.try_send((first.position, error)));
            break;
        }
        seen.samples += job.samples.len() as u64;
    }
    seen
}

/// Some samples on their way through the network.
struct Run<'a, E: Executor> {
    backend: &'a Embedded<E>,
    on: &'a E::Worker,
    first: &'a Sample,
    others: &'a [Sample],
}

impl<E: Executor> Run<'_, E> {
    /// Runs all slices; each tensor is observed when it is made and dropped after its last use.
    fn observe(&self, seen: &mut [TensorStatistics]) -> Result<(), BackendError> {
        let plan = &self.backend.plan;
        let inputs = self.backend.inputs.iter().map(|input| input.prepare(self.first, self.others));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        for (planned, prepared) in plan.inputs.iter().zip(&inputs) {
            if let (Some(place), Some(values)) = (planned.observed, prepared.floats()) {
                seen[place].observe(values).map_err(|bad| self.non_finite(place, bad))?;
            }
        }
        let mut live: Vec<Option<E::Value>> = plan.tensors.iter().map(|_| None).collect();
        for slice in &plan.slices {
            let values = self.run_slice(slice, &inputs, &mut live)?;
            for (made, value) in slice.makes.iter().zip(values) {
                if let Some(place) = made.observed
                    && let Some(values) = E::floats(&value)
                {
                    seen[place].observe(&values).map_err(|bad| self.non_finite(place, bad))?;
                }
                live[made.id.0] = made.is_kept.then_some(value);
            }
        }
        Ok(())
    }

    fn run_slice(
        &self,
        slice: &Slice,
        inputs: &[Prepared<'_>],
        live: &mut [Option<E::Value>],
    ) -> Result<Vec<E::Value>, BackendError> {
        let Embedded { executor, plan, constants, .. } = self.backend;
        let given: Vec<Option<E::Value>> = slice
            .reads
            .iter()
            .map(|read| if read.is_last { live[read.id.0].take() } else { None })
            .collect();
        let feeds = slice.reads.iter().zip(given).filter_map(|(read, given)| {
            let feed = match (plan.origins[read.id.0], given) {
                (Origin::Input(place), _) => inputs[place].feed(),
                (Origin::Constant(place), _) => Feed::Lent(&constants[place]),
                (Origin::Slice, Some(value)) => Feed::Given(value),
                (Origin::Slice, None) => Feed::Lent(live[read.id.0].as_ref()?),
            };
            Some((read.id, feed))
        });
        let feeds = feeds.collect();
        let outputs: Vec<TensorId> = slice.makes.iter().map(|made| made.id).collect();
        caught(|| executor.run_slice(self.on, feeds, &outputs))
            .map_err(|error| self.execution(slice, error))
    }

    fn non_finite(&self, place: usize, NonFinite { value, index }: NonFinite) -> BackendError {
        let tensor = self.backend.observed[place].name.clone();
        BackendError::NonFinite { tensor, sample: self.sample(), value, index }
    }

    fn execution(
        &self,
        slice: &Slice,
        ExecutorError { node, source }: ExecutorError,
    ) -> BackendError {
        let labels = &self.backend.labels;
        let label = node.and_then(|node| label_of(&node, labels)).unwrap_or(&labels[slice.node]);
        let (node, operator) = (label.name.clone(), label.operator.clone());
        BackendError::Execution { node, operator, sample: self.sample(), source }
    }

    fn sample(&self) -> String {
        let samples = std::iter::once(self.first).chain(self.others);
        samples.map(|sample| &*sample.name).collect::<Vec<_>>().join(", ")
    }
}

/// Adds up what the workers saw, and what follows from it for the tensors that only move values about.
fn total<E: Executor>(
    backend: &Embedded<E>,
    blank: &[TensorStatistics],
    seen: impl Iterator<Item = Seen>,
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
fn named<E: Executor>(backend: &Embedded<E>, seen: Seen) -> Statistics {
    let named = backend.observed.iter().map(|observed| observed.name.clone()).zip(seen.tensors);
    Statistics {
        samples: seen.samples,
        tensors: named.filter(|(_, seen)| seen.count() > 0).collect(),
        first_batch: Vec::new(),
    }
}
