//! Whoever stops a job stops what the job waits for: an interpreter that hangs, and what a wrapper of one has started.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A job that takes so long to hear, or a child that takes so long to start or to end, does so never.
const NEVER: Duration = Duration::from_secs(60);

/// Plays an interpreter that hangs behind a wrapper: it says which processes there are, and waits for the inner one.
const HANGS: &str = r#"#!/bin/sh
sleep 600 &
echo $$ $! > "$(dirname "$0")/partial"
mv "$(dirname "$0")/partial" "$(dirname "$0")/pids"
wait
"#;

/// Waits until something is there.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < NEVER, "{what} does not come");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process runs; one that has ended and that nobody has asked about does not.
fn runs(pid: &str) -> bool {
    let Ok(stat) = fs::read_to_string(Path::new("/proc").join(pid).join("stat")) else {
        return false;
    };
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !state.starts_with(['Z', 'X'])
}

fn start(words: &[&str], folder: &Path) -> Child {
    let python = folder.join("python");
    fs::write(&python, HANGS).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    Command::new(env!("CARGO_BIN_EXE_calibrant"))
        .args(words)
        .env("CALIBRANT_PYTHON", python)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env_remove("CALIBRANT_TENSORRT")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_stopped_job_stops_the_interpreter_that_it_waits_for() {
    for words in [&["doctor"][..], &["doctor", "--tensorrt", "fetch"]] {
        // `timeout` sends its signal twice, a person who is in a hurry likewise.
        for signals in [&["TERM"][..], &["INT"], &["TERM", "TERM"], &["INT", "INT", "INT"]] {
            let folder = tempfile::tempdir().unwrap();
            let mut job = start(words, folder.path());
            let pids =
                wait_for("the interpreter", || fs::read_to_string(folder.path().join("pids")).ok());
            let pids: Vec<&str> = pids.split_whitespace().collect();
            assert!(pids.len() == 2 && pids.iter().all(|pid| runs(pid)), "{pids:?}");
            for signal in signals {
                let pid = job.id().to_string();
                // It may have ended at the first.
                Command::new("kill")
                    .args(["-s", signal, &pid])
                    .stderr(Stdio::null())
                    .status()
                    .unwrap();
            }
            let status = wait_for("the job's end", || job.try_wait().unwrap());
            assert_eq!(status.code(), Some(130), "{words:?} {signals:?}");
            for pid in pids {
                wait_for("an end of the interpreter", || (!runs(pid)).then_some(()));
            }
        }
    }
}
