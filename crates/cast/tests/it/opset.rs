//! The opset that bfloat16 needs; `fixtures/rewrite/check_cast.py` shows that each operator means the same in it.

use calibrant_cast::{CastError, CastOptions, FloatType, ScalePrecision, cast};
use calibrant_onnx::Model;
use calibrant_onnx::proto::AttributeProto;
use calibrant_prepare::{PrepareError, RaiseProblem};
use expect_test::expect;

use crate::graphs::{Graph, int};
use crate::printer::print;

/// Raises the opset alone: everything is kept in float32.
fn raised(model: &Model) -> Result<Model, CastError> {
    let keep_op_types = vec!["*".to_owned()];
    Ok(cast(model, None, &CastOptions { keep_op_types, ..CastOptions::to(FloatType::Bf16) })?.0)
}

/// `op` behind an operator that has bfloat16 since opset 22.
fn behind_sin(
    op: &str,
    inputs: &str,
    outputs: &str,
    attributes: &[AttributeProto],
    opset: i64,
) -> Model {
    let graph = Graph::reading(&[2, 8, 8, 8]).weight("w", &[8]).node("Sin", "x", "a");
    let graph = graph.node_with(op, inputs, outputs, attributes);
    graph.output(outputs.split(' ').next().unwrap()).opset(opset)
}

#[test]
fn operators_are_written_anew() {
    let text = |name: &str, value: &str| AttributeProto::string(name, value);
    let cases = [
        behind_sin("ReduceMean", "a", "y", &[AttributeProto::ints("axes", &[1, -1])], 13),
        behind_sin("ReduceMax", "a", "y", &[int("keepdims", 0)], 17),
        behind_sin("Split", "a", "y z", &[int("axis", 1)], 13),
        behind_sin("BatchNormalization", "a w w w w", "y", &[], 13),
        behind_sin("RoiAlign", "a rois at", "y", &[], 13),
        behind_sin("GridSample", "a w", "y", &[], 16),
        behind_sin("GridSample", "a w", "y", &[text("mode", "bicubic")], 16),
        behind_sin("GridSample", "a w", "y", &[text("mode", "nearest")], 16),
        behind_sin("DFT", "a", "y", &[int("axis", 2)], 17),
        behind_sin("GRU", "a w w", "y", &[int("hidden_size", 8)], 13),
    ];
    let mut text = String::new();
    for model in cases {
        let after = raised(&model).unwrap();
        assert_eq!((after.opset(), after.proto.ir_version), (Some(22), Some(10)));
        text += print(&after).lines().find(|line| line.starts_with('y')).unwrap();
        text.push('\n');
    }
    expect![[r#"
        y = ReduceMean(a, [1 -1]i64)
        y = ReduceMax(a) keepdims=0
        y, z = Split(a) axis=1 num_outputs=2
        y = BatchNormalization(a, w:[8], w:[8], w:[8], w:[8])
        y = RoiAlign(a, rois, at) coordinate_transformation_mode=output_half_pixel
        y = GridSample(a, w:[8]) mode=linear
        y = GridSample(a, w:[8]) mode=cubic
        y = GridSample(a, w:[8]) mode=nearest
        y = DFT(a, , 2i64)
        y = GRU(a, w:[8], w:[8]) hidden_size=8
    "#]]
    .assert_eq(&text);
}

#[test]
fn what_changed_its_meaning_is_refused() {
    let groups = behind_sin("GroupNormalization", "a w w", "y", &[int("num_groups", 2)], 18);
    let statistics = behind_sin("BatchNormalization", "a w w w w", "y mean", &[], 13);
    let mut functions = behind_sin("Relu", "a", "y", &[], 17);
    functions.proto.functions.push(Default::default());
    for (model, expected) in [
        (groups, RaiseProblem::DefinedAnew),
        (statistics, RaiseProblem::UsedOutput { output: "mean" }),
        (functions, RaiseProblem::Functions),
    ] {
        match raised(&model).unwrap_err() {
            CastError::Prepare(PrepareError::CannotRaise { to: 22, problem, .. }) => {
                assert_eq!(problem, expected);
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn the_opset_is_raised_for_a_type_alone() {
    let model = behind_sin("ReduceMean", "a", "y", &[AttributeProto::ints("axes", &[1])], 13);
    for (precision, expected) in
        [(FloatType::Fp16, 13), (FloatType::Fp32, 13), (FloatType::Bf16, 22)]
    {
        let options = CastOptions { scales: ScalePrecision::Model, ..CastOptions::to(precision) };
        assert_eq!(cast(&model, None, &options).unwrap().0.opset(), Some(expected), "{precision}");
    }
    let newer = behind_sin("Relu", "a", "y", &[], 24);
    assert_eq!(raised(&newer).unwrap().opset(), Some(24));
}
