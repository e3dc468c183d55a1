//! What the tests share: the library, the interpreter, a process of one's own.

use std::path::PathBuf;
use std::process::Command;

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
