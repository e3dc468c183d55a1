//! Formats other than int8, and schemes that have several.

use std::num::NonZeroU32;

use calibrant_format::{
    FP8_E4M3FN, Format, Granularity, Grid, INT8, Numbers, OnnxType, Operators, Rule, Scheme,
};
use calibrant_onnx::{DataType, Model, validate};
use calibrant_rewrite::{Outcome, QuantizeOptions, SmallLayers, quantize};
use expect_test::expect;

use crate::graphs::{Graph, counted_ranges, int, outcomes, ranges};
use crate::printer::print;

/// A format that nobody but this test knows.
const INT4: Format = Format {
    name: "int4",
    grid: Grid::integers(7),
    bits: 4,
    onnx: OnnxType { code: 22, first_opset: 21 },
    weights: &[blocks(2), blocks(4)],
    ..INT8
};

fn every_layer(numbers: Numbers) -> QuantizeOptions {
    QuantizeOptions { small_layers: SmallLayers::Quantize, ..QuantizeOptions::all(numbers) }
}

const fn blocks(size: u32) -> Granularity {
    Granularity::Block(NonZeroU32::new(size).unwrap())
}

#[test]
fn fp8_is_a_zero_point_an_opset_and_codes() {
    let model = Graph::reading(&[1, 1, 2, 2])
        .floats("w", &[2, 1, 1, 1], &[-1.0, 448.0])
        .node("Conv", "x w", "y")
        .output("y")
        .model();
    let (quantized, summary) =
        quantize(&model, &ranges(&[("x", 448.0)]), &every_layer(Numbers::FP8)).unwrap();
    validate(&quantized).unwrap();
    expect![[r#"
        opset 19
        in x[1,1,2,2]
        x_quantized = QuantizeLinear(x, 1, 00float8e4m3fn)
        x_dequantized = DequantizeLinear(x_quantized, 1, 00float8e4m3fn)
        w_dequantized = DequantizeLinear([fe 7e]float8e4m3fn, [0.002232143 1], [00 00]float8e4m3fn) axis=0
        y = Conv(x_dequantized, w_dequantized)
        out y[]
    "#]]
    .assert_eq(&print(&quantized));
    assert_eq!((summary.preparation.opset.before, summary.preparation.opset.after), (17, 19));
    assert_eq!(summary.activations[0].format, "fp8");
}

#[test]
fn fp8_kernels_want_wide_layers() {
    let conv = |filters: &[usize], inputs: usize, group: i64| {
        let model = Graph::reading(&[1, inputs, 8, 8])
            .input("z", &[1, 32, 8, 8])
            .weight("v", filters)
            .weight("w", &[32, 32, 1, 1])
            .node_with("Conv", "x v", "y", &[int("group", group)])
            .node("Conv", "z w", "kept")
            .output("y")
            .output("kept")
            .model();
        let options = QuantizeOptions::all(Numbers::FP8);
        let found =
            outcomes(&quantize(&model, &counted_ranges(&model, &options), &options).unwrap().1);
        found.lines().find(|line| line.starts_with("Conv.y")).unwrap().to_owned()
    };
    let quantized = "Conv.y: x x ";
    assert!(conv(&[32, 32, 3, 3], 32, 1).starts_with(quantized));
    assert!(conv(&[64, 32, 1, 1], 64, 2).starts_with(quantized));
    for (filters, inputs, group, reason) in [
        (&[8, 3, 3, 3], 3, 1, "too few channels to gain from fp8: 3 in, 8 out"),
        (&[16, 32, 1, 1], 32, 1, "too few channels to gain from fp8: 32 in, 16 out"),
        (&[32, 1, 3, 3], 32, 32, "too few channels to gain from fp8: 32 in, 32 out"),
        (&[32, 32, 7, 7], 32, 1, "too large a window for kernels in fp8: 49 elements"),
    ] {
        assert_eq!(conv(filters, inputs, group), format!("Conv.y: float: {reason}"));
    }
}

#[test]
fn weights_alone_need_no_range() {
    let model = Graph::reading(&[2, 4])
        .floats("w", &[4, 2], &[1.0, -7.0, 0.0, 3.5, 0.5, 14.0, 0.25, -1.0])
        .input("t", &[2, 2])
        .node("MatMul", "x w", "a")
        .node("MatMul", "a t", "b")
        .weight("k", &[2, 1])
        .node("Gemm", "b k", "y")
        .output("y")
        .model();
    let options = every_layer(Numbers::weights(INT4, blocks(2)));
    let (quantized, summary) = quantize(&model, &ranges(&[]), &options).unwrap();
    validate(&quantized).unwrap();
    expect![[r#"
        opset 21
        in x[2,4]
        in t[2,2]
        w_dequantized = DequantizeLinear(w_quantized:int4[4, 2], [0.14285715 1 0.071428575 2], [00 00]int4) axis=0 block_size=2
        a = MatMul(x, w_dequantized)
        b = MatMul(a, t)
        k_dequantized = DequantizeLinear([09]int4, [0.14285715], [00]int4) axis=0 block_size=2
        y = Gemm(b, k_dequantized)
        out y[]
    "#]]
    .assert_eq(&print(&quantized));
    expect![[r#"
        MatMul.a: w axis Some(0) of 4
        MatMul.b: float: it multiplies activations, which stay in float
        Gemm.y: k axis Some(0) of 1
    "#]]
    .assert_eq(&outcomes(&summary));
    assert!(summary.activations.is_empty());
}

#[test]
fn convolutions_have_no_blocks() {
    let model = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .weight("v", &[8, 8])
        .node("Conv", "x w", "a")
        .node("MatMul", "a v", "y")
        .output("y")
        .model();
    let options = every_layer(Numbers::weights(INT4, blocks(4)));
    let (_, summary) = quantize(&model, &ranges(&[]), &options).unwrap();
    expect![[r#"
        Conv.a: float: its weights are no matrix that could be cut into blocks
        MatMul.y: v axis Some(0) of 16
    "#]]
    .assert_eq(&outcomes(&summary));
}

#[test]
fn scales_that_a_format_does_not_have_are_refused() {
    let model =
        Graph::reading(&[1, 8]).weight("v", &[8, 8]).node("MatMul", "x v", "y").output("y").model();
    let options = every_layer(Numbers::weights(INT4, blocks(3)));
    let error = quantize(&model, &ranges(&[]), &options).unwrap_err().to_string();
    expect!["weights in int4 have no scale for a block of 3, only for a block of 2, a block of 4"]
        .assert_eq(&error);
    let options = every_layer(Numbers::weights(INT8, blocks(2)));
    let error = quantize(&model, &ranges(&[]), &options).unwrap_err().to_string();
    expect!["weights in int8 have no scale for a block of 2, only for a tensor, a channel"]
        .assert_eq(&error);
}

#[test]
fn several_formats_have_a_pair_each() {
    let model = Graph::reading(&[2, 16])
        .weight("v", &[16, 16])
        .weight("w", &[16, 16])
        .node("MatMul", "x v", "a")
        .node("MatMul", "x w", "b")
        .node("MatMul", "x w", "c")
        .output("a")
        .output("b")
        .output("c")
        .model();
    let named = |name: &str| Operators::Named(name.to_owned());
    let scheme = Scheme {
        rules: vec![Rule { operators: named("a"), numbers: Numbers::FP8 }],
        rest: Numbers::INT8,
    };
    let options =
        QuantizeOptions { scheme: scheme.except(named("c")), small_layers: SmallLayers::Quantize };
    let (quantized, summary) = quantize(&model, &ranges(&[("x", 448.0)]), &options).unwrap();
    validate(&quantized).unwrap();
    let scales: Vec<_> = summary.activations.iter().map(|it| (it.format, it.scale)).collect();
    assert_eq!(scales, [("fp8", 1.0), ("int8", 448.0 / 127.0)]);
    let types = |model: &Model| {
        let tensors = model.graph().initializer.iter().map(|tensor| tensor.dtype().unwrap());
        tensors.filter(|dtype| *dtype != DataType::FLOAT).collect::<Vec<_>>()
    };
    use DataType::{FLOAT8E4M3FN, INT8};
    assert_eq!(types(&quantized), [FLOAT8E4M3FN, FLOAT8E4M3FN, FLOAT8E4M3FN, INT8, INT8, INT8]);
    let quantized = summary.nodes.iter().map(|it| matches!(it.outcome, Outcome::Quantized { .. }));
    assert_eq!(quantized.collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(FP8_E4M3FN.onnx.first_opset, summary.preparation.opset.after);
}

#[test]
fn an_add_joins_what_computes_in_its_format_alone() {
    let model = Graph::reading(&[1, 32, 4, 4])
        .weight("v", &[32, 32, 1, 1])
        .weight("w", &[32, 32, 1, 1])
        .node("Conv", "x v", "branch")
        .node("Add", "branch x", "sum")
        .node("Conv", "sum w", "y")
        .output("y")
        .model();
    let add = |numbers| {
        let rule = Rule { operators: Operators::OfType("Add".to_owned()), numbers };
        let scheme = Scheme { rules: vec![rule], rest: Numbers::FP8 };
        let options = QuantizeOptions { scheme, small_layers: SmallLayers::Float };
        let (_, summary) =
            quantize(&model, &ranges(&[("x", 1.0), ("sum", 1.0)]), &options).unwrap();
        outcomes(&summary).lines().find(|line| line.starts_with("Add")).unwrap().to_owned()
    };
    assert!(add(Numbers::FP8).starts_with("Add.sum: x x "));
    assert!(add(Numbers::INT8).starts_with("Add.sum: float: neither summand"));
}
