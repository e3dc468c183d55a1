//! What was checked, and how it came out.

use std::fmt;

use calibrant_cuda::Device;
use calibrant_engine::Library;
use calibrant_job::PROGRAM;
use serde::Serialize;

use crate::exit::Exit;

/// Everything that a bug report needs.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    program: &'static str,
    platform: String,
    tensorrt: String,
    library: String,
    gpu: String,
    checks: Vec<Check>,
    #[serde(skip)]
    gpu_missing: bool,
}

/// One check.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    name: String,
    outcome: Outcome,
    /// What was found, one thing a line.
    details: Vec<String>,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Passed,
    Failed,
    /// Neither: something to look at.
    Noted,
}

impl Verdict {
    pub(super) fn of(library: &Library, device: Result<&Device, &calibrant_cuda::Error>) -> Self {
        let gpu = match device {
            Ok(device) => format!("{}, {:?}", device.name(), device.driver()),
            Err(error) => format!("none: {error}"),
        };
        Self {
            program: PROGRAM,
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            tensorrt: library.version().to_string(),
            library: library.path().display().to_string(),
            gpu,
            checks: Vec::new(),
            gpu_missing: false,
        }
    }

    /// Says that nothing more can be checked.
    pub(super) fn missing_gpu(&mut self, error: &calibrant_cuda::Error) {
        self.gpu_missing = true;
        let details = vec![error.to_string()];
        self.failed("a GPU for TensorRT to build on", details);
    }

    pub(super) fn passed(&mut self, name: impl Into<String>, details: Vec<String>) {
        self.checks.push(Check { name: name.into(), outcome: Outcome::Passed, details });
    }

    pub(super) fn failed(&mut self, name: impl Into<String>, details: Vec<String>) {
        self.checks.push(Check { name: name.into(), outcome: Outcome::Failed, details });
    }

    pub(super) fn noted(&mut self, name: impl Into<String>, details: Vec<String>) {
        self.checks.push(Check { name: name.into(), outcome: Outcome::Noted, details });
    }

    /// Passes a check without problems, fails one with some.
    pub(super) fn judge(&mut self, name: impl Into<String>, problems: Vec<String>) {
        if problems.is_empty() { self.passed(name, problems) } else { self.failed(name, problems) }
    }

    fn n_failed(&self) -> usize {
        self.checks.iter().filter(|check| check.outcome == Outcome::Failed).count()
    }

    /// The status to end with.
    pub(super) fn exit(&self) -> Exit {
        match self.n_failed() {
            _ if self.gpu_missing => Exit::LibraryMissing,
            0 => Exit::Done,
            _ => Exit::Failed,
        }
    }

    pub(super) fn json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("strings and numbers serialize") + "\n"
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} self-test", self.program)?;
        writeln!(f, "  platform {}", self.platform)?;
        writeln!(f, "  library  {} at {}", self.tensorrt, self.library)?;
        writeln!(f, "  gpu      {}\n", self.gpu)?;
        for Check { name, outcome, details } in &self.checks {
            let mark = match outcome {
                Outcome::Passed => "ok   ",
                Outcome::Failed => "FAIL ",
                Outcome::Noted => "note ",
            };
            writeln!(f, "{mark} {name}")?;
            for line in details.iter().flat_map(|detail| detail.lines()) {
                writeln!(f, "        {line}")?;
            }
        }
        match self.n_failed() {
            0 => writeln!(f, "\nverdict: {} checks, none failed", self.checks.len()),
            failed => writeln!(f, "\nverdict: {failed} of {} checks failed", self.checks.len()),
        }
    }
}
