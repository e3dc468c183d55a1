//! Ranges for implicit quantization: which tensors of a network have one, which can be told from a neighbour's, which
//! are missing.
//!
//! TensorRT asks for a range of every tensor that it is to compute in INT8. A calibration table has those of the model's
//! tensors; the parser makes further ones (what a transposition leaves, the constants of an operator), and a layer
//! computes in INT8 only if all tensors it reads and makes have a range. Many of the missing ones follow: a layer that
//! moves values without changing them leaves their range as it was, and some functions have their range by definition.
//! TensorRT's own calibrators fill them in by the same rules, so a table completed here covers what a cache of theirs
//! would.

use calibrant_format::{Range, Ranges};
use serde::Serialize;

/// A network, as far as ranges are concerned: tensors, and layers in an order in which each comes after what it reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RangeGraph {
    /// In the order of the network: inputs first.
    pub(crate) tensors: Vec<RangeTensor>,
    /// In the order of the network.
    pub(crate) layers: Vec<RangeLayer>,
}

/// A tensor, as far as its range depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RangeTensor {
    /// As the network spells it.
    pub(crate) name: String,
    /// Whether it is of a type that has ranges: indices, conditions and shapes have none.
    pub(crate) has_range: bool,
}

/// A layer, by what it does to ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RangeLayer {
    /// What it does to ranges.
    pub(crate) effect: Effect,
    /// The tensors that the effect speaks of, by index.
    pub(crate) inputs: Vec<usize>,
    /// The tensors that it makes, by index.
    pub(crate) outputs: Vec<usize>,
}

/// What a layer does to ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Its first input and its outputs have one range.
    Keeps(Rule),
    /// All its inputs and its output have one range, the largest.
    Joins(Rule),
    /// Its outputs lie in [-1, 1] whatever goes in.
    Bounds(Rule),
    /// Nothing that could be told without running it.
    Changes,
}

/// Why a tensor has the range of another, or one by definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// The largest of some values is one of them.
    MaxPooling,
    /// Values in another order or shape.
    Shuffle,
    /// A part of the values.
    Slice,
    /// Values picked by index.
    Gather,
    /// The values themselves, or in another float type.
    Identity,
    /// Values repeated.
    NearestResize,
    /// Values and zeros.
    Padding,
    /// What a rectifier takes away, a range around zero need not hold.
    Relu,
    /// Values of several tensors in one, so that they share the largest range.
    Concatenation,
    /// Values of one of two tensors, so that they share the larger range.
    Select,
    /// A sigmoid lies in [0, 1].
    Sigmoid,
    /// A softmax lies in [0, 1].
    Softmax,
    /// A hyperbolic tangent lies in [-1, 1].
    Tanh,
}

/// How the ranges given cover a network.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Coverage {
    /// Tensors with a range that was given.
    pub given: Vec<String>,
    /// Tensors whose range was told from another's.
    pub completed: Vec<Completed>,
    /// Tensors without a range: the layers that read or make them compute in a float type.
    pub missing: Vec<String>,
    /// Tensors that were given a range of zero, which says nothing: they count as not given.
    pub zero: Vec<String>,
    /// Names that were given a range and are no tensors of the network: TensorRT's parser has folded them away.
    pub unused: Vec<String>,
}

/// A tensor whose range was told from another's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completed {
    /// The tensor's name.
    pub tensor: String,
    /// The tensor whose range it has; `None` for a range by definition.
    pub from: Option<String>,
    /// Why.
    pub rule: Rule,
}

/// Completes ranges by the rules that need no calibration; returns them in the order of the network's tensors.
///
/// A range that was given stays as it is, even where a rule would have another.
pub(crate) fn complete(graph: &RangeGraph, given: &Ranges) -> (Vec<(String, Range)>, Coverage) {
    let find = |tensor: &RangeTensor| {
        given.get(&tensor.name).filter(|range| tensor.has_range && *range != Range::ZERO)
    };
    let mut known = Known { graph, ranges: graph.tensors.iter().map(find).collect(), told: vec![] };
    known.bound();
    // What is known flows back first, from the output to the input of a layer, as TensorRT has it, and then on.
    loop {
        let before = known.count();
        graph.layers.iter().rev().for_each(|layer| known.flow_back(layer));
        graph.layers.iter().for_each(|layer| known.flow_on(layer));
        if known.count() == before {
            break;
        }
    }
    let Known { ranges, told, .. } = known;
    let names = |wanted: &dyn Fn(usize, &RangeTensor) -> bool| {
        let tensors = graph.tensors.iter().enumerate().filter(|&(at, tensor)| wanted(at, tensor));
        tensors.map(|(_, tensor)| tensor.name.clone()).collect::<Vec<_>>()
    };
    let is_tensor = |name: &str| graph.tensors.iter().any(|tensor| tensor.name == name);
    let coverage = Coverage {
        given: names(&|_, tensor| find(tensor).is_some()),
        missing: names(&|at, tensor| tensor.has_range && ranges[at].is_none()),
        zero: given
            .iter()
            .filter(|&(_, &range)| range == Range::ZERO)
            .map(|(name, _)| name.clone())
            .collect(),
        unused: given.tensors().filter(|name| !is_tensor(name)).map(str::to_owned).collect(),
        completed: told,
    };
    let ranges = graph.tensors.iter().zip(ranges);
    (ranges.filter_map(|(tensor, range)| Some((tensor.name.clone(), range?))).collect(), coverage)
}

/// What is known of a network's ranges so far.
struct Known<'g> {
    graph: &'g RangeGraph,
    ranges: Vec<Option<Range>>,
    told: Vec<Completed>,
}

impl Known<'_> {
    fn count(&self) -> usize {
        self.ranges.iter().flatten().count()
    }

    /// Gives a tensor a range, unless it has one or is of no type that has one.
    fn tell(&mut self, tensor: usize, range: Range, from: Option<usize>, rule: Rule) {
        if self.ranges[tensor].is_some() || !self.graph.tensors[tensor].has_range {
            return;
        }
        self.ranges[tensor] = Some(range);
        let name = |tensor: usize| self.graph.tensors[tensor].name.clone();
        self.told.push(Completed { tensor: name(tensor), from: from.map(name), rule });
    }

    /// Gives the ranges that functions have by definition.
    fn bound(&mut self) {
        for layer in &self.graph.layers {
            if let Effect::Bounds(rule) = layer.effect {
                layer.outputs.iter().for_each(|&output| self.tell(output, Range::ONE, None, rule));
            }
        }
    }

    /// From a layer's first output to its inputs.
    fn flow_back(&mut self, layer: &RangeLayer) {
        let Some(&output) = layer.outputs.first() else { return };
        let Some(range) = self.ranges[output] else { return };
        match layer.effect {
            Effect::Keeps(rule) => {
                layer
                    .inputs
                    .iter()
                    .take(1)
                    .for_each(|&to| self.tell(to, range, Some(output), rule));
            }
            Effect::Joins(rule) => {
                layer.inputs.iter().for_each(|&to| self.tell(to, range, Some(output), rule));
            }
            Effect::Bounds(_) | Effect::Changes => {}
        }
    }

    /// From a layer's inputs to its outputs.
    fn flow_on(&mut self, layer: &RangeLayer) {
        let known = |&input: &usize| Some((self.ranges[input]?, input));
        let (from, rule) = match layer.effect {
            Effect::Keeps(rule) => (layer.inputs.first().and_then(known), rule),
            Effect::Joins(rule) => {
                let with_range =
                    layer.inputs.iter().filter(|&&at| self.graph.tensors[at].has_range);
                // One input without a range may be the largest.
                let all: Option<Vec<_>> = with_range.map(known).collect();
                let largest = |all: Vec<(Range, usize)>| {
                    all.into_iter().reduce(|most, next| if next.0 > most.0 { next } else { most })
                };
                (all.and_then(largest), rule)
            }
            Effect::Bounds(_) | Effect::Changes => return,
        };
        let Some((range, from)) = from else { return };
        layer.outputs.iter().for_each(|&output| self.tell(output, range, Some(from), rule));
    }
}

#[cfg(test)]
mod tests;
