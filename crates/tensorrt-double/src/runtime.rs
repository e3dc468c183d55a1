//! `IRuntime`, `ICudaEngine` and `IEngineInspector`.

mod inspect;

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::rc::Rc;

use tensorrt_sys::Enumeration;
use tensorrt_sys::classes::{ICudaEngine, IEngineInspector, ILogger, IRuntime};
use tensorrt_sys::enums::{
    DataType, HardwareCompatibilityLevel, OptProfileSelector, Severity, TensorIOMode,
};

use crate::client::{bytes_at, text};
use crate::entry::registry;
use crate::layer::count;
use crate::object::{Body, Class, Delete, Handle, Table};
use crate::plan::{Plan, TensorPlan};
use crate::tensor::{c_name, dims32, dims64};

/// What reads plans back.
pub(crate) struct Runtime {
    pub(crate) logger: *mut ILogger,
}

/// An engine: a plan that was read back.
pub(crate) struct Engine {
    plan: Rc<Plan>,
    name: CString,
    /// The names of its inputs and outputs, as C strings.
    names: Vec<CString>,
}

/// What tells about an engine.
pub(crate) struct Inspector {
    plan: Rc<Plan>,
    /// What was said last; it stays until the next question.
    said: RefCell<CString>,
}

impl Class for Runtime {
    type Cpp = IRuntime;
    const NAME: &'static str = "IRuntime";
    const DELETE: Option<&'static Delete<IRuntime>> = Some(&IRuntime::DELETE);
    const WORD: &'static str = "runtime";

    fn fill(table: &mut Table<Self>) {
        table.on2(&IRuntime::DESERIALIZE_CUDA_ENGINE, |runtime, plan, size| {
            deserialize(runtime, plan, size)
        });
        table.on3(&IRuntime::DESERIALIZE_CUDA_ENGINE_TRT8, |runtime, plan, size, factory| {
            if factory.is_null() { deserialize(runtime, plan, size) } else { ptr::null_mut() }
        });
        table.on1(&IRuntime::SET_DLA_CORE, |runtime, core: i32| {
            runtime.context().note(format!("DLA core {core}"));
        });
        table.on1(&IRuntime::SET_ENGINE_HOST_CODE_ALLOWED, |_, _| {});
        table.on(&IRuntime::GET_PLUGIN_REGISTRY, |runtime| registry(runtime.context()));
    }
}

/// The engine in a plan of this very version, or null.
fn deserialize(runtime: &Body<Runtime>, plan: *const c_void, size: usize) -> *mut ICudaEngine {
    let context = runtime.context();
    let refuse = |why: &str| {
        let text = format!("IRuntime::deserializeCudaEngine: Error Code 1: Serialization ({why})");
        context.log(runtime.logger, Severity::Error, &text);
        ptr::null_mut()
    };
    let Some(plan) = bytes_at(plan, size).and_then(|bytes| Plan::read(&bytes)) else {
        return refuse(
            "Serialization assertion plan->header.magicTag == rt::kPLAN_MAGIC_TAG failed.",
        );
    };
    if plan.version != context.version().raw() {
        let why = format!(
            "The engine plan file is not compatible with this version of TensorRT, expecting library version {} got {}",
            context.version().raw(),
            plan.version
        );
        return refuse(&why);
    }
    let io = plan.network.inputs.iter().chain(&plan.network.outputs);
    let names = io.map(|name| c_name(name)).collect();
    let name = c_name(&plan.network.name);
    Handle::new(context, Engine { plan: Rc::new(plan), name, names }).into_client()
}

impl Engine {
    /// The input or output of a name.
    fn io(&self, name: *const c_char) -> Option<&TensorPlan> {
        let name = text(name);
        let known = self.names.iter().any(|known| known.to_bytes() == name.as_bytes());
        self.plan.tensor(&name).filter(|_| known)
    }

    fn dims(&self, name: *const c_char) -> Option<&[i64]> {
        self.io(name)?.dims.as_deref()
    }

    fn has(&self, flag: &str) -> bool {
        self.plan.config.flags.iter().any(|set| set == flag)
    }
}

impl Class for Engine {
    type Cpp = ICudaEngine;
    const NAME: &'static str = "ICudaEngine";
    const DELETE: Option<&'static Delete<ICudaEngine>> = Some(&ICudaEngine::DELETE);
    const WORD: &'static str = "engine";

    fn fill(table: &mut Table<Self>) {
        table.on(&ICudaEngine::GET_NB_LAYERS, |engine| count(&engine.plan.network.layers));
        table.on(&ICudaEngine::GET_NB_IO_TENSORS, |engine| count(&engine.names));
        table.on1(&ICudaEngine::GET_IO_TENSOR_NAME, |engine, index: i32| {
            let name = usize::try_from(index).ok().and_then(|index| engine.names.get(index));
            name.map_or(ptr::null(), |name| name.as_ptr())
        });
        table.on1(&ICudaEngine::GET_TENSOR_DATA_TYPE, |engine, name| {
            let data_type = engine.io(name).map_or("", |tensor| &tensor.data_type);
            number_of::<DataType>(engine, data_type)
        });
        table.on1(&ICudaEngine::GET_TENSOR_SHAPE, |engine, name| dims64(engine.dims(name)));
        table.on1(&ICudaEngine::GET_TENSOR_SHAPE_TRT8, |engine, name| dims32(engine.dims(name)));
        table.on1(&ICudaEngine::GET_TENSOR_IO_MODE, |engine, name| {
            let is_input = engine.plan.network.inputs.contains(&text(name));
            let mode = match engine.io(name) {
                None => TensorIOMode::None,
                Some(_) if is_input => TensorIOMode::Input,
                Some(_) => TensorIOMode::Output,
            };
            mode.to_raw(engine.context().version()).unwrap_or_default()
        });
        table.on3(&ICudaEngine::GET_PROFILE_SHAPE, |engine, name, profile, selector| {
            dims64(profile_shape(engine, name, profile, selector).as_deref())
        });
        table.on3(&ICudaEngine::GET_PROFILE_SHAPE_TRT8, |engine, name, profile, selector| {
            dims32(profile_shape(engine, name, profile, selector).as_deref())
        });
        table.on(&ICudaEngine::CREATE_ENGINE_INSPECTOR, |engine| {
            let inspector = Inspector { plan: Rc::clone(&engine.plan), said: RefCell::default() };
            Handle::new(engine.context(), inspector).into_client()
        });
        table.on(&ICudaEngine::IS_REFITTABLE, |engine| engine.has("kREFIT"));
        table.on(&ICudaEngine::GET_NAME, |engine| engine.name.as_ptr());
        table.on(&ICudaEngine::GET_NB_OPTIMIZATION_PROFILES, |engine| {
            count(&engine.plan.profiles).max(1)
        });
        table.on(&ICudaEngine::GET_HARDWARE_COMPATIBILITY_LEVEL, |engine| {
            let level = &engine.plan.config.hardware_compatibility;
            number_of::<HardwareCompatibilityLevel>(engine, level)
        });
    }
}

/// The number of an enumerator that is spelled so.
fn number_of<E: Enumeration>(engine: &Body<Engine>, name: &str) -> i32 {
    let row = E::ROWS.iter().find(|(_, spelled, _)| *spelled == name);
    row.and_then(|(value, ..)| value.to_raw(engine.context().version()).ok()).unwrap_or_default()
}

/// The shape of an input in a profile; of a fixed input, its own.
fn profile_shape(
    engine: &Body<Engine>,
    name: *const c_char,
    profile: i32,
    selector: i32,
) -> Option<Vec<i64>> {
    let tensor = engine.io(name)?;
    let shapes = engine.plan.profiles.get(usize::try_from(profile).ok()?);
    let Some(shapes) = shapes.and_then(|shapes| shapes.get(&tensor.name)) else {
        return tensor.dims.clone();
    };
    match OptProfileSelector::from_raw(engine.context().version(), selector)? {
        OptProfileSelector::Min => Some(shapes.min.clone()),
        OptProfileSelector::Opt => Some(shapes.opt.clone()),
        _ => Some(shapes.max.clone()),
    }
}

impl Class for Inspector {
    type Cpp = IEngineInspector;
    const NAME: &'static str = "IEngineInspector";
    const DELETE: Option<&'static Delete<IEngineInspector>> = Some(&IEngineInspector::DELETE);
    const WORD: &'static str = "inspector";

    fn fill(table: &mut Table<Self>) {
        table.on2(
            &IEngineInspector::GET_LAYER_INFORMATION,
            |inspector, index: i32, format: i32| {
                let layers = &inspector.plan.network.layers;
                let layer = usize::try_from(index).ok().and_then(|index| layers.get(index));
                let format = inspect::format(inspector, format);
                let text = layer.map(|layer| inspect::layer(&inspector.plan, layer, format));
                say(inspector, &text.unwrap_or_default())
            },
        );
        table.on1(&IEngineInspector::GET_ENGINE_INFORMATION, |inspector, format: i32| {
            let format = inspect::format(inspector, format);
            say(inspector, &inspect::engine(&inspector.plan, format))
        });
    }
}

/// Keeps what is said, and returns it.
fn say(inspector: &Inspector, text: &str) -> *const c_char {
    *inspector.said.borrow_mut() = c_name(text);
    inspector.said.borrow().as_ptr()
}
