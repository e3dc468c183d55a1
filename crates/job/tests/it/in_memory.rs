//! Models and samples in memory, and files as a source: the example, run.

use std::fs;
use std::sync::{Arc, Mutex};

use calibrant_calibration::{Method, Table};
use calibrant_dataset::{Content, Dataset, ReadBuffer};
use calibrant_job::files::{Files, pipeline, with_files};
use calibrant_job::in_memory::{How, calibrate};
use calibrant_job::{
    CACHE, Calibration, Cancel, Control, DEFAULT_BATCH_SIZE, DEFAULT_METHOD, Error, Event, MODEL,
    TABLE,
};
use calibrant_onnx::Model;
use calibrant_preprocess::{Preprocess as _, Recipe, Scratch};
use calibrant_runtime::{Moments, Runtime as _, Samples, Seen, Settings, Source, Wanted, What};
use calibrant_runtime_embedded::Embedded;
use calibrant_tensor::Tensor;

use crate::fixtures::{
    dense, embedded, fashion_calibration, fashion_calibration_with, fixture, job, rows, run,
};

#[expect(dead_code, reason = "the example's own main is not called")]
#[path = "../../examples/in_memory.rs"]
mod example;

#[test]
fn arrays_in_bytes_are_the_samples_that_their_file_would_be() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.npy"), rows()).unwrap();
    let on_disk = Dataset::open(&folder.path().join("x.npy")).unwrap();
    let in_bytes = Dataset::tensors_in_memory("x.npy", rows()).unwrap();
    let table = |dataset: &Dataset| {
        let mut source = Samples::fallible(DEFAULT_BATCH_SIZE, dataset.rows());
        let how = How::new(Arc::new(Embedded), Method::MinMax);
        calibrate(&dense(), &mut source, &how, Control::none()).unwrap().table
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
    let files = Files::through(pipeline(two, one, 8.try_into().unwrap()));
    let files = files.with_pictures(Arc::from("input"), &preprocess);
    let settings = Settings { workers: two, samples_per_run: one, memory_bytes: 1 << 30 };
    let wanted = Wanted::of(["input"], What::Moments { axis: 1 });
    let mut network = Embedded.load(&model, &wanted, &settings).unwrap();
    let consume = |source: &mut dyn Source| network.run(source);
    let (seen, passed) = with_files(&dataset, &files, Control::none(), consume).unwrap();
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

/// How far an event says that the samples are.
fn reached(event: Event<'_>) -> Option<u64> {
    match event {
        Event::Reached(samples) => Some(samples),
        _ => None,
    }
}

#[test]
fn a_model_in_memory_gets_what_its_file_would() {
    let folder = tempfile::tempdir().unwrap();
    let calibration = fashion_calibration_with(|it| it.backend = embedded(DEFAULT_METHOD));
    run(&job("models/fashion_cnn.onnx", calibration, folder.path())).unwrap();
    let expected = Table::read(&folder.path().join(TABLE)).unwrap();

    let bytes = fs::read(fixture("models/fashion_cnn.onnx")).unwrap();
    let model = Model::from_bytes(&bytes, None).unwrap();
    let (told, never) = (Mutex::new(Vec::new()), Cancel::new());
    let tell = |event: Event<'_>| told.lock().unwrap().extend(reached(event));
    let control = Control::new(&tell, &never);
    let (calibrated, quantized) =
        example::quantize(&model, pictures().into_iter(), control).unwrap();
    assert_eq!(*told.lock().unwrap(), [0, 8, 16, 20]);
    assert_eq!(calibrated.table.tensors(), expected.tensors());
    assert_eq!(quantized.to_bytes().unwrap(), fs::read(folder.path().join(MODEL)).unwrap());
    assert_eq!(calibrated.table.manifest().samples.len(), 20);
    assert_eq!(
        calibrated.cache(101_601).unwrap().to_string(),
        fs::read_to_string(folder.path().join(CACHE)).unwrap()
    );
}

#[test]
fn a_calibration_in_memory_is_cancelled() {
    let model = Model::read(&fixture("models/fashion_cnn.onnx")).unwrap();
    let cancel = Cancel::new();
    let stop = |event: Event<'_>| {
        if reached(event).is_some_and(|samples| samples > 0) {
            cancel.cancel();
        }
    };
    let control = Control::new(&stop, &cancel);
    let error = example::quantize(&model, pictures().into_iter(), control).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
}
