//! Runs `pip download`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use calibrant_search::Python;

use super::pinned::Wheel;
use super::{FetchEvent, TICK, Tell, cannot_use};
use crate::error::FetchError;

/// How often a download is tried: registries have hiccups.
const ATTEMPTS: u32 = 3;

/// How long to wait before the second try; twice as long before the third.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What pip says when another try would fail alike.
const LASTING: [&str; 2] = ["No module named pip", "DO NOT MATCH THE HASHES"];

/// Downloads a wheel into a folder, and returns its file.
pub(super) fn download(
    wheel: &Wheel,
    python: &Python,
    folder: &Path,
    tell: &mut Tell<'_>,
) -> Result<PathBuf, FetchError> {
    let requirements = folder.join("requirements.txt");
    let line = format!("{} --hash=sha256:{}\n", wheel.requirement(), wheel.sha256);
    fs::write(&requirements, line).map_err(|source| cannot_use(&requirements, source))?;
    let mut attempt = 1;
    loop {
        let outcome = run(wheel, python, folder, &requirements, tell)?;
        let file = folder.join(wheel.file);
        if outcome.status.success() && file.is_file() {
            return Ok(file);
        }
        let stderr = outcome.said();
        if attempt == ATTEMPTS || LASTING.iter().any(|text| stderr.contains(text)) {
            return Err(FetchError::Pip {
                requirement: wheel.requirement(),
                attempts: attempt,
                stderr,
            });
        }
        let reason = stderr.lines().last().unwrap_or("it said nothing").to_owned();
        tell(FetchEvent::Retry { attempt, reason })?;
        pause(FIRST_PAUSE * attempt, wheel, tell)?;
        attempt += 1;
    }
}

/// Waits before another try, in pieces so that it can be cancelled.
fn pause(time: Duration, wheel: &Wheel, tell: &mut Tell<'_>) -> Result<(), FetchError> {
    let mut waited = Duration::ZERO;
    while waited < time {
        thread::sleep(TICK);
        waited += TICK;
        tell(FetchEvent::Progress { done: 0, total: wheel.bytes })?;
    }
    Ok(())
}

/// How a run of pip ended.
struct Outcome {
    status: ExitStatus,
    output: String,
}

impl Outcome {
    /// The last lines of what pip said, or how it ended if it said nothing.
    fn said(&self) -> String {
        const LINES: usize = 12;
        let lines: Vec<&str> = self.output.lines().filter(|line| !line.trim().is_empty()).collect();
        match lines.len().checked_sub(LINES) {
            None if lines.is_empty() => format!("nothing; it ended with {}", self.status),
            skip => lines[skip.unwrap_or(0)..].join("\n"),
        }
    }
}

/// Runs pip once, to its end.
fn run(
    wheel: &Wheel,
    python: &Python,
    folder: &Path,
    requirements: &Path,
    tell: &mut Tell<'_>,
) -> Result<Outcome, FetchError> {
    let failed = |source| FetchError::Python { python: python.name().to_owned(), source };
    let mut pip = python
        .module("pip")
        .map_err(failed)?
        // What the user works in is none of pip's business: a relative path of its configuration would lead there.
        .current_dir(folder)
        .args(["download", "--no-deps", "--only-binary=:all:", "--require-hashes"])
        .args(["--no-input", "--disable-pip-version-check", "--progress-bar", "off"])
        .args(["--platform", wheel.platform, "--requirement"])
        .arg(requirements)
        .arg("--dest")
        .arg(folder)
        // pip downloads into its temporary folder first: there, what it leaves behind goes with ours.
        .env("TMPDIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let output = match output_of(&mut pip, folder, wheel, failed, tell) {
        Ok(output) => output,
        Err(error) => {
            // It may have ended by itself meanwhile, which is as good.
            let _ = pip.kill();
            pip.wait().map_err(failed)?;
            return Err(error);
        }
    };
    Ok(Outcome { status: pip.wait().map_err(failed)?, output })
}

/// Collects what pip says until it closes its output, telling of the progress meanwhile.
fn output_of(
    pip: &mut Child,
    folder: &Path,
    wheel: &Wheel,
    failed: impl Fn(io::Error) -> FetchError,
    tell: &mut Tell<'_>,
) -> Result<String, FetchError> {
    let receiver = read_on_a_thread(pip.stderr.take()).map_err(failed)?;
    let mut output = Vec::new();
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(bytes) => output.extend(bytes),
            Err(RecvTimeoutError::Timeout) => {
                let done = size_below(folder).unwrap_or(0).min(wheel.bytes);
                tell(FetchEvent::Progress { done, total: wheel.bytes })?;
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Ok(String::from_utf8_lossy(&output).into_owned());
            }
        }
    }
}

/// Sends what a stream gives, piece by piece, until it ends or nobody listens.
fn read_on_a_thread(stream: Option<impl Read + Send + 'static>) -> io::Result<Receiver<Vec<u8>>> {
    let (sender, receiver) = sync_channel(16);
    thread::Builder::new().spawn(move || {
        let Some(mut stream) = stream else { return };
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut piece) {
            if sender.send(piece[..read].to_vec()).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// The bytes of all files in a folder and those below.
fn size_below(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // pip moves and removes files meanwhile.
        let Ok(metadata) = entry.metadata() else { continue };
        bytes +=
            if metadata.is_dir() { size_below(&entry.path()).unwrap_or(0) } else { metadata.len() };
    }
    Ok(bytes)
}
