//! Makers, readers, order, against what `make_models.py` says; and against a naive order.

use std::collections::HashSet;

use calibrant_onnx::proto::{GraphProto, NodeProto};
use calibrant_onnx::{DataType, Dim, Model, Origin, ReadAs, Topology, TopologyError, Use};
use proptest::prelude::*;
use serde_json::Value;

use crate::fixtures;

#[test]
fn bodies_read_the_graphs_around_them() {
    let model = fixtures::model("bodies");
    let expected = fixtures::expected("bodies");
    let topology = Topology::new(model.graph()).unwrap();
    assert_eq!(Value::from(topology.order()), expected["order"]);
    for (tensor, readers) in expected["consumers"].as_object().unwrap() {
        let found: Vec<Value> = topology
            .consumers(tensor)
            .iter()
            .map(|reader| {
                let slot = match reader.read_as {
                    ReadAs::Input(index) => Value::from(index),
                    ReadAs::Captured => Value::Null,
                };
                Value::from(vec![Value::from(reader.node), slot])
            })
            .collect();
        assert_eq!(Value::from(found), *readers, "readers of {tensor}");
    }
    let data_inputs: Value = topology.data_inputs().map(|info| info.label()).collect();
    assert_eq!(data_inputs, expected["data_inputs"]);
    for output in expected["outputs"].as_array().unwrap() {
        assert!(topology.is_output(output.as_str().unwrap()));
    }
    assert!(!topology.is_output("b"));

    assert_eq!(topology.origin("x"), Some(Origin::Input(0)));
    assert_eq!(topology.origin("weight"), Some(Origin::Initializer(0)));
    assert_eq!(topology.origin("b"), Some(Origin::Node { node: 2, output: 0 }));
    assert_eq!(topology.origin("local"), None, "made inside a body");
    assert_eq!(topology.initializer("weight").unwrap().label(), "weight");
    let (index, node) = topology.producer("b").unwrap();
    assert_eq!(node.label(index), "Neg \"neg\" (#2)");
    assert!(topology.producer("x").is_none());
}

#[test]
fn types_come_from_inputs_outputs_and_between() {
    let model = fixtures::model("bodies");
    let topology = Topology::new(model.graph()).unwrap();
    let cases = [
        ("x", DataType::FLOAT, vec![Dim::Known(2)]),
        ("flag", DataType::BOOL, vec![]),
        ("a", DataType::FLOAT, vec![Dim::Symbol("n")]),
        ("b", DataType::FLOAT, vec![Dim::Known(2), Dim::Symbol("unnamed")]),
    ];
    for (name, dtype, shape) in cases {
        let found = topology.tensor_type(name).unwrap();
        assert_eq!((found.dtype, found.shape), (Some(dtype), Some(shape)), "{name}");
    }
    assert_eq!(topology.tensor_type("x").unwrap().known_shape(), Some(vec![2]));
    assert_eq!(topology.tensor_type("a").unwrap().known_shape(), None);
    assert!(topology.tensor_type("scaled").is_none());
}

#[test]
fn an_input_of_an_initializers_name_is_a_constant() {
    let mut model = fixtures::of_nodes(vec![NodeProto::new("Add", "", &["x", "w"], &["y"])]);
    let graph = model.graph_mut();
    let weight = calibrant_onnx::proto::ValueInfoProto::tensor("w", DataType::FLOAT, &[]);
    graph.input.insert(0, weight);
    graph.initializer.push(calibrant_onnx::proto::TensorProto::from_f32("w", &[], &[1.0]));
    let topology = Topology::new(model.graph()).unwrap();
    assert_eq!(topology.data_inputs().map(|info| info.label()).collect::<Vec<_>>(), ["x"]);
    assert!(topology.constant("w").is_some());
}

#[test]
fn duplicates_and_circles_are_named() {
    let relu = |from, to| NodeProto::new("Relu", "", &[from], &[to]);
    let model = fixtures::of_nodes(vec![relu("x", "y"), relu("x", "y")]);
    let error = Topology::new(model.graph()).unwrap_err();
    assert_eq!(error.to_string(), "tensor \"y\" is made by Relu (#0) and again by Relu (#1)");
    let model = fixtures::of_nodes(vec![relu("x", "x")]);
    let error = Topology::new(model.graph()).unwrap_err();
    assert_eq!(error.to_string(), "tensor \"x\" is made by graph input 0 and again by Relu (#0)");
    let model =
        fixtures::of_nodes(vec![relu("x", "y"), relu("b", "a"), relu("a", "b"), relu("b", "c")]);
    let error = Topology::new(model.graph()).unwrap_err();
    let nodes = ["Relu (#1)", "Relu (#2)", "Relu (#3)"].map(str::to_owned).to_vec();
    assert_eq!(error, TopologyError::Cycle { nodes });
}

/// Takes, again and again, the first node whose inputs are all there.
fn naive_order(graph: &GraphProto) -> Option<Vec<usize>> {
    let made: HashSet<&String> = graph.node.iter().flat_map(|node| &node.output).collect();
    let mut there: HashSet<&String> = HashSet::new();
    let mut order = Vec::new();
    while order.len() < graph.node.len() {
        let next = graph.node.iter().enumerate().position(|(index, node)| {
            !order.contains(&index)
                && node.input.iter().all(|name| !made.contains(name) || there.contains(name))
        })?;
        there.extend(&graph.node[next].output);
        order.push(next);
    }
    Some(order)
}

fn any_graph() -> impl Strategy<Value = Model> {
    // Node k makes tensor k and reads some of t0 to t11; those of no node come from outside.
    let reads = prop::collection::vec(prop::collection::vec(0..12_usize, 0..4), 1..9);
    reads.prop_map(|nodes| {
        let nodes = nodes.into_iter().enumerate().map(|(made, reads)| {
            let reads: Vec<String> = reads.iter().map(|read| format!("t{read}")).collect();
            let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
            NodeProto::new("Sum", "", &reads, &[&format!("t{made}")])
        });
        fixtures::of_nodes(nodes.collect())
    })
}

proptest! {
    #[test]
    fn order_and_readers_match_naive(model in any_graph()) {
        let graph = model.graph();
        let Ok(topology) = Topology::new(graph) else {
            prop_assert_eq!(naive_order(graph), None);
            return Ok(());
        };
        prop_assert_eq!(Some(topology.order().to_vec()), naive_order(graph));
        for tensor in (0..12).map(|tensor| format!("t{tensor}")) {
            let naive = graph.node.iter().enumerate().flat_map(|(node, reader)| {
                let slots = reader.input.iter().enumerate().filter(|(_, name)| **name == tensor);
                slots.map(move |(index, _)| Use { node, read_as: ReadAs::Input(index) }).collect::<Vec<_>>()
            });
            prop_assert_eq!(topology.consumers(&tensor), naive.collect::<Vec<_>>());
        }
    }
}
