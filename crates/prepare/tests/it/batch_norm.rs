//! BatchNormalization folded into what comes before it, against a convolution computed by its definition.

use calibrant_onnx::Model;
use calibrant_onnx::proto::{AttributeProto, NodeProto, TensorProto};
use calibrant_prepare::fold_batch_norm;
use expect_test::expect;
use proptest::prelude::*;

use crate::graphs::{Graph, int};
use crate::printer::print;

/// Two roundings of each weight and of the result, relative to the largest value: weights up to 2, factors up to 3.
const TOLERANCE: f32 = 1e-4;

fn with_batch_norm(graph: Graph, channels: usize, input: &str) -> Graph {
    let values = |start: f32, step: f32| {
        (0..channels).map(|channel| start + step * channel as f32).collect::<Vec<_>>()
    };
    graph
        .floats("scale", &[channels], &values(1.0, 0.5))
        .floats("shift", &[channels], &values(-1.0, 0.25))
        .floats("mean", &[channels], &values(0.5, -0.125))
        .floats("variance", &[channels], &values(0.25, 0.5))
        .node_with(
            "BatchNormalization",
            &format!("{input} scale shift mean variance"),
            "y",
            &[AttributeProto::float("epsilon", 0.0)],
        )
}

fn fold(graph: Graph) -> (Model, usize) {
    let mut model = graph.output("y").model();
    let folded = fold_batch_norm(model.graph_mut()).unwrap();
    (model, folded.len())
}

#[test]
fn the_convolution_takes_over_the_name_of_the_result() {
    let graph = Graph::reading(&[1, 1, 4, 4])
        .floats("w", &[2, 1, 1, 1], &[1.0, 2.0])
        .node("Conv", "x w", "c");
    let (model, _) = fold(with_batch_norm(graph, 2, "c").node("Relu", "y", "z"));
    expect![[r#"
        opset 17
        in x[1,1,4,4]
        y = Conv(x, [2 3.4641016], [-2 -1.3995191])
        z = Relu(y)
        out y[]
    "#]]
    .assert_eq(&print(&model));
}

#[test]
fn a_bias_written_as_an_add_goes_along() {
    let graph = Graph::reading(&[1, 1, 4, 4])
        .floats("w", &[2, 1, 1, 1], &[1.0, 2.0])
        .floats("bias", &[1, 2, 1, 1], &[10.0, 20.0])
        .node("Conv", "x w", "c")
        .node("Add", "bias c", "d");
    let (model, _) = fold(with_batch_norm(graph, 2, "d"));
    expect![[r#"
        opset 17
        in x[1,1,4,4]
        y = Conv(x, [2 3.4641016], [18 33.241497])
        out y[]
    "#]]
    .assert_eq(&print(&model));
}

#[test]
fn a_shared_weight_is_scaled_for_one_and_kept_for_the_other() {
    let graph = Graph::reading(&[1, 2, 4, 4])
        .weight("w", &[2, 2, 1, 1])
        .node("Conv", "x w", "c")
        .node("Conv", "x w", "other")
        .output("other");
    let (model, folded) = fold(with_batch_norm(graph, 2, "c"));
    assert_eq!(folded, 1);
    assert_eq!(model.graph().node[1].input[1], "w");
    assert_ne!(model.graph().node[0].input[1], "w");
}

#[test]
fn what_cannot_be_folded_is_left() {
    let conv = || Graph::reading(&[1, 2, 4, 4]).weight("w", &[2, 2, 1, 1]).node("Conv", "x w", "c");
    let training = {
        let mut model = with_batch_norm(conv(), 2, "c").output("y").model();
        model.graph_mut().node[1].set_attr(int("training_mode", 1));
        model
    };
    let add_of_pixels = conv().weight("pixels", &[4, 4]).node("Add", "c pixels", "d");
    let cases = [
        (
            "another reader",
            with_batch_norm(conv(), 2, "c").node("Relu", "c", "z").output("y").model(),
        ),
        ("a graph output", with_batch_norm(conv(), 2, "c").output("y").output("c").model()),
        (
            "an activation before",
            with_batch_norm(conv().node("Relu", "c", "r"), 2, "r").output("y").model(),
        ),
        (
            "no convolution",
            with_batch_norm(Graph::reading(&[1, 2, 4, 4]), 2, "x").output("y").model(),
        ),
        (
            "computed weights",
            with_batch_norm(
                Graph::reading(&[1, 2, 4, 4]).input("k", &[2, 2, 1, 1]).node("Conv", "x k", "c"),
                2,
                "c",
            )
            .output("y")
            .model(),
        ),
        ("an Add that is no bias", with_batch_norm(add_of_pixels, 2, "d").output("y").model()),
        ("training", training),
    ];
    for (what, mut model) in cases {
        let before = model.clone();
        assert_eq!(fold_batch_norm(model.graph_mut()).unwrap(), [], "{what}");
        assert_eq!(model, before, "{what}");
    }
}

/// Conv or ConvTranspose by definition, kernel 2 by 2, stride 1, no padding, on one picture of `side` pixels.
fn convolve(
    node: &NodeProto,
    weight: &TensorProto,
    bias: &[f32],
    x: &[f32],
    side: usize,
) -> Vec<f32> {
    let shape = weight.shape().unwrap();
    let w = weight.to_f32().unwrap();
    let group = usize::try_from(node.attr_i("group").unwrap()).unwrap();
    let is_conv = node.is("Conv");
    let (inputs, outputs) =
        if is_conv { (shape[1] * group, shape[0]) } else { (shape[0], shape[1] * group) };
    let (in_group, out_group) = (inputs / group, outputs / group);
    let out_side = if is_conv { side - 1 } else { side + 1 };
    let mut y = vec![0.0; outputs * out_side * out_side];
    for (o, i, row, column, ky, kx) in taps(outputs, inputs, side, is_conv) {
        if o / out_group != i / in_group {
            continue;
        }
        let (from_row, from_column, to_row, to_column) = if is_conv {
            (row + ky, column + kx, row, column)
        } else {
            (row, column, row + ky, column + kx)
        };
        let tap = if is_conv {
            ((o * in_group + i % in_group) * 2 + ky) * 2 + kx
        } else {
            ((i * out_group + o % out_group) * 2 + ky) * 2 + kx
        };
        y[(o * out_side + to_row) * out_side + to_column] +=
            w[tap] * x[(i * side + from_row) * side + from_column];
    }
    let plane = out_side * out_side;
    y.iter()
        .enumerate()
        .map(|(index, value)| value + bias.get(index / plane).unwrap_or(&0.0))
        .collect()
}

fn taps(
    outputs: usize,
    inputs: usize,
    side: usize,
    is_conv: bool,
) -> impl Iterator<Item = (usize, usize, usize, usize, usize, usize)> {
    let walked = if is_conv { side - 1 } else { side };
    (0..outputs * inputs * walked * walked * 4).map(move |index| {
        let (tap, place) = (index % 4, index / 4);
        let (column, row) = (place % walked, place / walked % walked);
        let channels = place / (walked * walked);
        (channels / inputs, channels % inputs, row, column, tap / 2, tap % 2)
    })
}

proptest! {
    #[test]
    fn folding_changes_nothing_but_the_last_bits(
        is_conv: bool,
        group in 1usize..4,
        in_group in 1usize..4,
        out_group in 1usize..4,
        has_bias: bool,
        seed in prop::collection::vec(-2f32..2.0, 64),
    ) {
        const SIDE: usize = 3;
        let (inputs, outputs) = (group * in_group, group * out_group);
        let shape = if is_conv { [outputs, in_group, 2, 2] } else { [inputs, out_group, 2, 2] };
        let drawn = |count: usize, step: usize| (0..count).map(|i| seed[(i * step + i / 64) % 64]).collect::<Vec<f32>>();
        let op = if is_conv { "Conv" } else { "ConvTranspose" };
        let graph = Graph::reading(&[1, inputs, SIDE, SIDE])
            .floats("w", &shape, &drawn(shape.iter().product(), 5))
            .floats("b", &[outputs], &drawn(outputs, 3))
            .node_with(op, if has_bias { "x w b" } else { "x w" }, "c", &[int("group", i64::try_from(group).unwrap())]);
        let before = with_batch_norm(graph, outputs, "c").output("y").model();
        let mut after = before.clone();
        prop_assert_eq!(fold_batch_norm(after.graph_mut()).unwrap().len(), 1);

        let x = drawn(inputs * SIDE * SIDE, 7);
        let run = |model: &Model| {
            let graph = model.graph();
            let find = |name: &str| graph.initializer.iter().find(|tensor| tensor.label() == name).unwrap();
            let node = &graph.node[0];
            let bias = node.input.get(2).map(|name| find(name).to_f32().unwrap().into_owned()).unwrap_or_default();
            convolve(node, find(&node.input[1]), &bias, &x, SIDE)
        };
        let plain = run(&before);
        let plane = plain.len() / outputs;
        let constant = |name: &str| {
            let tensor = before.graph().initializer.iter().find(|tensor| tensor.label() == name).unwrap();
            tensor.to_f32().unwrap().into_owned()
        };
        let (scale, shift, mean, variance) = (constant("scale"), constant("shift"), constant("mean"), constant("variance"));
        for (index, (value, folded)) in plain.iter().zip(run(&after)).enumerate() {
            let channel = index / plane;
            let expected = (value - mean[channel]) / variance[channel].sqrt() * scale[channel] + shift[channel];
            prop_assert!((expected - folded).abs() <= TOLERANCE * expected.abs().max(10.0), "{} became {}", expected, folded);
        }
    }
}
