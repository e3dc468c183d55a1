//! One scale for each quantized activation, the same for all that have to share one: rules 5 and 7.

use std::collections::{BTreeMap, HashMap};

use calibrant_calibration::scale_of;
use calibrant_onnx::Topology;

use super::{Decision, InputKind, roles};
use crate::error::RewriteError;
use crate::summary::Note;

/// The range and the scale of an activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    /// The range that calibration found.
    pub(crate) amax: f32,
    /// The scale it is quantized with.
    pub(crate) scale: f32,
}

/// Returns the scale of every activation that `decisions` quantize, in the order in which nodes read them, with what is
/// worth a note.
///
/// # Errors
///
/// When a range is missing, negative or not finite.
pub(crate) fn scales<'a>(
    topology: &'a Topology<'a>,
    decisions: &[Decision<'_>],
    ranges: &BTreeMap<String, f32>,
) -> Result<(Vec<(&'a str, Scale)>, Vec<Note>), RewriteError> {
    let tensors = quantized_activations(topology, decisions);
    let missing: Vec<String> =
        tensors.iter().filter(|&&tensor| !ranges.contains_key(tensor)).map(|&tensor| tensor.to_owned()).collect();
    if !missing.is_empty() {
        return Err(RewriteError::MissingRanges { tensors: missing });
    }
    let mut groups = Groups::default();
    for (decision, node) in decisions.iter().zip(&topology.graph().node) {
        let is_joined = node.is("Concat") && matches!(decision, Decision::Quantize(_));
        let inputs = if is_joined { &node.input[..] } else { &node.input[..node.input.len().min(1)] };
        if let Some(output) = node.output_name(0).filter(|_| is_joined || roles::moves_values(node)) {
            inputs.iter().for_each(|input| groups.join(input, output));
        }
    }
    let mut members: BTreeMap<&str, Vec<(&str, f32)>> = BTreeMap::new();
    for &tensor in &tensors {
        let amax = ranges[tensor];
        if !(amax.is_finite() && amax >= 0.0) {
            return Err(RewriteError::UnusableRange { tensor: tensor.to_owned(), amax });
        }
        members.entry(groups.head(tensor)).or_default().push((tensor, amax));
    }
    let shared = |tensor| members[groups.head(tensor)].iter().fold(0f32, |widest, (_, amax)| widest.max(*amax));
    let scaled = tensors.iter().map(|&tensor| (tensor, Scale { amax: ranges[tensor], scale: scale_of(shared(tensor)) }));
    Ok((scaled.collect(), notes(&members)))
}

fn quantized_activations<'a>(topology: &'a Topology<'a>, decisions: &[Decision<'_>]) -> Vec<&'a str> {
    let mut tensors: Vec<&str> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (decision, node) in decisions.iter().zip(&topology.graph().node) {
        let Decision::Quantize(inputs) = decision else { continue };
        let activations = inputs.iter().filter(|planned| matches!(planned.kind, InputKind::Activation));
        tensors.extend(activations.map(|planned| node.input[planned.input].as_str()).filter(|name| seen.insert(*name)));
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
            notes.push(Note::SharedScale { tensors, smallest_amax: narrowest, shared_amax: widest });
        }
        let zeros = group.iter().filter(|(_, amax)| *amax == 0.0);
        notes.extend(zeros.map(|(tensor, _)| Note::ZeroActivation { tensor: (*tensor).to_owned() }));
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
