//! What `--backend` takes, each tried: does it calibrate a small network here?

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use calibrant_job::Control;
use calibrant_locate::{Survey, Surveyed};
use calibrant_runtime::{Availability, Runtime};
use calibrant_search::{ChildError, run};
use serde::Serialize;
use serde_json::Value;

use super::abilities;
use crate::args::TENSORRT;
use crate::error::{Error, JobError};
use crate::exit::explain;
use crate::self_test::Network;

/// A backend and how it did.
#[derive(Debug, Serialize)]
pub(super) struct Tried {
    /// As `--backend` spells it.
    pub(super) name: String,
    pub(super) usable: bool,
    /// What it is, or what it ran with.
    pub(super) what: String,
    /// Why it cannot be used; `null` where it can.
    pub(super) why_not: Option<String>,
    /// Whether it calibrated a small network: `false` where it does not run that one's nodes.
    pub(super) calibrated: bool,
    /// What a user should know of it.
    pub(super) notes: Vec<String>,
    /// Places that were looked at for it.
    pub(super) looked_at: Vec<String>,
}

/// Every runtime, and TensorRT's calibrators, tried.
///
/// # Errors
///
/// When the caller interrupts.
pub(super) fn all(
    survey: &Survey,
    runtimes: &[Arc<dyn Runtime>],
    control: Control<'_>,
) -> Result<Vec<Tried>, Error> {
    let tensorrt = tensorrt(survey, control)?;
    Ok(runtimes.iter().map(|it| runtime(&**it)).chain([tensorrt]).collect())
}

fn runtime(runtime: &dyn Runtime) -> Tried {
    let Availability { what, notes, tried, why_not, .. } = runtime.availability();
    let mut why_not = why_not.map(|why_not| explain(&why_not));
    let mut calibrated = false;
    if why_not.is_none() {
        match Network::write().and_then(|network| network.run_by(runtime)) {
            Ok(ran) => calibrated = ran,
            Err(error) => why_not = Some(explain(&error)),
        }
    }
    let name = runtime.name().to_owned();
    Tried { name, usable: why_not.is_none(), what, why_not, calibrated, notes, looked_at: tried }
}

/// TensorRT's calibrators, with the library that a job would take.
fn tensorrt(survey: &Survey, control: Control<'_>) -> Result<Tried, Error> {
    let tried = |what: String, why_not: Option<String>| {
        Ok(Tried {
            name: TENSORRT.to_owned(),
            usable: why_not.is_none(),
            what,
            calibrated: why_not.is_none(),
            why_not,
            notes: Vec::new(),
            looked_at: Vec::new(),
        })
    };
    let what = "the calibrators of TensorRT 8.5 to 10.16, on a GPU";
    let Some(first) = survey.found.iter().find(|found| abilities(found).builds) else {
        let why_not = "no TensorRT with its ONNX parser was found".to_owned();
        return tried(what.to_owned(), Some(why_not));
    };
    let calibrates = |found: &&Surveyed| abilities(found).builds && abilities(found).implicit_int8;
    if !calibrates(&first) {
        let other = survey.found.iter().find(calibrates).map_or_else(
            || "name one of 8.5 to 10.16 with --tensorrt PATH".to_owned(),
            |found| format!("name {} with --tensorrt {}", found.version, found.library.display()),
        );
        let why_not =
            format!("{}, which is found first, has no calibrators; {other}", first.version);
        return tried(what.to_owned(), Some(why_not));
    }
    tried(format!("{what}, by {}", first.version), self_test(&first.library, control)?.err())
}

/// Runs the self-test in a process of its own: this one has opened every library by now, and two TensorRTs do not mix.
fn self_test(library: &Path, control: Control<'_>) -> Result<Result<(), String>, Error> {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut command = Command::new(program);
    command
        .args(["doctor", "--self-test", "--json", "--quiet", "--tensorrt"])
        .arg(library)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    match run(&mut command, &mut || control.flow()) {
        Err(ChildError::Cancelled) => Err(JobError::Interrupted.into()),
        Err(error) => Ok(Err(error.to_string())),
        Ok(ended) if ended.status.success() => Ok(Ok(())),
        Ok(ended) => Ok(Err(first_failure(&ended.stdout)
            .unwrap_or_else(|| String::from_utf8_lossy(&ended.stderr).trim().to_owned()))),
    }
}

/// The first check that failed, with what was found.
fn first_failure(verdict: &[u8]) -> Option<String> {
    let verdict: Value = serde_json::from_slice(verdict).ok()?;
    let checks = verdict["checks"].as_array()?;
    let failed = checks.iter().find(|check| check["outcome"] == "failed")?;
    let details = failed["details"].as_array()?.iter().filter_map(Value::as_str);
    let details: Vec<&str> = details.flat_map(str::lines).collect();
    Some(format!("{} failed: {}", failed["name"].as_str()?, details.join("; ")))
}
