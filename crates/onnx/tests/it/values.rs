//! Values of tensors, against numpy's view of the same tensors.

use calibrant_onnx::proto::TensorProto;
use calibrant_onnx::{DataType, TensorProblem, Topology};
use proptest::prelude::*;
use serde_json::Value;

use crate::fixtures;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asserts that `tensor` holds what numpy found in it, through every getter.
pub(crate) fn assert_holds(tensor: &TensorProto, expected: &Value, name: &str) {
    assert_eq!(expected["dims"], Value::from(tensor.dims.clone()), "{name}");
    assert_eq!(expected["data_type"], Value::from(tensor.data_type.unwrap()), "{name}");
    tensor.check().unwrap();
    let strings = tensor.to_strings().map(|strings| {
        strings.iter().map(|text| str::from_utf8(text).unwrap().into()).collect::<Vec<Value>>()
    });
    let values = [
        ("strings", strings.map(Value::from).ok()),
        ("le_bytes", tensor.to_le_bytes().map(|bytes| hex(&bytes).into()).ok()),
        ("f32_bits", tensor.to_f32().map(|v| v.iter().map(|v| v.to_bits()).collect()).ok()),
        ("i64", tensor.to_i64().map(|v| v.iter().copied().collect()).ok()),
    ];
    for (key, found) in values {
        assert_eq!(expected.get(key), found.as_ref(), "{key} of {name}");
    }
}

#[test]
fn every_type_in_every_storage() {
    let model = fixtures::model("storage");
    let expected = fixtures::expected("storage");
    assert_eq!(model.graph().initializer.len(), expected.as_object().unwrap().len());
    for tensor in &model.graph().initializer {
        assert_holds(tensor, &expected[tensor.label()], tensor.label());
    }
}

#[test]
fn constants_of_every_kind() {
    let model = fixtures::model("constants");
    let topology = Topology::new(model.graph()).unwrap();
    for (name, expected) in fixtures::expected("constants").as_object().unwrap() {
        assert_holds(topology.constant(name).expect(name), expected, name);
    }
    for name in ["x", "y", "not constant", "nowhere", ""] {
        assert!(topology.constant(name).is_none(), "{name}");
    }
}

#[test]
fn uint64_beyond_i64_is_refused() {
    let tensor = TensorProto::from_raw("t", DataType::UINT64, &[2], [[1; 8], [0xff; 8]].concat());
    let problem = tensor.to_i64().unwrap_err().problem;
    let value = u64::MAX.into();
    assert_eq!(problem, TensorProblem::OutOfRange { dtype: DataType::INT64, index: 1, value });
}

#[test]
fn broken_tensors_are_refused() {
    let float = |dims: &[i64], n_bytes: usize| TensorProto {
        dims: dims.to_vec(),
        ..TensorProto::from_raw("t", DataType::FLOAT, &[], vec![0; n_bytes])
    };
    let typed = TensorProto { dims: vec![2], float_data: vec![1.0, 2.0], ..float(&[2], 0) };
    let narrow = |data_type, value| {
        let tensor = TensorProto { int32_data: vec![0, value], raw_data: None, ..float(&[2], 0) };
        tensor.with_data_type(data_type as i32)
    };
    let out_of_range = |dtype, value| TensorProblem::OutOfRange { dtype, index: 1, value };
    let size = |dims: &[i64], expected, found| TensorProblem::Size {
        dims: dims.to_vec(),
        dtype: DataType::FLOAT,
        expected,
        found,
    };
    let cases = [
        (float(&[3], 8), size(&[3], 12, 8)),
        (float(&[], 8), size(&[], 4, 8)),
        (float(&[0, i64::MAX, i64::MAX], 4), size(&[0, i64::MAX, i64::MAX], 0, 4)),
        (TensorProto { dims: vec![3], ..typed.clone() }, size(&[3], 12, 8)),
        (float(&[2, -1], 8), TensorProblem::NegativeDim { axis: 1, dim: -1 }),
        (float(&[1 << 40, 1 << 40], 8), TensorProblem::Overflow { dims: vec![1 << 40, 1 << 40] }),
        (float(&[i64::MAX], 8), TensorProblem::Overflow { dims: vec![i64::MAX] }),
        (float(&[2], 8).with_data_type(99), TensorProblem::DataType { data_type: 99 }),
        (float(&[2], 8).with_data_type(0), TensorProblem::DataType { data_type: 0 }),
        (
            TensorProto { int64_data: vec![1], ..float(&[2], 8) },
            TensorProblem::Storage { dtype: DataType::FLOAT, field: "int64_data" },
        ),
        (
            TensorProto { raw_data: Some(vec![0; 8].into()), ..typed.clone() },
            TensorProblem::Storage { dtype: DataType::FLOAT, field: "float_data" },
        ),
        (narrow(DataType::INT8, 256), out_of_range(DataType::INT8, 256)),
        (narrow(DataType::UINT16, -40_000), out_of_range(DataType::UINT16, -40_000)),
        (narrow(DataType::FLOAT6E2M3, 64), out_of_range(DataType::FLOAT6E2M3, 64)),
    ];
    for (tensor, problem) in cases {
        let errors = [tensor.to_le_bytes().unwrap_err(), tensor.check().unwrap_err()];
        for error in errors {
            assert_eq!(error.problem, problem);
            assert_eq!(error.tensor, "t");
        }
        assert!(tensor.to_f32().is_err() && tensor.to_i64().is_err(), "{problem}");
    }
    assert_eq!(*typed.to_f32().unwrap(), [1.0, 2.0], "raw_data is there but empty");
}

#[test]
fn getters_refuse_other_kinds() {
    let floats = TensorProto::from_f32("t", &[1], &[1.0]);
    let problem = floats.to_i64().unwrap_err().problem;
    assert_eq!(problem, TensorProblem::Kind { dtype: DataType::FLOAT, wanted: "whole numbers" });
    let ints = TensorProto::from_i32("t", &[1], &[1]);
    let problem = ints.to_f32().unwrap_err().problem;
    assert_eq!(problem, TensorProblem::Kind { dtype: DataType::INT32, wanted: "floats" });
    assert!(ints.to_strings().is_err());
}

proptest! {
    #[test]
    fn built_tensors_hold_what_they_were_built_of(
        floats: Vec<u32>, longs: Vec<i64>, ints: Vec<i32>, bytes: Vec<i8>, bits: Vec<bool>,
    ) {
        let floats: Vec<f32> = floats.into_iter().map(f32::from_bits).collect();
        let to_bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let tensor = TensorProto::from_f32("t", &[floats.len()], &floats);
        prop_assert_eq!(to_bits(&tensor.to_f32().unwrap()), to_bits(&floats));
        // The typed field holds the same.
        let typed = TensorProto { raw_data: None, float_data: floats.clone(), ..tensor.clone() };
        prop_assert_eq!(typed.to_le_bytes().unwrap(), tensor.to_le_bytes().unwrap());

        let wide = |values: &[i8]| values.iter().map(|&v| v.into()).collect::<Vec<i64>>();
        let cases = [
            (TensorProto::from_i64("t", &[longs.len()], &longs), longs.clone()),
            (TensorProto::from_i32("t", &[1, ints.len()], &ints), ints.iter().map(|&v| v.into()).collect()),
            (TensorProto::from_i8("t", &[bytes.len()], &bytes), wide(&bytes)),
            (TensorProto::from_bool("t", &[bits.len(), 1], &bits), bits.iter().map(|&v| v.into()).collect()),
        ];
        for (tensor, values) in cases {
            prop_assert_eq!(tensor.to_i64().unwrap(), values);
        }
    }
}
