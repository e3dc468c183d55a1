//! Runs `pip download`.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use calibrant_search::{ChildError, Ended, Python};

use super::pinned::Wheel;
use super::{LocateEvent, TICK, Tell, cannot_use};
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
        let pip = run(wheel, python, folder, &requirements, tell)?;
        let file = folder.join(wheel.file);
        if pip.status.success() && file.is_file() {
            return Ok(file);
        }
        let stderr = last_words(&pip);
        if attempt == ATTEMPTS || LASTING.iter().any(|text| stderr.contains(text)) {
            return Err(FetchError::Pip {
                product: wheel.product,
                requirement: wheel.requirement(),
                attempts: attempt,
                stderr,
            });
        }
        let reason = stderr.lines().last().unwrap_or("it said nothing").to_owned();
        tell(LocateEvent::Retry { attempt, reason })?;
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
        tell(LocateEvent::Progress { done: 0, total: wheel.bytes })?;
    }
    Ok(())
}

/// The last lines of what pip said, or how it ended if it said nothing.
fn last_words(pip: &Ended) -> String {
    const LINES: usize = 12;
    let said = String::from_utf8_lossy(&pip.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    match lines.len().checked_sub(LINES) {
        None if lines.is_empty() => format!("nothing; it ended with {}", pip.status),
        skip => lines[skip.unwrap_or(0)..].join("\n"),
    }
}

/// Runs pip once, to its end, telling of the progress meanwhile.
fn run(
    wheel: &Wheel,
    python: &Python,
    folder: &Path,
    requirements: &Path,
    tell: &mut Tell<'_>,
) -> Result<Ended, FetchError> {
    let failed = |source: ChildError| match source {
        ChildError::Cancelled => FetchError::Cancelled,
        source => {
            FetchError::Python { product: wheel.product, python: python.name().to_owned(), source }
        }
    };
    let mut command = python.module("pip").map_err(|error| failed(error.into()))?;
    command
        // What the user works in is none of pip's business: a relative path of its configuration would lead there.
        .current_dir(folder)
        .args(["download", "--no-deps", "--only-binary=:all:", "--require-hashes"])
        .args(["--no-input", "--disable-pip-version-check", "--progress-bar", "off"])
        .args(["--platform", wheel.platform])
        .args(
            wheel
                .python
                .iter()
                .flat_map(|python| ["--implementation", "cp", "--python-version", python]),
        )
        .arg("--requirement")
        .arg(requirements)
        .arg("--dest")
        .arg(folder)
        // pip downloads into its temporary folder first: there, what it leaves behind goes with ours.
        .env("TMPDIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut go_on = || {
        let done = size_below(folder).unwrap_or(0).min(wheel.bytes);
        match tell(LocateEvent::Progress { done, total: wheel.bytes }) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    calibrant_search::run(&mut command, &mut go_on).map_err(failed)
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
