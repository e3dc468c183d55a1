//! What does it cost to observe an activation, beside the plain loop and beside reading the memory at all?

use std::hint::black_box;

use calibrant_calibration::{BINS, TensorStatistics};
use criterion::{BenchmarkId, Criterion, Throughput};

/// A tensor of logits, and feature maps that fit the second cache, the third, and neither.
const LENGTHS: [usize; 4] = [1_000, 1 << 16, 1 << 20, 1 << 24];
/// Holds the values below: [0, 2^3).
const EXPONENT: i32 = 3;

/// Sums of uniform values, near enough to a Gaussian; with every negative one set to 0 after a ReLU.
fn activations(length: usize, relu: bool) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let gaussian = (0..length).map(|_| (0..12).map(|_| uniform()).sum::<f32>());
    if relu { gaussian.map(|value| value.max(0.0)).collect() } else { gaussian.collect() }
}

/// The same statistics with one table and no thought, the range known beforehand.
fn plain(values: &[f32], counts: &mut [u64; BINS]) -> (f32, f32, u64) {
    let scale = BINS as f32 / 2f32.powi(EXPONENT);
    let (mut minimum, mut maximum, mut zeros) = (f32::INFINITY, f32::NEG_INFINITY, 0);
    for &value in values {
        assert!(value.is_finite());
        minimum = value.min(minimum);
        maximum = value.max(maximum);
        zeros += u64::from(value == 0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "below the number of bins"
        )]
        let bin = (value.abs() * scale) as usize;
        counts[bin] += 1;
    }
    (minimum, maximum, zeros)
}

fn histogram(criterion: &mut Criterion) {
    for (distribution, relu) in [("gaussian", false), ("relu", true)] {
        let mut group = criterion.benchmark_group(format!("histogram/{distribution}"));
        for length in LENGTHS {
            let values = activations(length, relu);
            group.throughput(Throughput::Bytes(length as u64 * 4));
            group.bench_function(BenchmarkId::new("observe", length), |bencher| {
                let mut statistics = TensorStatistics::new();
                bencher.iter(|| statistics.observe(black_box(&values)));
            });
            group.bench_function(BenchmarkId::new("plain loop", length), |bencher| {
                let mut counts = Box::new([0; BINS]);
                bencher.iter(|| plain(black_box(&values), &mut counts));
            });
            group.bench_function(BenchmarkId::new("memcpy", length), |bencher| {
                let mut copy = values.clone();
                bencher.iter(|| {
                    copy.copy_from_slice(black_box(&values));
                    black_box(&copy);
                });
            });
        }
        group.finish();
    }
}

fn merge(criterion: &mut Criterion) {
    let mut statistics = TensorStatistics::new();
    statistics.observe(&activations(1 << 16, false)).expect("finite values");
    criterion.bench_function("histogram/merge/4096 bins", |bencher| {
        let mut whole = TensorStatistics::new();
        bencher.iter(|| whole.merge(black_box(&statistics)));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    histogram(&mut criterion);
    merge(&mut criterion);
    criterion.final_summary();
}
