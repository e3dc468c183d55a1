//! Plans, read back.

use std::ffi::{CStr, CString};
use std::marker::PhantomData;
use std::path::Path;
use std::ptr;

use tensorrt_sys::classes::{ICudaEngine, IEngineInspector, IRuntime};
use tensorrt_sys::enums::{DataType, LayerInformationFormat, TensorIOMode};
use tensorrt_sys::{Dims32, Dims64, Enumeration, This, VirtualMethod};

use crate::dims;
use crate::error::Error;
use crate::library::Library;
use crate::owned::{Owned, string};
use crate::plugins;

/// Reads plans. It needs a GPU: TensorRT prepares a plan for one as it reads it.
#[doc(alias = "IRuntime")]
#[derive(Debug)]
pub struct Runtime {
    raw: Owned<IRuntime>,
}

/// A plan that was read.
#[doc(alias = "ICudaEngine")]
#[derive(Debug)]
pub struct Engine<'r> {
    raw: Owned<ICudaEngine>,
    runtime: PhantomData<&'r Runtime>,
}

/// Tells of a plan's layers.
#[doc(alias = "IEngineInspector")]
#[derive(Debug)]
pub struct Inspector<'e> {
    raw: Owned<IEngineInspector>,
    engine: PhantomData<&'e ()>,
}

/// An input or output of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoTensor {
    /// As the model spells it.
    pub name: String,
    /// Whether it goes in or comes out; `None` for a word newer than the tables.
    pub mode: Option<TensorIOMode>,
    /// The type, or `None` for one newer than the tables.
    pub data_type: Option<DataType>,
    /// The dimensions, -1 for a dynamic one; `None` if not even their number is known.
    pub dims: Option<Vec<i64>>,
}

impl Runtime {
    /// A runtime.
    ///
    /// # Errors
    /// [`Error::Null`].
    #[doc(alias = "createInferRuntime")]
    pub fn new(library: &Library) -> Result<Self, Error> {
        library.init_plugins()?;
        // SAFETY: the logger was made for this version and is never freed.
        let raw = unsafe { library.raw().create_runtime(library.logger()) };
        // SAFETY: a new runtime is the caller's to delete.
        let raw = unsafe { Owned::new(raw, &IRuntime::DELETE, library, "createInferRuntime") }?;
        Ok(Self { raw })
    }

    /// The TensorRT that made it.
    pub fn library(&self) -> &Library {
        self.raw.library()
    }

    /// Sets the DLA core that plans for a DLA are read for.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "setDLACore")]
    pub fn set_dla_core(&mut self, core: u8) -> Result<(), Error> {
        let (this, set) = self.raw.bind(&IRuntime::SET_DLA_CORE)?;
        // SAFETY: bound to the live runtime.
        unsafe { set(this, i32::from(core)) }
        Ok(())
    }

    /// Allows plans to bring code of their own, as version compatible ones do, which runs in this process.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 8.5.
    #[doc(alias = "setEngineHostCodeAllowed")]
    pub fn allow_engine_host_code(&mut self) -> Result<(), Error> {
        let (this, set) = self.raw.bind(&IRuntime::SET_ENGINE_HOST_CODE_ALLOWED)?;
        // SAFETY: bound to the live runtime.
        unsafe { set(this, true) }
        Ok(())
    }

    /// Loads the plugins of a library, for plans that have some of them.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 8.5; [`Error::PluginLibrary`] for a library TensorRT cannot load.
    #[doc(alias = "loadLibrary")]
    pub fn load_plugins(&self, library: &Path) -> Result<(), Error> {
        let (this, get) = self.raw.bind(&IRuntime::GET_PLUGIN_REGISTRY)?;
        // SAFETY: bound to the live runtime.
        let registry = unsafe { get(this) };
        let call = "IRuntime::getPluginRegistry";
        // SAFETY: the registry belongs to the runtime, which this borrows.
        plugins::load(unsafe { plugins::registry(registry, self.library(), call) }?, library)
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// [`Error::Null`] for a plan of another version or GPU, and where there is no GPU; the log says which.
    #[doc(alias = "deserializeCudaEngine")]
    pub fn deserialize(&self, plan: &[u8]) -> Result<Engine<'_>, Error> {
        let engine = match self.raw.bind(&IRuntime::DESERIALIZE_CUDA_ENGINE) {
            // SAFETY: bound to the live runtime; TensorRT copies the bytes.
            Ok((this, read)) => unsafe { read(this, plan.as_ptr().cast(), plan.len()) },
            // TensorRT 8 and 9 take a factory of plugins too, which is long of no use.
            Err(_) => {
                let (this, read) = self.raw.bind(&IRuntime::DESERIALIZE_CUDA_ENGINE_TRT8)?;
                // SAFETY: as above; null is no factory.
                unsafe { read(this, plan.as_ptr().cast(), plan.len(), ptr::null_mut()) }
            }
        };
        let call = "IRuntime::deserializeCudaEngine";
        // SAFETY: a new engine is the caller's to delete.
        let raw = unsafe { Owned::new(engine, &ICudaEngine::DELETE, self.library(), call) }?;
        Ok(Engine { raw, runtime: PhantomData })
    }
}

/// A method of an engine that answers with a number, and one that does so for a tensor.
type Number = VirtualMethod<ICudaEngine, unsafe extern "C" fn(This) -> i32>;
type NumberOf =
    VirtualMethod<ICudaEngine, unsafe extern "C" fn(This, *const std::ffi::c_char) -> i32>;

impl Engine<'_> {
    /// The TensorRT that made it.
    pub fn library(&self) -> &Library {
        self.raw.library()
    }

    /// The name of the network it was built from.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn name(&self) -> Result<String, Error> {
        let (this, name) = self.raw.bind(&ICudaEngine::GET_NAME)?;
        // SAFETY: bound to the live engine.
        let name = unsafe { name(this) };
        // SAFETY: the name lives as long as the engine.
        Ok(unsafe { string(name) })
    }

    /// How many layers are left after fusion.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn n_layers(&self) -> Result<usize, Error> {
        self.count(&ICudaEngine::GET_NB_LAYERS)
    }

    /// How many optimization profiles it has.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn n_profiles(&self) -> Result<usize, Error> {
        self.count(&ICudaEngine::GET_NB_OPTIMIZATION_PROFILES)
    }

    /// Whether its weights can be exchanged.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn is_refittable(&self) -> Result<bool, Error> {
        let (this, is_refittable) = self.raw.bind(&ICudaEngine::IS_REFITTABLE)?;
        // SAFETY: bound to the live engine.
        Ok(unsafe { is_refittable(this) })
    }

    fn count(&self, method: &Number) -> Result<usize, Error> {
        let (this, count) = self.raw.bind(method)?;
        // SAFETY: bound to the live engine.
        Ok(usize::try_from(unsafe { count(this) }).unwrap_or(0))
    }

    /// The inputs and outputs, in order.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "getIOTensorName")]
    pub fn io_tensors(&self) -> Result<Vec<IoTensor>, Error> {
        let count = self.count(&ICudaEngine::GET_NB_IO_TENSORS)?;
        (0..i32::try_from(count).unwrap_or(0)).map(|index| self.io_tensor(index)).collect()
    }

    fn io_tensor(&self, index: i32) -> Result<IoTensor, Error> {
        let (this, name) = self.raw.bind(&ICudaEngine::GET_IO_TENSOR_NAME)?;
        // SAFETY: bound to the live engine, with an index below the count.
        let name = unsafe { name(this, index) };
        if name.is_null() {
            return Err(Error::Null { call: "ICudaEngine::getIOTensorName" });
        }
        // SAFETY: the name lives as long as the engine.
        let name = unsafe { CStr::from_ptr(name) }.to_owned();
        let version = self.library().version();
        Ok(IoTensor {
            mode: TensorIOMode::from_raw(
                version,
                self.number_of(&ICudaEngine::GET_TENSOR_IO_MODE, &name)?,
            ),
            data_type: DataType::from_raw(
                version,
                self.number_of(&ICudaEngine::GET_TENSOR_DATA_TYPE, &name)?,
            ),
            dims: self.dims_of(&name)?,
            name: name.to_string_lossy().into_owned(),
        })
    }

    fn number_of(&self, method: &NumberOf, tensor: &CString) -> Result<i32, Error> {
        let (this, number) = self.raw.bind(method)?;
        // SAFETY: bound to the live engine, with a name that lives during the call.
        Ok(unsafe { number(this, tensor.as_ptr()) })
    }

    fn dims_of(&self, tensor: &CString) -> Result<Option<Vec<i64>>, Error> {
        if let Ok((this, shape)) = self.raw.bind(&ICudaEngine::GET_TENSOR_SHAPE) {
            // SAFETY: bound to the live engine, with a name that lives during the call.
            let shape: Dims64 = unsafe { shape(this, tensor.as_ptr()) };
            return Ok(dims::sizes64(&shape));
        }
        // TensorRT 8 and 9 return smaller dimensions.
        let (this, shape) = self.raw.bind(&ICudaEngine::GET_TENSOR_SHAPE_TRT8)?;
        // SAFETY: as above.
        let shape: Dims32 = unsafe { shape(this, tensor.as_ptr()) };
        Ok(dims::sizes32(&shape))
    }

    /// What tells of the layers.
    ///
    /// # Errors
    /// [`Error::Null`].
    #[doc(alias = "createEngineInspector")]
    pub fn inspector(&self) -> Result<Inspector<'_>, Error> {
        let (this, create) = self.raw.bind(&ICudaEngine::CREATE_ENGINE_INSPECTOR)?;
        // SAFETY: bound to the live engine.
        let inspector = unsafe { create(this) };
        let call = "ICudaEngine::createEngineInspector";
        // SAFETY: a new inspector is the caller's to delete, before the engine, which this borrows.
        let raw =
            unsafe { Owned::new(inspector, &IEngineInspector::DELETE, self.library(), call) }?;
        Ok(Inspector { raw, engine: PhantomData })
    }
}

impl Inspector<'_> {
    /// What the plan says of all its layers, as JSON. How much that is the build decided: see
    /// [`Config::set_profiling_verbosity`](crate::Config::set_profiling_verbosity).
    ///
    /// # Errors
    /// [`Error::Null`].
    #[doc(alias = "getEngineInformation")]
    pub fn engine_json(&self) -> Result<String, Error> {
        let format = LayerInformationFormat::Json.to_raw(self.raw.library().version())?;
        let (this, get) = self.raw.bind(&IEngineInspector::GET_ENGINE_INFORMATION)?;
        // SAFETY: bound to the live inspector, with a format of its version.
        let text = unsafe { get(this, format) };
        if text.is_null() {
            return Err(Error::Null { call: "IEngineInspector::getEngineInformation" });
        }
        // SAFETY: the text lives until the inspector is asked again.
        Ok(unsafe { string(text) })
    }
}
