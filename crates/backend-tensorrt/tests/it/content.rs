//! That TensorRT sees the samples, bit for bit, in whole batches.

use proptest::prelude::*;

use crate::rig::{Job, Rig, VERSIONS, seen, within_patience};

#[test]
fn every_version_sees_every_sample_bit_for_bit() {
    for version in VERSIONS {
        for rig in Rig::all(version) {
            let job = Job::of(12);
            let (plan, report) = rig.run(&job);
            let plan = plan.unwrap_or_else(|error| panic!("{version}: {error:?}"));
            assert_eq!(seen(&plan), rig.expected(&job.packed()), "{version}");
            assert_eq!(plan.calibration.and_then(|it| it.batch_size), Some(4));
            assert_eq!((report.batches, report.samples, report.repeated), (3, 12, 0));
            assert!(report.ended && report.unheard.is_none());
            rig.assert_nothing_is_left();
        }
    }
}

/// The largest pixel is (12 × 11 + 11) / 16 - 3, that is in the last sample: nothing is left out.
#[test]
fn the_last_batch_repeats_its_own_samples_in_order() {
    for rig in Rig::all(101_601) {
        let job = Job { batch_size: 5, ..Job::of(12) };
        let (plan, report) = rig.run(&job);
        assert_eq!(job.packed()[2], [10, 11, 10, 11, 10]);
        assert_eq!(seen(&plan.unwrap()), rig.expected(&job.packed()));
        assert_eq!((report.batches, report.samples, report.repeated), (3, 12, 3));
    }
}

#[test]
fn the_cache_that_tensorrt_writes_is_kept_and_makes_calibration_unnecessary() {
    for rig in Rig::all(100_800) {
        let (plan, report) = rig.run(&Job::of(8));
        let written = report.cache_written.unwrap();
        let lines = String::from_utf8(written.clone()).unwrap();
        assert_eq!(lines.lines().collect::<Vec<_>>(), plan.unwrap().calibration.unwrap().cache);
        assert!(!report.cache_given);

        let (plan, report) = rig.run(&Job { cache: Some(written), ..Job::of(8) });
        let calibration = plan.unwrap().calibration.unwrap();
        assert!(calibration.cache_was_read && report.cache_given);
        assert_eq!((report.batches, report.ended, report.cache_written), (0, false, None));
        rig.assert_nothing_is_left();
    }
}

fn job() -> impl Strategy<Value = Job> {
    let bad = prop::collection::vec(any::<prop::sample::Index>(), 0..12);
    let sizes = ((1..7_usize, 1..4_usize), 1..9_usize, 1..4_usize);
    (1..40_usize, bad, sizes).prop_map(|(n_samples, bad, (pipeline, batch_size, ring))| {
        let bad = bad.into_iter().map(|it| it.index(n_samples)).collect();
        Job { bad, pipeline, batch_size, ring, ..Job::of(n_samples) }
    })
}

/// Whatever the sizes and the gaps: batches are packed as by hand, and nothing locks up.
#[test]
fn batches_match_naive() {
    let config = ProptestConfig::with_cases(150);
    for rig in Rig::all(101_601) {
        let rig = std::sync::Arc::new(rig);
        proptest!(config.clone(), |(job in job())| {
            let (packed, shown) = (job.packed(), format!("{job:?}"));
            let there = std::sync::Arc::clone(&rig);
            let (plan, report) = within_patience(move || there.run(&job));
            prop_assert_eq!(report.batches, packed.len() as u64, "{}", &shown);
            prop_assert!(report.ended);
            if packed.is_empty() {
                prop_assert!(plan.is_err(), "TensorRT does not calibrate on nothing");
            } else {
                prop_assert_eq!(seen(&plan.unwrap()), rig.expected(&packed), "{}", &shown);
            }
            rig.assert_nothing_is_left();
        });
    }
}
