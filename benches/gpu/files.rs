//! How fast do JPEG files become batches of tensors on the device, and are they the right ones?
//!
//! Runs the way of a calibration's batches without TensorRT: workers read files out of the page cache and prepare them,
//! the bridge brings them to the device, and a consumer takes each batch and lets it go. Beside the rate stand the times
//! of the stages, the device's by its own events, and what bare copies of the same size reach in the same process.
//!
//! One program, no other files: `cargo build --release -p benches --bin files`, then carry `target/release/files` and
//! a folder of JPEG files to the machine with the GPU. `benches/peers/make_photos.py` makes the folder. It leaves with 1
//! when a tensor is wrong or a bound was missed, and with 3 where there is no GPU.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measures")]

mod compare;
mod feeding;

use std::error::Error;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use calibrant_cuda::{Device, upload_rate};
use calibrant_decode_cuda::{JpegWay, PictureDecoder};
use calibrant_preprocess::{Filter, Pipeline, Settings};
use clap::{Parser, ValueEnum};
use serde::Serialize;

use crate::compare::Differences;
use crate::feeding::{Outcome, Shape};

/// The pipeline takes this much of what its slowest stage takes.
const PIPELINE_BOUND: f64 = 1.05;
/// Pinned copies in the pipeline reach this part of what bare copies do.
const COPY_RATE_BOUND: f64 = 0.9;
/// How many bare copies the rate is taken from.
const BARE_COPIES: u32 = 50;

/// Brings a folder of JPEG files to the device as batches of tensors, and says how fast.
#[derive(Debug, Parser)]
#[command(name = "files")]
struct Arguments {
    /// Folder of JPEG files
    folder: PathBuf,
    /// What decodes
    #[arg(long, value_enum, default_value = "cpu")]
    decode: Decode,
    /// Samples in a batch
    #[arg(long, default_value = "256")]
    batch_size: NonZeroUsize,
    /// Threads that read and decode; all cores by default
    #[arg(long)]
    workers: Option<NonZeroUsize>,
    /// Batches of pinned memory
    #[arg(long, default_value = "4")]
    in_flight: NonZeroUsize,
    /// Batches of device memory
    #[arg(long, default_value = "3")]
    ring: NonZeroUsize,
    /// How often the folder is gone through
    #[arg(long, default_value = "10")]
    passes: usize,
    /// The preprocessing
    #[arg(long, default_value = "imagenet")]
    preset: String,
    /// Another filter than the preset's
    #[arg(long)]
    filter: Option<Filter>,
    /// Compares so many files' tensors with the processor's
    #[arg(long, default_value = "0")]
    check: usize,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// What decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Decode {
    /// The processor, everything.
    Cpu,
    /// nvJPEG.
    Cuda,
    /// Our own entropy decoder and the device.
    CudaExact,
}

impl Decode {
    fn way(self) -> Option<JpegWay> {
        match self {
            Self::Cpu => None,
            Self::Cuda => Some(JpegWay::Nvjpeg),
            Self::CudaExact => Some(JpegWay::Exact),
        }
    }
}

/// All that was measured.
#[derive(Debug, Serialize)]
struct Measured {
    device: String,
    cores: usize,
    workers: usize,
    files: usize,
    file_bytes: u64,
    tensors_of: String,
    outcome: Outcome,
    bare_bytes_per_second: f64,
    differences: Option<Differences>,
    missed: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(measured) => {
            if arguments.json {
                println!("{}", serde_json::to_string_pretty(&measured).unwrap_or_default());
            } else {
                print(&measured, arguments.decode);
            }
            ExitCode::from(u8::from(!measured.missed.is_empty()))
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Measured, Box<dyn Error>> {
    let device = Device::open(0)?;
    let files = files(&arguments.folder)?;
    let settings = Settings { filter: arguments.filter, ..Settings::preset(&arguments.preset) };
    let recipe = settings.recipe()?;
    let pipeline = recipe.compile()?;
    let decoder = match arguments.decode.way() {
        Some(way) => {
            Some(PictureDecoder::open(&device, &pipeline, way, &mut || ControlFlow::Continue(()))?)
        }
        None => None,
    };
    let cores = thread::available_parallelism()?;
    let shape = Shape {
        batch_size: arguments.batch_size,
        workers: arguments.workers.unwrap_or(cores),
        in_flight: arguments.in_flight,
        ring: arguments.ring,
    };
    let run = |passes| feeding::run(&device, &pipeline, decoder.as_ref(), &files, passes, &shape);
    // The first pass brings the files into the page cache, and clocks up.
    run(1)?;
    let outcome = run(arguments.passes)?;
    let batch_bytes = usize::try_from(outcome.copied_bytes / outcome.batches.max(1))?;
    let bare_bytes_per_second = upload_rate(&device, batch_bytes.max(1), BARE_COPIES)?;
    let differences = match (arguments.decode.way(), arguments.check) {
        (None, _) | (_, 0) => None,
        (Some(way), check) => Some(compare::run(&device, &recipe, way, &files, check)?),
    };
    let mut measured = Measured {
        device: device.name().to_owned(),
        cores: cores.get(),
        workers: shape.workers.get(),
        files: files.len(),
        file_bytes: files.iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum(),
        tensors_of: described(&pipeline, decoder.as_ref()),
        outcome,
        bare_bytes_per_second,
        differences,
        missed: Vec::new(),
    };
    measured.missed = missed(&measured, arguments.decode);
    Ok(measured)
}

fn described(pipeline: &Pipeline, decoder: Option<&PictureDecoder>) -> String {
    use calibrant_preprocess::Preprocess as _;
    decoder.map_or_else(|| pipeline.describe(), PictureDecoder::describe)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("jpg")) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What is not as it should be.
fn missed(measured: &Measured, decode: Decode) -> Vec<String> {
    let mut missed = Vec::new();
    let Measured { outcome, differences, bare_bytes_per_second, .. } = measured;
    if outcome.over_slowest_stage > PIPELINE_BOUND {
        let times = outcome.over_slowest_stage;
        missed.push(format!("{times:.3} × the slowest stage, not {PIPELINE_BOUND}"));
    }
    let part = outcome.copy_bytes_per_second / bare_bytes_per_second;
    // What nvJPEG fetches itself is no copy of ours.
    if decode != Decode::Cuda && part < COPY_RATE_BOUND {
        missed.push(format!("copies reach {part:.3} of bare copies, not {COPY_RATE_BOUND}"));
    }
    if decode == Decode::CudaExact
        && let Some(differences) = differences
        && differences.values != differences.equal
    {
        missed.push(format!("{} values differ", differences.values - differences.equal));
    }
    missed
}

fn print(measured: &Measured, decode: Decode) {
    let Measured { device, cores, workers, files, file_bytes, outcome, .. } = measured;
    let Outcome { images, batches, total_s, work_s, copy_s, compute_s, consume_s, .. } = outcome;
    println!(
        "{decode:?} on {device}: {cores} cores, {workers} workers, {files} files of {} bytes",
        *file_bytes / (*files).max(1) as u64
    );
    println!("{:.0} images/s: {images} images in {total_s:.3} s", outcome.images_per_second);
    println!(
        "stages  workers {work_s:.3} s  copies {copy_s:.3} s  device {compute_s:.3} s  consumer {consume_s:.3} s  \
         ({batches} batches; {:.3} × the slowest)",
        outcome.over_slowest_stage
    );
    println!(
        "workers waited {:.3} s for room and {:.3} s for files",
        outcome.waiting_for_room_s, outcome.waiting_for_input_s
    );
    let (rate, bare) = (outcome.copy_bytes_per_second, measured.bare_bytes_per_second);
    println!(
        "copies  {:.2} GB/s of {:.2} GB/s bare: {:.3}; {} bytes an image",
        rate / 1e9,
        bare / 1e9,
        rate / bare,
        outcome.copied_bytes / (*images).max(1)
    );
    if let Some(Differences { files, values, equal, mean, most, histogram }) = &measured.differences
    {
        println!(
            "{files} tensors: {equal} of {values} values equal, mean {mean:.5}, most {most} levels"
        );
        println!("values by levels of difference: {histogram:?}");
    }
    for missed in &measured.missed {
        println!("missed: {missed}");
    }
}
