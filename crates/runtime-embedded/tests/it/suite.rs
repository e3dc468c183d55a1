//! What every runtime must do, and what this one says of nodes.

use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use calibrant_runtime::{Refusal, Runtime as _, suite};
use calibrant_runtime_embedded::Embedded;

use crate::support::model;

#[test]
fn it_does_what_every_runtime_must() {
    suite::run(&Embedded);
}

#[test]
fn every_node_is_judged_whatever_reads_it() {
    let inner = NodeProto::new("StringNormalizer", "inner", &["r"], &["h"]);
    let body = GraphProto {
        name: Some("body".to_owned()),
        node: vec![inner],
        output: vec![ValueInfoProto { name: Some("h".to_owned()), ..ValueInfoProto::default() }],
        ..GraphProto::default()
    };
    let branch = |name: &str| AttributeProto::graph(name, body.clone());
    let nodes = vec![
        NodeProto::new("Relu", "a", &["x"], &["r"]),
        NodeProto::new("TfIdfVectorizer", "b", &["r"], &["p"]),
        NodeProto::new("If", "c", &["yes"], &["y"])
            .with_attr(branch("then_branch"))
            .with_attr(branch("else_branch")),
    ];
    let yes = TensorProto::from_bool("yes", &[], &[true]);
    let survey = Embedded.survey(&model(nodes, vec![yes])).unwrap();
    let refusals: Vec<_> = survey.nodes.iter().map(|node| node.refusal.clone()).collect();
    let inside = Refusal::Inside {
        node: "StringNormalizer \"inner\" (#0)".to_owned(),
        reason: Box::new(Refusal::Operator),
    };
    assert_eq!(refusals, [None, Some(Refusal::Operator), Some(inside)]);
    assert_eq!(survey.nodes[1].node, "TfIdfVectorizer \"b\" (#1)");
}
