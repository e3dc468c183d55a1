//! Completion on small networks by hand, and on random ones beside a naive twin.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A graph of layers written as `(effect, "a b", "c")`; tensors that begin with `#` have no range.
fn graph(layers: &[(Effect, &str, &str)]) -> RangeGraph {
    let mut graph = RangeGraph::default();
    for &(effect, inputs, outputs) in layers {
        let mut indices = |names: &str| -> Vec<usize> {
            let index = |name: &str| match graph.tensors.iter().position(|it| it.name == name) {
                Some(at) => at,
                None => {
                    let has_range = !name.starts_with('#');
                    graph.tensors.push(RangeTensor { name: name.to_owned(), has_range });
                    graph.tensors.len() - 1
                }
            };
            names.split_whitespace().map(index).collect()
        };
        let (inputs, outputs) = (indices(inputs), indices(outputs));
        graph.layers.push(RangeLayer { effect, inputs, outputs });
    }
    graph
}

/// `a=1 b=2` as ranges.
fn given(text: &str) -> Ranges {
    let entries = text.split_whitespace().map(|word| word.split_once('=').unwrap());
    let amax = entries.map(|(name, range)| (name.to_owned(), range.parse().unwrap()));
    Ranges::of_amax(amax).unwrap()
}

/// The completed ranges as text, and how they came about.
fn completed(graph: &RangeGraph, text: &str) -> (String, Vec<String>, Coverage) {
    let (ranges, coverage) = complete(graph, &given(text));
    let ranges: Vec<_> =
        ranges.iter().map(|(name, range)| format!("{name}={}", range.amax())).collect();
    let how = |it: &Completed| {
        let from = it.from.as_deref().unwrap_or("-");
        format!("{} from {from} by {:?}", it.tensor, it.rule)
    };
    (ranges.join(" "), coverage.completed.iter().map(how).collect(), coverage)
}

#[test]
fn what_keeps_values_keeps_ranges_both_ways() {
    let keeps = Effect::Keeps(Rule::MaxPooling);
    let chain = graph(&[(keeps, "a", "b"), (Effect::Changes, "b", "c"), (keeps, "c", "d")]);
    let (ranges, how, coverage) = completed(&chain, "a=3 d=5");
    assert_eq!(ranges, "a=3 b=3 c=5 d=5");
    assert_eq!(how, ["c from d by MaxPooling", "b from a by MaxPooling"]);
    assert_eq!(coverage.given, ["a", "d"]);
    assert!(coverage.missing.is_empty() && coverage.unused.is_empty());
}

#[test]
fn a_range_that_was_given_stays() {
    let chain =
        graph(&[(Effect::Keeps(Rule::Slice), "a", "b"), (Effect::Bounds(Rule::Tanh), "b", "c")]);
    let (ranges, how, _) = completed(&chain, "a=3 b=2 c=0.5");
    assert_eq!((ranges.as_str(), how.len()), ("a=3 b=2 c=0.5", 0));
}

#[test]
fn concatenation_shares_the_largest_range() {
    let joins = graph(&[(Effect::Joins(Rule::Concatenation), "a b #axis", "c")]);
    assert_eq!(completed(&joins, "a=1 b=4").0, "a=1 b=4 c=4");
    assert_eq!(completed(&joins, "c=7").0, "a=7 b=7 c=7");
    assert_eq!(completed(&joins, "a=1 c=7").0, "a=1 b=7 c=7");
    // The other input may be the larger one.
    let (ranges, _, coverage) = completed(&joins, "a=1");
    assert_eq!((ranges.as_str(), coverage.missing), ("a=1", vec!["b".to_owned(), "c".to_owned()]));
}

#[test]
fn functions_have_their_range_by_definition() {
    let bounds = graph(&[
        (Effect::Changes, "x", "a"),
        (Effect::Bounds(Rule::Sigmoid), "a", "b"),
        (Effect::Keeps(Rule::Shuffle), "b", "c"),
    ]);
    let (ranges, how, coverage) = completed(&bounds, "x=2 folded=9");
    assert_eq!(ranges, "x=2 b=1 c=1");
    assert_eq!(how, ["b from - by Sigmoid", "c from b by Shuffle"]);
    assert_eq!(
        (coverage.missing, coverage.unused),
        (vec!["a".to_owned()], vec!["folded".to_owned()])
    );
}

#[test]
fn a_range_of_zero_is_none() {
    let joins = graph(&[(Effect::Joins(Rule::Concatenation), "a b", "c")]);
    let (ranges, _, coverage) = completed(&joins, "a=0 c=7");
    assert_eq!((ranges.as_str(), coverage.zero), ("a=7 b=7 c=7", vec!["a".to_owned()]));
}

#[test]
fn tensors_without_ranges_get_none() {
    let gather = graph(&[
        (Effect::Keeps(Rule::Gather), "#ids", "#more"),
        (Effect::Keeps(Rule::Gather), "t #ids", "y"),
    ]);
    let (ranges, _, coverage) = completed(&gather, "#ids=8 t=2");
    assert_eq!((ranges.as_str(), coverage.missing.len()), ("t=2 y=2", 0));
    assert_eq!(coverage.given, ["t"]);
    assert_eq!(coverage.unused, [""; 0]);
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        Just(Effect::Keeps(Rule::Shuffle)),
        Just(Effect::Joins(Rule::Concatenation)),
        Just(Effect::Bounds(Rule::Softmax)),
        Just(Effect::Changes),
    ]
}

/// Networks of up to 12 layers: each reads up to 3 tensors that are there, and makes one.
fn networks() -> impl Strategy<Value = RangeGraph> {
    let layer =
        (effect(), prop::collection::vec(any::<prop::sample::Index>(), 1..4), any::<bool>());
    prop::collection::vec(layer, 0..12).prop_map(|layers| {
        let tensor = |at: usize, has_range| RangeTensor { name: format!("t{at}"), has_range };
        let mut graph = RangeGraph { tensors: vec![tensor(0, true)], layers: vec![] };
        for (effect, inputs, has_range) in layers {
            let made = graph.tensors.len();
            let inputs = inputs.iter().map(|index| index.index(made)).collect();
            graph.tensors.push(tensor(made, has_range));
            graph.layers.push(RangeLayer { effect, inputs, outputs: vec![made] });
        }
        graph
    })
}

/// Which tensors have a range in the end: the rules applied in any order until nothing changes.
fn naive(graph: &RangeGraph, given: &Ranges) -> BTreeSet<usize> {
    let has_range = |at: &usize| graph.tensors[*at].has_range;
    let all = 0..graph.tensors.len();
    let mut known: BTreeSet<usize> =
        all.filter(|at| has_range(at) && given.get(&graph.tensors[*at].name).is_some()).collect();
    loop {
        let before = known.len();
        for layer in &graph.layers {
            let output = layer.outputs[0];
            let mut sharing: Vec<usize> = match layer.effect {
                Effect::Keeps(_) => layer.inputs[..1].to_vec(),
                Effect::Joins(_) => layer.inputs.clone(),
                Effect::Bounds(_) => vec![],
                Effect::Changes => continue,
            };
            let keeps = matches!(layer.effect, Effect::Keeps(_));
            let on = if keeps {
                known.contains(&sharing[0])
            } else {
                sharing.iter().filter(|at| has_range(at)).all(|at| known.contains(at))
                    && (matches!(layer.effect, Effect::Bounds(_)) || sharing.iter().any(has_range))
            };
            if on {
                known.extend(Some(output).filter(has_range));
            }
            if known.contains(&output) {
                sharing.retain(has_range);
                known.extend(sharing);
            }
        }
        if known.len() == before {
            return known;
        }
    }
}

proptest! {
    #[test]
    fn covers_what_the_naive_twin_covers(graph in networks(), given in prop::collection::vec(any::<bool>(), 13)) {
        let names: Vec<String> = (0..13).map(|at| format!("t{at}")).collect();
        let ranges = names.iter().zip(1_u8..).zip(&given).filter(|(_, given)| **given);
        let ranges = ranges.map(|((name, range), _)| (name.clone(), f32::from(range)));
        let ranges = Ranges::of_amax(ranges).unwrap();
        let (completed, coverage) = complete(&graph, &ranges);
        let covered: BTreeSet<&str> = completed.iter().map(|(name, _)| name.as_str()).collect();
        let expected = naive(&graph, &ranges);
        let expected: BTreeSet<&str> = expected.iter().map(|&at| graph.tensors[at].name.as_str()).collect();
        prop_assert_eq!(&covered, &expected);

        // Every tensor with a range is in one list and one only, and the values given are not touched.
        let with_range = graph.tensors.iter().filter(|tensor| tensor.has_range).count();
        let listed = coverage.given.len() + coverage.completed.len() + coverage.missing.len();
        prop_assert_eq!(listed, with_range);
        for (name, range) in &completed {
            if let Some(given) = ranges.get(name) {
                prop_assert_eq!(*range, given);
            }
        }
        // Nothing is left to complete the second time.
        let again: Ranges = completed.iter().cloned().collect();
        let (second, coverage) = complete(&graph, &again);
        prop_assert_eq!(second, completed.clone());
        prop_assert!(coverage.completed.is_empty());
    }
}
