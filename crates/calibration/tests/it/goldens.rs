//! What NumPy and SciPy found; `fixtures/calibration/README.md` says how.

use std::collections::BTreeMap;
use std::path::Path;

use calibrant_calibration::{BINS, Method, TensorStatistics};
use calibrant_format::INT8;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct HistogramGolden {
    name: String,
    bits: Vec<u32>,
    exponent: i32,
    counts: Vec<(usize, u64)>,
    minimum_bits: u32,
    maximum_bits: u32,
    zeros: u64,
}

#[derive(Deserialize)]
struct MethodGolden {
    name: String,
    exponent: i32,
    counts: Vec<(usize, u64)>,
    zeros: u64,
    entropy_bins: usize,
    mse_bins: usize,
    percentile_bins: BTreeMap<String, usize>,
}

fn read<T: DeserializeOwned>(file: &str) -> Vec<T> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/calibration");
    let goldens: Vec<T> =
        serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap();
    assert!(goldens.len() > 5, "{file}");
    goldens
}

fn observed<'a>(slices: impl IntoIterator<Item = &'a [f32]>) -> TensorStatistics {
    let mut statistics = TensorStatistics::new();
    slices.into_iter().for_each(|slice| statistics.observe(slice).unwrap());
    statistics
}

fn occupied(statistics: &TensorStatistics) -> Vec<(usize, u64)> {
    let counts = statistics.histogram().counts().iter().copied().enumerate();
    counts.filter(|(_, count)| *count > 0).collect()
}

#[test]
fn histograms_are_numpys() {
    for golden in read::<HistogramGolden>("histogram.json") {
        let values: Vec<f32> = golden.bits.iter().copied().map(f32::from_bits).collect();
        for (way, statistics) in
            [("at once", observed([&values[..]])), ("one by one", observed(values.chunks(1)))]
        {
            let name = format!("{}, {way}", golden.name);
            assert_eq!(statistics.histogram().exponent(), golden.exponent, "{name}");
            assert_eq!(occupied(&statistics), golden.counts, "{name}");
            assert_eq!(statistics.minimum().to_bits(), golden.minimum_bits, "{name}");
            assert_eq!(statistics.maximum().to_bits(), golden.maximum_bits, "{name}");
            assert_eq!(statistics.zeros(), golden.zeros, "{name}");
        }
    }
}

#[test]
fn methods_choose_the_bins_that_scipy_does() {
    for golden in read::<MethodGolden>("methods.json") {
        let width = 2f32.powi(golden.exponent) / BINS as f32;
        // Bin centres stand for the values, so the largest magnitude is the centre of the last bin.
        let centre = |bin: usize| (bin as f32 + 0.5) * width;
        let mut statistics = observed([&vec![0.0; usize::try_from(golden.zeros).unwrap()][..]]);
        for &(bin, count) in &golden.counts {
            let count = if bin == 0 { count - golden.zeros } else { count };
            statistics.observe(&vec![centre(bin); usize::try_from(count).unwrap()]).unwrap();
        }
        assert_eq!(occupied(&statistics), golden.counts, "{}", golden.name);
        let largest = centre(golden.counts.last().unwrap().0);
        let check = |method: Method, amax: f32| {
            assert_eq!(
                statistics.amax(method, &INT8),
                Some(amax.min(largest)),
                "{}, {method}",
                golden.name
            );
        };
        check(Method::MinMax, largest);
        check(Method::Entropy, centre(golden.entropy_bins));
        check(Method::Mse, golden.mse_bins as f32 * width);
        for (percentile, &bins) in &golden.percentile_bins {
            check(format!("percentile:{percentile}").parse().unwrap(), bins as f32 * width);
        }
    }
}
