//! The whole job with a TensorRT of every generation, played by the double, whose "engine" tells what it was told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use calibrant_engine::Version;
use calibrant_job::{CACHE, CACHE_MANIFEST, MODEL, PLAN, REPORT};
use serde_json::Value;
use tempfile::TempDir;
use tensorrt_double::{Driver, Faults, Installation, Plan, install};

use crate::fixtures::{files, fixture};

const BY_FLAGS: [i32; 3] = [8_601, 100_000, 101_601];
const BY_MODEL: [i32; 2] = [110_400, 10_701];

/// A TensorRT with its GPU's driver in a folder, and a folder for results.
pub(crate) struct Machine {
    pub(crate) folder: TempDir,
}

impl Machine {
    pub(crate) fn new(version: i32) -> Self {
        Self::with(version, Faults::default())
    }

    pub(crate) fn with(version: i32, cuda_faults: Faults) -> Self {
        Self::playing(version, Installation { cuda_faults, ..Installation::default() })
    }

    fn playing(version: i32, options: Installation) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Installation { driver: Driver::Double, ..options };
        install(&folder.path().join("lib"), Version::from_raw(version), &options).unwrap();
        Self { folder }
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.folder.path().join("lib")
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub(crate) fn run(&self, command: &str, model: &str, more: &[&str]) -> Output {
        let (library, output, model) = (self.library(), self.output(), fixture(model));
        Command::new(env!("CARGO_BIN_EXE_calibrant"))
            // The loader takes the driver from here; a process reads this once, when it starts.
            .env("LD_LIBRARY_PATH", &library)
            .args([command, "--quiet", "--model"])
            .arg(model)
            .arg("--tensorrt")
            .arg(library)
            .arg("--output")
            .arg(output)
            .args(more)
            .output()
            .unwrap()
    }

    /// A job over eight pictures of clothes.
    pub(crate) fn fashion(&self, command: &str, more: &[&str]) -> Output {
        let images = fixture("fashion/calibration");
        let words = ["--images", images.to_str().unwrap(), "--preset", "fashion", "--limit", "8"];
        self.run(command, "models/fashion_cnn.onnx", &[&words, more].concat())
    }

    pub(crate) fn done(&self, more: &[&str]) -> Plan {
        let output = self.fashion("quantize", more);
        assert_eq!(output.status.code(), Some(0), "{more:?}: {}", said(&output));
        self.plan()
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan::read(&fs::read(self.output().join(PLAN)).unwrap()).unwrap()
    }

    pub(crate) fn report(&self) -> Value {
        serde_json::from_slice(&fs::read(self.output().join(REPORT)).unwrap()).unwrap()
    }

    pub(crate) fn cache(&self) -> String {
        fs::read_to_string(self.output().join(CACHE)).unwrap()
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The operators of a model.
fn operators(model: &Path) -> Vec<String> {
    let model = calibrant_onnx::Model::read(model).unwrap();
    model.graph().node.iter().map(|node| node.op().to_owned()).collect()
}

const NATIVE: [&str; 2] = ["--backend", "tensorrt"];

#[test]
fn tensorrt_calibrates_with_every_sample_and_its_cache_is_kept_with_a_manifest() {
    for version in BY_FLAGS {
        let machine = Machine::new(version);
        let plan = machine.done(&[&NATIVE[..], &["--batch-size", "3"]].concat());
        let calibration = plan.calibration.expect("TensorRT calibrated");
        assert_eq!(calibration.algorithm, "kENTROPY_CALIBRATION_2", "{version}");
        // Eight samples in batches of at most three: four of two need none twice.
        assert_eq!(calibration.batches.len(), 4, "{version}");
        let names = [CACHE, CACHE_MANIFEST, PLAN, MODEL, REPORT].map(|name| name.to_owned());
        let mut expected = names.to_vec();
        expected.sort();
        assert_eq!(files(&machine.output()), expected, "{version}");
        let report = machine.report();
        let run = &report["calibration"];
        assert_eq!(run["source"], "tensorrt");
        assert_eq!((&run["samples"], &run["repeated"]), (&8.into(), &0.into()));
        let header = format!("TRT-{version}-EntropyCalibration2\n");
        assert!(machine.cache().starts_with(&header), "{}", machine.cache());
    }
}

#[test]
fn batches_do_not_depend_on_workers_and_hold_what_the_preset_makes() {
    let batches = |more: &[&str]| {
        let machine = Machine::new(101_601);
        machine.done(&[&NATIVE[..], more].concat()).calibration.unwrap().batches
    };
    let one = batches(&["--workers", "1", "--batch-size", "4"]);
    assert_eq!(one, batches(&["--workers", "3", "--batch-size", "4"]));
    assert_ne!(one, batches(&["--workers", "1", "--batch-size", "4", "--scale", "1/128"]));
}

#[test]
fn a_cache_is_used_again_while_nothing_it_depends_on_has_changed() {
    let machine = Machine::new(101_601);
    machine.done(&NATIVE);
    let (cache, first) = (machine.cache(), machine.plan());
    let second = machine.done(&NATIVE);
    assert!(second.calibration.unwrap().batches.is_empty());
    assert_eq!(machine.report()["calibration"]["cache_reused"], true);
    assert_eq!((machine.cache(), second.scales), (cache.clone(), first.scales));

    for (change, reason) in [
        (&["--stride", "2"][..], "the samples changed"),
        (&["--scale", "1/128"], "the preprocessing changed"),
        (&["--method", "minmax"], "its first line is `TRT-101601-EntropyCalibration2`"),
    ] {
        let refused = machine.fashion("quantize", &[&NATIVE[..], change].concat());
        let told = said(&refused);
        assert_eq!(refused.status.code(), Some(1), "{told}");
        assert!(told.contains(reason) && told.contains("--recalibrate"), "{told}");
        assert_eq!(machine.cache(), cache, "a refused cache stays");
    }
    let again = machine.done(&[&NATIVE[..], &["--method", "minmax", "--recalibrate"]].concat());
    assert_eq!(again.calibration.unwrap().algorithm, "kMINMAX_CALIBRATION");

    let cache = machine.cache();
    fs::write(machine.output().join(CACHE), cache.replace(": 3", ": 4")).unwrap();
    for more in [&NATIVE[..], &["--backend", "tensorrt", "--recalibrate"]] {
        let told = said(&machine.fashion("quantize", more));
        assert!(told.contains("was changed since an earlier job wrote it"), "{told}");
    }
    fs::write(machine.output().join(CACHE), cache).unwrap();
    fs::remove_file(machine.output().join(CACHE_MANIFEST)).unwrap();
    let told = said(&machine.fashion("quantize", &NATIVE));
    assert!(told.contains("what it was made from"), "{told}");
}

/// A number that was not computed is none.
#[test]
fn tensors_of_a_cache_of_another_form_are_not_counted() {
    let cache_line = Some("# calibrated in a form of its own".to_owned());
    let machine = Machine::playing(101_601, Installation { cache_line, ..Installation::default() });
    let done = machine.fashion("quantize", &NATIVE);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(printed.contains("tensors that were not counted by"), "{printed}");
    let report = machine.report();
    assert!(report["calibration"]["tensors"].is_null(), "{report:#}");
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("were not counted: line") && notes.contains("form of its own"),
        "{notes}"
    );
    assert!(machine.cache().contains("form of its own"), "the cache is kept as it is");
}

#[test]
fn calibrate_leaves_the_cache_and_no_engine() {
    let machine = Machine::new(8_601);
    let output = machine.fashion("calibrate", &[&NATIVE[..], &["--method", "legacy"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(files(&machine.output()), [CACHE, CACHE_MANIFEST, REPORT]);
    assert!(machine.cache().starts_with("TRT-8601-LegacyCalibration\n"));
}

#[test]
fn a_picture_that_fails_in_the_middle_ends_the_build_as_what_it_is() {
    let machine = Machine::new(101_601);
    let pictures = machine.folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    for (at, picture) in
        fs::read_dir(fixture("fashion/calibration/0_tshirt_top")).unwrap().take(8).enumerate()
    {
        let name = pictures.join(format!("{at}.png"));
        fs::copy(picture.unwrap().path(), &name).unwrap();
        if at == 5 {
            let bytes = fs::read(&name).unwrap();
            fs::write(&name, &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    let pictures = pictures.to_str().unwrap();
    let words = ["--images", pictures, "--preset", "fashion", "--batch-size", "2"];
    let model = "models/fashion_cnn.onnx";
    let failed = machine.run("quantize", model, &[&words[..], &NATIVE].concat());
    let told = said(&failed);
    assert_eq!(failed.status.code(), Some(1), "{told}");
    assert!(told.contains("5.png"), "{told}");
    assert_eq!(files(&machine.output()), Vec::<String>::new(), "nothing is left of it");

    let skip = ["--on-bad-sample", "skip"];
    let done = machine.run("quantize", model, &[&words[..], &NATIVE, &skip].concat());
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let run = &machine.report()["calibration"];
    assert_eq!((&run["samples"], &run["repeated"]), (&7.into(), &1.into()));
    assert_eq!(run["skipped"][0]["name"], "5.png");
}

#[test]
fn a_gpu_without_memory_or_a_machine_without_gpu_is_named() {
    let machine =
        Machine::with(101_601, Faults { out_of_memory_after: Some(1 << 10), ..Faults::default() });
    let failed = machine.fashion("quantize", &NATIVE);
    assert_eq!(failed.status.code(), Some(1));
    assert!(said(&failed).contains("out of"), "{}", said(&failed));

    fs::remove_file(machine.library().join("libcuda.so.1")).unwrap();
    fs::remove_file(machine.library().join("libcuda.so")).unwrap();
    let failed = machine.fashion("quantize", &NATIVE);
    assert_eq!(failed.status.code(), Some(3), "{}", said(&failed));
    assert!(said(&failed).contains("libcuda.so.1"), "{}", said(&failed));
    assert_eq!(files(&machine.output()), Vec::<String>::new(), "nothing is left of it");
}

#[test]
fn without_a_gpu_or_an_int8_engine_to_build_nothing_is_begun() {
    let machine = Machine::new(101_601);
    for words in [["--engine", "none"], ["--precision", "fp16"]] {
        let refused = machine.fashion("quantize", &[&NATIVE[..], &words].concat());
        let told = said(&refused);
        assert_eq!(refused.status.code(), Some(2), "{words:?}: {told}");
        assert!(told.contains("while an int8 engine is built"), "{told}");
        assert!(files(&machine.output()).is_empty(), "{words:?}");
    }
    fs::remove_file(machine.library().join("libcuda.so.1")).unwrap();
    fs::remove_file(machine.library().join("libcuda.so")).unwrap();
    assert_eq!(machine.fashion("quantize", &NATIVE).status.code(), Some(3));
    assert!(files(&machine.output()).is_empty());
}

#[test]
fn what_does_not_calibrate_says_so_before_any_work() {
    for version in BY_MODEL {
        let machine = Machine::new(version);
        let refused = machine.fashion("quantize", &NATIVE);
        let told = said(&refused);
        assert_eq!(refused.status.code(), Some(2), "{told}");
        assert!(told.contains("leave --backend tensorrt out"), "{told}");
        assert!(files(&machine.output()).is_empty());
    }
}

#[test]
fn our_ranges_reach_the_builder_three_ways() {
    for version in BY_FLAGS {
        let machine = Machine::new(version);
        let cache = machine.done(&[]);
        assert!(cache.config.flags.contains(&"kINT8".to_owned()), "{:?}", cache.config.flags);
        let calibration = cache.calibration.as_ref().expect("a cache was read");
        assert!(calibration.cache_was_read && calibration.batches.is_empty());
        assert!(!operators(&machine.output().join(MODEL)).contains(&"QuantizeLinear".to_owned()));
        assert!(cache.scales.contains_key("input"), "{version}: {:?}", cache.scales);

        let ranges = machine.done(&["--int8-via", "ranges"]);
        assert!(ranges.calibration.is_none());
        assert_eq!(ranges.scales, cache.scales, "{version}: the same scales by another way");
        let given = |plan: &Plan| plan.network.tensors.iter().any(|it| it.dynamic_range.is_some());
        assert_eq!((given(&cache), given(&ranges)), (false, true), "{version}");

        let qdq = machine.done(&["--int8-via", "qdq"]);
        assert!(qdq.calibration.is_none() && qdq.scales.is_empty() && !given(&qdq), "{version}");
        assert!(operators(&machine.output().join(MODEL)).contains(&"QuantizeLinear".to_owned()));
    }
}

#[test]
fn a_precision_is_flags_for_a_builder_that_chooses_and_casts_for_one_that_does_not() {
    for (precision, flags) in
        [("fp16", &["kFP16"][..]), ("int8+fp16", &["kFP16", "kINT8"]), ("fp32", &[])]
    {
        let machine = Machine::new(101_601);
        let plan = machine.done(&["--precision", precision]);
        let types = ["kFP16", "kINT8", "kBF16"].map(str::to_owned);
        let told: Vec<_> =
            types.into_iter().filter(|flag| plan.config.flags.contains(flag)).collect();
        assert_eq!(told, flags, "{precision}");
        assert!(!operators(&machine.output().join(MODEL)).contains(&"Cast".to_owned()));
    }
    for version in BY_MODEL {
        for (precision, has) in [
            ("fp16", ["Cast"].as_slice()),
            ("bf16", &["Cast"]),
            ("int8+fp16", &["Cast", "QuantizeLinear"]),
            ("best", &["Cast", "QuantizeLinear"]),
        ] {
            let machine = Machine::new(version);
            let plan = machine.done(&["--precision", precision]);
            assert!(plan.network.strongly_typed, "{version}");
            let operators = operators(&machine.output().join(MODEL));
            for operator in ["Cast", "QuantizeLinear"] {
                let expected = has.contains(&operator);
                assert_eq!(
                    operators.contains(&operator.to_owned()),
                    expected,
                    "{precision}: {operator}"
                );
            }
        }
    }
}

#[test]
fn half_precision_needs_no_pictures() {
    for version in [101_601, 110_400] {
        let machine = Machine::new(version);
        let done = machine.run("quantize", "models/fashion_cnn.onnx", &["--precision", "fp16"]);
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        assert!(machine.report()["calibration"].is_null());
    }
}

#[test]
fn layer_precisions_hold_on_both_sides() {
    let machine = Machine::new(101_601);
    let first = machine.done(&["--precision", "int8+fp16"]).network.layers[0].name.clone();
    let pattern = format!("^{}$=fp32", first.replace('/', "."));
    let words = ["--precision", "int8+fp16", "--layer-precision", &pattern];
    let plan = machine.done(&words);
    assert_eq!(plan.network.layers[0].precision.as_deref(), Some("kFLOAT"));
    let machine = Machine::new(110_400);
    machine.done(&words);
    let report = machine.report();
    let node = |nodes: &Value| {
        nodes
            .as_array()
            .unwrap()
            .iter()
            .find(|node| node["name"] == first.as_str())
            .cloned()
            .unwrap()
    };
    assert_eq!(node(&report["casts"]["nodes"])["precision"], "fp32", "{report}");
    assert_ne!(node(&report["rewrite"]["nodes"])["outcome"], "quantized", "{report}");

    let nothing = machine.fashion("quantize", &["--layer-precision", "^nothing$=fp16"]);
    assert_eq!(nothing.status.code(), Some(2), "{}", said(&nothing));
}

#[test]
fn settings_that_a_generation_lacks_are_refused_before_any_work() {
    for (version, words, reason) in [
        (110_400, &["--int8-via", "cache"][..], "qdq"),
        (110_400, &["--precision-constraints", "obey"], "weak typing"),
        (8_601, &["--precision", "bf16"], "BF16"),
        (101_601, &["--compute-capability", "8.9"], "GPU at hand"),
    ] {
        let machine = Machine::new(version);
        let refused = machine.fashion("quantize", words);
        let told = said(&refused);
        assert_eq!(refused.status.code(), Some(2), "{version} {words:?}: {told}");
        assert!(told.to_lowercase().contains(&reason.to_lowercase()), "{told}");
        assert!(files(&machine.output()).is_empty(), "{words:?}");
    }
}
