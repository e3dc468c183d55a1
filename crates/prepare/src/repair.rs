//! What is amiss in a model and can be put right without changing what it is meant to compute, written otherwise.
//!
//! * Capital letters in the equation of an `Einsum`, which TensorRT's parser does not know, become small ones.
//! * `BatchNormalization` and `Dropout` that were exported as they train get the form that they have when the model is used.
//! * Operators of ONNX Runtime's own that its optimiser makes of ONNX's (`FusedConv`, `Gelu`, `SkipLayerNormalization`, …)
//!   are written in ONNX's again.
//!
//! Tensors keep their names.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use calibrant_onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use calibrant_onnx::{DataType, Model};
use serde::Serialize;

use crate::names::Names;

mod einsum;
mod fused;

/// A node that was put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// The node, by label.
    pub node: String,
    /// What was done to it.
    pub what: RepairKind,
}

/// How a node was put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RepairKind {
    /// An equation has small letters in the place of capital ones.
    SmallLetters,
    /// A node that was exported as it trains computes as the model is used.
    Inference,
    /// An operator of ONNX Runtime's own is written in ONNX's.
    WrittenOut,
}

impl fmt::Display for RepairKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SmallLetters => "capital letters of its equation written as small ones",
            Self::Inference => "exported in training mode, and computes as in use",
            Self::WrittenOut => "an operator of ONNX Runtime, written in ONNX's own",
        })
    }
}

/// Returns the model with what is amiss put right, bodies included, and what was; the model as it is where nothing is.
#[must_use]
pub fn repaired(model: &Model) -> (Cow<'_, Model>, Vec<Repair>) {
    if !needs_repair(model.graph()) {
        return (Cow::Borrowed(model), Vec::new());
    }
    let mut repaired = model.clone();
    let opset = model.opset().unwrap_or_default();
    let mut repairs = Repairs {
        opset,
        is_float32: is_float32(model.graph()),
        names: Names::of(model.graph()),
        made: Vec::new(),
    };
    repairs.graph(repaired.graph_mut());
    if repairs.made.is_empty() {
        return (Cow::Borrowed(model), Vec::new());
    }
    (Cow::Owned(repaired), repairs.made)
}

/// Whether a node of the graph or its bodies is of a kind that may have to be put right.
fn needs_repair(graph: &GraphProto) -> bool {
    graph.node.iter().any(|node| {
        einsum::in_small_letters(node).is_some()
            || trains(node)
            || fused::is_fused(node)
            || node.subgraphs().any(needs_repair)
    })
}

/// Whether the node may be of the form that it trains in.
fn trains(node: &NodeProto) -> bool {
    node.is("BatchNormalization") && node.attr_i("training_mode").unwrap_or(0) != 0
        || node.is("Dropout") && node.input_name(2).is_some()
}

/// Whether no weight or input of the graph is of another float type: then what reads a constant of ours reads float32.
fn is_float32(graph: &GraphProto) -> bool {
    let other = |dtype: Option<i32>| {
        let others = [DataType::FLOAT16, DataType::BFLOAT16, DataType::DOUBLE];
        others.iter().any(|&other| dtype == Some(other as i32))
    };
    let is_other = |tensor: &TensorProto| other(tensor.data_type);
    !graph.initializer.iter().any(is_other)
        && !graph.node.iter().any(|node| {
            node.attr_t("value").is_some_and(is_other)
                || node.is("Cast") && other(node.attr_i("to").and_then(|to| to.try_into().ok()))
                || node.subgraphs().any(|body| !is_float32(body))
        })
        && !graph.input.iter().any(|input| {
            other(input.tensor_type().and_then(|stated| stated.dtype).map(|dtype| dtype as i32))
        })
}

struct Repairs {
    opset: i64,
    is_float32: bool,
    names: Names,
    made: Vec<Repair>,
}

impl Repairs {
    fn graph(&mut self, graph: &mut GraphProto) {
        let read = names_read(graph);
        let fixed = true_constants(graph);
        let ranks = fused::Ranks::of(graph);
        let mut weights = Vec::new();
        let nodes = std::mem::take(&mut graph.node);
        for (index, mut node) in nodes.into_iter().enumerate() {
            self.bodies(&mut node);
            let label = node.label(index);
            let kind = self.in_place(&mut node, &read, &fixed);
            let written = fused::is_fused(&node).then(|| {
                let mut written = fused::Writer::new(&node, self.opset, &ranks, &mut self.names);
                written.write(&node, self.is_float32).then(|| written.into_parts())
            });
            match written.flatten() {
                Some((nodes, constants)) => {
                    self.made.push(Repair { node: label, what: RepairKind::WrittenOut });
                    graph.node.extend(nodes);
                    weights.extend(constants);
                }
                None => {
                    self.made.extend(kind.map(|what| Repair { node: label, what }));
                    graph.node.push(node);
                }
            }
        }
        graph.initializer.extend(weights);
    }

    fn bodies(&mut self, node: &mut NodeProto) {
        for attribute in &mut node.attribute {
            attribute.g.as_option_mut().into_iter().for_each(|body| self.graph(body));
            attribute.graphs.iter_mut().for_each(|body| self.graph(body));
        }
    }

    /// Puts right what a node says of itself.
    fn in_place(
        &self,
        node: &mut NodeProto,
        read: &HashSet<String>,
        fixed: &HashSet<String>,
    ) -> Option<RepairKind> {
        if let Some(equation) = einsum::in_small_letters(node) {
            node.set_attr(AttributeProto::string("equation", &equation));
            return Some(RepairKind::SmallLetters);
        }
        if !trains(node) {
            return None;
        }
        if node.is("Dropout") {
            // Where it is not known whether the node trains, nothing is changed.
            node.input_name(2).filter(|name| fixed.contains(*name))?;
            node.input.truncate(2);
            return Some(RepairKind::Inference);
        }
        if node.output.iter().skip(1).any(|output| read.contains(output)) {
            return None;
        }
        node.output.truncate(1);
        node.set_attr(AttributeProto::int("training_mode", 0));
        Some(RepairKind::Inference)
    }
}

/// The tensors that are read in the graph or its bodies, or are its outputs.
fn names_read(graph: &GraphProto) -> HashSet<String> {
    let mut read: HashSet<String> = graph.output.iter().map(|it| it.label().to_owned()).collect();
    for node in &graph.node {
        read.extend(node.input.iter().cloned());
        node.subgraphs().for_each(|body| read.extend(names_read(body)));
    }
    read.remove("");
    read
}

/// The constants of the graph that say yes.
fn true_constants(graph: &GraphProto) -> HashSet<String> {
    let is_true = |tensor: &TensorProto| {
        tensor.dtype().is_ok_and(|dtype| dtype == DataType::BOOL)
            && tensor.to_i64().is_ok_and(|values| values.len() == 1 && values[0] != 0)
    };
    let weights = graph.initializer.iter().filter(|tensor| is_true(tensor));
    let weights = weights.map(|tensor| tensor.label().to_owned());
    let nodes = graph.node.iter().filter(|node| node.attr_t("value").is_some_and(is_true));
    weights.chain(nodes.filter_map(|node| node.output_name(0)).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use calibrant_onnx::MessageField;
    use calibrant_onnx::proto::{ModelProto, OperatorSetIdProto, ValueInfoProto};

    use super::*;

    fn model(nodes: Vec<NodeProto>, weights: Vec<TensorProto>) -> Model {
        let output = ValueInfoProto { name: Some("y".to_owned()), ..Default::default() };
        let graph = GraphProto {
            node: nodes,
            initializer: weights,
            output: vec![output],
            ..Default::default()
        };
        Model::new(ModelProto {
            opset_import: vec![OperatorSetIdProto::default().with_version(17)],
            graph: MessageField::some(graph),
            ..Default::default()
        })
    }

    fn batch_norm(outputs: &[&str]) -> NodeProto {
        NodeProto::new("BatchNormalization", "bn", &["x", "s", "b", "m", "v"], outputs)
            .with_attr(AttributeProto::int("training_mode", 1))
    }

    #[test]
    fn a_model_in_which_nothing_is_amiss_stays_what_it_is() {
        let model = model(vec![NodeProto::new("Relu", "r", &["x"], &["y"])], Vec::new());
        let (same, repairs) = repaired(&model);
        assert!(matches!(same, Cow::Borrowed(_)) && repairs.is_empty());
    }

    #[test]
    fn training_batch_norms_become_those_of_use_unless_their_statistics_are_read() {
        let unread = model(vec![batch_norm(&["y", "mean", "var"])], Vec::new());
        let (found, repairs) = repaired(&unread);
        let node = &found.graph().node[0];
        assert_eq!((node.output.len(), node.attr_i("training_mode")), (1, Some(0)));
        let expected =
            Repair { node: unread.graph().node[0].label(0), what: RepairKind::Inference };
        assert_eq!(repairs, [expected]);

        let reader = NodeProto::new("Relu", "r", &["mean"], &["z"]);
        let read = model(vec![batch_norm(&["y", "mean", "var"]), reader], Vec::new());
        assert!(repaired(&read).1.is_empty());
    }

    #[test]
    fn dropouts_that_are_said_to_train_pass_their_input_on() {
        let dropout = NodeProto::new("Dropout", "d", &["x", "ratio", "t"], &["y"]);
        let says = |value| vec![TensorProto::from_bool("t", &[], &[value])];
        let trains = model(vec![dropout.clone()], says(true));
        let (found, repairs) = repaired(&trains);
        assert_eq!((found.graph().node[0].input.len(), repairs.len()), (2, 1));
        assert!(repaired(&model(vec![dropout], says(false))).1.is_empty());
    }
}
