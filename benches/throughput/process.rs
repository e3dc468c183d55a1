//! One program as a process: started on its cores, then asked by lines and answering by lines of JSON.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::machine;

/// How much of a failed program's output is shown.
const TAIL_BYTES: usize = 2000;

/// A line that a program answers with.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It is ready, and spelled so.
    Spelling(String),
    /// It lacks a package.
    Missing(String),
    /// It has gone through so many pictures.
    Images(usize),
}

/// What one pass cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    pub(crate) wall_s: f64,
    pub(crate) cpu_s: Option<f64>,
}

/// A running program; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// `None` only while it is being dropped: the end of its input ends the program.
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, confined to `cores` where there are any; what it prints on standard error goes into `log`.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) fn start(command: &[OsString], cores: &[usize], log: &Path) -> anyhow::Result<Self> {
        let mut line: Vec<OsString> = Vec::new();
        if !cores.is_empty() {
            let list: Vec<String> = cores.iter().map(usize::to_string).collect();
            line.extend(["taskset".into(), "--cpu-list".into(), list.join(",").into()]);
        }
        line.extend_from_slice(command);
        let output =
            File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(&line[0])
            .args(&line[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {}", line[0].display()))?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("a process without pipes");
        };
        let answers = BufReader::new(answers);
        Ok(Self { child, requests: Some(requests), answers, log: log.to_owned() })
    }

    /// Waits for the next answer.
    ///
    /// # Errors
    ///
    /// When the program has ended, with the end of what it printed.
    pub(crate) fn answer(&mut self) -> anyhow::Result<Answer> {
        let mut line = String::new();
        self.answers.read_line(&mut line).context("cannot read from the program")?;
        if line.is_empty() {
            let log = fs::read(&self.log).unwrap_or_default();
            let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(TAIL_BYTES)..]);
            bail!("the program has ended:\n{}", tail.trim());
        }
        serde_json::from_str(&line).with_context(|| format!("not an answer: {}", line.trim()))
    }

    /// Has the first `count` tensors written to `file`.
    ///
    /// # Errors
    ///
    /// As [`answer`](Self::answer), and when there are fewer.
    pub(crate) fn check(&mut self, count: usize, file: &Path) -> anyhow::Result<()> {
        self.ask(&format!("check {count} {}", file.display()), count)
    }

    /// Has it go once through all pictures.
    ///
    /// # Errors
    ///
    /// As [`answer`](Self::answer), and when there are not as many as expected.
    pub(crate) fn pass(&mut self, images: usize) -> anyhow::Result<Cost> {
        let id = self.child.id();
        let cpu_before = machine::cpu_s(id);
        let start = Instant::now();
        self.ask("pass", images)?;
        let wall_s = start.elapsed().as_secs_f64();
        let cpu_s = machine::cpu_s(id).zip(cpu_before).map(|(after, before)| after - before);
        Ok(Cost { wall_s, cpu_s })
    }

    fn ask(&mut self, request: &str, expected: usize) -> anyhow::Result<()> {
        if let Some(requests) = &mut self.requests {
            // Where the program has ended, the missing answer says so, and why.
            let _ = writeln!(requests, "{request}");
        }
        match self.answer()? {
            Answer::Images(images) if images == expected => Ok(()),
            other => {
                bail!("`{request}` was answered with {other:?} instead of {expected} pictures")
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.requests = None;
        // There is nobody left to tell how it ended.
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_the_peers_write_them() {
        let read = |line| serde_json::from_str::<Answer>(line).expect("an answer");
        assert_eq!(read(r#"{"images": 8}"#), Answer::Images(8));
        assert_eq!(read(r#"{"missing": "No module"}"#), Answer::Missing("No module".into()));
        assert_eq!(read(r#"{"spelling": "cv2"}"#), Answer::Spelling("cv2".into()));
    }
}
