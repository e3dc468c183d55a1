//! Ways out that messages name: each is collected from the sources, provoked, and tried.
//!
//! A message that names a flag promises that the flag helps. [`every_hint_of_the_sources_is_tried`] finds all text in the
//! sources that does, so that none can be added without a [`Case`]; [`every_way_out_works`] runs the command that gets the
//! message, and then the one that does as it says. [`no_library_names_a_flag`] keeps such text where the flags are.

mod cases;
mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use calibrant_engine::Version;
use calibrant_onnx::DataType;
use calibrant_onnx::proto::{AttributeProto, NodeProto};
use tempfile::TempDir;
use tensorrt_double::{Driver, Installation, install};

use self::cases::{CASES, Case, Wrong};
use crate::commands::without_fetched;
use crate::fixtures::fixture;
use crate::models::{Graph, write_array};

#[test]
fn every_hint_of_the_sources_is_tried() {
    let known = flags_of_the_command_line();
    let texts = sources::texts();
    let mut untried = Vec::new();
    for (place, text) in &texts {
        let flags = sources::flags(text);
        let foreign: Vec<_> = flags.iter().filter(|flag| !known.contains(**flag)).collect();
        assert!(foreign.is_empty(), "{place} names {foreign:?}, which no command takes: {text}");
        if !CASES.iter().any(|case| text.contains(case.says)) {
            untried.push(format!("{place}: {text}"));
        }
    }
    assert!(untried.is_empty(), "no case tries these:\n{}", untried.join("\n"));
    for case in CASES {
        let is_said = texts.iter().any(|(_, text)| text.contains(case.says));
        assert!(is_said, "no source says `{}` any more", case.says);
    }
}

#[test]
fn no_library_names_a_flag() {
    let known = flags_of_the_command_line();
    let is_ours = |flag: &&str| known.contains(*flag) && !sources::FOREIGN.contains(flag);
    for (place, text) in sources::of_libraries() {
        let ours: Vec<_> = sources::flags(&text).into_iter().filter(is_ours).collect();
        assert!(ours.is_empty(), "{place} names {ours:?}, which is the command line's: {text}");
        let is_put_together = text.contains("--{") || text.contains("`calibrant ");
        assert!(!is_put_together, "{place} names what is the command line's: {text}");
    }
}

#[test]
fn every_way_out_works() {
    let lab = Lab::new();
    let mut failures = Vec::new();
    for (at, case) in CASES.iter().enumerate() {
        if let Err(problem) = lab.tries(at, case) {
            failures.push(format!("`{}`: {problem}", case.says));
        }
    }
    assert!(
        failures.is_empty(),
        "{} ways out do not work:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Every flag that `--help` of some command lists.
fn flags_of_the_command_line() -> BTreeSet<String> {
    let commands = [
        &["quantize"][..],
        &["calibrate"],
        &["build"],
        &["preprocess"],
        &["inspect"],
        &["doctor"],
        &["cache", "show"],
        &["cache", "diff"],
        &["cache", "merge"],
        &["cache", "convert"],
        &["cache", "validate"],
        &["cache", "to-onnx"],
        &["cache", "from-onnx"],
    ];
    let mut flags = BTreeSet::new();
    for command in commands {
        let mut help = Command::new(env!("CARGO_BIN_EXE_calibrant"));
        let help = help.args(command).arg("--help").output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        flags.extend(sources::flags(&help).into_iter().map(str::to_owned));
    }
    flags
}

/// Models, samples and libraries that the commands of the cases name in braces.
struct Lab {
    folder: TempDir,
}

impl Lab {
    fn new() -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap() };
        lab.models();
        write_array(&lab.path("arrays"), "x", &[8, 3, 28, 28]);
        write_array(&lab.path("sizes"), "small", &[4, 3, 28, 28]);
        write_array(&lab.path("sizes"), "large", &[4, 3, 30, 30]);
        fs::write(lab.path("other.toml"), "title = \"no preprocessing\"\n").unwrap();
        fs::write(lab.path("file"), "").unwrap();
        fs::create_dir(lab.path("foreign")).unwrap();
        fs::write(lab.path("foreign/model.onnx"), "a user's own").unwrap();
        for version in [8_503, 100_300, 101_601, 110_400, 10_701] {
            let options = Installation { driver: Driver::Double, ..Installation::default() };
            install(&lab.path(&version.to_string()), Version::from_raw(version), &options).unwrap();
        }
        for words in [
            "calibrate {fashion} -o {out}/table",
            "calibrate {fashion} --cache-version 8.6.1 -o {out}/headless",
            "quantize {fashion} --engine none -o {out}/qdq",
        ] {
            lab.run(0, words).unwrap();
        }
        let cache = fs::read_to_string(lab.path("0/headless/calibration.cache")).unwrap();
        let (_, headless) = cache.split_once('\n').unwrap();
        fs::write(lab.path("headless.cache"), headless).unwrap();
        let printed = lab.run(0, "preprocess --preset fashion --print").unwrap();
        fs::write(lab.path("recipe.toml"), printed).unwrap();
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn models(&self) {
        let write = |name: &str, graph: Graph| {
            let folder = self.path(name);
            fs::create_dir(&folder).unwrap();
            graph.write(&folder);
        };
        let conv = |graph: Graph, input: &str, output: &str, channels: usize| {
            let (weight, kernel) = (format!("{output}.w"), [16, channels, 1, 1]);
            graph.weight(&weight, &kernel).node("Conv", &format!("{input} {weight}"), output)
        };
        let dims = ["batch", "3", "28", "28"];
        write("fixed", conv(Graph::reading("x", &["3", "3", "28", "28"]), "x", "y", 3).output("y"));
        let lrn = NodeProto::new("LRN", "wide", &["x"], &["h"])
            .with_attr(AttributeProto::int("size", 1 << 21));
        write("refused", conv(Graph::reading("x", &dims).push(lrn), "h", "y", 3).output("y"));
        let turned = NodeProto::new("Transpose", "turned", &["x"], &["t"])
            .with_attr(AttributeProto::ints("perm", &[0, 3, 1, 2]));
        let nhwc = Graph::reading("x", &["batch", "28", "28", "3"]).push(turned);
        write("nhwc", conv(nhwc, "t", "y", 3).output("y"));
        let [a, b, c] = ["a", "b", "c"];
        let unsaid = Graph::reading("x", &["batch", a, b, c]).node("ReduceMean", "x", "y");
        write("layoutless", unsaid.output("y"));
        let bytes = Graph::default().input_of(DataType::UINT8, "x", &dims);
        let cast = NodeProto::new("Cast", "f", &["x"], &["f"]);
        let bytes = bytes.push(cast.with_attr(AttributeProto::int("to", 1)));
        write("bytes", conv(bytes, "f", "y", 3).output("y"));
        let open = Graph::reading("x", &["batch", "3", "height", "width"]);
        write("open", conv(open, "x", "y", 3).output("y"));
        let open = Graph::reading("x", &["batch", "3", "height", "width"]);
        let classifier = open.by_ultralytics("classify", 64);
        write("classifier", conv(classifier, "x", "y", 3).output("y"));
        let two = conv(Graph::reading("x", &dims), "x", "c", 3);
        let bad =
            two.floats("bad.w", &[16, 16, 1, 1], f32::NAN).node("Conv", "c bad.w", "bad.conv");
        write("nan", bad.output("bad.conv"));
        fs::write(
            self.path("nan.cache"),
            "TRT-101601-EntropyCalibration2\nx: 3c010a14\nc: 3c010a14\nbad.conv: 3c010a14\n",
        )
        .unwrap();
    }

    /// Runs the commands of a line, one behind the other, and gives what the last prints and says.
    fn run(&self, at: usize, line: &str) -> Result<String, String> {
        let mut printed = Ok(String::new());
        for command in line.split(" && ") {
            printed = self.one(at, command);
        }
        printed
    }

    fn one(&self, at: usize, command: &str) -> Result<String, String> {
        let (command, on) = match command.split_once(" @ ") {
            Some((command, version)) => (command, Some(version)),
            None => (command, None),
        };
        let mut calibrant = Command::new(env!("CARGO_BIN_EXE_calibrant"));
        calibrant.args(self.words(at, command)).env("CUDA_VISIBLE_DEVICES", "");
        without_fetched(&mut calibrant);
        if let Some(version) = on {
            let library = self.path(version);
            calibrant.env("LD_LIBRARY_PATH", &library).arg("--tensorrt").arg(library);
        }
        let output = calibrant.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        if output.status.success() { Ok(text) } else { Err(text) }
    }

    fn words(&self, at: usize, command: &str) -> Vec<String> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let (model, images) = (fixture("models/fashion_cnn.onnx"), fixture("fashion/calibration"));
        let (model, images) = (text(&model), text(&images));
        let pictures = format!("--images {images} --limit 8");
        let filled = command
            .replace("{fashion}", &format!("--model {model} {pictures} --preset fashion"))
            .replace("{gray}", &text(&fixture("models/fashion_cnn_gray.onnx")))
            .replace("{model}", &model)
            .replace("{images}", &images)
            .replace("{pictures}", &pictures)
            .replace("{photo}", &text(&fixture("photos/animal_moose.jpg")))
            .replace("{lab}", &text(self.folder.path()))
            .replace("{out}", &text(&self.path(&at.to_string())));
        filled.split_whitespace().map(|word| word.trim_matches('\'').to_owned()).collect()
    }

    fn tries(&self, at: usize, case: &Case) -> Result<(), String> {
        // The places of the cases begin behind that of the lab's own jobs.
        let at = at + 1;
        if let Wrong::Gets(wrong) = case.wrong {
            let (Ok(said) | Err(said)) = self.run(at, wrong);
            if !said.contains(case.appears()) {
                return Err(format!("`{wrong}` does not get it, but: {said}"));
            }
            let has = |line: &str| -> BTreeSet<String> {
                self.words(at, line).into_iter().filter(|word| word.starts_with("--")).collect()
            };
            // Another command has other flags of its own.
            let is_same = wrong.split(' ').next() == case.right.split(' ').next();
            let (wrong, right) = (has(wrong), has(case.right));
            let unsaid: Vec<_> =
                right.difference(&wrong).filter(|flag| is_same && !said.contains(*flag)).collect();
            if !unsaid.is_empty() {
                return Err(format!(
                    "the way out needs {unsaid:?}, which it does not name: {said}"
                ));
            }
        }
        match self.run(at, case.right) {
            Ok(said) if said.contains(case.appears()) => {
                Err(format!("`{}` gets it again: {said}", case.right))
            }
            Ok(_) => Ok(()),
            Err(said) => {
                let when = match case.wrong {
                    Wrong::Gets(command) => command,
                    Wrong::Needs(what) => what,
                };
                Err(format!("`{}`, the way out of `{when}`, fails: {said}", case.right))
            }
        }
    }
}
