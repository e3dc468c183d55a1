//! Models on disk: whole or not at all, weights inside or beside.

use std::fs;
use std::path::Path;

use calibrant_onnx::proto::attribute_proto::AttributeType;
use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, Error, Model, Topology, WriteOptions};

use crate::fixtures;

/// Every model is larger than this.
const BESIDE: WriteOptions = WriteOptions { inline_limit_bytes: 0 };

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A model with weights of several sizes and storages.
fn weighty() -> Model {
    let big = TensorProto::from_f32("big", &[300_000], &vec![1.5; 300_000]);
    let mut model = fixtures::of_nodes(vec![
        NodeProto::new("Constant", "", &[], &["large"])
            .with_attr(AttributeProto::tensor("value", big)),
        NodeProto::new("Add", "", &["x", "large"], &["y"]),
    ]);
    let typed =
        TensorProto { float_data: (0..2000).map(|i| i as f32).collect(), ..Default::default() };
    let typed = typed.with_name("typed").with_data_type(DataType::FLOAT as i32);
    model.graph_mut().initializer = vec![
        TensorProto::from_i8("bytes", &[5000], &vec![-3; 5000]),
        TensorProto { dims: vec![2000], ..typed },
        TensorProto::from_i64("small", &[3], &[1, 2, 3]),
        TensorProto::from_f32("huge", &[1 << 19], &vec![0.25; 1 << 19]),
        TensorProto::from_strings("text", &[1], &["x".repeat(4000).into()]),
    ];
    model
}

fn assert_same_values(left: &Model, right: &Model) {
    let (left, right) =
        (Topology::new(left.graph()).unwrap(), Topology::new(right.graph()).unwrap());
    for name in ["bytes", "typed", "small", "huge", "large"] {
        let [l, r] = [&left, &right].map(|topology| topology.constant(name).unwrap());
        assert_eq!(l.to_le_bytes(), r.to_le_bytes(), "{name}");
        assert_eq!((l.dtype(), &l.dims), (r.dtype(), &r.dims), "{name}");
    }
    let texts =
        [left, right].map(|topology| topology.constant("text").unwrap().string_data.clone());
    assert_eq!(texts[0], texts[1]);
}

#[test]
fn weights_stay_inside_below_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let model = weighty();
    model.write(&path).unwrap();
    assert_eq!(files(folder.path()), ["model.onnx"]);
    assert_eq!(fs::read(&path).unwrap(), model.to_bytes().unwrap());
    let size = fs::metadata(&path).unwrap().len();
    model.write_with(&path, &WriteOptions { inline_limit_bytes: size }).unwrap();
    assert_eq!(files(folder.path()), ["model.onnx"]);
    model.write_with(&path, &WriteOptions { inline_limit_bytes: size - 1 }).unwrap();
    assert_eq!(files(folder.path()), ["model.onnx", "model.onnx.data"]);
}

#[test]
fn weights_beside_come_back_and_go_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let model = weighty();
    model.write_with(&path, &BESIDE).unwrap();
    let bytes = fs::read(&path).unwrap();
    let stored = Model::from_bytes(&bytes, None).unwrap();
    for tensor in &stored.graph().initializer {
        let moved = ["bytes", "typed", "huge"].contains(&tensor.label());
        assert_eq!(tensor.is_external(), moved, "{}", tensor.label());
        let entry = |key: &str| {
            let entry = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some(key));
            entry.map(|entry| entry.value.clone().unwrap())
        };
        if moved {
            let alignment = if tensor.label() == "huge" { 65536 } else { 4096 };
            assert_eq!(entry("offset").unwrap().parse::<u64>().unwrap() % alignment, 0);
            assert_eq!(entry("location").unwrap(), "model.onnx.data");
            assert_eq!(entry("length").unwrap(), tensor.n_bytes().unwrap().to_string());
        }
    }
    assert!(stored.graph().node[0].attr_t("value").unwrap().is_external());
    assert!(bytes.len() < 8000, "{} bytes are left in the model", bytes.len());

    let again = Model::read(&path).unwrap();
    assert_same_values(&model, &again);
    let other = folder.path().join("other.onnx");
    again.write(&other).unwrap();
    assert_same_values(&model, &Model::read(&other).unwrap());
    // Over itself: the weights are replaced while the model that needs them is read already.
    again.write(&path).unwrap();
    assert_same_values(&model, &Model::read(&path).unwrap());
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let names = ["model.onnx", "model.onnx.data", "other.onnx", "other.onnx.data"];
    assert_eq!(files(folder.path()), names);
}

#[test]
fn a_model_without_large_weights_needs_no_second_file() {
    let folder = tempfile::tempdir().unwrap();
    let model = fixtures::of_nodes(vec![NodeProto::new("Relu", "", &["x"], &["y"])]);
    model.write_with(&folder.path().join("m.onnx"), &BESIDE).unwrap();
    assert_eq!(files(folder.path()), ["m.onnx"]);
}

#[test]
fn tied_weights_are_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    let mut model = weighty();
    let mut tied = model.graph().initializer[0].clone();
    tied.name = Some("tied".to_owned());
    let mut equal = TensorProto::from_i8("equal", &[5000], &vec![-3; 5000]);
    equal.doc_string = Some("the same values in other memory".to_owned());
    model.graph_mut().initializer = vec![model.graph().initializer[0].clone(), tied, equal];
    model.graph_mut().node = vec![NodeProto::new("Relu", "", &["x"], &["y"])];
    model.write_with(&path, &BESIDE).unwrap();
    assert_eq!(fs::metadata(folder.path().join("m.onnx.data")).unwrap().len(), 8192 + 5000);
    assert_eq!(Model::read(&path).unwrap().proto, model.proto);
}

#[test]
fn broken_tensors_are_kept_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = weighty();
    model.graph_mut().initializer[0].dims = vec![4999];
    let path = folder.path().join("m.onnx");
    model.write_with(&path, &BESIDE).unwrap();
    let again = Model::read(&path).unwrap();
    assert_eq!(again.graph().initializer[0], model.graph().initializer[0]);
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let model = weighty();
    // A folder in its place cannot be replaced by a file.
    let path = folder.path().join("model.onnx");
    fs::create_dir(&path).unwrap();
    for options in [WriteOptions::default(), BESIDE] {
        let error = model.write_with(&path, &options).unwrap_err();
        assert!(matches!(&error, Error::Write { path: named, .. } if *named == path), "{error}");
        assert_eq!(files(folder.path()), ["model.onnx"]);
    }
    let data = folder.path().join("model.onnx.data");
    fs::write(&data, "weights of before").unwrap();
    model.write_with(&path, &BESIDE).unwrap_err();
    assert_eq!(files(folder.path()), ["model.onnx", "model.onnx.data"]);
    assert_eq!(fs::read(&data).unwrap(), b"weights of before");

    let nowhere = folder.path().join("nowhere").join("model.onnx");
    assert!(matches!(model.write(&nowhere).unwrap_err(), Error::Write { .. }));
    let nameless = folder.path().join("..");
    assert!(matches!(model.write_with(&nameless, &BESIDE).unwrap_err(), Error::FileName { .. }));
}

#[cfg(unix)]
#[test]
fn written_files_have_the_rights_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    weighty().write_with(&path, &BESIDE).unwrap();
    fs::write(folder.path().join("plain"), "").unwrap();
    let rights = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    assert_eq!(rights("model.onnx"), rights("plain"));
    assert_eq!(rights("model.onnx.data"), rights("plain"));
}

#[test]
fn attribute_kinds_are_told_apart() {
    let node = weighty().graph().node[0].clone();
    let kinds = [
        (AttributeProto::float("a", 1.0), AttributeType::FLOAT),
        (AttributeProto::ints("a", &[1]), AttributeType::INTS),
        (AttributeProto::string("a", "s"), AttributeType::STRING),
    ];
    for (mut attribute, kind) in kinds {
        assert_eq!(attribute.kind(), Some(kind));
        attribute.r#type = None; // models of before 2017
        assert_eq!(attribute.kind(), Some(kind));
        let node = node.clone().with_attr(attribute);
        let found = [
            node.attr_f("a").is_some(),
            node.attr_ints("a").is_some(),
            node.attr_s("a").is_some(),
            node.attr_i("a").is_some() || node.attr_t("a").is_some() || node.attr_g("a").is_some(),
        ];
        let wanted =
            [AttributeType::FLOAT, AttributeType::INTS, AttributeType::STRING].map(|k| k == kind);
        assert_eq!(found[..3], wanted);
        assert!(!found[3]);
    }
}
