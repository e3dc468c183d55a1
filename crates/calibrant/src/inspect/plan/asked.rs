//! Which nodes of a Q/DQ model ask for a number format, and what the plan's layers made of it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use calibrant_engine::PlanLayer;
use calibrant_files::printable;
use calibrant_format::{FORMATS, INT8};
use calibrant_job::MODEL;
use calibrant_onnx::proto::NodeProto;
use calibrant_onnx::{Model, Topology};
use serde::Serialize;

/// The nodes that ask for a format, by its name: those that read what a DequantizeLinear of an activation makes.
#[derive(Debug)]
pub(super) struct Asked {
    nodes: BTreeMap<&'static str, Vec<String>>,
}

/// What became of the nodes that asked for a format.
#[derive(Debug, Serialize)]
pub(super) struct FormatLayers {
    /// The format.
    format: &'static str,
    /// How many nodes asked.
    asked: usize,
    /// How many are in a layer that computes in it.
    got: usize,
    /// The layers that hold none of those nodes.
    others: Vec<Other>,
}

/// A node that asked for a format and is in no layer that computes in it.
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
        let dequantized: BTreeMap<&str, &'static str> = graph
            .iter()
            .filter(|node| node.op_type.as_deref() == Some("DequantizeLinear"))
            .filter(|node| node.input.first().is_some_and(|from| topology.constant(from).is_none()))
            .filter_map(|node| Some((node.output.first()?.as_str(), format(&topology, node)?)))
            .collect();
        let mut nodes: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for node in graph.iter().filter(|node| !is_qdq(node)) {
            let format = node.input.iter().find_map(|from| dequantized.get(from.as_str()));
            if let (Some(format), Some(name)) = (format, name_in_plans(node)) {
                nodes.entry(*format).or_default().push(name);
            }
        }
        (!nodes.is_empty()).then_some(Self { nodes })
    }

    /// Looks every node up in the plan's layers.
    pub(super) fn compare(self, layers: &[PlanLayer]) -> Vec<FormatLayers> {
        let nodes = self.nodes.into_iter();
        nodes.map(|(format, nodes)| FormatLayers::of(format, nodes, layers)).collect()
    }
}

impl FormatLayers {
    fn of(format: &'static str, nodes: Vec<String>, layers: &[PlanLayer]) -> Self {
        let asked = nodes.len();
        let other = |node: String| {
            // Reformats carry the names of what they are for.
            let mut holding =
                layers.iter().filter(|layer| !layer.is_reformat() && layer.contains(&node));
            let layer = holding.next();
            let computes_in = layer.and_then(computes_in);
            if computes_in == Some(format) {
                return None;
            }
            Some(Other { node, layer: layer.map(|layer| layer.name.clone()), computes_in })
        };
        let others: Vec<Other> = nodes.into_iter().filter_map(other).collect();
        Self { format, asked, got: asked - others.len(), others }
    }
}

/// The format that a DequantizeLinear reads: that of its zero point, int8 without one.
fn format(topology: &Topology<'_>, node: &NodeProto) -> Option<&'static str> {
    let zero_point = node.input.get(2).filter(|name| !name.is_empty());
    let code = match zero_point {
        Some(name) => topology.constant(name)?.data_type,
        None => Some(INT8.onnx.code),
    };
    FORMATS.into_iter().find(|format| Some(format.onnx.code) == code).map(|format| format.name)
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

impl fmt::Display for FormatLayers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}: {} of {} nodes that ask for it", self.format, self.got, self.asked)?;
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
        let nodes = &asked.nodes["int8"];
        assert!(nodes.contains(&"stem".to_owned()), "{asked:?}");
        assert!(!nodes.iter().any(|node| node.ends_with("_q") || node.ends_with("_dq")));
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
        let nodes = BTreeMap::from([("int8", ["a", "b", "c", "d"].map(str::to_owned).into())]);
        let compared = Asked { nodes }.compare(&layers);
        let [int8] = &compared[..] else { panic!("{compared:?}") };
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
