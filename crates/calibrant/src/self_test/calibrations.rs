//! Calibration inside the builder, and the other ways for ranges to reach it.

use calibrant_calibration::{Algorithm, Cache, Method};
use calibrant_cuda::Device;
use calibrant_engine::Int8;

use super::builds::{Builds, causes};
use super::network::{BATCHES, INPUT, Ours};
use super::probe::{Probe, problems, problems_with_cache};
use crate::error::Error;

/// The calibrators to try, and the method of ours that each is compared with.
const CALIBRATORS: [(Algorithm, Method); 2] = [
    (Algorithm::MinMaxCalibration, Method::MinMax),
    (Algorithm::EntropyCalibration2, Method::TensorrtFaithful),
];

/// How far a scale may be from ours and count as the same: TensorRT computes activations in TF32 where it may.
const TOLERANCE: f32 = 0.01;

/// Calibrates with each calibrator, with its cache again, and with ranges that are known.
pub(super) fn check(builds: &mut Builds<'_>, device: &Device, ours: &Ours) -> Result<(), Error> {
    for (algorithm, method) in CALIBRATORS {
        if let Some(cache) = calibrate(builds, device, algorithm)? {
            compare(builds, ours, &cache, algorithm, method);
            read_again(builds, device, cache, algorithm)?;
        }
    }
    let onnx = builds.network.path("plain.onnx");
    let ranges = ours.ranges();
    let built = builds.build(&onnx, &builds.options(), Int8::Ranges { ranges: &ranges })?;
    builds.say("INT8 by dynamic ranges", built);
    let algorithm = Algorithm::EntropyCalibration2;
    let built =
        builds.build(&onnx, &builds.options(), Int8::Cache { ranges: &ranges, algorithm })?;
    builds.say("INT8 by a cache of ours", built);
    Ok(())
}

/// Calibrates, and returns the cache that TensorRT wrote.
fn calibrate(
    builds: &mut Builds<'_>,
    device: &Device,
    algorithm: Algorithm,
) -> Result<Option<Vec<u8>>, Error> {
    let name = algorithm.name();
    let Some(mut probe) = probe(builds, device, None, name) else { return Ok(None) };
    let onnx = builds.network.path("plain.onnx");
    let int8 = Int8::Calibrator { calibrator: &mut probe, algorithm };
    let built = builds.build(&onnx, &builds.options(), int8)?;
    builds.say(&format!("INT8 by {name}"), built);
    builds
        .verdict
        .judge(format!("{name} asks as documented"), problems(&probe.calls, INPUT, BATCHES));
    Ok(probe.cache)
}

/// A probe with the network's batches; without one, the verdict says why.
fn probe(
    builds: &mut Builds<'_>,
    device: &Device,
    offered: Option<Vec<u8>>,
    name: &str,
) -> Option<Probe> {
    match Probe::new(device, &builds.network.batches(), offered) {
        Ok(probe) => Some(probe),
        Err(error) => {
            builds.verdict.failed(format!("{name} has its batches on the GPU"), causes(&error));
            None
        }
    }
}

/// Builds again with the cache that TensorRT has just written.
fn read_again(
    builds: &mut Builds<'_>,
    device: &Device,
    cache: Vec<u8>,
    algorithm: Algorithm,
) -> Result<(), Error> {
    let name = algorithm.name();
    let Some(mut probe) = probe(builds, device, Some(cache), name) else { return Ok(()) };
    let onnx = builds.network.path("plain.onnx");
    let int8 = Int8::Calibrator { calibrator: &mut probe, algorithm };
    let built = builds.build(&onnx, &builds.options(), int8)?;
    builds.say(&format!("INT8 by the cache of {name}"), built);
    builds.verdict.judge(format!("{name} takes its own cache"), problems_with_cache(&probe.calls));
    Ok(())
}

/// Compares TensorRT's scales with ours.
fn compare(
    builds: &mut Builds<'_>,
    ours: &Ours,
    cache: &[u8],
    algorithm: Algorithm,
    method: Method,
) {
    let name = algorithm.name();
    let parsed = String::from_utf8_lossy(cache).parse::<Cache>();
    let cache = match parsed {
        Ok(cache) => cache,
        Err(error) => {
            builds.verdict.failed(format!("the cache of {name} is readable"), causes(&error));
            return;
        }
    };
    let header = (i64::from(cache.version()), cache.algorithm().name());
    let expected = (i64::from(builds.library.version().raw()), name);
    let wrong = (header != expected)
        .then(|| format!("it is of {} {}, not {} {}", header.0, header.1, expected.0, expected.1));
    builds
        .verdict
        .judge(format!("the cache of {name} says whose it is"), wrong.into_iter().collect());
    let (lines, differing) = compared(&cache, ours, method);
    let title = format!("scales of {name} beside ours by {method}");
    match differing.as_slice() {
        [] => builds.verdict.passed(title, lines),
        // No arithmetic lies before the input: its largest value is what it is.
        names if method == Method::MinMax && names.iter().any(|tensor| tensor == INPUT) => {
            builds.verdict.failed(title, lines);
        }
        _ => builds.verdict.noted(title, lines),
    }
}

/// A line for each tensor of the cache, and the tensors whose scales differ from ours.
fn compared(cache: &Cache, ours: &Ours, method: Method) -> (Vec<String>, Vec<String>) {
    let mut differing = Vec::new();
    let line = |(tensor, theirs): &(String, f32)| {
        let hex = |scale: f32| format!("{:x}", scale.to_bits());
        let Some(own) = ours.scale(tensor, method) else {
            return format!("{tensor}: {} (ours has none)", hex(*theirs));
        };
        let off = (theirs / own - 1.0).abs();
        if off.is_nan() || off > TOLERANCE {
            differing.push(tensor.clone());
        }
        format!(
            "{tensor}: {} ours {} ({:+.2} %)",
            hex(*theirs),
            hex(own),
            100.0 * (theirs / own - 1.0)
        )
    };
    let lines = cache.entries().iter().map(line).collect();
    (lines, differing)
}
