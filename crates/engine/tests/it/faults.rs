//! Libraries that are not as they should be: each ends in a typed error, before anything is called that is not there.

use calibrant_tensorrt::OpenError;
use tensorrt_double::Installation;

use crate::stage::{VERSIONS, open};

#[test]
fn a_missing_function_is_named() {
    let symbols = [
        "createInferBuilder_INTERNAL",
        "createInferRuntime_INTERNAL",
        "createNvOnnxParser_INTERNAL",
        "getNvOnnxParserVersion",
    ];
    for version in [8_601, 101_601, 110_400, 10_701] {
        for symbol in symbols {
            let options = Installation { without: vec![symbol], ..Installation::default() };
            let error = open(version, &options).expect_err("this must not open");
            let OpenError::Symbol { symbol: named, .. } = error else { panic!("{error:?}") };
            assert_eq!(named, symbol, "{version}");
        }
    }
}

#[test]
fn versions_without_tables_are_refused() {
    for version in [8_403, 10_800, 120_000] {
        let error = open(version, &Installation::default()).expect_err("this must not open");
        let OpenError::UnknownGeneration { version: found, .. } = error else {
            panic!("{version}: {error:?}")
        };
        assert_eq!(found.raw(), version);
    }
}

#[test]
fn a_parser_newer_than_its_library_is_refused() {
    let newer = Installation { parser_version: Some(200), ..Installation::default() };
    for version in [8_601, 100_000, 101_601, 110_000, 10_400, 10_500] {
        let error = open(version, &newer).expect_err("this must not open");
        assert!(matches!(error, OpenError::ParserNewer { .. }), "{version}: {error:?}");
        assert!(error.to_string().contains("too old for a parser of version 200"), "{error}");
    }
    for version in VERSIONS {
        open(version, &Installation::default()).unwrap();
    }
}
