//! What is known of operators, whoever asks: which commute with what, and which tensors hold no values.

use std::collections::HashSet;

use crate::proto::NodeProto;
use crate::{DataType, Topology};

/// Operators that compute each element of the output from the same element of the inputs; sorted.
#[rustfmt::skip]
const ELEMENTWISE: [&str; 40] = [
    "Abs", "Add", "BatchNormalization", "Cast", "Ceil", "Celu", "Clip", "Cos", "Div", "Elu", "Erf", "Exp", "Floor",
    "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Max", "Min", "Mish", "Mul", "Neg", "PRelu", "Pow",
    "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sin", "Softplus", "Softsign", "Sqrt", "Sub", "Sum", "Swish",
    "Tanh", "ThresholdedRelu", "Where",
];

/// Operators whose output holds the values of input 0, each once, in another order or shape; sorted.
#[rustfmt::skip]
const REARRANGES_VALUES: [&str; 8] = [
    "DepthToSpace", "Flatten", "Identity", "Reshape", "SpaceToDepth", "Squeeze", "Transpose", "Unsqueeze",
];

/// Operators whose output holds values of input 0 and no others, but not each once. Resize is one when it takes the nearest.
const PICKS_VALUES: [&str; 2] = ["Dropout", "MaxPool"];

/// Operators whose output is whole numbers whatever they read; sorted.
#[rustfmt::skip]
const COUNTS: [&str; 7] = ["ArgMax", "ArgMin", "NonMaxSuppression", "NonZero", "Shape", "Size", "Unique"];

/// Operators that pass the type of input 0 on; sorted.
#[rustfmt::skip]
const KEEPS_TYPE: [&str; 17] = [
    "Abs", "Add", "Concat", "Div", "Expand", "Gather", "Identity", "Mod", "Mul", "Range", "ReduceProd", "Reshape",
    "Slice", "Squeeze", "Sub", "Tile", "Unsqueeze",
];

/// Whether `node` computes each element of its output from the same element of its inputs, so that a kernel before it can
/// take it along.
#[must_use]
pub fn is_elementwise(node: &NodeProto) -> bool {
    node.is_default_domain() && ELEMENTWISE.binary_search(&node.op()).is_ok()
}

/// Whether the output of `node` has the values of input 0, each once, in another order or shape.
#[must_use]
pub fn rearranges_values(node: &NodeProto) -> bool {
    node.is_default_domain() && REARRANGES_VALUES.binary_search(&node.op()).is_ok()
}

/// Whether `node` commutes with quantization: it picks and orders values of input 0.
#[must_use]
pub fn moves_values(node: &NodeProto) -> bool {
    let takes_nearest =
        || node.op() == "Resize" && node.attr_s("mode").unwrap_or("nearest") == "nearest";
    rearranges_values(node)
        || node.is_default_domain() && (PICKS_VALUES.contains(&node.op()) || takes_nearest())
}

/// Returns the tensors that do not depend on the model's inputs.
#[must_use]
pub fn made_of_constants<'a>(topology: &'a Topology<'a>) -> HashSet<&'a str> {
    let graph = topology.graph();
    let mut constant: HashSet<&str> =
        graph.initializer.iter().map(|tensor| tensor.label()).collect();
    constant.extend(graph.sparse_initializer.iter().map(|sparse| sparse.values.label()));
    for &index in topology.order() {
        let node = &graph.node[index];
        let reads_only_constants =
            node.input.iter().all(|name| name.is_empty() || constant.contains(name.as_str()));
        if reads_only_constants && !is_random(node) && node.subgraphs().next().is_none() {
            constant.extend(node.output.iter().map(String::as_str));
        }
    }
    constant
}

/// Returns the tensors whose values are of the samples: the model's inputs, what is drawn at random, and what is computed from
/// values of either.
///
/// All others are constant, those that are made of shapes alone too: whoever observes values and whoever asks for ranges
/// goes by this, so that nobody waits for a range of what nobody looks at.
#[must_use]
pub fn of_samples<'a>(topology: &Topology<'a>) -> HashSet<&'a str> {
    let mut found: HashSet<&str> = topology.data_inputs().map(|input| input.label()).collect();
    for &index in topology.order() {
        let node = &topology.graph().node[index];
        let reads_one = || topology.reads(index).any(|name| found.contains(name));
        if is_random(node) || !is_about_shape(node) && reads_one() {
            found.extend(node.output.iter().map(String::as_str).filter(|name| !name.is_empty()));
        }
    }
    found
}

/// Whether `node` draws what it makes.
#[must_use]
pub fn is_random(node: &NodeProto) -> bool {
    node.op().starts_with("Random") || node.is("Multinomial") || node.is("Bernoulli")
}

/// Whether the outputs say nothing of the values that `node` reads, only of their number.
fn is_about_shape(node: &NodeProto) -> bool {
    node.is_default_domain() && matches!(node.op(), "Shape" | "Size" | "EyeLike")
}

/// Returns the tensors that hold whole numbers, as far as that can be told: shapes, indices and what is made of them.
#[must_use]
pub fn whole_numbers<'a>(topology: &'a Topology<'a>) -> HashSet<&'a str> {
    let mut whole = HashSet::new();
    for &index in topology.order() {
        let node = &topology.graph().node[index];
        let passes_on = KEEPS_TYPE.binary_search(&node.op()).is_ok()
            && node.input.first().is_some_and(|input| whole.contains(input.as_str()));
        let converts = node.is("Cast") && node.attr_i("to").is_some_and(is_whole);
        if COUNTS.binary_search(&node.op()).is_ok() || passes_on || converts {
            whole.extend(node.output.iter().map(String::as_str));
        }
    }
    whole
}

fn is_whole(dtype: i64) -> bool {
    [DataType::INT32, DataType::INT64].iter().any(|&whole| whole as i64 == dtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(
            ELEMENTWISE.is_sorted()
                && REARRANGES_VALUES.is_sorted()
                && COUNTS.is_sorted()
                && KEEPS_TYPE.is_sorted()
        );
    }
}
