//! Placeholder dimensions.

use calibrant_onnx::proto::{GraphProto, ModelProto, ValueInfoProto};
use calibrant_onnx::{DataType, Dim, Model};
use calibrant_prepare::rename_unrelated_symbols;
use expect_test::expect;

use crate::printer::print;

fn model(input: &[Dim<'_>], inner: &[Dim<'_>], output: &[Dim<'_>]) -> Model {
    let value = |name, dims| ValueInfoProto::tensor(name, DataType::FLOAT, dims);
    let graph = GraphProto {
        input: vec![value("x", input)],
        value_info: vec![value("t", inner)],
        output: vec![value("y", output)],
        ..Default::default()
    };
    let mut model = Model::new(ModelProto { graph: graph.into(), ..Default::default() });
    model.set_opset(11);
    model
}

#[test]
fn placeholders_get_names_of_their_own_and_chosen_names_stay() {
    let question = Dim::Symbol("?");
    let mut model = model(
        &[Dim::Symbol("batch"), Dim::Known(3), question, question],
        &[Dim::Symbol("batch"), question],
        &[Dim::Symbol("batch"), Dim::Symbol("None"), Dim::Symbol("x_dim2"), Dim::Unknown],
    );
    let renamed = rename_unrelated_symbols(&mut model);
    expect![[r#"
        opset 11
        in x[batch,3,x_dim2_,x_dim3]
        out y[batch,y_dim1,x_dim2,?]
    "#]]
    .assert_eq(&print(&model));
    expect![[r#"
        [
            RenamedDimension {
                tensor: "x",
                axis: 2,
                before: "?",
                after: "x_dim2_",
            },
            RenamedDimension {
                tensor: "x",
                axis: 3,
                before: "?",
                after: "x_dim3",
            },
            RenamedDimension {
                tensor: "y",
                axis: 1,
                before: "None",
                after: "y_dim1",
            },
        ]
    "#]]
    .assert_debug_eq(&renamed);
    let inner = model.graph().value_info[0].tensor_type().unwrap();
    assert_eq!(inner.shape.unwrap(), [Dim::Symbol("batch"), Dim::Unknown]);
    assert_eq!(rename_unrelated_symbols(&mut model), []);
}

#[test]
fn a_negative_size_becomes_a_name() {
    use calibrant_onnx::proto::tensor_shape_proto::dimension::Value;
    use calibrant_onnx::proto::type_proto::Value as TypeValue;
    let mut model = model(&[Dim::Known(0), Dim::Known(3)], &[], &[Dim::Known(2)]);
    let input = &mut model.graph_mut().input[0];
    let Some(TypeValue::TensorType(tensor)) = &mut input.r#type.get_or_insert_default().value
    else {
        panic!()
    };
    tensor.shape.get_or_insert_default().dim[0].value = Some(Value::DimValue(-1));
    rename_unrelated_symbols(&mut model);
    expect![[r#"
        opset 11
        in x[x_dim0,3]
        out y[2]
    "#]]
    .assert_eq(&print(&model));
}
