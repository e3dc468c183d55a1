//! The networks of the fixtures.

use std::collections::BTreeMap;
use std::path::Path;

use calibrant_cast::{CastOptions, FloatType, IoPrecision, KeptReason, ScalePrecision};
use calibrant_format::Numbers;
use calibrant_onnx::{DataType, Model};
use calibrant_rewrite::{QuantizeOptions, quantize};
use expect_test::expect;

use crate::graphs::counted_ranges;
use crate::{cast_with, kept};

const MODELS: [&str; 6] = [
    "fashion_cnn",
    "fashion_cnn_bn",
    "fashion_cnn_gray",
    "ppocr_cls",
    "ppocrv4_det",
    "squeezenet11_bgr",
];

fn read(name: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models");
    Model::read(&folder.join(format!("{name}.onnx"))).unwrap()
}

/// One line a model and type: opset, nodes in half and in float32, Casts.
#[test]
fn every_network_is_cast_and_stays_valid() {
    let mut lines = String::new();
    for name in MODELS {
        let model = read(name);
        for precision in [FloatType::Fp16, FloatType::Bf16] {
            let (result, summary) = cast_with(&model, None, &CastOptions::to(precision));
            let in_float32 = kept(&summary).lines().count();
            let before = model.to_bytes().unwrap().len() as f64;
            lines += &format!(
                "{name} {precision}: opset {} -> {}, {} of {} nodes, {} constants, {} casts, {:.2} of the bytes\n",
                summary.preparation.opset.before,
                summary.preparation.opset.after,
                summary.nodes.len() - in_float32,
                summary.nodes.len(),
                summary.constants_cast,
                summary.casts_added,
                result.to_bytes().unwrap().len() as f64 / before,
            );
        }
    }
    expect![[r#"
        fashion_cnn float16: opset 17 -> 17, 30 of 30 nodes, 36 constants, 2 casts, 0.51 of the bytes
        fashion_cnn bfloat16: opset 17 -> 22, 30 of 30 nodes, 36 constants, 2 casts, 0.51 of the bytes
        fashion_cnn_bn float16: opset 17 -> 17, 30 of 30 nodes, 36 constants, 2 casts, 0.49 of the bytes
        fashion_cnn_bn bfloat16: opset 17 -> 22, 30 of 30 nodes, 36 constants, 2 casts, 0.49 of the bytes
        fashion_cnn_gray float16: opset 17 -> 17, 30 of 30 nodes, 36 constants, 2 casts, 0.51 of the bytes
        fashion_cnn_gray bfloat16: opset 17 -> 22, 30 of 30 nodes, 36 constants, 2 casts, 0.51 of the bytes
        ppocr_cls float16: opset 11 -> 13, 199 of 199 nodes, 180 constants, 2 casts, 0.49 of the bytes
        ppocr_cls bfloat16: opset 11 -> 22, 199 of 199 nodes, 180 constants, 2 casts, 0.49 of the bytes
        ppocrv4_det float16: opset 12 -> 13, 326 of 326 nodes, 320 constants, 2 casts, 0.51 of the bytes
        ppocrv4_det bfloat16: opset 12 -> 22, 321 of 326 nodes, 316 constants, 2 casts, 0.51 of the bytes
        squeezenet11_bgr float16: opset 17 -> 17, 64 of 64 nodes, 52 constants, 2 casts, 0.50 of the bytes
        squeezenet11_bgr bfloat16: opset 17 -> 22, 64 of 64 nodes, 52 constants, 2 casts, 0.50 of the bytes
    "#]].assert_eq(&lines);
}

#[test]
fn what_the_model_gives_and_takes_can_be_half_as_well() {
    let options = CastOptions { io: IoPrecision::Model, ..CastOptions::to(FloatType::Fp16) };
    for name in MODELS {
        let (result, summary) = cast_with(&read(name), None, &options);
        assert_eq!((summary.casts_added, kept(&summary)), (0, String::new()), "{name}");
        for value in result.graph().input.iter().chain(&result.graph().output) {
            let dtype = value.tensor_type().unwrap().dtype;
            assert_eq!(dtype, Some(DataType::FLOAT16), "{name}: {}", value.label());
        }
    }
}

/// Casts the quantized network, and returns what became of the quantized operators.
fn quantized(name: &str, scales: ScalePrecision) -> BTreeMap<(String, FloatType), usize> {
    let model = read(name);
    let options = QuantizeOptions::all(Numbers::INT8);
    let (int8, _) = quantize(&model, &counted_ranges(&model, &options), &options).unwrap();
    let options = CastOptions { scales, ..CastOptions::to(FloatType::Fp16) };
    let (_, summary) = cast_with(&int8, None, &options);
    let mut counts = BTreeMap::new();
    for node in &summary.nodes {
        let is_concerned = node.op_type.ends_with("Linear") || node.op_type == "Conv";
        if is_concerned {
            *counts.entry((node.op_type.clone(), node.precision)).or_default() += 1;
        }
        if let Some(KeptReason::Scale { value, .. }) = node.kept {
            assert!(value < FloatType::Fp16.smallest_normal(), "{name}: {value}");
        }
    }
    counts
}

#[test]
fn quantized_networks_keep_their_scales() {
    let counts = quantized("fashion_cnn", ScalePrecision::Fp32);
    let expected = [("Conv", 13), ("DequantizeLinear", 26), ("QuantizeLinear", 13)];
    let expected = expected.map(|(op, count)| ((op.to_owned(), FloatType::Fp32), count));
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn quantized_networks_have_half_scales_on_request() {
    let counts = quantized("fashion_cnn", ScalePrecision::Model);
    let expected = [("Conv", 13), ("DequantizeLinear", 26), ("QuantizeLinear", 13)];
    let expected = expected.map(|(op, count)| ((op.to_owned(), FloatType::Fp16), count));
    assert_eq!(counts, BTreeMap::from(expected));
    // Some weights have channels of next to nothing, whose scales would lose their digits.
    assert_eq!(
        quantized("ppocrv4_det", ScalePrecision::Model)[&("Conv".to_owned(), FloatType::Fp32)],
        9
    );
}
