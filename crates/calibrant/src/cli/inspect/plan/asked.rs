//! Which nodes of a Q/DQ model ask for INT8, and what the plan's layers made of it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use calibrant_engine::PlanLayer;
use calibrant_onnx::proto::NodeProto;
use calibrant_onnx::{Model, Topology};
use serde::Serialize;

use crate::output::MODEL;
use crate::printable;

/// The nodes that ask for INT8: those that read what a DequantizeLinear of an activation makes.
#[derive(Debug)]
pub(super) struct Asked {
    nodes: Vec<String>,
}

/// What became of the nodes that asked for INT8.
#[derive(Debug, Serialize)]
pub(super) struct Int8Layers {
    /// How many nodes asked.
    asked: usize,
    /// How many are in a layer that computes in INT8.
    got: usize,
    /// The others.
    others: Vec<Other>,
}

/// A node that asked for INT8 and is in no layer that computes in it.
#[derive(Debug, Serialize)]
struct Other {
    node: String,
    /// The layer that it is in; `None` where the plan names none.
    layer: Option<String>,
    /// What that computes in; `None` where the plan does not tell.
    computes_in: Option<&'static str>,
}

impl Asked {
    /// The nodes of the model that lies beside the plan, where a job of ours left it; `None` without Q/DQ.
    pub(super) fn beside(plan: &Path) -> Option<Self> {
        let model = [plan.with_file_name(MODEL), plan.with_extension("onnx")]
            .into_iter()
            .find_map(|path| Model::read(&path).ok())?;
        Self::of(&model)
    }

    fn of(model: &Model) -> Option<Self> {
        let topology = Topology::new(model.graph()).ok()?;
        let graph = &model.graph().node;
        let dequantized: BTreeSet<&str> = graph
            .iter()
            .filter(|node| node.op_type.as_deref() == Some("DequantizeLinear"))
            .filter(|node| node.input.first().is_some_and(|from| topology.constant(from).is_none()))
            .flat_map(|node| node.output.iter().map(String::as_str))
            .collect();
        let reads =
            |node: &&NodeProto| node.input.iter().any(|from| dequantized.contains(from.as_str()));
        let asks = graph.iter().filter(|node| !is_qdq(node)).filter(reads);
        let nodes: Vec<String> = asks.filter_map(name_in_plans).collect();
        (!nodes.is_empty()).then_some(Self { nodes })
    }

    /// Looks every node up in the plan's layers.
    pub(super) fn compare(self, layers: &[PlanLayer]) -> Int8Layers {
        let asked = self.nodes.len();
        let other = |node: String| {
            // Reformats carry the names of what they are for.
            let mut holding =
                layers.iter().filter(|layer| !layer.is_reformat() && layer.contains(&node));
            let layer = holding.next();
            let computes_in = layer.and_then(computes_in);
            if computes_in == Some("int8") {
                return None;
            }
            Some(Other { node, layer: layer.map(|layer| layer.name.clone()), computes_in })
        };
        let others: Vec<Other> = self.nodes.into_iter().filter_map(other).collect();
        Int8Layers { asked, got: asked - others.len(), others }
    }
}

fn is_qdq(node: &NodeProto) -> bool {
    matches!(node.op_type.as_deref(), Some("QuantizeLinear" | "DequantizeLinear"))
}

/// What TensorRT calls a node: its name, or that of what it makes.
fn name_in_plans(node: &NodeProto) -> Option<String> {
    let named = node.name.as_ref().filter(|name| !name.is_empty());
    named.or_else(|| node.output.first()).cloned()
}

/// What a layer computes in. A graph that TensorRT compiles as a whole tells the types at its borders alone.
fn computes_in(layer: &PlanLayer) -> Option<&'static str> {
    let whole_graph = layer.name.contains("ForeignNode")
        || layer.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("myelin"));
    if whole_graph { None } else { layer.computes_in() }
}

impl fmt::Display for Int8Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  int8: {} of {} nodes that ask for it", self.got, self.asked)?;
        for Other { node, layer, computes_in } in &self.others {
            let why = match (layer, computes_in) {
                (None, _) => "is named by no layer".to_owned(),
                (Some(layer), None) => format!("is in {layer}, which does not tell its type"),
                (Some(layer), Some(computes_in)) => format!("computes in {computes_in} in {layer}"),
            };
            writeln!(f, "    {}", printable::name(&format!("{node} {why}")))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Model {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tensorrt/models/int8.onnx");
        Model::read(&path).unwrap()
    }

    #[test]
    fn nodes_behind_dequantized_activations_ask() {
        let asked = Asked::of(&fixture()).unwrap();
        assert!(asked.nodes.contains(&"stem".to_owned()), "{asked:?}");
        assert!(!asked.nodes.iter().any(|node| node.ends_with("_q") || node.ends_with("_dq")));
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tensorrt/models/fp32.onnx");
        assert!(Asked::of(&Model::read(&path).unwrap()).is_none());
    }

    #[test]
    fn what_they_got_is_told() {
        let tensor = |data_type| calibrant_engine::PlanTensor {
            name: "t".to_owned(),
            data_type: Some(data_type),
            format: String::new(),
        };
        let layer = |name: &str, kind: &str, data_type| PlanLayer {
            name: name.to_owned(),
            kind: Some(kind.to_owned()),
            inputs: vec![tensor(data_type)],
            ..PlanLayer::default()
        };
        let layers = [
            layer("Reformatting CopyNode for Input Tensor 0 to a", "Reformat", "fp32"),
            layer("a + relu", "CaskConvolution", "int8"),
            layer("b", "CaskConvolution", "fp16"),
            layer("{ForeignNode[x...y]} + c", "Myelin", "fp32"),
        ];
        let nodes = ["a", "b", "c", "d"].map(str::to_owned).into();
        let int8 = Asked { nodes }.compare(&layers);
        assert_eq!((int8.asked, int8.got), (4, 1));
        assert_eq!(
            int8.to_string(),
            "  int8: 1 of 4 nodes that ask for it\n    \
             b computes in fp16 in b\n    \
             c is in {ForeignNode[x...y]} + c, which does not tell its type\n    \
             d is named by no layer\n"
        );
    }
}
