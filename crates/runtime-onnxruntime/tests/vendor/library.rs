//! Opening: the library, and another beside it.

use calibrant_runtime::Runtime as _;
use calibrant_runtime_onnxruntime::{Library, OLDEST, OpenError};

use crate::stage::{library_path, runtime};

#[test]
fn the_library_says_what_it_is_and_is_the_only_one_of_the_process() {
    let library = Library::open(&library_path()).unwrap();
    assert!(library.version() >= OLDEST);
    assert_eq!(Library::probe(&library_path()).unwrap(), library.version());
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("libonnxruntime.so");
    std::os::unix::fs::symlink(library_path().canonicalize().unwrap(), &link).unwrap();
    assert_eq!(Library::open(&link).unwrap().version(), library.version());
    let other = folder.path().join("libonnxruntime.so.1");
    std::fs::copy(library_path(), &other).unwrap();
    let error = Library::open(&other).unwrap_err();
    assert!(matches!(&error, OpenError::Second { .. }), "{error:?}");
    let availability = runtime().availability();
    assert!(availability.why_not.is_none());
    assert_eq!(availability.version, Some(library.version().to_string()));
}
