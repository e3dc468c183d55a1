//! Inputs as models have them: whatever their layout, type and axes, the ranges are those of the same network with another
//! form of the input.

mod arrays;
mod pictures;
mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use calibrant_job::{REPORT, TABLE};
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::commands::without_fetched;
use crate::generations::said;
use crate::models::Graph;

/// A folder for models, samples and results.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn model(&self, name: &str, graph: Graph) -> PathBuf {
        fs::create_dir_all(self.path(name)).unwrap();
        graph.write(&self.path(name))
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calibrant"));
        without_fetched(&mut command);
        command.args(words).current_dir(self.folder.path()).output().unwrap()
    }

    /// What `calibrate` by the method minmax finds, tensor by tensor.
    fn ranges(&self, model: &Path, images: &Path, more: &[&str]) -> Map<String, Value> {
        self.reported(model, images, more).0
    }

    /// The same, and what the report says of the calibration.
    fn reported(&self, model: &Path, images: &Path, more: &[&str]) -> (Map<String, Value>, Value) {
        let output = self.calibrate(model, images, more);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let table = fs::read(self.path("out").join(TABLE)).unwrap();
        let mut table: Value = serde_json::from_slice(&table).unwrap();
        let report = fs::read(self.path("out").join(REPORT)).unwrap();
        let mut report: Value = serde_json::from_slice(&report).unwrap();
        fs::remove_dir_all(self.path("out")).unwrap();
        (serde_json::from_value(table["tensors"].take()).unwrap(), report["calibration"].take())
    }

    fn calibrate(&self, model: &Path, images: &Path, more: &[&str]) -> Output {
        let (model, images) = (model.to_str().unwrap(), images.to_str().unwrap());
        let words =
            ["calibrate", "--model", model, "--images", images, "--method", "minmax", "-o", "out"];
        self.run(&[&words, more].concat())
    }

    /// The message of a calibration that is refused with nothing left behind.
    fn refused(&self, model: &Path, images: &Path, more: &[&str]) -> String {
        let output = self.calibrate(model, images, more);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{}", said(&output));
        assert!(!self.path("out").join(TABLE).exists());
        said(&output)
    }
}
