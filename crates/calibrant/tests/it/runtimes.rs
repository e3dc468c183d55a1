//! Runtimes and sources that are the caller's: the examples, run.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use calibrant::files::{Files, pipeline, with_files};
use calibrant::in_memory::{How, calibrate};
use calibrant::{
    Backend, Calibration, Error, MODEL, OnBadSample, Ranges, TABLE, Unobserved, built_in, cli,
    default_runtime,
};
use calibrant_calibration::{Method, Table};
use calibrant_dataset::{Content, Dataset, ReadBuffer, Subset};
use calibrant_onnx::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model};
use calibrant_preprocess::{Preprocess as _, Recipe, Scratch};
use calibrant_runtime::{Moments, Runtime, Samples, Seen, Settings, Source, Wanted, What};
use calibrant_tensor::Tensor;

use crate::fixtures::{fashion_calibration, fixture, job, run, without_fetched};

#[expect(dead_code, reason = "the example's own main is not called")]
#[path = "../../examples/in_memory.rs"]
mod in_memory;

#[expect(dead_code, reason = "the example's own main is not called")]
#[path = "../../examples/own_runtime.rs"]
mod own_runtime;

use own_runtime::Dense;

/// What has a process of this test act as the example.
const ARGUMENTS: &str = "CALIBRANT_TEST_OWN_RUNTIME";

/// Two dense layers on rows of 64 values.
fn dense() -> Model {
    let weight = |name, shape: &[usize]| {
        let values: Vec<f32> =
            (0..shape.iter().product()).map(|at: usize| (at % 5) as f32 - 2.0).collect();
        TensorProto::from_f32(name, shape, &values)
    };
    let rows = [Dim::Symbol("batch"), Dim::Known(64)];
    let graph = GraphProto {
        name: Some("dense".to_owned()),
        input: vec![ValueInfoProto::tensor("x", DataType::FLOAT, &rows)],
        output: vec![ValueInfoProto { name: Some("y".to_owned()), ..ValueInfoProto::default() }],
        node: vec![
            NodeProto::new("MatMul", "first", &["x", "w1"], &["h"]),
            NodeProto::new("Add", "bias", &["h", "b"], &["hb"]),
            NodeProto::new("Relu", "act", &["hb"], &["r"]),
            NodeProto::new("MatMul", "second", &["r", "w2"], &["y"]),
        ],
        initializer: vec![weight("w1", &[64, 64]), weight("b", &[64]), weight("w2", &[64, 64])],
        ..GraphProto::default()
    };
    Model::new(ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto::default().with_version(17)],
        graph: MessageField::some(graph),
        ..ModelProto::default()
    })
}

/// An array of 6 rows of 64 whole numbers, as NumPy writes it.
fn rows() -> Vec<u8> {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 64), }";
    let padded = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00v\x00".to_vec();
    bytes.extend(padded.bytes());
    (0..6 * 64_u16).for_each(|at| bytes.extend(f32::from(at % 7).to_le_bytes()));
    bytes
}

#[test]
fn a_runtime_of_ones_own_runs_the_whole_job() {
    let folder = tempfile::tempdir().unwrap();
    let [model, samples] = ["dense.onnx", "arrays"].map(|name| folder.path().join(name));
    dense().write(&model).unwrap();
    fs::create_dir(&samples).unwrap();
    fs::write(samples.join("x.npy"), rows()).unwrap();
    let table = |runtime: Arc<dyn Runtime>| {
        let output = folder.path().join(runtime.name());
        let calibration = Calibration {
            samples: samples.clone(),
            subset: Subset::ALL,
            preprocess: None,
            backend: Backend::Runtime { runtime, method: Method::Entropy },
            ..fashion_calibration()
        };
        let mut config = job("models/fashion_cnn.onnx", calibration, &output);
        config.model = model.clone();
        run(&config).unwrap();
        assert!(output.join(MODEL).exists());
        Table::read(&output.join(TABLE)).unwrap()
    };
    let (own, embedded) = (table(Arc::new(Dense)), table(default_runtime()));
    assert_eq!(own.tensors(), embedded.tensors());
    assert_eq!(own.manifest().backend.name, "dense");
    assert_eq!(own.manifest().samples, embedded.manifest().samples);
}

#[test]
fn a_runtime_that_does_not_take_the_model_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::Runtime { runtime: Arc::new(Dense), method: Method::MinMax };
    let calibration = Calibration { backend, ..fashion_calibration() };
    let error = run(&job("models/fashion_cnn.onnx", calibration, folder.path())).unwrap_err();
    assert!(matches!(&error, Error::Load { runtime, .. } if runtime == "dense"), "{error}");
}

#[test]
fn the_command_line_of_a_program_has_its_runtimes() {
    if let Ok(arguments) = std::env::var(ARGUMENTS) {
        let words = ["own_runtime"].into_iter().chain(arguments.split(' ')).map(Into::into);
        cli::main_with(words, &[built_in(), vec![Arc::new(Dense)]].concat());
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

#[test]
fn arrays_in_bytes_are_the_samples_that_their_file_would_be() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.npy"), rows()).unwrap();
    let on_disk = Dataset::open(&folder.path().join("x.npy")).unwrap();
    let in_bytes = Dataset::tensors_in_memory("x.npy", rows()).unwrap();
    let table = |dataset: &Dataset| {
        let mut source = Samples::fallible(calibrant::DEFAULT_BATCH_SIZE, dataset.rows());
        calibrate(&dense(), &mut source, &How::by(Method::MinMax)).unwrap().table
    };
    let (there, here) = (table(&on_disk), table(&in_bytes));
    assert_eq!(there.to_json(), here.to_json());
    assert_eq!((here.samples(), here.tensors().len()), (6, 5));
    assert_eq!(here.manifest().samples[5].name, "x.npy[5]");
}

/// The pictures of the fashion job as tensors.
fn pictures() -> Vec<Tensor> {
    let Calibration { samples, subset, .. } = fashion_calibration();
    let dataset = Dataset::open(&samples).unwrap().subset(&subset).unwrap();
    let pipeline = Recipe::preset("fashion").unwrap().compile().unwrap();
    let mut buffer = ReadBuffer::default();
    let tensors = dataset.samples().iter().map(|sample| {
        let Content::Encoded(bytes) = sample.read(&mut buffer).unwrap() else {
            panic!("a picture")
        };
        let mut values = vec![0.0; 3 * 28 * 28];
        pipeline.preprocess(bytes, &mut Scratch::new(), &mut values).unwrap();
        Tensor::new(vec![1, 3, 28, 28], values.into()).unwrap()
    });
    tensors.collect()
}

#[test]
fn files_are_a_source_for_whatever_is_wanted_of_a_network() {
    let Calibration { samples, subset, .. } = fashion_calibration();
    let dataset = Dataset::open(&samples).unwrap().subset(&subset).unwrap();
    let model = Model::read(&fixture("models/fashion_cnn.onnx")).unwrap();
    let preprocess = Recipe::preset("fashion").unwrap().compile().unwrap();
    let (one, two) = (1.try_into().unwrap(), 2.try_into().unwrap());
    let files = Files {
        picture: Some((Arc::from("input"), &preprocess)),
        on_bad_sample: OnBadSample::Fail,
        pipeline: pipeline(two, one, 8.try_into().unwrap()),
    };
    let settings = Settings { workers: two, samples_per_run: one, memory_bytes: 1 << 30 };
    let wanted = Wanted::of(["input"], What::Moments { axis: 1 });
    let mut network = default_runtime().load(&model, &wanted, &settings).unwrap();
    let consume = |source: &mut dyn Source| network.run(source);
    let (seen, passed) = with_files(&dataset, &files, &mut Unobserved, consume).unwrap();
    let moments = &seen.unwrap().moments["input"];

    let mut expected = Moments::new(1);
    for picture in pictures() {
        let values = Vec::<f32>::try_from(picture.data).unwrap();
        let (shape, values) = (&picture.shape[..], &values[..]);
        expected.observe(&Seen { tensor: "input", samples: &[], shape, values });
    }
    assert_eq!(*moments, expected);
    assert_eq!((passed.used.len(), passed.skipped.len()), (20, 0));
}

#[test]
fn a_model_in_memory_gets_what_its_file_would() {
    let folder = tempfile::tempdir().unwrap();
    let backend =
        Backend::Runtime { runtime: default_runtime(), method: calibrant::DEFAULT_METHOD };
    let calibration = Calibration { backend, ..fashion_calibration() };
    let config = job("models/fashion_cnn.onnx", calibration, folder.path());
    assert!(matches!(config.ranges, Ranges::Calibrate(_)));
    run(&config).unwrap();
    let expected = Table::read(&folder.path().join(TABLE)).unwrap();

    let bytes = fs::read(fixture("models/fashion_cnn.onnx")).unwrap();
    let model = Model::from_bytes(&bytes, None).unwrap();
    let (mut told, go_on) = (Vec::new(), AtomicBool::new(false));
    let reached = |samples| told.push(samples);
    let (calibrated, quantized) =
        in_memory::quantize(&model, pictures().into_iter(), reached, &go_on).unwrap();
    assert_eq!(told, [0, 8, 16, 20]);
    assert_eq!(calibrated.table.tensors(), expected.tensors());
    assert_eq!(quantized.to_bytes().unwrap(), fs::read(folder.path().join(MODEL)).unwrap());
    assert_eq!(calibrated.table.manifest().samples.len(), 20);
    assert_eq!(
        calibrated.cache(101_601).unwrap().to_string(),
        fs::read_to_string(folder.path().join(calibrant::CACHE)).unwrap()
    );

    let stop = AtomicBool::new(false);
    let reached = |samples| stop.store(samples > 0, Ordering::Relaxed);
    let error = in_memory::quantize(&model, pictures().into_iter(), reached, &stop).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
}
