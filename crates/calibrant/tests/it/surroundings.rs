//! Hostile or unlucky surroundings: what is no file, paths that are no text, readers that have gone.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::fixtures::{files, fixture};

/// A command that takes so long waits for something that does not come.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// The binary with these arguments, which may be any bytes.
fn calibrant<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calibrant"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end, and returns what it said; one that hangs is killed and fails the test.
fn finish(command: &mut Command) -> (ExitStatus, String) {
    let mut child = command.spawn().unwrap();
    let streams: [Option<Box<dyn std::io::Read + Send>>; 2] = [
        child.stdout.take().map(|it| Box::new(it) as _),
        child.stderr.take().map(|it| Box::new(it) as _),
    ];
    let readers = streams.map(|stream| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                stream.read_to_end(&mut bytes).unwrap();
            }
            bytes
        })
    });
    let started = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if started.elapsed() > HANGS_AFTER => {
                child.kill().unwrap();
                panic!("it hangs: {command:?}");
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    let said = readers.map(|reader| reader.join().unwrap()).concat();
    (status, String::from_utf8_lossy(&said).into_owned())
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn what_is_no_regular_file_is_refused_wherever_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, pipe_onnx) = (folder.path().join("pipe"), folder.path().join("pipe.onnx"));
    make_pipe(&pipe);
    make_pipe(&pipe_onnx);
    let output = folder.path().join("out");
    let (model, images) = (fixture("models/fashion_cnn.onnx"), fixture("fashion/calibration"));
    let cache = folder.path().join("cache");
    fs::write(&cache, "TRT-101601-EntropyCalibration2\ninput: 3c010a14\n").unwrap();
    let [output, model, images, cache, pipe, pipe_onnx] =
        [&output, &model, &images, &cache, &pipe, &pipe_onnx].map(|path| path.to_str().unwrap());
    let calibrate = ["calibrate", "--output", output, "--limit", "2", "--model"];
    let quantize = [
        "quantize",
        "--output",
        output,
        "--engine",
        "none",
        "--model",
        model,
        "--calibration-cache",
    ];
    for special in [pipe, pipe_onnx, "/dev/zero", "/dev/urandom"] {
        let cases: [&[&str]; 17] = [
            &[&calibrate[..], &[special, "--images", images, "--preset", "fashion"]].concat(),
            &[&calibrate[..], &[model, "--images", special, "--preset", "fashion"]].concat(),
            &[
                &calibrate[..],
                &[model, "--images", images, "--preset", "fashion", "--labels", special],
            ]
            .concat(),
            &[&calibrate[..], &[model, "--images", images, "--preprocess", special]].concat(),
            &[&quantize[..], &[special]].concat(),
            &["inspect", special],
            &["preprocess", special, "--preset", "fashion"],
            &["preprocess", "--preprocess", special, "--print"],
            &["cache", "show", special],
            &["cache", "diff", special, cache],
            &["cache", "diff", cache, special],
            &["cache", "merge", special, "--output", output],
            &["cache", "convert", special, "--output", output],
            &["cache", "validate", special],
            &["cache", "validate", cache, "--model", special],
            &["cache", "to-onnx", cache, "--model", special, "--output", output],
            &["cache", "from-onnx", special, "--output", output],
        ];
        for words in cases {
            let (status, said) = finish(&mut calibrant(words));
            assert_eq!(status.code(), Some(1), "{words:?}: {said}");
            assert!(said.contains("not a regular file"), "{words:?}: {said}");
            assert!(said.contains(special), "{words:?}: {said}");
        }
    }
    assert_eq!(files(Path::new(output)), [""; 0]);
}
