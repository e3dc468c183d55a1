//! Memory does not grow with the number of samples; alone in its process, because it looks at the process's peak.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

use std::path::Path;
use std::sync::Arc;

use calibrant_calibration::Histograms;
use calibrant_onnx::Model;
use calibrant_prefetch::Batch;
use calibrant_runtime::{Runtime as _, Sample, Settings, Source, SourceError, Wanted, What};
use calibrant_runtime_embedded::Embedded;
use calibrant_tensor::{Tensor, TensorData};

/// All of the process, with the model, a worker's activations and the statistics.
const LIMIT_MIB: u64 = 200;

/// What the allocator may round up within a run. A leak of nothing but each sample's input would be 27 MiB.
const SLACK_MIB: u64 = 8;

/// Samples before the first look at memory, and in all.
const FEW: usize = 32;
const MANY: usize = 80;

/// Samples that are made when they are asked for.
struct Made {
    positions: std::ops::Range<usize>,
    /// The peak when the first few had been given.
    peak_of_few: u64,
}

impl Source for Made {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        let Some(position) = self.positions.next() else { return Ok(None) };
        if position == FEW {
            self.peak_of_few = peak_mib();
        }
        let shape = vec![1, 3, 224, 224];
        let values = (0..shape.iter().product())
            .map(|index: usize| ((index * 7 + position) % 251) as f32 - 125.0);
        let tensor = Tensor::new(shape, TensorData::F32(values.collect())).unwrap();
        let sample =
            Sample { position, name: "made".into(), inputs: vec![(Arc::from("input"), tensor)] };
        Ok(Some(Batch::detached(vec![sample])))
    }
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn more_samples_take_no_more_memory() {
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models/squeezenet11_bgr.onnx");
    // One worker, because of two it depends on chance whether they are at their widest layers at once.
    let one = 1.try_into().unwrap();
    let settings = Settings { workers: one, samples_per_run: one, memory_bytes: LIMIT_MIB << 20 };
    let wanted = Wanted::all(What::Statistics(Histograms::Invariant));
    let mut network = Embedded.load(&Model::read(&model).unwrap(), &wanted, &settings).unwrap();
    let mut made = Made { positions: 0..MANY, peak_of_few: 0 };
    let seen = network.run(&mut made).unwrap().statistics;
    let (peak_of_few, peak_of_many) = (made.peak_of_few, peak_mib());
    assert_eq!(seen.samples, MANY as u64);
    assert!(peak_of_many < LIMIT_MIB, "{peak_of_many} MiB");
    assert!(peak_of_many <= peak_of_few + SLACK_MIB, "{peak_of_few} MiB, then {peak_of_many} MiB");
}
