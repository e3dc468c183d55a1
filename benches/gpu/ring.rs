//! How fast do batches reach the device, and does anything grow while they do?
//!
//! Runs the way of a calibration's batches without decoding and without TensorRT: workers stamp slots of pinned memory,
//! the bridge copies them into its ring, and a consumer takes each batch and looks at stamps through the device. Three
//! runs make each of the three stages the slowest in turn; beside them stands what bare copies of the same size reach
//! in the same process.
//!
//! One program, no other files: `cargo build --release -p benches --bin ring`, then carry `target/release/ring` to the
//! machine with the GPU. It leaves with 1 when a stamp is wrong, memory grew, or a bound was missed, and with 3 where
//! there is no GPU.

#![expect(unsafe_code, reason = "a driver is opened from the file that was named")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measures")]

mod stages;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use calibrant_cuda::{Device, Driver, upload_rate};
use clap::Parser;
use serde::Serialize;

use crate::stages::{Load, Outcome, Shape, run};

/// Pinned copies in the pipeline reach this part of what bare copies do.
const COPY_RATE_BOUND: f64 = 0.9;
/// The pipeline takes this much of what its slowest stage takes.
const PIPELINE_BOUND: f64 = 1.1;
/// Host memory that may come late: the threads' stacks and the driver's own buffers.
const GROWTH_BOUND_BYTES: u64 = 8 << 20;
/// How many bare copies the rate is taken from.
const BARE_COPIES: u32 = 200;

/// Feeds batches through the ring of a GPU, and says how fast and at what cost.
#[derive(Debug, Parser)]
#[command(name = "ring")]
struct Arguments {
    /// Batches of the longest run; the other two have a tenth
    #[arg(long, default_value = "10000")]
    batches: NonZeroUsize,
    /// Samples in a batch
    #[arg(long, default_value = "64")]
    batch_size: NonZeroUsize,
    /// 32-bit values in a sample
    #[arg(long, default_value = "150528")]
    values: NonZeroUsize,
    /// Threads that fill slots; all cores but four by default
    #[arg(long)]
    workers: Option<NonZeroUsize>,
    /// Batches of pinned memory
    #[arg(long, default_value = "4")]
    in_flight: NonZeroUsize,
    /// Batches of device memory
    #[arg(long, default_value = "3")]
    ring: NonZeroUsize,
    /// The GPU's number
    #[arg(long, default_value = "0")]
    device: u32,
    /// The CUDA driver's file, if not the system's
    #[arg(long)]
    driver: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// All that was measured.
#[derive(Debug, Serialize)]
struct Measured {
    device: String,
    cuda: String,
    cores: usize,
    workers: usize,
    batch_bytes: usize,
    bare_bytes_per_second: f64,
    runs: Vec<Outcome>,
    /// Free device memory before the first run and after the last, when all is dropped.
    device_free_bytes: [usize; 2],
    missed: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(measured) => {
            if arguments.json {
                println!("{}", serde_json::to_string_pretty(&measured).unwrap_or_default());
            } else {
                print(&measured);
            }
            ExitCode::from(u8::from(!measured.missed.is_empty()))
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Measured, Box<dyn std::error::Error>> {
    let driver = match &arguments.driver {
        // SAFETY: whoever names a driver answers for it.
        Some(path) => unsafe { Driver::load_from(path) }?,
        None => Driver::load()?,
    };
    let device = Device::with_driver(&driver, arguments.device)?;
    let cores = thread::available_parallelism()?;
    let spare = NonZeroUsize::new(cores.get().saturating_sub(4)).unwrap_or(NonZeroUsize::MIN);
    let shape = Shape {
        batch_size: arguments.batch_size,
        values: arguments.values,
        workers: arguments.workers.unwrap_or(spare),
        in_flight: arguments.in_flight,
        ring: arguments.ring,
    };
    let free_before = device.memory()?.free_bytes;
    let bare = upload_rate(&device, shape.batch_bytes(), BARE_COPIES)?;
    let copy_s = shape.batch_bytes() as f64 / bare;
    let tenth = arguments.batches.get().div_ceil(10);
    let loads = [
        Load { slowest: "copies", batches: arguments.batches.get(), work_s: 0.0, consume_s: 0.0 },
        Load { slowest: "workers", batches: tenth, work_s: 2.0 * copy_s, consume_s: 0.0 },
        Load { slowest: "consumer", batches: tenth, work_s: 0.0, consume_s: 2.0 * copy_s },
    ];
    let runs =
        loads.iter().map(|load| run(&device, &shape, load)).collect::<Result<Vec<_>, _>>()?;
    let mut measured = Measured {
        device: device.name().to_owned(),
        cuda: driver.version().to_string(),
        cores: cores.get(),
        workers: shape.workers.get(),
        batch_bytes: shape.batch_bytes(),
        bare_bytes_per_second: bare,
        runs,
        device_free_bytes: [free_before, device.memory()?.free_bytes],
        missed: Vec::new(),
    };
    measured.missed = missed(&measured);
    Ok(measured)
}

/// What is not as it should be.
fn missed(measured: &Measured) -> Vec<String> {
    let mut missed = Vec::new();
    for run in &measured.runs {
        let slowest = run.slowest;
        if run.wrong_stamps > 0 {
            missed.push(format!(
                "{slowest}: {} of {} stamps are wrong",
                run.wrong_stamps, run.stamps
            ));
        }
        if run.host_growth_bytes > GROWTH_BOUND_BYTES || run.device_growth_bytes > 0 {
            let (host, device) = (run.host_growth_bytes, run.device_growth_bytes);
            missed.push(format!(
                "{slowest}: grew by {host} bytes on the host, {device} on the device"
            ));
        }
        if run.over_slowest_stage > PIPELINE_BOUND {
            let times = run.over_slowest_stage;
            missed.push(format!("{slowest}: {times:.3} × the slowest stage, not {PIPELINE_BOUND}"));
        }
    }
    let part = measured.runs[0].copy_bytes_per_second / measured.bare_bytes_per_second;
    if part < COPY_RATE_BOUND {
        missed.push(format!("copies reach {part:.3} of bare copies, not {COPY_RATE_BOUND}"));
    }
    let [before, after] = measured.device_free_bytes;
    if after < before {
        missed.push(format!("{} bytes of device memory are gone", before - after));
    }
    missed
}

fn print(measured: &Measured) {
    let Measured { device, cuda, cores, workers, batch_bytes, .. } = measured;
    println!(
        "{device}, CUDA {cuda}, {cores} cores, {workers} workers, {batch_bytes} bytes a batch"
    );
    let bare = measured.bare_bytes_per_second;
    println!("bare copies  {:8.2} GB/s", bare / 1e9);
    println!(
        "{:<9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8} {:>9} {:>9}",
        "slowest",
        "batches",
        "total s",
        "work s",
        "copy s",
        "consume",
        "× slowest",
        "GB/s",
        "of bare",
        "host +B",
        "device +B"
    );
    for run in &measured.runs {
        println!(
            "{:<9} {:>8} {:>9.3} {:>9.3} {:>9.3} {:>9.3} {:>9.3} {:>8.2} {:>8.3} {:>9} {:>9}",
            run.slowest,
            run.batches,
            run.total_s,
            run.work_s,
            run.copy_s,
            run.consume_s,
            run.over_slowest_stage,
            run.copy_bytes_per_second / 1e9,
            run.copy_bytes_per_second / bare,
            run.host_growth_bytes,
            run.device_growth_bytes,
        );
    }
    let (stamps, [before, after]) = (&measured.runs, measured.device_free_bytes);
    let stamps: u64 = stamps.iter().map(|run| run.stamps).sum();
    println!("{stamps} stamps compared; free device memory {before} before, {after} after");
    for missed in &measured.missed {
        println!("missed: {missed}");
    }
    if measured.missed.is_empty() {
        println!("all bounds are kept");
    }
}
