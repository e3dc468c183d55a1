//! Rules 4 to 6: operators that are quantized for the sake of their neighbours.

use calibrant_format::Format;
use calibrant_onnx::DataType;
use calibrant_onnx::proto::NodeProto;

use super::{Decision, Placer};
use crate::summary::Reason;

/// Inputs that are quantized, and in what.
type Joined = (Vec<usize>, Format);

impl Placer<'_> {
    /// Decides for residual Adds and Concats, from the end of the graph to its start, and returns whether any of them
    /// newly is quantized; then those before it may be too.
    pub(super) fn join_neighbours(&mut self) -> bool {
        let mut has_changed = false;
        for &index in self.topology.order().iter().rev() {
            let node = self.node(index);
            let is_settled = !self.planned(index).is_empty() || self.computes_whole_numbers(node);
            if is_settled || !node.is_default_domain() {
                continue;
            }
            let found = match node.op() {
                "Add" => self.residual_add(index, node),
                "Concat" => self.concat(node),
                _ => continue,
            };
            match found {
                Some(Ok((inputs, format))) => match self.ranged(node, inputs, format) {
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
    fn residual_add(&self, index: usize, node: &NodeProto) -> Option<Result<Joined, Reason>> {
        let [(left_slot, left), (right_slot, right)] = self.activations(self.node(index))[..]
        else {
            return None;
        };
        if left == right {
            return None;
        }
        let format = match self.numbers(node) {
            Ok(numbers) => numbers.activations?,
            Err(reason) => return Some(Err(reason)),
        };
        let root = |tensor| self.fusable_root(tensor, index, &format);
        let skip = match (root(left), root(right)) {
            (None, None) => return Some(Err(Reason::NoBranchToFuse)),
            (Some(_), None) => right_slot,
            (None, Some(_)) => left_slot,
            (Some(left), Some(right)) if self.depth(right) > self.depth(left) => left_slot,
            (Some(_), Some(_)) => right_slot,
        };
        let is_read_quantized =
            self.node(index).output_name(0).is_some_and(|sum| self.reaches(sum, &format));
        Some(if is_read_quantized { Ok((vec![skip], format)) } else { Err(Reason::ReadInFloat) })
    }

    /// Returns all inputs of a Concat of activations, or why it stays in float.
    fn concat(&self, node: &NodeProto) -> Option<Result<Joined, Reason>> {
        let output = node.output_name(0)?;
        let format = match self.numbers(node) {
            Ok(numbers) => numbers.activations?,
            Err(reason) => return Some(Err(reason)),
        };
        let index = self.topology.producer(output)?.0;
        let output = self.node(index).output_name(0)?;
        if !self.is_only_read_in(output, &format) {
            return self.reaches(output, &format).then_some(Err(Reason::ReadInFloat));
        }
        let has_constant = node.input.iter().any(|input| self.is_constant(input));
        let is_half = self.types.of(output).is_some_and(is_half);
        Some(if has_constant {
            Err(Reason::ConcatOfConstant)
        } else if is_half {
            Err(Reason::ConcatOfHalves)
        } else {
            Ok(((0..node.input.len()).collect(), format))
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
            let is_between = |format: &Format| {
                let readers = self.topology.consumers(input);
                let mut others = readers.iter().filter(|reader| reader.node != index);
                others.all(|&reader| self.reads_in(reader, format))
                    && !self.topology.is_output(input)
                    && self.comes_from(input, format)
                    && self.is_only_read_in(output, format)
            };
            let planned = self.numbers(node).and_then(|numbers| {
                let format = numbers.activations.filter(is_between);
                self.ranged(node, [0], format.ok_or(Reason::PoolAmongFloat)?)
            });
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

fn is_half(dtype: DataType) -> bool {
    matches!(dtype, DataType::FLOAT16 | DataType::BFLOAT16)
}
