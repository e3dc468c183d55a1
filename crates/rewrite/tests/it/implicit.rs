//! From the scales of a cache to a Q/DQ model and back.

use std::collections::BTreeMap;
use std::path::Path;

use calibrant_calibration::{Algorithm, Cache};
use calibrant_format::{INT8, Numbers, Ranges};
use calibrant_onnx::proto::TensorProto;
use calibrant_onnx::{DataType, Model};
use calibrant_rewrite::{
    Note, QuantizeOptions, RewriteError, ScaleError, Summary, activation_scales, model_tensors,
    quantize,
};

use crate::graphs::{Graph, counted_ranges, everything, int, ranges};

fn read(name: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models");
    Model::read(&folder.join(format!("{name}.onnx"))).unwrap()
}

/// A scale for every activation of `model`, none of which is easy to write: all bits are in use.
fn hard_scales(model: &Model) -> BTreeMap<String, f32> {
    let (_, activations) = model_tensors(model).unwrap();
    let hard = |index: usize| {
        let mixed = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 41;
        f32::from_bits(0x3c00_0000 + u32::try_from(mixed).unwrap())
    };
    activations.into_iter().enumerate().map(|(index, name)| (name, hard(index))).collect()
}

fn quantize_to_scales(
    model: &Model,
    scales: &BTreeMap<String, f32>,
    options: &QuantizeOptions,
) -> Result<(Model, Summary), RewriteError> {
    quantize(model, &Ranges::of_scales(scales.clone(), &INT8), options)
}

fn bits(scales: impl IntoIterator<Item = (String, f32)>) -> BTreeMap<String, u32> {
    scales.into_iter().map(|(name, scale)| (name, scale.to_bits())).collect()
}

/// Invariant of both ways: what the model carries comes back to the last bit.
#[test]
fn scales_come_back_from_every_network() {
    for name in ["fashion_cnn", "fashion_cnn_bn", "ppocr_cls", "ppocrv4_det", "squeezenet11_bgr"] {
        let model = read(name);
        let given = hard_scales(&model);
        let text =
            Cache::new(8601, Algorithm::EntropyCalibration2, given.clone().into_iter().collect());
        let read: Cache = text.unwrap().to_string().parse().unwrap();
        let given = bits(read.entries().to_vec());
        let scales: BTreeMap<String, f32> = read.entries().iter().cloned().collect();
        let (quantized, summary) =
            quantize_to_scales(&model, &scales, &QuantizeOptions::all(Numbers::INT8)).unwrap();
        let found = activation_scales(&quantized).unwrap();
        assert_eq!(found.pairs.len(), summary.activations.len(), "{name}");
        assert!(found.others.is_empty(), "{name}");
        let stated = summary.activations.iter().map(|it| (it.tensor.clone(), it.scale));
        assert_eq!(bits(found.pairs.clone()), bits(stated), "{name}");
        let shared: BTreeMap<&String, &Vec<String>> = summary
            .notes
            .iter()
            .filter_map(|note| match note {
                Note::SharedScale { tensors, .. } => Some(tensors),
                _ => None,
            })
            .flat_map(|tensors| tensors.iter().map(move |tensor| (tensor, tensors)))
            .collect();
        for (tensor, scale) in &found.pairs {
            // The bits of positive floats order like the floats.
            let expected = match shared.get(tensor) {
                Some(tensors) => tensors.iter().map(|tensor| given[tensor]).max().unwrap(),
                None => given[tensor],
            };
            assert_eq!(scale.to_bits(), expected, "{name}: {tensor}");
        }
        // What came back is what goes in again, followers and all.
        let all = found.pairs.iter().chain(&found.followers).cloned();
        let again: BTreeMap<String, f32> = scales.clone().into_iter().chain(all).collect();
        let (quantized, _) =
            quantize_to_scales(&model, &again, &QuantizeOptions::all(Numbers::INT8)).unwrap();
        assert_eq!(activation_scales(&quantized).unwrap(), found, "{name}");
    }
}

#[test]
fn an_amax_does_not_reach_every_scale_and_the_pair_has_it_all_the_same() {
    let model = Graph::reading(&[1, 16, 8, 8])
        .weight("w", &[16, 16, 1, 1])
        .node("Conv", "x w", "y")
        .output("y")
        .model();
    let lost = |scale: f32| (scale * 127.0 / 127.0).to_bits() != scale.to_bits();
    let scale = (0x3c00_0000..).map(f32::from_bits).find(|&scale| lost(scale)).unwrap();
    let scales = BTreeMap::from([("x".to_owned(), scale)]);
    let (quantized, summary) = quantize_to_scales(&model, &scales, &everything()).unwrap();
    assert_eq!(summary.activations[0].scale.to_bits(), scale.to_bits());
    assert_eq!(activation_scales(&quantized).unwrap().pairs, [("x".to_owned(), scale)]);
}

#[test]
fn scales_that_are_none_count_as_missing_and_zeros_get_a_step() {
    let model = Graph::reading(&[1, 16, 8, 8])
        .weight("w", &[16, 16, 1, 1])
        .node("Conv", "x w", "y")
        .output("y")
        .model();
    for broken in [f32::INFINITY, f32::NAN, -1.0, f32::MAX] {
        let scales = BTreeMap::from([("x".to_owned(), broken)]);
        let error = quantize_to_scales(&model, &scales, &everything()).unwrap_err().to_string();
        assert!(error.starts_with("there is no range for \"x\""), "{error}");
    }
    let scales = BTreeMap::from([("x".to_owned(), 0.0)]);
    let (quantized, _) = quantize_to_scales(&model, &scales, &everything()).unwrap();
    assert_eq!(activation_scales(&quantized).unwrap().pairs, [("x".to_owned(), 1.0 / 127.0)]);
}

/// A graph with a pair of this scale and zero point around `x`, and whatever else it is given.
fn pair(scale: &[f32], zero_point: TensorProto) -> Graph {
    let shape: &[usize] = if scale.len() == 1 { &[] } else { &[scale.len()] };
    Graph::reading(&[1, 4])
        .floats("s", shape, scale)
        .constant(zero_point)
        .node("QuantizeLinear", "x s z", "x_q")
        .node("DequantizeLinear", "x_q s z", "x_dq")
}

#[test]
fn ranges_go_with_values_that_only_move() {
    // x -> pair -> Transpose -> Relu -> MaxPool -> pair -> graph output, and a Concat on the side.
    let model = pair(&[0.5], TensorProto::from_i8("z", &[], &[0]))
        .floats("t", &[], &[0.25])
        .node("Transpose", "x_dq", "turned")
        .node("Relu", "turned", "relu")
        .node("Reshape", "relu shape", "pooled")
        .ints("shape", &[4, 1])
        .node("QuantizeLinear", "pooled t z", "pooled_q")
        .node("DequantizeLinear", "pooled_q t z", "out")
        .node_with("Concat", "turned x_dq", "joined", &[int("axis", 0)])
        .node_with("Concat", "turned out", "mixed", &[int("axis", 0)])
        .output("out")
        .model();
    let found = activation_scales(&model).unwrap();
    let named = |pairs: &[(&str, f32)]| -> Vec<(String, f32)> {
        pairs.iter().map(|(name, scale)| ((*name).to_owned(), *scale)).collect()
    };
    assert_eq!(found.pairs, named(&[("x", 0.5), ("pooled", 0.25), ("out", 0.25)]));
    assert_eq!(found.followers, named(&[("joined", 0.5), ("relu", 0.25), ("turned", 0.5)]));
    assert_eq!(found.others, []);
}

#[test]
fn weights_are_left_out_and_int8_tensors_in_between_count() {
    let model = pair(&[0.5], TensorProto::from_i8("z", &[], &[0]))
        .weight("w", &[4, 4])
        .floats("ws", &[4], &[0.1, 0.2, 0.3, 0.4])
        .constant(TensorProto::from_i8("wz", &[4], &[0; 4]))
        .constant(TensorProto::from_i8("stored", &[4, 4], &[1; 16]))
        .node_with("QuantizeLinear", "w ws wz", "w_q", &[int("axis", 0)])
        .node_with("DequantizeLinear", "w_q ws wz", "w_dq", &[int("axis", 0)])
        .node_with("DequantizeLinear", "stored ws wz", "v_dq", &[int("axis", 0)])
        // A second pair around the first, and an int8 tensor that is moved before it is dequantized.
        .floats("wider", &[], &[0.75])
        .node("QuantizeLinear", "x_dq wider z", "again_q")
        .node("DequantizeLinear", "again_q wider z", "again")
        .node("Flatten", "x_q", "flat_q")
        .node("DequantizeLinear", "flat_q s z", "flat")
        .node("MatMul", "again w_dq", "y")
        .output("y")
        .model();
    let found = activation_scales(&model).unwrap();
    assert_eq!(found.pairs, [("x".to_owned(), 0.75), ("flat_q".to_owned(), 0.5)]);
    assert_eq!(found.others, [("x".to_owned(), 0.5)]);
}

#[test]
fn what_a_cache_cannot_say_is_refused_by_name() {
    let zero = || TensorProto::from_i8("z", &[], &[0]);
    let unsigned = TensorProto::from_u8("z", &[], &[0]);
    let without = Graph::reading(&[1, 4])
        .floats("s", &[], &[0.5])
        .node("QuantizeLinear", "x s", "x_q")
        .node("DequantizeLinear", "x_q s", "x_dq");
    let computed = Graph::reading(&[1, 4]).constant(zero()).node("ReduceMax", "x", "s").node(
        "QuantizeLinear",
        "x s z",
        "x_q",
    );
    for (graph, message) in [
        (
            pair(&[0.5], TensorProto::from_i8("z", &[], &[-3])),
            "tensor \"x\" is quantized with the zero point -3",
        ),
        (
            pair(&[0.5], TensorProto::from_u8("z", &[], &[128])),
            "tensor \"x\" is quantized with the zero point 128",
        ),
        (pair(&[0.5], unsigned), "tensor \"x\" is quantized to uint8"),
        (without, "tensor \"x\" is quantized to uint8"),
        (pair(&[0.5; 4], TensorProto::from_i8("z", &[4], &[0; 4])), "tensor \"x\" has 4 scales"),
        (pair(&[0.0], zero()), "the scale of tensor \"x\" is 0"),
        (pair(&[f32::NAN], zero()), "the scale of tensor \"x\" is NaN"),
        (computed, "the scale of tensor \"x\" is not a constant"),
    ] {
        let error = activation_scales(&graph.model()).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let plain = Graph::reading(&[1, 4]).node("Relu", "x", "y").output("y").model();
    assert!(matches!(activation_scales(&plain), Err(ScaleError::NoPairs)));
}

#[test]
fn without_a_zero_point_the_node_may_say_int8() {
    let int8 = [int("output_dtype", DataType::INT8 as i64)];
    let model = Graph::reading(&[1, 4])
        .floats("s", &[], &[0.5])
        .node_with("QuantizeLinear", "x s", "x_q", &int8)
        .node("DequantizeLinear", "x_q s", "x_dq")
        .output("x_dq")
        .opset(21);
    let found = activation_scales(&model).unwrap();
    assert_eq!(found.pairs, [("x".to_owned(), 0.5), ("x_dq".to_owned(), 0.5)]);
}

/// Every tensor that quantization asks for is an activation; shapes and weights are none.
#[test]
fn activations_are_the_float_tensors_that_are_computed() {
    for name in ["fashion_cnn_bn", "ppocr_cls", "squeezenet11_bgr"] {
        let model = read(name);
        let (names, activations) = model_tensors(&model).unwrap();
        assert!(activations.iter().all(|tensor| names.contains(tensor)), "{name}");
        let weights = model.graph().initializer.iter().map(|tensor| tensor.label());
        assert!(weights.into_iter().all(|weight| !activations.iter().any(|it| it == weight)));
        let needed = counted_ranges(&model, &QuantizeOptions::all(Numbers::INT8));
        assert!(needed.tensors().all(|it| activations.iter().any(|tensor| tensor == it)), "{name}");
        assert!(quantize(&model, &needed, &QuantizeOptions::all(Numbers::INT8)).is_ok());
    }
    let shapes = Graph::reading(&[1, 4])
        .node("Shape", "x", "shape")
        .node_with("Cast", "shape", "grid", &[int("to", DataType::FLOAT as i64)])
        .node("Sqrt", "grid", "steps")
        .node("Reshape", "x shape", "y")
        .output("y")
        .model();
    assert_eq!(model_tensors(&shapes).unwrap().1, ["x", "y"]);
    let truth = Graph::reading(&[4]).node("IsNaN", "x", "is_nan").node("Where", "is_nan x x", "y");
    assert_eq!(model_tensors(&truth.output("y").model()).unwrap().1, ["x", "y"]);
}

/// As TensorRT does with a calibration cache that lacks a tensor.
#[test]
fn what_has_no_range_stays_in_float_with_all_that_would_read_it() {
    let graph = Graph::reading(&[1, 2, 8, 8])
        .weight("v", &[2, 2, 1, 1])
        .weight("w", &[2, 2, 1, 1])
        .weight("u", &[2, 4, 1, 1])
        .node("Conv", "x v", "a")
        .node("Conv", "a w", "b")
        .node_with("Concat", "a b", "c", &[int("axis", 1)])
        .node("Conv", "c u", "y")
        .output("y");
    let ranges = ranges(&[("x", 1.0), ("b", 1.0), ("c", 1.0)]);
    let (_, summary) = quantize(&graph.model(), &ranges, &everything()).unwrap();
    let named = [("Conv.b", ["a".to_owned()]), ("Concat.c", ["a".to_owned()])];
    let found: Vec<_> = summary.without_ranges().collect();
    assert_eq!(found, named.each_ref().map(|(name, tensors)| (*name, &tensors[..])));
    let quantized: Vec<_> = summary.activations.iter().map(|it| it.tensor.as_str()).collect();
    assert_eq!(quantized, ["x", "c"]);
}
