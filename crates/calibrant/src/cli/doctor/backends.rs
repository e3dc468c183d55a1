//! What `--backend` takes, each tried: does it calibrate a small network here?

use std::path::Path;
use std::process::{Command, Stdio};

use calibrant_engine::{Survey, Surveyed};
use serde::Serialize;
use serde_json::Value;

use crate::cli::exit::explain;
use crate::cli::self_test::Network;

/// A backend and how it did.
#[derive(Debug, Serialize)]
pub(super) struct Tried {
    /// As `--backend` spells it.
    pub(super) name: &'static str,
    pub(super) usable: bool,
    /// What it is, or what it ran with.
    pub(super) what: String,
    /// Why it cannot be used; `null` where it can.
    pub(super) why_not: Option<String>,
}

/// Every backend, tried.
pub(super) fn all(survey: &Survey) -> [Tried; 2] {
    [embedded(), tensorrt(survey)]
}

fn embedded() -> Tried {
    let ran = Network::write().and_then(|network| network.statistics());
    let why_not = ran.err().map(|error| explain(&error));
    let what = "pure Rust on the CPU".to_owned();
    Tried { name: "embedded", usable: why_not.is_none(), what, why_not }
}

/// TensorRT's calibrators, with the library that a job would take.
fn tensorrt(survey: &Survey) -> Tried {
    let tried = |what: String, why_not: Option<String>| Tried {
        name: "tensorrt",
        usable: why_not.is_none(),
        what,
        why_not,
    };
    let what = "the calibrators of TensorRT 8.5 to 10.16, on a GPU";
    let Some(first) = survey.found.iter().find(|found| found.abilities.builds) else {
        let why_not = "no TensorRT with its ONNX parser was found".to_owned();
        return tried(what.to_owned(), Some(why_not));
    };
    let calibrates = |found: &&Surveyed| found.abilities.builds && found.abilities.implicit_int8;
    if !calibrates(&first) {
        let other = survey.found.iter().find(calibrates).map_or_else(
            || "name one of 8.5 to 10.16 with --tensorrt PATH".to_owned(),
            |found| format!("name {} with --tensorrt {}", found.version, found.library.display()),
        );
        let why_not =
            format!("{}, which is found first, has no calibrators; {other}", first.version);
        return tried(what.to_owned(), Some(why_not));
    }
    tried(format!("{what}, by {}", first.version), self_test(&first.library).err())
}

/// Runs the self-test in a process of its own: this one has opened every library by now, and two TensorRTs do not mix.
fn self_test(library: &Path) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args(["doctor", "--self-test", "--json", "--quiet", "--tensorrt"])
        .arg(library)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(first_failure(&output.stdout)
        .unwrap_or_else(|| String::from_utf8_lossy(&output.stderr).trim().to_owned()))
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
