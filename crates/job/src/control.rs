//! What a running job tells its caller, and how the caller stops it.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::Error;

/// Follows a running job.
///
/// Most calls come from the thread that runs the job, but any of its threads may call.
pub trait Observer: Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

impl<F: Fn(Event<'_>) + Sync> Observer for F {
    fn event(&self, event: Event<'_>) {
        self(event);
    }
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn event(&self, _event: Event<'_>) {}
}

/// Asks a job to stop: shared with whoever decides that, such as the handler of a signal.
///
/// A job asks between batches, again and again while one is run, and at each step of the builder.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// One that nobody has cancelled yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Has the job stop; returns whether it had been asked to before.
    pub fn cancel(&self) -> bool {
        self.0.swap(true, Ordering::Relaxed)
    }

    /// Whether the job is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Who follows a job, and what stops it: handed down to all of its parts.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    observer: &'a dyn Observer,
    cancel: &'a Cancel,
}

impl<'a> Control<'a> {
    /// Tells `observer`, until `cancel` is cancelled.
    pub fn new(observer: &'a dyn Observer, cancel: &'a Cancel) -> Self {
        Self { observer, cancel }
    }

    /// Tells nobody, and runs to the end.
    #[must_use]
    pub fn none() -> Control<'static> {
        static NEVER: Cancel = Cancel::new();
        Control { observer: &Unobserved, cancel: &NEVER }
    }

    /// The same, and nobody is told.
    #[must_use]
    pub fn unobserved(self) -> Self {
        Self { observer: &Unobserved, ..self }
    }

    /// Tells of something that happened.
    pub fn event(self, event: Event<'_>) {
        self.observer.event(event);
    }

    /// Makes a remark that a user should read.
    pub fn note(self, text: &str) {
        self.note_of(About::Anything, text);
    }

    /// As [`note`](Self::note), about something that people can change.
    pub fn note_of(self, about: About, text: &str) {
        self.event(Event::Note { about, text });
    }

    /// Whether the job is to stop.
    pub fn is_cancelled(self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Whether to go on, for whoever asks so.
    pub fn flow(self) -> ControlFlow<()> {
        if self.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Ends the job where it is to stop.
    ///
    /// # Errors
    ///
    /// [`Error::Interrupted`].
    pub fn check(self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Does the work of a stage, between its events, and returns what comes of it and how long it took.
    pub fn stage<T>(
        self,
        stage: Stage,
        total: Option<u64>,
        work: impl FnOnce() -> T,
    ) -> (T, Duration) {
        self.event(Event::Started { stage, total });
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        self.event(Event::Finished { took });
        (result, took)
    }
}

impl fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("cancel", self.cancel).finish_non_exhaustive()
    }
}

/// Something that happened in a job.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
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
    Note {
        /// What it is about.
        about: About,
        /// The remark, as the report has it.
        text: &'a str,
    },
}

/// What a remark is about, for whoever knows how people change that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum About {
    /// Nothing that has a name here.
    Anything,
    /// Scale, mean and standard deviation of the preprocessing.
    Normalisation,
    /// A preprocessing that the model's own metadata contradict.
    ModelsOwn,
    /// That there is no TensorRT.
    NoTensorRt,
    /// What runs the model.
    Backend,
}

/// The stages of a job, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
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
