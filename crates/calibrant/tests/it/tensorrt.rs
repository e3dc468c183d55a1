//! The binary with every generation of TensorRT, played by `tensorrt-double` with a CUDA driver of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use tensorrt_double::{Driver, Installation, install};
use tensorrt_sys::Version;

use crate::fixtures::fixture;

/// A TensorRT of a version and a CUDA driver, in a folder.
struct Installed {
    folder: TempDir,
}

impl Installed {
    fn new(version: i32) -> Self {
        Self::with(version, &Installation { driver: Driver::Double, ..Installation::default() })
    }

    fn with(version: i32, options: &Installation) -> Self {
        let folder = tempfile::tempdir().unwrap();
        install(&folder.path().join("lib"), Version::from_raw(version), options).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the binary with this TensorRT and this driver.
    fn calibrant(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calibrant"));
        command
            .args(words)
            .arg("--tensorrt")
            .arg(self.path("lib"))
            .env("LD_LIBRARY_PATH", self.path("lib"));
        command
    }

    /// Builds a model of the fixtures into `model.plan`.
    fn build(&self, model: &str) -> PathBuf {
        let (onnx, plan) = (fixture(model), self.path("model.plan"));
        let words = ["build", "--model", text(&onnx), "--output", text(&plan)];
        let built = self.calibrant(&[&words[..], &["--profiling-verbosity", "detailed"]].concat());
        assert_eq!(built.status.code(), Some(0), "{}", String::from_utf8_lossy(&built.stderr));
        plan
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_self_test_passes_with_every_generation() {
    for (version, checks) in [(8_601, 17), (100_000, 17), (101_601, 17), (110_400, 3), (10_701, 3)]
    {
        let tested = Installed::new(version).calibrant(&["doctor", "--self-test", "--json"]);
        let verdict = stdout(&tested);
        assert_eq!(tested.status.code(), Some(0), "{version}: {verdict}");
        let verdict: Value = serde_json::from_str(&verdict).unwrap();
        let found = verdict["checks"].as_array().unwrap();
        assert_eq!(found.len(), checks, "{version}: {verdict:#}");
        assert!(found.iter().all(|check| check["outcome"] != "failed"), "{verdict:#}");
        assert!(verdict["gpu"].as_str().unwrap().contains("CUDA"), "{verdict:#}");
        if checks > 3 {
            let asked = |name: &str| found.iter().any(|check| check["name"] == name);
            assert!(asked("MinMaxCalibration asks as documented"), "{verdict:#}");
            assert!(asked("EntropyCalibration2 takes its own cache"), "{verdict:#}");
        }
    }
}

#[test]
fn the_verdict_can_be_pasted() {
    let tested = Installed::new(101_601).calibrant(&["doctor", "--self-test"]);
    let verdict = stdout(&tested);
    for part in ["calibrant", "library  TensorRT 10.16.1 at /", "ok    FP32 builds", "verdict: "] {
        assert!(verdict.contains(part), "{part}: {verdict}");
    }
    assert!(verdict.contains("x: ") && verdict.contains(" ours "), "{verdict}");
}

#[test]
fn without_a_gpu_the_self_test_says_so_and_ends_in_3() {
    // No driver lies in the folder; where the machine has one, it sees no GPU.
    let self_test = |version| {
        let installed = Installed::with(version, &Installation::default());
        let mut command = installed.command(&["doctor", "--self-test"]);
        command.env("CUDA_VISIBLE_DEVICES", "").output().unwrap()
    };
    let tested = self_test(101_601);
    assert_eq!(tested.status.code(), Some(3), "{}", stdout(&tested));
    assert!(stdout(&tested).contains("FAIL  a GPU"), "{}", stdout(&tested));
    // TensorRT-RTX needs none.
    let tested = self_test(10_701);
    assert_eq!(tested.status.code(), Some(0), "{}", stdout(&tested));
}

#[test]
fn a_plan_shows_its_layers_and_what_became_of_int8() {
    for version in [8_601, 101_601, 110_400, 10_701] {
        let installed = Installed::new(version);
        let plan = installed.build("tensorrt/models/int8.onnx");
        fs::copy(fixture("tensorrt/models/int8.onnx"), installed.path("model.onnx")).unwrap();
        let shown = installed.calibrant(&["inspect", text(&plan)]);
        assert_eq!(shown.status.code(), Some(0), "{}", String::from_utf8_lossy(&shown.stderr));
        let shown = stdout(&shown);
        for part in [
            "TensorRT plan",
            "CaskConvolution",
            "input: input float [1, 3, 32, 32]",
            "nodes that ask for it",
        ] {
            assert!(shown.contains(part), "{version}: {part}: {shown}");
        }
        let json = stdout(&installed.calibrant(&["inspect", text(&plan), "--json"]));
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["kind"], "TensorRT plan");
        assert!(json["layers"].as_array().unwrap().len() > 5, "{json:#}");
        assert!(json["formats"][0]["asked"].as_u64().unwrap() > 2, "{json:#}");
    }
}

#[test]
fn a_plan_that_cannot_be_read_shows_what_is_known_and_ends_in_3() {
    let maker = Installed::new(101_601);
    let plan = maker.build("tensorrt/models/fp32.onnx");
    let report = r#"{"program": "calibrant 0", "engine": {"summary": {"library_version": "TensorRT 10.16.1"}}}"#;
    fs::write(maker.path("report.json"), report).unwrap();
    let reader = Installed::new(110_400);
    let shown = reader.calibrant(&["inspect", text(&plan)]);
    assert_eq!(shown.status.code(), Some(3));
    assert!(stdout(&shown).contains("built by: TensorRT 10.16.1"), "{}", stdout(&shown));
    let said = String::from_utf8_lossy(&shown.stderr);
    assert!(said.contains("cannot read the plan") && said.contains("not compatible"), "{said}");

    let nowhere = reader.path("nowhere");
    let shown = Command::new(env!("CARGO_BIN_EXE_calibrant"))
        .args(["inspect", text(&plan), "--tensorrt", text(&nowhere), "--json"])
        .output()
        .unwrap();
    assert_eq!(shown.status.code(), Some(3));
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert!(shown["problem"].as_str().unwrap().contains("does not exist"), "{shown:#}");
}

#[test]
fn doctor_tries_every_backend_and_says_why_one_cannot_be_used() {
    for (version, usable, why_not) in [(101_601, true, ""), (110_400, false, "has no calibrators")]
    {
        let output = Installed::new(version).calibrant(&["doctor", "--json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let [embedded, .., tensorrt] = &told["backends"].as_array().unwrap()[..] else {
            panic!("{told}")
        };
        assert_eq!((&embedded["name"], &embedded["usable"]), (&"embedded".into(), &true.into()));
        assert_eq!((&tensorrt["name"], &tensorrt["usable"]), (&"tensorrt".into(), &usable.into()));
        let reason = tensorrt["why_not"].as_str().unwrap_or_default();
        assert!(reason.contains(why_not) && reason.is_empty() == usable, "{version}: {reason}");
    }
}
