//! Random graphs: whatever is cast is valid, has types that fit, and has a reason for every node in float32.

use std::collections::BTreeMap;

use calibrant_cast::{CastNode, CastOptions, CastSummary, FloatType, IoPrecision, KeptReason};
use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, ValueInfoProto};
use calibrant_onnx::{DataType, Dim, Model};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::graphs::Graph;
use crate::{Ranges, cast_with};

/// How a node is made of the tensors before it.
#[derive(Debug, Clone)]
struct Step {
    op: usize,
    from: [Index; 2],
    /// The largest magnitude of what it makes, as a power of 10.
    exponent: i32,
}

/// Operators, with how many tensors they read; a `w` stands for a weight.
const OPS: [(&str, &str); 16] = [
    ("Relu", "."),
    ("Celu", "."),
    ("Softmax", "."),
    ("MatMul", ".w"),
    ("Add", ".."),
    ("Mul", ".."),
    ("Concat", ".."),
    ("Transpose", "."),
    ("Identity", "."),
    ("Sin", "."),
    ("Softplus", "."),
    ("Dropout", "."),
    ("HardSwish", "."),
    ("If", "."),
    ("Cast", "."),
    ("Exp", "."),
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..OPS.len(), any::<[Index; 2]>(), -9..8).prop_map(|(op, from, exponent)| Step {
        op,
        from,
        exponent,
    });
    prop::collection::vec(step, 1..14)
}

fn branch(op: &str, from: &str, to: &str) -> GraphProto {
    let output = ValueInfoProto::tensor(to, DataType::FLOAT, &[Dim::Known(4); 2]);
    GraphProto {
        node: vec![NodeProto::new(op, "", &[from], &[to])],
        output: vec![output],
        ..Default::default()
    }
}

/// Builds the graph; every tensor that nothing reads is given out.
fn build(steps: &[Step]) -> (Model, Ranges) {
    let mut graph = Graph::reading(&[4, 4])
        .weight("w", &[4, 4])
        .constant(calibrant_onnx::proto::TensorProto::from_bool("flag", &[], &[true]));
    let mut tensors = vec!["x".to_owned()];
    let mut read = vec![false];
    let mut ranges = BTreeMap::from([("x".to_owned(), (-1.0, 1.0))]);
    for (number, step) in steps.iter().enumerate() {
        let (op, inputs) = OPS[step.op];
        let output = format!("t{number}");
        let mut from = step.from.iter().map(|index| index.index(tensors.len()));
        let names: Vec<String> = inputs
            .chars()
            .map(|kind| {
                if kind == 'w' {
                    return "w".to_owned();
                }
                let place = from.next().unwrap();
                read[place] = true;
                tensors[place].clone()
            })
            .collect();
        let attributes = match op {
            "Concat" => vec![AttributeProto::int("axis", 0)],
            "If" => vec![
                AttributeProto::graph(
                    "then_branch",
                    branch("Relu", &names[0], &format!("{output}_then")),
                ),
                AttributeProto::graph(
                    "else_branch",
                    branch("Celu", &names[0], &format!("{output}_else")),
                ),
            ],
            "Cast" => vec![AttributeProto::int("to", DataType::FLOAT as i64)],
            _ => vec![],
        };
        let inputs = if op == "If" { "flag".to_owned() } else { names.join(" ") };
        graph = graph.node_with(op, &inputs, &output, &attributes);
        let largest = 10f32.powi(step.exponent);
        ranges.insert(output.clone(), (-largest, largest));
        tensors.push(output);
        read.push(false);
    }
    let ends: Vec<&String> = tensors
        .iter()
        .zip(&read)
        .filter(|(name, read)| !**read && *name != "x")
        .map(|(name, _)| name)
        .collect();
    let graph = ends.into_iter().fold(graph, |graph, name| graph.output(name));
    (graph.opset(OPSET), ranges)
}

/// The opset of the graphs, which is raised where that helps.
const OPSET: i64 = 17;

/// The operator that takes float32 alone in every opset, and the one whose bfloat16 is ONNX's and not TensorRT's.
const NO_TYPE: &str = "Celu";
const NOT_IN_TENSORRT: &str = "HardSwish";

/// What a node reads, its bodies included.
fn reads(node: &NodeProto) -> impl Iterator<Item = &String> {
    let bodies = node.subgraphs().flat_map(|body| &body.node);
    node.input.iter().chain(bodies.flat_map(|node| &node.input))
}

/// Whether a node of the main graph touches a tensor that is float32: of a neighbour, or the model's own.
fn is_beside_float32(of: &CastNode, model: &Model, summary: &CastSummary, io: IoPrecision) -> bool {
    let graph = model.graph();
    // A body goes with the node that holds it.
    let is_it = |(index, node): &(usize, &NodeProto)| match of.inside.first() {
        Some(holder) => node.label(*index) == *holder,
        None => node.name.as_ref() == Some(&of.name),
    };
    let (index, node) =
        graph.node.iter().enumerate().find(is_it).expect("a node of the main graph");
    let holder = node.label(index);
    let is_held = |it: &CastNode| it.inside.first() == Some(&holder);
    let needs_float32 = |it: &CastNode| {
        it.kept.as_ref().is_some_and(|reason| *reason != KeptReason::BetweenFloat32)
    };
    let is_kept = |other: &NodeProto| {
        let is_it = |it: &&CastNode| it.inside.is_empty() && Some(&it.name) == other.name.as_ref();
        // The model's own Casts, which make float32, are not counted among the nodes.
        summary.nodes.iter().find(is_it).is_none_or(|it| it.precision == FloatType::Fp32)
    };
    let is_edge = |tensor: &String| {
        let is_output = graph.output.iter().any(|output| output.name.as_ref() == Some(tensor));
        // An input stays as the model came where its values do not fit, whatever was asked for.
        tensor == "x" || is_output && io == IoPrecision::Fp32
    };
    let makes =
        |other: &&NodeProto| other.output.iter().any(|made| reads(node).any(|it| it == made));
    let follows = |other: &&NodeProto| reads(other).any(|it| node.output.contains(it));
    graph.node.iter().filter(|other| makes(other) || follows(other)).any(is_kept)
        || summary.nodes.iter().any(|it| is_held(it) && needs_float32(it))
        || reads(node).chain(&node.output).any(is_edge)
}

/// Recounts the reasons that a tensor and a node of the test's operators can have.
fn has_true_reason(
    reason: &KeptReason,
    node: &CastNode,
    ranges: Option<&Ranges>,
    precision: FloatType,
    reached: i64,
) -> bool {
    let reach = |tensor: &str| ranges.and_then(|ranges| ranges.get(tensor)).map(|range| range.1);
    match reason {
        KeptReason::Overflow { tensor, reached, largest } => {
            reach(tensor) == Some(*reached) && reached > largest && *largest == precision.largest()
        }
        KeptReason::Vanishes { tensor, reached } => {
            reach(tensor) == Some(*reached) && precision.round(*reached) == 0.0
        }
        KeptReason::InnerExponential { tensor, reached } => {
            reach(tensor) == Some(*reached) && reached.exp() > precision.largest()
        }
        KeptReason::Angles { tensor, reached } => reach(tensor) == Some(*reached),
        KeptReason::NotInTensorRt(wanted) => {
            (*wanted, precision) == (FloatType::Bf16, FloatType::Bf16)
                && node.op_type == NOT_IN_TENSORRT
        }
        KeptReason::NoType { precision: wanted, opset } => {
            (*wanted, *opset) == (precision, reached) && node.op_type == NO_TYPE
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_graphs(steps in steps(), is_judged: bool, is_model: bool, is_bfloat16: bool) {
        let (model, ranges) = build(&steps);
        let ranges = is_judged.then_some(&ranges);
        let precision = if is_bfloat16 { FloatType::Bf16 } else { FloatType::Fp16 };
        let io = if is_model { IoPrecision::Model } else { IoPrecision::Fp32 };
        let options = CastOptions { io, ..CastOptions::to(precision) };
        let (cast, summary) = cast_with(&model, ranges, &options);
        let opset = cast.opset().expect("the graphs state one");
        for node in &summary.nodes {
            match &node.kept {
                None => prop_assert_eq!(node.precision, precision),
                Some(KeptReason::BetweenFloat32) => {
                    prop_assert_eq!(node.precision, FloatType::Fp32);
                    prop_assert!(is_beside_float32(node, &model, &summary, io), "{:?}", node);
                }
                Some(reason) => {
                    prop_assert_eq!(node.precision, FloatType::Fp32);
                    prop_assert!(has_true_reason(reason, node, ranges, precision, opset), "{:?}", node);
                }
            }
        }
    }
}
