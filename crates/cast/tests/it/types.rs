//! A naive twin of type inference: walks a model node by node and holds each operator to its own words.
//!
//! It knows the operators of these tests and fails on any other, so that nothing passes by being unknown.

use std::collections::HashMap;

use calibrant_onnx::proto::{GraphProto, NodeProto};
use calibrant_onnx::{DataType, Model, Topology};

type Types = HashMap<String, DataType>;

/// Fails unless every operator reads and makes what it may, and every stated type is the one that comes out.
pub(crate) fn assert_consistent(model: &Model) {
    let graph = model.graph();
    let mut types = Types::new();
    for input in &graph.input {
        types.insert(input.label().to_owned(), input.tensor_type().unwrap().dtype.unwrap());
    }
    walk(graph, types, model.opset().unwrap());
}

/// Returns the types of the graph's outputs.
fn walk(graph: &GraphProto, mut types: Types, opset: i64) -> Vec<DataType> {
    for tensor in &graph.initializer {
        types.insert(tensor.label().to_owned(), tensor.dtype().unwrap());
    }
    for node in &graph.node {
        let inputs: Vec<Option<DataType>> = node
            .input
            .iter()
            .map(|name| {
                (!name.is_empty()).then(|| {
                    *types.get(name).unwrap_or_else(|| panic!("{name} is read before it is made"))
                })
            })
            .collect();
        let outputs = outputs(node, &inputs, &types, opset);
        for (name, dtype) in node.output.iter().zip(outputs) {
            types.insert(name.clone(), dtype);
        }
    }
    let topology = Topology::new(graph).unwrap();
    assert!(topology.order().is_sorted(), "nodes stand in the order in which they run");
    for info in graph.value_info.iter().chain(&graph.output) {
        if let Some(dtype) = info.tensor_type().and_then(|stated| stated.dtype) {
            assert_eq!(types[info.label()], dtype, "stated type of {}", info.label());
        }
    }
    casts_are_few(graph, &types);
    graph.output.iter().map(|output| types[output.label()]).collect()
}

fn is_float(dtype: DataType) -> bool {
    matches!(dtype, DataType::FLOAT | DataType::FLOAT16 | DataType::BFLOAT16)
}

fn outputs(
    node: &NodeProto,
    inputs: &[Option<DataType>],
    types: &Types,
    opset: i64,
) -> Vec<DataType> {
    let label = format!("{} {:?}", node.op(), node.name);
    let given: Vec<DataType> = inputs.iter().copied().flatten().collect();
    let same = |of: &[DataType]| -> DataType {
        assert!(of.iter().all(|&dtype| dtype == of[0]), "{label}: {of:?}");
        of[0]
    };
    let n = node.output.len();
    match node.op() {
        "Add"
        | "Sub"
        | "Mul"
        | "Div"
        | "Max"
        | "Min"
        | "Concat"
        | "Relu"
        | "Sigmoid"
        | "Softmax"
        | "LogSoftmax"
        | "MatMul"
        | "Gemm"
        | "Conv"
        | "ConvTranspose"
        | "Transpose"
        | "Sqrt"
        | "Sin"
        | "Exp"
        | "Erf"
        | "Gelu"
        | "Pow"
        | "Clip"
        | "MaxPool"
        | "AveragePool"
        | "GlobalAveragePool"
        | "LayerNormalization"
        | "ReduceL2"
        | "Floor"
        | "HardSwish"
        | "Mish"
        | "Softplus"
        | "Neg"
        | "Abs"
        | "Flatten"
        | "HardSigmoid"
        | "InstanceNormalization"
        | "Celu"
        | "GridSample"
        | "Dropout" => {
            let of = if node.op() == "Dropout" { &given[..1] } else { &given[..] };
            let dtype = same(of);
            assert!(
                is_float(dtype)
                    || node.op() == "Mul"
                    || node.op() == "Concat"
                    || node.op() == "Add",
                "{label}: {dtype:?}"
            );
            let has_bfloat16 =
                opset >= 22 || !matches!(node.op(), "Conv" | "Clip" | "MaxPool" | "Sin");
            assert!(
                dtype != DataType::BFLOAT16 || has_bfloat16 || node.op() == "Clip",
                "{label} in opset {opset}"
            );
            vec![dtype; n]
        }
        "Identity" => vec![given[0]],
        "Reshape" | "Expand" | "Tile" | "Slice" | "Gather" | "Squeeze" | "Unsqueeze"
        | "ReduceMean" | "ReduceSum" | "Split" | "CumSum" => {
            assert!(given[1..].iter().all(|&dtype| dtype == DataType::INT64), "{label}: {given:?}");
            vec![given[0]; n]
        }
        "Pad" => vec![same(&[given[0], *given.get(2).unwrap_or(&given[0])]); n],
        "Where" => vec![same(&given[1..])],
        "Resize" => {
            assert!(
                inputs.get(2).copied().flatten().is_none_or(|scales| scales == DataType::FLOAT),
                "{label}"
            );
            vec![given[0]]
        }
        "TopK" => vec![given[0], DataType::INT64],
        "Shape" | "Size" | "ArgMax" | "NonZero" => vec![DataType::INT64],
        "NonMaxSuppression" => {
            assert_eq!(&given[..2], &[DataType::FLOAT; 2], "{label}");
            vec![DataType::INT64]
        }
        "Range" => {
            assert_ne!(same(&given), DataType::FLOAT16, "{label}");
            vec![given[0]]
        }
        "Greater" | "Less" | "IsNaN" | "Equal" => {
            same(&given);
            vec![DataType::BOOL]
        }
        "If" | "Loop" | "Scan" => of_bodies(node, &given, types, opset),
        "Foreign" => {
            assert!(given.iter().all(|&dtype| dtype == DataType::FLOAT), "{label}: {given:?}");
            vec![DataType::FLOAT; n]
        }
        _ => stated_outputs(node, &given, opset),
    }
}

/// Operators that state the type of their outputs, by an attribute or by another input.
fn stated_outputs(node: &NodeProto, given: &[DataType], opset: i64) -> Vec<DataType> {
    let label = format!("{} {:?}", node.op(), node.name);
    match node.op() {
        "Cast" => {
            let to = number(node.attr_i("to").unwrap());
            assert_ne!(to, given[0], "{label} casts to what it reads");
            vec![to]
        }
        "Constant" => {
            vec![node.attr_t("value").map_or(DataType::FLOAT, |value| value.dtype().unwrap())]
        }
        "ConstantOfShape" => {
            vec![node.attr_t("value").map_or(DataType::FLOAT, |value| value.dtype().unwrap())]
        }
        "RandomNormal" => vec![node.attr_i("dtype").map_or(DataType::FLOAT, number)],
        "EyeLike" | "RandomNormalLike" => vec![node.attr_i("dtype").map_or(given[0], number)],
        "QuantizeLinear" => {
            assert!(
                given[0] == given[1] && (given[0] == DataType::FLOAT || opset >= 19),
                "{label}: {given:?}"
            );
            vec![given[2]]
        }
        "DequantizeLinear" => {
            assert!(given[1] == DataType::FLOAT || opset >= 19, "{label}: {given:?}");
            vec![given[1]]
        }
        op => panic!("the twin does not know {op}"),
    }
}

/// What goes in and out of bodies keeps its type on the way.
fn of_bodies(node: &NodeProto, given: &[DataType], types: &Types, opset: i64) -> Vec<DataType> {
    let label = format!("{} {:?}", node.op(), node.name);
    match node.op() {
        "If" => {
            let bodies: Vec<Vec<DataType>> =
                node.subgraphs().map(|body| walk(body, types.clone(), opset)).collect();
            assert!(bodies.iter().all(|body| *body == bodies[0]), "{label}: {bodies:?}");
            bodies[0].clone()
        }
        "Loop" => {
            let body = node.subgraphs().next().unwrap();
            let mut inner = types.clone();
            let carried = &given[given.len() - (body.input.len() - 2)..];
            let fed = [DataType::INT64, DataType::BOOL].into_iter().chain(carried.iter().copied());
            for (input, dtype) in body.input.iter().zip(fed) {
                let stated = input.tensor_type().and_then(|stated| stated.dtype);
                assert_eq!(stated.unwrap_or(dtype), dtype, "{label}: {}", input.label());
                inner.insert(input.label().to_owned(), dtype);
            }
            let made = walk(body, inner, opset);
            assert_eq!(&made[1..=carried.len()], carried, "{label} carries another type on");
            made[1..].to_vec()
        }
        _ => {
            let body = node.subgraphs().next().unwrap();
            let mut inner = types.clone();
            for (input, dtype) in body.input.iter().zip(given) {
                inner.insert(input.label().to_owned(), *dtype);
            }
            walk(body, inner, opset)
        }
    }
}

/// At most one Cast for each tensor and type, none on what a Cast made, none on a constant.
fn casts_are_few(graph: &GraphProto, types: &Types) {
    let casts = graph.node.iter().filter(|node| node.is("Cast"));
    let of_floats: Vec<&NodeProto> = casts
        .filter(|node| is_float(types[&node.input[0]]) && is_float(types[&node.output[0]]))
        .collect();
    let mut seen = std::collections::HashSet::new();
    for cast in &of_floats {
        assert!(seen.insert((&cast.input[0], cast.attr_i("to"))), "two Casts of {}", cast.input[0]);
        assert!(
            of_floats.iter().all(|other| other.output[0] != cast.input[0]),
            "a Cast of the Cast {}",
            cast.input[0]
        );
        assert!(
            graph.initializer.iter().all(|tensor| tensor.label() != cast.input[0]),
            "a Cast of a constant"
        );
    }
}

fn number(number: i64) -> DataType {
    [
        DataType::FLOAT,
        DataType::FLOAT16,
        DataType::BFLOAT16,
        DataType::INT64,
        DataType::INT32,
        DataType::BOOL,
        DataType::DOUBLE,
        DataType::INT8,
    ]
    .into_iter()
    .find(|&dtype| dtype as i64 == number)
    .unwrap()
}
