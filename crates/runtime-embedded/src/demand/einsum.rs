//! Sums of products by an equation.

use std::collections::BTreeMap;

use calibrant_onnx::proto::NodeProto;

use super::{Args, bytes, product};

/// The output, all partial results, and every factor with the axes that are summed over spread out.
///
/// Terms are multiplied from the left, two at a time; an axis is summed over as soon as no later term has it.
pub(super) fn einsum(node: &NodeProto, args: &Args<'_, '_>) -> u64 {
    let equation = node.attr_s("equation").unwrap_or_default().replace(' ', "");
    let (terms, output) = match equation.split_once("->") {
        Some((terms, output)) => (terms, Some(output)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<Vec<char>> = terms
        .split(',')
        .enumerate()
        .map(|(index, term)| labels(term, args.dims(index).len()))
        .collect();
    let mut sizes: BTreeMap<char, u64> = BTreeMap::new();
    for (index, term) in terms.iter().enumerate() {
        for (label, size) in term.iter().zip(args.dims(index)) {
            let known = sizes.entry(*label).or_insert(0);
            *known = (*known).max(size);
        }
    }
    let n_broadcast = sizes.keys().filter(|label| label.is_ascii_control()).count();
    // Without an output every label counts as one: more than there is, never less.
    let output = output.map_or_else(
        || sizes.keys().copied().collect(),
        |output| labels(output, n_broadcast + output.replace("...", "").len()),
    );
    let len = |labels: &[char]| {
        product(labels.iter().map(|label| sizes.get(label).copied().unwrap_or(1)))
    };

    let mut needed = len(&output).saturating_add(args.total());
    let mut left: Vec<char> = terms.first().cloned().unwrap_or_default();
    for (index, right) in terms.iter().enumerate().skip(1) {
        let later = |label: &char| {
            output.contains(label) || terms[index + 1..].iter().any(|term| term.contains(label))
        };
        let mut both = left.clone();
        both.extend(right);
        both.sort_unstable();
        both.dedup();
        let (kept, summed): (Vec<char>, Vec<char>) = both.into_iter().partition(later);
        let is_shared = |label: &&char| left.contains(label) && right.contains(label);
        let shared: Vec<char> = summed.iter().filter(is_shared).copied().collect();
        for factor in [&left, right] {
            let mut spread: Vec<char> = factor.iter().chain(&shared).copied().collect();
            spread.sort_unstable();
            spread.dedup();
            needed = needed.saturating_add(len(&spread));
        }
        needed = needed.saturating_add(len(&kept));
        left = kept;
    }
    bytes(needed)
}

/// The labels of a term of this rank; the axes of its ellipsis are labelled by control characters, from the last on.
fn labels(term: &str, rank: usize) -> Vec<char> {
    let Some((before, after)) = term.split_once("...") else { return term.chars().collect() };
    let n_hidden = rank.saturating_sub(before.len() + after.len()).min(usize::from(u8::MAX >> 3));
    let hidden = (0..n_hidden).rev().map(|index| char::from(u8::try_from(index).unwrap_or(0)));
    before.chars().chain(hidden).chain(after.chars()).collect()
}
