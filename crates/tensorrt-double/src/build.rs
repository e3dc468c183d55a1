//! `IBuilder::buildSerializedNetwork`.
//!
//! What the vendor documents is modelled: which settings contradict each other, when a calibrator is asked and what for,
//! that a progress monitor can end the build. What kernels a real builder would choose is not.

mod calibrate;
mod check;
mod precision;
mod progress;

use std::collections::BTreeMap;
use std::ptr;

use tensorrt_sys::classes::IHostMemory;
use tensorrt_sys::enums::{BuilderFlag, DataType, DeviceType, Severity};

use self::calibrate::{Calibration, calibrate};
use self::progress::Progress;
use crate::builder::{Builder, bit};
use crate::config::Config;
use crate::context::Context;
use crate::digest::sha256;
use crate::layer::Layer;
use crate::memory::host_memory;
use crate::network::Network;
use crate::object::{Body, Handle};
use crate::plan::{LayerPlan, NetworkPlan, Plan, TensorPlan};

/// Why there is no plan.
pub(crate) enum Stop {
    /// What the log says.
    Failed(String),
    /// The progress monitor wanted it so.
    Cancelled,
}

/// A build under way.
pub(crate) struct Job<'a> {
    network: &'a Body<Network>,
    config: &'a Body<Config>,
}

impl Job<'_> {
    fn context(&self) -> &Context {
        self.config.context()
    }

    fn log(&self, severity: Severity, text: &str) {
        self.context().log(self.config.logger, severity, text);
    }

    /// Whether a flag is set.
    fn has(&self, flag: BuilderFlag) -> bool {
        self.config.settings.borrow().flags & bit(self.context().version(), flag) != 0
    }
}

/// The plan of a network, or null after the log has said why not.
pub(crate) fn build(
    builder: &Body<Builder>,
    network: &Body<Network>,
    config: &Body<Config>,
) -> *mut IHostMemory {
    let job = Job { network, config };
    let failed = |code, text: &str| {
        let text = format!("IBuilder::buildSerializedNetwork: Error Code {code}: {text}");
        builder.context().log(builder.logger, Severity::Error, &text);
        ptr::null_mut()
    };
    match plan(&job) {
        Ok(plan) => host_memory(builder.context(), plan.to_text().into_bytes()),
        Err(Stop::Failed(text)) => failed(4, &format!("Internal Error ({text})")),
        Err(Stop::Cancelled) => failed(10, "Internal Error (the progress monitor ended the build)"),
    }
}

fn plan(job: &Job<'_>) -> Result<Plan, Stop> {
    check::settings(job)?;
    check::profiles(job)?;
    let (inputs, outputs) = (&job.network.inputs.borrow(), &job.network.outputs.borrow());
    let text =
        format!("Detected {} inputs and {} output network tensors.", inputs.len(), outputs.len());
    job.log(Severity::Info, &text);
    let mut progress = Progress::start(job, "Building Engine", None, 3);
    progress.step()?;
    let Calibration { told, scales } = calibrate(job)?;
    std::thread::sleep(job.context().build_time());
    progress.step()?;

    let mut config = job.config.settings.borrow().to_plan(job.context());
    config.timing_cache_entries =
        job.config.timing_cache().map(|cache| cache.entries.borrow().len());
    config.calibration_profile = job.config.calibration_profile().map(|profile| profile.to_plan());
    let plan = Plan {
        tensorrt_double: Plan::FORM,
        version: job.context().version().raw(),
        network: network(job, &scales),
        config,
        profiles: job.config.profiles().iter().map(|profile| profile.to_plan()).collect(),
        calibration: told,
        scales,
    };
    time(job, &plan, &progress)?;
    progress.step()?;
    Ok(plan)
}

/// Times every layer, or finds the network in the timing cache.
fn time(job: &Job<'_>, plan: &Plan, progress: &Progress) -> Result<(), Stop> {
    let entry = serde_json::to_string(&(plan.version, &plan.network)).unwrap_or_default();
    let entry = sha256(entry.as_bytes());
    let cache = job.config.timing_cache().filter(|_| !job.has(BuilderFlag::DisableTimingCache));
    let known = cache.is_some_and(|cache| cache.entries.borrow().contains(&entry));
    if !known && job.has(BuilderFlag::ErrorOnTimingCacheMiss) {
        return Err(Stop::Failed("the timing cache has no entry for this network".to_owned()));
    }
    let n_layers = plan.network.layers.len();
    let mut timing = Progress::start(job, "Timing graph nodes", Some(progress), n_layers);
    for _ in 0..n_layers {
        timing.step()?;
    }
    drop(timing);
    if let Some(cache) = cache {
        cache.entries.borrow_mut().insert(entry);
    }
    Ok(())
}

fn network(job: &Job<'_>, scales: &BTreeMap<String, String>) -> NetworkPlan {
    let network = job.network;
    let context = job.context();
    let names = |tensors: &[std::rc::Rc<Handle<crate::tensor::Tensor>>]| {
        tensors.iter().map(|tensor| tensor.name()).collect::<Vec<_>>()
    };
    let tensors = network.tensors().into_iter().map(|tensor| TensorPlan {
        name: tensor.name(),
        data_type: context.name_of::<DataType>(tensor.data_type),
        dims: tensor.dims.borrow().clone(),
        dynamic_range: tensor.range.get(),
    });
    let runs_in = precision::of_layers(job, scales);
    let layers = network.layers.borrow();
    let layers = layers.iter().zip(runs_in).map(|(layer, runs_in)| layer_plan(job, layer, runs_in));
    NetworkPlan {
        name: network.name.borrow().to_string_lossy().into_owned(),
        strongly_typed: network.strongly_typed,
        inputs: names(&network.inputs.borrow()),
        outputs: names(&network.outputs.borrow()),
        tensors: tensors.collect(),
        layers: layers.collect(),
    }
}

fn layer_plan(job: &Job<'_>, layer: &Handle<Layer>, runs_in: DataType) -> LayerPlan {
    use tensorrt_sys::Enumeration;

    let context = job.context();
    let type_name = |raw| context.name_of::<DataType>(raw);
    let device = job.config.settings.borrow().device(layer.as_client());
    LayerPlan {
        name: layer.name.to_string_lossy().into_owned(),
        kind: layer.kind.vendor_name().to_owned(),
        inputs: layer.inputs.iter().map(|tensor| tensor.name()).collect(),
        outputs: layer.outputs.iter().map(|tensor| tensor.name()).collect(),
        weights: layer.weights.clone(),
        precision: layer.precision.get().map(type_name),
        output_types: layer.output_types.borrow().iter().map(|raw| raw.map(type_name)).collect(),
        device: device.map(|raw| context.name_of::<DeviceType>(raw)),
        runs_in: runs_in.vendor_name().to_owned(),
    }
}
