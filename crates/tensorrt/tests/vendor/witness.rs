//! NVIDIA's bindings, in an interpreter of their own.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::case::{Case, fixtures};

fn variable(name: &str) -> PathBuf {
    env::var_os(name).unwrap_or_else(|| panic!("{name} is not set")).into()
}

/// Drives the double through the bindings of a version.
pub(crate) fn run(version: &str, case: &Case, double: &Path, output: &Path) {
    let told = output.with_extension("json");
    fs::write(&told, serde_json::to_string(case).unwrap()).unwrap();
    let ran = Command::new(variable("CALIBRANT_TEST_PYTHON"))
        .arg("-W")
        .arg("ignore::DeprecationWarning")
        .arg(fixtures().join("witness/witness.py"))
        .args([&told, &case.model_path(), output])
        .env("LD_LIBRARY_PATH", double)
        .env("PYTHONPATH", variable("CALIBRANT_TEST_WITNESS").join(version))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{version} {}: {} {said}", case.name, ran.status);
}

/// Compares two folders, byte for byte.
pub(crate) fn assert_same(what: &str, theirs: &Path, own: &Path) {
    let (theirs, own) = (files(theirs), files(own));
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&theirs), names(&own), "{what}: the witness has other files than we");
    assert!(!theirs.is_empty(), "{what}: nothing to compare");
    for (name, text) in &theirs {
        let differing = text.lines().zip(own[name].lines()).find(|(theirs, own)| theirs != own);
        assert!(*text == own[name], "{what} {name}: {differing:?}");
    }
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read_to_string(entry.path()).unwrap())
    });
    files.collect()
}
