//! Operators against the outputs that onnxruntime has for them, and ONNX's own node tests.

use crate::cases::{Outcome, outcome, read};
use crate::support::fixtures;

/// How many of the node tests go through.
const LEAST_EQUAL: usize = 590;

/// Runs the cases of a file: how many there are, and those that are not equal.
fn run(file: &str) -> (usize, Vec<(String, Outcome)>) {
    let cases = read(&fixtures().join("runtime-embedded/cases").join(file)).unwrap();
    let n_cases = cases.len();
    let outcomes = cases.into_iter().map(|(name, case)| (name, outcome(&case)));
    (n_cases, outcomes.filter(|(_, outcome)| *outcome != Outcome::Equal).collect())
}

#[test]
fn recurrent_operators_compute_in_all_their_forms_what_onnxruntime_does() {
    let (n_cases, others) = run("recurrent.onnx");
    assert!(n_cases > 120 && others.is_empty(), "{others:#?}");
}

#[test]
fn operators_of_places_compute_in_all_their_forms_what_onnxruntime_does() {
    let (n_cases, others) = run("spatial.onnx");
    assert!(n_cases > 190 && others.is_empty(), "{others:#?}");
}

#[test]
fn operators_that_the_executor_lacks_compute_what_onnxruntime_does() {
    let (n_cases, others) = run("operators.onnx");
    assert!(n_cases > 60 && others.is_empty(), "{others:#?}");
}

#[test]
fn operators_of_onnxruntime_compute_the_same_written_out() {
    let (n_cases, others) = run("fused.onnx");
    assert!(n_cases > 40 && others.is_empty(), "{others:#?}");
}

#[test]
fn no_node_test_of_onnx_has_another_answer_than_the_stored_one() {
    let (n_cases, others) = run("node_tests.onnx");
    let is_wrong = |outcome: &Outcome| matches!(outcome, Outcome::Wrong(_));
    let wrong: Vec<_> = others.iter().filter(|(_, outcome)| is_wrong(outcome)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let n_equal = n_cases - others.len();
    assert!(n_equal >= LEAST_EQUAL, "{n_equal} of {n_cases} are equal; not: {others:#?}");
}
