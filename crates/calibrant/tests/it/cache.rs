//! `calibrant cache`: the files it reads and writes, what it prints, and how it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use calibrant_calibration::{Cache, Method, SavedStatistics, Table};
use calibrant_job::{CACHE, STATISTICS, TABLE};
use expect_test::expect;
use serde_json::Value;
use tempfile::TempDir;

use crate::fixtures::{embedded, fashion_calibration_with, files, fixture, job, run};

/// A folder with files, in which commands run.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn with(self, name: &str, text: &str) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    /// With the table and the cache of a calibration of the fashion network.
    fn calibrated(method: Method) -> Self {
        let folder = Self::new();
        let calibration = fashion_calibration_with(|it| it.backend = embedded(method));
        let mut config = job("models/fashion_cnn.onnx", calibration, folder.0.path());
        config.engine.policy = calibrant_job::EnginePolicy::CalibrateOnly;
        run(&config).unwrap();
        folder
    }

    /// Runs `calibrant cache` with these words, separated by spaces.
    fn cache(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calibrant"));
        command.arg("cache").args(words.split(' ')).current_dir(self.0.path()).output().unwrap()
    }

    /// What it prints when all is well.
    fn done(&self, words: &str) -> String {
        let output = self.cache(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it prints and says when it ends in `status`.
    fn failed(&self, words: &str, status: i32) -> [String; 2] {
        let output = self.cache(words);
        let [printed, said] =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(output.status.code(), Some(status), "{words}: {printed}{said}");
        [printed, said]
    }

    fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.done(&format!("{words} --json"))).unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Names with `: ` in them, unpadded numbers, all that TensorRT writes in place of a number, CRLF.
const ODD: &str = "TRT-7202-EntropyCalibration2\r\nimages: 3c008912\r\na: b: 3c010a14\r\nzero: 0\r\n\
                   log: 7f800000\r\nmask: 7c010204\r\n";

#[test]
fn show_prints_ranges_and_what_is_odd_about_them() {
    let folder = Folder::new().with("odd.cache", ODD);
    expect![[r#"
        TensorRT calibration cache
          version: 7202 (TensorRT 7.2.2)
          algorithm: EntropyCalibration2
          tensors: 5

        tensor       hex          amax         scale
        log     7f800000           inf           inf  infinities when it was calibrated, as behind a Log or a mask; no value is left of it
        mask    7c010204   3.402824e38   2.679389e36  the range of all floats, as behind a mask of the lowest float; no other value is left of it
        a: b    3c010a14      1.000244   7.875938e-3
        images  3c008912      0.996338   7.845180e-3
        zero           0      0.000000    0.000000e0  only ever 0 when it was calibrated; TensorRT may fail to build with that
    "#]]
    .assert_eq(&folder.done("show odd.cache --sort amax"));
    let shown = folder.json("show odd.cache");
    let names: Vec<&str> = shown["tensors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["tensor"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a: b", "images", "log", "mask", "zero"]);
    assert_eq!(shown["release"], "7.2.2");
    assert_eq!(shown["tensors"][1]["hex"], "3c008912");
    assert_eq!(shown["tensors"][2]["amax"], Value::Null);

    let folder = folder.with("torn.cache", "TRT-8601-EntropyCalibration2\na: 3c010204\na: 0\nb");
    let [printed, _] = folder.failed("show torn.cache", 1);
    assert!(printed.contains("problem: line 3: tensor `a` already stands on line 2"), "{printed}");
    assert!(printed.contains("problem: line 4 is `b`"), "{printed}");
    assert!(printed.contains("3c010204"), "{printed}");
}

#[test]
fn tables_are_taken_wherever_caches_are() {
    let folder = Folder::calibrated(Method::Mse);
    let table = Table::read(&folder.path(TABLE)).unwrap();
    let shown = folder.json(&format!("show {TABLE}"));
    assert_eq!((&shown["method"], &shown["samples"]), (&"mse".into(), &20.into()));
    assert_eq!(shown["tensors"].as_array().unwrap().len(), table.tensors().len());

    assert!(folder.done(&format!("diff {TABLE} {CACHE} --check")).contains(" 0 moved"));
    let moved = folder.json(&format!("diff {TABLE} {TABLE} --method minmax"));
    assert_eq!(moved["moved"].as_array().unwrap().len(), 0, "both by the other method");
    folder.done(&format!("convert {TABLE} --method minmax --version 8.6.1 --output minmax.cache"));
    let minmax = Cache::read(&folder.path("minmax.cache")).unwrap();
    assert_eq!((minmax.version(), minmax.algorithm().name()), (8601, "MinMaxCalibration"));
    let saved = SavedStatistics::read(&folder.path(STATISTICS)).unwrap();
    let by_method = Table::new(&saved, Method::MinMax, &calibrant_format::INT8).unwrap();
    for (name, scale) in minmax.entries() {
        assert_eq!(by_method.tensors()[name].scale.to_bits(), scale.to_bits());
    }
    let [_, said] = folder.failed(&format!("show {CACHE} --method minmax"), 2);
    assert!(said.contains("leave --method out"), "{said}");
    folder.done(&format!("convert {TABLE} --method percentile:5 --output five.cache"));
    let words = format!("convert {TABLE} --method tensorrt-faithful --output x");
    let [_, said] = folder.failed(&words, 1);
    assert!(said.contains("calibrate again with --method tensorrt-faithful"), "{said}");
}

#[test]
fn diff_tells_what_moved_and_ends_in_1_only_when_asked_to() {
    let folder = Folder::new()
        .with(
            "a",
            "TRT-8601-EntropyCalibration2\nx: 3f800000\ny: 3f800000\nz: 3f800000\nold: 1000000\n",
        )
        .with(
            "b",
            "TRT-101601-MinMaxCalibration\nx: 3f800000\ny: 3f808000\nz: 40000000\nnew: 1000000\n",
        );
    expect![[r#"
        version: 8601 and 101601
        algorithm: EntropyCalibration2 and MinMaxCalibration
        tensor    first amax   second amax     percent
        z         127.000000    254.000000    +100.000
        only in the first: old
        only in the second: new
        1 tensors are the same, 1 moved by more than 1 %, 1 by less, 1 are only in the first, 1 only in the second
    "#]]
    .assert_eq(&folder.done("diff a b --above 1%"));
    assert_eq!(folder.json("diff a b")["moved"][1]["percent"], 0.390625);
    folder.failed("diff a b --check --above 1000", 1);
    folder.done("diff a a --check");
    folder.failed("diff a b --above -1", 2);
    let [_, said] = folder.failed("diff a missing", 1);
    assert!(said.contains("missing"), "{said}");
}

#[test]
fn merge_decides_by_the_rule_and_tells_of_conflicts() {
    let folder = Folder::new()
        .with("a", "TRT-8601-EntropyCalibration2\nx: 3f800000\ny: 3f800000\n")
        .with("b", "TRT-101601-EntropyCalibration2\ny: 40400000\nz: 3f800000\n");
    for (rule, y) in [("max", "40400000"), ("first", "3f800000"), ("mean", "40000000")] {
        let output = folder.cache(&format!("merge a b --by {rule} --output merged"));
        assert_eq!(output.status.code(), Some(0));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("`b` is a TRT-101601-EntropyCalibration2, unlike the first"),
            "{said}"
        );
        let expected = format!("TRT-8601-EntropyCalibration2\nx: 3f800000\ny: {y}\nz: 3f800000\n");
        assert_eq!(folder.read("merged"), expected);
    }
    let conflicts = folder.json("merge a b --output merged --quiet --version 10.3.0");
    assert_eq!(conflicts["conflicts"][0]["tensor"], "y");
    assert_eq!(conflicts["conflicts"][0]["amax"], serde_json::json!([127.0, 381.0]));
    assert!(folder.read("merged").starts_with("TRT-100300-EntropyCalibration2\n"));
    folder.failed("merge a b --by median --output merged", 2);
    folder.failed("merge --output merged", 2);

    let folder = folder.with("broken", "TRT-8601-EntropyCalibration2\ny: 7fc00000\n");
    let [_, said] = folder.failed("merge a broken --output other", 1);
    assert!(
        said.contains("tensor `y` has the scale NaN") && !folder.path("other").exists(),
        "{said}"
    );
}

#[test]
fn convert_puts_any_header_over_the_same_scales() {
    let folder = Folder::new().with("odd", ODD);
    for (words, header) in [
        ("--version 8.6.1", "TRT-8601-EntropyCalibration2"),
        ("--version 101601 --algorithm minmax", "TRT-101601-MinMaxCalibration"),
        ("--algorithm entropy-v1", "TRT-7202-EntropyCalibration"),
        ("--algorithm legacy", "TRT-7202-LegacyCalibration"),
        ("--version 10.16.1.11 --algorithm EntropyCalibration2", "TRT-101601-EntropyCalibration2"),
    ] {
        folder.done(&format!("convert odd {words} --output new"));
        let rest = ODD.replace('\r', "");
        let (_, rest) = rest.split_once('\n').unwrap();
        assert_eq!(folder.read("new"), format!("{header}\n{rest}"));
    }
    folder.failed("convert odd --version 8.6 --output new", 2);
    folder.failed("convert odd --algorithm best --output new", 2);

    // As people write it without a version at hand.
    let folder = folder.with("hand", "TRT-8XXX-EntropyCalibration2\nx: 3c010204\n");
    let [_, said] = folder.failed("convert hand --version 8601 --output mended", 2);
    assert!(said.contains("--version and --algorithm"), "{said}");
    folder.done("convert hand --version 8601 --algorithm entropy2 --output mended");
    assert_eq!(folder.read("mended"), "TRT-8601-EntropyCalibration2\nx: 3c010204\n");
    let [_, said] = folder.failed("show missing", 1);
    assert!(said.contains("cannot read `missing`"), "{said}");
}

#[test]
fn validate_holds_a_cache_against_version_and_model() {
    let folder = Folder::calibrated(Method::Entropy);
    let model = fixture("models/fashion_cnn.onnx");
    let [model, other] =
        [text(&model).to_owned(), text(&fixture("models/fashion_cnn_bn.onnx")).to_owned()];
    for file in [CACHE, TABLE] {
        let words = format!("validate {file} --model {model} --version 10.16.1");
        assert_eq!(folder.done(&words), "nothing is to be said against it\n");
    }
    let [printed, _] = folder.failed(&format!("validate {TABLE} --model {other}"), 1);
    assert!(printed.contains("the ranges were found for another model"), "{printed}");
    let [printed, _] = folder.failed(&format!("validate {CACHE} --version 8.6.1"), 1);
    assert!(printed.contains("TensorRT 8.6.1 refuses the cache"), "{printed}");

    let folder =
        folder.with("bad", "TRT-110000-EntropyCalibration2\ninput: 3c010204\ninput: 1\nghost: 0\n");
    let output = folder.failed(&format!("validate bad --model {model} --json"), 1);
    let found: Value = serde_json::from_str(&output[0]).unwrap();
    let kinds: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["malformed", "version-without-caches", "suspicious", "unknown-tensors", "missing-tensors"]
    );
    assert_eq!((&found["errors"], &found["warnings"]), (&2.into(), &3.into()));
    let missing = found["findings"][4]["tensors"].as_array().unwrap();
    assert!(missing.iter().any(|name| name == "logits") && missing.len() > 20, "{missing:?}");

    let folder = folder.with("foreign", "TRT-8601-EntropyCalibration2\nghost: 3c010204\n");
    let [printed, _] = folder.failed(&format!("validate foreign --model {model}"), 1);
    assert!(
        printed.starts_with("error    the model has not one of the cache's tensors"),
        "{printed}"
    );
}

/// Cache → Q/DQ model → cache: every tensor that the model carries has the digits that it had.
#[test]
fn a_cache_survives_the_way_through_a_model() {
    let folder = Folder::calibrated(Method::Entropy);
    let model = fixture("models/fashion_cnn.onnx");
    let words = format!("to-onnx {CACHE} --model {} --output qdq.onnx", text(&model));
    let made = folder.json(&words);
    let activations = made["summary"]["activations"].as_array().unwrap();
    folder.done("from-onnx qdq.onnx --output pairs.cache --only-pairs");
    let [before, after] =
        [CACHE, "pairs.cache"].map(|name| Cache::read(&folder.path(name)).unwrap());
    assert_eq!(after.entries().len(), activations.len());
    let digits = |cache: &Cache, name: &str| {
        let found = cache.entries().iter().find(|(known, _)| known == name);
        found.map(|(_, scale)| scale.to_bits())
    };
    for (name, scale) in after.entries() {
        assert_eq!(digits(&before, name), Some(scale.to_bits()), "{name}");
    }
    folder.done("from-onnx qdq.onnx --output all.cache --version 8.6.1 --algorithm minmax");
    assert!(folder.read("all.cache").starts_with("TRT-8601-MinMaxCalibration\ninput: "));

    // The pairs are all that the model needs: from them alone it comes out the same.
    let words = format!("to-onnx pairs.cache --model {} --output again.onnx --quiet", text(&model));
    folder.done(&words);
    assert!(
        fs::read(folder.path("again.onnx")).unwrap() == fs::read(folder.path("qdq.onnx")).unwrap()
    );
}

#[test]
fn models_that_do_not_fit_are_refused_with_the_reason() {
    let folder = Folder::calibrated(Method::Entropy);
    let [model, other] = ["models/fashion_cnn.onnx", "models/fashion_cnn_bn.onnx"].map(fixture);
    let before = files(folder.0.path());
    for file in [CACHE, TABLE] {
        let [_, said] =
            folder.failed(&format!("to-onnx {file} --model {} --output x.onnx", text(&other)), 1);
        assert!(said.contains("the model changed"), "{said}");
    }
    let [_, said] = folder.failed(&format!("from-onnx {} --output x.cache", text(&model)), 1);
    assert!(said.contains("has no Q/DQ pair"), "{said}");
    assert_eq!(files(folder.0.path()), before, "nothing was written");

    let alone = Folder::new().with("few", "TRT-8601-EntropyCalibration2\ninput: 3c010204\n");
    let output = alone.cache(&format!("to-onnx few --model {} --output x.onnx", text(&model)));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("nothing says which model it belongs to"), "{said}");
    assert!(said.contains("layers stay in float"), "{said}");

    let foreign = Folder::new().with("foreign", "TRT-8601-EntropyCalibration2\nother: 3c010204\n");
    let words = format!("to-onnx foreign --model {} --output x.onnx", text(&model));
    let [_, said] = foreign.failed(&words, 1);
    assert!(said.contains("has not one of the tensors that there are ranges for"), "{said}");
    assert_eq!(files(foreign.0.path()), ["foreign"]);
}

/// Pictures from -1 to 1 by TensorRT's own method: the scale is that of public caches, half a bin above 1.
#[test]
fn a_layer_without_a_range_stays_in_float_and_every_command_says_so() {
    let folder = Folder::calibrated(Method::Mse);
    let model = fixture("models/fashion_cnn.onnx");
    let model = text(&model);
    let whole = folder.json(&format!("to-onnx {CACHE} --model {model} -o whole.onnx"));
    let tensor = whole["summary"]["activations"][1]["tensor"].as_str().unwrap();
    let lines = folder.read(CACHE);
    let others = lines.lines().filter(|line| !line.starts_with(&format!("{tensor}: ")));
    let partial: String = others.map(|line| format!("{line}\n")).collect();
    assert!(partial.len() < lines.len());
    let folder = Folder::new().with("partial.cache", &partial);

    let checked = folder.done(&format!("validate partial.cache --model {model}"));
    assert!(checked.contains(&format!("stay in float: `{tensor}`")), "{checked}");

    let written = folder.cache(&format!("to-onnx partial.cache --model {model} -o q.onnx"));
    let said = String::from_utf8_lossy(&written.stderr);
    assert_eq!(written.status.code(), Some(0), "{said}");
    assert!(said.contains("layers stay in float"), "{said}");
    assert!(said.contains(&format!("(of `{tensor}`)")), "{said}");

    let quantized = Command::new(env!("CARGO_BIN_EXE_calibrant"))
        .args(["quantize", "--json", "--model", model, "--engine", "none", "--output", "out"])
        .args(["--calibration-cache", "partial.cache"])
        .current_dir(folder.0.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&quantized.stderr);
    assert_eq!(quantized.status.code(), Some(0), "{said}");
    let report: Value = serde_json::from_slice(&quantized.stdout).unwrap();
    let notes = report["notes"].as_array().unwrap();
    let is_told = |note: &Value| note.as_str().unwrap().contains(&format!("(of `{tensor}`)"));
    assert_eq!(notes.iter().filter(|note| is_told(note)).count(), 1, "{notes:?}");
    assert_eq!(
        fs::read(folder.path("q.onnx")).unwrap(),
        fs::read(folder.path("out/model.onnx")).unwrap()
    );
}

#[test]
fn a_calibration_by_tensorrts_own_method_tells_of_its_first_batch() {
    let folder = Folder::calibrated(Method::TensorrtFaithful);
    let table = Table::read(&folder.path(TABLE)).unwrap();
    assert_eq!(table.first_batch().len(), 4);
    assert!(table.tensors().values().all(|entry| entry.first_batch.is_some()));
    assert!(table.manifest().backend.notes.iter().any(|note| note.contains("first batch")));
    let cache = Cache::read(&folder.path(CACHE)).unwrap();
    assert_eq!(cache.algorithm().name(), "EntropyCalibration2");
    assert!(cache.to_string().contains("\ninput: 3c010a14\n"), "{cache}");
    folder.done(&format!("convert {TABLE} --method entropy --output entropy.cache"));
    assert!(folder.done(&format!("diff entropy.cache {CACHE}")).contains("tensor"));
}
