//! The clock that the statistics are taken from.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the pipeline asks for the time: the machine's monotonic clock, or a test's own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    /// The machine's monotonic clock, counted from now.
    pub fn monotonic() -> Self {
        let start = Instant::now();
        Self::from_fn(move || start.elapsed())
    }

    /// A clock that reads `now`, which may be called from every thread of the pipeline.
    ///
    /// A reading below an earlier one counts as no time passed.
    pub fn from_fn(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time since an origin of the clock's own.
    pub fn now(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

/// Reads a clock and adds what has passed since the last reading to one tally or another, so that
/// every moment of a thread is counted once.
#[derive(Debug)]
pub struct Stopwatch {
    clock: Clock,
    last: Duration,
}

impl Stopwatch {
    /// A stopwatch whose first lap begins now.
    pub fn start(clock: &Clock) -> Self {
        Self { clock: clock.clone(), last: clock.now() }
    }

    /// Adds the time since the last lap to `tally`, and begins the next.
    pub fn lap(&mut self, tally: &mut Duration) {
        let now = self.clock.now();
        *tally += now.saturating_sub(self.last);
        self.last = now;
    }
}
