//! Opening: the right files, and wrong ones.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use calibrant_locate::{Environment, LocateError, Origin, Product, Source, locate, survey};
use calibrant_tensorrt::{OpenError, Version};

use crate::stage::{alone, library_folder, python};

/// Why the library at a path is refused, and the loader's part of it.
fn refused(path: &Path) -> (LocateError, OpenError) {
    let source = Source::Path(path.to_owned());
    let error = locate(&source, &Environment::default(), &mut |_| ControlFlow::Continue(()))
        .expect_err("no TensorRT");
    match error {
        LocateError::Open { product, path, origin, source } => {
            let said = source.to_string().into();
            let open = *source.downcast().expect("what opens a TensorRT says why it cannot");
            (LocateError::Open { product, path, origin, source: said }, open)
        }
        other => panic!("{other:?}"),
    }
}

/// The file that this process has mapped a system library from.
fn system_library(name: &str) -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let path = maps
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .find(|path| path.contains(name));
    path.unwrap_or_else(|| panic!("{name} is not mapped")).into()
}

#[test]
fn the_library_says_what_it_is() {
    let source = Source::Path(library_folder());
    let found =
        locate(&source, &Environment::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    let version = found.version();
    assert!(
        version >= Version::from_raw(10_700),
        "these tests are for TensorRT-RTX 1.7, not {version}"
    );
    assert!(found.library.path().ends_with("libtensorrt_rtx.so.1"));
    assert!(found.library.parser_path().ends_with("libtensorrt_onnxparser_rtx.so.1"));
}

#[test]
fn the_survey_tells_what_there_is() {
    if !alone("open::the_survey_tells_what_there_is") {
        return;
    }
    let environment = Environment {
        tensorrt: Some(library_folder()),
        python: Some(python()),
        ..Environment::default()
    };
    let survey = survey(&environment, &mut |_| ControlFlow::Continue(())).unwrap();
    let rtx = &survey.found[0];
    assert_eq!(rtx.origin, Origin::Variable(Product::TensorRt));
    assert!(rtx.version.to_string().starts_with("TensorRT-RTX 1.7"), "{rtx:?}");
    assert!(rtx.parser.is_some(), "{rtx:?}");
}

#[test]
fn a_python_environment_is_searched() {
    // A library that another test opened would be found by its bare name first.
    if !alone("open::a_python_environment_is_searched") {
        return;
    }
    let environment = Environment { python: Some(python()), ..Environment::default() };
    let found = survey(&environment, &mut |_| ControlFlow::Continue(())).unwrap().found;
    assert!(found.iter().any(|found| found.origin == Origin::Python), "{found:?}");
}

#[test]
fn a_text_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libtensorrt_rtx.so.1");
    fs::write(&file, "this is no library").unwrap();
    let (error, cause) = refused(&file);
    assert!(matches!(&cause, OpenError::Load { .. }), "{cause:?}");
    assert!(error.to_string().contains("libtensorrt_rtx.so.1"), "{error}");
}

#[test]
fn half_a_library_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libtensorrt_rtx.so.1");
    let whole = fs::read(library_folder().join("libtensorrt_rtx.so.1")).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let (_, cause) = refused(folder.path());
    let OpenError::Truncated { missing, .. } = &cause else { panic!("{cause:?}") };
    assert!(*missing > 1 << 20, "{missing}");
}

#[test]
fn another_library_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let disguised = folder.path().join("libnvinfer.so.10");
    symlink(system_library("libc.so"), &disguised).unwrap();
    let (_, cause) = refused(&disguised);
    let OpenError::Symbol { symbol, .. } = &cause else { panic!("{cause:?}") };
    assert_eq!(*symbol, "getInferLibVersion");
}

#[test]
fn the_parser_alone_is_refused() {
    let (_, cause) = refused(&library_folder().join("libtensorrt_onnxparser_rtx.so.1"));
    assert!(matches!(&cause, OpenError::Symbol { .. }), "{cause:?}");
}

#[test]
fn a_library_without_its_parser_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libtensorrt_rtx.so.1");
    symlink(library_folder().join("libtensorrt_rtx.so.1"), &library).unwrap();
    let (_, cause) = refused(folder.path());
    let OpenError::Load { path, .. } = &cause else { panic!("{cause:?}") };
    assert!(path.ends_with("libtensorrt_onnxparser_rtx.so.1"), "{path:?}");
}

#[test]
fn a_parser_from_elsewhere_is_refused() {
    let library = library_folder().join("libtensorrt_rtx.so.1");
    let folder = tempfile::tempdir().unwrap();
    let parser = folder.path().join("libtensorrt_onnxparser_rtx.so.1");
    symlink(library_folder().join("libtensorrt_onnxparser_rtx.so.1"), &parser).unwrap();
    let error = calibrant_tensorrt::Library::open(&library, &parser).unwrap_err();
    assert!(matches!(error, OpenError::ParserMismatch { .. }), "{error:?}");
}
