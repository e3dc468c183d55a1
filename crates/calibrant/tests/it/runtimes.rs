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
use crate::fixtures::{dense, fashion_calibration_with, fixture, job, rows, run};

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

/// What `calibrate` says with these flags, and how it ends; the variable is as a user without one has it.
fn calibrate(words: &[&str], variable: Option<&str>) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_calibrant"));
    without_fetched(&mut command);
    command.env_remove("CALIBRANT_ONNXRUNTIME").env("CALIBRANT_PYTHON", "/nonexistent/python3");
    if let Some(variable) = variable {
        command.env("CALIBRANT_ONNXRUNTIME", variable);
    }
    command.args(["calibrate", "--preset", "fashion", "--limit", "1", "--model"]);
    command.arg(fixture("models/fashion_cnn.onnx"));
    command.arg("--images").arg(fixture("fashion/calibration"));
    command.arg("--output").arg(folder.path().join("out")).args(words);
    let done = command.output().unwrap();
    (done.status.code(), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn an_onnx_runtime_that_is_not_there_is_told_with_the_way_to_it() {
    let named = ["--backend", "onnxruntime"];
    let (status, said) = calibrate(&named, None);
    assert_eq!(status, Some(3), "{said}");
    assert!(said.contains("no ONNX Runtime found; looked at:"), "{said}");
    assert!(said.contains("/nonexistent/python3"), "{said}");
    assert!(said.contains("(--onnxruntime fetch, or --onnxruntime PATH)"), "{said}");
    let (status, said) = calibrate(&[&named[..], &["--onnxruntime", "none"]].concat(), None);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("--onnxruntime auto"), "{said}");
    assert_eq!(calibrate(&named, Some("none")).0, Some(2));
    // Who asks for one wants it, or to be told; who does not gets what is there.
    for words in [&["--onnxruntime", "/nowhere"][..], &["--onnxruntime", "fetch"]] {
        let (status, said) = calibrate(words, Some("none"));
        assert_eq!(status, Some(3), "{said}");
        assert!(said.contains("--onnxruntime PATH"), "{said}");
    }
    for (words, variable) in [(&[][..], None), (&["--backend", "auto"], None), (&[], Some("none"))]
    {
        let (status, said) = calibrate(words, variable);
        assert_eq!(status, Some(0), "{said}");
        assert!(!said.contains("runs the model"), "{said}");
    }
    assert_eq!(calibrate(&["--backend", "embedded"], Some("/nowhere")).0, Some(0));
}

#[test]
fn what_is_no_onnx_runtime_is_named_with_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("libonnxruntime.so.1.30.0");
    fs::write(&file, "no library").unwrap();
    let file = file.to_str().unwrap();
    for (words, variable) in
        [(&["--onnxruntime", folder.path().to_str().unwrap()][..], None), (&[], Some(file))]
    {
        let (status, said) = calibrate(words, variable);
        assert_eq!(status, Some(3), "{said}");
        assert!(said.contains(&format!("ONNX Runtime at {file}")), "{said}");
        assert!(said.contains("cannot be loaded"), "{said}");
    }
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
        unknown.contains(
            "no backend `dnese`, but there are embedded, onnxruntime, dense, tensorrt, auto"
        ),
        "{unknown}"
    );
}
