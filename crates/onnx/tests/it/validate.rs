//! Models that are fine pass, each kind of broken one is named.

use calibrant_onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto,
    ValueInfoProto,
};
use calibrant_onnx::{DataType, Dim, MessageField, Model, validate};
use expect_test::expect;

use crate::fixtures::{self, of_nodes};

#[test]
fn fixtures_are_fine() {
    for path in fixtures::all() {
        let model = Model::read(&path).unwrap();
        if let Err(error) = validate(&model) {
            panic!("{}: {error}", path.display());
        }
    }
}

fn problems(model: &Model) -> String {
    validate(model).unwrap_err().to_string()
}

fn conv(attribute: AttributeProto) -> NodeProto {
    NodeProto::new("Conv", "c", &["x", "w"], &["y"]).with_attr(attribute)
}

#[test]
fn a_model_without_anything() {
    expect![[r#"
        the model has 2 problems
          it does not say which opset its operators are of
          it holds no graph"#]]
    .assert_eq(&problems(&Model::new(ModelProto::default())));
}

#[test]
fn opsets_out_of_range() {
    let mut model = of_nodes(vec![NodeProto::new("Relu", "", &["x"], &["y"])]);
    for (version, is_fine) in [(6, false), (7, true), (25, true), (26, false), (-1, false)] {
        model.set_opset(version);
        assert_eq!(validate(&model).is_ok(), is_fine, "opset {version}");
    }
    model
        .proto
        .opset_import
        .push(calibrant_onnx::proto::OperatorSetIdProto::default().with_version(9));
    expect![[r#"
        the model has 2 problems
          its operators are of opset -1, known are 7 to 25: convert it with onnx.version_converter
          it imports opset -1 and opset 9"#]]
    .assert_eq(&problems(&model));
}

#[test]
fn names() {
    let relu = |from, to| NodeProto::new("Relu", "r", &[from], &[to]);
    let mut model = of_nodes(vec![
        relu("x", "a"),
        relu("nowhere", "a"),
        relu("x", "x"),
        relu("x", "w"),
        NodeProto::new("", "nothing", &[""], &[""]),
    ]);
    let graph = model.graph_mut();
    graph.initializer = vec![
        TensorProto::from_f32("w", &[], &[1.0]),
        TensorProto::from_f32("w", &[], &[1.0]),
        TensorProto::from_f32("", &[], &[1.0]),
    ];
    graph.input.extend([graph.input[0].clone(), ValueInfoProto::tensor("w", DataType::FLOAT, &[])]);
    graph.input.push(ValueInfoProto::default());
    expect![[r#"
        the model has 11 problems
          graph input "" has no type
          tensor "w" is made by initializer 0 and again by initializer 1
          initializer 2 has no name
          tensor "x" is made by graph input 0 and again by graph input 1
          graph input 3 has no name
          tensor "a" is made by Relu "r" (#0) and again by Relu "r" (#1)
          tensor "x" is made by graph input 0 and again by Relu "r" (#2)
          tensor "w" is made by initializer 0 and again by Relu "r" (#3)
          Relu "r" (#1) reads tensor "nowhere", which nothing makes
          node "nothing" (#4) names no operator
          output "y" is made by nothing"#]]
    .assert_eq(&problems(&model));
}

#[test]
fn bodies() {
    let body = |node: NodeProto, output: &str| GraphProto {
        node: vec![node],
        output: vec![ValueInfoProto::default().with_name(output)],
        ..GraphProto::default()
    };
    let inner = NodeProto::new("If", "inner", &["x"], &["t"])
        .with_attr(AttributeProto::graph(
            "then_branch",
            body(NodeProto::new("Add", "", &["later", "lost"], &["a"]), "a"),
        ))
        .with_attr(AttributeProto::graph(
            "else_branch",
            body(NodeProto::new("Neg", "", &["e"], &["e"]), "absent"),
        ));
    let outer = NodeProto::new("If", "outer", &["x"], &["y"])
        .with_attr(AttributeProto::graph("then_branch", body(inner, "t")));
    let model = of_nodes(vec![outer, NodeProto::new("Relu", "", &["x"], &["later"])]);
    expect![[r#"
        the model has 3 problems
          If "outer" (#0) > If "inner" (#0) > Add (#0) reads tensor "lost", which nothing makes
          nodes wait for each other in a circle: If "outer" (#0) > If "inner" (#0) > Neg (#0)
          If "outer" (#0) > If "inner" (#0) > output "absent" is made by nothing"#]]
    .assert_eq(&problems(&model));
}

#[test]
fn a_circle_through_a_body() {
    let body = GraphProto {
        node: vec![NodeProto::new("Neg", "", &["b"], &["n"])],
        output: vec![ValueInfoProto::default().with_name("n")],
        ..GraphProto::default()
    };
    let holder = NodeProto::new("If", "", &["x"], &["a"])
        .with_attr(AttributeProto::graph("then_branch", body));
    let model = of_nodes(vec![
        holder,
        NodeProto::new("Add", "", &["a", "x"], &["b"]),
        NodeProto::new("Relu", "", &["x"], &["y"]),
    ]);
    expect![[r#"
        the model has 1 problem
          nodes wait for each other in a circle: If (#0), Add (#1)"#]]
    .assert_eq(&problems(&model));
}

#[test]
fn tensors_and_types() {
    let mut model = of_nodes(vec![
        NodeProto::new("Relu", "", &["x"], &["y"])
            .with_attr(AttributeProto::tensor("odd", TensorProto::from_i8("t", &[3], &[1]))),
    ]);
    let info = |data_type, dim| {
        let mut info =
            ValueInfoProto::tensor("v", DataType::FLOAT, &[Dim::Known(1), Dim::Known(1)]);
        let Some(calibrant_onnx::proto::type_proto::Value::TensorType(tensor)) =
            &mut info.r#type.get_or_insert_default().value
        else {
            panic!("a tensor was built")
        };
        tensor.elem_type = Some(data_type);
        let dims = &mut tensor.shape.get_or_insert_default().dim;
        dims[1].value =
            Some(calibrant_onnx::proto::tensor_shape_proto::dimension::Value::DimValue(dim));
        info
    };
    let graph = model.graph_mut();
    graph.value_info = vec![info(1, 3), info(0, -1), info(99, 3), info(1, -2)];
    graph
        .initializer
        .push(TensorProto { dims: vec![-4], ..TensorProto::from_f32("w", &[], &[1.0]) });
    let sparse = |indices: &[i64]| SparseTensorProto {
        dims: vec![2, 3],
        values: MessageField::some(TensorProto::from_f32("s", &[1], &[1.0])),
        indices: MessageField::some(TensorProto::from_i64("", &[indices.len()], indices)),
        ..Default::default()
    };
    graph.sparse_initializer = vec![sparse(&[6])];
    graph.output[0].r#type.take();
    expect![[r#"
        the model has 5 problems
          tensor "v" has the unknown element type 99
          tensor "v" has dimension 1 of size -2
          tensor "w": dimension 0 is -4
          tensor "s": its indices, values and dimensions [2, 3] do not go together
          Relu (#0) > tensor "t": dimensions [3] of INT8 need 3 bytes, 1 are there"#]]
    .assert_eq(&problems(&model));
    for indices in [&[5, 1][..], &[], &[-1]] {
        model.graph_mut().sparse_initializer = vec![sparse(indices)];
        assert!(problems(&model).contains("do not go together"), "{indices:?}");
    }
    model.graph_mut().sparse_initializer = vec![sparse(&[5])];
    assert!(!problems(&model).contains("do not go together"));
}

#[test]
fn attributes_of_convolutions() {
    let large = i64::from(i32::MAX) + 1;
    let cases: Vec<(AttributeProto, &str)> = vec![
        (AttributeProto::ints("strides", &[1, 1]), ""),
        (AttributeProto::ints("strides", &[1, 0]), "strides 0 is not between 1 and 2147483647"),
        (
            AttributeProto::ints("strides", &[1]),
            "attribute strides has 1 entries, 2 spatial axes need 2",
        ),
        (
            AttributeProto::ints("dilations", &[-1, 1]),
            "dilations -1 is not between 1 and 2147483647",
        ),
        (
            AttributeProto::ints("kernel_shape", &[3, large]),
            "kernel_shape 2147483648 is not between 1 and 2147483647",
        ),
        (
            AttributeProto::ints("kernel_shape", &[3]),
            "attribute kernel_shape has 1 entries, 2 spatial axes need 2",
        ),
        (
            AttributeProto::ints("pads", &[1, 1]),
            "attribute pads has 2 entries, 2 spatial axes need 4",
        ),
        (
            AttributeProto::ints("pads", &[0, 0, i64::MIN, 0]),
            "pads -9223372036854775808 is not between 0 and 2147483647",
        ),
        (AttributeProto::int("group", 2), ""),
        (AttributeProto::int("group", 0), "group 0 is not between 1 and 2147483647"),
        (
            AttributeProto::int("group", 3),
            "group 3 is not a divisor of the weight's first dimension",
        ),
        (AttributeProto::float("group", 2.0), "attribute group is FLOAT, not INT"),
        (AttributeProto::int("strides", 1), "attribute strides is INT, not INTS"),
        (
            AttributeProto::string("auto_pad", "SAME"),
            "auto_pad SAME is not NOTSET, SAME_UPPER, SAME_LOWER or VALID",
        ),
        (AttributeProto::string("auto_pad", "VALID"), ""),
    ];
    for (attribute, wanted) in cases {
        let mut model = of_nodes(vec![conv(attribute)]);
        model.graph_mut().initializer.push(TensorProto::from_f32("w", &[4, 1, 1, 1], &[0.0; 4]));
        let found = validate(&model).err().map(|error| error.to_string()).unwrap_or_default();
        match wanted {
            "" => assert_eq!(found, ""),
            _ => assert_eq!(found, format!("the model has 1 problem\n  Conv \"c\" (#0): {wanted}")),
        }
    }
}

#[test]
fn attributes_of_other_operators() {
    let node = |op: &str, inputs: &[&str], attribute| {
        NodeProto::new(op, "", inputs, &["y"]).with_attr(attribute)
    };
    let norm = ["x", "x", "x", "x", "x"];
    let cases = [
        (node("Transpose", &["x"], AttributeProto::ints("perm", &[1, 0, 2])), ""),
        (
            node("Transpose", &["x"], AttributeProto::ints("perm", &[1, 2])),
            "perm [1, 2] is not a permutation of the axes",
        ),
        (
            node("Transpose", &["x"], AttributeProto::ints("perm", &[0, 0])),
            "perm [0, 0] is not a permutation of the axes",
        ),
        (node("BatchNormalization", &norm, AttributeProto::float("epsilon", 1e-5)), ""),
        (
            node("BatchNormalization", &norm, AttributeProto::float("epsilon", f32::NAN)),
            "epsilon NaN is not a finite number of at least 0",
        ),
        (node("Cast", &["x"], AttributeProto::int("to", 1)), ""),
        (node("Cast", &["x"], AttributeProto::int("to", 0)), "to 0 is not an element type"),
        (node("Softmax", &["x"], AttributeProto::int("axis", -1)), ""),
        (node("Softmax", &["x"], AttributeProto::int("axis", 1000)), "axis 1000 is not an axis"),
        (
            node("DepthToSpace", &["x"], AttributeProto::int("blocksize", 0)),
            "blocksize 0 is not between 1 and 2147483647",
        ),
        (
            node("MaxPool", &["x"], AttributeProto::ints("kernel_shape", &[0])),
            "kernel_shape 0 is not between 1 and 2147483647",
        ),
    ];
    for (node, wanted) in cases {
        let op = node.op().to_owned();
        let found = validate(&of_nodes(vec![node.clone()])).err().map(|error| error.to_string());
        let wanted =
            (!wanted.is_empty()).then(|| format!("the model has 1 problem\n  {op} (#0): {wanted}"));
        assert_eq!(found, wanted);
        let mut foreign = node;
        foreign.domain = Some("elsewhere".to_owned());
        validate(&of_nodes(vec![foreign])).unwrap();
    }
}

#[test]
fn constant_inputs() {
    let cases = [
        ("Slice", 4, TensorProto::from_i64("k", &[2], &[1, -1]), ""),
        ("Slice", 4, TensorProto::from_i64("k", &[2], &[1, 0]), "steps 0 is not other than 0"),
        ("Range", 2, TensorProto::from_f32("k", &[], &[0.0]), "delta 0 is not other than 0"),
        ("Reshape", 1, TensorProto::from_i64("k", &[2], &[0, -2]), "shape -2 is not -1 or more"),
        ("Tile", 1, TensorProto::from_i64("k", &[1], &[-1]), "repeats -1 is not 0 or more"),
        ("Resize", 2, TensorProto::from_f32("k", &[0], &[]), ""),
        (
            "Resize",
            2,
            TensorProto::from_f32("k", &[1], &[f32::INFINITY]),
            "scales inf is not finite and above 0",
        ),
    ];
    for (op, input, value, wanted) in cases {
        let mut inputs = vec!["x"; input];
        inputs.push("k");
        let model = of_nodes(vec![
            NodeProto::new("Constant", "", &[], &["k"])
                .with_attr(AttributeProto::tensor("value", value)),
            NodeProto::new(op, "", &inputs, &["y"]),
        ]);
        let found = validate(&model).err().map(|error| error.to_string());
        let wanted =
            (!wanted.is_empty()).then(|| format!("the model has 1 problem\n  {op} (#1): {wanted}"));
        assert_eq!(found, wanted);
    }
}

#[test]
fn nodes_that_lack_something() {
    let mut twice = NodeProto::new("Relu", "twice", &["x"], &["y"]);
    twice.attribute = vec![AttributeProto::int("a", 1), AttributeProto::int("a", 2)];
    let model = of_nodes(vec![
        twice,
        NodeProto::new("Conv", "", &["x", ""], &["c"]),
        NodeProto::new("Constant", "", &[], &["k"]),
        NodeProto::new("Relu", "", &["x"], &[]),
    ]);
    expect![[r#"
        the model has 4 problems
          Relu "twice" (#0) has attribute a twice
          Conv (#1) has 1 of the 2 inputs it needs
          Constant (#2) holds no value
          Relu (#3) has 0 of the 1 outputs it needs"#]]
    .assert_eq(&problems(&model));
}

#[test]
fn the_list_ends_after_twenty() {
    let nodes = (0..1000).map(|i| NodeProto::new("Neg", "", &["lost"], &[&format!("t{i}")]));
    let error = validate(&of_nodes(nodes.collect())).unwrap_err();
    assert_eq!((error.problems.len(), error.n_more), (20, 981));
    assert!(error.to_string().ends_with("\n  and 981 more"));
}
