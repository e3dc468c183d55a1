//! A range is asked for only of what a calibration looks at.

use calibrant_onnx::proto::AttributeProto;
use calibrant_onnx::{Model, Topology, facts};
use calibrant_rewrite::{needed_ranges, quantize};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::graphs::{Graph, everything, ranges};

/// A step of a graph: an operator and what it reads, among the floats there are.
type Step = (&'static str, Index, Index);

/// Operators of every kind: of values, of shapes, of chance, with and without weights. Shapes need not fit.
const OPERATORS: [&str; 12] = [
    "Relu",
    "Add",
    "MatMul",
    "Gemm",
    "Conv",
    "Concat",
    "GlobalAveragePool",
    "Transpose",
    "EyeLike",
    "RandomNormalLike",
    "OfShape",
    "Expand",
];

fn graph(steps: &[Step]) -> Model {
    let mut graph = Graph::reading(&[16, 16, 4, 4])
        .weight("w", &[16, 16, 1, 1])
        .weight("m", &[16, 16])
        .ints("n", &[1, 16, 4, 4]);
    let mut floats = vec!["x".to_owned(), "m".to_owned(), "w".to_owned()];
    for (place, (op, first, second)) in steps.iter().enumerate() {
        let (a, b) = (first.get(&floats).clone(), second.get(&floats).clone());
        let made = format!("t{place}");
        graph = match *op {
            "OfShape" => graph.node("Shape", &a, &format!("s{place}")).node(
                "ConstantOfShape",
                &format!("s{place}"),
                &made,
            ),
            "Expand" => graph.node("Shape", &a, &format!("s{place}")).node(
                "Expand",
                &format!("{b} s{place}"),
                &made,
            ),
            "Add" | "MatMul" | "Gemm" => graph.node(op, &format!("{a} {b}"), &made),
            "Concat" => {
                graph.node_with(op, &format!("{a} {b}"), &made, &[AttributeProto::int("axis", 1)])
            }
            "Conv" => graph.node(op, &format!("{a} w"), &made),
            _ => graph.node(op, &a, &made),
        };
        floats.push(made);
    }
    let last = floats.last().cloned().unwrap_or_default();
    graph.output(&last).model()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (prop::sample::select(OPERATORS.to_vec()), any::<Index>(), any::<Index>());
    prop::collection::vec(step, 1..24)
}

proptest! {
    #[test]
    fn what_is_asked_for_is_looked_at(steps in steps()) {
        let model = graph(&steps);
        let topology = Topology::new(model.graph()).unwrap();
        let of_samples = facts::of_samples(&topology);
        let needed = needed_ranges(&model, &everything()).unwrap();
        for tensor in needed.iter().flatten() {
            prop_assert!(of_samples.contains(tensor.as_str()), "{tensor} of {:?}", model.graph().node);
        }
    }
}

#[test]
fn a_table_of_positions_that_has_the_size_of_the_input_is_no_activation() {
    let model = Graph::reading(&[16, 16])
        .weight("m", &[16, 16])
        .weight("row", &[1, 16])
        .node("Shape", "x", "s")
        .node("Expand", "row s", "positions")
        .node("MatMul", "positions m", "p")
        .node("MatMul", "x m", "a")
        .node("Add", "a p", "y")
        .output("y")
        .model();
    let (quantized, summary) = quantize(&model, &ranges(&[("x", 1.0)]), &everything()).unwrap();
    assert_eq!(summary.without_ranges().count(), 0);
    let pairs = quantized.graph().node.iter().filter(|node| node.is("QuantizeLinear"));
    assert_eq!(pairs.filter_map(|node| node.input_name(0)).collect::<Vec<_>>(), ["x"]);
}
