//! Upgrades against the models that onnxruntime found equal (`fixtures/rewrite/make_opset.py`).

use std::fs;
use std::path::{Path, PathBuf};

use calibrant_onnx::proto::ValueInfoProto;
use calibrant_onnx::{DataType, Dim, Model};
use calibrant_prepare::{OpsetChange, raise_opset};
use expect_test::expect;

use crate::graphs::{Graph, int};
use crate::printer::print;

/// Fewer would mean that fixtures got lost.
const CASES: usize = 38;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/rewrite/opset")
}

#[test]
fn every_upgrade_is_the_one_that_was_proven_equal() {
    let mut cases = 0;
    for entry in fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(case) = name.strip_suffix(".old.onnx") else { continue };
        let mut model = Model::read(&path).unwrap();
        let change = raise_opset(&mut model).unwrap();
        let expected = Model::read(&fixtures().join(format!("{case}.new.onnx"))).unwrap();
        assert_eq!(print(&model), print(&expected), "{case}");
        assert_eq!(model.proto, expected.proto, "{case}");
        assert_eq!(change.after, 13);
        cases += 1;
    }
    assert_eq!(cases, CASES);
}

#[test]
fn a_model_that_is_new_enough_stays_as_it_is() {
    for opset in 13..=25 {
        let before = Graph::reading(&[2, 3]).node("Softmax", "x", "y").output("y").opset(opset);
        let mut model = before.clone();
        assert_eq!(raise_opset(&mut model).unwrap(), OpsetChange { before: opset, after: opset });
        assert_eq!(model, before);
    }
}

/// Half models of the time before opset 13 have half bounds and paddings.
#[test]
fn constants_have_the_type_of_the_data() {
    for (dtype, letter) in [(DataType::FLOAT16, "h"), (DataType::BFLOAT16, "b")] {
        let clip = calibrant_onnx::proto::AttributeProto::float("max", 6.0);
        let mut model = Graph::default().node_with("Clip", "x", "y", &[clip]).opset(9);
        for list in ["x", "y"] {
            let info = ValueInfoProto::tensor(list, dtype, &[Dim::Known(2)]);
            let graph = model.graph_mut();
            if list == "x" { graph.input.push(info) } else { graph.output.push(info) }
        }
        raise_opset(&mut model).unwrap();
        assert!(print(&model).contains(&format!("y = Clip(x, , 6{letter})")), "{}", print(&model));
    }
}

#[test]
fn new_names_stay_clear_of_old_ones() {
    let mut model = Graph::reading(&[2, 3, 4])
        .ints("y_axes", &[7])
        .node_with(
            "Squeeze",
            "x",
            "y",
            &[calibrant_onnx::proto::AttributeProto::ints("axes", &[0])],
        )
        .node_with("Softmax", "y", "z", &[int("axis", 0)])
        .output("z")
        .opset(9);
    raise_opset(&mut model).unwrap();
    expect![[r#"
        opset 13
        in x[2,3,4]
        y = Squeeze(x, [0]i64)
        z_shape = Shape(y)
        z_matrix = Flatten(y) axis=0
        z_rows = Softmax(z_matrix) axis=-1
        z = Reshape(z_rows, z_shape)
        out z[]
    "#]]
    .assert_eq(&print(&model));
}
