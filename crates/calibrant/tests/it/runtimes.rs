//! A runtime that is the caller's: the example, run.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use calibrant_calibration::{Method, Table};
use calibrant_dataset::Subset;
use calibrant_job::{Backend, Error, MODEL, TABLE};
use calibrant_runtime::Runtime;
use calibrant_runtime_embedded::Embedded;

use crate::commands::without_fetched;
use crate::fixtures::{dense, fashion_calibration_with, job, rows, run};

#[expect(dead_code, reason = "the example's own main is not called")]
#[path = "../../examples/own_runtime.rs"]
mod own_runtime;

use own_runtime::Dense;

/// What has a process of this test act as the example.
const ARGUMENTS: &str = "CALIBRANT_TEST_OWN_RUNTIME";

#[test]
fn a_runtime_of_ones_own_runs_the_whole_job() {
    let folder = tempfile::tempdir().unwrap();
    let [model, samples] = ["dense.onnx", "arrays"].map(|name| folder.path().join(name));
    dense().write(&model).unwrap();
    fs::create_dir(&samples).unwrap();
    fs::write(samples.join("x.npy"), rows()).unwrap();
    let table = |runtime: Arc<dyn Runtime>| {
        let output = folder.path().join(runtime.name());
        let calibration = fashion_calibration_with(|it| {
            it.samples = samples.clone();
            it.subset = Subset::ALL;
            it.pictures = None;
            it.backend = Backend::Runtime { runtime, method: Method::Entropy };
        });
        let mut config = job("models/fashion_cnn.onnx", calibration, &output);
        config.model = model.clone();
        run(&config).unwrap();
        assert!(output.join(MODEL).exists());
        Table::read(&output.join(TABLE)).unwrap()
    };
    let (own, embedded) = (table(Arc::new(Dense)), table(Arc::new(Embedded)));
    assert_eq!(own.tensors(), embedded.tensors());
    assert_eq!(own.manifest().backend.name, "dense");
    assert_eq!(own.manifest().samples, embedded.manifest().samples);
}

#[test]
fn a_runtime_that_does_not_take_the_model_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::Runtime { runtime: Arc::new(Dense), method: Method::MinMax };
    let calibration = fashion_calibration_with(|it| it.backend = backend);
    let error = run(&job("models/fashion_cnn.onnx", calibration, folder.path())).unwrap_err();
    assert!(matches!(&error, Error::Load { runtime, .. } if runtime == "dense"), "{error}");
}

#[test]
fn the_command_line_of_a_program_has_its_runtimes() {
    if let Ok(arguments) = std::env::var(ARGUMENTS) {
        let words = ["own_runtime"].into_iter().chain(arguments.split(' ')).map(Into::into);
        calibrant::main_with(words, &[calibrant::built_in(), vec![Arc::new(Dense)]].concat());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    dense().write(path("dense.onnx").as_ref()).unwrap();
    fs::create_dir(path("arrays")).unwrap();
    fs::write(path("arrays/x.npy"), rows()).unwrap();
    let own = |arguments: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        without_fetched(&mut command);
        let this = "runtimes::the_command_line_of_a_program_has_its_runtimes";
        let output =
            command.args(["--exact", this, "--nocapture"]).env(ARGUMENTS, arguments).output();
        let output = output.unwrap();
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat()
    };
    let doctor = own("doctor");
    assert!(doctor.contains("+ embedded: pure Rust on the CPU; it calibrated"), "{doctor}");
    assert!(doctor.contains("+ dense: dense layers on rows, for show"), "{doctor}");
    let quantize = |backend: &str| {
        let [model, arrays, out] = ["dense.onnx", "arrays", "out"].map(path);
        own(&format!(
            "quantize --engine none --model {model} --images {arrays} --backend {backend} --output {out}"
        ))
    };
    quantize("dense");
    assert_eq!(
        Table::read(path("out/calibration.json").as_ref()).unwrap().manifest().backend.name,
        "dense"
    );
    let unknown = quantize("dnese");
    assert!(
        unknown.contains("no backend `dnese`, but there are embedded, dense, tensorrt"),
        "{unknown}"
    );
}
