//! Models and ranges that are refused, and what the user is told.

use calibrant_format::{Numbers, Operators, Scheme};
use calibrant_prepare::raise_opset;
use calibrant_rewrite::{QuantizeOptions, already_quantized, quantize};
use expect_test::{Expect, expect};

use crate::graphs::{self, Graph, everything, int};

fn conv() -> Graph {
    Graph::reading(&[1, 2, 8, 8]).weight("w", &[2, 2, 1, 1]).node("Conv", "x w", "y").output("y")
}

fn refused(graph: Graph, ranges: &[(&str, f32)], options: &QuantizeOptions, expected: Expect) {
    let ranges = graphs::ranges(ranges);
    expected.assert_eq(&quantize(&graph.model(), &ranges, options).unwrap_err().to_string());
}

#[test]
fn a_quantized_model() {
    let graph = conv().node("QuantizeLinear", "y w", "q").node("DequantizeLinear", "q w", "d");
    refused(
        graph,
        &[("x", 1.0)],
        &everything(),
        expect![[
            r#"the model is quantized already: it has 1 QuantizeLinear nodes, the first of them QuantizeLinear "QuantizeLinear.q" (#1); give the float32 model that it was made from"#
        ]],
    );
    assert_eq!(already_quantized(&conv().model()), None);
}

#[test]
fn what_quantize_made_is_recognised() {
    let (model, _) =
        quantize(&conv().model(), &graphs::ranges(&[("x", 1.0)]), &everything()).unwrap();
    expect![[
        r#"it has 1 QuantizeLinear nodes, the first of them QuantizeLinear "x_QuantizeLinear" (#0)"#
    ]]
    .assert_eq(&already_quantized(&model).unwrap());
}

#[test]
fn ranges_of_another_model() {
    let graph = conv().weight("v", &[2, 2, 1, 1]).node("Conv", "y v", "z").output("z");
    refused(
        graph,
        &[("unrelated", 1.0)],
        &everything(),
        expect![[
            r#"none of the 1 ranges is of a tensor that could be quantized, as "x", "y" could; they belong to another model"#
        ]],
    );
}

#[test]
fn a_weight_that_is_no_number() {
    let graph = Graph::reading(&[1, 1, 2, 2])
        .floats("w", &[2, 1, 1, 1], &[1.0, f32::NAN])
        .node("Conv", "x w", "y")
        .output("y");
    refused(
        graph,
        &[("x", 1.0)],
        &everything(),
        expect![[r#"weight "w" of Conv "Conv.y" (#0) holds NaN at 1"#]],
    );
}

#[test]
fn an_exclusion_that_meets_nothing() {
    let scheme = Scheme::all(Numbers::INT8).except(Operators::Named("Conv.why".to_owned()));
    let options = QuantizeOptions { scheme, ..everything() };
    refused(
        conv(),
        &[("x", 1.0)],
        &options,
        expect![
            "no node and no tensor is called `Conv.why`, so there is nothing to make an exception of"
        ],
    );
}

#[test]
fn nothing_to_quantize() {
    refused(
        conv(),
        &[("x", 1.0)],
        &QuantizeOptions::all(Numbers::INT8),
        expect![[
            r#"nothing to quantize: Conv "Conv.y" (#0): too few channels to gain from int8: 2 in, 2 out"#
        ]],
    );
    let graph = Graph::reading(&[2]).node("Relu", "x", "y").output("y");
    refused(
        graph,
        &[],
        &everything(),
        expect!["nothing to quantize: the model has no Conv, ConvTranspose, Gemm or MatMul"],
    );
}

fn not_raised(graph: Graph, opset: i64, expected: Expect) {
    expected.assert_eq(&raise_opset(&mut graph.opset(opset)).unwrap_err().to_string());
}

#[test]
fn opsets_out_of_range() {
    not_raised(conv(), 6, expect!["the model uses opset 6; opsets 7 to 25 are understood"]);
    not_raised(conv(), 26, expect!["the model uses opset 26; opsets 7 to 25 are understood"]);
    let mut model = conv().model();
    model.proto.opset_import.clear();
    expect!["the model does not say which opset it uses; opsets 7 to 25 are understood"]
        .assert_eq(&raise_opset(&mut model).unwrap_err().to_string());
}

#[test]
fn operators_that_cannot_be_raised_exactly() {
    let x = || Graph::reading(&[1, 2, 4, 4]);
    not_raised(
        x().node("Affine", "x", "y").output("y"),
        9,
        expect![[
            r#"Affine "Affine.y" (#0) cannot be raised from opset 9 to 13: the operator is not one of ONNX's in that opset; export the model with opset 13 or later"#
        ]],
    );
    not_raised(
        x().node("Scan", "x", "y").output("y"),
        8,
        expect![[
            r#"Scan "Scan.y" (#0) cannot be raised from opset 8 to 13: the operator was defined anew since; export the model with opset 13 or later"#
        ]],
    );
    let mask = x().node_with("Dropout", "x", "y mask", &[]).output("y").output("mask");
    not_raised(
        mask,
        11,
        expect![[
            r#"Dropout "Dropout.y" (#0) cannot be raised from opset 11 to 13: its output `mask` is used; export the model with opset 13 or later"#
        ]],
    );
    let batch_norm =
        x().node_with("BatchNormalization", "x s b m v", "y", &[int("spatial", 0)]).output("y");
    not_raised(
        batch_norm,
        8,
        expect![[
            r#"BatchNormalization "BatchNormalization.y" (#0) cannot be raised from opset 8 to 13: its attribute `spatial` is 0, which has no counterpart; export the model with opset 13 or later"#
        ]],
    );
    let both_ways = x()
        .floats("scales", &[4], &[1.0, 1.0, 2.0, 0.5])
        .node("Resize", "x scales", "y")
        .output("y");
    not_raised(
        both_ways,
        10,
        expect![[
            r#"Resize "Resize.y" (#0) cannot be raised from opset 10 to 13: its attribute `scales` is [1.0, 1.0, 2.0, 0.5], which has no counterpart; export the model with opset 13 or later"#
        ]],
    );
    let computed = x().input("scales", &[4]).node("Upsample", "x scales", "y").output("y");
    not_raised(
        computed,
        9,
        expect![[
            r#"Upsample "Upsample.y" (#0) cannot be raised from opset 9 to 13: its input `scales` is computed while the model runs; export the model with opset 13 or later"#
        ]],
    );
    let no_pads = x().node("Pad", "x", "y").output("y");
    not_raised(
        no_pads,
        10,
        expect![[
            r#"Pad "Pad.y" (#0) cannot be raised from opset 10 to 13: it lacks the attribute `pads`; export the model with opset 13 or later"#
        ]],
    );
    let indices = x().node("OneHot", "x d v", "y").output("y");
    not_raised(
        indices,
        9,
        expect![[
            r#"OneHot "OneHot.y" (#0) cannot be raised from opset 9 to 13: its input `indices` is computed while the model runs; export the model with opset 13 or later"#
        ]],
    );
}

#[test]
fn more_groups_than_can_be_counted_are_many_channels() {
    for op in ["Conv", "ConvTranspose"] {
        let graph = Graph::reading(&[1, 3, 8, 8])
            .weight("w", &[3, 3, 1, 1])
            .node_with(op, "x w", "y", &[int("group", i64::MAX)])
            .output("y");
        let ranges = graphs::ranges(&[("x", 1.0)]);
        let written = quantize(&graph.model(), &ranges, &QuantizeOptions::all(Numbers::INT8));
        assert!(written.is_ok_and(|(model, _)| model.graph().node.len() > 1), "{op}");
    }
}
