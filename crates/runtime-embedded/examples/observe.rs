//! Prints what the embedded runtime sees of each tensor.
//!
//! `observe MODEL ARRAYS [WORKERS [TIMES]]`, where ARRAYS is an `.npz` of the model's inputs, a folder of
//! `<input>.npy`, or one such file, the first axis counting samples; they are run TIMES times over.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what an example prints is what it is for"
)]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use calibrant_calibration::Histograms;
use calibrant_dataset::{Content, Dataset, ReadBuffer};
use calibrant_onnx::Model;
use calibrant_prefetch::Batch;
use calibrant_runtime::{Runtime as _, Sample, Settings, Source, SourceError, Wanted, What};
use calibrant_runtime_embedded::Embedded;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, arrays, rest @ ..] = arguments.as_slice() else {
        return Err("usage: observe MODEL ARRAYS [WORKERS [TIMES]]".into());
    };
    let workers = rest.first().map_or(Ok(1), |text| text.parse())?.try_into()?;
    let times: usize = rest.get(1).map_or(Ok(1), |text| text.parse())?;

    let settings = Settings { workers, samples_per_run: 1.try_into()?, memory_bytes: 8 << 30 };
    let wanted = Wanted::all(What::Statistics(Histograms::Invariant));
    let mut network = Embedded.load(&Model::read(Path::new(model))?, &wanted, &settings)?;
    let dataset = Dataset::tensors(Path::new(arrays))?;
    let n_samples = dataset.samples().len() * times;
    let mut rows = Rows { dataset, positions: 0..n_samples };
    let start = Instant::now();
    let statistics = network.run(&mut rows)?.statistics;
    let elapsed_ms = start.elapsed().as_secs_f64() * 1e3 / statistics.samples as f64;

    for (name, seen) in &statistics.tensors {
        println!("{name}\t{}\t{}\t{}", seen.minimum(), seen.maximum(), seen.count());
    }
    eprintln!("{} samples, {elapsed_ms:.1} ms each", statistics.samples);
    Ok(())
}

/// Rows of arrays, one a batch, read when they are asked for.
struct Rows {
    dataset: Dataset,
    positions: std::ops::Range<usize>,
}

impl Source for Rows {
    fn next_batch(&mut self) -> Result<Option<Batch<Sample>>, SourceError> {
        let Some(position) = self.positions.next() else { return Ok(None) };
        let samples = self.dataset.samples();
        let row = &samples[position % samples.len()];
        let mut buffer = ReadBuffer::default();
        let content = row.read(&mut buffer);
        let content =
            content.map_err(|error| SourceError::bad_sample(position, row.shared_name(), error))?;
        let Content::Tensors(tensors) = content else {
            return Err(SourceError::other("the arrays are no arrays"));
        };
        let inputs = std::mem::take(tensors);
        Ok(Some(Batch::detached(vec![Sample { position, name: row.shared_name(), inputs }])))
    }
}
