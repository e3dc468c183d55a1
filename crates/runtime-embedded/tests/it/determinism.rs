//! Statistics depend on the samples alone.

use calibrant_calibration::Statistics;
use calibrant_onnx::Model;
use calibrant_runtime::scripted::{ScriptedSource, Step};
use calibrant_runtime::{Observations, Sample};

use crate::support::{fixtures, load_with, noisy, settings};

const N_SAMPLES: usize = 17;

fn fashion() -> (Model, Vec<Sample>) {
    let model = Model::read(&fixtures().join("models/fashion_cnn.onnx")).unwrap();
    let sample = |position| noisy(position, "input", &[1, 3, 28, 28], -1.0, 1.0);
    (model, (0..N_SAMPLES).map(sample).collect())
}

fn run(
    model: &Model,
    samples: &[Sample],
    workers: usize,
    batch: usize,
    together: usize,
) -> Statistics {
    let mut network = load_with(model, &settings(workers, together)).unwrap();
    network.run(&mut ScriptedSource::of_samples(samples, batch)).unwrap().statistics
}

#[test]
fn workers_batches_and_order_change_no_count() {
    let (model, mut samples) = fashion();
    let expected = run(&model, &samples, 1, 1, 1);
    assert_eq!(expected.samples, N_SAMPLES as u64);
    assert!(expected.tensors.len() > 30);
    for (workers, batch) in [(1, 4), (1, 8), (2, 1), (2, 4), (3, 1), (3, 8), (8, 17)] {
        assert_eq!(
            run(&model, &samples, workers, batch, 1),
            expected,
            "{workers} workers, batches of {batch}"
        );
    }
    samples.reverse();
    samples.swap(2, 9);
    assert_eq!(run(&model, &samples, 2, 4, 1), expected, "in another order");
}

#[test]
fn a_network_can_be_used_again() {
    let (model, samples) = fashion();
    let mut network = load_with(&model, &settings(2, 1)).unwrap();
    let first = network.run(&mut ScriptedSource::of_samples(&samples, 3)).unwrap();
    assert_eq!(network.run(&mut ScriptedSource::of_samples(&samples, 3)).unwrap(), first);
}

#[test]
fn statistics_of_parts_add_up_to_those_of_the_whole() {
    let (model, samples) = fashion();
    let mut sum = run(&model, &samples[..5], 2, 2, 1);
    sum.merge(&run(&model, &samples[5..], 1, 4, 1));
    assert_eq!(sum, run(&model, &samples, 2, 8, 1));
}

#[test]
fn samples_that_run_together_are_all_seen() {
    let (model, samples) = fashion();
    let alone = run(&model, &samples, 1, 8, 1);
    let together = run(&model, &samples, 2, 8, 4);
    assert_eq!(together.samples, alone.samples);
    for (name, seen) in &together.tensors {
        assert_eq!(seen.count(), alone.tensors[name].count(), "{name}");
        let (found, expected) = (seen.magnitude(), alone.tensors[name].magnitude());
        assert!(
            (found - expected).abs() <= 1e-5 * expected,
            "{name}: {found} instead of {expected}"
        );
    }
}

#[test]
fn no_samples_are_no_statistics() {
    let (model, _) = fashion();
    assert_eq!(run(&model, &[], 2, 1, 1), Statistics::default());
    let mut network = load_with(&model, &settings(1, 1)).unwrap();
    let empty_batches = [Step::Batch(Vec::new()), Step::Batch(Vec::new())];
    assert_eq!(
        network.run(&mut ScriptedSource::new(empty_batches)).unwrap(),
        Observations::default()
    );
}
