//! The safe layer, told what the witness is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use calibrant_cuda::Device;
use calibrant_tensorrt::{
    Builder, BuilderFlag, Config, DataType, DeviceType, Error, HardwareCompatibilityLevel,
    HostMemory, Library, MemoryPoolType, NetworkTyping, Parser, Profile, ProfilingVerbosity,
    Progress, ProgressMonitor, QuantizationFlag, Runtime, Turn,
};
use tensorrt_double::Installed;

use crate::calibrator::Batches;
use crate::case::{Case, Shapes, named};

/// Drives the double, and writes what the witness writes.
pub(crate) fn run(case: &Case, double: &Installed, output: &Path) {
    let library = Library::open(&double.library, &double.parser).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(output.join(name), bytes).unwrap();
    let lines = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&lines);
    let _subscription =
        library.subscribe(move |_, text| *log.lock().unwrap() += &format!("{text}\n"));
    let turn = Turn::take();
    let builder = Builder::new(&library, &turn).unwrap();
    let typing = if case.strongly_typed { NetworkTyping::Strong } else { NetworkTyping::Weak };
    let model = fs::read(case.model_path()).unwrap();
    let mut parser = Parser::new(builder.create_network(typing).unwrap()).unwrap();
    if parser.parse_bytes(&model).is_err() {
        return write("errors", errors(&parser).as_bytes());
    }
    tell_network(case, &parser);
    let file = double.driver.as_ref().unwrap();
    // SAFETY: the double's driver does as CUDA's reference says.
    let driver = unsafe { calibrant_cuda::Driver::load_from(file) }.unwrap();
    let device = Device::with_driver(&driver, 0).unwrap();
    let mut cache = None;
    let mut last = None;
    for build in 0..case.builds.unwrap_or(1) {
        let events = Arc::new(Mutex::new(String::new()));
        let mut config = tell_config(case, &builder, &parser, &events);
        let (plan, written) =
            build_once(case, &builder, &mut parser, &mut config, &device, cache.take());
        let plan = match plan {
            Ok(plan) => plan,
            Err(Error::Null { .. }) => return write("log", lines.lock().unwrap().as_bytes()),
            Err(error) => panic!("{}: {error}", case.name),
        };
        write(&format!("engine-{build}"), plan.as_bytes());
        if case.calibrator.is_some() {
            write(&format!("cache-{build}"), written.as_deref().unwrap_or_default());
            cache = written;
        }
        if case.progress {
            write(&format!("progress-{build}"), events.lock().unwrap().as_bytes());
        }
        if let Some(cache) = config.timing_cache() {
            write(&format!("timing-{build}"), cache.serialize().unwrap().as_bytes());
        }
        last = Some(plan);
    }
    inspect(&library, last.unwrap().as_bytes(), &write);
}

type Built = (Result<HostMemory, Error>, Option<Vec<u8>>);

/// The plan, and the calibration cache that was written.
fn build_once(
    case: &Case,
    builder: &Builder<'_>,
    parser: &mut Parser<'_>,
    config: &mut Config<'_>,
    device: &Device,
    cache: Option<Vec<u8>>,
) -> Built {
    let Some(told) = &case.calibrator else {
        return (builder.build(parser.network_mut(), config), None);
    };
    let shapes = batch_shapes(case, parser);
    let mut batches = Batches::new(told.clone(), device, shapes, cache);
    let algorithm = batches.algorithm();
    let plan = builder.build_calibrated(parser.network_mut(), config, algorithm, &mut batches);
    (plan, batches.written)
}

fn errors(parser: &Parser<'_>) -> String {
    let mut text = String::new();
    for error in parser.errors().unwrap() {
        let (code, node) = (error.code.trim_start_matches('k'), error.node.unwrap());
        let _ = writeln!(text, "{code} {node} {}", error.description);
    }
    text
}

/// Says what the case says of layers and tensors.
fn tell_network(case: &Case, parser: &Parser<'_>) {
    let network = parser.network();
    let mut tensors = network.inputs().unwrap();
    for layer in network.layers().unwrap() {
        if let Some(precision) = case.layer_precisions.get(&layer.name().unwrap()) {
            let precision: DataType = named(precision);
            layer.set_precision(precision).unwrap();
            layer.set_output_type(0, precision).unwrap();
        }
        tensors.extend(layer.outputs().unwrap());
    }
    for tensor in tensors {
        if let Some(&amax) = case.dynamic_ranges.get(&tensor.name().unwrap()) {
            tensor.set_dynamic_range(-amax, amax).unwrap();
        }
    }
}

fn tell_config<'b>(
    case: &Case,
    builder: &'b Builder<'_>,
    parser: &Parser<'_>,
    events: &Arc<Mutex<String>>,
) -> Config<'b> {
    let mut config = builder.create_config().unwrap();
    tell_values(case, &mut config);
    if let Some(core) = case.dla_core {
        config.set_default_device(DeviceType::Dla).unwrap();
        config.set_dla_core(core).unwrap();
    }
    for layer in parser.network().layers().unwrap() {
        if case.gpu_layers.contains(&layer.name().unwrap()) {
            config.set_device(&layer, DeviceType::Gpu).unwrap();
        }
    }
    for shapes in &case.profiles {
        config.add_profile(&profile(builder, shapes)).unwrap();
    }
    if let Some(shapes) = &case.calibration_profile {
        config.set_calibration_profile(&profile(builder, shapes)).unwrap();
    }
    if case.timing_cache {
        config.set_timing_cache(b"").unwrap();
    }
    if case.progress {
        let events = Arc::clone(events);
        let hear = move |progress| {
            *events.lock().unwrap() += &event(progress);
            ControlFlow::Continue(())
        };
        let monitor = ProgressMonitor::new(builder.library(), hear).unwrap();
        config.set_progress_monitor(monitor).unwrap();
    }
    config
}

/// Sets what is no more than a value.
fn tell_values(case: &Case, config: &mut Config<'_>) {
    for flag in &case.flags {
        config.set_flag(named::<BuilderFlag>(flag)).unwrap();
    }
    for flag in &case.cleared_flags {
        config.clear_flag(named::<BuilderFlag>(flag)).unwrap();
    }
    for flag in &case.quantization_flags {
        config.set_quantization_flag(named::<QuantizationFlag>(flag)).unwrap();
    }
    for (pool, &limit) in &case.memory_pools {
        config.set_memory_pool_limit(named::<MemoryPoolType>(pool), limit).unwrap();
    }
    if let Some(level) = case.optimization_level {
        config.set_optimization_level(level).unwrap();
    }
    if let Some(verbosity) = &case.profiling_verbosity {
        config.set_profiling_verbosity(named::<ProfilingVerbosity>(verbosity)).unwrap();
    }
    if let Some(iterations) = case.avg_timing_iterations {
        config.set_average_timing_iterations(iterations).unwrap();
    }
    if let Some(level) = &case.hardware_compatibility {
        config.set_hardware_compatibility(named::<HardwareCompatibilityLevel>(level)).unwrap();
    }
}

fn profile<'b>(builder: &'b Builder<'_>, shapes: &Shapes) -> Profile<'b> {
    let mut profile = builder.create_profile().unwrap();
    for (name, [min, opt, max]) in shapes {
        profile.set_shapes(name, min, opt, max).unwrap();
    }
    profile
}

/// The shape of a calibration batch of each input.
fn batch_shapes(case: &Case, parser: &Parser<'_>) -> BTreeMap<String, Vec<i64>> {
    let shapes = case.calibration_profile.as_ref().or(case.profiles.first());
    let inputs = parser.network().inputs().unwrap().into_iter().map(|input| {
        let name = input.name().unwrap();
        let shape = shapes.and_then(|shapes| shapes.get(&name)).map(|[_, opt, _]| opt.clone());
        let shape = shape.unwrap_or_else(|| input.dims().unwrap().unwrap());
        (name, shape)
    });
    inputs.collect()
}

/// An event as the witness writes it.
fn event(progress: Progress) -> String {
    match progress {
        Progress::PhaseStart { phase, parent, steps } => {
            format!("start {phase} in {}: {steps}\n", parent.as_deref().unwrap_or("None"))
        }
        Progress::StepComplete { phase, step } => format!("step {phase} {step}\n"),
        Progress::PhaseFinish { phase } => format!("finish {phase}\n"),
    }
}

fn inspect(library: &Library, plan: &[u8], write: &impl Fn(&str, &[u8])) {
    let runtime = Runtime::new(library).unwrap();
    let engine = runtime.deserialize(plan).unwrap();
    write("inspector", engine.inspector().unwrap().engine_json().unwrap().as_bytes());
    let mut text = format!("{} layers\n", engine.n_layers().unwrap());
    for tensor in engine.io_tensors().unwrap() {
        let dims: Vec<String> = tensor.dims.unwrap().iter().map(i64::to_string).collect();
        let _ = writeln!(text, "{} ({})", tensor.name, dims.join(", "));
    }
    write("tensors", text.as_bytes());
}
