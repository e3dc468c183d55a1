//! One scale for each quantized activation, the same for all that have to share one: rules 5 and 7.

use std::collections::{BTreeMap, HashMap, HashSet};

use calibrant_format::{Format, Range};
use calibrant_onnx::Topology;

use calibrant_onnx::facts;
use calibrant_tensor::OtherFloat;

use super::{Decision, InputKind};
use crate::floats::{Floats, ScaleType};
use crate::summary::Note;

/// An activation in a format.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scaled<'a> {
    pub(crate) tensor: &'a str,
    pub(crate) format: Format,
    /// The range that it was given.
    pub(crate) range: Range,
    /// The scale it is quantized with.
    pub(crate) scale: f32,
    /// What the tensor holds, where it is not float32.
    pub(crate) floats: Option<OtherFloat>,
    /// What the scale is written as.
    pub(crate) scale_type: ScaleType,
}

/// The scales of all activations that are quantized.
#[derive(Debug)]
pub(crate) struct Scales<'a> {
    /// In the order in which nodes read them, each once for every format.
    pub(crate) tensors: Vec<Scaled<'a>>,
    /// What is worth a note about them.
    pub(crate) notes: Vec<Note>,
}

/// Returns the scale of every activation that `decisions` quantize.
pub(crate) fn scales<'a>(
    topology: &'a Topology<'a>,
    floats: &Floats<'_>,
    decisions: &[Decision<'_>],
) -> Scales<'a> {
    let ranged = quantized_activations(topology, floats, decisions);
    let groups = groups(topology, decisions);
    let mut members: BTreeMap<&str, Vec<(&str, Range)>> = BTreeMap::new();
    for &Read { tensor, range, .. } in &ranged {
        let group = members.entry(groups.head(tensor)).or_default();
        if group.iter().all(|(member, _)| *member != tensor) {
            group.push((tensor, range));
        }
    }
    let widest = |tensor| members[groups.head(tensor)].iter().map(|(_, range)| *range);
    let widest = |tensor| widest(tensor).fold(Range::ZERO, Range::max);
    let scaled = |&Read { tensor, format, range, floats: of }: &Read<'a>| {
        let mut scale = [format.scale(widest(tensor))];
        let scale_type = floats.round(of, &mut scale);
        Scaled { tensor, format, range, scale: scale[0], floats: of, scale_type }
    };
    Scales { tensors: ranged.iter().map(scaled).collect(), notes: notes(&members) }
}

/// Joins what a quantized Concat reads and makes, and what goes into and comes out of operators that move values.
fn groups<'a>(topology: &'a Topology<'a>, decisions: &[Decision<'_>]) -> Groups<'a> {
    let mut groups = Groups::default();
    for (decision, node) in decisions.iter().zip(&topology.graph().node) {
        let n_joined = match decision {
            Decision::Quantize(_) if node.is("Concat") => node.input.len(),
            _ if facts::moves_values(node) => 1,
            _ => continue,
        };
        if let Some(output) = node.output_name(0) {
            node.input.iter().take(n_joined).for_each(|input| groups.join(input, output));
        }
    }
    groups
}

/// An activation that is read in a format.
#[derive(Debug, Clone, Copy)]
struct Read<'a> {
    tensor: &'a str,
    format: Format,
    range: Range,
    /// What it holds, where it is not float32.
    floats: Option<OtherFloat>,
}

/// Each activation that is quantized, once for every format, with its range.
fn quantized_activations<'a>(
    topology: &'a Topology<'a>,
    floats: &Floats<'_>,
    decisions: &[Decision<'_>],
) -> Vec<Read<'a>> {
    let mut tensors = Vec::new();
    let mut seen = HashSet::new();
    for (decision, node) in decisions.iter().zip(&topology.graph().node) {
        let Decision::Quantize(inputs) = decision else { continue };
        for planned in inputs {
            let InputKind::Activation { range, format } = planned.kind else { continue };
            let tensor = node.input[planned.input].as_str();
            if seen.insert((tensor, format)) {
                tensors.push(Read { tensor, format, range, floats: floats.computed_by(node) });
            }
        }
    }
    tensors
}

fn notes(members: &BTreeMap<&str, Vec<(&str, Range)>>) -> Vec<Note> {
    let mut notes = Vec::new();
    for group in members.values() {
        let amax = group.iter().map(|(_, range)| range.amax());
        let (narrowest, widest) =
            (amax.clone().fold(f32::INFINITY, f32::min), amax.fold(0.0, f32::max));
        if narrowest < widest {
            let tensors = group.iter().map(|(tensor, _)| (*tensor).to_owned()).collect();
            notes.push(Note::SharedScale {
                tensors,
                smallest_amax: narrowest,
                shared_amax: widest,
            });
        }
        let zeros = group.iter().filter(|(_, range)| *range == Range::ZERO);
        notes
            .extend(zeros.map(|(tensor, _)| Note::ZeroActivation { tensor: (*tensor).to_owned() }));
    }
    notes
}

/// Disjoint sets of tensors that share a scale.
#[derive(Default)]
struct Groups<'a> {
    above: HashMap<&'a str, &'a str>,
}

impl<'a> Groups<'a> {
    fn join(&mut self, a: &'a str, b: &'a str) {
        let (a, b) = (self.head(a), self.head(b));
        if a != b {
            self.above.insert(a, b);
        }
    }

    fn head(&self, mut tensor: &'a str) -> &'a str {
        while let Some(above) = self.above.get(tensor) {
            tensor = above;
        }
        tensor
    }
}
