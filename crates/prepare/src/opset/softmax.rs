//! Softmax, LogSoftmax and Hardmax.
//!
//! Before opset 13 `axis` (1 when missing) cut the dimensions in two: the input was seen as a matrix, and each row was
//! normalised as a whole. Since 13 it is the one dimension to normalise, -1 when missing.
//! They agree where `axis` is the last dimension. Everywhere else the matrix is made, by Flatten, and undone.

use calibrant_onnx::proto::{AttributeProto, NodeProto};

use super::Upgrade;
use crate::error::RaiseProblem;

impl Upgrade<'_> {
    pub(super) fn softmax(&mut self, mut node: NodeProto) -> Result<(), RaiseProblem> {
        let axis = node.attr_i("axis").unwrap_or(1);
        let is_last =
            axis == -1 || self.rank(&node).is_some_and(|rank| i64::try_from(rank) == Ok(axis + 1));
        node.set_attr(AttributeProto::int("axis", -1));
        if is_last {
            self.nodes.push(node);
            return Ok(());
        }
        let (Some(input), Some(output)) = (node.input_name(0), node.output_name(0)) else {
            self.nodes.push(node);
            return Ok(());
        };
        let (input, output) = (input.to_owned(), output.to_owned());
        let shape = self.names.fresh(&format!("{output}_shape"));
        let matrix = self.names.fresh(&format!("{output}_matrix"));
        let rows = self.names.fresh(&format!("{output}_rows"));
        node.input[0].clone_from(&matrix);
        node.output[0].clone_from(&rows);
        let flatten =
            NodeProto::new("Flatten", &self.names.fresh("flatten"), &[&input], &[&matrix])
                .with_attr(AttributeProto::int("axis", axis));
        self.nodes.extend([
            NodeProto::new("Shape", &self.names.fresh("shape"), &[&input], &[&shape]),
            flatten,
            node,
            NodeProto::new("Reshape", &self.names.fresh("reshape"), &[&rows, &shape], &[&output]),
        ]);
        Ok(())
    }

    /// Returns the number of dimensions as far as the model states it: of the input, of the output, or of what an
    /// Identity makes of the output.
    fn rank(&self, node: &NodeProto) -> Option<usize> {
        let output = node.output_name(0)?;
        let readers = self
            .topology
            .consumers(output)
            .iter()
            .map(|reader| &self.topology.graph().node[reader.node]);
        let renamed = readers
            .filter(|reader| reader.is("Identity"))
            .filter_map(|reader| reader.output_name(0));
        let mut names = node.input_name(0).into_iter().chain([output]).chain(renamed);
        names.find_map(|name| Some(self.topology.tensor_type(name)?.shape?.len()))
    }
}
