//! Walks along a graph: what fuses with what, and who reads quantized numbers in the end.

use std::collections::HashSet;

use calibrant_format::Format;
use calibrant_onnx::ReadAs;

use calibrant_onnx::facts;

use super::Placer;

impl<'a> Placer<'a> {
    /// Returns the weighted operator computing in `format` that `tensor` comes from when nothing lies in between but elementwise
    /// operators, and nothing but they and `reader` reads anything on the way.
    pub(super) fn fusable_root(
        &self,
        tensor: &'a str,
        reader: usize,
        format: &Format,
    ) -> Option<usize> {
        let mut inside = HashSet::from([reader]);
        let mut tensors = HashSet::new();
        let mut root = None;
        let mut open = vec![tensor];
        while let Some(tensor) = open.pop() {
            if !tensors.insert(tensor) {
                continue;
            }
            let (index, node) = self.topology.producer(tensor)?;
            let is_root = self.computes_in(index, format)
                && matches!(node.op(), "Conv" | "ConvTranspose" | "Gemm" | "MatMul");
            if is_root {
                if root.replace(index).is_some_and(|other| other != index) {
                    return None;
                }
            } else if facts::is_elementwise(node) {
                inside.insert(index);
                open.extend(self.activations(node).into_iter().map(|(_, input)| input));
            } else {
                return None;
            }
        }
        let stays_inside = |tensor: &&str| {
            let readers = self.topology.consumers(tensor);
            !self.topology.is_output(tensor)
                && readers.iter().all(|reader| inside.contains(&reader.node))
        };
        root.filter(|_| tensors.iter().all(stays_inside))
    }

    /// Whether some reader of `tensor` reads `format`, perhaps behind operators that fuse or commute.
    pub(super) fn reaches(&self, tensor: &'a str, format: &Format) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![tensor];
        while let Some(tensor) = open.pop() {
            if !seen.insert(tensor) {
                continue;
            }
            for &reader in self.topology.consumers(tensor) {
                if self.reads_in(reader, format) {
                    return true;
                }
                let node = self.node(reader.node);
                // An Add of two activations is a kernel of its own unless it is quantized.
                let is_alone = self.activations(node).len() == 1 || node.is("Mul");
                let moves_it = facts::moves_values(node) && reader.read_as == ReadAs::Input(0);
                if moves_it || (facts::is_elementwise(node) && is_alone) {
                    open.extend(node.output_name(0));
                }
            }
        }
        false
    }

    /// Whether `tensor` is read, and in `format` only, perhaps behind operators that commute.
    pub(super) fn is_only_read_in(&self, tensor: &'a str, format: &Format) -> bool {
        let readers = self.topology.consumers(tensor);
        let is_inner = !readers.is_empty() && !self.topology.is_output(tensor);
        is_inner
            && readers.iter().all(|&reader| {
                let node = self.node(reader.node);
                let passes_on = facts::moves_values(node) && reader.read_as == ReadAs::Input(0);
                let others_idle = node
                    .output
                    .iter()
                    .skip(1)
                    .all(|output| self.topology.consumers(output).is_empty());
                self.reads_in(reader, format)
                    || (passes_on
                        && others_idle
                        && node
                            .output_name(0)
                            .is_some_and(|output| self.is_only_read_in(output, format)))
            })
    }

    /// Whether `tensor` comes from an operator computing in `format`, perhaps through operators that fuse or commute.
    pub(super) fn comes_from(&self, tensor: &'a str, format: &Format) -> bool {
        let mut seen = HashSet::new();
        let mut open = vec![tensor];
        while let Some((index, node)) = open.pop().and_then(|tensor| self.topology.producer(tensor))
        {
            if self.computes_in(index, format) {
                return true;
            }
            if seen.insert(index) && (facts::moves_values(node) || facts::is_elementwise(node)) {
                open.extend(self.activations(node).into_iter().map(|(_, input)| input));
            }
        }
        false
    }
}
