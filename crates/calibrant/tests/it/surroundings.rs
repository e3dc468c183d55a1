//! Hostile or unlucky surroundings: what is no file, paths that are no text, readers that have gone.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use calibrant_job::{CACHE, MODEL, REPORT, STATISTICS, TABLE};
use calibrant_onnx::Model;
use serde_json::Value;

use crate::commands::without_fetched;
use crate::fixtures::{files, fixture};

/// A command that takes so long waits for something that does not come.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// The binary with these arguments, which may be any bytes.
fn calibrant<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calibrant"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    without_fetched(&mut command);
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
    let file = format!("{output}.made");
    let file = file.as_str();
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
            &["cache", "merge", special, "--output", file],
            &["cache", "convert", special, "--output", file],
            &["cache", "validate", special],
            &["cache", "validate", cache, "--model", special],
            &["cache", "to-onnx", cache, "--model", special, "--output", file],
            &["cache", "from-onnx", special, "--output", file],
        ];
        for words in cases {
            let (status, said) = finish(&mut calibrant(words));
            assert_eq!(status.code(), Some(1), "{words:?}: {said}");
            assert!(said.contains("not a regular file"), "{words:?}: {said}");
            assert!(said.contains(special), "{words:?}: {said}");
        }
    }
    assert_eq!(files(Path::new(output)), [""; 0]);
    assert!(!Path::new(file).exists());
}

/// A folder with two copies of a picture and a file that is none: there is something to be said of it.
fn pictures(folder: &Path) -> PathBuf {
    let images = folder.join("images");
    fs::create_dir(&images).unwrap();
    let picture = fixture("fashion/calibration/0_tshirt_top/tr00001.png");
    for name in ["a.png", "b.png"] {
        fs::copy(&picture, images.join(name)).unwrap();
    }
    fs::write(images.join("notes.txt"), "of no use").unwrap();
    images
}

/// Standard output and standard error of the command have no reader.
fn unheard(mut command: Command) -> ExitStatus {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (status, _) = finish(command.stdout(writer.try_clone().unwrap()).stderr(writer));
    status
}

#[test]
fn a_reader_that_has_gone_ends_no_job() {
    let folder = tempfile::tempdir().unwrap();
    let (model, images) = (fixture("models/fashion_cnn.onnx"), pictures(folder.path()));
    let (model, images) = (model.to_str().unwrap(), images.to_str().unwrap());
    let output = folder.path().join("out");
    let job = ["quantize", "--engine", "none", "--preset", "fashion", "--model", model];
    let rest = ["--images", images, "--output", output.to_str().unwrap()];
    let command = calibrant([&job[..], &rest].concat());
    assert_eq!(unheard(command).code(), Some(0));
    assert_eq!(files(&output), [CACHE, TABLE, STATISTICS, MODEL, REPORT]);

    let table = output.join(TABLE);
    let table = table.to_str().unwrap();
    let cases: [(&[&str], i32); 8] = [
        (&["inspect", table], 0),
        (&["inspect", table, "--json"], 0),
        (&["cache", "show", table], 0),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["inspect", "missing.onnx"], 1),
        (&["inspect"], 2),
        (&["doctor", "--tensorrt", "/nonexistent"], 3),
    ];
    for (words, code) in cases {
        assert_eq!(unheard(calibrant(words)).code(), Some(code), "{words:?}");
    }
}

#[test]
fn paths_that_are_no_text_are_as_good_as_others() {
    let folder = tempfile::tempdir().unwrap();
    let odd = |name: &[u8]| folder.path().join(OsStr::from_bytes(name));
    let (model, output, images) = (odd(b"model\xFF.onnx"), odd(b"out\xFF"), odd(b"images\xFF"));
    fs::copy(fixture("models/fashion_cnn.onnx"), &model).unwrap();
    fs::create_dir(&images).unwrap();
    let picture = fixture("fashion/calibration/0_tshirt_top/tr00001.png");
    fs::copy(picture, images.join(OsStr::from_bytes(b"a\xFF.png"))).unwrap();
    let run = |words: &[&OsStr]| {
        let (status, said) = finish(&mut calibrant(words));
        assert_eq!(status.code(), Some(0), "{words:?}: {said}");
        said
    };
    let word = OsStr::new;
    let quantize = ["quantize", "--engine", "none", "--preset", "fashion", "--model"].map(word);
    let rest = [model.as_os_str(), word("--images"), images.as_os_str(), word("--output")];
    let said = run(&[&quantize[..], &rest, &[output.as_os_str()]].concat());
    assert!(said.contains("model\\xFF.onnx"), "{said}");
    assert_eq!(files(&output), [CACHE, TABLE, STATISTICS, MODEL, REPORT]);

    let report: Value = serde_json::from_slice(&fs::read(output.join(REPORT)).unwrap()).unwrap();
    let told = report["model"]["path"].as_str().unwrap();
    assert!(told.ends_with("/model\\xFF.onnx"), "{told}");
    let table: Value = serde_json::from_slice(&fs::read(output.join(TABLE)).unwrap()).unwrap();
    assert!(table.to_string().contains("a\\\\xFF.png"), "{table}");

    let (table, cache, other) = (output.join(TABLE), output.join(CACHE), odd(b"other\xFF"));
    let [table, cache, model, other] =
        [&table, &cache, &model, &other].map(|path| path.as_os_str());
    let [show, merge, convert, to_onnx] = ["show", "merge", "convert", "to-onnx"].map(word);
    let (o, json) = (word("--output"), word("--json"));
    run(&[word("inspect"), table]);
    run(&[word("inspect"), model]);
    run(&[word("cache"), show, cache]);
    run(&[word("cache"), merge, cache, table, o, other, json]);
    run(&[word("cache"), convert, table, o, other, json]);
    run(&[word("cache"), to_onnx, cache, word("--model"), model, o, other, json]);
    let again = ["quantize", "--engine", "none", "--json", "--calibration-cache"].map(word);
    let rest = [table, word("--model"), model, o, output.as_os_str()];
    let said = run(&[&again[..], &rest].concat());
    assert!(said.contains("calibration.json"), "{said}");
}

/// What a terminal would obey, and what would pass for a line of the program's own.
const HOSTILE: &str = "\u{1b}]0;\u{7}\u{9b}2J\u{7f}\u{202e}\rx\nerror: faked";

fn assert_harmless(words: &impl std::fmt::Debug, said: &str) {
    let obeyed =
        |char: char| char != '\n' && (char.is_control() || matches!(char, '\u{202a}'..='\u{202e}'));
    assert!(!said.contains(obeyed), "{words:?}: {said:?}");
    assert!(!said.lines().any(|line| line.starts_with("error: faked")), "{words:?}: {said}");
}

/// The model with its tensors and nodes renamed; a tensor with a line break has no place in a cache.
fn hostile_model(path: &Path) {
    let mut model = Model::read(&fixture("models/fashion_cnn.onnx")).unwrap();
    let graph = model.graph_mut();
    let rename = |name: &mut String| name.push_str(&HOSTILE.replace(['\r', '\n'], ""));
    let tensors =
        graph.node.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output));
    tensors.filter(|name| !name.is_empty()).for_each(rename);
    for name in graph.node.iter_mut().filter_map(|node| node.name.as_mut()) {
        name.push_str(HOSTILE);
    }
    graph.initializer.iter_mut().filter_map(|tensor| tensor.name.as_mut()).for_each(rename);
    let values = graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info);
    values.filter_map(|value| value.name.as_mut()).for_each(rename);
    model.write(path).unwrap();
}

#[test]
fn names_out_of_files_reach_no_terminal_raw() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(format!("{name}{HOSTILE}"));
    let (model, images, output) =
        (path("model").with_added_extension("onnx"), path("images"), path("out"));
    hostile_model(&model);
    fs::create_dir(&images).unwrap();
    let picture = fixture("fashion/calibration/0_tshirt_top/tr00001.png");
    for name in ["a", "b"] {
        fs::copy(&picture, images.join(format!("{name}{HOSTILE}.png"))).unwrap();
    }
    fs::write(images.join(format!("none{HOSTILE}.txt")), "of no use").unwrap();
    let (bad_cache, bad_labels, bad_recipe) = (path("cache"), path("labels"), path("recipe"));
    // A line break ends an entry.
    let tensor = HOSTILE.replace(['\r', '\n'], "");
    let cache =
        format!("TRT-101601-EntropyCalibration2\n{tensor}: 7f800000\n{tensor}: zz\nb{tensor}: 0\n");
    fs::write(&bad_cache, cache).unwrap();
    fs::write(&bad_labels, format!("file,label\n\"a{tensor}\",{tensor}\n")).unwrap();
    fs::write(&bad_recipe, format!("preset = \"{}\"\n", "x\\u001b[2J\\nerror: faked")).unwrap();

    let (table, good_cache) = (output.join(TABLE), output.join(CACHE));
    let merged = path("merged");
    let [model, images, output, table, good_cache, merged, bad_cache, bad_labels, bad_recipe] = [
        &model,
        &images,
        &output,
        &table,
        &good_cache,
        &merged,
        &bad_cache,
        &bad_labels,
        &bad_recipe,
    ]
    .map(|path| path.to_str().unwrap());
    let job = ["--model", model, "--images", images, "--output", output, "--preset", "fashion"];
    let quantize = [&["quantize", "--engine", "none"], &job[..]].concat();
    let (layer, again) = (format!("{HOSTILE}=fp32"), format!("{merged}2"));
    let cases: [(&[&str], i32); 30] = [
        (&quantize, 0),
        (&[&quantize[..], &["--json"]].concat(), 0),
        (&[&["calibrate"], &job[..], &["--labels", bad_labels]].concat(), 1),
        (&[&["calibrate"], &job[..6], &["--preprocess", bad_recipe]].concat(), 2),
        (&[&quantize[..9], &["--preset", HOSTILE]].concat(), 2),
        (&[&quantize[..], &["--layer-precision", &layer]].concat(), 1),
        (
            &[
                "quantize",
                "--engine",
                "none",
                "--model",
                model,
                "--output",
                output,
                "--calibration-cache",
                bad_cache,
            ],
            1,
        ),
        (&["inspect", model], 0),
        (&["inspect", table], 0),
        (&["inspect", table, "--json"], 0),
        (&["inspect", good_cache], 0),
        (&["inspect", bad_cache], 1),
        (&["inspect", merged], 1),
        (&["cache", "show", table], 0),
        (&["cache", "show", bad_cache], 1),
        (&["cache", "show", bad_cache, "--json"], 1),
        (&["cache", "diff", table, bad_cache], 1),
        (&["cache", "diff", table, table], 0),
        (&["cache", "merge", table, bad_cache, "--output", merged], 1),
        (&["cache", "convert", table, "--output", merged], 0),
        (&["cache", "validate", bad_cache, "--model", model], 1),
        (&["cache", "validate", table, "--model", model], 0),
        (&["cache", "validate", table, "--model", model, "--json"], 0),
        (&["cache", "to-onnx", table, "--model", model, "--output", merged], 0),
        (&["cache", "from-onnx", merged, "--output", &again], 0),
        (&["cache", "from-onnx", model, "--output", &again], 1),
        (&["preprocess", merged, "--preset", "fashion"], 1),
        (&["preprocess", HOSTILE, "--preset", "fashion"], 1),
        (&["doctor", "--tensorrt", merged], 3),
        (&[HOSTILE], 2),
    ];
    for (words, code) in cases {
        let (status, said) = finish(&mut calibrant(words));
        assert_harmless(&words, &said);
        assert_eq!(status.code(), Some(code), "{words:?}: {said}");
    }
}
