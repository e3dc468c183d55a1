//! Hostile and odd pictures, through the whole job.

use std::collections::BTreeMap;
use std::fs;

use calibrant_job::{CalibrationReport, Error, OnBadSample};

use crate::fixtures::{any_picture_calibration, files, fixture, job, run};

/// What `edge_expected.csv` says of each file.
fn expectations() -> BTreeMap<String, String> {
    let table = fs::read_to_string(fixture("edge/edge_expected.csv")).unwrap();
    let rows = table.lines().skip(1).filter(|row| !row.is_empty());
    rows.map(|row| {
        let mut fields = row.split(',');
        let file = fields.next().unwrap().trim_matches('"').to_owned();
        (file, fields.nth(2).unwrap().to_owned())
    })
    .collect()
}

#[test]
fn every_odd_file_is_used_or_skipped_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut calibration = any_picture_calibration(fixture("edge"));
    calibration.on_bad_sample = OnBadSample::Skip;
    let report = run(&job("models/fashion_cnn.onnx", calibration, folder.path())).unwrap();
    let Some(CalibrationReport::Calibrated(report)) = report.calibration else {
        panic!("calibrated")
    };

    let table =
        calibrant_calibration::Table::read(&folder.path().join(calibrant_job::TABLE)).unwrap();
    let used: Vec<&str> =
        table.manifest().samples.iter().map(|sample| sample.name.as_str()).collect();
    let skipped: BTreeMap<&str, &str> = report
        .skipped
        .iter()
        .map(|sample| (sample.name.as_str(), sample.reason.as_str()))
        .collect();
    for (file, expected) in expectations() {
        let file = file.as_str();
        let hidden = file.starts_with('.');
        match expected.as_str() {
            "ok" => assert_eq!(used.contains(&file), !hidden, "{file}: {:?}", skipped.get(file)),
            "fail" => {
                assert!(!used.contains(&file) && (hidden || !skipped[file].is_empty()), "{file}")
            }
            "skip" => assert!(!used.contains(&file) && !skipped.contains_key(file), "{file}"),
            "either" | "other" => {}
            word => panic!("`{word}` is no expectation"),
        }
    }
    assert_eq!(report.samples, used.len() as u64);
}

#[test]
fn a_bad_sample_fails_the_job_by_name_unless_told_otherwise() {
    let samples = tempfile::tempdir().unwrap();
    fs::copy(fixture("edge/ok_baseline.jpg"), samples.path().join("a.jpg")).unwrap();
    fs::copy(fixture("edge/bad_truncated_60pct.jpg"), samples.path().join("b.jpg")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let calibration = any_picture_calibration(samples.path().to_owned());
    let error = run(&job("models/fashion_cnn.onnx", calibration, folder.path())).unwrap_err();
    let Error::Calibrate(error) = error else { panic!("{error:?}") };
    assert_eq!(error.to_string(), "sample `b.jpg` (number 1) cannot be used");
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

#[test]
fn a_set_of_bad_samples_alone_is_an_error_with_the_first_reason() {
    let samples = tempfile::tempdir().unwrap();
    fs::copy(fixture("edge/bad_text.jpg"), samples.path().join("a.jpg")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut calibration = any_picture_calibration(samples.path().to_owned());
    calibration.on_bad_sample = OnBadSample::Skip;
    let error = run(&job("models/fashion_cnn.onnx", calibration, folder.path())).unwrap_err();
    let Error::NothingLeft { skipped: 1, name, .. } = error else { panic!("{error:?}") };
    assert_eq!(name, "a.jpg");
}
