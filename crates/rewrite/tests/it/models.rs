//! The networks of the fixtures, from end to end.

use std::collections::BTreeMap;
use std::path::Path;

use calibrant_format::Numbers;
use calibrant_onnx::{Model, Topology};
use calibrant_rewrite::{Outcome, QuantizeOptions, quantize};
use expect_test::expect;

use crate::graphs::counted_ranges;

/// Half a step, plus what the division and the product in f32 may add at 127 steps.
const HALF_STEP: f64 = 0.5 + 127.0 * 2.0 * f32::EPSILON as f64;

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

/// One line a model: what became of it.
#[test]
fn every_network_is_quantized_and_stays_valid() {
    let mut lines = String::new();
    for name in MODELS {
        let model = read(name);
        let options = QuantizeOptions::all(Numbers::INT8);
        let (quantized, summary) =
            quantize(&model, &counted_ranges(&model, &options), &options).unwrap();
        calibrant_onnx::validate(&quantized).unwrap();
        let mut operators: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
        for node in &summary.nodes {
            let place = usize::from(matches!(node.outcome, Outcome::Float { .. }));
            operators.entry(&node.op_type).or_default()[place] += 1;
        }
        let taken = operators.iter().filter(|(_, [taken, _])| *taken > 0);
        let taken: Vec<String> =
            taken.map(|(op, [taken, left])| format!("{op} {taken}/{}", taken + left)).collect();
        lines += &format!(
            "{name}: opset {} -> {}, {} dimensions, {} constants, {} batch norms, {} activations, {}\n",
            summary.preparation.opset.before,
            summary.preparation.opset.after,
            summary.preparation.dimensions_renamed.len(),
            summary.preparation.constants_folded.len(),
            summary.preparation.batch_norms_folded.len(),
            summary.activations.len(),
            taken.join(" "),
        );
    }
    expect![[r#"
        fashion_cnn: opset 17 -> 17, 0 dimensions, 0 constants, 0 batch norms, 13 activations, Add 3/3 Conv 13/13
        fashion_cnn_bn: opset 17 -> 17, 0 dimensions, 0 constants, 13 batch norms, 13 activations, Add 3/3 Conv 13/13
        fashion_cnn_gray: opset 17 -> 17, 0 dimensions, 0 constants, 0 batch norms, 13 activations, Add 3/3 Conv 13/13
        ppocr_cls: opset 11 -> 13, 4 dimensions, 18 constants, 35 batch norms, 39 activations, Add 6/44 Conv 39/53
        ppocrv4_det: opset 12 -> 13, 0 dimensions, 0 constants, 3 batch norms, 55 activations, Concat 1/1 Conv 52/62 ConvTranspose 1/2
        squeezenet11_bgr: opset 17 -> 17, 0 dimensions, 0 constants, 0 batch norms, 34 activations, Concat 8/8 Conv 26/26
    "#]].assert_eq(&lines);
}

/// Every weight in int8 lies within half a step of the float weight that it stands for.
#[test]
fn no_weight_is_off_by_more_than_half_a_step() {
    for name in ["fashion_cnn", "squeezenet11_bgr"] {
        let model = read(name);
        let options = QuantizeOptions::all(Numbers::INT8);
        let (quantized, _) = quantize(&model, &counted_ranges(&model, &options), &options).unwrap();
        let topology = Topology::new(quantized.graph()).unwrap();
        let original = Topology::new(model.graph()).unwrap();
        let mut checked = 0;
        for node in quantized.graph().node.iter().filter(|node| node.is("DequantizeLinear")) {
            let Some(steps) = topology.constant(&node.input[0]) else { continue };
            let weight =
                original.constant(node.input[0].strip_suffix("_quantized").unwrap()).unwrap();
            let scales = topology.constant(&node.input[1]).unwrap().to_f32().unwrap();
            assert_eq!(
                (steps.shape().unwrap(), node.attr_i("axis")),
                (weight.shape().unwrap(), Some(0))
            );
            let steps = steps.to_i64().unwrap();
            let filter = steps.len() / scales.len();
            for (index, (&value, &step)) in
                weight.to_f32().unwrap().iter().zip(steps.iter()).enumerate()
            {
                let scale = f64::from(scales[index / filter]);
                let error = (f64::from(value) - step as f64 * scale).abs();
                assert!(
                    error <= HALF_STEP * scale,
                    "{}: {value} became {step} x {scale}",
                    node.input[0]
                );
            }
            checked += 1;
        }
        assert!(checked > 10, "{name}: only {checked} weights in int8");
    }
}

/// The summary goes into a report, and the model through a file.
#[test]
fn the_summary_is_json_and_the_same_every_time() {
    let model = read("ppocr_cls");
    let options = QuantizeOptions::all(Numbers::INT8);
    let ranges = counted_ranges(&model, &options);
    let (first, summary) = quantize(&model, &ranges, &options).unwrap();
    let (second, _) = quantize(&model, &ranges, &options).unwrap();
    assert_eq!(first.to_bytes().unwrap(), second.to_bytes().unwrap());
    let json = serde_json::to_value(&summary).unwrap();
    expect![[r#"
        {
          "name": "Conv@0",
          "op_type": "Conv",
          "outcome": {
            "quantized": {
              "inputs": [
                {
                  "activation": {
                    "format": "int8",
                    "scale": 0.007874015718698502,
                    "tensor": "x"
                  }
                },
                {
                  "weight": {
                    "axis": 0,
                    "channels": 8,
                    "format": "int8",
                    "largest_scale": 0.008096992038190365,
                    "smallest_scale": 0.0025184606201946735,
                    "tensor": "conv1_weights_bn_folded"
                  }
                }
              ]
            }
          },
          "outputs": [
            "batch_norm_0.tmp_2"
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&json["nodes"][0]).unwrap());
    expect![[r#"
        {
          "name": "Div@0",
          "op_type": "Div",
          "outcome": {
            "float": {
              "reason": "elementwise: TensorRT fuses it with its neighbours"
            }
          },
          "outputs": [
            "hardswish_0.tmp_0"
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&json["nodes"][4]).unwrap());
}
