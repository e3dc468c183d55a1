//! Changes that a model can suffer and still be read.

use calibrant_onnx::Model;
use calibrant_onnx::proto::tensor_shape_proto::dimension::Value as DimValue;
use calibrant_onnx::proto::type_proto::Value as TypeValue;
use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};

use crate::random::Random;

/// Numbers that sizes, axes, counts and steps go wrong at.
const NUMBERS: [i64; 24] = [
    0,
    1,
    -1,
    2,
    -2,
    3,
    5,
    7,
    -9,
    16,
    64,
    255,
    4_096,
    65_536,
    1 << 20,
    -(1 << 20),
    1 << 28,
    (1 << 31) - 1,
    1 << 31,
    -(1 << 31),
    1 << 40,
    1 << 62,
    i64::MAX,
    i64::MIN,
];

/// Floats that arithmetic goes wrong at.
const FLOATS: [f32; 10] =
    [0.0, -0.0, 1.0, -1.0, 1e-40, 1e30, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];

/// Names that are none, taken, or unfit for a terminal.
const NAMES: [&str; 6] = ["", "x", "c", "y", "\u{1b}[31mred\r\n", "calibrant/1"];

/// Makes one change, perhaps with a part of `donor`.
pub(super) fn change(model: &mut Model, donor: &Model, random: &mut Random) {
    if random.below(30) == 0 {
        model.set_opset(*random.pick(&[1, 7, 9, 10, 11, 12, 13, 15, 18, 19, 21, 23, 25, 99]));
        return;
    }
    let graph = pick_graph(model.graph_mut(), random);
    match random.below(12) {
        0..=4 => change_node(graph, donor.graph(), random),
        5..=6 => change_constant(graph, random),
        7 => change_shape(graph, random),
        8 => reorder(graph, random),
        9 => add_or_drop(graph, donor.graph(), random),
        10 => wrap(graph, random),
        _ => rename(graph, random),
    }
}

/// The graph, or the graph of a body.
fn pick_graph<'g>(graph: &'g mut GraphProto, random: &mut Random) -> &'g mut GraphProto {
    let holds = |node: &NodeProto| node.attribute.iter().any(|attribute| attribute.g.is_set());
    let holders: Vec<usize> =
        graph.node.iter().enumerate().filter(|(_, node)| holds(node)).map(|(at, _)| at).collect();
    if holders.is_empty() || random.below(2) == 0 {
        return graph;
    }
    let node = &mut graph.node[*random.pick(&holders)];
    let bodies: Vec<usize> =
        (0..node.attribute.len()).filter(|&at| node.attribute[at].g.is_set()).collect();
    let body = *random.pick(&bodies);
    pick_graph(node.attribute[body].g.get_or_insert_default(), random)
}

fn change_node(graph: &mut GraphProto, donor: &GraphProto, random: &mut Random) {
    if graph.node.is_empty() {
        return;
    }
    let at = random.below(graph.node.len());
    let other = graph.node[random.below(graph.node.len())].clone();
    let node = &mut graph.node[at];
    match random.below(10) {
        0..=4 if !node.attribute.is_empty() => {
            let attribute = random.below(node.attribute.len());
            change_attribute(&mut node.attribute[attribute], random);
        }
        5 if !node.attribute.is_empty() => {
            node.attribute.remove(random.below(node.attribute.len()));
        }
        6 if !node.input.is_empty() => {
            let input = random.below(node.input.len());
            match other.input.first().or(other.output.first()) {
                Some(name) if random.below(2) == 0 => node.input[input].clone_from(name),
                _ => node.input[input].clear(),
            }
        }
        7 if !node.input.is_empty() => {
            node.input.truncate(random.below(node.input.len()));
        }
        8 if !donor.node.is_empty() => {
            let donor = random.pick(&donor.node);
            if random.below(2) == 0 {
                node.op_type.clone_from(&donor.op_type);
            }
            node.attribute.extend(donor.attribute.iter().cloned());
        }
        _ => node.input.extend(other.input.first().cloned()),
    }
}

fn change_attribute(attribute: &mut AttributeProto, random: &mut Random) {
    if let Some(number) = &mut attribute.i {
        *number = *random.pick(&NUMBERS);
    }
    if let Some(number) = &mut attribute.f {
        *number = *random.pick(&FLOATS);
    }
    if !attribute.ints.is_empty() {
        match random.below(4) {
            0 => drop(attribute.ints.pop()),
            1 => attribute.ints.push(*random.pick(&NUMBERS)),
            2 => attribute.ints.fill(*random.pick(&NUMBERS)),
            _ => {
                let at = random.below(attribute.ints.len());
                attribute.ints[at] = *random.pick(&NUMBERS);
            }
        }
    }
    if attribute.s.is_some() {
        let words = [
            "",
            "SAME_UPPER",
            "SAME_LOWER",
            "VALID",
            "linear",
            "cubic",
            "reflect",
            "ab,bc->ac",
            "...",
        ];
        attribute.s = Some((*random.pick(&words)).as_bytes().to_vec().into());
    }
    if let Some(tensor) = attribute.t.as_option_mut() {
        change_tensor(tensor, random);
    }
}

fn change_constant(graph: &mut GraphProto, random: &mut Random) {
    if graph.initializer.is_empty() {
        return;
    }
    let at = random.below(graph.initializer.len());
    change_tensor(&mut graph.initializer[at], random);
}

fn change_tensor(tensor: &mut TensorProto, random: &mut Random) {
    let name = tensor.label().to_owned();
    let Ok(shape) = tensor.shape() else { return };
    if random.below(6) == 0 {
        tensor.dims = (0..random.below(5)).map(|_| *random.pick(&NUMBERS)).collect();
        return;
    }
    if let Ok(whole) = tensor.to_i64().map(|values| values.into_owned()) {
        let mut values = whole;
        match values.len() {
            0 => values.push(*random.pick(&NUMBERS)),
            len => values[random.below(len)] = *random.pick(&NUMBERS),
        }
        if random.below(4) == 0 {
            values.push(*random.pick(&NUMBERS));
        }
        let shape = if shape.iter().product::<usize>() == values.len() {
            shape
        } else {
            vec![values.len()]
        };
        *tensor = TensorProto::from_i64(&name, &shape, &values);
    } else if let Ok(values) = tensor.to_f32().map(|values| values.into_owned()) {
        let mut values = values;
        let number = *random.pick(&FLOATS);
        match values.len() {
            0 => values.push(number),
            len => values[random.below(len)] = number,
        }
        let shape = if shape.iter().product::<usize>() == values.len() {
            shape
        } else {
            vec![values.len()]
        };
        let mut shape = shape;
        if random.below(3) == 0 && !shape.is_empty() {
            // Another shape of as many elements.
            let at = random.below(shape.len());
            let size = std::mem::replace(&mut shape[at], 1);
            shape.push(size);
        }
        *tensor = TensorProto::from_f32(&name, &shape, &values);
    }
}

fn change_shape(graph: &mut GraphProto, random: &mut Random) {
    let infos = graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info);
    let mut dims: Vec<_> = infos
        .filter_map(|info| match info.r#type.as_option_mut()?.value.as_mut()? {
            TypeValue::TensorType(tensor) => Some(&mut tensor.shape.as_option_mut()?.dim),
            _ => None,
        })
        .collect();
    if dims.is_empty() {
        return;
    }
    let at = random.below(dims.len());
    let dims = &mut *dims[at];
    match dims.len() {
        0 => {}
        len if random.below(3) > 0 => {
            dims[random.below(len)].value = Some(DimValue::DimValue(*random.pick(&NUMBERS)));
        }
        _ => drop(dims.pop()),
    }
}

fn reorder(graph: &mut GraphProto, random: &mut Random) {
    if graph.node.len() > 1 {
        let (a, b) = (random.below(graph.node.len()), random.below(graph.node.len()));
        graph.node.swap(a, b);
    }
}

fn add_or_drop(graph: &mut GraphProto, donor: &GraphProto, random: &mut Random) {
    match random.below(3) {
        0 if !graph.node.is_empty() => drop(graph.node.remove(random.below(graph.node.len()))),
        1 if !graph.node.is_empty() => {
            // Once more, on its own result.
            let at = random.below(graph.node.len());
            let mut again = graph.node[at].clone();
            let Some(output) = again.output.first().cloned() else { return };
            if let Some(input) = again.input.first_mut() {
                *input = output;
            }
            let name = format!("again{}", random.below(1 << 20));
            again.output = vec![name.clone()];
            graph.node.push(again);
            if let Some(output) = graph.output.first_mut() {
                output.name = Some(name);
            }
        }
        _ if !donor.node.is_empty() => {
            graph.node.push(random.pick(&donor.node).clone());
            graph.initializer.extend(donor.initializer.iter().cloned());
        }
        _ => {}
    }
}

/// Moves a node into the body of an `If` or of a `Loop`.
fn wrap(graph: &mut GraphProto, random: &mut Random) {
    if graph.node.is_empty() {
        return;
    }
    let at = random.below(graph.node.len());
    let node = graph.node[at].clone();
    let outputs: Vec<&str> = node.output.iter().map(String::as_str).collect();
    let body = super::seeds::body(&["inner"], &[], vec![node.clone()]);
    let mut body = body;
    body.output = outputs.iter().map(|name| super::seeds::untyped(name)).collect();
    let mut outer = if random.below(2) == 0 {
        let condition = TensorProto::from_bool("wrapped", &[], &[random.below(2) == 0]);
        graph.initializer.push(condition);
        NodeProto::new("If", "wrapping", &["wrapped"], &outputs)
            .with_attr(AttributeProto::graph("then_branch", body.clone()))
            .with_attr(AttributeProto::graph("else_branch", body))
    } else {
        let trips = *random.pick(&[0, 1, 2, i64::MAX]);
        graph.initializer.push(TensorProto::from_i64("trips", &[], &[trips]));
        body.input = ["turn", "on"].map(super::seeds::untyped).into();
        body.output.insert(0, super::seeds::untyped("on"));
        NodeProto::new("Loop", "wrapping", &["trips", ""], &outputs)
            .with_attr(AttributeProto::graph("body", body))
    };
    outer.doc_string = None;
    graph.node[at] = outer;
}

fn rename(graph: &mut GraphProto, random: &mut Random) {
    let name = (*random.pick(&NAMES)).to_owned();
    match random.below(4) {
        0 if !graph.node.is_empty() => {
            let at = random.below(graph.node.len());
            graph.node[at].name = Some(name);
        }
        1 if !graph.node.is_empty() => {
            let at = random.below(graph.node.len());
            if let Some(output) = graph.node[at].output.first_mut() {
                *output = name;
            }
        }
        2 if !graph.initializer.is_empty() => {
            let at = random.below(graph.initializer.len());
            graph.initializer[at].name = Some(name);
        }
        _ => {
            if let Some(input) = graph.input.first_mut() {
                input.name = Some(name);
            }
        }
    }
}
