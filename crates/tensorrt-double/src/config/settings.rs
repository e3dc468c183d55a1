//! The settings that are values.

use std::collections::BTreeMap;
use std::sync::Arc;

use tensorrt_sys::Enumeration;
use tensorrt_sys::classes::{IBuilderConfig, ILayer};
use tensorrt_sys::enums::{
    BuilderFlag, ComputeCapability, DeviceType, LayerType, MemoryPoolType, ProfilingVerbosity,
    QuantizationFlag,
};

use super::{Config, refuse};
use crate::builder::bit;
use crate::client::text;
use crate::context::Context;
use crate::layer::{Layer, count};
use crate::object::{Body, Table, body};
use crate::plan::ConfigPlan;

/// The highest optimization level of any version.
const MAX_LEVEL: i32 = 5;

/// What was set, as the numbers of the version.
pub(crate) struct Settings {
    pub(crate) flags: u32,
    quantization_flags: u32,
    pools: BTreeMap<i32, usize>,
    level: i32,
    verbosity: i32,
    avg_timing_iterations: i32,
    engine_capability: i32,
    hardware_compatibility: i32,
    dla_core: i32,
    default_device: i32,
    /// The device of each layer that was given one, by the layer's address.
    devices: BTreeMap<usize, i32>,
    capabilities: Vec<i32>,
    plugins: Vec<String>,
}

impl Settings {
    pub(super) fn new(context: &Arc<Context>) -> Self {
        Self {
            flags: bit(context.version(), BuilderFlag::Tf32),
            quantization_flags: 0,
            pools: BTreeMap::new(),
            level: 3,
            verbosity: 0,
            avg_timing_iterations: 1,
            engine_capability: 0,
            hardware_compatibility: 0,
            dla_core: -1,
            default_device: 0,
            devices: BTreeMap::new(),
            capabilities: Vec::new(),
            plugins: Vec::new(),
        }
    }

    /// The device that a layer was given.
    pub(crate) fn device(&self, layer: *mut ILayer) -> Option<i32> {
        self.devices.get(&layer.addr()).copied()
    }

    /// The settings as a plan lists them.
    pub(crate) fn to_plan(&self, context: &Context) -> ConfigPlan {
        use tensorrt_sys::enums::{EngineCapability, HardwareCompatibilityLevel};

        let pool = |(&pool, &bytes)| (context.name_of::<MemoryPoolType>(pool), bytes);
        ConfigPlan {
            flags: names::<BuilderFlag>(context, self.flags),
            quantization_flags: names::<QuantizationFlag>(context, self.quantization_flags),
            memory_pools: self.pools.iter().map(pool).collect(),
            optimization_level: self.level,
            profiling_verbosity: context.name_of::<ProfilingVerbosity>(self.verbosity),
            avg_timing_iterations: self.avg_timing_iterations,
            engine_capability: context.name_of::<EngineCapability>(self.engine_capability),
            hardware_compatibility: context
                .name_of::<HardwareCompatibilityLevel>(self.hardware_compatibility),
            dla_core: self.dla_core,
            default_device: context.name_of::<DeviceType>(self.default_device),
            compute_capabilities: self
                .capabilities
                .iter()
                .map(|&capability| context.name_of::<ComputeCapability>(capability))
                .collect(),
            plugins_to_serialize: self.plugins.clone(),
            timing_cache_entries: None,
            calibration_profile: None,
        }
    }
}

/// The names of the set bits.
fn names<E: Enumeration>(context: &Context, bits: u32) -> Vec<String> {
    let set = (0..32).filter(|bit| bits >> bit & 1 == 1);
    set.map(|bit| context.name_of::<E>(bit)).collect()
}

/// Puts the methods of these settings into their slots.
pub(super) fn fill(table: &mut Table<Config>) {
    fill_flags(table);
    fill_pools(table);
    fill_numbers(table);
    fill_devices(table);
    fill_capabilities(table);
    table.on2(&IBuilderConfig::SET_PLUGINS_TO_SERIALIZE, |config, paths, n: i32| {
        let paths: *const *const std::ffi::c_char = paths.cast();
        let n = usize::try_from(n).unwrap_or(0);
        let paths = (0..n).filter_map(|at| crate::client::value_at(paths.wrapping_add(at)));
        config.settings.borrow_mut().plugins = paths.map(text).collect();
    });
    table.on(&IBuilderConfig::GET_NB_PLUGINS_TO_SERIALIZE, |config| {
        count(&config.settings.borrow().plugins)
    });
}

fn fill_flags(table: &mut Table<Config>) {
    table.on1(&IBuilderConfig::SET_FLAG, |config, flag| {
        change_flag(config, flag, |flags, bit| flags | bit);
    });
    table.on1(&IBuilderConfig::CLEAR_FLAG, |config, flag| {
        change_flag(config, flag, |flags, bit| flags & !bit);
    });
    table.on1(&IBuilderConfig::GET_FLAG, |config, flag: i32| {
        u32::try_from(flag)
            .is_ok_and(|flag| config.settings.borrow().flags >> flag.min(31) & 1 == 1)
    });
    table.on(&IBuilderConfig::GET_FLAGS, |config| config.settings.borrow().flags);
    table.on1(&IBuilderConfig::SET_QUANTIZATION_FLAG, |config, flag: i32| {
        if QuantizationFlag::from_raw(config.context().version(), flag).is_some() {
            config.settings.borrow_mut().quantization_flags |= 1 << flag;
        } else {
            refuse(config, "setQuantizationFlag", "a flag of another version");
        }
    });
    table.on1(&IBuilderConfig::GET_QUANTIZATION_FLAG, |config, flag: i32| {
        let flags = config.settings.borrow().quantization_flags;
        u32::try_from(flag).is_ok_and(|flag| flags >> flag.min(31) & 1 == 1)
    });
}

/// Sets or clears a flag. TensorRT-RTX ignores flags it does not have without a word; the others say something.
fn change_flag(config: &Body<Config>, flag: i32, change: impl Fn(u32, u32) -> u32) {
    let context = config.context();
    match BuilderFlag::from_raw(context.version(), flag) {
        Some(flag) => {
            let mut settings = config.settings.borrow_mut();
            settings.flags = change(settings.flags, bit(context.version(), flag));
        }
        None if context.generation().is_some_and(tensorrt_sys::Generation::is_rtx) => {}
        None => refuse(config, "setFlag", &format!("flag {flag} of another version")),
    }
}

fn fill_pools(table: &mut Table<Config>) {
    table.on2(&IBuilderConfig::SET_MEMORY_POOL_LIMIT, |config, pool, bytes: usize| {
        let context = config.context();
        context.note(format!("pool {pool} {bytes}"));
        let dla = match MemoryPoolType::from_raw(context.version(), pool) {
            None => return refuse(config, "setMemoryPoolLimit", "a pool of another version"),
            Some(pool) => matches!(
                pool,
                MemoryPoolType::DlaManagedSram
                    | MemoryPoolType::DlaLocalDram
                    | MemoryPoolType::DlaGlobalDram
            ),
        };
        if dla && (bytes < 4096 || !bytes.is_power_of_two()) {
            let why = "a DLA pool takes a power of two of at least 4 KiB";
            return refuse(config, "setMemoryPoolLimit", why);
        }
        config.settings.borrow_mut().pools.insert(pool, bytes);
    });
    table.on1(&IBuilderConfig::GET_MEMORY_POOL_LIMIT, |config, pool| {
        let limit = config.settings.borrow().pools.get(&pool).copied();
        limit.unwrap_or_else(|| default_limit(config, pool))
    });
}

/// What a pool has that was given no limit: on the device all of a small GPU, on a DLA what the vendor documents.
fn default_limit(config: &Body<Config>, pool: i32) -> usize {
    match MemoryPoolType::from_raw(config.context().version(), pool) {
        Some(MemoryPoolType::DlaManagedSram) => 1 << 20,
        Some(MemoryPoolType::DlaLocalDram) => 1 << 30,
        Some(MemoryPoolType::DlaGlobalDram) => 512 << 20,
        Some(_) => 8 << 30,
        None => 0,
    }
}

fn fill_numbers(table: &mut Table<Config>) {
    table.on1(&IBuilderConfig::SET_BUILDER_OPTIMIZATION_LEVEL, |config, level: i32| {
        if (0..=MAX_LEVEL).contains(&level) {
            config.settings.borrow_mut().level = level;
        } else {
            refuse(config, "setBuilderOptimizationLevel", &format!("level {level}"));
        }
    });
    table.on(&IBuilderConfig::GET_BUILDER_OPTIMIZATION_LEVEL, |config| {
        config.settings.borrow().level
    });
    table.on1(&IBuilderConfig::SET_PROFILING_VERBOSITY, |config, verbosity: i32| {
        config.context().note(format!("verbosity {verbosity}"));
        config.settings.borrow_mut().verbosity = verbosity;
    });
    table.on(&IBuilderConfig::GET_PROFILING_VERBOSITY, |config| config.settings.borrow().verbosity);
    table.on1(&IBuilderConfig::SET_AVG_TIMING_ITERATIONS, set_avg_timing_iterations);
    table.on(&IBuilderConfig::GET_AVG_TIMING_ITERATIONS, |config| {
        config.settings.borrow().avg_timing_iterations
    });
    table.on1(&IBuilderConfig::SET_ENGINE_CAPABILITY, |config, capability| {
        config.settings.borrow_mut().engine_capability = capability;
    });
    table.on(&IBuilderConfig::GET_ENGINE_CAPABILITY, |config| {
        config.settings.borrow().engine_capability
    });
    table.on1(&IBuilderConfig::SET_HARDWARE_COMPATIBILITY_LEVEL, |config, level| {
        config.settings.borrow_mut().hardware_compatibility = level;
    });
    table.on(&IBuilderConfig::GET_HARDWARE_COMPATIBILITY_LEVEL, |config| {
        config.settings.borrow().hardware_compatibility
    });
}

/// What is virtual in the public class too.
pub(super) fn fill_own(table: &mut Table<Config>) {
    table.on1(&IBuilderConfig::SET_AVG_TIMING_ITERATIONS_BY_OBJECT, set_avg_timing_iterations);
}

fn set_avg_timing_iterations(config: &Body<Config>, iterations: i32) {
    if iterations >= 1 {
        config.settings.borrow_mut().avg_timing_iterations = iterations;
    } else {
        refuse(config, "setAvgTimingIterations", &format!("{iterations} iterations"));
    }
}

fn fill_devices(table: &mut Table<Config>) {
    table.on1(&IBuilderConfig::SET_DLA_CORE, |config, core: i32| {
        if (-1..config.context().dla_cores()).contains(&core) {
            config.settings.borrow_mut().dla_core = core;
        } else {
            refuse(config, "setDLACore", &format!("DLA core {core}"));
        }
    });
    table.on(&IBuilderConfig::GET_DLA_CORE, |config| config.settings.borrow().dla_core);
    table.on1(&IBuilderConfig::SET_DEFAULT_DEVICE_TYPE, |config, device| {
        config.settings.borrow_mut().default_device = device;
    });
    table.on(&IBuilderConfig::GET_DEFAULT_DEVICE_TYPE, |config| {
        config.settings.borrow().default_device
    });
    table.on2(&IBuilderConfig::SET_DEVICE_TYPE, |config, layer: *mut ILayer, device| {
        config.settings.borrow_mut().devices.insert(layer.addr(), device);
    });
    table.on1(&IBuilderConfig::GET_DEVICE_TYPE, |config, layer| {
        let settings = config.settings.borrow();
        settings.device(layer).unwrap_or(settings.default_device)
    });
    table.on1(&IBuilderConfig::IS_DEVICE_TYPE_SET, |config, layer| {
        config.settings.borrow().device(layer).is_some()
    });
    table.on1(&IBuilderConfig::CAN_RUN_ON_DLA, |config, layer: *mut ILayer| {
        // SAFETY: the client passes a layer of this library that is alive during the call.
        let layer = unsafe { body::<Layer>(layer) };
        config.context().dla_cores() > 0 && layer.is_some_and(|layer| dla_has(layer.kind))
    });
}

/// Whether a DLA can do layers of a kind: part of what the vendor's list has.
pub(crate) fn dla_has(kind: LayerType) -> bool {
    matches!(
        kind,
        LayerType::Convolution
            | LayerType::Deconvolution
            | LayerType::Activation
            | LayerType::Pooling
            | LayerType::Scale
            | LayerType::Elementwise
            | LayerType::Concatenation
            | LayerType::Softmax
            | LayerType::Resize
            | LayerType::Slice
    )
}

fn fill_capabilities(table: &mut Table<Config>) {
    table.on1(&IBuilderConfig::SET_NB_COMPUTE_CAPABILITIES, |config, n: i32| {
        config.context().note(format!("{n} capabilities"));
        let n = usize::try_from(n);
        if let Ok(n) = n {
            config.settings.borrow_mut().capabilities.resize(n, 0);
        }
        n.is_ok()
    });
    table.on(&IBuilderConfig::GET_NB_COMPUTE_CAPABILITIES, |config| {
        count(&config.settings.borrow().capabilities)
    });
    table.on2(&IBuilderConfig::SET_COMPUTE_CAPABILITY, |config, capability: i32, index: i32| {
        let context = config.context();
        context.note(format!("capability {index} {capability}"));
        let known = ComputeCapability::from_raw(context.version(), capability).is_some();
        if !known {
            refuse(
                config,
                "setComputeCapability",
                "Compute capability is invalid or not supported.",
            );
            return false;
        }
        let mut settings = config.settings.borrow_mut();
        let index = usize::try_from(index).ok();
        let entry = index.and_then(|index| settings.capabilities.get_mut(index));
        entry.map(|entry| *entry = capability).is_some()
    });
    table.on1(&IBuilderConfig::GET_COMPUTE_CAPABILITY, |config, index: i32| {
        let settings = config.settings.borrow();
        let index = usize::try_from(index).ok();
        index.and_then(|index| settings.capabilities.get(index).copied()).unwrap_or_default()
    });
}
