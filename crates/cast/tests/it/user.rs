//! What the user decides.

use calibrant_cast::{CastError, CastOptions, FloatType, IoPrecision, LayerPrecision, cast};
use calibrant_onnx::DataType;
use calibrant_onnx::proto::{AttributeProto, TensorProto};
use expect_test::expect;

use crate::graphs::{Graph, int};
use crate::printer::print;
use crate::{cast_with, kept, ranges, to_fp16};

fn three_products() -> calibrant_onnx::Model {
    Graph::reading(&[2, 4])
        .weight("w", &[4, 4])
        .node("MatMul", "x w", "a")
        .node("MatMul", "a w", "b")
        .node("MatMul", "b w", "y")
        .output("y")
        .model()
}

fn layer(pattern: &str, precision: FloatType) -> LayerPrecision {
    LayerPrecision { pattern: pattern.parse().unwrap(), precision }
}

#[test]
fn a_shared_weight_is_written_in_each_type() {
    let options =
        CastOptions { keep_nodes: vec!["b".to_owned()], ..CastOptions::to(FloatType::Fp16) };
    let (result, summary) = cast_with(&three_products(), None, &options);
    expect![[r#"
        opset 17
        in x[2,4]
        x_fp16 = Cast(x) to=10
        a = MatMul(x_fp16, w_fp16:h[4, 4])
        a_fp32 = Cast(a) to=1
        b = MatMul(a_fp32, w:[4, 4])
        b_fp16 = Cast(b) to=10
        y_fp16 = MatMul(b_fp16, w_fp16:h[4, 4])
        y = Cast(y_fp16) to=1
        out y[]
    "#]]
    .assert_eq(&print(&result));
    expect![[r#"
        MatMul.b: kept by the name pattern `b`
    "#]]
    .assert_eq(&kept(&summary));
}

#[test]
fn later_entries_win_and_overrule_the_others() {
    let options = CastOptions {
        keep_op_types: vec!["MatMul".to_owned()],
        layers: vec![
            layer("", FloatType::Bf16),
            layer("^MatMul", FloatType::Fp16),
            layer("^b$", FloatType::Fp32),
        ],
        ..CastOptions::to(FloatType::Fp16)
    };
    let (result, summary) = cast_with(&three_products(), None, &options);
    expect![[r#"
        opset 17
        in x[2,4]
        x_fp16 = Cast(x) to=10
        a = MatMul(x_fp16, w_fp16:h[4, 4])
        a_fp32 = Cast(a) to=1
        b = MatMul(a_fp32, w:[4, 4])
        b_fp16 = Cast(b) to=10
        y_fp16 = MatMul(b_fp16, w_fp16:h[4, 4])
        y = Cast(y_fp16) to=1
        out y[]
    "#]]
    .assert_eq(&print(&result));
    assert_eq!(summary.preparation.opset.after, 17, "MatMul has bfloat16 since opset 13");
    let half = CastOptions {
        layers: vec![layer("^b$", FloatType::Bf16)],
        ..CastOptions::to(FloatType::Fp16)
    };
    expect![[r#"
        opset 17
        in x[2,4]
        x_fp16 = Cast(x) to=10
        a = MatMul(x_fp16, w:h[4, 4])
        a_bf16 = Cast(a) to=16
        b = MatMul(a_bf16, w_bf16:b[4, 4])
        b_fp16 = Cast(b) to=10
        y_fp16 = MatMul(b_fp16, w:h[4, 4])
        y = Cast(y_fp16) to=1
        out y[]
    "#]]
    .assert_eq(&print(&cast_with(&three_products(), None, &half).0));
}

#[test]
fn an_entry_of_its_own_overrules_ranges() {
    let given = ranges(&[("x", 0.0, 1.0), ("a", 0.0, 1e5), ("b", 0.0, 1.0), ("y", 0.0, 1.0)]);
    let plain = CastOptions::to(FloatType::Fp16);
    expect![[r#"
        MatMul.a: tensor "a" reaches 1e5, above 6.5504e4
        MatMul.b: tensor "a" reaches 1e5, above 6.5504e4
    "#]]
    .assert_eq(&kept(&cast_with(&three_products(), Some(&given), &plain).1));
    let own = CastOptions {
        layers: vec![layer("^a$", FloatType::Fp16), layer("^b$", FloatType::Fp16)],
        ..plain
    };
    assert_eq!(kept(&cast_with(&three_products(), Some(&given), &own).1), "");
}

#[test]
fn float32_as_the_goal_with_a_few_layers_in_half() {
    let options = CastOptions {
        layers: vec![layer("^b$", FloatType::Fp16)],
        ..CastOptions::to(FloatType::Fp32)
    };
    expect![[r#"
        MatMul.a: float32 was asked for
        MatMul.y: float32 was asked for
    "#]]
    .assert_eq(&kept(&cast_with(&three_products(), None, &options).1));
}

#[test]
fn a_pattern_that_meets_nothing_is_an_error() {
    let keep =
        CastOptions { keep_nodes: vec!["/head/*".to_owned()], ..CastOptions::to(FloatType::Fp16) };
    let own = CastOptions {
        layers: vec![layer("/head/", FloatType::Fp16)],
        ..CastOptions::to(FloatType::Fp16)
    };
    for (options, expected) in [(keep, "/head/*"), (own, "/head/")] {
        let error = cast(&three_products(), None, &options).unwrap_err();
        assert!(
            matches!(&error, CastError::UnknownLayer { pattern } if pattern == expected),
            "{error}"
        );
    }
    let op_type = CastOptions {
        keep_op_types: vec!["Softmax".to_owned()],
        ..CastOptions::to(FloatType::Fp16)
    };
    assert_eq!(kept(&cast_with(&three_products(), None, &op_type).1), "");
}

#[test]
fn precisions_are_read_from_their_names() {
    for (text, precision) in
        [("fp32", FloatType::Fp32), ("fp16", FloatType::Fp16), ("bf16", FloatType::Bf16)]
    {
        assert_eq!(text.parse(), Ok(precision));
        assert_eq!(serde_json::to_value(precision).unwrap(), text);
    }
    let error = "half".parse::<FloatType>().unwrap_err();
    assert_eq!(error.to_string(), "`half` is no precision; there are fp32, fp16 and bf16");
}

#[test]
fn operators_without_the_type_are_islands_as_large_as_their_reason() {
    let model = Graph::reading(&[1, 4, 8, 8])
        .weight("w", &[4, 4, 1, 1])
        .weight("grid", &[1, 8, 8, 2])
        .node("Conv", "x w", "a")
        .node("Relu", "a", "r")
        .node("Celu", "r", "c")
        .node("Relu", "c", "d")
        .node("GridSample", "d grid", "e")
        .node("Conv", "e w", "f")
        .node("Foreign", "f", "g")
        .output("g")
        .opset(20);
    let mut model = model;
    let foreign = model.graph_mut().node.last_mut().unwrap();
    foreign.domain = Some("elsewhere".to_owned());
    let (result, summary) = to_fp16(&model);
    expect![[r#"
        Celu.c: the operator has no float16 in opset 20
        Relu.d: its neighbours are float32, and Casts around it would cost more
        GridSample.e: reads positions, which need more digits than a half type has
        Foreign.g: an operator of the domain `elsewhere`
    "#]]
    .assert_eq(&kept(&summary));
    expect![[r#"
        opset 20
        in x[1,4,8,8]
        x_fp16 = Cast(x) to=10
        a = Conv(x_fp16, w:h[4, 4, 1, 1])
        r = Relu(a)
        r_fp32 = Cast(r) to=1
        c = Celu(r_fp32)
        d = Relu(c)
        e = GridSample(d, grid:[1, 8, 8, 2])
        e_fp16 = Cast(e) to=10
        f = Conv(e_fp16, w:h[4, 4, 1, 1])
        f_fp32 = Cast(f) to=1
        g = Foreign(f_fp32)
        out g[]
    "#]]
    .assert_eq(&print(&result));
}

/// Sizes, places and counts stay what they were, and so does the arithmetic that makes them.
#[test]
fn shapes_and_indices_are_untouched() {
    let to = |dtype: DataType| [int("to", dtype as i64)];
    let model = Graph::reading(&[1, 4, 8, 8])
        .weight("w", &[4, 4, 1, 1])
        .ints("from", &[2])
        .ints("end", &[4])
        .ints("zero", &[0])
        .floats("twice", &[2], &[2.0, 2.0])
        .ints("k", &[3])
        .node("Conv", "x w", "a")
        .node("Shape", "a", "shape")
        .node("Slice", "shape from end", "sizes")
        .node_with("Cast", "sizes", "float", &to(DataType::FLOAT))
        .node("Mul", "float twice", "larger")
        .node("Floor", "larger", "whole")
        .node_with("Cast", "whole", "new", &to(DataType::INT64))
        .node("Slice", "shape zero from", "head")
        .node_with("Concat", "head new", "all", &[int("axis", 0)])
        .node("Resize", "a   all", "resized")
        .node_with("TopK", "resized k", "best places", &[])
        .node("Conv", "best w", "y")
        .output("y")
        .opset(17);
    let (result, summary) = to_fp16(&model);
    expect![[r#"
        Cast.float: computes sizes or places
        Mul.larger: computes sizes or places
        Floor.whole: computes sizes or places
    "#]]
    .assert_eq(&kept(&summary));
    expect![[r#"
        opset 17
        in x[1,4,8,8]
        x_fp16 = Cast(x) to=10
        a = Conv(x_fp16, w:h[4, 4, 1, 1])
        shape = Shape(a)
        sizes = Slice(shape, [2]i64, [4]i64)
        float = Cast(sizes) to=1
        larger = Mul(float, [2 2])
        whole = Floor(larger)
        new = Cast(whole) to=7
        head = Slice(shape, [0]i64, [2]i64)
        all = Concat(head, new) axis=0
        resized = Resize(a, , , all)
        best, places = TopK(resized, [3]i64)
        y_fp16 = Conv(best, w:h[4, 4, 1, 1])
        y = Cast(y_fp16) to=1
        out y[]
    "#]]
    .assert_eq(&print(&result));
}

#[test]
fn operators_that_state_their_type() {
    let model = Graph::reading(&[4, 4])
        .weight("w", &[4, 4])
        .node("Shape", "x", "size")
        .node("ConstantOfShape", "size", "zeros")
        .node_with("RandomNormal", "", "noise", &[AttributeProto::ints("shape", &[4, 4])])
        .node("EyeLike", "x", "eye")
        .node_with("Constant", "", "half", &[AttributeProto::float("value_float", 0.5)])
        .node("MatMul", "x w", "a")
        .node("Add", "a zeros", "b")
        .node("Add", "b noise", "c")
        .node("Add", "c eye", "d")
        .node("Mul", "d half", "e")
        .node("MatMul", "e w", "y")
        .output("y");
    let mut model = model.model();
    for node in &mut model.graph_mut().node {
        node.input.retain(|input| !input.is_empty());
    }
    let (result, summary) = to_fp16(&model);
    assert_eq!(kept(&summary), "");
    expect![[r#"
        opset 17
        in x[4,4]
        x_fp16 = Cast(x) to=10
        size = Shape(x)
        zeros = ConstantOfShape(size) value
        noise = RandomNormal() shape=[4, 4] dtype=10
        eye = EyeLike(x) dtype=10
        half = Constant() value
        a = MatMul(x_fp16, w:h[4, 4])
        b = Add(a, zeros)
        c = Add(b, noise)
        d = Add(c, eye)
        e = Mul(d, half)
        y_fp16 = MatMul(e, w:h[4, 4])
        y = Cast(y_fp16) to=1
        out y[]
    "#]]
    .assert_eq(&print(&result));
}

#[test]
fn options_are_json() {
    let options = CastOptions {
        layers: vec![layer("^/head/.*[0-9]$", FloatType::Bf16)],
        keep_nodes: vec!["/neck/*".to_owned()],
        ..CastOptions::to(FloatType::Fp16)
    };
    let json = serde_json::to_string(&options).unwrap();
    expect![[r#"{"precision":"fp16","io":"fp32","scales":"fp32","keep_nodes":["/neck/*"],"keep_op_types":[],"layers":[{"pattern":"^/head/.*[0-9]$","precision":"bf16"}]}"#]].assert_eq(&json);
    assert_eq!(serde_json::from_str::<CastOptions>(&json).unwrap(), options);
    let broken = json.replace("[0-9]", "[0-9");
    let error = serde_json::from_str::<CastOptions>(&broken).unwrap_err();
    assert!(error.to_string().contains("has no closing bracket"), "{error}");
}

/// Half models are what a cast makes; there is nothing to do for them.
#[test]
fn models_in_half_precision_come_back_as_they_are() {
    let options = CastOptions { io: IoPrecision::Model, ..CastOptions::to(FloatType::Fp16) };
    let conv = Graph::reading(&[1, 4, 8, 8])
        .weight("w", &[4, 4, 1, 1])
        .node("Conv", "x w", "y")
        .output("y")
        .model();
    let resize = Graph::reading(&[1, 4, 8, 8])
        .floats("scales", &[4], &[1.0, 1.0, 2.0, 2.0])
        .weight("w", &[4, 4, 1, 1])
        .node("Conv", "x w", "a")
        .node("Resize", "a  scales", "y")
        .output("y")
        .model();
    for model in [three_products(), conv, resize] {
        let (half, _) = cast_with(&model, None, &options);
        for precision in [FloatType::Fp16, FloatType::Bf16] {
            let (again, summary) = cast_with(&half, None, &CastOptions::to(precision));
            assert_eq!(again.to_bytes().unwrap(), half.to_bytes().unwrap());
            assert_eq!(summary.nodes, []);
        }
    }
}

/// A model whose caller holds halves but which computes in float32 is a float32 model.
#[test]
fn casts_at_the_ends_do_not_make_a_model_half() {
    let to = |dtype: DataType| [int("to", dtype as i64)];
    let mut model = Graph::default()
        .weight("w", &[4, 4])
        .node_with("Cast", "x", "wide", &to(DataType::FLOAT))
        .node("MatMul", "wide w", "a")
        .node_with("Cast", "a", "y", &to(DataType::FLOAT16))
        .model();
    let half = |name: &str| {
        calibrant_onnx::proto::ValueInfoProto::tensor(
            name,
            DataType::FLOAT16,
            &[calibrant_onnx::Dim::Known(4); 2],
        )
    };
    model.graph_mut().input.push(half("x"));
    model.graph_mut().output.push(half("y"));
    expect![[r#"
        opset 17
        in x[4,4]
        wide = Identity(x)
        a = MatMul(wide, w:h[4, 4])
        y = Identity(a)
        out y[4,4]
    "#]]
    .assert_eq(&print(&to_fp16(&model).0));
}

/// Mixed precision as it was trained stays.
#[test]
fn what_a_model_has_between_casts_stays_there() {
    let to = |dtype: DataType| [int("to", dtype as i64)];
    let weight = TensorProto::from_raw("h", DataType::FLOAT16, &[4, 4], vec![0; 32]);
    let model = Graph::reading(&[4, 4])
        .constant(weight)
        .weight("w", &[4, 4])
        .node_with("Cast", "x", "x16", &to(DataType::FLOAT16))
        .node("MatMul", "x16 h", "a")
        .node_with("Cast", "a", "wide", &to(DataType::FLOAT))
        .node("MatMul", "wide w", "b")
        .node("Softmax", "b", "p")
        .node_with("Cast", "p", "narrow", &to(DataType::FLOAT16))
        .node("MatMul", "narrow h", "c")
        .node_with("Cast", "c", "y", &to(DataType::FLOAT))
        .output("y")
        .model();
    let (result, summary) = to_fp16(&model);
    expect![[r#"
        MatMul.b: the model itself has it in float32, between Casts
        Softmax.p: the model itself has it in float32, between Casts
    "#]]
    .assert_eq(&kept(&summary));
    assert_eq!(result.graph().node, model.graph().node);
}
