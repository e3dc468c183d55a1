//! What a command must leave alone: its inputs by any spelling, and every file that is none of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use calibrant_job::{CACHE, CACHE_MANIFEST, MODEL, MODEL_DATA, PLAN, REPORT, STATISTICS, TABLE};
use serde_json::Value;
use tempfile::TempDir;

use crate::fixtures::{files, fixture};

/// Every file of a folder with its bytes.
type Snapshot = BTreeMap<String, Vec<u8>>;

/// A folder that commands are run in.
struct Place {
    folder: TempDir,
}

impl Place {
    /// One with a model called `model.onnx`.
    fn with_model() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::copy(fixture("models/fashion_cnn.onnx"), place.path(MODEL)).unwrap();
        place
    }

    /// One with a model whose weights lie in `model.onnx.data`.
    fn with_weights_apart() -> Self {
        let place = Self::with_model();
        let model = calibrant_onnx::Model::read(&place.path(MODEL)).unwrap();
        let apart = calibrant_onnx::WriteOptions { inline_limit_bytes: 0 };
        model.write_with(&place.path(MODEL), &apart).unwrap();
        assert!(place.path(MODEL_DATA).exists());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Its files with their bytes, folders left out.
    fn snapshot(&self) -> Snapshot {
        let names = files(self.folder.path()).into_iter().filter(|name| self.path(name).is_file());
        names.map(|name| (name.clone(), fs::read(self.path(&name)).unwrap())).collect()
    }

    fn calibrant(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_calibrant"))
            .current_dir(self.folder.path())
            .args(words)
            .output()
            .unwrap()
    }

    fn job(&self, command: &str, model: &str, more: &[&str]) -> Output {
        let images = fixture("fashion/calibration");
        let images = ["--images", images.to_str().unwrap(), "--preset", "fashion", "--limit", "4"];
        let engine: &[&str] = if command == "quantize" { &["--engine", "none"] } else { &[] };
        self.calibrant(&[&[command, "--model", model], &images[..], engine, more].concat())
    }

    fn done(&self, command: &str, model: &str, more: &[&str]) -> String {
        let done = self.job(command, model, more);
        assert_eq!(done.status.code(), Some(0), "{command} {more:?}: {}", said(&done));
        said(&done)
    }

    fn report(&self, folder: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(folder).join(REPORT)).unwrap()).unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// That a command was refused with a message that has all the parts.
fn refused(output: &Output, parts: &[&str]) {
    let said = said(output);
    assert_ne!(output.status.code(), Some(0), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_job_beside_its_model_touches_nothing_however_the_folder_is_spelled() {
    for place in [Place::with_model(), Place::with_weights_apart()] {
        let other = tempfile::tempdir().unwrap();
        let link = other.path().join("link");
        std::os::unix::fs::symlink(place.folder.path(), &link).unwrap();
        let before = place.snapshot();
        let absolute = place.folder.path().to_str().unwrap();
        for output in [".", "./", absolute, link.to_str().unwrap(), "../."] {
            let output =
                if output == "../." { format!("../{}", name_of(&place)) } else { output.into() };
            for (command, more) in
                [("calibrate", &[][..]), ("quantize", &[]), ("quantize", &["--precision", "fp16"])]
            {
                let words = [&["--output", &output], more].concat();
                refused(&place.job(command, MODEL, &words), &["model.onnx", "--output"]);
                assert!(place.snapshot() == before, "{command} {output}");
            }
        }
    }
}

fn name_of(place: &Place) -> String {
    place.folder.path().file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_model_under_another_name_that_a_result_would_replace_is_kept() {
    let place = Place::with_model();
    fs::create_dir(place.path("out")).unwrap();
    fs::hard_link(place.path(MODEL), place.path("out/model.onnx")).unwrap();
    fs::create_dir(place.path("linked")).unwrap();
    std::os::unix::fs::symlink(place.path(MODEL), place.path("linked/model.onnx")).unwrap();
    let before = fs::read(place.path(MODEL)).unwrap();
    for output in ["out", "linked"] {
        refused(&place.job("quantize", MODEL, &["--output", output]), &["model.onnx", "--output"]);
        assert_eq!(files(&place.path(output)), [MODEL]);
        assert!(fs::read(place.path(output).join(MODEL)).unwrap() == before, "{output}");
    }
}

#[test]
fn a_result_of_an_earlier_job_that_is_an_input_now_is_kept() {
    let place = Place::with_model();
    place.done("quantize", MODEL, &["--output", "out"]);
    let before = fs::read(place.path("out/model.onnx")).unwrap();
    for command in ["quantize", "calibrate"] {
        let again = place.job(command, "out/model.onnx", &["--output", "./out"]);
        refused(&again, &["out/model.onnx", "--output"]);
        assert!(fs::read(place.path("out/model.onnx")).unwrap() == before);
    }
}

#[test]
fn files_of_others_under_the_names_of_results_are_refused_before_any_work() {
    let place = Place::with_model();
    for name in [STATISTICS, TABLE, CACHE, CACHE_MANIFEST, MODEL, MODEL_DATA, PLAN, REPORT] {
        for command in ["quantize", "calibrate"] {
            let output = place.path("out");
            fs::create_dir(&output).unwrap();
            fs::write(output.join(name), "{\"mine\": 1}").unwrap();
            refused(&place.job(command, MODEL, &["--output", "out"]), &[name, "--output"]);
            assert_eq!(files(&output), [name], "{command}");
            assert_eq!(fs::read(output.join(name)).unwrap(), b"{\"mine\": 1}", "{command} {name}");
            fs::remove_dir_all(&output).unwrap();
        }
    }
    // A folder and a link are no results either.
    fs::create_dir_all(place.path("out/engine.plan")).unwrap();
    refused(&place.job("quantize", MODEL, &["--output", "out"]), &["engine.plan", "--output"]);
    fs::remove_dir(place.path("out/engine.plan")).unwrap();
    std::os::unix::fs::symlink("nowhere", place.path("out/engine.plan")).unwrap();
    refused(&place.job("quantize", MODEL, &["--output", "out"]), &["engine.plan", "--output"]);
    assert_eq!(files(&place.path("out")), [PLAN]);
}

#[test]
fn an_earlier_job_vouches_for_what_it_wrote_and_for_nothing_else() {
    let place = Place::with_model();
    let beside = ["notes.txt", ".calibrant-backup", ".calibrant-notes"];
    fs::create_dir(place.path("out")).unwrap();
    for name in beside {
        place.write(&format!("out/{name}"), "mine");
    }
    place.done("quantize", MODEL, &["--output", "out"]);
    let first = fs::read(place.path("out/calibration.json")).unwrap();
    let report = place.report("out");
    let written = report["files"].as_array().unwrap();
    assert_eq!(written.len(), 4, "{report:#}");
    for file in written {
        let bytes = fs::read(place.path(file["path"].as_str().unwrap())).unwrap();
        assert_eq!(file["bytes"], bytes.len());
        assert_eq!(file["sha256"], calibrant_tensor::digest(&bytes).to_string());
    }
    place.done("quantize", MODEL, &["--output", "out"]);
    assert!(fs::read(place.path("out/calibration.json")).unwrap() == first);
    for name in beside {
        assert_eq!(fs::read(place.path(&format!("out/{name}"))).unwrap(), b"mine");
    }

    for name in [STATISTICS, TABLE, CACHE, MODEL, REPORT] {
        let path = place.path("out").join(name);
        let whole = fs::read(&path).unwrap();
        let mut edited = whole.clone();
        // A digit for a digit: the edited file has the same size, and a report stays one.
        let digit = edited.iter().rposition(u8::is_ascii_digit).unwrap();
        edited[digit] = if edited[digit] == b'1' { b'2' } else { b'1' };
        fs::write(&path, &edited).unwrap();
        refused(&place.job("quantize", MODEL, &["--output", "out"]), &[name, "--output"]);
        assert!(fs::read(&path).unwrap() == edited, "{name}");
        fs::write(&path, &whole).unwrap();
    }
    place.done("quantize", MODEL, &["--output", "out"]);
}

#[test]
fn a_report_of_an_earlier_version_or_of_another_program_vouches_for_nothing() {
    let place = Place::with_model();
    fs::create_dir(place.path("out")).unwrap();
    place.write("out/calibration.json", "{}");
    for report in [
        r#"{"schema_version": 1, "program": "calibrant 0.1.0", "files": ["out/calibration.json"]}"#,
        r#"{"schema_version": 2, "program": "other 1", "files": []}"#,
        r#"{"schema_version": 99, "program": "calibrant 9.9.9", "files": []}"#,
    ] {
        place.write("out/report.json", report);
        refused(&place.job("quantize", MODEL, &["--output", "out"]), &[REPORT, "--output"]);
        assert_eq!(fs::read(place.path("out/report.json")).unwrap(), report.as_bytes());
        assert_eq!(files(&place.path("out")), [TABLE, REPORT]);
    }
}

#[test]
fn what_an_earlier_job_left_and_this_one_does_not_make_is_removed_and_said() {
    let place = Place::with_model();
    fs::copy(fixture("models/fashion_cnn_bn.onnx"), place.path("other.onnx")).unwrap();
    place.done("quantize", MODEL, &["--output", "out"]);
    let said = place.done("calibrate", "other.onnx", &["--output", "out"]);
    assert_eq!(files(&place.path("out")), [CACHE, TABLE, STATISTICS, REPORT]);
    assert!(said.contains("removed `model.onnx` of an earlier job"), "{said}");
    assert!(said.contains("another model"), "{said}");
    let notes = place.report("out")["notes"].to_string();
    assert!(notes.contains("removed `model.onnx` of an earlier job"), "{notes}");

    // Ranges of an earlier job do not stay beside a model that was made without them.
    let half = ["quantize", "--model", MODEL, "--precision", "fp16", "--engine", "none"];
    let done = place.calibrant(&[&half[..], &["--output", "out"]].concat());
    assert_eq!(done.status.code(), Some(0), "{}", self::said(&done));
    assert_eq!(files(&place.path("out")), [MODEL, REPORT]);
    assert!(self::said(&done).contains("removed `calibration.json`"), "{}", self::said(&done));
}

#[test]
fn ranges_out_of_the_folder_of_the_results_stay_as_they_are() {
    let place = Place::with_model();
    place.done("calibrate", MODEL, &["--output", "out"]);
    let reuse = |file: &str, more: &[&str]| {
        let words = ["quantize", "--model", MODEL, "--engine", "none", "--output", "out"];
        place.calibrant(&[&words[..], &["--calibration-cache", file], more].concat())
    };
    let table = fs::metadata(place.path("out/calibration.json")).unwrap().modified().unwrap();
    for file in ["out/calibration.json", "out/calibration.cache"] {
        let done = reuse(file, &[]);
        assert_eq!(done.status.code(), Some(0), "{file}: {}", said(&done));
        assert_eq!(files(&place.path("out")), [CACHE, TABLE, STATISTICS, MODEL, REPORT], "{file}");
        let now = fs::metadata(place.path("out/calibration.json")).unwrap().modified().unwrap();
        assert_eq!(now, table, "{file}: not written again");
    }
    let before = fs::read(place.path("out/calibration.json")).unwrap();
    let changed = reuse("./out/calibration.json", &["--method", "minmax"]);
    refused(&changed, &["calibration.json", "--output"]);
    assert!(fs::read(place.path("out/calibration.json")).unwrap() == before);
    // The earlier job still vouches for all of it.
    place.done("quantize", MODEL, &["--output", "out"]);
}

#[test]
fn a_timing_cache_is_no_other_input_and_no_result() {
    let place = Place::with_model();
    fs::create_dir(place.path("out")).unwrap();
    let before = place.snapshot();
    let words = ["quantize", "--model", MODEL, "--precision", "fp16", "--output", "out"];
    for (file, way_out) in [
        ("./model.onnx", "name another file with --timing-cache"),
        ("out/engine.plan", "name another folder with --output"),
    ] {
        let output = place.calibrant(&[&words[..], &["--timing-cache", file]].concat());
        refused(&output, &[file, way_out]);
        assert!(place.snapshot() == before && files(&place.path("out")).is_empty());
    }
}

#[test]
fn a_folder_of_samples_can_take_the_results_and_keeps_its_files() {
    let place = Place::with_model();
    fs::create_dir(place.path("arrays")).unwrap();
    for (at, picture) in
        fs::read_dir(fixture("fashion/calibration/0_tshirt_top")).unwrap().take(4).enumerate()
    {
        fs::copy(picture.unwrap().path(), place.path(&format!("arrays/{at}.png"))).unwrap();
    }
    let list = "calibration.json";
    place.write(&format!("arrays/{list}"), "0.png\n1.png\n");
    let words = ["quantize", "--model", MODEL, "--preset", "fashion", "--engine", "none"];
    let run = |images: &str| {
        place.calibrant(&[&words[..], &["--images", images, "--output", "arrays"]].concat())
    };
    refused(&run("arrays/calibration.json"), &[list, "--output"]);
    refused(&run("arrays"), &[list, "--output"]);
    fs::remove_file(place.path("arrays/calibration.json")).unwrap();
    let done = run("arrays");
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_eq!(files(&place.path("arrays")).len(), 4 + 5);
}

#[test]
fn commands_that_write_one_file_never_write_to_one_that_they_read() {
    let place = Place::with_weights_apart();
    place.done("quantize", MODEL, &["--output", "out"]);
    for (from, to) in [("out/calibration.cache", "a.cache"), ("out/model.onnx", "qdq.onnx")] {
        fs::copy(place.path(from), place.path(to)).unwrap();
    }
    place.write("mine.onnx.data", "mine");
    fs::copy(fixture("edge/ok_baseline.jpg"), place.path("picture.jpg")).unwrap();
    place.write("steps.toml", "preset = 'imagenet'\n");
    std::os::unix::fs::symlink("picture.jpg", place.path("link.jpg")).unwrap();
    fs::hard_link(place.path("picture.jpg"), place.path("hard.jpg")).unwrap();
    let before = place.snapshot();
    let preset = ["--preset", "imagenet"];
    let cases: &[&[&str]] = &[
        &["cache", "to-onnx", "a.cache", "--model", MODEL, "-o", "./model.onnx"],
        &["cache", "to-onnx", "a.cache", "--model", MODEL, "-o", "model.onnx.data"],
        &["cache", "to-onnx", "a.cache", "--model", MODEL, "-o", "a.cache"],
        // The weights would go beside it, under a name that nobody gave.
        &["cache", "to-onnx", "a.cache", "--model", MODEL, "-o", "mine.onnx"],
        &["cache", "to-onnx", "a.cache", "--model", MODEL, "-o", "out"],
        &["cache", "convert", "a.cache", "-o", "a.cache"],
        &["cache", "merge", "a.cache", "out/calibration.cache", "-o", "./a.cache"],
        &["cache", "from-onnx", "out/model.onnx", "-o", "out/model.onnx"],
        &["cache", "from-onnx", "out/model.onnx", "-o", "out/model.onnx.data"],
        &["build", "--model", MODEL, "-o", "model.onnx"],
        &["build", "--model", MODEL, "-o", "model.onnx.data"],
        &["build", "--model", MODEL, "-o", "x.plan", "--timing-cache", "./model.onnx"],
        &["build", "--model", MODEL, "-o", "x.plan", "--timing-cache", "x.plan"],
        &["preprocess", "picture.jpg", preset[0], preset[1], "-o", "picture.jpg"],
        &["preprocess", "picture.jpg", preset[0], preset[1], "--png", "link.jpg"],
        &["preprocess", "link.jpg", preset[0], preset[1], "--png", "hard.jpg"],
        &["preprocess", "picture.jpg", preset[0], preset[1], "--png", "x", "-o", "./x"],
        &["preprocess", "picture.jpg", "--preprocess", "steps.toml", "-o", "steps.toml"],
        &["preprocess", "picture.jpg", preset[0], preset[1], "-o", "/dev/null"],
    ];
    for words in cases {
        let output = place.calibrant(words);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("name another file with --") || said.contains("name two"), "{said}");
        assert!(place.snapshot() == before, "{words:?}");
    }
}

#[test]
fn a_file_that_was_named_is_replaced_and_one_that_was_not_is_kept() {
    let place = Place::with_model();
    place.done("calibrate", MODEL, &["--output", "out"]);
    place.write("mine.cache", "mine");
    let convert = ["cache", "convert", "out/calibration.cache", "-o", "mine.cache"];
    assert_eq!(place.calibrant(&convert).status.code(), Some(0));
    let cache = fs::read(place.path("out/calibration.cache")).unwrap();
    assert!(fs::read(place.path("mine.cache")).unwrap() == cache);

    // Of a link the link is replaced, and what it leads to stays.
    place.write("target", "mine");
    std::os::unix::fs::symlink("target", place.path("link")).unwrap();
    let convert = ["cache", "convert", "out/calibration.cache", "-o", "link"];
    assert_eq!(place.calibrant(&convert).status.code(), Some(0));
    assert_eq!(fs::read(place.path("target")).unwrap(), b"mine");

    place.write("model.plan", "mine");
    let unnamed = place.calibrant(&["build", "--model", MODEL]);
    refused(&unnamed, &["model.plan", "name it with --output"]);
    assert_eq!(fs::read(place.path("model.plan")).unwrap(), b"mine");
}
