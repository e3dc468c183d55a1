//! NVIDIA's own Python bindings as a witness for the safe layer.
//!
//! The bindings are compiled from the vendor's headers. They and this crate are told the same, by the cases of
//! `fixtures/tensorrt/witness/cases.json`, of the same double of TensorRT; what they get from it must be the same bytes.
//!
//! `cargo test -p calibrant-tensorrt --features vendor-tests --test vendor` runs this; it fails where these are not set:
//!
//! * `CALIBRANT_TEST_PYTHON`: an interpreter that the bindings are for, Python 3.11,
//! * `CALIBRANT_TEST_WITNESS`: the folder that `fixtures/tensorrt/witness/install.sh` filled.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests, which clippy cannot see")]
#![expect(unsafe_code, reason = "a driver is opened from a file, which is the double's")]

mod calibrator;
mod case;
mod ours;
mod witness;

use tensorrt_double::{Driver, Installation, install};
use tensorrt_sys::Version;

/// Runs every case of a version both ways.
fn compare(version: &str, raw: i32) {
    let folder = tempfile::tempdir().unwrap();
    let options = Installation { driver: Driver::Double, ..Installation::default() };
    let double = install(&folder.path().join("double"), Version::from_raw(raw), &options).unwrap();
    let cases = case::of_version(version);
    assert!(cases.len() > 2, "{version} has {} cases", cases.len());
    for case in cases {
        let place = |who: &str| {
            let place = folder.path().join(who).join(&case.name);
            std::fs::create_dir_all(&place).unwrap();
            place
        };
        let (theirs, own) = (place("witness"), place("own"));
        witness::run(version, &case, &double.folder, &theirs);
        ours::run(&case, &double, &own);
        witness::assert_same(&format!("{version} {}", case.name), &theirs, &own);
    }
}

#[test]
fn tensorrt_8_6_1() {
    compare("8.6.1", 8_601);
}

#[test]
fn tensorrt_10_0_1() {
    compare("10.0.1", 100_001);
}

/// The one release whose network has its methods elsewhere.
#[test]
fn tensorrt_10_8_0() {
    compare("10.8.0.43", 100_800);
}

#[test]
fn tensorrt_10_16_1() {
    compare("10.16.1.11", 101_601);
}

#[test]
fn tensorrt_11_4_0() {
    compare("11.4.0.106", 110_400);
}
