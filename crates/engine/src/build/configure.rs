//! From the caller's settings to the builder's.

use std::ops::ControlFlow;
use std::sync::mpsc::SyncSender;

use calibrant_tensorrt::{
    Builder, BuilderFlag, Config, DeviceType, Enumeration, Error, Library, MemoryPoolType,
    ProgressMonitor, Turn,
};

use super::TensorSummary;
use super::job::Message;
use crate::error::BuildError;
use crate::int8::Int8Via;
use crate::options::{BuildOptions, Dla, LeanRuntime, Refit};
use crate::shapes::Profile;

/// A builder with what must be set before it makes anything.
pub(super) fn builder<'t>(
    library: &Library,
    turn: &'t Turn,
    options: &BuildOptions,
) -> Result<Builder<'t>, BuildError> {
    let mut builder = Builder::new(library, turn)?;
    if let Some(threads) = options.max_threads {
        builder.set_max_threads(threads)?;
    }
    for plugins in &options.plugins {
        builder.load_plugins(plugins)?;
    }
    if let Some(Dla { core, .. }) = options.dla {
        let count = builder.n_dla_cores()?;
        if usize::from(core) >= count {
            return Err(BuildError::DlaCore { core, count });
        }
    }
    Ok(builder)
}

/// Sets everything but types, ranges and shapes.
pub(super) fn config(config: &mut Config<'_>, options: &BuildOptions) -> Result<(), Error> {
    if let Some(bytes) = options.workspace_bytes {
        config.set_memory_pool_limit(MemoryPoolType::Workspace, bytes)?;
    }
    for limit in &options.pools {
        config.set_memory_pool_limit(limit.pool, limit.bytes)?;
    }
    if let Some(level) = options.optimization_level {
        config.set_optimization_level(level)?;
    }
    if let Some(iterations) = options.average_timing_iterations {
        config.set_average_timing_iterations(iterations.get())?;
    }
    if let Some(verbosity) = options.profiling_verbosity {
        config.set_profiling_verbosity(verbosity)?;
    }
    if !options.compute_capabilities.is_empty() {
        config.set_compute_capabilities(&options.compute_capabilities)?;
    }
    if let Some(level) = options.hardware_compatibility {
        config.set_hardware_compatibility(level)?;
    }
    match options.tf32 {
        Some(true) => config.set_flag(BuilderFlag::Tf32)?,
        Some(false) => config.clear_flag(BuilderFlag::Tf32)?,
        None => {}
    }
    set_flags(config, options)?;
    if let Some(dla) = options.dla {
        set_dla(config, dla)?;
    }
    if options.version_compatible.is_some() && !options.plugins.is_empty() {
        let plugins: Vec<_> = options.plugins.iter().map(AsRef::as_ref).collect();
        config.set_plugins_to_serialize(&plugins)?;
    }
    Ok(())
}

fn set_flags(config: &mut Config<'_>, options: &BuildOptions) -> Result<(), Error> {
    let lean = options.version_compatible;
    let flags = [
        (lean.is_some(), BuilderFlag::VersionCompatible),
        (lean == Some(LeanRuntime::Excluded), BuilderFlag::ExcludeLeanRuntime),
        (options.strip_plan, BuilderFlag::StripPlan),
        (options.refit == Some(Refit::Any), BuilderFlag::Refit),
        (options.refit == Some(Refit::Identical), BuilderFlag::RefitIdentical),
        (options.weight_streaming, BuilderFlag::WeightStreaming),
        (options.sparse_weights, BuilderFlag::SparseWeights),
    ];
    flags.into_iter().filter(|&(wanted, _)| wanted).try_for_each(|(_, flag)| config.set_flag(flag))
}

fn set_dla(config: &mut Config<'_>, dla: Dla) -> Result<(), Error> {
    config.set_default_device(DeviceType::Dla)?;
    config.set_dla_core(dla.core)?;
    if dla.gpu_fallback {
        config.set_flag(BuilderFlag::GpuFallback)?;
    }
    Ok(())
}

/// The flags that are set, by the vendor's names.
pub(super) fn flags(config: &Config<'_>) -> Result<Vec<&'static str>, Error> {
    let (bits, version) = (config.flags()?, config.library().version());
    let is_set = |flag: BuilderFlag| flag.to_raw(version).is_ok_and(|raw| bits >> raw & 1 == 1);
    let flags = BuilderFlag::ROWS.iter().filter(|&&(flag, ..)| is_set(flag));
    Ok(flags.map(|&(_, name, _)| name).collect())
}

/// Adds the profiles, and tells TensorRT which shapes to calibrate in, if it is to.
pub(super) fn add_profiles<'b>(
    builder: &'b Builder<'_>,
    config: &mut Config<'b>,
    inputs: &[TensorSummary],
    options: &BuildOptions,
    via: Int8Via,
) -> Result<(), Error> {
    let mut first = None;
    for profile in &options.profiles {
        let raw = raw_profile(builder, inputs, profile)?;
        config.add_profile(&raw)?;
        first.get_or_insert(raw);
    }
    let own = options.calibration_profile.as_ref();
    let own = own.map(|profile| raw_profile(builder, inputs, profile)).transpose()?;
    let is_dynamic = |input: &TensorSummary| input.dims.contains(&-1);
    match own.or(first) {
        Some(profile) if via == Int8Via::Calibrator && inputs.iter().any(is_dynamic) => {
            config.set_calibration_profile(&profile)
        }
        _ => Ok(()),
    }
}

fn raw_profile<'b>(
    builder: &'b Builder<'_>,
    inputs: &[TensorSummary],
    profile: &Profile,
) -> Result<calibrant_tensorrt::Profile<'b>, Error> {
    let signed = |shape: &[u64]| -> Result<Vec<i64>, Error> {
        let size = |&size: &u64| i64::try_from(size);
        shape.iter().map(size).collect::<Result<_, _>>().map_err(|_| Error::Shape(Vec::new()))
    };
    let mut raw = builder.create_profile()?;
    for range in &profile.ranges {
        // A range for an input of fixed shape says nothing new.
        if inputs.iter().any(|input| input.name == range.input && input.dims.contains(&-1)) {
            let [min, opt, max] = [&range.min, &range.opt, &range.max].map(|shape| signed(shape));
            raw.set_shapes(&range.input, &min?, &opt?, &max?)?;
        }
    }
    Ok(raw)
}

/// Lets the build report its progress, where this TensorRT can.
pub(super) fn watch(
    config: &mut Config<'_>,
    sender: &SyncSender<Message>,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let sender = sender.clone();
    let monitor = ProgressMonitor::new(config.library(), move |progress| {
        match sender.send(Message::Progress(progress)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_nobody_listens) => ControlFlow::Break(()),
        }
    });
    match monitor.and_then(|monitor| config.set_progress_monitor(monitor)) {
        Err(Error::MissingMethod(missing)) => {
            warnings.push(format!("no progress, and no way to cancel: {missing}"));
            Ok(())
        }
        outcome => outcome,
    }
}
