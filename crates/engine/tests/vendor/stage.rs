//! What the tests share: the library, the models, a folder to write into.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use calibrant_engine::{BuildError, BuildEvent, BuildOptions, BuildSummary, Library, build};

/// A path that an environment variable must name.
fn variable(name: &str) -> PathBuf {
    let path = std::env::var_os(name).map(PathBuf::from);
    let path =
        path.unwrap_or_else(|| panic!("{name} is not set; tests/vendor/main.rs says to what"));
    assert!(path.exists(), "{name} names {}, which does not exist", path.display());
    path
}

/// The folder of the vendor's libraries.
pub(crate) fn library_folder() -> PathBuf {
    variable("CALIBRANT_TEST_TENSORRT")
}

/// The interpreter with the vendor's bindings.
pub(crate) fn python() -> PathBuf {
    variable("CALIBRANT_TEST_PYTHON")
}

/// The vendor's library; all tests share one, as a process should.
pub(crate) fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let file = |name: &str| library_folder().join(name);
        let parser = file("libtensorrt_onnxparser_rtx.so.1");
        Library::open(&file("libtensorrt_rtx.so.1"), &parser).expect("the vendor's library opens")
    })
}

/// The repository's fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// A model of `fixtures/tensorrt/models`.
pub(crate) fn model(name: &str) -> PathBuf {
    fixtures().join("tensorrt/models").join(name)
}

/// Builds into `folder/plan`, and returns the events with the outcome.
pub(crate) fn build_in(
    folder: &Path,
    onnx: &Path,
    options: &BuildOptions,
) -> (Result<BuildSummary, BuildError>, Vec<BuildEvent>) {
    let mut events = Vec::new();
    let mut keep = |event| {
        events.push(event);
        ControlFlow::Continue(())
    };
    let result = build(library(), onnx, options, &mut keep, &folder.join("plan"));
    (result, events)
}

/// Whether this is a test in a process of its own. In the process of all tests it runs the test in one, and is `false`
/// if that went well.
pub(crate) fn alone(test: &str) -> bool {
    const ALONE: &str = "CALIBRANT_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let child = Command::new(program)
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
    false
}

/// The names in a folder.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}
