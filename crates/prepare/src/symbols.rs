//! Dimensions that only seem to be the same.
//!
//! Exporters write a placeholder such as `?` or a size of -1 where they know nothing.
//! ONNX reads equal symbols as equal sizes, so a picture input of `[-1, 3, ?, ?]` promises squares, and TensorRT holds
//! the model to that promise: it refuses 48 by 192 pixels.
//! Each such dimension gets a name of its own here. Names that a person may have chosen (`batch`, `height`, `N`) are
//! left alone however often they stand there, because equal sizes may be meant.
//!
//! Placeholders on inner tensors are taken away instead: what is known about them follows from the inputs.

use std::collections::HashSet;

use calibrant_onnx::Model;
use calibrant_onnx::proto::tensor_shape_proto::Dimension;
use calibrant_onnx::proto::tensor_shape_proto::dimension::Value as DimValue;
use calibrant_onnx::proto::type_proto::Value as TypeValue;
use calibrant_onnx::proto::{GraphProto, ValueInfoProto};

use crate::summary::RenamedDimension;

/// Words that exporters use for "not known", beside names without any letter or digit.
const PLACEHOLDERS: [&str; 5] = ["none", "unknown", "dynamic", "dyn", "-1"];

/// Gives every placeholder dimension of the model's inputs and outputs a name of its own, and returns which.
pub fn rename_unrelated_symbols(model: &mut Model) -> Vec<RenamedDimension> {
    let graph = model.graph_mut();
    let mut taken = symbols_of(graph);
    let mut renamed = Vec::new();
    for value in graph.input.iter_mut().chain(&mut graph.output) {
        let tensor = value.label().to_owned();
        for (axis, dimension) in dimensions_mut(value).iter_mut().enumerate() {
            let Some(before) = placeholder(dimension) else { continue };
            let after = free_name(&mut taken, &tensor, axis);
            dimension.value = Some(DimValue::DimParam(after.clone()));
            renamed.push(RenamedDimension { tensor: tensor.clone(), axis, before, after });
        }
    }
    for value in &mut graph.value_info {
        for dimension in dimensions_mut(value) {
            if placeholder(dimension).is_some() {
                dimension.value = None;
            }
        }
    }
    renamed
}

/// Returns what a dimension says when that is as good as nothing.
fn placeholder(dimension: &Dimension) -> Option<String> {
    match dimension.value.as_ref()? {
        DimValue::DimValue(size) => (*size < 0).then(|| size.to_string()),
        DimValue::DimParam(name) => {
            let is_word = name.chars().any(char::is_alphanumeric);
            let is_known = PLACEHOLDERS.contains(&name.to_ascii_lowercase().as_str());
            (!is_word || is_known).then(|| name.clone())
        }
    }
}

fn free_name(taken: &mut HashSet<String>, tensor: &str, axis: usize) -> String {
    let mut name = format!("{tensor}_dim{axis}");
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}

fn symbols_of(graph: &mut GraphProto) -> HashSet<String> {
    let values = graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info);
    values
        .flat_map(dimensions_mut)
        .filter_map(|dimension| match &dimension.value {
            Some(DimValue::DimParam(name)) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

fn dimensions_mut(value: &mut ValueInfoProto) -> &mut [Dimension] {
    let Some(TypeValue::TensorType(tensor)) =
        value.r#type.as_option_mut().and_then(|ty| ty.value.as_mut())
    else {
        return &mut [];
    };
    tensor.shape.as_option_mut().map_or(&mut [], |shape| &mut shape.dim)
}
