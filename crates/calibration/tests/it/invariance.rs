//! The same multiset of samples gives the same bytes, whatever way it came.

use std::thread;

use calibrant_calibration::{
    BackendInfo, Cache, Manifest, Method, SavedStatistics, Statistics, Table,
};
use calibrant_format::INT8;
use calibrant_tensor::digest;
use proptest::collection::vec;
use proptest::prelude::*;

/// Activations of one sample: two tensors of different range, the second with zeros.
type Activations = [Vec<f32>; 2];

fn samples() -> impl Strategy<Value = Vec<Activations>> {
    let octave = prop_oneof![Just(1.0f32), Just(2f32.powi(20)), Just(2f32.powi(-20))];
    let values = || (vec(-1f32..1.0, 1..40), octave.clone());
    let first = values()
        .prop_map(|(values, octave)| values.into_iter().map(|value| value * octave).collect());
    let second = values().prop_map(|(values, octave)| {
        values.into_iter().map(|value| (value * octave).max(0.0)).collect()
    });
    vec((first, second).prop_map(|(first, second)| [first, second]), 1..16)
}

/// What a runtime does with one batch: each tensor of all its samples in one slice.
fn observe(statistics: &mut Statistics, batch: &[Activations]) {
    for (idx, name) in ["conv", "relu"].into_iter().enumerate() {
        let values: Vec<f32> =
            batch.iter().flat_map(|sample| sample[idx].iter().copied()).collect();
        statistics.observe(name, &values).unwrap();
    }
    statistics.samples += batch.len() as u64;
}

/// Calibrates with one thread per shard, merging as they were started.
fn calibrate(samples: &[Activations], batch_size: usize, n_threads: usize) -> Statistics {
    let shards = samples.chunks(samples.len().div_ceil(n_threads));
    let mut whole = Statistics::default();
    thread::scope(|scope| {
        let workers: Vec<_> = shards
            .map(|shard| {
                scope.spawn(move || {
                    let mut statistics = Statistics::default();
                    shard.chunks(batch_size).for_each(|batch| observe(&mut statistics, batch));
                    statistics
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| whole.merge(&worker.join().unwrap()));
    });
    whole
}

fn files(statistics: &Statistics) -> (Vec<u8>, String, String) {
    let (sample_list, samples) = Manifest::list_digest(Vec::new());
    let manifest = Manifest {
        model: digest(b"model"),
        sample_list,
        samples,
        preprocessing: String::new(),
        method: (),
        batch_size: None,
        backend: BackendInfo {
            name: "test".to_owned(),
            version: "1".to_owned(),
            notes: Vec::new(),
        },
        program: "test".to_owned(),
    };
    let saved = SavedStatistics::new(statistics, manifest);
    let table = Table::new(&saved, Method::Entropy, &INT8).unwrap();
    (
        saved.as_bytes().to_vec(),
        table.to_json(),
        Cache::from_table(&table, 8601).unwrap().to_string(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn order_batches_and_threads_do_not_change_a_byte(
        samples in samples().prop_flat_map(|samples| (Just(samples.clone()), Just(samples).prop_shuffle())),
        batch_size in 1usize..20,
        n_threads in 1usize..6,
    ) {
        let (samples, shuffled) = samples;
        let plain = calibrate(&samples, 1, 1);
        let other = calibrate(&shuffled, batch_size, n_threads);
        prop_assert_eq!(&plain, &other);
        prop_assert_eq!(files(&plain), files(&other));
    }
}
