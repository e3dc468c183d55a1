//! Quantized models: scales, and what reads int8.

use calibrant_cast::{CastOptions, FloatType, ScalePrecision};
use calibrant_onnx::Model;
use calibrant_onnx::proto::TensorProto;
use expect_test::expect;

use crate::graphs::{Graph, int};
use crate::printer::print;
use crate::{cast_with, kept, ranges};

/// A quantized product with an activation behind it, between two that are not quantized.
fn mixed(scale: f32, opset: i64) -> Model {
    Graph::reading(&[4, 4])
        .weight("w", &[4, 4])
        .floats("s", &[], &[scale])
        .constant(TensorProto::from_i8("z", &[], &[0]))
        .constant(TensorProto::from_i8("w8", &[4, 4], &[1; 16]))
        .floats("ws", &[4], &[0.25; 4])
        .constant(TensorProto::from_i8("wz", &[4], &[0; 4]))
        .floats("bias", &[4], &[1.0; 4])
        .node("MatMul", "x w", "a")
        .node("QuantizeLinear", "a s z", "a8")
        .node("DequantizeLinear", "a8 s z", "a_")
        .node_with("DequantizeLinear", "w8 ws wz", "w_", &[int("axis", 1)])
        .node("Gemm", "a_ w_ bias", "b")
        .node("Relu", "b", "r")
        .node("MatMul", "r w", "y")
        .output("y")
        .opset(opset)
}

fn options(scales: ScalePrecision, precision: FloatType) -> CastOptions {
    CastOptions { scales, ..CastOptions::to(precision) }
}

/// The activation stays with the node that it is fused into, and the Cast comes behind both.
#[test]
fn with_float32_scales_what_reads_int8_is_float32() {
    let (result, summary) =
        cast_with(&mixed(0.5, 17), None, &options(ScalePrecision::Fp32, FloatType::Fp16));
    expect![[r#"
        QuantizeLinear.a8: its scale is float32
        DequantizeLinear.a_: its scale is float32
        DequantizeLinear.w_: its scale is float32
        Gemm.b: shares int8 tensors with DequantizeLinear "DequantizeLinear.a_" (#2), which is float32
        Relu.r: its neighbours are float32, and Casts around it would cost more
    "#]].assert_eq(&kept(&summary));
    expect![[r#"
        opset 17
        in x[4,4]
        x_fp16 = Cast(x) to=10
        a = MatMul(x_fp16, w:h[4, 4])
        a_fp32 = Cast(a) to=1
        a8 = QuantizeLinear(a_fp32, 0.5, 0i8)
        a_ = DequantizeLinear(a8, 0.5, 0i8)
        w_ = DequantizeLinear(w8:i8[4, 4], [0.25 0.25 0.25 0.25], [0 0 0 0]i8) axis=1
        b = Gemm(a_, w_, [1 1 1 1])
        r = Relu(b)
        r_fp16 = Cast(r) to=10
        y_fp16 = MatMul(r_fp16, w:h[4, 4])
        y = Cast(y_fp16) to=1
        out y[]
    "#]]
    .assert_eq(&print(&result));
    let (newer, _) =
        cast_with(&mixed(0.5, 21), None, &options(ScalePrecision::Fp32, FloatType::Fp16));
    assert_eq!(newer.graph().node, result.graph().node, "the opset makes no difference");
}

#[test]
fn half_scales_leave_no_float32() {
    for precision in [FloatType::Fp16, FloatType::Bf16] {
        let (result, summary) =
            cast_with(&mixed(0.5, 17), None, &options(ScalePrecision::Model, precision));
        assert_eq!(kept(&summary), "");
        let opset = if precision == FloatType::Fp16 { 19 } else { 22 };
        assert_eq!((result.opset(), summary.casts_added), (Some(opset), 2));
    }
}

#[test]
fn scales_that_cannot_be_written_stay() {
    for scale in [1e-5, 1e-9, 7e4] {
        let (_, summary) =
            cast_with(&mixed(scale, 17), None, &options(ScalePrecision::Model, FloatType::Fp16));
        let reason = format!("the scale {scale:e} in \"s\" cannot be written in the type");
        assert!(kept(&summary).contains(&reason), "{}", kept(&summary));
    }
    let (_, summary) =
        cast_with(&mixed(1e-5, 17), None, &options(ScalePrecision::Model, FloatType::Fp16));
    expect![[r#"
        QuantizeLinear.a8: the scale 1e-5 in "s" cannot be written in the type
        DequantizeLinear.a_: the scale 1e-5 in "s" cannot be written in the type
        DequantizeLinear.w_: shares int8 tensors with Gemm "Gemm.b" (#4), which is float32
        Gemm.b: shares int8 tensors with DequantizeLinear "DequantizeLinear.a_" (#2), which is float32
        Relu.r: its neighbours are float32, and Casts around it would cost more
    "#]].assert_eq(&kept(&summary));
}

/// 127 steps of a scale are a range that needs no calibration.
#[test]
fn a_scale_tells_what_dequantized_values_reach() {
    let given = ranges(&[
        ("x", 0.0, 1.0),
        ("a", 0.0, 6e4),
        ("b", 0.0, 1.0),
        ("r", 0.0, 1.0),
        ("y", 0.0, 1.0),
    ]);
    let (_, summary) = cast_with(
        &mixed(600.0, 19),
        Some(&given),
        &options(ScalePrecision::Model, FloatType::Fp16),
    );
    expect![[""]].assert_eq(&kept(&summary));
}

#[test]
fn a_node_that_is_kept_takes_its_pairs_along() {
    let keep = CastOptions {
        keep_nodes: vec!["b".to_owned()],
        ..options(ScalePrecision::Model, FloatType::Fp16)
    };
    expect![[r#"
        QuantizeLinear.a8: shares int8 tensors with DequantizeLinear "DequantizeLinear.a_" (#2), which is float32
        DequantizeLinear.a_: shares int8 tensors with Gemm "Gemm.b" (#4), which is float32
        DequantizeLinear.w_: shares int8 tensors with Gemm "Gemm.b" (#4), which is float32
        Gemm.b: kept by the name pattern `b`
        Relu.r: its neighbours are float32, and Casts around it would cost more
    "#]].assert_eq(&kept(&cast_with(&mixed(0.5, 17), None, &keep).1));
}
