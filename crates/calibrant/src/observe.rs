//! What a running job tells its caller, and how the caller stops it.

use std::time::{Duration, Instant};

/// Follows a running job.
///
/// All calls come from the thread that called [`run`](crate::run).
pub trait Observer: Send {
    /// Something happened.
    fn event(&mut self, event: Event<'_>);

    /// True once the job is to stop; asked between batches, again and again while one is run, and at each step of the
    /// builder.
    fn interrupted(&self) -> bool;
}

/// An observer that looks away and never interrupts.
#[derive(Debug, Clone, Copy)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn event(&mut self, _event: Event<'_>) {}

    fn interrupted(&self) -> bool {
        false
    }
}

/// Something that happened in a job.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A stage begins; `total` counts its steps where they are known beforehand.
    Started {
        /// Which part of the job.
        stage: Stage,
        /// The number of steps, samples for calibration.
        total: Option<u64>,
    },
    /// The stage that began last has come to this many steps.
    Reached(u64),
    /// What the stage is at, such as a builder's phase.
    At(&'a str),
    /// The stage that began last is over.
    Finished {
        /// How long it took.
        took: Duration,
    },
    /// A remark that a user should read.
    Note(&'a str),
}

/// The stages of a job, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The model is read and checked.
    Model,
    /// Samples are found.
    Samples,
    /// A TensorRT library is looked for, or fetched.
    Library,
    /// The model is run over the samples.
    Calibrate,
    /// The model is rewritten.
    Rewrite,
    /// The plan is built.
    Engine,
}

impl Stage {
    /// What is being done, for a progress line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Model => "reading the model",
            Self::Samples => "finding samples",
            Self::Library => "looking for TensorRT",
            Self::Calibrate => "calibrating",
            Self::Rewrite => "rewriting the model",
            Self::Engine => "building the engine",
        }
    }
}

/// Runs one stage between its events and says how long it took.
pub(crate) fn timed<T>(
    observer: &mut dyn Observer,
    stage: Stage,
    total: Option<u64>,
    work: impl FnOnce(&mut dyn Observer) -> T,
) -> (T, Duration) {
    observer.event(Event::Started { stage, total });
    let start = Instant::now();
    let result = work(observer);
    let took = start.elapsed();
    observer.event(Event::Finished { took });
    (result, took)
}
