//! Functions of a model, written out.

use std::borrow::Cow;

use calibrant_onnx::proto::{
    AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model, validate};

const OWN: &str = "own";

fn import(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto {
        domain: Some(domain.to_owned()),
        version: Some(version),
        ..Default::default()
    }
}

fn function(name: &str, inputs: &[&str], outputs: &[&str], node: Vec<NodeProto>) -> FunctionProto {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    FunctionProto {
        name: Some(name.to_owned()),
        domain: Some(OWN.to_owned()),
        input: names(inputs),
        output: names(outputs),
        node,
        opset_import: vec![import("", 17), import(OWN, 1)],
        ..FunctionProto::default()
    }
}

fn call(name: &str, node: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto { domain: Some(OWN.to_owned()), ..NodeProto::new(name, node, inputs, outputs) }
}

fn model(node: Vec<NodeProto>, functions: Vec<FunctionProto>) -> Model {
    let tensor = |name: &str| ValueInfoProto::tensor(name, DataType::FLOAT, &[Dim::Known(4)]);
    let graph = GraphProto {
        name: Some("calls".to_owned()),
        input: vec![tensor("x")],
        output: vec![tensor("y")],
        node,
        ..GraphProto::default()
    };
    Model::new(ModelProto {
        ir_version: Some(8),
        opset_import: vec![import("", 17), import(OWN, 1)],
        functions,
        graph: MessageField::some(graph),
        ..ModelProto::default()
    })
}

/// Each node as `name: outputs = op(inputs)`.
fn nodes(graph: &GraphProto) -> Vec<String> {
    let line = |node: &NodeProto| {
        let (name, outputs) = (node.name.as_deref().unwrap_or_default(), node.output.join(","));
        format!("{name}: {outputs} = {}({})", node.op(), node.input.join(","))
    };
    graph.node.iter().map(line).collect()
}

fn inlined(model: &Model) -> Model {
    validate(model).unwrap();
    let inlined = model.inlined().into_owned();
    validate(&inlined).unwrap();
    assert!(inlined.proto.functions.is_empty());
    inlined
}

#[test]
fn calls_become_the_nodes_of_the_function_wherever_they_stand() {
    let inner =
        function("Twice", &["a"], &["b"], vec![NodeProto::new("Add", "sum", &["a", "a"], &["b"])]);
    let outer = function(
        "Outer",
        &["a", "unused"],
        &["first", "second"],
        vec![
            call("Twice", "in", &["a"], &["first"]),
            NodeProto::new("Relu", "", &["first"], &["t"]),
            NodeProto::new("Neg", "", &["t"], &["second"]),
        ],
    );
    let branch = |name: &str, node: NodeProto| GraphProto {
        name: Some(name.to_owned()),
        output: vec![ValueInfoProto::tensor("out", DataType::FLOAT, &[])],
        node: vec![node],
        ..GraphProto::default()
    };
    let graph = vec![
        call("Outer", "o", &["x"], &["", "p"]),
        call("Outer", "o", &["p"], &["q"]),
        NodeProto::new("ReduceMax", "", &["q"], &["max"]),
        NodeProto::new("Cast", "", &["max"], &["is"]).with_attr(AttributeProto::int("to", 9)),
        NodeProto::new("If", "", &["is"], &["y"])
            .with_attr(AttributeProto::graph(
                "then_branch",
                branch("t", call("Twice", "c", &["q"], &["out"])),
            ))
            .with_attr(AttributeProto::graph(
                "else_branch",
                branch("e", NodeProto::new("Neg", "", &["q"], &["out"])),
            )),
    ];
    let model = inlined(&model(graph, vec![inner, outer]));
    assert_eq!(
        nodes(model.graph())[..6],
        [
            "o/in/sum: o/first = Add(x,x)",
            ": o/t = Relu(o/first)",
            ": p = Neg(o/t)",
            "o_2/in/sum: q = Add(p,p)",
            ": o_2/t = Relu(q)",
            ": o_2/second = Neg(o_2/t)",
        ]
    );
    let branches: Vec<_> = model.graph().node.last().unwrap().subgraphs().collect();
    assert_eq!(nodes(branches[0]), ["c/sum: out = Add(q,q)"]);
}

#[test]
fn attributes_are_those_of_the_call_or_the_defaults() {
    let refers = |name: &str, of: &str| AttributeProto {
        name: Some(name.to_owned()),
        ref_attr_name: Some(of.to_owned()),
        r#type: AttributeProto::float("", 0.0).r#type,
        ..AttributeProto::default()
    };
    let leaky = |node: &str| NodeProto::new("LeakyRelu", node, &["a"], &["b"]);
    let body = leaky("n").with_attr(refers("alpha", "slope"));
    let mut function = function("Sloped", &["a"], &["b"], vec![body]);
    function.attribute_proto = vec![AttributeProto::float("slope", 0.25)];
    let graph = vec![
        call("Sloped", "given", &["x"], &["m"]).with_attr(AttributeProto::float("slope", 0.5)),
        call("Sloped", "left", &["m"], &["y"]),
    ];
    let alphas = |functions: Vec<FunctionProto>| -> Vec<Option<f32>> {
        let model = inlined(&model(graph.clone(), functions));
        model.graph().node.iter().map(|node| node.attr_f("alpha")).collect()
    };
    assert_eq!(alphas(vec![function.clone()]), [Some(0.5), Some(0.25)]);
    function.attribute = vec!["slope".to_owned()];
    function.attribute_proto.clear();
    assert_eq!(alphas(vec![function]), [Some(0.5), None]);
}

#[test]
fn an_output_that_is_an_input_is_handed_on() {
    let through = function("Through", &["a"], &["a", "a"], Vec::new());
    let model = inlined(&model(vec![call("Through", "t", &["x"], &["m", "y"])], vec![through]));
    assert_eq!(nodes(model.graph()), [": m = Identity(x)", ": y = Identity(x)"]);
}

#[test]
fn names_that_are_taken_are_not_taken_again() {
    let two =
        vec![NodeProto::new("Relu", "", &["a"], &["t"]), NodeProto::new("Neg", "", &["t"], &["b"])];
    let function = function("F", &["a"], &["b"], two);
    let graph = vec![NodeProto::new("Abs", "", &["x"], &["f/t"]), call("F", "f", &["f/t"], &["y"])];
    let model = inlined(&model(graph, vec![function]));
    assert_eq!(nodes(model.graph())[1..], [": f_2/t = Relu(f/t)", ": y = Neg(f_2/t)"]);
}

#[test]
fn of_a_long_name_the_end_stands_before_others() {
    let function = function(
        "F",
        &["a"],
        &["b"],
        vec![NodeProto::new("Relu", "", &["a"], &["t"]), NodeProto::new("Neg", "", &["t"], &["b"])],
    );
    let name = format!("{}end", "ü".repeat(300));
    let model = inlined(&model(vec![call("F", &name, &["x"], &["y"])], vec![function]));
    let made = &model.graph().node[0].output[0];
    assert!(made.len() <= 131 && made.ends_with("üend/t"), "{made}");
}

#[test]
fn what_cannot_be_written_out_stays_a_call() {
    let once = |name: &str, calls: &str| {
        function(name, &["a"], &["b"], vec![call(calls, "c", &["a"], &["b"])])
    };
    // Each calls the one before twice.
    let doubling = (1..40).map(|n| {
        let before = format!("F{}", n - 1);
        let body = vec![call(&before, "c", &["a"], &["t"]), call(&before, "d", &["t"], &["b"])];
        function(&format!("F{n}"), &["a"], &["b"], body)
    });
    let first = function("F0", &["a"], &["b"], vec![NodeProto::new("Relu", "", &["a"], &["b"])]);
    let mut other = function("F", &["a"], &["b"], vec![NodeProto::new("Relu", "", &["a"], &["b"])]);
    other.opset_import = vec![import("", 13)];
    // Small as a file, and large once it is written out.
    let long = "n".repeat(1 << 20);
    let verbose = function(
        "F",
        &["a"],
        &["b"],
        vec![
            NodeProto::new("Relu", "", &["a"], &[&long]),
            NodeProto::new("Neg", "", &[&long], &["b"]),
        ],
    );
    let many = (0..2_000).map(|n| call("F", "", &["x"], &[&format!("y{n}")])).collect();
    assert!(matches!(model(many, vec![verbose]).inlined(), Cow::Borrowed(_)));
    for (calls, functions) in [
        ("F", vec![once("F", "F")]),
        ("F", vec![once("F", "G"), once("G", "F")]),
        ("F39", [first].into_iter().chain(doubling).collect()),
        ("F", vec![other]),
    ] {
        let model = model(vec![call(calls, "c", &["x"], &["y"])], functions);
        assert!(matches!(model.inlined(), Cow::Borrowed(_)), "{calls}");
    }
}
