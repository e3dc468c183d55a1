//! Is a model quantized already?

use std::collections::BTreeMap;

use calibrant_onnx::Model;
use calibrant_onnx::proto::{GraphProto, NodeProto};

/// Parts of operator names that only quantized models have: ONNX's own, ONNX Runtime's and TensorRT's.
const MARKS: [&str; 5] = ["QuantizeLinear", "QLinear", "Integer", "QGemm", "QAttention"];

/// Returns what gives away that the model is quantized, `None` when it is not.
#[must_use]
pub fn already_quantized(model: &Model) -> Option<String> {
    let mut found = Marks::default();
    found.look_into(&model.graph().node);
    model.proto.functions.iter().for_each(|function| found.look_into(&function.node));
    let first = found.first?;
    let counts: Vec<String> =
        found.counts.iter().map(|(op, count)| format!("{count} {op}")).collect();
    Some(format!("it has {} nodes, the first of them {first}", counts.join(", ")))
}

#[derive(Default)]
struct Marks {
    counts: BTreeMap<String, usize>,
    first: Option<String>,
}

impl Marks {
    fn look_into(&mut self, nodes: &[NodeProto]) {
        for (index, node) in nodes.iter().enumerate() {
            if MARKS.iter().any(|mark| node.op().contains(mark)) {
                *self.counts.entry(node.op().to_owned()).or_default() += 1;
                self.first.get_or_insert_with(|| node.label(index));
            }
            node.subgraphs().for_each(|inner: &GraphProto| self.look_into(&inner.node));
        }
    }
}
