//! Where pairs go: one small graph for each rule.

use calibrant_format::{Numbers, Operators, Scheme};
use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use calibrant_rewrite::{QuantizeOptions, Reason, quantize};
use expect_test::expect;

use crate::graphs::{Graph, counted_ranges, everything, int, outcomes, quantized, ranges};
use crate::printer::print;

#[test]
fn a_conv_reads_int8_and_keeps_its_bias() {
    let graph = Graph::reading(&[1, 4, 8, 8])
        .floats("w", &[2, 4, 1, 1], &[1.0, 0.5, -0.25, 0.0, 2.0, -4.0, 1.0, 0.0])
        .floats("b", &[2], &[0.5, -0.5])
        .node("Conv", "x w b", "c")
        .node("Relu", "c", "y")
        .output("y");
    let (model, summary) = quantized(&graph.model());
    expect![[r#"
        opset 17
        in x[1,4,8,8]
        x_quantized = QuantizeLinear(x, 1, 0i8)
        x_dequantized = DequantizeLinear(x_quantized, 1, 0i8)
        w_dequantized = DequantizeLinear(w_quantized:i8[2, 4, 1, 1], [0.007874016 0.031496063], [0 0]i8) axis=0
        c = Conv(x_dequantized, w_dequantized, [0.5 -0.5])
        y = Relu(c)
        out y[]
    "#]].assert_eq(&print(&model));
    expect![[r#"
        Conv.c: x x 1, w axis Some(0) of 2
        Relu.y: float: elementwise: TensorRT fuses it with its neighbours
    "#]]
    .assert_eq(&outcomes(&summary));
}

#[test]
fn weights_have_a_scale_a_channel_made() {
    let cases = [
        (
            Graph::reading(&[1, 4, 8, 8]).weight("w", &[8, 4, 3, 3]).node("Conv", "x w", "y"),
            Some(0),
        ),
        (
            Graph::reading(&[1, 8, 8, 8]).weight("w", &[8, 1, 3, 3]).node_with(
                "Conv",
                "x w",
                "y",
                &[int("group", 8)],
            ),
            Some(0),
        ),
        (
            Graph::reading(&[1, 4, 8, 8]).weight("w", &[4, 8, 2, 2]).node(
                "ConvTranspose",
                "x w",
                "y",
            ),
            Some(1),
        ),
        (
            Graph::reading(&[1, 4, 8, 8]).weight("w", &[4, 2, 2, 2]).node_with(
                "ConvTranspose",
                "x w",
                "y",
                &[int("group", 2)],
            ),
            None,
        ),
        (Graph::reading(&[2, 4]).weight("w", &[4, 8]).node("Gemm", "x w", "y"), Some(1)),
        (
            Graph::reading(&[2, 4]).weight("w", &[8, 4]).node_with(
                "Gemm",
                "x w",
                "y",
                &[int("transB", 1)],
            ),
            Some(0),
        ),
        (Graph::reading(&[2, 4]).weight("w", &[4, 8]).node("MatMul", "x w", "y"), Some(1)),
        (Graph::reading(&[3, 2, 4]).weight("w", &[3, 4, 8]).node("MatMul", "x w", "y"), None),
        (Graph::reading(&[4, 2]).weight("w", &[8, 4]).node("MatMul", "w x", "y"), None),
    ];
    for (graph, expected) in cases {
        let (_, summary) = quantized(&graph.output("y").model());
        let found = outcomes(&summary);
        assert!(found.contains(&format!("w axis {expected:?}")), "{expected:?} of {found}");
    }
}

#[test]
fn one_pair_serves_all_readers_and_one_weight_all_its_convs() {
    let graph = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .node("Conv", "x w", "a")
        .node("Conv", "x w", "b")
        .node("Mul", "a b", "y")
        .output("y");
    expect![[r#"
        opset 17
        in x[1,2,8,8]
        x_quantized = QuantizeLinear(x, 1, 0i8)
        x_dequantized = DequantizeLinear(x_quantized, 1, 0i8)
        w_dequantized = DequantizeLinear([-127 -64 64 127]i8, [0.007874016 0.007874016], [0 0]i8) axis=0
        a = Conv(x_dequantized, w_dequantized)
        b = Conv(x_dequantized, w_dequantized)
        y = Mul(a, b)
        out y[]
    "#]].assert_eq(&print(&quantized(&graph.model()).0));
}

#[test]
fn a_product_of_activations_is_quantized_on_both_sides() {
    let graph = Graph::reading(&[2, 4]).input("z", &[4, 3]).node("MatMul", "x z", "y").output("y");
    expect![[r#"
        opset 17
        in x[2,4]
        in z[4,3]
        x_quantized = QuantizeLinear(x, 1, 0i8)
        x_dequantized = DequantizeLinear(x_quantized, 1, 0i8)
        z_quantized = QuantizeLinear(z, 2, 0i8)
        z_dequantized = DequantizeLinear(z_quantized, 2, 0i8)
        y = MatMul(x_dequantized, z_dequantized)
        out y[]
    "#]]
    .assert_eq(&print(&quantized(&graph.model()).0));
}

#[test]
fn a_residual_add_is_quantized_on_the_skip_input_alone() {
    let graph = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .weight("v", &[2, 2, 1, 1])
        .node("Conv", "x w", "a")
        .node("Relu", "a", "skip")
        .node("Conv", "skip v", "b")
        .node("Add", "b skip", "sum")
        .node("Relu", "sum", "r")
        .node("Conv", "r w", "y")
        .output("y");
    expect![[r#"
        opset 17
        in x[1,2,8,8]
        x_quantized = QuantizeLinear(x, 1, 0i8)
        x_dequantized = DequantizeLinear(x_quantized, 1, 0i8)
        w_dequantized = DequantizeLinear([-127 -64 64 127]i8, [0.007874016 0.007874016], [0 0]i8) axis=0
        a = Conv(x_dequantized, w_dequantized)
        skip = Relu(a)
        skip_quantized = QuantizeLinear(skip, 2, 0i8)
        skip_dequantized = DequantizeLinear(skip_quantized, 2, 0i8)
        v_dequantized = DequantizeLinear([-127 -64 64 127]i8, [0.007874016 0.007874016], [0 0]i8) axis=0
        b = Conv(skip_dequantized, v_dequantized)
        sum = Add(b, skip_dequantized)
        r = Relu(sum)
        r_quantized = QuantizeLinear(r, 3, 0i8)
        r_dequantized = DequantizeLinear(r_quantized, 3, 0i8)
        y = Conv(r_dequantized, w_dequantized)
        out y[]
    "#]].assert_eq(&print(&quantized(&graph.model()).0));
}

#[test]
fn of_two_convolutions_the_longer_way_is_the_branch() {
    let graph = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .node("Conv", "x w", "a")
        .node("Conv", "a w", "long")
        .node("Conv", "x w", "short")
        .node("Add", "long short", "sum")
        .node("Conv", "sum w", "y")
        .output("y");
    let (_, summary) = quantized(&graph.model());
    expect![[r#"
        Conv.a: x x 1, w axis Some(0) of 2
        Conv.long: a x 2, w axis Some(0) of 2
        Conv.short: x x 1, w axis Some(0) of 2
        Add.sum: short x 3
        Conv.y: sum x 4, w axis Some(0) of 2
    "#]]
    .assert_eq(&outcomes(&summary));
}

#[test]
fn a_gated_activation_belongs_to_its_branch() {
    let graph = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .node("Conv", "x w", "c")
        .node("Sigmoid", "c", "s")
        .node("Mul", "c s", "silu")
        .node("Add", "x silu", "sum")
        .node("Conv", "sum w", "y")
        .output("y");
    let (_, summary) = quantized(&graph.model());
    assert!(outcomes(&summary).contains("Add.sum: x x 1\n"), "{}", outcomes(&summary));
}

#[test]
fn adds_that_are_no_residual_stay_in_float() {
    let hard_swish = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .floats("three", &[], &[3.0])
        .node("Conv", "x w", "c")
        .node("Add", "c three", "shifted")
        .node("Conv", "shifted w", "y")
        .output("y");
    let read_in_float = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .node("Conv", "x w", "c")
        .node("Add", "x c", "y")
        .output("y");
    let read_twice = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .node("Conv", "x w", "c")
        .node("Add", "x c", "sum")
        .node("Conv", "sum w", "d")
        .node("Mul", "c d", "y")
        .output("y");
    let doubled = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .node("Conv", "x w", "c")
        .node("Add", "c c", "sum")
        .node("Conv", "sum w", "y")
        .output("y");
    let cases = [
        (hard_swish, "Add.shifted", Reason::Elementwise),
        (read_in_float, "Add.y", Reason::ReadInFloat),
        (read_twice, "Add.sum", Reason::NoBranchToFuse),
        (doubled, "Add.sum", Reason::Elementwise),
    ];
    for (graph, name, reason) in cases {
        let found = outcomes(&quantized(&graph.model()).1);
        assert!(found.contains(&format!("{name}: float: {reason}\n")), "{found}");
    }
}

#[test]
fn what_is_joined_has_one_scale() {
    let graph = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .weight("v", &[2, 4, 1, 1])
        .node("Conv", "x w", "a")
        .node("Conv", "a w", "b")
        .node_with("Concat", "a b", "ab", &[int("axis", 1)])
        .node_with("MaxPool", "ab", "p", &[AttributeProto::ints("kernel_shape", &[2, 2])])
        .node("Conv", "p v", "y")
        .output("y");
    let (model, summary) = quantized(&graph.model());
    expect![[r#"
        opset 17
        in x[1,2,8,8]
        x_quantized = QuantizeLinear(x, 1, 0i8)
        x_dequantized = DequantizeLinear(x_quantized, 1, 0i8)
        w_dequantized = DequantizeLinear([-127 -64 64 127]i8, [0.007874016 0.007874016], [0 0]i8) axis=0
        a = Conv(x_dequantized, w_dequantized)
        a_quantized = QuantizeLinear(a, 4, 0i8)
        a_dequantized = DequantizeLinear(a_quantized, 4, 0i8)
        b = Conv(a_dequantized, w_dequantized)
        b_quantized = QuantizeLinear(b, 4, 0i8)
        b_dequantized = DequantizeLinear(b_quantized, 4, 0i8)
        ab = Concat(a_dequantized, b_dequantized) axis=1
        p = MaxPool(ab) kernel_shape=[2, 2]
        p_quantized = QuantizeLinear(p, 4, 0i8)
        p_dequantized = DequantizeLinear(p_quantized, 4, 0i8)
        v_dequantized = DequantizeLinear(v_quantized:i8[2, 4, 1, 1], [0.007874016 0.007874016], [0 0]i8) axis=0
        y = Conv(p_dequantized, v_dequantized)
        out y[]
    "#]].assert_eq(&print(&model));
    expect![[r#"
        [
            SharedScale {
                tensors: [
                    "a",
                    "b",
                    "p",
                ],
                smallest_amax: 254.0,
                shared_amax: 508.0,
            },
        ]
    "#]]
    .assert_debug_eq(&summary.notes);
}

#[test]
fn a_concat_that_is_also_read_in_float_is_left() {
    let graph = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .weight("v", &[2, 4, 1, 1])
        .node("Conv", "x w", "a")
        .node_with("Concat", "a x", "ab", &[int("axis", 1)])
        .node("Conv", "ab v", "y")
        .output("y")
        .output("ab");
    let (_, summary) = quantized(&graph.model());
    expect![[r#"
        Conv.a: x x 1, w axis Some(0) of 2
        Concat.ab: float: its result is read in float
        Conv.y: ab x 2, v axis Some(0) of 2
    "#]]
    .assert_eq(&outcomes(&summary));
}

#[test]
fn shapes_are_not_mistaken_for_activations() {
    let graph = Graph::reading(&[1, 16])
        .ints("one", &[1])
        .ints("four", &[4])
        .weight("w", &[4, 4])
        .node("Shape", "x", "size")
        .node("Gather", "size one", "columns")
        .node("Add", "columns columns", "twice")
        .node("Add", "columns twice", "thrice")
        .node_with("Concat", "thrice four", "shape", &[int("axis", 0)])
        .node("Reshape", "x shape", "r")
        .node("MatMul", "r w", "y")
        .output("y");
    expect![[r#"
        Shape.size: float: computes shapes or indices
        Gather.columns: float: computes shapes or indices
        Add.twice: float: computes shapes or indices
        Add.thrice: float: computes shapes or indices
        Concat.shape: float: computes shapes or indices
        Reshape.r: float: moves values without changing them: TensorRT carries quantized ones through it
        MatMul.y: r x 1, w axis Some(1) of 4
    "#]]
    .assert_eq(&outcomes(&quantized(&graph.model()).1));
}

#[test]
fn an_average_pool_between_quantized_operators_joins_them() {
    let graph = |extra: &str| {
        let graph = Graph::reading(&[1, 2, 8, 8])
            .weight("w", &[2, 2, 1, 1])
            .weight("v", &[2, 3])
            .node("Conv", "x w", "c")
            .node("GlobalAveragePool", "c", "g")
            .node("Flatten", "g", "f")
            .node("Gemm", "f v", "y")
            .output("y");
        if extra.is_empty() { graph } else { graph.output(extra) }
    };
    assert!(outcomes(&quantized(&graph("").model()).1).contains("GlobalAveragePool.g: c x 2\n"));
    let with_float_reader = outcomes(&quantized(&graph("c").model()).1);
    assert!(
        with_float_reader.contains("GlobalAveragePool.g: float: its neighbours"),
        "{with_float_reader}"
    );
}

#[test]
fn a_squeeze_and_excitation_block_keeps_its_gate_in_float() {
    let graph = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .node("Conv", "x w", "c")
        .node("GlobalAveragePool", "c", "g")
        .node("Conv", "g w", "e")
        .node("HardSigmoid", "e", "s")
        .node("Mul", "c s", "m")
        .node("Conv", "m w", "y")
        .output("y");
    let (_, summary) = quantized(&graph.model());
    expect![[r#"
        Conv.c: x x 1, w axis Some(0) of 2
        GlobalAveragePool.g: float: its neighbours are not quantized
        Conv.e: g x 2, w axis Some(0) of 2
        HardSigmoid.s: float: elementwise: TensorRT fuses it with its neighbours
        Mul.m: float: elementwise: TensorRT fuses it with its neighbours
        Conv.y: m x 3, w axis Some(0) of 2
    "#]]
    .assert_eq(&outcomes(&summary));
}

#[test]
fn graph_outputs_have_no_pair() {
    let graph = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .node("Conv", "x w", "inner")
        .node("Conv", "inner w", "y")
        .output("inner")
        .output("y");
    expect![[r#"
        opset 17
        in x[1,2,8,8]
        x_quantized = QuantizeLinear(x, 1, 0i8)
        x_dequantized = DequantizeLinear(x_quantized, 1, 0i8)
        w_dequantized = DequantizeLinear([-127 -64 64 127]i8, [0.007874016 0.007874016], [0 0]i8) axis=0
        inner = Conv(x_dequantized, w_dequantized)
        inner_quantized = QuantizeLinear(inner, 2, 0i8)
        inner_dequantized = DequantizeLinear(inner_quantized, 2, 0i8)
        y = Conv(inner_dequantized, w_dequantized)
        out inner[]
        out y[]
    "#]].assert_eq(&print(&quantized(&graph.model()).0));
}

#[test]
fn small_layers_stay_in_float_unless_asked_for() {
    let conv = |inputs: usize, filters: &[usize], group: i64| {
        // The second convolution keeps the first from leaving nothing to quantize.
        Graph::reading(&[1, inputs, 8, 8])
            .input("z", &[1, 16, 8, 8])
            .weight("v", filters)
            .weight("w", &[16, 16, 1, 1])
            .node_with("Conv", "x v", "y", &[int("group", group)])
            .node("Conv", "z w", "kept")
            .output("y")
            .output("kept")
    };
    let few = |inputs, outputs| Some(Reason::FewChannels { format: "int8", inputs, outputs });
    let cases = [
        (conv(16, &[16, 16, 1, 1], 1), None),
        (conv(16, &[15, 16, 1, 1], 1), few(16, 15)),
        (conv(8, &[32, 8, 3, 3], 1), few(8, 32)),
        (conv(3, &[8, 3, 3, 3], 1), None),
        (conv(3, &[8, 3, 3, 1], 1), few(3, 8)),
        (conv(3, &[12, 3, 3, 3], 1), few(3, 12)),
        (conv(8, &[8, 1, 3, 3], 8), None),
        (conv(8, &[8, 1, 1, 1], 8), few(8, 8)),
        (conv(12, &[12, 1, 3, 3], 12), few(12, 12)),
        (conv(32, &[32, 4, 1, 1], 8), None),
    ];
    for (graph, expected) in cases {
        let model = graph.model();
        let options = QuantizeOptions::all(Numbers::INT8);
        let ranges = counted_ranges(&model, &options);
        let found = outcomes(&quantize(&model, &ranges, &options).unwrap().1);
        let line = match &expected {
            Some(reason) => format!("Conv.y: float: {reason}\n"),
            None => "Conv.y: x x ".to_owned(),
        };
        assert!(found.contains(&line), "{line}: {found}");
        assert!(outcomes(&quantized(&model).1).contains("Conv.y: x x"));
    }
}

#[test]
fn the_user_may_exclude_by_name_output_and_type() {
    let model = Graph::reading(&[2, 4])
        .weight("w", &[4, 4])
        .node("MatMul", "x w", "/head/a")
        .node("MatMul", "/head/a w", "/tail/b")
        .node("Gemm", "/tail/b w", "y")
        .output("y")
        .model();
    let excluded = |nodes: &[&str], types: &[&str]| {
        let named = nodes.iter().map(|&name| Operators::Named(name.to_owned()));
        let of_type = types.iter().map(|&op| Operators::OfType(op.to_owned()));
        let mut options = everything();
        options.scheme = named.chain(of_type).fold(options.scheme, Scheme::except);
        outcomes(&quantize(&model, &counted_ranges(&model, &options), &options).unwrap().1)
    };
    expect![[r#"
        MatMul./head/a: float: excluded by the name pattern `/head/*`
        MatMul./tail/b: /head/a x 0.007874016, w axis Some(1) of 4
        Gemm.y: float: excluded by the name pattern `Gemm.y`
    "#]]
    .assert_eq(&excluded(&["/head/*", "Gemm.y"], &[]));
    expect![[r#"
        MatMul./head/a: x x 0.007874016, w axis Some(1) of 4
        MatMul./tail/b: /head/a x 0.015748031, w axis Some(1) of 4
        Gemm.y: float: excluded by the operator type pattern `Gemm`
    "#]]
    .assert_eq(&excluded(&[], &["Gemm", "LSTM"]));
}

#[test]
fn weights_that_cannot_be_quantized_say_why() {
    let graph = Graph::reading(&[1, 2, 8, 8])
        .input("k", &[2, 2, 1, 1])
        .weight("w", &[2, 2, 1, 1])
        .node("Conv", "x w", "a")
        .node("Conv", "a k", "y")
        .output("y");
    expect![[r#"
        Conv.a: x x 1, w axis Some(0) of 2
        Conv.y: float: its weights are computed while the model runs
    "#]]
    .assert_eq(&outcomes(&quantized(&graph.model()).1));
}

#[test]
fn zeros_get_a_harmless_scale_and_a_note() {
    let model = Graph::reading(&[1, 1, 2, 2])
        .floats("w", &[2, 1, 1, 1], &[0.0, 1.0])
        .node("Conv", "x w", "y")
        .output("y")
        .model();
    let (model, summary) = quantize(&model, &ranges(&[("x", 0.0)]), &everything()).unwrap();
    expect![[r#"
        opset 17
        in x[1,1,2,2]
        x_quantized = QuantizeLinear(x, 0.007874016, 0i8)
        x_dequantized = DequantizeLinear(x_quantized, 0.007874016, 0i8)
        w_dequantized = DequantizeLinear([0 127]i8, [0.007874016 0.007874016], [0 0]i8) axis=0
        y = Conv(x_dequantized, w_dequantized)
        out y[]
    "#]]
    .assert_eq(&print(&model));
    expect![[r#"
        [
            ZeroActivation {
                tensor: "x",
            },
            ZeroChannels {
                tensor: "w",
                channels: [
                    0,
                ],
            },
        ]
    "#]]
    .assert_debug_eq(&summary.notes);
}

#[test]
fn operators_inside_other_nodes_are_named() {
    let conv = NodeProto::new("Conv", "inner", &["x", "w"], &["z"]);
    let output = ValueInfoProto { name: Some("z".to_owned()), ..ValueInfoProto::default() };
    let body = GraphProto {
        name: Some("body".to_owned()),
        node: vec![conv],
        output: vec![output],
        ..GraphProto::default()
    };
    let branches = ["then_branch", "else_branch"];
    let branches = branches.map(|name| AttributeProto::graph(name, body.clone()));
    let graph = Graph::reading(&[1, 2, 8, 8])
        .weight("w", &[2, 2, 1, 1])
        .constant(TensorProto::from_bool("c", &[], &[true]))
        .node_with("If", "c", "t", &branches)
        .node("Conv", "t w", "y")
        .output("y");
    let ranges = ranges(&[("x", 1.0), ("t", 1.0)]);
    let (_, summary) = quantize(&graph.model(), &ranges, &everything()).unwrap();
    let inner = || "Conv \"inner\" (#0)".to_owned();
    let inside: Vec<_> = summary.inside_others().collect();
    assert_eq!(inside, [("If.t", [inner(), inner()].as_slice())]);
}
