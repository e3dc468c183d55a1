//! TensorRT's own histograms, kept beside those that depend on no order.

use calibrant_calibration::{FaithfulHistogram, Histograms, Method, Statistics, TensorStatistics};
use calibrant_format::{INT8, Range};
use calibrant_onnx::Model;
use calibrant_onnx::proto::{AttributeProto, NodeProto};
use calibrant_runtime::scripted::{ScriptedSource, Step};
use calibrant_runtime::{Network, Runtime as _, Sample, Wanted, What};
use calibrant_runtime_embedded::Embedded;

use crate::support::{calibrate, floats, model, noise, noisy, sample, settings};

/// `y` = sigmoid(x), and x and sigmoid(x) side by side, moved about.
fn network() -> Model {
    let join = NodeProto::new("Concat", "join", &["x", "sigmoid"], &["joined"]);
    model(
        vec![
            NodeProto::new("Sigmoid", "gate", &["x"], &["sigmoid"]),
            join.with_attr(AttributeProto::int("axis", 1)),
            NodeProto::new("Transpose", "turn", &["joined"], &["turned"]),
            NodeProto::new("Relu", "last", &["turned"], &["y"]),
        ],
        Vec::new(),
    )
}

/// Samples whose values grow from one to the next.
fn samples() -> Vec<Sample> {
    let sample = |position| {
        let reach = 1.0 + position as f32;
        noisy(position, "x", &[1, 500], -reach, reach)
    };
    (0..12).map(sample).collect()
}

fn load_faithful(model: &Model, workers: usize) -> Box<dyn Network> {
    let wanted = Wanted::all(What::Statistics(Histograms::AndFaithful));
    Embedded.load(model, &wanted, &settings(workers, 1)).unwrap()
}

fn faithful(model: &Model, samples: &[Sample], workers: usize, batch: usize) -> Statistics {
    let mut network = load_faithful(model, workers);
    assert!(network.info().notes.iter().any(|note| note.contains("first batch")));
    network.run(&mut ScriptedSource::of_samples(samples, batch)).unwrap().statistics
}

#[test]
fn the_other_statistics_are_what_they_would_be_without() {
    let (model, samples) = (network(), samples());
    let plain = calibrate(&model, &samples).unwrap();
    let both = faithful(&model, &samples, 2, 3);
    assert_eq!(both.first_batch, ["sample 0", "sample 1", "sample 2"]);
    assert!(plain.first_batch.is_empty());
    assert_eq!(both.samples, plain.samples);
    assert_eq!(both.tensors.keys().collect::<Vec<_>>(), plain.tensors.keys().collect::<Vec<_>>());
    for (name, seen) in &both.tensors {
        let expected = &plain.tensors[name];
        assert_eq!(seen.histogram(), expected.histogram(), "{name}");
        assert_eq!((seen.count(), seen.zeros()), (expected.count(), expected.zeros()), "{name}");
        assert!(
            expected.faithful().is_none()
                && expected.amax(Method::TensorrtFaithful, &INT8).is_none()
        );
        let counts = seen.faithful().unwrap().counts();
        assert_eq!(counts.iter().sum::<u64>(), seen.count(), "{name}");
    }
}

#[test]
fn bins_are_as_wide_as_the_first_batch_says() {
    let (model, samples) = (network(), samples());
    let values: Vec<Vec<f32>> = (0..12)
        .map(|position| {
            let reach = 1.0 + position as f32;
            noise(500, position, -reach, reach)
        })
        .collect();
    let magnitude = |values: &[f32]| values.iter().fold(0f32, |most, value| most.max(value.abs()));
    for batch in [1, 2, 5, 12] {
        let seen = faithful(&model, &samples, 2, batch);
        let x = seen.tensors["x"].faithful().unwrap();
        let first = magnitude(&values[..batch].concat());
        assert_eq!(x.first_batch(), first);
        let mut alone = TensorStatistics::after_first_batch(first);
        values.iter().for_each(|values| alone.observe(values).unwrap());
        assert_eq!(Some(x), alone.faithful());
        // A tensor that joins others has bins of its own, one that moves values those of its source.
        assert_eq!(
            seen.tensors["joined"].faithful().map(FaithfulHistogram::first_batch),
            Some(first)
        );
        assert_eq!(seen.tensors["turned"].faithful(), seen.tensors["joined"].faithful());
    }
}

#[test]
fn workers_and_the_order_of_later_batches_change_no_count() {
    let (model, mut samples) = (network(), samples());
    let expected = faithful(&model, &samples, 1, 3);
    assert_eq!(faithful(&model, &samples, 3, 3), expected);
    samples[3..].reverse();
    assert_eq!(faithful(&model, &samples, 2, 3), expected);
    samples.swap(0, 11);
    let other = faithful(&model, &samples, 2, 3);
    assert_ne!(other.tensors["x"], expected.tensors["x"], "another first batch");
    assert_eq!(other.tensors["x"].histogram(), expected.tensors["x"].histogram());
}

#[test]
fn batches_without_samples_are_not_the_first() {
    let (model, samples) = (network(), samples());
    let empty = || Step::Batch(Vec::new());
    let filled = samples.chunks(4).map(|batch| Step::Batch(batch.to_vec()));
    let mut network = load_faithful(&model, 2);
    let steps = [empty(), empty()].into_iter().chain(filled);
    let seen = network.run(&mut ScriptedSource::new(steps)).unwrap().statistics;
    assert_eq!(seen, faithful(&model, &samples, 1, 4));
    let nothing = network.run(&mut ScriptedSource::new([empty()])).unwrap().statistics;
    assert_eq!(nothing, Statistics::default());
}

/// The digits that stand for a saturated sigmoid in public caches.
#[test]
fn a_saturated_sigmoid_has_the_scale_of_public_caches() {
    let logits = |position: usize| floats(&[1, 4000], noise(4000, position as u64, -30.0, 30.0));
    let samples: Vec<Sample> =
        (0..8).map(|position| sample(position, vec![("x", logits(position))])).collect();
    let seen = faithful(&network(), &samples, 2, 2);
    let amax = seen.tensors["sigmoid"].amax(Method::TensorrtFaithful, &INT8).unwrap();
    assert_eq!(format!("{:x}", INT8.scale(Range::of_amax(amax).unwrap()).to_bits()), "3c010a14");
}
