//! Models that ask for too much: memory, time, depth.

use std::error::Error as _;

use calibrant_calibration::Statistics;
use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, Dim, Model};
use calibrant_prefetch::Batch;
use calibrant_runtime::scripted::ScriptedSource;
use calibrant_runtime::{
    LoadError, RunError, Sample, Settings, Source, SourceError, SourceErrorKind,
};

use crate::support::{calibrate, input, load, load_with, model, model_of, noisy, settings};

/// What the models here may take; what they ask for is beyond it.
const LITTLE: u64 = 64 << 20;

/// A model that gives `x` of [1, 2, 6, 6] to the nodes, the last of which makes `h`.
fn of(nodes: Vec<NodeProto>, constants: Vec<TensorProto>, opset: i64) -> Model {
    let dims = [Dim::Symbol("batch"), Dim::Unknown, Dim::Unknown, Dim::Unknown];
    let mut nodes = nodes;
    nodes.push(NodeProto::new("Relu", "after", &["h"], &["y"]));
    model_of(vec![input("x", DataType::FLOAT, &dims)], nodes, constants, opset)
}

fn node(op: &str, inputs: &[&str]) -> NodeProto {
    NodeProto::new(op, "greedy", inputs, &["h"])
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

fn weight(name: &str, shape: &[usize]) -> TensorProto {
    TensorProto::from_f32(name, shape, &vec![0.1; shape.iter().product()])
}

fn run(model: &Model, memory_bytes: u64) -> Result<Statistics, RunError> {
    let settings = Settings { memory_bytes, ..settings(1, 1) };
    let mut network = load_with(model, &settings).unwrap();
    let sample = noisy(0, "x", &[1, 2, 6, 6], -1.0, 1.0);
    Ok(network.run(&mut ScriptedSource::of_samples(&[sample], 1))?.statistics)
}

/// Models whose node `greedy` asks for more than [`LITTLE`], and for less than the constants alone may.
fn greedy() -> Vec<(&'static str, Model)> {
    let one = |node, constants| of(vec![node], constants, 17);
    // Two of the model's own elements as long as asked for, so that nothing is known before it runs.
    let long_list = |len: i64| {
        let first = NodeProto::new("ReduceMax", "first", &["x"], &["m"])
            .with_attr(AttributeProto::int("keepdims", 0));
        let whole = NodeProto::new("Cast", "whole", &["m"], &["w"])
            .with_attr(AttributeProto::int("to", DataType::INT64 as i64));
        let nothing = NodeProto::new("Mul", "nothing", &["w", "zero"], &["z"]);
        let length = NodeProto::new("Add", "length", &["z", "len"], &["l"]);
        (vec![first, whole, nothing, length], vec![long("zero", 0), long("len", len)])
    };
    let (mut range, mut range_constants) = long_list(1 << 26);
    range.push(NodeProto::new("Range", "greedy", &["zero", "l", "one"], &["r"]));
    range.push(NodeProto::new("Cast", "", &["r"], &["h"]).with_attr(AttributeProto::int("to", 1)));
    range_constants.push(long("one", 1));
    let (mut filled, mut filled_constants) = long_list(1 << 26);
    filled.push(NodeProto::new("Reshape", "", &["l", "list"], &["s"]));
    filled.push(NodeProto::new("ConstantOfShape", "greedy", &["s"], &["c"]));
    filled.push(NodeProto::new("Add", "", &["c", "m"], &["h"]));
    filled_constants.push(longs("list", &[1]));
    let pads = || ints("pads", &[1 << 13; 4]);
    let float = |name: &str, values: &[f32]| TensorProto::from_f32(name, &[values.len()], values);
    let attribute_int = AttributeProto::int;
    let mut x_x = of(
        vec![
            NodeProto::new("Reshape", "", &["x", "column"], &["a"]),
            NodeProto::new("Tile", "", &["a", "times"], &["b"]),
            NodeProto::new("Transpose", "", &["b"], &["c"]).with_attr(ints("perm", &[1, 0])),
            NodeProto::new("MatMul", "greedy", &["b", "c"], &["h"]),
        ],
        vec![longs("column", &[-1, 1]), longs("times", &[100, 1])],
        17,
    );
    let product = |op: &str, attribute: Option<AttributeProto>| {
        let mut model = x_x.clone();
        let node = &mut model.graph_mut().node[3];
        node.op_type = Some(op.to_owned());
        node.attribute.extend(attribute);
        model
    };
    let products = [
        ("matmul", product("MatMul", None)),
        ("gemm", product("Gemm", None)),
        ("add", product("Add", None)),
        ("einsum", product("Einsum", Some(AttributeProto::string("equation", "ij,jk->ik")))),
    ];
    x_x.graph_mut().node[3] = NodeProto::new("Where", "greedy", &["t", "b", "c"], &["h"]);
    x_x.graph_mut().initializer.push(TensorProto::from_bool("t", &[], &[true]));
    let mut models = vec![
        (
            "conv pads",
            one(node("Conv", &["x", "w"]).with_attr(pads()), vec![weight("w", &[2, 2, 3, 3])]),
        ),
        (
            "depthwise conv pads",
            one(
                node("Conv", &["x", "w"]).with_attr(pads()).with_attr(attribute_int("group", 2)),
                vec![weight("w", &[2, 1, 3, 3])],
            ),
        ),
        (
            "max pool pads",
            one(
                node("MaxPool", &["x"]).with_attr(ints("kernel_shape", &[2, 2])).with_attr(pads()),
                Vec::new(),
            ),
        ),
        (
            "average pool pads",
            one(
                node("AveragePool", &["x"])
                    .with_attr(ints("kernel_shape", &[2, 2]))
                    .with_attr(pads()),
                Vec::new(),
            ),
        ),
        (
            "transposed conv strides",
            one(
                node("ConvTranspose", &["x", "w"]).with_attr(ints("strides", &[1 << 12, 1 << 12])),
                vec![weight("w", &[2, 2, 3, 3])],
            ),
        ),
        ("expand", one(node("Expand", &["x", "s"]), vec![longs("s", &[1 << 20, 1, 1, 1, 1])])),
        ("tile", one(node("Tile", &["x", "s"]), vec![longs("s", &[1 << 10, 1 << 10, 1, 1])])),
        ("top k", one(node("TopK", &["x", "k"]), vec![longs("k", &[1 << 24])])),
        (
            "pad",
            one(node("Pad", &["x", "p"]), vec![longs("p", &[0, 0, 0, 0, 0, 0, 1 << 12, 1 << 12])]),
        ),
        (
            "resize by scales",
            one(node("Resize", &["x", "", "s"]), vec![float("s", &[1.0, 1.0, 1e3, 1e3])]),
        ),
        (
            "resize to sizes",
            one(node("Resize", &["x", "", "", "s"]), vec![longs("s", &[1, 2, 1 << 12, 1 << 12])]),
        ),
        (
            "upsample",
            of(vec![node("Upsample", &["x", "s"])], vec![float("s", &[1.0, 1.0, 1e3, 1e3])], 9),
        ),
        (
            "gather",
            one(
                node("Gather", &["x", "i"]).with_attr(attribute_int("axis", 1)),
                vec![longs("i", &[1; 1 << 20])],
            ),
        ),
        ("range", of(range, range_constants, 17)),
        ("constant of shape", of(filled, filled_constants, 17)),
        ("where", x_x),
    ];
    models.extend(products);
    models.extend(volumes());
    models.extend(places());
    models
}

/// Windows over three axes, and a weight that is known only when it runs.
fn volumes() -> Vec<(&'static str, Model)> {
    let volume = |greedy: NodeProto, constants: Vec<TensorProto>| {
        let split = NodeProto::new("Reshape", "", &["x", "sizes"], &["v"]);
        let mut constants = constants;
        constants.push(longs("sizes", &[1, 2, 1, 6, 6]));
        of(vec![split, greedy], constants, 18)
    };
    let pads = || ints("pads", &[1 << 8; 6]);
    let pool =
        |op: &str| node(op, &["v"]).with_attr(ints("kernel_shape", &[2; 3])).with_attr(pads());
    let w = || vec![weight("w", &[2, 2, 3, 3, 3])];
    let computed = NodeProto::new("Neg", "", &["w"], &["n"]);
    let conv = node("Conv", &["x", "n"]).with_attr(ints("pads", &[1 << 13; 4]));
    vec![
        ("volume conv pads", volume(node("Conv", &["v", "w"]).with_attr(pads()), w())),
        (
            "volume transposed conv strides",
            volume(
                node("ConvTranspose", &["v", "w"])
                    .with_attr(ints("strides", &[1, 1 << 12, 1 << 12])),
                w(),
            ),
        ),
        ("volume max pool pads", volume(pool("MaxPool"), Vec::new())),
        ("volume average pool pads", volume(pool("AveragePool"), Vec::new())),
        ("volume Lp pool pads", volume(pool("LpPool"), Vec::new())),
        ("computed weight", of(vec![computed, conv], vec![weight("w", &[2, 2, 3, 3])], 17)),
    ]
}

/// What moves or resamples elements.
fn places() -> Vec<(&'static str, Model)> {
    let after_reshape = |shape: &[i64], greedy: NodeProto, constants: Vec<TensorProto>| {
        let reshaped = NodeProto::new("Reshape", "", &["x", "sizes"], &["v"]);
        let constants = [constants, vec![longs("sizes", shape)]].concat();
        of(vec![reshaped, greedy], constants, 20)
    };
    let one = |node, constants| of(vec![node], constants, 20);
    let indices = TensorProto::from_i64("i", &[1, 2, 6, 6], &[0; 72]);
    let far = 1 << 12;
    vec![
        (
            "center crop pad",
            one(node("CenterCropPad", &["x", "s"]), vec![longs("s", &[1, 2, 1 << 13, 1 << 13])]),
        ),
        (
            "pad and cut",
            one(node("Pad", &["x", "p"]), vec![longs("p", &[0, 0, -1, 0, 0, 0, far, far])]),
        ),
        (
            "max unpool",
            one(
                node("MaxUnpool", &["x", "i"])
                    .with_attr(ints("kernel_shape", &[1, 1]))
                    .with_attr(ints("strides", &[far, far])),
                vec![indices],
            ),
        ),
        (
            "roi align",
            one(
                node("RoiAlign", &["x", "r", "b"])
                    .with_attr(AttributeProto::int("output_height", far))
                    .with_attr(AttributeProto::int("output_width", far)),
                vec![TensorProto::from_f32("r", &[1, 4], &[0.0, 0.0, 1.0, 1.0]), longs("b", &[0])],
            ),
        ),
        (
            "roi align of a large box",
            one(
                node("RoiAlign", &["x", "r", "b"]),
                vec![TensorProto::from_f32("r", &[1, 4], &[0.0, 0.0, 1e7, 1e7]), longs("b", &[0])],
            ),
        ),
        (
            "transform of a length",
            after_reshape(
                &[1, 36, 2],
                node("DFT", &["v", "l", "a"]),
                vec![long("l", 1 << 22), long("a", 1)],
            ),
        ),
        (
            "affine grid",
            after_reshape(
                &[12, 2, 3],
                node("AffineGrid", &["v", "s"]),
                vec![longs("s", &[12, 1, far, far])],
            ),
        ),
        (
            "columns to picture",
            after_reshape(
                &[1, 8, 9],
                node("Col2Im", &["v", "i", "b"]).with_attr(ints("strides", &[4095, 4095])),
                vec![longs("i", &[8192, 8192]), longs("b", &[2, 2])],
            ),
        ),
    ]
}

#[test]
fn what_asks_for_too_much_memory_is_an_error_that_names_the_node() {
    for (name, model) in greedy() {
        match run(&model, LITTLE) {
            Err(RunError::Execution { node, source, .. }) => {
                assert_eq!(node, "greedy", "{name}");
                let text = source.to_string();
                assert!(
                    text.starts_with("it would take ") && text.ends_with("raise the memory limit"),
                    "{name}: {text}"
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn weights_and_statistics_that_do_not_fit_are_said_before_anything_runs() {
    let model = of(vec![node("Mul", &["x", "w"])], vec![weight("w", &[1 << 20, 1, 1, 1])], 17);
    let error = run(&model, 1 << 20).unwrap_err();
    let text = error.source().unwrap().to_string();
    assert!(text.starts_with("weights and statistics of 3 tensors take 4.2 MiB"), "{text}");
}

#[test]
fn a_tensor_is_freed_after_its_last_use() {
    // Sixty nodes in a row, each other one adding the tensor of two nodes before.
    let name = |index: usize| if index == 59 { "y".to_owned() } else { format!("t{index}") };
    let nodes = (0..60).map(|index| {
        let last = if index == 0 { "x".to_owned() } else { name(index - 1) };
        match index {
            index if index % 2 == 1 && index > 2 => {
                NodeProto::new("Add", "", &[&last, &name(index - 2)], &[&name(index)])
            }
            _ => NodeProto::new("Relu", "", &[&last], &[&name(index)]),
        }
    });
    let model = model(nodes.collect(), Vec::new());
    // Statistics of 61 tensors take 4 MiB; of tensors of 4 MiB, two and the one in the making are there at once.
    let calibrate = |memory_bytes| {
        let settings = Settings { memory_bytes, ..settings(1, 1) };
        let samples = [noisy(0, "x", &[1, 1 << 20], 0.0, 1.0)];
        let mut network = load_with(&model, &settings).unwrap();
        network.run(&mut ScriptedSource::of_samples(&samples, 1))
    };
    assert_eq!(calibrate(17 << 20).unwrap().statistics.tensors.len(), 61);
    assert!(matches!(calibrate(15 << 20), Err(RunError::Execution { .. })));
}

/// One sample, and soon the wish to stop.
struct Impatient {
    sample: Option<Sample>,
    asked: usize,
}

impl Source for Impatient {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        Ok(self.sample.take().map(|sample| Batch::detached(vec![sample])))
    }

    fn is_cancelled(&mut self) -> bool {
        self.asked += 1;
        self.asked > 2
    }
}

/// A loop over `start` that never ends.
fn endless(start: &str, inner: Option<NodeProto>) -> Vec<NodeProto> {
    let mut body = GraphProto {
        name: Some("body".to_owned()),
        input: ["turn", "go", "state"].map(|name| input(name, DataType::FLOAT, &[])).into(),
        output: ["on", "next"].map(|name| input(name, DataType::FLOAT, &[])).into(),
        ..GraphProto::default()
    };
    body.node.push(NodeProto::new("Identity", "", &["go"], &["on"]));
    body.node.push(inner.unwrap_or_else(|| NodeProto::new("Relu", "", &["state"], &["next"])));
    let endless = NodeProto::new("Loop", "endless", &["", "", start], &["h"]);
    vec![endless.with_attr(AttributeProto::graph("body", body))]
}

#[test]
fn an_endless_loop_ends_when_the_source_is_cancelled() {
    let mut inner = endless("state", None).remove(0);
    inner.output = vec!["next".to_owned()];
    let mut of_constants = endless("w", None);
    of_constants[0].output = vec!["c".to_owned()];
    of_constants.push(NodeProto::new("Add", "", &["x", "c"], &["h"]));
    let models = [
        ("alone", of(endless("x", None), Vec::new(), 17)),
        ("inside another", of(endless("x", Some(inner)), Vec::new(), 17)),
        ("of constants", of(of_constants, vec![weight("w", &[6])], 17)),
    ];
    for (name, model) in models {
        for workers in [1, 2] {
            let mut network = load_with(&model, &settings(workers, 1)).unwrap();
            let sample = Some(noisy(0, "x", &[1, 2, 6, 6], -1.0, 1.0));
            match network.run(&mut Impatient { sample, asked: 0 }) {
                Err(RunError::Source(error)) => {
                    assert_eq!(error.kind(), SourceErrorKind::Cancelled, "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_loop_that_keeps_growing_runs_into_the_memory() {
    let mut looped = endless("x", None);
    let body = looped[0].attribute[0].g.as_option_mut().unwrap();
    body.output.push(input("state", DataType::FLOAT, &[]));
    looped[0].output = vec![String::new(), "h".to_owned()];
    let error = run(&of(looped, Vec::new(), 17), 4 << 20).unwrap_err();
    let RunError::Execution { node, .. } = &error else { panic!("{error}") };
    // What the turns have left behind leaves none for the next.
    assert_eq!(node, "next", "{error}");
    let reason = error.source().expect("it has a reason").to_string();
    assert!(reason.contains("memory"), "{reason}");
}

/// `op` over and over, `n_nodes` times.
fn chain(op: &str, n_nodes: usize) -> Model {
    let name = |index: usize| match index {
        0 => "x".to_owned(),
        index if index == n_nodes => "h".to_owned(),
        index => format!("t{index}"),
    };
    let nodes =
        (0..n_nodes).map(|index| NodeProto::new(op, "", &[&name(index)], &[&name(index + 1)]));
    of(nodes.collect(), Vec::new(), 17)
}

#[test]
fn a_chain_of_nodes_needs_no_stack() {
    for op in ["Identity", "Neg"] {
        let seen = run(&chain(op, 20_000), 4 << 30).unwrap();
        assert_eq!(seen.tensors.len(), 20_002, "{op}");
    }
}

#[test]
fn a_deep_nest_of_bodies_is_refused() {
    let mut nested = NodeProto::new("Relu", "", &["x"], &["h"]);
    for _ in 0..60 {
        let body = GraphProto {
            name: Some("body".to_owned()),
            node: vec![nested],
            output: vec![input("h", DataType::FLOAT, &[])],
            ..GraphProto::default()
        };
        nested = NodeProto::new("If", "", &["t"], &["h"])
            .with_attr(AttributeProto::graph("then_branch", body.clone()))
            .with_attr(AttributeProto::graph(
                "else_branch",
                GraphProto { node: vec![NodeProto::new("Relu", "", &["x"], &["h"])], ..body },
            ));
    }
    let model = of(vec![nested], vec![TensorProto::from_bool("t", &[], &[true])], 17);
    match load(&model) {
        Err(LoadError::Invalid(error)) => assert!(error.to_string().contains("deep"), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn slices_backwards_from_before_the_first_element_hold_it() {
    let slice = |start: i64, end: i64, step: i64| {
        let constants =
            vec![longs("s", &[start]), longs("e", &[end]), longs("a", &[2]), longs("t", &[step])];
        run(&of(vec![node("Slice", &["x", "s", "e", "a", "t"])], constants, 17), LITTLE)
    };
    for (start, end, step, rows) in
        [(-9, i64::MIN, -1, 1), (9, i64::MIN, -2, 3), (5, 0, -1, 5), (0, 9, 1, 6), (4, -1, 1, 1)]
    {
        let seen = slice(start, end, step).unwrap();
        assert_eq!(seen.tensors["h"].count(), 12 * rows, "{start}:{end}:{step}");
    }
    // Steps without axes, where the input is at its last use.
    let nodes =
        vec![NodeProto::new("Relu", "", &["x"], &["r"]), node("Slice", &["r", "s", "e", "", "t"])];
    let constants = vec![longs("s", &[0, 0, 0]), longs("e", &[9, 9, 9]), longs("t", &[1, 1, 5])];
    let seen = run(&of(nodes, constants, 17), LITTLE).unwrap();
    assert_eq!(seen.tensors["h"].count(), 24);
}

#[test]
fn whole_numbers_are_divided_as_onnx_says() {
    let divide = |op: &str, a: i64, b: i64| {
        let nodes = vec![
            NodeProto::new(op, "greedy", &["a", "b"], &["q"]),
            NodeProto::new("Cast", "", &["q"], &["f"]).with_attr(AttributeProto::int("to", 1)),
            NodeProto::new("Mul", "", &["x", "zero"], &["z"]),
            NodeProto::new("Add", "", &["z", "f"], &["h"]),
        ];
        let constants = vec![long("a", a), long("b", b), weight("zero", &[0; 0])];
        let mut model = of(nodes, constants, 17);
        model.graph_mut().initializer[2] = TensorProto::from_f32("zero", &[], &[0.0]);
        run(&model, LITTLE).map(|seen| seen.tensors["h"].minimum())
    };
    assert_eq!(divide("Mod", i64::MIN, -1).unwrap(), 0.0);
    assert_eq!(divide("Mod", -7, 3).unwrap(), 2.0);
    assert_eq!(divide("Div", -7, 2).unwrap(), -3.0);
    assert_eq!(divide("Div", i64::from(i32::MIN), -1).unwrap(), i32::MIN as f32);
    for op in ["Div", "Mod"] {
        assert!(divide(op, 1, 0).is_err());
    }
}

#[test]
fn a_panic_in_the_executor_is_an_error_that_names_the_node() {
    let nodes = vec![
        NodeProto::new("Slice", "", &["x", "s", "s", "a"], &["none"]),
        node("LayerNormalization", &["none", "g"]),
    ];
    let constants = vec![longs("s", &[0]), longs("a", &[3]), weight("g", &[0])];
    assert!(matches!(
        run(&of(nodes, constants, 17), LITTLE),
        Err(RunError::Execution { node, operator, .. })
            if node == "greedy" && operator == "LayerNormalization"
    ));
}

#[test]
fn loops_and_branches_compute_what_onnx_says() {
    // Three turns of s -> s + s, keeping s of each turn; the negative half goes through a branch.
    let mut body = GraphProto {
        name: Some("body".to_owned()),
        input: ["turn", "go", "state"].map(|name| input(name, DataType::FLOAT, &[])).into(),
        output: ["go", "next", "state"].map(|name| input(name, DataType::FLOAT, &[])).into(),
        ..GraphProto::default()
    };
    body.node.push(NodeProto::new("Add", "", &["state", "state"], &["next"]));
    let branch = |op: &str| GraphProto {
        name: Some(op.to_owned()),
        node: vec![NodeProto::new(op, "", &["last"], &["out"])],
        output: vec![input("out", DataType::FLOAT, &[])],
        ..GraphProto::default()
    };
    let nodes = vec![
        NodeProto::new("Loop", "", &["three", "", "x"], &["last", "all"])
            .with_attr(AttributeProto::graph("body", body)),
        NodeProto::new("If", "", &["t"], &["h"])
            .with_attr(AttributeProto::graph("then_branch", branch("Neg")))
            .with_attr(AttributeProto::graph("else_branch", branch("Abs"))),
        NodeProto::new("Relu", "", &["all"], &["kept"]),
        NodeProto::new("Relu", "", &["kept"], &["end"]),
    ];
    let constants = vec![long("three", 3), TensorProto::from_bool("t", &[], &[true])];
    let seen = calibrate(&of(nodes, constants, 17), &[noisy(0, "x", &[1, 2, 6, 6], -1.0, 1.0)]);
    let seen = seen.unwrap();
    let x = &seen.tensors["x"];
    assert_eq!(seen.tensors["last"].magnitude(), 8.0 * x.magnitude());
    assert_eq!(seen.tensors["h"].maximum(), -8.0 * x.minimum());
    assert_eq!(seen.tensors["all"].count(), 3 * x.count());
    assert_eq!(seen.tensors["all"].magnitude(), 4.0 * x.magnitude());
}

/// What is computed of weights alone lies beside the weights, those of bodies among them.
#[test]
fn constants_of_a_body_are_not_taken_for_those_that_are_computed() {
    let branch = |constants: Vec<TensorProto>, node: NodeProto| GraphProto {
        name: Some("branch".to_owned()),
        node: vec![node],
        initializer: constants,
        output: vec![input("out", DataType::FLOAT, &[])],
        ..GraphProto::default()
    };
    let thousand = vec![TensorProto::from_f32("thousand", &[], &[1000.0])];
    let nodes = vec![
        NodeProto::new("Add", "", &["quarter", "quarter"], &["half"]),
        NodeProto::new("Mul", "", &["x", "half"], &["scaled"]),
        NodeProto::new("ReduceMean", "", &["scaled"], &["mean"])
            .with_attr(AttributeProto::int("keepdims", 0)),
        NodeProto::new("Greater", "", &["mean", "quarter"], &["is_large"]),
        NodeProto::new("If", "", &["is_large"], &["h"])
            .with_attr(AttributeProto::graph(
                "then_branch",
                branch(thousand, NodeProto::new("Div", "", &["scaled", "thousand"], &["out"])),
            ))
            .with_attr(AttributeProto::graph(
                "else_branch",
                branch(Vec::new(), NodeProto::new("Neg", "", &["scaled"], &["out"])),
            )),
        NodeProto::new("Relu", "", &["h"], &["end"]),
    ];
    let constants = vec![TensorProto::from_f32("quarter", &[], &[0.25])];
    let seen = calibrate(&of(nodes, constants, 17), &[noisy(0, "x", &[1, 2, 6, 6], -1.0, 1.0)]);
    let seen = seen.unwrap();
    let x = &seen.tensors["x"];
    assert_eq!(seen.tensors["scaled"].magnitude(), 0.5 * x.magnitude());
    assert_eq!(seen.tensors["h"].maximum(), -0.5 * x.minimum());
}
