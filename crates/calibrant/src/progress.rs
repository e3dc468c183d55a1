//! Progress on standard error: a bar where it is a terminal, lines now and then where it is not.

use std::fmt;
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use calibrant_files::printable::{message, name};
use calibrant_job::{Event, Observer, Stage};
use indicatif::style::ProgressTracker;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::pace::{Pace, clock};
use crate::say;
use crate::wording::of_note;

/// A stage shorter than this is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_millis(500);

/// Between two lines of a counted stage where there is no terminal, which fills logs no faster than people read.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Between two moves of the bar.
const TICK: Duration = Duration::from_millis(120);

/// Shows a job's events to a person.
#[derive(Debug)]
pub(crate) struct Progress(Mutex<Shown>);

#[derive(Debug)]
struct Shown {
    quiet: bool,
    terminal: bool,
    bar: ProgressBar,
    ticker: Option<Ticker>,
    running: Option<Running>,
}

/// The stage that is under way.
#[derive(Debug)]
struct Running {
    stage: Stage,
    since: Instant,
    pace: Option<SharedPace>,
    last_line: Duration,
}

/// Moves the bar while the job has nothing to say, until it is dropped.
#[derive(Debug)]
struct Ticker {
    /// Nothing is sent: its end is the sign.
    _alive: SyncSender<()>,
}

impl Ticker {
    /// A bar without a thread of its own moves when the job says something, which will do.
    fn start(bar: &ProgressBar) -> Option<Self> {
        let (alive, stopped) = sync_channel(0);
        let bar = bar.clone();
        let tick = move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                bar.tick();
            }
        };
        thread::Builder::new().spawn(tick).ok()?;
        Some(Self { _alive: alive })
    }
}

/// Told by the job, read by the thread that draws the bar.
#[derive(Debug, Clone)]
struct SharedPace(Arc<Mutex<Pace>>);

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::hidden();
        Self(Mutex::new(Shown { quiet, terminal, bar, ticker: None, running: None }))
    }
}

impl Shown {
    fn start(&mut self, stage: Stage, total: Option<u64>) {
        let pace = total.map(|total| SharedPace(Arc::new(Mutex::new(Pace::new(total)))));
        if self.terminal && !self.quiet {
            let template = match &pace {
                Some(_) => "{prefix} {bar:30} {pace} {msg}",
                None => "{prefix} {spinner} {gone} {msg}",
            };
            let style = ProgressStyle::with_template(template);
            let mut style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            if let Some(pace) = &pace {
                style = style.with_key("pace", pace.clone());
            }
            let gone = |state: &ProgressState, out: &mut dyn fmt::Write| {
                // The bar's buffer takes all that is written to it.
                let _ = out.write_str(&clock(state.elapsed()));
            };
            self.bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
            self.bar.set_style(style.with_key("gone", gone));
            self.bar.set_prefix(stage.label());
            self.ticker = Ticker::start(&self.bar);
        }
        let since = Instant::now();
        self.running = Some(Running { stage, since, pace, last_line: Duration::ZERO });
    }

    fn reached(&mut self, done: u64) {
        self.bar.set_position(done);
        let Some(Running { stage, since, pace: Some(pace), last_line }) = &mut self.running else {
            return;
        };
        let elapsed = since.elapsed();
        pace.reached(done, elapsed);
        if !self.terminal && elapsed.saturating_sub(*last_line) >= BETWEEN_LINES {
            *last_line = elapsed;
            let text = format!("{}: {}", stage.label(), pace.text(elapsed));
            self.line(&text);
        }
    }

    fn finish(&mut self, took: Duration) {
        self.ticker = None;
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
        if let Some(Running { stage, .. }) = self.running.take()
            && took >= WORTH_A_LINE
        {
            self.line(&format!("{}: {}", stage.label(), short(took)));
        }
    }

    fn line(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| say(&message(text)));
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        // Whoever panicked over it left a bar, which the next event puts right.
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { stage, total } => shown.start(stage, total),
            Event::Reached(step) => shown.reached(step),
            Event::At(what) => shown.bar.set_message(name(what).into_owned()),
            Event::Finished { took } => shown.finish(took),
            Event::Note { about, text } => {
                shown.line(&format!("note: {text}{}", of_note(about)));
            }
            _ => {}
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.ticker = None;
        self.bar.finish_and_clear();
    }
}

impl SharedPace {
    fn reached(&self, done: u64, elapsed: Duration) {
        // Whoever panicked over it left it whole: moments are put in one by one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).reached(done, elapsed);
    }

    fn text(&self, elapsed: Duration) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).text(elapsed)
    }
}

impl ProgressTracker for SharedPace {
    fn clone_box(&self) -> Box<dyn ProgressTracker> {
        Box::new(self.clone())
    }

    fn tick(&mut self, _state: &ProgressState, _now: Instant) {}

    fn reset(&mut self, _state: &ProgressState, _now: Instant) {}

    fn write(&self, state: &ProgressState, out: &mut dyn fmt::Write) {
        // The bar's buffer takes all that is written to it.
        let _ = out.write_str(&self.text(state.elapsed()));
    }
}

/// How long a stage took.
fn short(took: Duration) -> String {
    if took.as_secs() < 60 { format!("{:.1} s", took.as_secs_f64()) } else { clock(took) }
}
