//! Weights that lie in other files: found, checked, and never looked for outside the folder.

use std::fs;
use std::path::Path;

use calibrant_onnx::proto::tensor_proto::DataLocation;
use calibrant_onnx::proto::{NodeProto, StringStringEntryProto, TensorProto};
use calibrant_onnx::{Bytes, DataType, Error, ExternalProblem, Model, TensorProblem, validate};

use crate::{fixtures, values};

#[test]
fn values_are_those_of_the_data_file() {
    let model = fixtures::model("external");
    let expected = fixtures::expected("external");
    for tensor in &model.graph().initializer {
        values::assert_holds(tensor, &expected[tensor.label()], tensor.label());
    }
    let [half, tied] = ["half", "tied"].map(|name| {
        let tensor = model.graph().initializer.iter().find(|tensor| tensor.label() == name);
        tensor.unwrap().to_le_bytes().unwrap().as_ptr()
    });
    assert_eq!(half, tied, "tied weights are read once");
}

#[test]
fn without_a_folder_values_stay_unread() {
    let bytes = fs::read(fixtures::path("onnx/models/external.onnx")).unwrap();
    let model = Model::from_bytes(&bytes, None).unwrap();
    let tensor = &model.graph().initializer[0];
    let problem = tensor.to_f32().unwrap_err().problem;
    assert_eq!(problem, TensorProblem::NotLoaded { location: "external/weights.bin".to_owned() });
    assert_eq!(validate(&model).unwrap_err().problems.len(), 4);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.onnx");
    assert!(matches!(model.write(&path).unwrap_err(), Error::Unread));
    assert!(!path.exists());
    let base = fixtures::path("onnx/models");
    assert!(Model::from_bytes(&bytes, Some(&base)).unwrap().write(&path).is_ok());
}

/// A model whose weights are 2 FLOAT each, with these keys.
fn model(tensors: &[&[(&str, &str)]]) -> Bytes {
    let mut model = fixtures::of_nodes(vec![NodeProto::new("Relu", "", &["x"], &["y"])]);
    for (index, keys) in tensors.iter().enumerate() {
        let mut tensor = TensorProto::from_raw(&format!("w{index}"), DataType::FLOAT, &[2], vec![]);
        tensor.raw_data = None;
        tensor.data_location = Some(DataLocation::EXTERNAL);
        tensor.external_data = keys
            .iter()
            .map(|(key, value)| StringStringEntryProto::default().with_key(*key).with_value(*value))
            .collect();
        model.graph_mut().initializer.push(tensor);
    }
    model.to_bytes().unwrap().into()
}

fn problem(bytes: &Bytes, base: &Path) -> (String, ExternalProblem) {
    let error = Model::from_shared(bytes.clone(), Some(base)).unwrap_err();
    let message = error.to_string();
    let Error::External { tensor, location, source } = error else { panic!("{message}") };
    assert!(message.contains(&tensor) && message.contains(&location), "{message}");
    (tensor, source)
}

#[test]
fn bad_places_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("w.bin"), [0; 20]).unwrap();
    fs::create_dir(folder.path().join("inner")).unwrap();
    let w = ("location", "w.bin");
    let text = |problem: &ExternalProblem| problem.to_string();
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[], "the model names no file"),
        (&[("location", "")], "the model names no file"),
        (&[w, ("offset", "-1")], "offset \"-1\" is no whole number of bytes"),
        (&[w, ("length", "8.0")], "length \"8.0\" is no whole number of bytes"),
        (&[w, ("offset", "16")], "bytes 16..16+8 lie beyond its end at 20"),
        (&[w, ("offset", "21")], "bytes 21..21+8 lie beyond its end at 20"),
        (
            &[w, ("offset", "18446744073709551615")],
            "bytes 18446744073709551615..18446744073709551615+8 lie beyond its end at 20",
        ),
        (&[w, ("length", "9")], "length 9 at offset 0, but dimensions and type need 8 bytes"),
        (
            &[w, ("checksum", "Da39a3ee5e6b4b0d3255bfef95601890afd80709")],
            "its SHA-1 is 6768033e216468247bd031a0a2d9876d79818f8f, the model says \
             Da39a3ee5e6b4b0d3255bfef95601890afd80709: fetch the data file again",
        ),
    ];
    for (keys, message) in cases {
        let good: &[(&str, &str)] = &[w, ("checksum", "6768033E216468247BD031A0A2D9876D79818F8F")];
        let (tensor, problem) = problem(&model(&[good, keys]), folder.path());
        assert_eq!((tensor.as_str(), text(&problem).as_str()), ("w1", *message));
    }
    for location in ["missing.bin", "inner", "w.bin/x"] {
        let (_, problem) = problem(&model(&[&[("location", location)]]), folder.path());
        assert!(matches!(problem, ExternalProblem::Read { .. }), "{location}: {problem}");
    }
}

#[test]
fn places_outside_the_folder_are_refused() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("model");
    fs::create_dir_all(folder.join("inner")).unwrap();
    let secret = outer.path().join("secret.bin");
    for path in [&secret, &folder.join("w.bin")] {
        fs::write(path, [0; 8]).unwrap();
    }
    let absolute = folder.join("w.bin");
    let mut locations =
        vec!["../secret.bin", "inner/../../secret.bin", "inner/../w.bin", "..", "/"];
    locations.push(absolute.to_str().unwrap());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&secret, folder.join("link.bin")).unwrap();
        std::os::unix::fs::symlink(outer.path(), folder.join("up")).unwrap();
        std::os::unix::fs::symlink("w.bin", folder.join("within.bin")).unwrap();
        locations.extend(["link.bin", "up/secret.bin"]);
        assert!(Model::from_shared(model(&[&[("location", "within.bin")]]), Some(&folder)).is_ok());
    }
    for location in locations {
        let (_, problem) = problem(&model(&[&[("location", location)]]), &folder);
        assert!(matches!(problem, ExternalProblem::Outside), "{location}: {problem}");
    }
    assert!(Model::from_shared(model(&[&[("location", "./w.bin")]]), Some(&folder)).is_ok());
}

#[test]
fn ranges_may_coincide_but_not_overlap() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("w.bin"), [0; 64]).unwrap();
    let at = |offset: &'static str| [("location", "w.bin"), ("offset", offset)];
    let fine = model(&[&at("8"), &at("16"), &at("0"), &at("8")]);
    assert!(Model::from_shared(fine, Some(folder.path())).is_ok());
    for (first, second) in [("8", "12"), ("12", "8"), ("8", "15"), ("8", "1")] {
        let (tensor, problem) = problem(&model(&[&at(first), &at(second)]), folder.path());
        let ExternalProblem::Overlap { other, .. } = problem else { panic!("{problem}") };
        assert_eq!((tensor.as_str(), other.as_str()), ("w1", "w0"), "{first} and {second}");
    }
}

/// The cache of the Hugging Face hub: links under one folder, contents under another.
#[cfg(unix)]
#[test]
fn a_linked_model_may_have_its_data_linked_beside_what_it_leads_to() {
    use std::os::unix::fs::symlink;

    let hub = tempfile::tempdir().unwrap();
    let [blobs, rev] = ["blobs", "snapshots/rev"].map(|folder| hub.path().join(folder));
    for folder in [&blobs.join("inner"), &rev] {
        fs::create_dir_all(folder).unwrap();
    }
    let read = |data: &str, to: &str| {
        let location = format!("w{}", data.len());
        fs::write(blobs.join("model"), model(&[&[("location", &location)]])).unwrap();
        for (target, link) in [("../../blobs/model", "model.onnx"), (to, location.as_str())] {
            let link = rev.join(link);
            drop(fs::remove_file(&link));
            symlink(target, link).unwrap();
        }
        Model::read(&rev.join("model.onnx"))
    };
    for file in ["blobs/data", "blobs/inner/data", "secret"] {
        fs::write(hub.path().join(file), [0; 8]).unwrap();
    }
    assert!(read("beside", "../../blobs/data").is_ok());
    for elsewhere in ["../../secret", "../../blobs/inner/data"] {
        let error = read("elsewhere", elsewhere).unwrap_err();
        let outside = matches!(error, Error::External { source: ExternalProblem::Outside, .. });
        assert!(outside, "{elsewhere}: {error:?}");
    }
}
