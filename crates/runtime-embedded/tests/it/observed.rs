//! Which tensors get statistics, and that those which follow from others are what looking would have found.

use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, Dim};
use calibrant_tensor::{Tensor, TensorData};

use crate::support::{calibrate, floats, input, model, model_of, noise, noisy, sample};

fn axis(node: NodeProto, axis: i64) -> NodeProto {
    node.with_attr(AttributeProto::int("axis", axis))
}

#[test]
fn seen_are_floats_that_depend_on_the_values_of_inputs_and_are_read() {
    let nodes = vec![
        NodeProto::new("Shape", "", &["x"], &["shape"]),
        NodeProto::new("Cast", "", &["shape"], &["shape_f"])
            .with_attr(AttributeProto::int("to", 1)),
        NodeProto::new("Add", "", &["w", "w"], &["w2"]),
        NodeProto::new("Mul", "", &["x", "w2"], &["scaled"]),
        NodeProto::new("Add", "", &["scaled", "shape_f"], &["moved"]),
        NodeProto::new("Relu", "", &["moved"], &["unread"]),
        NodeProto::new("Greater", "", &["moved", "w"], &["above"]),
        NodeProto::new("Cast", "", &["above"], &["mask"]).with_attr(AttributeProto::int("to", 1)),
        axis(NodeProto::new("Gather", "", &["table", "ids"], &["rows"]), 0),
        NodeProto::new("Dropout", "", &["mask"], &["dropped", "unread_mask"]),
        axis(NodeProto::new("Concat", "", &["rows", "dropped"], &["y"]), -1),
    ];
    let weights = vec![
        TensorProto::from_f32("w", &[2], &[1.0, 2.0]),
        TensorProto::from_f32("table", &[3, 1], &[1.0, 2.0, 3.0]),
    ];
    let inputs = vec![
        input("x", DataType::FLOAT, &[Dim::Known(1), Dim::Known(2)]),
        input("ids", DataType::INT64, &[Dim::Known(1)]),
        input("unread_input", DataType::FLOAT, &[Dim::Known(1)]),
    ];
    let ids = Tensor::new(vec![1], TensorData::I64(vec![2])).unwrap();
    let x = floats(&[1, 2], vec![1.0, -1.0]);
    let unread = floats(&[1], vec![1.0]);
    let sample = sample(0, vec![("x", x), ("ids", ids), ("unread_input", unread)]);
    let seen = calibrate(&model_of(inputs, nodes, weights, 17), &[sample]).unwrap();
    let seen: Vec<&str> = seen.tensors.keys().map(String::as_str).collect();
    assert_eq!(seen, ["dropped", "mask", "moved", "rows", "scaled", "x", "y"]);
}

#[test]
fn masks_of_infinities_are_not_seen_but_what_comes_of_them_is() {
    let nodes = vec![
        NodeProto::new("Greater", "", &["x", "zero"], &["keep"]),
        NodeProto::new("Where", "", &["keep", "zero", "never"], &["mask"]),
        NodeProto::new("Add", "", &["x", "mask"], &["scores"]),
        axis(NodeProto::new("Softmax", "", &["scores"], &["p"]), -1),
        NodeProto::new("Mul", "", &["p", "x"], &["y"]),
    ];
    let constants = vec![
        TensorProto::from_f32("zero", &[], &[0.0]),
        TensorProto::from_f32("never", &[], &[f32::NEG_INFINITY]),
    ];
    let x = sample(0, vec![("x", floats(&[1, 3], vec![1.0, -1.0, 2.0]))]);
    let seen = calibrate(&model(nodes, constants), &[x]).unwrap();
    assert_eq!(seen.tensors.keys().collect::<Vec<_>>(), ["p", "x", "y"]);
    assert_eq!((seen.tensors["p"].zeros(), seen.tensors["p"].count()), (1, 3));
}

#[test]
fn moved_values_have_the_statistics_of_a_second_look() {
    // Multiplied by 1, a tensor is looked at itself.
    let look = |name: &str, at: &str| NodeProto::new("Mul", "", &[name, "one"], &[at]);
    let nodes = vec![
        NodeProto::new("Relu", "", &["x"], &["r"]),
        axis(NodeProto::new("Concat", "", &["x", "r", "x"], &["c"]), 1),
        NodeProto::new("Transpose", "", &["c"], &["t"]),
        NodeProto::new("Reshape", "", &["t", "flat"], &["f"]),
        look("c", "c_again"),
        look("f", "f_again"),
        // Somebody has to read them.
        NodeProto::new("Shape", "", &["c_again"], &["c_shape"]),
        NodeProto::new("Shape", "", &["f_again"], &["f_shape"]),
        axis(NodeProto::new("Concat", "", &["f", "half"], &["h"]), 0),
        look("h", "y"),
    ];
    let constants = vec![
        TensorProto::from_f32("one", &[], &[1.0]),
        TensorProto::from_f32("half", &[1], &[0.5]),
        TensorProto::from_i64("flat", &[1], &[-1]),
    ];
    let samples: Vec<_> = (0..3).map(|position| noisy(position, "x", &[2, 7], -3.0, 5.0)).collect();
    let seen = calibrate(&model(nodes, constants), &samples).unwrap().tensors;
    assert_eq!(seen["c"], seen["c_again"]);
    assert_eq!(seen["t"], seen["c"]);
    assert_eq!(seen["f"], seen["f_again"]);
    assert_eq!(seen["h"], seen["y"], "a constant among the parts");
    assert_eq!((seen["c"].count(), seen["h"].count()), (3 * 42, 3 * 43));
}

#[test]
fn the_extremes_of_an_input_are_those_of_the_samples() {
    let model = model(vec![NodeProto::new("Relu", "", &["x"], &["y"])], Vec::new());
    let samples: Vec<_> =
        (0..2).map(|position| noisy(position, "x", &[1, 50], -2.0, 1.0)).collect();
    let seen = calibrate(&model, &samples).unwrap();
    let values = [noise(50, 0, -2.0, 1.0), noise(50, 1, -2.0, 1.0)].concat();
    let smallest = values.iter().copied().fold(f32::INFINITY, f32::min);
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    assert_eq!((seen.tensors["x"].minimum(), seen.tensors["x"].maximum()), (smallest, largest));
    assert_eq!((seen.tensors["y"].minimum(), seen.tensors["y"].maximum()), (0.0, largest));
}
