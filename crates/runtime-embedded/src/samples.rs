//! Runs samples on the embedded executor's own threads.

use std::hint::black_box;
use std::sync::Arc;

use calibrant_calibration::Histograms;
use calibrant_runtime::host::{From, Spread, Stop, Watch, beside, spread};
use calibrant_runtime::{Observations, RunError, Sample, Shortage, Source, SourceError};
use rten::{RunOptions, ThreadPool, Value};
use rten_tensor::{AsView as _, Layout as _};

use crate::constant::Constant;
use crate::error::{NAME, SetupFailed, StepError, failed};
use crate::loaded::Loaded;
use crate::narrow::Narrowed;
use crate::run::{Budget, Ended, Machine};

/// Bytes of one tensor's statistics, and of TensorRT's own histogram beside them.
const STATISTICS_BYTES: u64 = 33 << 10;

/// The largest block that glibc's allocator learns from is 32 MiB with what it adds.
const LARGEST_KEPT_BYTES: usize = (32 << 20) - (64 << 10);

/// What all workers share.
#[derive(Clone, Copy)]
struct Shared<'a> {
    loaded: &'a Loaded,
    /// Constants that are no weights.
    computed: &'a [Value],
    budget: Budget,
}

/// Runs all batches of `source` through the network.
pub(crate) fn run(loaded: &Loaded, source: &mut dyn Source) -> Result<Observations, RunError> {
    let budget = budget(loaded, source.leaves_out()).map_err(failed)?;
    keep_what_is_freed();
    let computed = setup(loaded, budget, source)?;
    let shared = Shared { loaded, computed: &computed, budget };
    let Loaded { observed, settings, .. } = loaded;
    spread(Spread { runtime: NAME, observed, settings }, source, |jobs| {
        on_worker(|on| {
            let stop = jobs.stop();
            jobs.each(|samples, watch| Run { shared, on, stop: &stop, samples }.observe(watch))
        })
    })
}

/// Has the allocator keep what a node frees for the next one that asks.
///
/// glibc's learns how large the blocks are that come and go from the largest that was given back to it; until then it returns
/// those of activations to the system, which clears their pages anew for each node.
/// No page of this block is touched, and other allocators see nothing but one that is given back.
fn keep_what_is_freed() {
    let block: Vec<u8> = Vec::with_capacity(LARGEST_KEPT_BYTES);
    drop(black_box(block));
}

/// What is left for each worker of the memory that the network may take.
fn budget(loaded: &Loaded, leaves_out: bool) -> Result<Budget, Shortage> {
    let workers = loaded.settings.workers.get();
    // Samples that may have to be left out have statistics of their own until they have gone through.
    let of_each_worker = if leaves_out { 2 } else { 1 };
    let weights = loaded.program.constants.iter().map(Constant::n_bytes);
    let by_values = loaded.observed.iter().filter(|seen| seen.from == From::Values);
    let histograms = by_values.map(|seen| match seen.task.histograms() {
        None => 0,
        Some(Histograms::Invariant) => 1,
        Some(Histograms::AndFaithful) => 2,
    });
    let statistics = [histograms.sum(), (of_each_worker * workers + 1) as u64, STATISTICS_BYTES];
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
    let made = beside(NAME, source, |stop| {
        on_worker(|on| {
            let mut machine = Machine::new(program, &[], &[], on, stop, budget);
            machine.run(&program.setup, &mut |_, _| Ok(()))
        })
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

/// Some samples on their way through the network.
struct Run<'a> {
    shared: Shared<'a>,
    on: &'a RunOptions,
    stop: &'a Stop,
    samples: &'a [Sample],
}

impl Run<'_> {
    /// Runs all nodes; each tensor is observed when it is made and dropped after its last use.
    fn observe(&self, watch: &mut Watch<'_>) -> Result<(), RunError> {
        let Shared { loaded, computed, budget } = self.shared;
        let program = &loaded.program;
        let inputs = loaded
            .inputs
            .iter()
            .map(|input| Narrowed::new(input.name(), input.prepare(self.samples)?, self.samples));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        for (planned, prepared) in program.inputs.iter().zip(&inputs) {
            if let (Some(place), Some(values)) = (planned.observed, prepared.floats()) {
                watch.see(place, prepared.shape(), values)?;
            }
        }
        let mut machine = Machine::new(program, computed, &inputs, self.on, self.stop, budget);
        let mut see = |place: usize, value: &Value| match value {
            Value::FloatTensor(tensor) => watch.see(place, tensor.shape(), &tensor.to_slice()),
            _ => Ok(()),
        };
        match machine.run(&program.main, &mut see) {
            Ok(_) => Ok(()),
            Err(Ended::Stopped) => Err(SourceError::cancelled().into()),
            Err(Ended::Unseen(error)) => Err(error),
            Err(Ended::Failed { label, error }) => Err(self.execution(label, error)),
        }
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

/// Calls `work` on a thread of the executor's own.
fn on_worker<R: Send>(work: impl FnOnce(&RunOptions) -> R + Send) -> R {
    let pool = Arc::new(ThreadPool::with_num_threads(1));
    let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&pool)));
    // Inside the pool a run finds itself on the right thread; from outside each operator would be sent across.
    pool.run(|| work(&options))
}
