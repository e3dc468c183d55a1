//! What would go wrong in half precision, found from ranges and constants.

use calibrant_cast::{CastError, CastNote, CastOptions, FloatType, KeptReason, cast};
use calibrant_onnx::proto::AttributeProto;
use calibrant_onnx::{DataType, Model};
use expect_test::{Expect, expect};

use crate::graphs::{Graph, int};
use crate::{Ranges, cast_with, kept, ranges, to_fp16};

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto::ints(name, values)
}

fn check(model: &Model, ranges: &Ranges, precision: FloatType, expected: Expect) {
    let (_, summary) = cast_with(model, Some(ranges), &CastOptions::to(precision));
    expected.assert_eq(&kept(&summary));
}

/// `x` through two matrix products with `op` in between: nothing but `op` has a reason to be float32.
fn between_products(op: &str, shape: &[usize], attributes: &[AttributeProto]) -> Model {
    let last = *shape.last().unwrap();
    Graph::reading(shape)
        .weight("w", &[last, last])
        .node("MatMul", "x w", "a")
        .node_with(op, "a", "b", attributes)
        .node("MatMul", "b w", "y")
        .output("y")
        .opset(18)
}

#[test]
fn tensors_beyond_the_type_stay_in_float32() {
    let model = between_products("Relu", &[2, 4], &[]);
    let wide =
        ranges(&[("x", -1.0, 1.0), ("a", -72_000.0, 3.0), ("b", 0.0, 3.0), ("y", -9.0, 9.0)]);
    check(
        &model,
        &wide,
        FloatType::Fp16,
        expect![[r#"
        MatMul.a: tensor "a" reaches 7.2e4, above 6.5504e4
        Relu.b: tensor "a" reaches 7.2e4, above 6.5504e4
    "#]],
    );
    check(&model, &wide, FloatType::Bf16, expect![[""]]);
    let fits =
        ranges(&[("x", -1.0, 1.0), ("a", -65_504.0, 3.0), ("b", 0.0, 3.0), ("y", -9.0, 9.0)]);
    check(&model, &fits, FloatType::Fp16, expect![[""]]);
    let small = ranges(&[("x", -1.0, 1.0), ("a", -1e-9, 2e-9), ("b", 0.0, 2e-9), ("y", -1.0, 1.0)]);
    check(
        &model,
        &small,
        FloatType::Fp16,
        expect![[r#"
        MatMul.a: tensor "a" stays within 2e-9, which would all become 0
        Relu.b: tensor "a" stays within 2e-9, which would all become 0
        MatMul.y: tensor "b" stays within 2e-9, which would all become 0
    "#]],
    );
}

#[test]
fn near_misses_and_unknown_tensors_are_noted() {
    let model = between_products("Relu", &[2, 4], &[]);
    let near = ranges(&[("x", -1.0, 1.0), ("a", -40_000.0, 3.0), ("b", 0.0, 1e-5)]);
    let (_, summary) = cast_with(&model, Some(&near), &CastOptions::to(FloatType::Fp16));
    let precision = FloatType::Fp16;
    assert_eq!(
        summary.notes,
        [
            CastNote::NearOverflow { tensor: "a".to_owned(), precision, reached: 40_000.0 },
            CastNote::SmallActivation { tensor: "b".to_owned(), precision, reached: 1e-5 },
            CastNote::Unjudged { tensors: 1, first: "y".to_owned() },
        ]
    );
    assert_eq!(to_fp16(&model).1.notes, []);
}

/// A case of [`sums_and_squares_inside_operators`]: operator, attributes, range of its input and output.
type Case = (&'static str, Vec<AttributeProto>, (f32, f32), (f32, f32), Expect);

#[test]
fn sums_and_squares_inside_operators() {
    let norm = |op| {
        Graph::reading(&[4, 8, 16, 16])
            .weight("s", &[8])
            .node(op, "x s s", "n")
            .node("Relu", "n", "r")
            .node("MatMul", "r w", "y")
            .weight("w", &[16, 16])
            .output("y")
            .opset(18)
    };
    let narrow =
        ranges(&[("x", -100.0, 100.0), ("n", -4.0, 4.0), ("r", 0.0, 4.0), ("y", -9.0, 9.0)]);
    let wide = ranges(&[("x", -100.0, 300.0), ("n", -4.0, 4.0), ("r", 0.0, 4.0), ("y", -9.0, 9.0)]);
    check(&norm("InstanceNormalization"), &narrow, FloatType::Fp16, expect![[""]]);
    check(
        &norm("InstanceNormalization"),
        &wide,
        FloatType::Fp16,
        expect![[r#"
        InstanceNormalization.n: squares numbers of "x" of up to 4e2
    "#]],
    );

    let cases: Vec<Case> = vec![
        // 64 numbers of up to 2000 whose mean is 1500.
        (
            "ReduceMean",
            vec![int("keepdims", 1)],
            (0.0, 2000.0),
            (0.0, 1500.0),
            expect![[r#"
            ReduceMean.b: sums 64 numbers of "a", which could reach 9.6e4 on the way
        "#]],
        ),
        ("ReduceMean", vec![int("keepdims", 1)], (0.0, 2000.0), (0.0, 900.0), expect![[""]]),
        // Signs mix: a sum may stray by eight times the largest of its 64 terms.
        (
            "ReduceSum",
            vec![int("keepdims", 1)],
            (-9000.0, 9000.0),
            (-20.0, 20.0),
            expect![[r#"
            ReduceSum.b: sums 64 numbers of "a", which could reach 7.202e4 on the way
        "#]],
        ),
        ("ReduceSum", vec![int("keepdims", 1)], (-900.0, 900.0), (-20.0, 20.0), expect![[""]]),
        ("ReduceL2", vec![int("keepdims", 1)], (-30.0, 30.0), (0.0, 255.0), expect![[""]]),
        (
            "ReduceL2",
            vec![int("keepdims", 1)],
            (-30.0, 40.0),
            (0.0, 257.0),
            expect![[r#"
            ReduceL2.b: squares numbers of "b" of up to 2.57e2
        "#]],
        ),
        ("Softplus", vec![], (-500.0, 11.0), (0.0, 11.0), expect![[""]]),
        (
            "Softplus",
            vec![],
            (-500.0, 12.0),
            (0.0, 12.0),
            expect![[r#"
            Softplus.b: takes the exponential of "a", which reaches 1.2e1
        "#]],
        ),
        ("LogSoftmax", vec![], (-9.0, 9.0), (-16.0, 0.0), expect![[""]]),
        (
            "LogSoftmax",
            vec![],
            (-9.0, 9.0),
            (-18.0, 0.0),
            expect![[r#"
            LogSoftmax.b: takes the exponential of "b", which reaches -1.8e1
        "#]],
        ),
        ("Softmax", vec![], (-30_000.0, 30_000.0), (0.0, 1.0), expect![[""]]),
        ("Sin", vec![], (0.0, 60.0), (-1.0, 1.0), expect![[""]]),
        (
            "Sin",
            vec![],
            (0.0, 100.0),
            (-1.0, 1.0),
            expect![[r#"
            MatMul.a: tensor "a" holds angles up to 1e2, too large to keep their fractions
            Sin.b: tensor "a" holds angles up to 1e2, too large to keep their fractions
        "#]],
        ),
    ];
    for (op, attributes, (low, high), (least, most), expected) in cases {
        let model = between_stated(op, &attributes);
        let given =
            ranges(&[("x", -1.0, 1.0), ("a", low, high), ("b", least, most), ("y", -9.0, 9.0)]);
        check(&model, &given, FloatType::Fp16, expected);
    }
}

/// As [`between_products`] over 8 by 8, with the shape of `a` stated.
fn between_stated(op: &str, attributes: &[AttributeProto]) -> Model {
    let mut model = between_products(op, &[8, 8], attributes);
    let dims = [calibrant_onnx::Dim::Known(8); 2];
    let info = calibrant_onnx::proto::ValueInfoProto::tensor("a", DataType::FLOAT, &dims);
    model.graph_mut().value_info.push(info);
    model
}

#[test]
fn pools_count_their_windows() {
    let model = |size: i64| {
        Graph::reading(&[1, 16, 32, 32])
            .weight("w", &[16, 16, 1, 1])
            .node("Conv", "x w", "a")
            .node_with("AveragePool", "a", "b", &[ints("kernel_shape", &[size, size])])
            .node("Conv", "b w", "y")
            .output("y")
            .model()
    };
    let given = ranges(&[("x", -1.0, 1.0), ("a", 0.0, 600.0), ("b", 0.0, 500.0), ("y", -9.0, 9.0)]);
    check(&model(7), &given, FloatType::Fp16, expect![[""]]);
    check(
        &model(16),
        &given,
        FloatType::Fp16,
        expect![[r#"
        AveragePool.b: sums 256 numbers of "a", which could reach 1.28e5 on the way
    "#]],
    );
}

#[test]
fn constants_beyond_the_type_stay_in_float32() {
    let model = |value: f32, op: &str| {
        Graph::reading(&[2, 4])
            .weight("w", &[4, 4])
            .floats("c", &[], &[value])
            .node("MatMul", "x w", "a")
            .node(op, "a c", "b")
            .node("MatMul", "b w", "y")
            .output("y")
            .model()
    };
    expect![[r#"
        Add.b: constant "c" holds 1e9, which would become infinite
    "#]]
    .assert_eq(&kept(&to_fp16(&model(-1e9, "Add")).1));
    expect![[r#"
        Add.b: tensor "c" stays within 1e-12, which would all become 0
    "#]]
    .assert_eq(&kept(&to_fp16(&model(1e-12, "Add")).1));
    expect![[""]].assert_eq(&kept(&to_fp16(&model(f32::NEG_INFINITY, "Add")).1));
    expect![[""]].assert_eq(&kept(&to_fp16(&model(65_519.0, "Mul")).1));
    expect![[r#"
        Mul.b: constant "c" holds 6.552e4, which would become infinite
    "#]]
    .assert_eq(&kept(&to_fp16(&model(65_520.0, "Mul")).1));
    expect![[r#"
        Mul.b: constant "c" holds 3.4028235e38, which would become infinite
    "#]]
    .assert_eq(&kept(
        &cast_with(&model(f32::MAX, "Mul"), None, &CastOptions::to(FloatType::Bf16)).1,
    ));
}

/// A bound beyond the type bounds nothing in it.
#[test]
fn bounds_of_clip_may_lie_beyond_the_type() {
    let model = Graph::reading(&[2, 4])
        .weight("w", &[4, 4])
        .floats("low", &[], &[0.0])
        .floats("high", &[], &[f32::MAX])
        .node("MatMul", "x w", "a")
        .node("Clip", "a low high", "b")
        .node("MatMul", "b w", "y")
        .output("y")
        .model();
    let (result, summary) = to_fp16(&model);
    assert_eq!(kept(&summary), "");
    let high = result.graph().initializer.iter().find(|tensor| tensor.label() == "high").unwrap();
    assert_eq!(high.to_f32().unwrap()[..], [f32::INFINITY]);
}

#[test]
fn small_weights_are_counted() {
    let model = Graph::reading(&[1, 4])
        .floats("w", &[4, 2], &[1.0, 1e-9, 1e-6, 0.0, -2e-9, 0.5, 3e-6, 0.25])
        .node("MatMul", "x w", "y")
        .output("y")
        .model();
    let (_, summary) = to_fp16(&model);
    let precision = FloatType::Fp16;
    let note = CastNote::SmallWeights {
        tensor: "w".to_owned(),
        precision,
        elements: 8,
        vanished: 2,
        subnormal: 2,
    };
    assert_eq!(summary.notes, [note]);
}

#[test]
fn whole_numbers_that_the_type_cannot_tell_apart() {
    let to = |dtype: DataType| [int("to", dtype as i64)];
    let model = Graph::reading(&[8, 8])
        .weight("w", &[8, 8])
        .floats("width", &[], &[640.0])
        .node("MatMul", "x w", "a")
        .node("Mul", "a width", "place")
        .node_with("Cast", "place", "index", &to(DataType::INT64))
        .node_with("Cast", "index", "back", &to(DataType::FLOAT))
        .node("MatMul", "back w", "y")
        .output("y")
        .model();
    let few = ranges(&[
        ("x", -1.0, 1.0),
        ("a", 0.0, 1.0),
        ("place", 0.0, 640.0),
        ("back", 0.0, 640.0),
        ("y", 0.0, 9.0),
    ]);
    let many = ranges(&[
        ("x", -1.0, 1.0),
        ("a", 0.0, 9.0),
        ("place", 0.0, 5760.0),
        ("back", 0.0, 5760.0),
        ("y", 0.0, 9.0),
    ]);
    check(&model, &few, FloatType::Fp16, expect![[""]]);
    check(
        &model,
        &few,
        FloatType::Bf16,
        expect![[r#"
        Mul.place: tensor "place" holds whole numbers up to 6.4e2, exact are those up to 256
        Cast.back: tensor "back" holds whole numbers up to 6.4e2, exact are those up to 256
    "#]],
    );
    check(
        &model,
        &many,
        FloatType::Fp16,
        expect![[r#"
        Mul.place: tensor "place" holds whole numbers up to 5.76e3, exact are those up to 2048
        Cast.back: tensor "back" holds whole numbers up to 5.76e3, exact are those up to 2048
    "#]],
    );
}

#[test]
fn ranges_are_finite() {
    let model = between_products("Relu", &[2, 4], &[]);
    for bound in [f32::NAN, f32::INFINITY] {
        let given = ranges(&[("a", 0.0, bound)]);
        let error = cast(&model, Some(&given), &CastOptions::to(FloatType::Fp16)).unwrap_err();
        assert!(
            matches!(&error, CastError::NonFiniteRange { tensor, .. } if tensor == "a"),
            "{error}"
        );
    }
}

#[test]
fn reasons_are_sentences_in_the_report() {
    let reason = KeptReason::Overflow { tensor: "a".to_owned(), reached: 7.2e4, largest: 65_504.0 };
    let json = serde_json::to_string(&reason).unwrap();
    assert_eq!(json, r#""tensor \"a\" reaches 7.2e4, above 6.5504e4""#);
}
