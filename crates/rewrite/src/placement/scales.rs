//! One scale for each quantized activation, the same for all that have to share one: rules 5 and 7.

use std::collections::{BTreeMap, HashMap, HashSet};

use calibrant_calibration::scale_of;
use calibrant_onnx::Topology;
use calibrant_onnx::proto::NodeProto;

use super::{Decision, InputKind, roles};
use crate::error::RewriteError;
use crate::qdq::name_of;
use crate::summary::Note;

/// The range and the scale of an activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    /// The range that calibration found.
    pub(crate) amax: f32,
    /// The scale it is quantized with.
    pub(crate) scale: f32,
}

/// The scales of all activations that are quantized.
#[derive(Debug)]
pub(crate) struct Scales<'a> {
    /// In the order in which nodes read them.
    pub(crate) tensors: Vec<(&'a str, Scale)>,
    /// What is worth a note about them.
    pub(crate) notes: Vec<Note>,
}

/// Returns the scale of every activation that `decisions` quantize.
///
/// # Errors
///
/// When a range is negative or not finite.
pub(crate) fn scales<'a>(
    topology: &'a Topology<'a>,
    decisions: &[Decision<'_>],
) -> Result<Scales<'a>, RewriteError> {
    let ranged = quantized_activations(topology, decisions);
    let is_range = |amax: f32| amax.is_finite() && amax >= 0.0;
    if let Some(&(tensor, amax)) = ranged.iter().find(|(_, amax)| !is_range(*amax)) {
        let reads_it = |(node, decision): &(&NodeProto, &Decision<'_>)| {
            matches!(decision, Decision::Quantize(_)) && node.input.iter().any(|it| it == tensor)
        };
        let nodes = topology.graph().node.iter().zip(decisions);
        let layers = nodes.filter(reads_it).map(|(node, _)| name_of(node)).collect();
        return Err(RewriteError::UnusableRange { tensor: tensor.to_owned(), amax, layers });
    }
    let groups = groups(topology, decisions);
    let mut members: BTreeMap<&str, Vec<(&str, f32)>> = BTreeMap::new();
    for &(tensor, amax) in &ranged {
        members.entry(groups.head(tensor)).or_default().push((tensor, amax));
    }
    let widest =
        |tensor| members[groups.head(tensor)].iter().map(|&(_, amax)| amax).fold(0f32, f32::max);
    let scaled = |&(tensor, amax)| (tensor, Scale { amax, scale: scale_of(widest(tensor)) });
    Ok(Scales { tensors: ranged.iter().map(scaled).collect(), notes: notes(&members) })
}

/// Joins what a quantized Concat reads and makes, and what goes into and comes out of operators that move values.
fn groups<'a>(topology: &'a Topology<'a>, decisions: &[Decision<'_>]) -> Groups<'a> {
    let mut groups = Groups::default();
    for (decision, node) in decisions.iter().zip(&topology.graph().node) {
        let n_joined = match decision {
            Decision::Quantize(_) if node.is("Concat") => node.input.len(),
            _ if roles::moves_values(node) => 1,
            _ => continue,
        };
        if let Some(output) = node.output_name(0) {
            node.input.iter().take(n_joined).for_each(|input| groups.join(input, output));
        }
    }
    groups
}

/// Each activation that is quantized, once, with its range.
fn quantized_activations<'a>(
    topology: &'a Topology<'a>,
    decisions: &[Decision<'_>],
) -> Vec<(&'a str, f32)> {
    let mut tensors: Vec<(&str, f32)> = Vec::new();
    let mut seen = HashSet::new();
    for (decision, node) in decisions.iter().zip(&topology.graph().node) {
        let Decision::Quantize(inputs) = decision else { continue };
        for planned in inputs {
            let InputKind::Activation { amax } = planned.kind else { continue };
            let tensor = node.input[planned.input].as_str();
            if seen.insert(tensor) {
                tensors.push((tensor, amax));
            }
        }
    }
    tensors
}

fn notes(members: &BTreeMap<&str, Vec<(&str, f32)>>) -> Vec<Note> {
    let mut notes = Vec::new();
    for group in members.values() {
        let narrowest = group.iter().fold(f32::INFINITY, |least, (_, amax)| least.min(*amax));
        let widest = group.iter().fold(0f32, |most, (_, amax)| most.max(*amax));
        if narrowest < widest {
            let tensors = group.iter().map(|(tensor, _)| (*tensor).to_owned()).collect();
            notes.push(Note::SharedScale {
                tensors,
                smallest_amax: narrowest,
                shared_amax: widest,
            });
        }
        let zeros = group.iter().filter(|(_, amax)| *amax == 0.0);
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
