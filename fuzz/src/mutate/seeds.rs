//! A small valid model for each operator, between two convolutions, so that something is quantized around it.

use calibrant_onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model};

use crate::damage;

/// Models of `fixtures/` that run in milliseconds.
const FILES: [&str; 3] = [
    "fixtures/models/fashion_cnn.onnx",
    "fixtures/models/fashion_cnn_bn.onnx",
    "fixtures/models/ppocr_cls.onnx",
];

/// Operators with one input and no attributes that matter.
const UNARY: [&str; 37] = [
    "Abs",
    "Acos",
    "Asin",
    "Atan",
    "Ceil",
    "Celu",
    "Cos",
    "Cosh",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "Log",
    "Mish",
    "Neg",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
    "Sinh",
];

/// Operators of two floats that give a float.
const BINARY: [&str; 10] =
    ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Mean", "Sum", "PRelu"];

/// Operators whose result is a truth value or a whole number.
const TESTS: [&str; 6] = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Mod"];

/// Reductions whose axes are an input from opset 18 on.
const REDUCTIONS: [&str; 10] = [
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
];

/// All of them.
pub(super) fn all() -> Vec<Model> {
    let mut models = Vec::new();
    for op in UNARY {
        models.push(between(vec![NodeProto::new(op, op, &["c"], &["h"])], Vec::new(), 20));
    }
    for op in BINARY {
        models.push(between(
            vec![NodeProto::new(op, op, &["c", "k"], &["h"])],
            vec![floats("k", &[2, 1, 1])],
            17,
        ));
        models.push(between(vec![NodeProto::new(op, op, &["c", "c"], &["h"])], Vec::new(), 17));
    }
    for op in TESTS {
        let whole = cast("c", "i", DataType::INT64);
        let test = NodeProto::new(op, op, &["i", "k"], &["t"]);
        models.push(between(
            vec![whole, test, cast("t", "h", DataType::FLOAT)],
            vec![longs("k", &[-1])],
            17,
        ));
    }
    for op in REDUCTIONS {
        let axes = AttributeProto::ints("axes", &[2, 3]);
        models.push(between(
            vec![NodeProto::new(op, op, &["c"], &["h"]).with_attr(axes)],
            Vec::new(),
            11,
        ));
        models.push(between(
            vec![NodeProto::new(op, op, &["c", "a"], &["h"])],
            vec![longs("a", &[-1])],
            18,
        ));
    }
    models.extend(windows());
    models.extend(shapes());
    models.extend(selections());
    models.extend(norms());
    models.extend(products());
    models.extend(bodies());
    let read = |path: &&str| Model::from_bytes(&damage::file(path), None).expect(path);
    models.extend(FILES.iter().map(read));
    models
}

fn windows() -> Vec<Model> {
    let window = |op: &str, inputs: &[&str], constants: Vec<TensorProto>| {
        let node = NodeProto::new(op, op, inputs, &["h"])
            .with_attr(ints("kernel_shape", &[3, 3]))
            .with_attr(ints("strides", &[2, 1]))
            .with_attr(ints("pads", &[1, 1, 1, 1]));
        between(vec![node], constants, 17)
    };
    let mut models = vec![
        window("Conv", &["c", "k"], vec![floats("k", &[4, 2, 3, 3])]),
        window("ConvTranspose", &["c", "k"], vec![floats("k", &[2, 2, 3, 3])]),
        window("MaxPool", &["c"], Vec::new()),
        window("AveragePool", &["c"], Vec::new()),
    ];
    for auto_pad in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        for op in ["Conv", "MaxPool", "AveragePool"] {
            let (inputs, constants): (&[&str], _) = match op {
                "Conv" => (&["c", "k"], vec![floats("k", &[2, 1, 3, 3])]),
                _ => (&["c"], Vec::new()),
            };
            let mut node = NodeProto::new(op, op, inputs, &["h"])
                .with_attr(ints("kernel_shape", &[3, 3]))
                .with_attr(ints("strides", &[2, 2]))
                .with_attr(AttributeProto::string("auto_pad", auto_pad));
            if op == "Conv" {
                node = node
                    .with_attr(AttributeProto::int("group", 2))
                    .with_attr(ints("dilations", &[1, 1]));
            }
            models.push(between(vec![node], constants, 11));
        }
    }
    models
}

fn shapes() -> Vec<Model> {
    let given = |op: &str, values: &[i64]| {
        between(vec![NodeProto::new(op, op, &["c", "k"], &["h"])], vec![longs("k", values)], 17)
    };
    let one = |op: &str, attributes: Vec<AttributeProto>| {
        let mut node = NodeProto::new(op, op, &["c"], &["h"]);
        node.attribute = attributes;
        between(vec![node], Vec::new(), 17)
    };
    let int = AttributeProto::int;
    let resize = |inputs: &[&str], constant: TensorProto, mode: &str| {
        let node = NodeProto::new("Resize", "Resize", inputs, &["h"])
            .with_attr(AttributeProto::string("mode", mode));
        between(vec![node], vec![constant], 17)
    };
    vec![
        given("Expand", &[1, 2, 6, 6]),
        given("Reshape", &[0, -1]),
        given("Squeeze", &[0]),
        given("Unsqueeze", &[0]),
        given("Tile", &[1, 2, 1, 1]),
        given("Pad", &[0, 0, 1, 1, 0, 0, 1, 1]),
        one("Flatten", vec![int("axis", 2)]),
        one("Transpose", vec![ints("perm", &[0, 1, 3, 2])]),
        one("DepthToSpace", vec![int("blocksize", 1)]),
        one("SpaceToDepth", vec![int("blocksize", 2)]),
        one("Concat", vec![int("axis", 1)]),
        one("Trilu", vec![int("upper", 0)]),
        resize(&["c", "", "k"], TensorProto::from_f32("k", &[4], &[1.0, 1.0, 2.0, 1.5]), "linear"),
        resize(&["c", "", "", "k"], longs("k", &[1, 2, 9, 3]), "nearest"),
        between(
            vec![NodeProto::new("Upsample", "Upsample", &["c", "k"], &["h"])],
            vec![TensorProto::from_f32("k", &[4], &[1.0, 1.0, 2.0, 2.0])],
            9,
        ),
        between(
            vec![
                NodeProto::new("Shape", "", &["c"], &["s"]),
                NodeProto::new("ConstantOfShape", "", &["s"], &["zeros"]),
                NodeProto::new("Add", "", &["c", "zeros"], &["h"]),
            ],
            Vec::new(),
            17,
        ),
        between(
            vec![
                NodeProto::new("Range", "", &["a", "b", "d"], &["r"]),
                cast("r", "f", DataType::FLOAT),
                NodeProto::new("Mul", "", &["c", "f"], &["h"]),
            ],
            vec![long("a", 0), long("b", 6), long("d", 1)],
            17,
        ),
        between(
            vec![
                NodeProto::new("EyeLike", "", &["k"], &["e"]),
                NodeProto::new("MatMul", "", &["c", "e"], &["h"]),
            ],
            vec![floats("k", &[6, 6])],
            17,
        ),
    ]
}

fn selections() -> Vec<Model> {
    let indexed = |op: &str, indices: TensorProto, axis: Option<i64>| {
        let mut node = NodeProto::new(op, op, &["c", "k"], &["h"]);
        node.attribute.extend(axis.map(|axis| AttributeProto::int("axis", axis)));
        between(vec![node], vec![indices], 17)
    };
    let places =
        NodeProto::new("ArgMax", "", &["c"], &["i"]).with_attr(AttributeProto::int("axis", 1));
    vec![
        indexed("Gather", longs("k", &[0, 1]), Some(1)),
        indexed(
            "GatherElements",
            TensorProto::from_i64("k", &[1, 2, 1, 3], &[0, 1, 2, 3, 4, 5]),
            Some(3),
        ),
        indexed("GatherND", TensorProto::from_i64("k", &[1, 2], &[0, 1]), None),
        indexed("Split", longs("k", &[1, 1]), Some(1)),
        indexed("CumSum", long("k", 1), None),
        indexed("TopK", longs("k", &[2]), Some(-1)),
        between(
            vec![NodeProto::new("Slice", "Slice", &["c", "s", "e", "a", "t"], &["h"])],
            vec![
                longs("s", &[-1, 0]),
                longs("e", &[-9, 5]),
                longs("a", &[2, 3]),
                longs("t", &[-1, 2]),
            ],
            17,
        ),
        between(
            vec![NodeProto::new("Clip", "Clip", &["c", "l", "u"], &["h"])],
            vec![TensorProto::from_f32("l", &[], &[-0.5]), TensorProto::from_f32("u", &[], &[0.5])],
            17,
        ),
        between(
            vec![NodeProto::new("NonZero", "", &["c"], &["z"]), cast("z", "h", DataType::FLOAT)],
            Vec::new(),
            17,
        ),
        between(
            vec![
                NodeProto::new("Greater", "", &["c", "l"], &["t"]),
                NodeProto::new("Where", "", &["t", "c", "l"], &["h"]),
            ],
            vec![TensorProto::from_f32("l", &[], &[0.1])],
            17,
        ),
        between(
            vec![places.clone(), NodeProto::new("OneHot", "", &["i", "d", "v"], &["h"])],
            vec![long("d", 3), TensorProto::from_f32("v", &[2], &[0.0, 1.0])],
            17,
        ),
        between(vec![places, cast("i", "h", DataType::FLOAT)], Vec::new(), 17),
        between(
            vec![NodeProto::new("ScatterElements", "", &["c", "i", "u"], &["h"])],
            vec![TensorProto::from_i64("i", &[1, 1, 1, 2], &[0, 0]), floats("u", &[1, 1, 1, 2])],
            17,
        ),
        between(
            vec![NodeProto::new("ScatterND", "", &["c", "i", "u"], &["h"])],
            vec![TensorProto::from_i64("i", &[1, 4], &[0, 1, 2, 3]), floats("u", &[1])],
            17,
        ),
        between(
            vec![NodeProto::new("GridSample", "", &["c", "g"], &["h"])],
            vec![floats("g", &[1, 3, 3, 2])],
            16,
        ),
        between(
            vec![
                NodeProto::new("ReverseSequence", "", &["c", "l"], &["h"])
                    .with_attr(AttributeProto::int("batch_axis", 0))
                    .with_attr(AttributeProto::int("time_axis", 1)),
            ],
            vec![longs("l", &[2])],
            17,
        ),
        between(
            vec![
                NodeProto::new("SplitToSequence", "", &["c"], &["q"])
                    .with_attr(AttributeProto::int("axis", 1)),
                NodeProto::new("ConcatFromSequence", "", &["q"], &["h"])
                    .with_attr(AttributeProto::int("axis", 1)),
            ],
            Vec::new(),
            17,
        ),
    ]
}

fn norms() -> Vec<Model> {
    let weighted = |op: &str, names: &[&str], opset: i64| {
        let inputs: Vec<&str> = std::iter::once("c").chain(names.iter().copied()).collect();
        let constants = names.iter().map(|name| TensorProto::from_f32(name, &[2], &[1.0, 0.5]));
        between(vec![NodeProto::new(op, op, &inputs, &["h"])], constants.collect(), opset)
    };
    let axis = |op: &str, opset: i64| {
        let node = NodeProto::new(op, op, &["c"], &["h"]).with_attr(AttributeProto::int("axis", 1));
        between(vec![node], Vec::new(), opset)
    };
    let mut groups = weighted("GroupNormalization", &["s", "b"], 21);
    if let Some(node) =
        groups.graph_mut().node.iter_mut().find(|node| node.is("GroupNormalization"))
    {
        node.set_attr(AttributeProto::int("num_groups", 2));
    }
    vec![
        weighted("BatchNormalization", &["s", "b", "m", "v"], 17),
        weighted("InstanceNormalization", &["s", "b"], 17),
        groups,
        axis("Softmax", 17),
        axis("Softmax", 11),
        axis("LogSoftmax", 17),
        axis("LpNormalization", 17),
        between(
            vec![
                NodeProto::new("LayerNormalization", "", &["c", "g"], &["h"])
                    .with_attr(AttributeProto::int("axis", -1)),
            ],
            vec![floats("g", &[6])],
            17,
        ),
        between(
            vec![
                NodeProto::new("LRN", "", &["c"], &["h"]).with_attr(AttributeProto::int("size", 3)),
            ],
            Vec::new(),
            17,
        ),
        between(
            vec![
                NodeProto::new("QuantizeLinear", "", &["c", "s", "z"], &["q"]),
                NodeProto::new("DequantizeLinear", "", &["q", "s", "z"], &["h"]),
            ],
            vec![TensorProto::from_f32("s", &[], &[0.1]), TensorProto::from_i8("z", &[], &[0])],
            17,
        ),
    ]
}

fn products() -> Vec<Model> {
    let recurrent = |op: &str, gates: usize| {
        let node = NodeProto::new(op, op, &["t", "w", "r"], &["h"])
            .with_attr(AttributeProto::int("hidden_size", 3))
            .with_attr(AttributeProto::int("linear_before_reset", 1));
        let mut node = node;
        if op == "LSTM" {
            node.remove_attr("linear_before_reset");
        }
        let to_steps = NodeProto::new("Reshape", "", &["c", "k"], &["t"]);
        let constants = vec![
            longs("k", &[-1, 1, 6]),
            floats("w", &[1, 3 * gates, 6]),
            floats("r", &[1, 3 * gates, 3]),
        ];
        between(vec![to_steps, node], constants, 17)
    };
    let einsum = |equation: &str, inputs: &[&str]| {
        let node = NodeProto::new("Einsum", "", inputs, &["h"])
            .with_attr(AttributeProto::string("equation", equation));
        between(vec![node], vec![floats("k", &[6, 4])], 17)
    };
    vec![
        between(
            vec![NodeProto::new("MatMul", "", &["c", "k"], &["h"])],
            vec![floats("k", &[6, 4])],
            17,
        ),
        between(vec![NodeProto::new("MatMul", "", &["c", "c"], &["h"])], Vec::new(), 17),
        between(
            vec![
                NodeProto::new("Flatten", "", &["c"], &["f"]),
                NodeProto::new("Gemm", "", &["f", "k", "b"], &["h"])
                    .with_attr(AttributeProto::int("transB", 1))
                    .with_attr(AttributeProto::float("alpha", 0.5)),
            ],
            vec![floats("k", &[5, 72]), floats("b", &[5])],
            17,
        ),
        einsum("abcd,de->abce", &["c", "k"]),
        einsum("...ij->...ji", &["c"]),
        recurrent("LSTM", 4),
        recurrent("GRU", 3),
    ]
}

fn bodies() -> Vec<Model> {
    let turn = body(
        &["turn", "on", "state"],
        &["on", "next", "state"],
        vec![NodeProto::new("Add", "", &["state", "state"], &["next"])],
    );
    let endless = body(
        &["turn", "on", "state"],
        &["on", "next"],
        vec![NodeProto::new("Tanh", "", &["state"], &["next"])],
    );
    let branch = |op: &str| body(&[], &["out"], vec![NodeProto::new(op, "", &["c"], &["out"])]);
    vec![
        between(
            vec![
                NodeProto::new("Loop", "", &["n", "", "c"], &["h", "all"])
                    .with_attr(AttributeProto::graph("body", turn)),
            ],
            vec![long("n", 3)],
            17,
        ),
        between(
            vec![
                NodeProto::new("Loop", "", &["", "", "c"], &["h"])
                    .with_attr(AttributeProto::graph("body", endless)),
            ],
            Vec::new(),
            17,
        ),
        between(
            vec![
                NodeProto::new("If", "", &["t"], &["h"])
                    .with_attr(AttributeProto::graph("then_branch", branch("Relu")))
                    .with_attr(AttributeProto::graph("else_branch", branch("Neg"))),
            ],
            vec![TensorProto::from_bool("t", &[], &[true])],
            17,
        ),
    ]
}

/// The nodes, which make `h` of `c`, between a convolution that makes `c` and a product behind `h`.
fn between(nodes: Vec<NodeProto>, constants: Vec<TensorProto>, opset: i64) -> Model {
    let dims = [Dim::Symbol("n"), Dim::Known(2), Dim::Known(6), Dim::Known(6)];
    let mut graph = GraphProto {
        name: nodes.last().and_then(|node| node.op_type.clone()),
        input: vec![ValueInfoProto::tensor("x", DataType::FLOAT, &dims)],
        output: vec![untyped("y"), untyped("side")],
        initializer: constants,
        ..GraphProto::default()
    };
    graph.initializer.push(floats("front weight", &[2, 2, 3, 3]));
    graph.initializer.push(TensorProto::from_f32("back weight", &[], &[0.5]));
    let same = || ints("pads", &[1, 1, 1, 1]);
    graph.node.push(
        NodeProto::new("Conv", "front", &["x", "front weight"], &["c"])
            .with_attr(ints("kernel_shape", &[3, 3]))
            .with_attr(same()),
    );
    graph.node.extend(nodes);
    graph.node.push(NodeProto::new("Mul", "back", &["h", "back weight"], &["y"]));
    graph.node.push(
        NodeProto::new("Conv", "side", &["c", "front weight"], &["side"])
            .with_attr(ints("kernel_shape", &[3, 3]))
            .with_attr(same()),
    );
    Model::new(ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto::default().with_version(opset)],
        graph: MessageField::some(graph),
        ..ModelProto::default()
    })
}

/// The graph of a body.
pub(super) fn body(inputs: &[&str], outputs: &[&str], nodes: Vec<NodeProto>) -> GraphProto {
    GraphProto {
        name: Some("body".to_owned()),
        input: inputs.iter().map(|name| untyped(name)).collect(),
        output: outputs.iter().map(|name| untyped(name)).collect(),
        node: nodes,
        ..GraphProto::default()
    }
}

pub(super) fn untyped(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: Some(name.to_owned()), ..ValueInfoProto::default() }
}

fn cast(from: &str, to: &str, dtype: DataType) -> NodeProto {
    NodeProto::new("Cast", "", &[from], &[to]).with_attr(AttributeProto::int("to", dtype as i64))
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto::ints(name, values)
}

fn longs(name: &str, values: &[i64]) -> TensorProto {
    TensorProto::from_i64(name, &[values.len()], values)
}

fn long(name: &str, value: i64) -> TensorProto {
    TensorProto::from_i64(name, &[], &[value])
}

/// Values of both signs, no two of a row equal.
fn floats(name: &str, shape: &[usize]) -> TensorProto {
    let value = |index: usize| ((index * 37 + 11) % 29) as f32 / 29.0 - 0.5;
    let values: Vec<f32> = (0..shape.iter().product()).map(value).collect();
    TensorProto::from_f32(name, shape, &values)
}
