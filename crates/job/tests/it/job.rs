//! What a job leaves behind, and that it depends on nothing but its inputs.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use calibrant_calibration::{Cache, Method, Table};
use calibrant_dataset::Subset;
use calibrant_format::INT8;
use calibrant_job::{
    CACHE, Cancel, Control, Error, Event, MODEL, Pictures, REPORT, Ranges, STATISTICS, TABLE,
};
use calibrant_onnx::{Model, validate};
use calibrant_preprocess::{Color, Settings};
use serde_json::Value;

use crate::fixtures::{fashion_calibration, fashion_calibration_with, files, job, run, size};

#[test]
fn a_job_leaves_statistics_table_cache_model_and_report() {
    let folder = tempfile::tempdir().unwrap();
    run(&job("models/fashion_cnn.onnx", fashion_calibration(), folder.path())).unwrap();
    assert_eq!(files(folder.path()), [CACHE, TABLE, STATISTICS, MODEL, REPORT]);

    let table = Table::read(&folder.path().join(TABLE)).unwrap();
    assert_eq!((table.samples(), table.method()), (20, Method::Mse));
    assert_eq!(table.manifest().samples.len(), 20);
    assert!(table.tensors().contains_key("input") && table.tensors().contains_key("logits"));

    let cache = Cache::read(&folder.path().join(CACHE)).unwrap();
    assert_eq!((cache.version(), cache.algorithm().name()), (101_601, "EntropyCalibration2"));
    let from_table: Vec<_> = table
        .tensors()
        .iter()
        .map(|(name, entry)| (name.clone(), INT8.scale(entry.range())))
        .collect();
    assert_eq!(cache.entries(), from_table);

    let model = Model::read(&folder.path().join(MODEL)).unwrap();
    validate(&model).unwrap();
    let operators: BTreeSet<&str> =
        model.graph().node.iter().filter_map(|node| node.op_type.as_deref()).collect();
    assert!(
        operators.contains("QuantizeLinear") && operators.contains("DequantizeLinear"),
        "{operators:?}"
    );

    let report: Value =
        serde_json::from_slice(&fs::read(folder.path().join(REPORT)).unwrap()).unwrap();
    assert_eq!(report["calibration"]["samples"], 20);
    assert_eq!(report["engine"]["outcome"], "unwanted");
    assert!(report["calibration"]["pipeline"]["preprocess"]["busy_s"].as_f64().unwrap() > 0.0);
    let stages: Vec<_> = report["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["stage"].as_str().unwrap())
        .collect();
    assert_eq!(stages, ["model", "samples", "calibrate", "rewrite"]);
}

/// Invariant: calibration is a pure function of the multiset of samples.
#[test]
fn workers_batches_and_order_do_not_change_a_byte() {
    let in_order = Subset { limit: None, ..fashion_calibration().subset };
    let shuffled = Subset { shuffle: Some(7), ..in_order };
    let variants = [(in_order, 2, 4), (in_order, 1, 1), (in_order, 3, 8), (shuffled, 2, 4)];
    let results = variants.map(|(subset, workers, batch_size)| {
        let calibration = fashion_calibration_with(|it| {
            (it.subset, it.workers, it.batch_size) = (subset, size(workers), size(batch_size));
        });
        let folder = tempfile::tempdir().unwrap();
        run(&job("models/fashion_cnn_bn.onnx", calibration, folder.path())).unwrap();
        [STATISTICS, TABLE, CACHE, MODEL].map(|name| fs::read(folder.path().join(name)).unwrap())
    });
    for result in &results[1..] {
        assert!(*result == results[0]);
    }
}

#[test]
fn ranges_are_taken_from_a_table_or_a_cache_of_the_same_model() {
    let [first, second] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    run(&job("models/fashion_cnn.onnx", fashion_calibration(), first.path())).unwrap();
    let calibrated = fs::read(first.path().join(MODEL)).unwrap();

    let mut again = job("models/fashion_cnn.onnx", fashion_calibration(), second.path());
    again.ranges = Ranges::Reuse { file: first.path().join(TABLE), method: None };
    run(&again).unwrap();
    assert!(fs::read(second.path().join(MODEL)).unwrap() == calibrated);

    again.ranges = Ranges::Reuse { file: first.path().join(TABLE), method: Some(Method::MinMax) };
    run(&again).unwrap();
    assert_eq!(Table::read(&second.path().join(TABLE)).unwrap().method(), Method::MinMax);
    assert!(fs::read(second.path().join(MODEL)).unwrap() != calibrated);

    again.ranges = Ranges::Reuse { file: first.path().join(CACHE), method: None };
    run(&again).unwrap();
    let tables = [&first, &second].map(|folder| Table::read(&folder.path().join(TABLE)).unwrap());
    assert_eq!(tables[0], tables[1], "the cache's own, not the one by another method");

    let mut other = job("models/fashion_cnn_bn.onnx", fashion_calibration(), second.path());
    other.ranges = Ranges::Reuse { file: first.path().join(TABLE), method: None };
    let error = run(&other).unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error:?}");
}

#[test]
fn an_interrupt_ends_the_job_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = job("models/fashion_cnn.onnx", fashion_calibration(), folder.path());
    let cancel = Cancel::new();
    let at_8 = |event: Event<'_>| {
        if matches!(event, Event::Reached(reached) if reached >= 8) {
            cancel.cancel();
        }
    };
    let control = Control::new(&at_8, &cancel);
    let error = calibrant_job::run(&config, control).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error:?}");
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn a_gray_network_takes_gray_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let config = job("models/fashion_cnn_gray.onnx", fashion_calibration(), folder.path());
    let error = run(&config).unwrap_err().to_string();
    assert!(error.contains("takes 1 channels, and the preprocessing makes 3"), "{error}");

    let gray = Settings { color: Some(Color::Gray), ..Settings::preset("fashion") };
    let pipeline = gray.recipe().unwrap().compile().unwrap();
    let pictures = Some(Pictures::Host(Arc::new(pipeline)));
    let calibration = fashion_calibration_with(|it| it.pictures = pictures);
    run(&job("models/fashion_cnn_gray.onnx", calibration, folder.path())).unwrap();
    let table = Table::read(&folder.path().join(TABLE)).unwrap();
    let input = &table.tensors()["input"];
    assert_eq!(input.count, 20 * 28 * 28, "one channel");
}
