//! Rules 4 to 6: operators that are quantized for the sake of their neighbours.

use calibrant_onnx::proto::NodeProto;

use super::{Decision, Placer};
use crate::summary::Reason;

impl Placer<'_> {
    /// Decides for residual Adds and Concats, from the end of the graph to its start, and returns whether any of them
    /// newly is quantized; then those before it may be too.
    pub(super) fn join_neighbours(&mut self) -> bool {
        let mut has_changed = false;
        for &index in self.topology.order().iter().rev() {
            let node = self.node(index);
            let is_settled = self.is_quantized(index) || self.computes_whole_numbers(node);
            if is_settled || !node.is_default_domain() {
                continue;
            }
            let found = match node.op() {
                "Add" => self.residual_add(index, node),
                "Concat" => self.concat(node),
                _ => continue,
            };
            match found {
                Some(Ok(inputs)) => match self.ranged(node, inputs) {
                    Ok(planned) => {
                        self.decisions[index] = Some(Decision::Quantize(planned));
                        has_changed = true;
                    }
                    Err(reason) => self.decisions[index] = Some(Decision::Float(reason)),
                },
                Some(Err(reason)) => self.decisions[index] = Some(Decision::Float(reason)),
                None => {}
            }
        }
        has_changed
    }

    /// Returns the skip input of a residual Add, why it stays in float, or nothing when it is no residual Add.
    fn residual_add(&self, index: usize, node: &NodeProto) -> Option<Result<Vec<usize>, Reason>> {
        let [(left_slot, left), (right_slot, right)] = self.activations(self.node(index))[..]
        else {
            return None;
        };
        if left == right {
            return None;
        }
        if let Some(reason) = self.excluded(node) {
            return Some(Err(reason));
        }
        let skip = match (self.fusable_root(left, index), self.fusable_root(right, index)) {
            (None, None) => return Some(Err(Reason::NoBranchToFuse)),
            (Some(_), None) => right_slot,
            (None, Some(_)) => left_slot,
            (Some(left), Some(right)) if self.depth(right) > self.depth(left) => left_slot,
            (Some(_), Some(_)) => right_slot,
        };
        let is_read_in_int8 =
            self.node(index).output_name(0).is_some_and(|sum| self.reaches_int8(sum));
        Some(if is_read_in_int8 { Ok(vec![skip]) } else { Err(Reason::ReadInFloat) })
    }

    /// Returns all inputs of a Concat of activations, or why it stays in float.
    fn concat(&self, node: &NodeProto) -> Option<Result<Vec<usize>, Reason>> {
        let output = node.output_name(0)?;
        if let Some(reason) = self.excluded(node) {
            return Some(Err(reason));
        }
        let index = self.topology.producer(output)?.0;
        let output = self.node(index).output_name(0)?;
        if !self.only_int8_reads(output) {
            return self.reaches_int8(output).then_some(Err(Reason::ReadInFloat));
        }
        let has_constant = node.input.iter().any(|input| self.is_constant(input));
        Some(if has_constant {
            Err(Reason::ConcatOfConstant)
        } else {
            Ok((0..node.input.len()).collect())
        })
    }

    /// Decides for average pools.
    pub(super) fn average_pools(&mut self) {
        for index in 0..self.decisions.len() {
            let node = self.node(index);
            let is_pool = node.is("AveragePool") || node.is("GlobalAveragePool");
            let (Some(input), Some(output)) = (node.input_name(0), node.output_name(0)) else {
                continue;
            };
            if !is_pool || self.is_constant(input) {
                continue;
            }
            let readers = self.topology.consumers(input);
            let others_read_int8 =
                readers.iter().all(|&reader| reader.node == index || self.reads_int8(reader));
            let is_between = others_read_int8
                && !self.topology.is_output(input)
                && self.comes_from_int8(input)
                && self.only_int8_reads(output);
            let planned = match self.excluded(node) {
                Some(reason) => Err(reason),
                None if is_between => self.ranged(node, [0]),
                None => Err(Reason::PoolAmongFloat),
            };
            self.decisions[index] = Some(planned.map_or_else(Decision::Float, Decision::Quantize));
        }
    }

    /// Returns how many nodes lie on the longest way from the model's inputs to node `index`.
    fn depth(&self, index: usize) -> usize {
        let mut depths = vec![0; self.decisions.len()];
        for &node in self.topology.order() {
            let above =
                self.node(node).input.iter().filter_map(|input| self.topology.producer(input));
            depths[node] = above.map(|(above, _)| depths[above] + 1).max().unwrap_or(0);
            if node == index {
                break;
            }
        }
        depths[index]
    }
}
