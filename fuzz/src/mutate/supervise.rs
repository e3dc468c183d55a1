//! Children that run cases, and what becomes of them.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::Seeds;
use super::stages::{Build, Reached, Stages};

/// How long a case may take: ten times what it has before somebody asks to stop.
const CASE_LIMIT: Duration = Duration::from_secs(20);

/// What a child may address.
const ADDRESS_SPACE_KIB: u64 = 4 << 20;

/// Cases of one child, so that what a case leaves behind does not add up.
const CASES_OF_A_CHILD: u64 = 500;

/// What went wrong with a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its number, which makes it again.
    pub case: u64,
    /// What happened.
    pub kind: Kind,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The process ended by itself: by a signal, mostly.
    Crash(String),
    /// It went on past its limit.
    Hang,
    /// Something panicked.
    Panic(String),
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Cases that were run.
    pub cases: u64,
    /// What came of them.
    pub reached: Reached,
    /// Those that went wrong.
    pub findings: Vec<Finding>,
}

/// Runs cases from `first` on in children of `program` until `until`, and tells each finding as it comes.
///
/// # Errors
///
/// When a child cannot be started.
pub fn supervise(
    program: &Path,
    seed: u64,
    first: u64,
    until: Instant,
    tell: &mut dyn FnMut(&Finding),
) -> io::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut next = first;
    while Instant::now() < until {
        let end = next + CASES_OF_A_CHILD;
        let mut child = spawn(program, seed, next, end)?;
        let lines = lines(&mut child);
        let mut current = next;
        let finding = loop {
            match lines.recv_timeout(CASE_LIMIT) {
                Ok(line) => match line.split_once(' ') {
                    Some(("panic", text)) => {
                        let finding = Finding { case: current, kind: Kind::Panic(text.to_owned()) };
                        tell(&finding);
                        outcome.findings.push(finding);
                    }
                    Some(("reached", words)) => {
                        outcome.reached.add(&Reached::of_words(words).unwrap_or_default());
                    }
                    Some(("case", number)) => current = number.parse().unwrap_or(current),
                    _ => {}
                },
                Err(RecvTimeoutError::Timeout) => {
                    child.kill()?;
                    child.wait()?;
                    break Some(Kind::Hang);
                }
                Err(RecvTimeoutError::Disconnected) => break crash(child.wait()?),
            }
            if Instant::now() > until {
                child.kill()?;
                child.wait()?;
                break None;
            }
        };
        next = match finding {
            None => end,
            Some(kind) => {
                let finding = Finding { case: current, kind };
                tell(&finding);
                outcome.findings.push(finding);
                current + 1
            }
        };
        outcome.cases = current + 1 - first;
    }
    Ok(outcome)
}

/// Runs the cases in this process, which is a child, and says which as it begins them.
///
/// # Errors
///
/// When nobody reads what it says.
pub fn child(seed: u64, cases: std::ops::Range<u64>) -> io::Result<()> {
    let seeds = Seeds::load();
    let stages = Stages::new(Build::OnDouble);
    let mut out = io::stdout().lock();
    for case in cases {
        writeln!(out, "case {case}")?;
        out.flush()?;
        let bytes = seeds.case(seed, case);
        match catch_unwind(AssertUnwindSafe(|| stages.run(&bytes))) {
            Ok(reached) => writeln!(out, "reached {}", reached.to_words())?,
            Err(payload) => {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
                let text = text.unwrap_or("without a message").replace('\n', " ");
                writeln!(out, "panic {text}")?;
            }
        }
        out.flush()?;
    }
    Ok(())
}

fn spawn(program: &Path, seed: u64, first: u64, end: u64) -> io::Result<Child> {
    // The shell sets the limit for itself, and then becomes the child.
    Command::new("sh")
        .args(["-c", r#"ulimit -v "$1"; shift; exec "$@""#, "sh", &ADDRESS_SPACE_KIB.to_string()])
        .arg(program)
        .args(["--child", &seed.to_string(), &first.to_string(), &end.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(out) = child.stdout.take() {
        thread::spawn(move || {
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            // Ends when the child or the receiver does.
            let _ = lines.into_iter().try_for_each(|line| sender.send(line));
        });
    }
    receiver
}

fn crash(status: ExitStatus) -> Option<Kind> {
    (!status.success()).then(|| Kind::Crash(status.to_string()))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "case {}: ", self.case)?;
        match &self.kind {
            Kind::Crash(how) => write!(f, "ended by {how}"),
            Kind::Hang => f.write_str("still running after 20 s"),
            Kind::Panic(text) => write!(f, "panic: {text}"),
        }
    }
}
