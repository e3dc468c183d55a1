//! Constants that exporters hide behind layout changes.

use calibrant_onnx::proto::{AttributeProto, TensorProto};
use calibrant_onnx::{DataType, Model, fold_constants};
use expect_test::expect;
use proptest::prelude::*;

use crate::graphs::{Graph, int, quantized};
use crate::printer::print;

fn folded(graph: Graph) -> String {
    let mut model = graph.output("y").model();
    fold_constants(model.graph_mut()).unwrap();
    print(&model)
}

#[test]
fn layout_changes_of_constants_are_computed() {
    let c = || Graph::reading(&[2, 2]).floats("c", &[2, 1, 2], &[1.0, 2.0, 3.0, 4.0]);
    let add = |graph: Graph| folded(graph.node("Add", "x t", "y"));
    let cases = [
        (add(c().ints("s", &[0, -1]).node("Reshape", "c s", "t")), "[1 2 3 4]"),
        (
            add(c().node_with("Transpose", "c", "t", &[AttributeProto::ints("perm", &[1, 2, 0])])),
            "[1 3 2 4]",
        ),
        (add(c().node("Transpose", "c", "t")), "[1 3 2 4]"),
        (add(c().node("Squeeze", "c", "t")), "[1 2 3 4]"),
        (add(c().ints("a", &[1]).node("Squeeze", "c a", "t")), "[1 2 3 4]"),
        (add(c().ints("a", &[0, -1]).node("Unsqueeze", "c a", "t")), "[1 2 3 4]"),
        (add(c().node_with("Flatten", "c", "t", &[int("axis", 2)])), "[1 2 3 4]"),
        (add(c().node("Identity", "c", "i").node("Transpose", "i", "t")), "[1 3 2 4]"),
    ];
    for (found, expected) in cases {
        assert!(found.contains(&format!("y = Add(x, {expected})")), "{found}");
        assert_eq!(found.lines().count(), 4, "{found}");
    }
}

#[test]
fn half_precision_weights_become_float() {
    let half = TensorProto::from_raw("h", DataType::FLOAT16, &[2], vec![0x00, 0x3c, 0x00, 0xc0]);
    let cast = [int("to", DataType::FLOAT as i64)];
    let graph = Graph::reading(&[2])
        .constant(half)
        .node_with("Cast", "h", "t", &cast)
        .node("Add", "x t", "y");
    expect![[r#"
        opset 17
        in x[2]
        y = Add(x, [1 -2])
        out y[]
    "#]]
    .assert_eq(&folded(graph));
}

#[test]
fn arithmetic_and_graph_outputs_are_left() {
    let graph = Graph::reading(&[2])
        .floats("c", &[2], &[1.0, 2.0])
        .node("Exp", "c", "e")
        .node("Add", "x e", "z")
        .node("Identity", "c", "y");
    expect![[r#"
        opset 17
        in x[2]
        e = Exp([1 2])
        z = Add(x, e)
        y = Identity([1 2])
        out z[]
        out y[]
    "#]]
    .assert_eq(&folded(graph.output("z")));
}

#[test]
fn a_constant_node_is_a_weight_and_leaves_with_its_last_reader() {
    let weight = TensorProto::from_f32("", &[2, 1, 1, 1], &[1.0, -0.5]);
    let graph = Graph::reading(&[1, 1, 4, 4])
        .node_with("Constant", "", "w", &[AttributeProto::tensor("value", weight)])
        .node("Conv", "x w", "y")
        .output("y");
    let mut model = graph.model();
    model.graph_mut().node[0].input.clear();
    expect![[r#"
        opset 17
        in x[1,1,4,4]
        x_quantized = QuantizeLinear(x, 1, 0i8)
        x_dequantized = DequantizeLinear(x_quantized, 1, 0i8)
        w_dequantized = DequantizeLinear([127 -127]i8, [0.007874016 0.003937008], [0 0]i8) axis=0
        y = Conv(x_dequantized, w_dequantized)
        out y[]
    "#]]
    .assert_eq(&print(&quantized(&model).0));
}

#[test]
fn a_weight_that_is_an_input_as_well_becomes_a_constant() {
    let graph = Graph::reading(&[1, 1, 4, 4]).input("w", &[2, 1, 1, 1]).weight("w", &[2, 1, 1, 1]);
    let mut model: Model = graph.node("Conv", "x w", "y").output("y").opset(8);
    model.proto.ir_version = Some(3);
    let (model, summary) = quantized(&model);
    assert_eq!(summary.preparation.weight_inputs_removed, ["w"]);
    assert_eq!(model.graph().input.len(), 1);
    assert_eq!(model.proto.ir_version, Some(7));
}

proptest! {
    /// Two transpositions one after the other, the second undoing the first.
    #[test]
    fn transposing_there_and_back_changes_nothing(
        shape in prop::collection::vec(1usize..5, 4),
        order in Just(vec![0i64, 1, 2, 3]).prop_shuffle(),
    ) {
        let mut back = [0i64; 4];
        for (to, &from) in order.iter().enumerate() {
            back[usize::try_from(from).unwrap()] = i64::try_from(to).unwrap();
        }
        let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(|value| value as f32).collect();
        let mut model = Graph::reading(&[1])
            .floats("c", &shape, &values)
            .node_with("Transpose", "c", "t", &[AttributeProto::ints("perm", &order)])
            .node_with("Transpose", "t", "u", &[AttributeProto::ints("perm", &back)])
            .node("Add", "x u", "y")
            .output("y")
            .model();
        fold_constants(model.graph_mut()).unwrap();
        let there = model.graph().initializer.iter().find(|tensor| tensor.label() == "t").unwrap();
        let expected: Vec<usize> = order.iter().map(|&axis| shape[usize::try_from(axis).unwrap()]).collect();
        prop_assert_eq!(there.shape().unwrap(), expected);
        let back = model.graph().initializer.iter().find(|tensor| tensor.label() == "u").unwrap();
        prop_assert_eq!(back.to_f32().unwrap().into_owned(), values);
    }
}
