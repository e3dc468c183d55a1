//! Broken and absurd models: each is an error with a type, none a panic, a hang or an abort.

use std::panic::{AssertUnwindSafe, catch_unwind};

use calibrant_onnx::proto::{
    AttributeProto, GraphProto, NodeProto, OperatorSetIdProto, TensorProto,
};
use calibrant_onnx::{DataType, Dim, Model};

use crate::support::{calibrate, input, load, model_of, noisy};

/// A model of one node that reads `x` of [1, 2, 6, 6] and makes `h`, which must exist for what comes after it.
fn one(node: NodeProto, constants: Vec<TensorProto>) -> Model {
    let dims = [Dim::Symbol("batch"), Dim::Unknown, Dim::Unknown, Dim::Unknown];
    model_of(
        vec![input("x", DataType::FLOAT, &dims)],
        vec![node, NodeProto::new("Relu", "after", &["h"], &["y"])],
        constants,
        17,
    )
}

fn node(op: &str, inputs: &[&str]) -> NodeProto {
    NodeProto::new(op, "hostile", inputs, &["h"])
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto::ints(name, values)
}

fn longs(name: &str, values: &[i64]) -> TensorProto {
    TensorProto::from_i64(name, &[values.len()], values)
}

fn conv(attribute: AttributeProto) -> Model {
    one(
        node("Conv", &["x", "w"]).with_attr(attribute),
        vec![TensorProto::from_f32("w", &[2, 2, 3, 3], &[0.1; 36])],
    )
}

fn pool(attribute: AttributeProto) -> Model {
    one(
        node("MaxPool", &["x"]).with_attr(ints("kernel_shape", &[2, 2])).with_attr(attribute),
        Vec::new(),
    )
}

/// Attributes of convolutions and pools.
fn windows() -> Vec<(&'static str, Model)> {
    let weight =
        |shape: &[usize]| TensorProto::from_f32("w", shape, &vec![0.1; shape.iter().product()]);
    vec![
        ("conv stride 0", conv(ints("strides", &[0, 1]))),
        ("conv stride negative", conv(ints("strides", &[-1, 1]))),
        ("conv one stride", conv(ints("strides", &[1]))),
        ("conv dilation 0", conv(ints("dilations", &[0, 0]))),
        ("conv kernel of another size", conv(ints("kernel_shape", &[5, 5]))),
        ("conv kernel of three axes", conv(ints("kernel_shape", &[3, 3, 3]))),
        ("conv pads huge", conv(ints("pads", &[1 << 40; 4]))),
        ("conv pads large", conv(ints("pads", &[1 << 30; 4]))),
        ("conv pads negative", conv(ints("pads", &[-9, 0, 0, 0]))),
        ("conv pads too few", conv(ints("pads", &[1]))),
        ("conv group 0", conv(AttributeProto::int("group", 0))),
        ("conv group 3", conv(AttributeProto::int("group", 3))),
        ("conv auto_pad unknown", conv(AttributeProto::string("auto_pad", "OTHER"))),
        (
            "conv weight of another depth",
            one(node("Conv", &["x", "w"]), vec![weight(&[2, 5, 3, 3])]),
        ),
        ("conv weight of rank 1", one(node("Conv", &["x", "w"]), vec![weight(&[4])])),
        (
            "conv kernel larger than input",
            one(node("Conv", &["x", "w"]), vec![weight(&[1, 2, 9, 9])]),
        ),
        ("conv without weight", one(node("Conv", &["x"]), Vec::new())),
        (
            "conv with a computed weight of too few channels",
            one(node("Conv", &["x", "x"]).with_attr(AttributeProto::int("group", 2)), Vec::new()),
        ),
        ("pool kernel 0", pool(ints("kernel_shape", &[0, 0]))),
        ("pool kernel huge", pool(ints("kernel_shape", &[1 << 40, 1]))),
        ("pool kernel larger than input", pool(ints("kernel_shape", &[7, 7]))),
        ("pool stride 0", pool(ints("strides", &[0, 0]))),
        ("pool pads beyond kernel", pool(ints("pads", &[1 << 62; 4]))),
        ("pool dilated beyond input", pool(ints("dilations", &[9, 9]))),
        ("pool without kernel", one(node("MaxPool", &["x"]), Vec::new())),
        (
            "transposed conv output absurd",
            one(
                node("ConvTranspose", &["x", "w"]).with_attr(ints("output_shape", &[1 << 40, 1])),
                vec![weight(&[2, 1, 3, 3])],
            ),
        ),
    ]
}

/// Shapes and indices that do not fit.
fn shapes() -> Vec<(&'static str, Model)> {
    let with = |op: &str, values: &[i64]| one(node(op, &["x", "c"]), vec![longs("c", values)]);
    let axis = |op: &str, inputs: &[&str], axis| {
        one(node(op, inputs).with_attr(AttributeProto::int("axis", axis)), vec![longs("c", &[0])])
    };
    let slice = |steps: i64| {
        let constants =
            vec![longs("s", &[0]), longs("e", &[9]), longs("a", &[1]), longs("t", &[steps])];
        one(node("Slice", &["x", "s", "e", "a", "t"]), constants)
    };
    let resize = |scales: &[f32]| {
        let scales = TensorProto::from_f32("s", &[scales.len()], scales);
        one(node("Resize", &["x", "", "s"]), vec![scales])
    };
    vec![
        ("slice step 0", slice(0)),
        (
            "slice of one axis too many",
            one(node("Slice", &["x", "s", "s", "a"]), vec![longs("s", &[0]), longs("a", &[9])]),
        ),
        ("reshape to another size", with("Reshape", &[5, 5])),
        ("reshape with two unknown", with("Reshape", &[-1, -1])),
        ("reshape to a negative size", with("Reshape", &[-3, 4])),
        ("reshape copies a missing axis", with("Reshape", &[0, 0, 0, 0, 0])),
        ("expand to absurd", with("Expand", &[1 << 31, 1 << 31, 1, 1, 1])),
        ("expand negative", with("Expand", &[-2, 1, 1, 1])),
        ("tile absurd", with("Tile", &[1 << 20, 1 << 20, 1, 1])),
        ("tile negative", with("Tile", &[-1, 1, 1, 1])),
        ("tile too short", with("Tile", &[2])),
        ("squeeze a long axis", with("Squeeze", &[3])),
        ("unsqueeze twice", with("Unsqueeze", &[0, 0])),
        ("unsqueeze far away", with("Unsqueeze", &[77])),
        ("pad absurd", with("Pad", &[1 << 40; 8])),
        ("pad too short", with("Pad", &[1, 1])),
        ("pad all away", with("Pad", &[0, 0, -9, 0, 0, 0, 0, 0])),
        ("split of another size", with("Split", &[1, 9])),
        ("topk of too many", with("TopK", &[99])),
        ("topk of fewer than none", with("TopK", &[-1])),
        (
            "gather beyond",
            one(
                node("Gather", &["x", "c"]).with_attr(AttributeProto::int("axis", 3)),
                vec![longs("c", &[99])],
            ),
        ),
        ("gather axis", axis("Gather", &["x", "c"], 9)),
        ("concat axis", axis("Concat", &["x", "x"], 9)),
        ("softmax axis", axis("Softmax", &["x"], 9)),
        ("flatten axis", axis("Flatten", &["x"], 9)),
        ("argmax axis", {
            let nodes = vec![
                NodeProto::new("ArgMax", "hostile", &["x"], &["i"])
                    .with_attr(AttributeProto::int("axis", 9)),
                NodeProto::new("Cast", "cast", &["i"], &["y"])
                    .with_attr(AttributeProto::int("to", 1)),
            ];
            model_of(vec![input("x", DataType::FLOAT, &[Dim::Unknown; 4])], nodes, Vec::new(), 17)
        }),
        ("cumsum axis", with("CumSum", &[9])),
        (
            "transpose twice the same axis",
            one(node("Transpose", &["x"]).with_attr(ints("perm", &[0, 0, 1, 2])), Vec::new()),
        ),
        (
            "transpose too few axes",
            one(node("Transpose", &["x"]).with_attr(ints("perm", &[1, 0])), Vec::new()),
        ),
        (
            "matmul of unequal",
            one(node("MatMul", &["x", "w"]), vec![TensorProto::from_f32("w", &[5, 2], &[0.0; 10])]),
        ),
        (
            "gemm of rank 4",
            one(node("Gemm", &["x", "w"]), vec![TensorProto::from_f32("w", &[6, 2], &[0.0; 12])]),
        ),
        (
            "add of unequal",
            one(node("Add", &["x", "w"]), vec![TensorProto::from_f32("w", &[5], &[0.0; 5])]),
        ),
        (
            "einsum nonsense",
            one(
                node("Einsum", &["x"]).with_attr(AttributeProto::string("equation", "->->")),
                Vec::new(),
            ),
        ),
        (
            "depth to space not divisible",
            one(
                node("DepthToSpace", &["x"]).with_attr(AttributeProto::int("blocksize", 5)),
                Vec::new(),
            ),
        ),
        (
            "depth to space of block 0",
            one(
                node("DepthToSpace", &["x"]).with_attr(AttributeProto::int("blocksize", 0)),
                Vec::new(),
            ),
        ),
        ("resize to nothing", resize(&[1.0, 1.0, 0.0, 0.0])),
        ("resize absurd", resize(&[1.0, 1.0, 1e9, 1e9])),
        ("resize negative", resize(&[1.0, 1.0, -1.0, 1.0])),
        ("resize nan", resize(&[1.0, 1.0, f32::NAN, 1.0])),
        ("resize too few scales", resize(&[2.0])),
        ("batch norm of another depth", {
            let names = ["s", "b", "m", "v"];
            let constants = names.map(|name| TensorProto::from_f32(name, &[7], &[1.0; 7]));
            one(node("BatchNormalization", &["x", "s", "b", "m", "v"]), constants.into())
        }),
    ]
}

/// Graphs and constants that make no sense.
fn graphs() -> Vec<(&'static str, Model)> {
    let relu = || one(node("Relu", &["x"]), Vec::new());
    let weight = |change: fn(&mut TensorProto)| {
        let mut tensor = TensorProto::from_f32("w", &[2, 2], &[1.0; 4]);
        change(&mut tensor);
        one(node("Mul", &["x", "w"]), vec![tensor])
    };
    let changed = |change: fn(&mut Model)| {
        let mut model = relu();
        change(&mut model);
        model
    };
    vec![
        ("nothing at all", Model::new(calibrant_onnx::proto::ModelProto::default())),
        ("no nodes", changed(|model| model.graph_mut().node.clear())),
        ("no outputs", changed(|model| model.graph_mut().output.clear())),
        ("no inputs", changed(|model| model.graph_mut().input.clear())),
        ("no opset", changed(|model| model.proto.opset_import.clear())),
        (
            "opset 99",
            changed(|model| {
                model.proto.opset_import = vec![OperatorSetIdProto::default().with_version(99)]
            }),
        ),
        ("unknown operator", one(node("Frobnicate", &["x"]), Vec::new())),
        ("operator of nobody", one(node("", &["x"]), Vec::new())),
        ("operator of another domain", {
            let mut model = relu();
            model.graph_mut().node[0].domain = Some("com.example".to_owned());
            model
        }),
        (
            "a circle",
            changed(|model| {
                model.graph_mut().node.push(NodeProto::new("Relu", "", &["b"], &["a"]));
                model.graph_mut().node.push(NodeProto::new("Relu", "", &["a"], &["b"]));
            }),
        ),
        (
            "one tensor made twice",
            changed(|model| {
                let again = model.graph().node[0].clone();
                model.graph_mut().node.push(again);
            }),
        ),
        ("a tensor from nowhere", one(node("Add", &["x", "nowhere"]), Vec::new())),
        (
            "an output from nowhere",
            changed(|model| model.graph_mut().output[0].name = Some("nowhere".to_owned())),
        ),
        ("a weight too short", weight(|tensor| tensor.dims = vec![3, 3])),
        ("a weight of negative size", weight(|tensor| tensor.dims = vec![-2, 2])),
        ("a weight of absurd size", weight(|tensor| tensor.dims = vec![1 << 62, 1 << 62])),
        ("a weight of unknown type", weight(|tensor| tensor.data_type = Some(77))),
        ("a weight of strings", weight(|tensor| tensor.data_type = Some(DataType::STRING as i32))),
        (
            "a weight in a file",
            weight(|tensor| {
                tensor.data_location =
                    Some(calibrant_onnx::proto::tensor_proto::DataLocation::EXTERNAL);
                tensor.raw_data = None;
            }),
        ),
        ("if without branches", one(node("If", &["x"]), Vec::new())),
        ("if on floats", {
            let mut body = GraphProto { name: Some("body".to_owned()), ..GraphProto::default() };
            body.node.push(NodeProto::new("Relu", "", &["x"], &["inner"]));
            body.output.push(input("inner", DataType::FLOAT, &[]));
            let branches =
                node("If", &["x"]).with_attr(AttributeProto::graph("then_branch", body.clone()));
            one(branches.with_attr(AttributeProto::graph("else_branch", body)), Vec::new())
        }),
        ("loop without body", one(node("Loop", &["", ""]), Vec::new())),
        ("an attribute of another kind", conv(AttributeProto::string("strides", "two"))),
        ("a constant of absurd size", {
            let nodes = vec![
                NodeProto::new("ConstantOfShape", "hostile", &["c"], &["big"]),
                NodeProto::new("Add", "add", &["x", "big"], &["y"]),
            ];
            let x = input("x", DataType::FLOAT, &[Dim::Unknown; 4]);
            model_of(vec![x], nodes, vec![longs("c", &[1 << 40, 1 << 20])], 17)
        }),
    ]
}

#[test]
fn every_hostile_model_is_an_error_with_a_type() {
    let mut wrong = Vec::new();
    for (name, model) in windows().into_iter().chain(shapes()).chain(graphs()) {
        let sample = noisy(0, "x", &[1, 2, 6, 6], -1.0, 1.0);
        let run = || match load(&model) {
            Ok(_) => calibrate(&model, &[sample]).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(_)) => wrong.push(format!("{name}: accepted")),
            Ok(Err(text)) if text.is_empty() || text.ends_with('.') => {
                wrong.push(format!("{name}: says {text:?}"))
            }
            Ok(Err(_)) => {}
            Err(_) => wrong.push(format!("{name}: panicked")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_long_chain_of_nodes_needs_no_deep_stack() {
    let name = |index: usize| if index == 4999 { "y".to_owned() } else { format!("t{index}") };
    let nodes = (0..5000).map(|index| {
        let last = if index == 0 { "x".to_owned() } else { name(index - 1) };
        NodeProto::new("Identity", "", &[&last], &[&name(index)])
    });
    let mut nodes: Vec<NodeProto> = nodes.collect();
    nodes[4999].op_type = Some("Relu".to_owned());
    let x = input("x", DataType::FLOAT, &[Dim::Unknown; 2]);
    let seen =
        calibrate(&model_of(vec![x], nodes, Vec::new(), 17), &[noisy(0, "x", &[1, 2], -1.0, 1.0)])
            .unwrap();
    assert_eq!(seen.tensors.len(), 5001);
    assert_eq!(seen.tensors["t4998"], seen.tensors["x"]);
}
