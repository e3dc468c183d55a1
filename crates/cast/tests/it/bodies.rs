//! Bodies of `If`, `Loop` and `Scan`.

use calibrant_cast::{CastOptions, FloatType, LayerPrecision};
use calibrant_onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, Model};
use expect_test::expect;

use crate::graphs::{Graph, int};
use crate::printer::print;
use crate::{cast_with, kept, ranges, to_fp16};

fn value(name: &str, dtype: DataType, shape: &[usize]) -> ValueInfoProto {
    let dims: Vec<Dim<'_>> = shape.iter().map(|&size| Dim::Known(size)).collect();
    ValueInfoProto::tensor(name, dtype, &dims)
}

fn float(name: &str) -> ValueInfoProto {
    value(name, DataType::FLOAT, &[4, 4])
}

fn body(
    inputs: Vec<ValueInfoProto>,
    nodes: Vec<NodeProto>,
    outputs: Vec<ValueInfoProto>,
) -> GraphProto {
    GraphProto {
        name: Some("body".to_owned()),
        input: inputs,
        node: nodes,
        output: outputs,
        ..Default::default()
    }
}

/// Multiplies by `w` in one branch and passes `x` on, doubled by a constant of its own, in the other.
fn branching() -> Model {
    let then_branch =
        body(vec![], vec![NodeProto::new("MatMul", "then", &["a", "w"], &["t"])], vec![float("t")]);
    let mut else_branch =
        body(vec![], vec![NodeProto::new("Mul", "else", &["a", "two"], &["e"])], vec![float("e")]);
    else_branch.initializer.push(TensorProto::from_f32("two", &[], &[2.0]));
    Graph::reading(&[4, 4])
        .weight("w", &[4, 4])
        .floats("zero", &[], &[0.0])
        .node("MatMul", "x w", "a")
        .node_with("ReduceMean", "a", "mean", &[int("keepdims", 0)])
        .node("Greater", "mean zero", "flag")
        .node_with(
            "If",
            "flag",
            "b",
            &[
                AttributeProto::graph("then_branch", then_branch),
                AttributeProto::graph("else_branch", else_branch),
            ],
        )
        .node("MatMul", "b w", "y")
        .output("y")
        .model()
}

#[test]
fn both_branches_give_out_one_type() {
    let (result, summary) = to_fp16(&branching());
    assert_eq!(kept(&summary), "");
    expect![[r#"
        opset 17
        in x[4,4]
        x_fp16 = Cast(x) to=10
        a = MatMul(x_fp16, w:h[4, 4])
        mean = ReduceMean(a) keepdims=0
        flag = Greater(mean, 0h)
        b = If(flag)
          body:
            t = MatMul(a, w)
            out t[4,4]
          body:
            e = Mul(a, 2h)
            out e[4,4]
        y_fp16 = MatMul(b, w:h[4, 4])
        y = Cast(y_fp16) to=1
        out y[]
    "#]]
    .assert_eq(&print(&result));
}

#[test]
fn a_branch_that_is_kept_casts_at_its_end() {
    let keep =
        CastOptions { keep_nodes: vec!["then".to_owned()], ..CastOptions::to(FloatType::Fp16) };
    let (result, summary) = cast_with(&branching(), None, &keep);
    expect![[r#"
        If "If.b" (#3) > then: kept by the name pattern `then`
    "#]]
    .assert_eq(&kept(&summary));
    expect![[r#"
        opset 17
        in x[4,4]
        x_fp16 = Cast(x) to=10
        a = MatMul(x_fp16, w_fp16:h[4, 4])
        a_fp32 = Cast(a) to=1
        mean = ReduceMean(a) keepdims=0
        flag = Greater(mean, 0h)
        b = If(flag)
          body:
            t = MatMul(a_fp32, w)
            t_fp16 = Cast(t) to=10
            out t_fp16[4,4]
          body:
            e = Mul(a, 2h)
            out e[4,4]
        y_fp16 = MatMul(b, w_fp16:h[4, 4])
        y = Cast(y_fp16) to=1
        out y[]
    "#]]
    .assert_eq(&print(&result));
}

#[test]
fn what_goes_beyond_the_type_goes_out_of_branches_in_float32() {
    let given = ranges(&[
        ("x", 0.0, 1.0),
        ("a", 0.0, 9.0),
        ("mean", 0.0, 9.0),
        ("b", 0.0, 1e5),
        ("y", 0.0, 9.0),
    ]);
    let (_, summary) = cast_with(&branching(), Some(&given), &CastOptions::to(FloatType::Fp16));
    expect![[r#"
        If.b: tensor "b" reaches 1e5, above 6.5504e4
        MatMul.y: tensor "b" reaches 1e5, above 6.5504e4
    "#]]
    .assert_eq(&kept(&summary));
}

/// Carries a float and collects another, from a body whose inputs state no types.
fn looping() -> Model {
    let untyped = |name: &str| ValueInfoProto { name: Some(name.to_owned()), ..Default::default() };
    let nodes = vec![
        NodeProto::new("Identity", "on", &["go"], &["go_on"]),
        NodeProto::new("MatMul", "step", &["state", "w"], &["next"]),
        NodeProto::new("Softmax", "seen", &["next"], &["share"]),
    ];
    let inputs =
        vec![value("i", DataType::INT64, &[]), value("go", DataType::BOOL, &[]), untyped("state")];
    let body = body(
        inputs,
        nodes,
        vec![value("go_on", DataType::BOOL, &[]), untyped("next"), untyped("share")],
    );
    Graph::reading(&[4, 4])
        .weight("w", &[4, 4])
        .ints("times", &[3])
        .constant(TensorProto::from_bool("yes", &[], &[true]))
        .node("MatMul", "x w", "a")
        .node_with("Loop", "times yes a", "last shares", &[AttributeProto::graph("body", body)])
        .node("MatMul", "last w", "y")
        .node_with("ReduceMean", "shares", "z", &[])
        .output("y")
        .output("z")
        .model()
}

#[test]
fn what_a_loop_carries_has_one_type() {
    let (result, summary) = to_fp16(&looping());
    assert_eq!(kept(&summary), "");
    expect![[r#"
        opset 17
        in x[4,4]
        x_fp16 = Cast(x) to=10
        a = MatMul(x_fp16, w:h[4, 4])
        last, shares = Loop([3]i64, 1bool, a)
          body:
            in i[]
            in go[]
            in state[..]
            go_on = Identity(go)
            next = MatMul(state, w)
            share = Softmax(next)
            out go_on[]
            out next[..]
            out share[..]
        y_fp16 = MatMul(last, w:h[4, 4])
        y = Cast(y_fp16) to=1
        z_fp16 = ReduceMean(shares)
        z = Cast(z_fp16) to=1
        out y[]
        out z[]
    "#]]
    .assert_eq(&print(&result));
    let keep =
        CastOptions { keep_nodes: vec!["step".to_owned()], ..CastOptions::to(FloatType::Fp16) };
    let (result, summary) = cast_with(&looping(), None, &keep);
    expect![[r#"
        Loop "Loop.last" (#1) > step: kept by the name pattern `step`
    "#]]
    .assert_eq(&kept(&summary));
    expect![[r#"
        opset 17
        in x[4,4]
        x_fp16 = Cast(x) to=10
        a = MatMul(x_fp16, w_fp16:h[4, 4])
        last, shares = Loop([3]i64, 1bool, a)
          body:
            in i[]
            in go[]
            in state[..]
            state_fp32 = Cast(state) to=1
            go_on = Identity(go)
            next = MatMul(state_fp32, w)
            next_fp16 = Cast(next) to=10
            share = Softmax(next_fp16)
            out go_on[]
            out next_fp16[..]
            out share[..]
        y_fp16 = MatMul(last, w_fp16:h[4, 4])
        y = Cast(y_fp16) to=1
        z_fp16 = ReduceMean(shares)
        z = Cast(z_fp16) to=1
        out y[]
        out z[]
    "#]]
    .assert_eq(&print(&result));
}

#[test]
fn a_kept_loop_carries_float32() {
    let layers =
        vec![LayerPrecision { pattern: "^last$".parse().unwrap(), precision: FloatType::Fp32 }];
    let options = CastOptions { layers, ..CastOptions::to(FloatType::Fp16) };
    let (_, summary) = cast_with(&looping(), None, &options);
    expect![[r#"
        Loop.last: kept by the name pattern `^last$`
    "#]]
    .assert_eq(&kept(&summary));
}

#[test]
fn scans_have_a_type_for_each_place() {
    let nodes = vec![
        NodeProto::new("Add", "sum", &["state", "row"], &["next"]),
        NodeProto::new("MatMul", "product", &["next", "w"], &["seen"]),
    ];
    let row = |name: &str| value(name, DataType::FLOAT, &[4]);
    let body = body(vec![row("state"), row("row")], nodes, vec![row("next"), row("seen")]);
    let scan = [AttributeProto::graph("body", body), int("num_scan_inputs", 1)];
    let model = Graph::reading(&[4, 4])
        .weight("w", &[4, 4])
        .floats("start", &[4], &[0.0, 1.0, 2.0, 3.0])
        .node("MatMul", "x w", "a")
        .node_with("Scan", "start a", "end all", &scan)
        .node("MatMul", "all w", "y")
        .output("y")
        .output("end")
        .model();
    let (result, summary) = to_fp16(&model);
    assert_eq!(kept(&summary), "");
    expect![[r#"
        opset 17
        in x[4,4]
        x_fp16 = Cast(x) to=10
        a = MatMul(x_fp16, w:h[4, 4])
        end_fp16, all = Scan([0 1 2 3]h, a) num_scan_inputs=1
          body:
            in state[4]
            in row[4]
            next = Add(state, row)
            seen = MatMul(next, w)
            out next[4]
            out seen[4]
        end = Cast(end_fp16) to=1
        y_fp16 = MatMul(all, w:h[4, 4])
        y = Cast(y_fp16) to=1
        out y[]
        out end[]
    "#]]
    .assert_eq(&print(&result));
}

/// A name in a body may stand for another tensor than the same name in a body beside it.
#[test]
fn names_are_those_of_their_graph() {
    let branch = |op: &str| {
        let nodes = vec![
            NodeProto::new(op, "", &["a"], &["t"]),
            NodeProto::new("Celu", "", &["t"], &["u"]),
        ];
        body(vec![], nodes, vec![float("u")])
    };
    let branches = [
        AttributeProto::graph("then_branch", branch("Relu")),
        AttributeProto::graph("else_branch", branch("Softmax")),
    ];
    let mut model = Model::new(ModelProto { ir_version: Some(8), ..Default::default() });
    model.set_opset(17);
    let graph = model.graph_mut();
    graph.input = vec![float("x"), value("flag", DataType::BOOL, &[])];
    graph.initializer = vec![TensorProto::from_f32("w", &[4, 4], &[1.0; 16])];
    let holder = NodeProto::new("If", "if", &["flag"], &["b"]);
    graph.node = vec![
        NodeProto::new("MatMul", "", &["x", "w"], &["a"]),
        branches.into_iter().fold(holder, NodeProto::with_attr),
        NodeProto::new("MatMul", "", &["b", "w"], &["y"]),
    ];
    graph.output = vec![float("y")];
    let (result, summary) = to_fp16(&model);
    expect![[r#"
        if: its neighbours are float32, and Casts around it would cost more
        If "if" (#1) > u: the operator has no float16 in opset 17
        If "if" (#1) > u: the operator has no float16 in opset 17
    "#]]
    .assert_eq(&kept(&summary));
    expect![[r#"
        opset 17
        in x[4,4]
        in flag[]
        x_fp16 = Cast(x) to=10
        a = MatMul(x_fp16, w:h[4, 4])
        b = If(flag)
          body:
            t = Relu(a)
            t_fp32 = Cast(t) to=1
            u = Celu(t_fp32)
            out u[4,4]
          body:
            t = Softmax(a)
            t_fp32_2 = Cast(t) to=1
            u = Celu(t_fp32_2)
            out u[4,4]
        b_fp16 = Cast(b) to=10
        y_fp16 = MatMul(b_fp16, w:h[4, 4])
        y = Cast(y_fp16) to=1
        out y[4,4]
    "#]]
    .assert_eq(&print(&result));
}
