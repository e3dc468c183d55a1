//! Scales: from dynamic ranges, from a calibration cache, or from the calibrator's batches.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::ptr::NonNull;
use std::rc::Rc;

use tensorrt_sys::Enumeration;
use tensorrt_sys::classes::IInt8Calibrator;
use tensorrt_sys::enums::{BuilderFlag, CalibrationAlgoType, DataType, LayerType, Severity};

use super::{Job, Stop};
use crate::client::Client;
use crate::device::Memory;
use crate::digest::sha256;
use crate::object::Handle;
use crate::plan::CalibrationPlan;
use crate::tensor::Tensor;

/// The scales that a build works with, and how the calibrator was asked for them.
pub(super) struct Calibration {
    pub(super) told: Option<CalibrationPlan>,
    /// The scale of a tensor, as the digits of a cache.
    pub(super) scales: BTreeMap<String, String>,
}

/// The largest number of an 8-bit tensor.
const LEVELS: f32 = 127.0;

/// Finds the scales of a weakly typed network with INT8; every other network has none to be found.
pub(super) fn calibrate(job: &Job<'_>) -> Result<Calibration, Stop> {
    let none = Calibration { told: None, scales: BTreeMap::new() };
    if job.network.strongly_typed || !job.has(BuilderFlag::Int8) {
        return Ok(none);
    }
    let explicit = job
        .network
        .layers
        .borrow()
        .iter()
        .any(|layer| matches!(layer.kind, LayerType::Quantize | LayerType::Dequantize));
    let calibrator = NonNull::new(job.config.calibrator.get());
    if explicit {
        if calibrator.is_some() {
            let text = "Calibrator won't be used in explicit quantization mode.";
            job.log(Severity::Warning, text);
        }
        return Ok(none);
    }
    let tensors = quantizable(job);
    let ranges = tensors.iter().filter_map(|tensor| {
        let [_, max] = tensor.range.get()?;
        Some((tensor.name(), digits(max / LEVELS)))
    });
    let ranges: BTreeMap<String, String> = ranges.collect();
    let missing = tensors.len() > ranges.len();
    let (told, mut scales) = match calibrator {
        Some(calibrator) if missing => {
            let calibrator = Client::new(calibrator, job.context().version());
            let (told, scales) = ask(job, &calibrator, &tensors)?;
            (Some(told), scales)
        }
        _ => {
            job.log(Severity::Warning, "Calibrator is not being used. Users must provide dynamic range for all tensors that are not Int32 or Bool.");
            (None, BTreeMap::new())
        }
    };
    // What the application says of a tensor counts for more than what was measured.
    scales.extend(ranges);
    if scales.is_empty() {
        return Err(no_scales());
    }
    for tensor in tensors.iter().filter(|tensor| !scales.contains_key(&tensor.name())) {
        let text = format!(
            "Missing scale and zero-point for tensor {}, expect fall back to non-int8 implementation for any layer \
             consuming or producing given tensor",
            tensor.name()
        );
        job.log(Severity::Warning, &text);
    }
    Ok(Calibration { told, scales })
}

fn no_scales() -> Stop {
    Stop::Failed(
        "Calibration failure occurred with no scaling factors detected. This could be due to no int8 calibrator or \
         insufficient custom scales for network layers."
            .to_owned(),
    )
}

/// The tensors that a scale makes sense for.
fn quantizable(job: &Job<'_>) -> Vec<Rc<Handle<Tensor>>> {
    let version = job.context().version();
    let floats = [DataType::Float, DataType::Half, DataType::Bf16];
    let mut tensors = job.network.tensors();
    tensors.retain(|tensor| {
        DataType::from_raw(version, tensor.data_type).is_some_and(|found| floats.contains(&found))
    });
    tensors
}

/// A scale as the digits of a cache: the bits of the float, without leading zeros.
fn digits(scale: f32) -> String {
    format!("{:x}", scale.to_bits())
}

/// What the calibrator says, and the scales that come of it.
type Asked = (CalibrationPlan, BTreeMap<String, String>);

fn ask(
    job: &Job<'_>,
    calibrator: &Client<IInt8Calibrator>,
    tensors: &[Rc<Handle<Tensor>>],
) -> Result<Asked, Stop> {
    let interface = calibrator.interface();
    let raw = calibrator.algorithm();
    let Some(algorithm) = CalibrationAlgoType::from_raw(job.context().version(), raw) else {
        return Err(Stop::Failed(format!("the calibrator's algorithm has the number {raw}")));
    };
    let mut told = CalibrationPlan {
        algorithm: algorithm.vendor_name().to_owned(),
        interface,
        legacy: None,
        batch_size: None,
        batches: Vec::new(),
        cache: Vec::new(),
        cache_was_read: false,
    };
    if algorithm == CalibrationAlgoType::LegacyCalibration {
        let legacy = calibrator.legacy();
        told.legacy = Some([legacy.quantile(), legacy.regression_cutoff()]);
        if let Some(histograms) = legacy.read_histograms() {
            job.context().note(format!("histograms of {} bytes", histograms.len()));
        }
    }
    let header = format!("TRT-{}-{}", job.context().version().raw(), cache_word(algorithm));
    if let Some(cache) = calibrator.read_cache() {
        job.log(
            Severity::Info,
            &format!("Reading calibration cache for calibrator: {}", cache_word(algorithm)),
        );
        if let Some(lines) = fitting(job, &cache, &header) {
            let scales = scales_of(&lines)?;
            job.log(Severity::Info, "Generated calibration scales using calibration cache. Make sure that calibration cache has latest scales.");
            told.cache = lines;
            told.cache_was_read = true;
            return Ok((told, scales));
        }
    }
    job.log(Severity::Info, "Starting Calibration.");
    let scales = collect(job, calibrator, tensors, &mut told)?;
    if algorithm == CalibrationAlgoType::LegacyCalibration {
        calibrator.legacy().write_histograms(format!("{header}\n").as_bytes());
    }
    told.cache = std::iter::once(header)
        .chain(scales.iter().map(|(name, scale)| format!("{name}: {scale}")))
        .chain(job.context().cache_line().map(str::to_owned))
        .collect();
    job.log(
        Severity::Info,
        &format!("Writing Calibration Cache for calibrator: {}", told.cache[0]),
    );
    calibrator.write_cache((told.cache.join("\n") + "\n").as_bytes());
    Ok((told, scales.into_iter().collect()))
}

/// What the first line of a cache calls an algorithm.
fn cache_word(algorithm: CalibrationAlgoType) -> &'static str {
    match algorithm {
        CalibrationAlgoType::EntropyCalibration => "EntropyCalibration",
        CalibrationAlgoType::EntropyCalibration2 => "EntropyCalibration2",
        CalibrationAlgoType::MinmaxCalibration => "MinMaxCalibration",
        _ => "LegacyCalibration",
    }
}

/// The lines of a cache that this very TensorRT wrote for the same algorithm.
fn fitting(job: &Job<'_>, cache: &[u8], header: &str) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(cache);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let found = lines.first().map_or("", String::as_str);
    if found == header {
        return Some(lines);
    }
    let text = format!(
        "Calibration table does not match calibrator algorithm type: it begins with {found:?}, not {header:?}."
    );
    job.log(Severity::Warning, &text);
    None
}

/// The scales of a cache's lines.
fn scales_of(lines: &[String]) -> Result<BTreeMap<String, String>, Stop> {
    let entries = lines.iter().skip(1).filter(|line| !line.is_empty()).map(|line| {
        let entry =
            line.rsplit_once(": ").filter(|(_, scale)| u32::from_str_radix(scale, 16).is_ok());
        let (name, scale) = entry
            .ok_or_else(|| Stop::Failed(format!("the calibration cache has the line {line:?}")))?;
        Ok((name.to_owned(), scale.to_owned()))
    });
    entries.collect()
}

/// Takes batches until there are none; returns the scales in the order of the tensors.
fn collect(
    job: &Job<'_>,
    calibrator: &Client<IInt8Calibrator>,
    tensors: &[Rc<Handle<Tensor>>],
    told: &mut CalibrationPlan,
) -> Result<Vec<(String, String)>, Stop> {
    told.batch_size = Some(calibrator.batch_size());
    let inputs = job.network.inputs.borrow().clone();
    let sizes = input_bytes(job, &inputs)?;
    let names: Vec<&CStr> = inputs.iter().map(|input| input.name.as_c_str()).collect();
    let memory = Memory::new(job.context());
    let mut amax = vec![0.0_f32; inputs.len()];
    while let Some(addresses) = calibrator.batch(&names) {
        let mut digests = BTreeMap::new();
        for (at, (input, &address)) in inputs.iter().zip(&addresses).enumerate() {
            let name = input.name();
            let bytes = memory
                .read(address, sizes[at])
                .map_err(|why| Stop::Failed(format!("the batch of input {name}: {why}")))?;
            amax[at] = amax[at].max(largest(job, input, &bytes));
            digests.insert(name, sha256(&bytes));
        }
        told.batches.push(digests);
        let number = told.batches.len() - 1;
        job.log(Severity::Info, &format!("  Calibrated batch {number} in 0 seconds."));
    }
    if told.batches.is_empty() {
        return Err(no_scales());
    }
    let scale = |(at, tensor): (usize, &Rc<Handle<Tensor>>)| {
        let input = inputs.iter().position(|input| input.as_client() == tensor.as_client());
        let amax = input.map_or_else(|| made_up_amax(at), |input| amax[input]);
        if amax > 0.0 {
            return Ok((tensor.name(), digits(amax / LEVELS)));
        }
        let text =
            format!("Tensor {} is uniformly zero; network calibration failed.", tensor.name());
        Err(Stop::Failed(text))
    };
    tensors.iter().enumerate().map(scale).collect()
}

/// The largest absolute value of a tensor that is not computed here: foreseeable, and different for each of a few.
fn made_up_amax(place: usize) -> f32 {
    f32::from(u16::try_from(place % 1024).unwrap_or(0) + 1) / 8.0
}

/// How many bytes a batch of each input has.
fn input_bytes(job: &Job<'_>, inputs: &[Rc<Handle<Tensor>>]) -> Result<Vec<usize>, Stop> {
    let profile = match job.config.calibration_profile() {
        Some(profile) => Some(profile.to_plan()),
        None => job.config.profiles().first().map(|profile| {
            job.log(
                Severity::Warning,
                "Calibration Profile is not defined. Calibrating with Profile 0",
            );
            profile.to_plan()
        }),
    };
    let bytes = |input: &Rc<Handle<Tensor>>| {
        let name = input.name();
        let dims = input.dims.borrow().clone();
        let shape = profile.as_ref().and_then(|shapes| shapes.get(&name));
        let shape = shape.map(|shapes| shapes.opt.clone()).or(dims);
        let fixed = shape.filter(|shape| shape.iter().all(|&size| size >= 0));
        let shape = fixed.ok_or_else(|| {
            Stop::Failed(format!("the calibration profile has no shapes for {name}"))
        })?;
        let n_elements = shape.iter().try_fold(element_bytes(job, input), |n, &size| {
            n.checked_mul(usize::try_from(size).ok()?)
        });
        n_elements.ok_or_else(|| Stop::Failed(format!("{name} has too many elements")))
    };
    inputs.iter().map(bytes).collect()
}

/// How many bytes an element of a tensor has.
fn element_bytes(job: &Job<'_>, tensor: &Tensor) -> usize {
    match DataType::from_raw(job.context().version(), tensor.data_type) {
        Some(DataType::Int64) => 8,
        Some(DataType::Half | DataType::Bf16) => 2,
        Some(DataType::Int8 | DataType::Uint8 | DataType::Bool | DataType::Fp8) => 1,
        _ => 4,
    }
}

/// The largest absolute value of a tensor's bytes; 0 for types that take no scale.
fn largest(job: &Job<'_>, tensor: &Tensor, bytes: &[u8]) -> f32 {
    match DataType::from_raw(job.context().version(), tensor.data_type) {
        Some(DataType::Float) => amax_of(bytes, f32::from_le_bytes),
        Some(DataType::Half) => amax_of(bytes, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
        Some(DataType::Bf16) => amax_of(bytes, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
        _ => 0.0,
    }
}

/// The largest absolute value of numbers of `N` bytes each.
fn amax_of<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> f32 {
    bytes.as_chunks().0.iter().fold(0.0, |amax, &bytes| number(bytes).abs().max(amax))
}
