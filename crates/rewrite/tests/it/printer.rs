//! A graph as text: one line a node, small constants by value.

use std::collections::HashMap;
use std::fmt::Write as _;

use calibrant_onnx::proto::attribute_proto::AttributeType;
use calibrant_onnx::proto::{AttributeProto, GraphProto, TensorProto, ValueInfoProto};
use calibrant_onnx::{DataType, Model};

/// Constants of up to this many elements are shown by value.
const SHOWN_ELEMENTS: usize = 4;

pub(crate) fn print(model: &Model) -> String {
    format!("opset {}\n{}", model.opset().unwrap(), print_graph(model.graph(), ""))
}

fn print_graph(graph: &GraphProto, indent: &str) -> String {
    let constants: HashMap<&str, &TensorProto> =
        graph.initializer.iter().map(|tensor| (tensor.label(), tensor)).collect();
    let mut text = String::new();
    for input in &graph.input {
        writeln!(text, "{indent}in {}", value(input)).unwrap();
    }
    for node in &graph.node {
        let inputs: Vec<String> = node.input.iter().map(|name| show(name, &constants)).collect();
        let attributes: Vec<String> =
            node.attribute.iter().filter(|one| !one.g.is_set()).map(attribute).collect();
        let attributes = if attributes.is_empty() {
            String::new()
        } else {
            format!(" {}", attributes.join(" "))
        };
        writeln!(
            text,
            "{indent}{} = {}({}){attributes}",
            node.output.join(", "),
            node.op(),
            inputs.join(", ")
        )
        .unwrap();
        for inner in node.subgraphs() {
            writeln!(text, "{indent}  {}:", inner.name.as_deref().unwrap_or_default()).unwrap();
            text += &print_graph(inner, &format!("{indent}    "));
        }
    }
    for output in &graph.output {
        writeln!(text, "{indent}out {}", value(output)).unwrap();
    }
    text
}

fn value(info: &ValueInfoProto) -> String {
    let shape = info.tensor_type().and_then(|stated| stated.shape);
    let dims =
        shape.map(|shape| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    format!("{}[{}]", info.label(), dims.unwrap_or("..".to_owned()))
}

fn show(name: &str, constants: &HashMap<&str, &TensorProto>) -> String {
    let Some(tensor) = constants.get(name) else { return name.to_owned() };
    let dtype = tensor.dtype().unwrap();
    if tensor.n_elements().unwrap() > SHOWN_ELEMENTS {
        return format!("{name}:{}{:?}", short(dtype), tensor.shape().unwrap());
    }
    let values = match dtype {
        DataType::FLOAT | DataType::FLOAT16 | DataType::BFLOAT16 => {
            tensor.to_f32().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>()
        }
        DataType::FLOAT8E4M3FN | DataType::INT4 => tensor
            .raw_data
            .iter()
            .flat_map(|raw| raw.iter())
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        _ => tensor.to_i64().unwrap().iter().map(ToString::to_string).collect(),
    };
    let is_scalar = tensor.dims.is_empty();
    if is_scalar {
        format!("{}{}", values[0], short(dtype))
    } else {
        format!("[{}]{}", values.join(" "), short(dtype))
    }
}

fn short(dtype: DataType) -> String {
    match dtype {
        DataType::FLOAT => String::new(),
        DataType::FLOAT16 => "h".to_owned(),
        DataType::BFLOAT16 => "b".to_owned(),
        DataType::INT8 => "i8".to_owned(),
        DataType::INT64 => "i64".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn attribute(attribute: &AttributeProto) -> String {
    let name = attribute.name.as_deref().unwrap();
    match attribute.kind().unwrap() {
        AttributeType::INT => format!("{name}={}", attribute.i.unwrap()),
        AttributeType::FLOAT => format!("{name}={}", attribute.f.unwrap()),
        AttributeType::INTS => format!("{name}={:?}", attribute.ints),
        AttributeType::STRING => {
            format!("{name}={}", str::from_utf8(attribute.s.as_ref().unwrap()).unwrap())
        }
        _ => name.to_owned(),
    }
}
