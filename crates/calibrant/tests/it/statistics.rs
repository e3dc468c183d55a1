//! Statistics that a calibration leaves: any method from them, shards added up, histograms looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use calibrant_calibration::{Method, SavedStatistics, Table};
use calibrant_job::{
    CACHE, DEFAULT_METHOD, EnginePolicy, Error, MODEL, Pictures, Ranges, STATISTICS, TABLE,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::fixtures::{embedded, fashion_calibration, fashion_calibration_with, fixture, job, run};

const NETWORK: &str = "models/fashion_cnn.onnx";

fn calibrated_by(method: Method) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let calibration = fashion_calibration_with(|it| it.backend = embedded(method));
    run(&job(NETWORK, calibration, folder.path())).unwrap();
    folder
}

/// What a job leaves that takes its ranges from `file`.
fn reused(file: PathBuf, method: Option<Method>) -> Result<TempDir, Error> {
    let folder = tempfile::tempdir().unwrap();
    let mut config = job(NETWORK, fashion_calibration(), folder.path());
    config.ranges = Ranges::Reuse { file, method };
    run(&config).map(|_| folder)
}

fn contents(folder: &TempDir) -> [Vec<u8>; 4] {
    [STATISTICS, TABLE, CACHE, MODEL].map(|name| fs::read(folder.path().join(name)).unwrap())
}

#[test]
fn every_method_is_had_later_as_if_it_had_been_asked_for() {
    let first = calibrated_by(Method::MinMax);
    for method in ["percentile:99.9", "percentile:37.5", "entropy"] {
        let method = method.parse().unwrap();
        let expected = contents(&calibrated_by(method));
        for file in [TABLE, STATISTICS] {
            let again = reused(first.path().join(file), Some(method)).unwrap();
            assert!(contents(&again) == expected, "{file} by {method}");
        }
    }
    // By themselves, with nothing beside them.
    let alone = tempfile::tempdir().unwrap();
    let file = alone.path().join("any.name");
    fs::copy(first.path().join(STATISTICS), &file).unwrap();
    let again = reused(file, None).unwrap();
    assert!(contents(&again) == contents(&calibrated_by(DEFAULT_METHOD)));
    let again = reused(first.path().join(TABLE), None).unwrap();
    assert!(contents(&again) == contents(&first), "the statistics go along");
}

#[test]
fn what_a_table_alone_cannot_give_is_an_error_with_the_way_out() {
    let folder = calibrated_by(Method::Mse);
    let (table, statistics) = (folder.path().join(TABLE), folder.path().join(STATISTICS));
    let good = fs::read(&statistics).unwrap();
    fs::remove_file(&statistics).unwrap();
    let error = reused(table.clone(), Some(Method::MinMax)).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::NoStatistics { .. }), "{said}");
    assert!(said.contains("ranges of mse alone; those of minmax come from"), "{said}");
    assert!(said.contains(STATISTICS), "{said}");
    reused(table.clone(), Some(Method::Mse)).unwrap();

    let other = SavedStatistics::from_bytes(good.clone()).unwrap();
    let mut manifest = other.manifest().clone();
    manifest.program = "another".to_owned();
    SavedStatistics::new(&Default::default(), manifest).write(&statistics).unwrap();
    let error = reused(table.clone(), Some(Method::MinMax)).unwrap_err();
    assert!(matches!(error, Error::OtherStatistics { .. }), "{error}");

    fs::write(&statistics, &good[..good.len() / 2]).unwrap();
    let error = reused(table.clone(), Some(Method::MinMax)).unwrap_err();
    assert!(matches!(error, Error::Statistics(_)), "{error}");
    let again = reused(table, None).unwrap();
    assert!(!again.path().join(STATISTICS).exists(), "not taken along");
}

/// A folder with three lists of the same pictures: two halves, and all of them.
struct Lists(TempDir);

impl Lists {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entries = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        let classes = entries(fixture("fashion/calibration")).filter(|class| class.is_dir());
        let mut pictures: Vec<String> =
            classes.flat_map(entries).map(|it| it.display().to_string()).collect();
        pictures.sort();
        pictures.truncate(12);
        for (name, part) in [("a", &pictures[..5]), ("b", &pictures[5..]), ("all", &pictures[..])] {
            fs::write(folder.path().join(format!("{name}.txt")), part.join("\n")).unwrap();
        }
        let lists = Self(folder);
        for name in ["a", "b", "all"] {
            lists.calibrate(name, NETWORK, "fashion");
        }
        lists
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn calibrate(&self, name: &str, model: &str, preset: &str) {
        let mut config = job(model, fashion_calibration(), &self.path(name));
        let Ranges::Calibrate(calibration) = &mut config.ranges else { panic!() };
        let recipe = calibrant_preprocess::Recipe::preset(preset).unwrap();
        let pipeline = recipe.compile().unwrap();
        calibration.pictures = Some(Pictures::Host(std::sync::Arc::new(pipeline)));
        calibration.samples = self.path(&format!("{name}.txt"));
        calibration.subset = calibrant_dataset::Subset::ALL;
        config.engine.policy = EnginePolicy::CalibrateOnly;
        run(&config).unwrap();
    }

    fn run(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calibrant"));
        command.args(words.split(' ')).current_dir(self.0.path()).output().unwrap()
    }

    fn done(&self, words: &str) -> String {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn failed(&self, words: &str, status: i32) -> String {
        let output = self.run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{words}: {said}");
        said
    }
}

#[test]
fn shards_are_merged_to_what_one_run_leaves() {
    let lists = Lists::new();
    let shards = format!("a/{STATISTICS} b/{STATISTICS}");
    let printed = lists.done(&format!("cache merge {shards} -o merged.stats"));
    assert!(printed.contains("tensors over 12 samples"), "{printed}");
    let whole = fs::read(lists.path("all").join(STATISTICS)).unwrap();
    assert!(fs::read(lists.path("merged.stats")).unwrap() == whole);
    lists.done("cache convert merged.stats --method mse -o merged.cache --version 10.16.1");
    assert!(
        fs::read(lists.path("merged.cache")).unwrap()
            == fs::read(lists.path("all").join(CACHE)).unwrap()
    );

    let said = lists.failed(&format!("cache merge {shards} a/{STATISTICS} -o x"), 1);
    assert!(said.contains("are of the same samples") && said.contains("a/"), "{said}");
    let said = lists.failed(&format!("cache merge all/{STATISTICS} a/{STATISTICS} -o x"), 1);
    assert!(said.contains("and 4 more are in `all/"), "{said}");
    fs::copy(lists.path("b.txt"), lists.path("foreign.txt")).unwrap();
    lists.calibrate("foreign", "models/fashion_cnn_bn.onnx", "fashion");
    let said = lists.failed(&format!("cache merge a/{STATISTICS} foreign/{STATISTICS} -o x"), 1);
    assert!(said.contains("foreign") && said.contains("the model changed"), "{said}");
    for (flags, status, said_of) in [
        ("--by max", 2, "leave --by out"),
        ("--version 8.6.1", 2, "leave --version out"),
        (&format!("a/{CACHE}"), 2, "merge statistics with each other"),
    ] {
        let said = lists.failed(&format!("cache merge {shards} {flags} -o x"), status);
        assert!(said.contains(said_of), "{said}");
    }
    assert!(!lists.path("x").exists());
}

#[test]
fn statistics_are_taken_wherever_a_table_is() {
    let lists = Lists::new();
    let statistics = format!("all/{STATISTICS}");
    let model = fixture(NETWORK);
    let model = model.to_str().unwrap();
    lists.done(&format!("cache convert {statistics} --method percentile:99.9 -o p.cache"));
    let same = format!("cache diff {statistics} all/{TABLE} --method percentile:99.9 --check");
    assert!(lists.done(&same).contains(" 0 moved"));
    lists.done(&format!("cache validate {statistics} --model {model}"));
    lists.done(&format!("cache to-onnx {statistics} --model {model} -o qdq.onnx"));
    for command in ["cache show", "inspect"] {
        let shown: Value =
            serde_json::from_str(&lists.done(&format!("{command} {statistics} --json"))).unwrap();
        assert_eq!(shown["kind"], "calibration statistics");
        assert!(shown["tensors"].as_array().unwrap().len() > 10);
    }
    let other = fixture("models/fashion_cnn_bn.onnx");
    let said = lists
        .failed(&format!("cache to-onnx {statistics} --model {} -o x.onnx", other.display()), 1);
    assert!(said.contains("the model changed"), "{said}");
}

#[test]
fn a_histogram_is_shown_as_a_plot_and_as_data() {
    let lists = Lists::new();
    let words = |file: &str, tensor: &str| format!("cache show all/{file} --tensor {tensor}");
    let saved = SavedStatistics::read(&lists.path("all").join(STATISTICS)).unwrap();
    let seen = saved.tensor("input").unwrap().unwrap();
    for file in [STATISTICS, TABLE] {
        let plot = lists.done(&words(file, "input"));
        assert!(plot.starts_with("input\n") && plot.contains("####"), "{plot}");
        let shown = lists.done(&format!("{} --json", words(file, "input")));
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["count"], seen.count());
        assert_eq!(shown["counts"], serde_json::json!(seen.histogram().counts().to_vec()));
        assert_eq!(shown["amax"]["minmax"], f64::from(seen.magnitude()));
    }
    let said = lists.failed(&words(STATISTICS, "inputs"), 1);
    assert!(said.contains("has no tensor `inputs`; it has input, "), "{said}");
    let said = lists.failed(&words(CACHE, "input"), 2);
    assert!(said.contains("name the calibration.stats"), "{said}");
    fs::remove_file(lists.path("all").join(STATISTICS)).unwrap();
    let said = lists.failed(&words(TABLE, "input"), 1);
    assert!(said.contains("histograms come from") && said.contains("not there"), "{said}");
}

#[test]
fn a_table_names_its_statistics_and_they_know_no_method() {
    let folders = [Method::MinMax, Method::Entropy].map(calibrated_by);
    let saved = folders.each_ref().map(|it| SavedStatistics::read(&at(it, STATISTICS)).unwrap());
    assert!(saved[0] == saved[1]);
    let tables = folders.each_ref().map(|it| Table::read(&at(it, TABLE)).unwrap());
    assert_eq!(tables.map(|table| table.statistics()), [saved[0].digest(); 2]);
}

fn at(folder: &TempDir, name: &str) -> PathBuf {
    Path::new(folder.path()).join(name)
}
