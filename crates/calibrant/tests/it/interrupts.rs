//! A job that is told to stop stops, whatever it is in the middle of.

#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use calibrant_onnx::proto::{AttributeProto, NodeProto};

use crate::models::{Graph, write_array};

/// A job that has not ended by then does not hear.
const NEVER: Duration = Duration::from_secs(60);

/// One node that runs for minutes: a recurrence over so many steps.
#[test]
fn one_operator_that_runs_for_minutes_ends_at_the_first_signal() {
    const STEPS: usize = 100_000;
    const HIDDEN: usize = 1024;
    let folder = tempfile::tempdir().unwrap();
    let turned = NodeProto::new("Transpose", "turned", &["x"], &["steps"])
        .with_attr(AttributeProto::ints("perm", &[1, 0, 2]));
    let recurrence = NodeProto::new("LSTM", "long", &["steps", "w", "r"], &["", "last"])
        .with_attr(AttributeProto::int("hidden_size", HIDDEN as i64));
    let model = Graph::reading("x", &["batch", &STEPS.to_string(), "1"])
        .weight("w", &[1, 4 * HIDDEN, 1])
        .weight("r", &[1, 4 * HIDDEN, HIDDEN])
        .push(turned)
        .push(recurrence)
        .output("last")
        .write(folder.path());
    let samples = folder.path().join("arrays");
    write_array(&samples, "x", &[1, STEPS, 1]);
    let output = folder.path().join("out");
    let mut job = Command::new(env!("CARGO_BIN_EXE_calibrant"))
        .args(["calibrate", "--cache-version", "10.3.0", "--model"])
        .arg(model)
        .arg("--images")
        .arg(samples)
        .arg("--output")
        .arg(&output)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Once the output folder is there the model is read; the rest of the time goes into the node.
    let started = Instant::now();
    while !output.exists() {
        assert!(
            started.elapsed() < NEVER && job.try_wait().unwrap().is_none(),
            "it does not begin"
        );
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_secs(3));
    assert!(job.try_wait().unwrap().is_none(), "the node is through too early to show anything");
    Command::new("kill").args(["-s", "INT", &job.id().to_string()]).status().unwrap();
    let told = Instant::now();
    while job.try_wait().unwrap().is_none() && told.elapsed() < NEVER {
        thread::sleep(Duration::from_millis(20));
    }
    // Nothing is left of it if it does not hear.
    let _ = job.kill();
    let ended = job.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    assert_eq!(fs::read_dir(&output).unwrap().count(), 0);
}
