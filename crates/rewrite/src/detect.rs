//! Is a model quantized already?

use std::collections::BTreeMap;

use calibrant_onnx::Model;
use calibrant_onnx::proto::{GraphProto, NodeProto};

/// Parts of operator names that only quantized models have: ONNX's own, ONNX Runtime's and TensorRT's.
const MARKS: [&str; 7] = [
    "QuantizeLinear",
    "DynamicQuantize",
    "QLinear",
    "Integer",
    "QGemm",
    "QAttention",
    "MatMulNBits",
];

/// What gives a model away of which the weights alone are quantized.
const MARKS_OF_WEIGHTS: [&str; 1] = ["DequantizeLinear"];

/// Returns what gives away that the model is quantized, `None` when it is not.
#[must_use]
pub fn already_quantized(model: &Model) -> Option<String> {
    let found = Marks::of(model, &MARKS).or_else(|| Marks::of(model, &MARKS_OF_WEIGHTS))?;
    let first = found.first?;
    let counts: Vec<String> =
        found.counts.iter().map(|(op, count)| format!("{count} {op}")).collect();
    Some(format!("it has {} nodes, the first of them {first}", counts.join(", ")))
}

struct Marks {
    marks: &'static [&'static str],
    counts: BTreeMap<String, usize>,
    first: Option<String>,
}

impl Marks {
    /// The nodes of `model` with one of these in the names of their operators, `None` where there is none.
    fn of(model: &Model, marks: &'static [&'static str]) -> Option<Self> {
        let mut found = Self { marks, counts: BTreeMap::new(), first: None };
        found.look_into(&model.graph().node);
        model.proto.functions.iter().for_each(|function| found.look_into(&function.node));
        found.first.is_some().then_some(found)
    }

    fn look_into(&mut self, nodes: &[NodeProto]) {
        for (index, node) in nodes.iter().enumerate() {
            if self.marks.iter().any(|mark| node.op().contains(mark)) {
                *self.counts.entry(node.op().to_owned()).or_default() += 1;
                self.first.get_or_insert_with(|| node.label(index));
            }
            node.subgraphs().for_each(|inner: &GraphProto| self.look_into(&inner.node));
        }
    }
}

#[cfg(test)]
mod tests {
    use calibrant_onnx::MessageField;
    use calibrant_onnx::proto::ModelProto;

    use super::*;

    #[test]
    fn every_kind_of_quantized_model_is_given_away_by_its_operators() {
        let found = |op: &str| {
            let node = NodeProto::new(op, "n", &["x"], &["y"]);
            let graph = GraphProto { node: vec![node], ..GraphProto::default() };
            let graph = MessageField::some(graph);
            already_quantized(&Model::new(ModelProto { graph, ..ModelProto::default() }))
        };
        // Q/DQ, weights alone, QOperator, dynamic, of ONNX Runtime's and of language models.
        let quantized = [
            "QuantizeLinear",
            "DequantizeLinear",
            "QLinearConv",
            "DynamicQuantizeLinear",
            "MatMulInteger",
            "ConvInteger",
            "DynamicQuantizeMatMul",
            "DynamicQuantizeLSTM",
            "QGemm",
            "MatMulNBits",
        ];
        for op in quantized {
            let expected = format!("it has 1 {op} nodes, the first of them {op} \"n\" (#0)");
            assert_eq!(found(op), Some(expected));
        }
        for op in ["Conv", "MatMul", "QuickGelu"] {
            assert_eq!(found(op), None);
        }
    }
}
