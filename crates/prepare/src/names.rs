//! Names that nothing in a graph has yet.

use std::collections::HashSet;

use calibrant_onnx::proto::{GraphProto, TensorProto, ValueInfoProto};

/// The names of all tensors and nodes of a graph and of the graphs inside it.
#[derive(Debug)]
pub struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Those that the graph has, in its inner graphs too.
    #[must_use]
    pub fn of(graph: &GraphProto) -> Self {
        let mut names = Self { taken: HashSet::new() };
        names.take(graph);
        names
    }

    /// Returns `wish`, or `wish` with the first number behind it that makes it new, and keeps it from then on.
    pub fn fresh(&mut self, wish: &str) -> String {
        let mut name = wish.to_owned();
        let mut number = 1;
        while !self.taken.insert(name.clone()) {
            number += 1;
            name = format!("{wish}_{number}");
        }
        name
    }

    fn take(&mut self, graph: &GraphProto) {
        let values = graph.input.iter().chain(&graph.output).chain(&graph.value_info);
        self.taken.extend(values.map(ValueInfoProto::label).map(str::to_owned));
        self.taken.extend(graph.initializer.iter().map(TensorProto::label).map(str::to_owned));
        self.taken
            .extend(graph.sparse_initializer.iter().map(|sparse| sparse.values.label().to_owned()));
        for node in &graph.node {
            self.taken.extend(node.name.iter().chain(&node.input).chain(&node.output).cloned());
            node.subgraphs().for_each(|inner| self.take(inner));
        }
    }
}

#[cfg(test)]
mod tests {
    use calibrant_onnx::proto::NodeProto;

    use super::*;

    #[test]
    fn a_taken_name_gets_a_number() {
        let node = NodeProto::new("Relu", "relu", &["x"], &["x_scale"]);
        let mut names = Names::of(&GraphProto { node: vec![node], ..Default::default() });
        assert_eq!(names.fresh("y_scale"), "y_scale");
        assert_eq!(names.fresh("x_scale"), "x_scale_2");
        assert_eq!(names.fresh("x_scale"), "x_scale_3");
        assert_eq!(names.fresh("relu"), "relu_2");
    }
}
