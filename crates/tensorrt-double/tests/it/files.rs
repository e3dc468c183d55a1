//! The double as files, opened by the loader.

use std::path::Path;
use std::process::Command;

use tensorrt_double::{Driver, Faults, Installation, Live, Plan, install};
use tensorrt_sys::{Library, OpenError, Version};

use crate::client::Client;
use crate::cuda::Cuda;

/// Opens what was laid out.
fn open(library: &Path, parser: &Path) -> Result<Library, OpenError> {
    // SAFETY: the files are the double's.
    unsafe { Library::open(library, parser) }
}

#[test]
fn several_versions_in_one_process() {
    let folder = tempfile::tempdir().unwrap();
    for version in [8_503, 8_601, 100_001, 110_400, 10_400, 10_701] {
        let version = Version::from_raw(version);
        let path = folder.path().join(version.raw().to_string());
        let installed = install(&path, version, &Installation::default()).unwrap();
        let library = open(&installed.library, &installed.parser).unwrap();
        assert_eq!(library.version(), version);
        let client = Client::new(library);
        let builder = client.builder();
        let network = client.network(builder, u32::from(version.raw() < 9_000));
        assert!(client.parse(client.parser(network), "fp32.onnx"));
        let plan = client.build(builder, network, client.config(builder)).unwrap();
        assert_eq!(Plan::read(&plan).unwrap().version, version.raw());
    }
}

#[test]
fn what_is_wrong_with_a_library_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let unknown =
        install(folder.path(), Version::from_raw(120_000), &Installation::default()).unwrap();
    assert!(unknown.library.ends_with("libnvinfer.so.12"));
    let error = open(&unknown.library, &unknown.parser).unwrap_err();
    assert!(matches!(error, OpenError::UnknownGeneration { .. }), "{error}");

    let without =
        Installation { without: vec!["createNvOnnxParser_INTERNAL"], ..Installation::default() };
    let folder = tempfile::tempdir().unwrap();
    let lacking = install(folder.path(), Version::from_raw(101_601), &without).unwrap();
    let error = open(&lacking.library, &lacking.parser).unwrap_err();
    let OpenError::Symbol { symbol, .. } = error else { panic!("{error}") };
    assert_eq!(symbol, "createNvOnnxParser_INTERNAL");

    let made_up = Installation { without: vec!["makeCoffee"], ..Installation::default() };
    let error = install(folder.path(), Version::from_raw(101_601), &made_up).unwrap_err();
    assert_eq!(error.to_string(), "the double has no function makeCoffee to leave out");
}

#[test]
fn a_parser_of_another_folder_does_not_belong() {
    let folder = tempfile::tempdir().unwrap();
    let version = Version::from_raw(101_601);
    let one = install(&folder.path().join("one"), version, &Installation::default()).unwrap();
    let other = install(&folder.path().join("other"), version, &Installation::default()).unwrap();
    let error = open(&one.library, &other.parser).unwrap_err();
    assert!(matches!(error, OpenError::ParserMismatch { .. }), "{error}");
}

#[test]
fn the_driver_beside_the_library_keeps_its_own_account() {
    let folder = tempfile::tempdir().unwrap();
    let options = Installation { driver: Driver::Double, ..Installation::default() };
    let installed = install(folder.path(), Version::from_raw(101_601), &options).unwrap();
    assert_eq!(installed.live().unwrap(), Live::default());
    installed
        .set_cuda_faults(Faults { out_of_memory_after: Some(8), ..Faults::default() })
        .unwrap();
    let cuda = Cuda::open(installed.driver.as_ref().unwrap());
    let address = cuda.allocate(8).unwrap();
    assert_eq!(cuda.allocate(1), Err(2), "out of memory");
    assert_eq!(cuda.write(address, &[1; 8]), 0);
    assert_eq!(cuda.write(address, &[1; 9]), 700, "an illegal address");
    let live = installed.live().unwrap();
    assert_eq!((live.device_bytes, live.device_allocations, live.contexts), (8, 1, 1));
    assert_eq!((live.copies, live.pageable_copies), (1, 0));
}

/// The part of [`calls_of_empty_slots_and_dead_objects_are_named`] that ends its process.
#[test]
fn crash_when_told_to() {
    let Ok(what) = std::env::var("TENSORRT_DOUBLE_CRASH") else { return };
    let client = Client::linked(tensorrt_double::play(Version::from_raw(101_601)));
    let builder = client.builder();
    if what == "dead" {
        client.call(builder, &tensorrt_sys::classes::IBuilder::DELETE);
        client.network(builder, 0);
    }
    // SAFETY: a public object is its table and its implementation.
    let implementation = unsafe { builder.cast::<tensorrt_sys::Public>().as_ref() }.implementation;
    // SAFETY: an implementation begins with its table, which has more slots than that.
    let table = unsafe { *implementation.cast::<*const unsafe extern "C" fn()>() };
    // SAFETY: as above.
    let slot = unsafe { table.add(120) };
    // SAFETY: as above.
    let slot = unsafe { *slot };
    // SAFETY: the function of an empty slot takes nothing and ends the process.
    unsafe { slot() }
}

#[test]
fn calls_of_empty_slots_and_dead_objects_are_named() {
    for (what, words) in [
        ("empty", "IBuilder is called at slot 120, where the double has no method"),
        ("dead", "IBuilder is called at slot 8 after it was deleted"),
    ] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "files::crash_when_told_to", "--nocapture"])
            .env("TENSORRT_DOUBLE_CRASH", what)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{what}: {said}");
    }
}
