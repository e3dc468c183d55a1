//! What is read and written untouched stays what it was.

use calibrant_onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto,
};
use calibrant_onnx::{DataType, Dim, Error, Looks, Model, validate};
use proptest::prelude::*;

use crate::fixtures;

#[test]
fn fixtures_keep_every_byte() {
    for path in fixtures::all() {
        let bytes = std::fs::read(&path).unwrap();
        // Without its folder, a model keeps naming its external data.
        let model = Model::from_bytes(&bytes, None).unwrap();
        assert!(model.to_bytes().unwrap() == bytes, "{} changed", path.display());
    }
}

#[test]
fn unknown_fields_survive_a_change() {
    let bytes = std::fs::read(fixtures::path("onnx/models/unknown_fields.onnx")).unwrap();
    let mut model = Model::from_bytes(&bytes, None).unwrap();
    model.graph_mut().node[0].set_attr(AttributeProto::int("added", 1));
    model.set_opset(18);
    let changed = model.to_bytes().unwrap();
    // The group of wire types in field 902 ends in these.
    let count = |bytes: &[u8]| bytes.windows(4).filter(|window| *window == b"\x03abc").count();
    assert_eq!((count(&bytes), count(&changed)), (7, 7));
    let mut again = Model::from_bytes(&changed, None).unwrap();
    again.graph_mut().node[0].remove_attr("added").unwrap();
    again.set_opset(17);
    assert_eq!(again.to_bytes().unwrap(), bytes);
}

#[test]
fn weights_are_windows_into_the_file() {
    let bytes = calibrant_onnx::Bytes::from(
        std::fs::read(fixtures::path("models/fashion_cnn.onnx")).unwrap(),
    );
    let model = Model::from_shared(bytes.clone(), None).unwrap();
    let weight =
        model.graph().initializer.iter().find(|tensor| tensor.n_bytes().unwrap() > 1000).unwrap();
    let inside = bytes.as_ptr_range();
    assert!(inside.contains(&weight.to_le_bytes().unwrap().as_ptr()), "the weight was copied");
}

#[test]
fn functions_and_domains_are_kept() {
    let model = fixtures::model("functions");
    let expected = fixtures::expected("functions");
    assert_eq!(serde_json::json!(model.opset().unwrap()), expected["opset"]);
    assert_eq!(serde_json::json!(model.other_domains()), expected["domains"]);
    assert_eq!(serde_json::json!(model.proto.functions.len()), expected["n_functions"]);
    validate(&model).unwrap();
    assert_eq!(model.graph().node[1].attr("blob").unwrap().s.as_deref(), Some(&b"\x00\xff"[..]));
}

#[test]
fn what_is_no_model_is_named() {
    let empty = Model::from_bytes(b"", None).unwrap_err();
    assert_eq!(empty.to_string(), "the model is empty, not an ONNX model");
    let page = Model::from_bytes(b"<!DOCTYPE html><html></html>", None).unwrap_err();
    assert!(matches!(page, Error::Other { looks: Looks::Html, .. }), "{page}");
    let missing = Model::read("nowhere/model.onnx".as_ref()).unwrap_err();
    assert_eq!(missing.to_string(), "cannot read nowhere/model.onnx");
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Model::read(folder.path()).unwrap_err(), Error::Read { .. }));
}

#[test]
fn a_file_beyond_protobuf_is_not_read() {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(1 << 33).unwrap(); // a hole: it takes no space
    let error = Model::read(file.path()).unwrap_err();
    assert!(matches!(error, Error::FileTooLarge { n_bytes: 0x2_0000_0000, .. }), "{error}");
}

#[test]
fn nesting_has_a_limit() {
    let mut body = GraphProto::default();
    for _ in 0..60 {
        let node = NodeProto::new("If", "", &[], &[])
            .with_attr(AttributeProto::graph("then_branch", body));
        body = GraphProto { node: vec![node], ..GraphProto::default() };
    }
    let mut model = Model::new(ModelProto::default());
    *model.graph_mut() = body;
    let error = Model::from_bytes(&model.to_bytes().unwrap(), None).unwrap_err();
    let Error::Decode { source, place, .. } = error else { panic!("{error}") };
    assert_eq!(source, buffa::DecodeError::RecursionLimitExceeded);
    assert!(place.starts_with("graph.node[0].attribute[0].g.node[0]"), "{place}");
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,3}", any::<String>()]
}

fn any_tensor() -> impl Strategy<Value = TensorProto> {
    let data = prop::collection::vec(any::<u8>(), 0..40);
    let floats = prop::collection::vec(-1e30_f32..1e30, 0..4);
    let longs = prop::collection::vec(any::<i64>(), 0..4);
    (any_name(), any::<i32>(), prop::collection::vec(any::<i64>(), 0..4), data, floats, longs)
        .prop_map(|(name, data_type, dims, raw, float_data, int64_data)| {
            let raw_data = (!raw.is_empty()).then(|| raw.into());
            TensorProto { dims, raw_data, float_data, int64_data, ..Default::default() }
                .with_name(name)
                .with_data_type(data_type)
        })
}

fn any_attribute() -> impl Strategy<Value = AttributeProto> {
    (
        any_name(),
        any_tensor(),
        any::<i64>(),
        prop::collection::vec(any::<i64>(), 0..4),
        -1e3_f32..1e3,
    )
        .prop_flat_map(|(name, tensor, int, ints, float)| {
            prop::sample::select(vec![
                AttributeProto::int(&name, int),
                AttributeProto::ints(&name, &ints),
                AttributeProto::float(&name, float),
                AttributeProto::floats(&name, &[float, -float]),
                AttributeProto::string(&name, &name),
                AttributeProto::graph(
                    &name,
                    GraphProto { initializer: vec![tensor.clone()], ..Default::default() },
                ),
                AttributeProto::tensor(&name, tensor),
            ])
        })
}

fn any_node() -> impl Strategy<Value = NodeProto> {
    let names = || prop::collection::vec(any_name(), 0..4);
    let attributes = prop::collection::vec(any_attribute(), 0..4);
    (any_name(), any_name(), names(), names(), attributes).prop_map(
        |(op, name, input, output, attribute)| {
            NodeProto { input, output, attribute, ..Default::default() }
                .with_op_type(op)
                .with_name(name)
        },
    )
}

/// A model that need make no sense.
pub(crate) fn any_model() -> impl Strategy<Value = Model> {
    let nodes = prop::collection::vec(any_node(), 0..5);
    let tensors = prop::collection::vec(any_tensor(), 0..5);
    (nodes, tensors, any::<Option<i64>>(), any_name()).prop_map(
        |(node, initializer, opset, key)| {
            let mut model = Model::new(ModelProto::default());
            opset.into_iter().for_each(|version| model.set_opset(version));
            model
                .proto
                .metadata_props
                .push(StringStringEntryProto::default().with_key(key.clone()));
            let info = calibrant_onnx::proto::ValueInfoProto::tensor(
                &key,
                DataType::FLOAT,
                &[Dim::Known(3), Dim::Symbol(&key), Dim::Unknown],
            );
            let (input, output) = (vec![info.clone()], vec![info]);
            *model.graph_mut() =
                GraphProto { node, initializer, input, output, ..Default::default() };
            model
        },
    )
}

proptest! {
    #[test]
    fn any_model_is_read_as_written(model in any_model()) {
        let bytes = model.to_bytes().unwrap();
        let again = Model::from_bytes(&bytes, None).unwrap();
        prop_assert_eq!(&again, &model);
        prop_assert_eq!(again.to_bytes().unwrap(), bytes);
    }

    #[test]
    fn damage_never_panics(model in any_model(), at: prop::sample::Index, byte: u8, end: prop::sample::Index) {
        let mut bytes = model.to_bytes().unwrap();
        let index = at.index(bytes.len());
        bytes[index] = byte;
        bytes.truncate(end.index(bytes.len() * 2).max(1));
        let Ok(model) = Model::from_bytes(&bytes, None) else { return Ok(()) };
        let is_valid = validate(&model).is_ok();
        let topology = calibrant_onnx::Topology::new(model.graph());
        prop_assert!(topology.is_ok() || !is_valid);
        for tensor in &model.graph().initializer {
            let n_bytes = tensor.to_le_bytes().map(|bytes| bytes.len());
            prop_assert!(n_bytes.is_err() || n_bytes == tensor.n_bytes());
            if let Ok(values) = tensor.to_f32() {
                prop_assert_eq!(Ok(values.len()), tensor.n_elements());
            }
            if let Ok(values) = tensor.to_i64() {
                prop_assert_eq!(Ok(values.len()), tensor.n_elements());
            }
        }
        let written = model.to_bytes().unwrap();
        prop_assert_eq!(Model::from_bytes(&written, None).unwrap().to_bytes().unwrap(), written);
    }
}
