//! What does the pipeline cost per sample, when the work itself costs nothing?
//!
//! The lower bound is the same loop without threads and channels. Empty work is the worst case:
//! every sample crosses three channels for nothing, and the threads do little but wake each other.
//! Decoding a photograph takes some milliseconds.

use std::hint::black_box;
use std::num::NonZeroUsize;

use calibrant_prefetch::{Config, run};
use criterion::{BenchmarkId, Criterion, Throughput};

const N_SAMPLES: usize = 4096;

/// A slot of the size that is usual for what the pipeline moves: a few pointers.
type Slot = [usize; 4];

fn fill(item: usize, slot: &mut Slot) {
    *slot = [item; 4];
}

fn direct_loop(batch_size: usize) -> usize {
    let mut slots = vec![Slot::default(); batch_size];
    let mut sum = 0;
    for start in (0..N_SAMPLES).step_by(batch_size) {
        for (item, slot) in (start..).zip(&mut slots) {
            fill(black_box(item), slot);
        }
        sum += black_box(&slots).len();
    }
    sum
}

fn pipeline(workers: usize, batch_size: usize) -> usize {
    let size = |n| NonZeroUsize::new(n).expect("every size here is above zero");
    let config =
        Config { workers: size(workers), batch_size: size(batch_size), batches_in_flight: size(4) };
    let (sum, _) = run(
        &config,
        0..N_SAMPLES,
        Slot::default,
        || (),
        |(), _, item, slot| {
            fill(black_box(item), slot);
            Ok::<_, ()>(())
        },
        |receiver| receiver.map(|it| black_box(&it.batch).len()).sum(),
    )
    .expect("a few threads");
    sum
}

fn overhead_per_sample(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("prefetch_{N_SAMPLES}_samples"));
    group.throughput(Throughput::Elements(N_SAMPLES as u64));
    for batch_size in [1, 32] {
        let batch = format!("batch_{batch_size}");
        group.bench_function(BenchmarkId::new("direct_loop", &batch), |bencher| {
            bencher.iter(|| direct_loop(batch_size));
        });
        for workers in [1, 2] {
            let id = BenchmarkId::new(format!("workers_{workers}"), &batch);
            group.bench_function(id, |bencher| bencher.iter(|| pipeline(workers, batch_size)));
        }
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    overhead_per_sample(&mut criterion);
    criterion.final_summary();
}
