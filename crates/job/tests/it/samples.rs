//! Hostile and odd pictures, through the whole job.

use std::collections::BTreeMap;
use std::fs;

use calibrant_calibration::Method;
use calibrant_job::{
    CACHE, Calibration, CalibrationReport, Config, EnginePolicy, Error, OnBadSample, TABLE,
};

use crate::fixtures::{
    any_picture_calibration, dense, embedded, files, fixture, job, npy, run, size,
};

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

    let table = calibrant_calibration::Table::read(&folder.path().join(TABLE)).unwrap();
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

/// What the network cannot be run on is skipped like what cannot be read: a NaN among the inputs, and one that the network
/// makes itself, when it has shown some of its tensors already. The ranges are those of the other samples.
#[test]
fn samples_that_overflow_are_skipped_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    dense().write(&path("dense.onnx")).unwrap();
    ["good", "all"].iter().for_each(|samples| fs::create_dir(path(samples)).unwrap());
    let mut rows: Vec<Vec<f32>> =
        (0..9_u16).map(|row| (0..64).map(|at| f32::from((at * 5 + row) % 11)).collect()).collect();
    fs::write(path("good/x.npy"), npy(&[&rows[..2], &rows[4..8]].concat().concat())).unwrap();
    rows[2][7] = f32::NAN;
    rows[3].fill(3e38);
    rows[8][0] = -f32::NAN;
    fs::write(path("all/x.npy"), npy(&rows.concat())).unwrap();

    let outcome = |samples: &str, on_bad_sample| {
        let mut calibration =
            Calibration::new(path(samples).join("x.npy"), embedded(Method::Entropy));
        calibration.on_bad_sample = on_bad_sample;
        (calibration.workers, calibration.batch_size) = (size(2), size(2));
        let mut config =
            Config::new(path("dense.onnx"), calibration, path(&format!("{samples}-out")));
        (config.engine.policy, config.cache_version) = (EnginePolicy::Skip, Some(101_601));
        run(&config)
    };
    let error = outcome("all", OnBadSample::Fail).unwrap_err();
    let Error::Calibrate(error) = error else { panic!("{error:?}") };
    assert!(error.to_string().contains("`x` has the value NaN at element 7"), "{error}");

    outcome("good", OnBadSample::Fail).unwrap();
    let report = outcome("all", OnBadSample::Skip).unwrap();
    let ranges =
        |samples: &str, file| fs::read(path(&format!("{samples}-out")).join(file)).unwrap();
    assert_eq!(ranges("all", CACHE), ranges("good", CACHE));
    let Some(CalibrationReport::Calibrated(run)) = &report.calibration else {
        panic!("calibrated")
    };
    let skipped: Vec<_> = run.skipped.iter().map(|sample| sample.name.as_str()).collect();
    assert_eq!((run.samples, skipped), (6, vec!["x.npy[2]", "x.npy[3]", "x.npy[8]"]));
    assert!(run.skipped[1].reason.contains("tensor `h` has the value"), "{:?}", run.skipped);
    let table = calibrant_calibration::Table::read(&path("all-out").join(TABLE)).unwrap();
    let used: Vec<&str> = table.manifest().samples.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(used, [0, 1, 4, 5, 6, 7].map(|row| format!("x.npy[{row}]")));
}
