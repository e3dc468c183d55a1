//! What does each method cost a tensor, once the samples are through?

use std::hint::black_box;

use calibrant_calibration::{Method, TensorStatistics};
use calibrant_format::INT8;
use criterion::{BenchmarkId, Criterion};

/// A bell over all 4096 bins: the most candidates that a histogram can offer.
fn full() -> TensorStatistics {
    let mut statistics = TensorStatistics::new();
    for bin in 0..4096u32 {
        let value = (bin as f32 + 0.5) / 4096.0;
        let count = (1e4 * (-8.0 * value * value).exp()).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10 000")]
        statistics.observe(&vec![value; count as usize]).expect("finite values");
    }
    statistics
}

fn threshold(criterion: &mut Criterion) {
    let statistics = full();
    let mut group = criterion.benchmark_group("threshold/4096 bins");
    for method in Method::USUAL {
        group.bench_function(BenchmarkId::from_parameter(method), |bencher| {
            bencher.iter(|| black_box(&statistics).amax(method, &INT8));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    threshold(&mut criterion);
    criterion.final_summary();
}
