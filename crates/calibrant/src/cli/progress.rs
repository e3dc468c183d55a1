//! Progress on standard error: a bar where it is a terminal, a line a stage where it is not.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::observe::{Event, Observer, Stage};

/// A stage shorter than this is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_millis(500);

/// Shows a job's events to a person.
#[derive(Debug)]
pub(crate) struct Progress {
    quiet: bool,
    terminal: bool,
    bar: ProgressBar,
    stage: Option<Stage>,
    interrupt: Arc<AtomicBool>,
}

impl Progress {
    pub(crate) fn new(quiet: bool, interrupt: Arc<AtomicBool>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { quiet, terminal, bar: ProgressBar::hidden(), stage: None, interrupt }
    }

    fn start(&mut self, stage: Stage, total: Option<u64>) {
        self.stage = Some(stage);
        if self.quiet || !self.terminal {
            return;
        }
        let template = match total {
            Some(_) => "{prefix} {bar:30} {pos}/{len} {per_sec} {eta} left {msg}",
            None => "{prefix} {spinner} {elapsed} {msg}",
        };
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        self.bar.set_style(style);
        self.bar.set_prefix(stage.label());
        self.bar.enable_steady_tick(Duration::from_millis(120));
    }

    fn finish(&mut self, took: Duration) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
        if let Some(stage) = self.stage.take()
            && took >= WORTH_A_LINE
        {
            self.line(&format!("{}: {}", stage.label(), short(took)));
        }
    }

    #[expect(clippy::print_stderr, reason = "this is the one place that shows progress")]
    fn line(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }
}

impl Observer for Progress {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Started { stage, total } => self.start(stage, total),
            Event::Reached(step) => self.bar.set_position(step),
            Event::At(what) => self.bar.set_message(what.to_owned()),
            Event::Finished { took } => self.finish(took),
            Event::Note(text) => self.line(&format!("note: {text}")),
        }
    }

    fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn short(took: Duration) -> String {
    if took.as_secs() < 60 {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        HumanDuration(took).to_string()
    }
}
