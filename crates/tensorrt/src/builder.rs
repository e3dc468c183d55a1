//! The builder.

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tensorrt_sys::classes::{IBuilder, IBuilderConfig, IHostMemory, INetworkDefinition};
use tensorrt_sys::enums::NetworkDefinitionCreationFlag as Flag;
use tensorrt_sys::enums::{BuilderFlag, CalibrationAlgoType};
use tensorrt_sys::{Enumeration, Generation, Version};

use crate::calibrator::{Calibrator, Session};
use crate::config::{Attached, Config};
use crate::error::Error;
use crate::library::Library;
use crate::memory::HostMemory;
use crate::network::Network;
use crate::owned::{Borrowed, Delete, Owned};
use crate::plugins;
use crate::profile::Profile;

/// The one thread's turn to build.
///
/// TensorRT calls its builders independent of one another, and they are not: RTX 1.7 keeps the list of target GPUs in
/// a place that all builders of the process share, and two at a time end in "Target SM 80 is not found in the
/// accelerator list". So a builder needs a turn, and a process has one.
#[derive(Debug)]
pub struct Turn {
    _guard: MutexGuard<'static, ()>,
    /// A turn belongs to its thread: neither `Send`, as the guard is, nor `Sync`.
    thread: PhantomData<*const ()>,
}

/// The vendor's libraries share their state across the process, hence so does this.
static TURN: Mutex<()> = Mutex::new(());

impl Turn {
    /// Waits until no other thread builds. A thread that has the turn already waits for ever.
    pub fn take() -> Self {
        // A panic during a build leaves nothing of ours half done.
        Self { _guard: TURN.lock().unwrap_or_else(PoisonError::into_inner), thread: PhantomData }
    }
}

/// Makes networks, configs, profiles, and plans out of them.
#[doc(alias = "IBuilder")]
#[derive(Debug)]
pub struct Builder<'t> {
    raw: Owned<IBuilder>,
    turn: PhantomData<&'t Turn>,
}

/// Who chooses the types that layers compute in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkTyping {
    /// The network: it says each tensor's type, through `Cast`, `QuantizeLinear` and `DequantizeLinear` in the ONNX.
    /// TensorRT 11 and RTX know no other.
    Strong,
    /// TensorRT, among those that builder flags allow. TensorRT up to 9.2 knows no other.
    Weak,
}

impl NetworkTyping {
    /// The flag word of `createNetworkV2`.
    fn flags(self, version: Version) -> Result<u32, Error> {
        // TensorRT 8 can still make networks without a batch dimension, which nothing but an old Caffe model has.
        let explicit_batch = match version.generation() {
            Some(Generation::TensorRt8) => 1 << Flag::ExplicitBatch.to_raw(version)?,
            _ => 0,
        };
        let weak_exists =
            matches!(version.generation(), Some(Generation::TensorRt8 | Generation::TensorRt10));
        match self {
            Self::Strong => Ok(explicit_batch | 1 << Flag::StronglyTyped.to_raw(version)?),
            Self::Weak if weak_exists => Ok(explicit_batch),
            Self::Weak => Err(Error::Refused {
                call: "IBuilder::createNetworkV2",
                given: format!("weak typing in {version}"),
            }),
        }
    }
}

impl<'t> Builder<'t> {
    /// A builder.
    ///
    /// # Errors
    /// [`Error::Null`]: TensorRT proper makes none without a GPU.
    #[doc(alias = "createInferBuilder")]
    pub fn new(library: &Library, _turn: &'t Turn) -> Result<Self, Error> {
        library.init_plugins()?;
        // SAFETY: the logger was made for this version and is never freed.
        let raw = unsafe { library.raw().create_builder(library.logger()) };
        // SAFETY: a new builder is the caller's to delete.
        let raw = unsafe { Owned::new(raw, &IBuilder::DELETE, library, "createInferBuilder") }?;
        Ok(Self { raw, turn: PhantomData })
    }

    /// The TensorRT that made it.
    pub fn library(&self) -> &Library {
        self.raw.library()
    }

    /// Limits the threads that the builder works with.
    ///
    /// # Errors
    /// [`Error::Refused`] for 0.
    #[doc(alias = "setMaxThreads")]
    pub fn set_max_threads(&mut self, threads: NonZeroU32) -> Result<(), Error> {
        let refused = || Error::Refused {
            call: "IBuilder::setMaxThreads",
            given: format!("{threads} threads"),
        };
        let count = i32::try_from(threads.get()).map_err(|_| refused())?;
        let (this, set) = self.raw.bind(&IBuilder::SET_MAX_THREADS)?;
        // SAFETY: bound to the live builder.
        if unsafe { set(this, count) } { Ok(()) } else { Err(refused()) }
    }

    /// How many DLA cores this machine has.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "getNbDLACores")]
    pub fn n_dla_cores(&self) -> Result<usize, Error> {
        let (this, count) = self.raw.bind(&IBuilder::GET_NB_DLA_CORES)?;
        // SAFETY: bound to the live builder.
        Ok(usize::try_from(unsafe { count(this) }).unwrap_or(0))
    }

    /// Whether the GPU computes INT8 faster than FP32.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 11 and RTX 1.5.
    #[doc(alias = "platformHasFastInt8")]
    pub fn has_fast_int8(&self) -> Result<bool, Error> {
        let (this, has) = self.raw.bind(&IBuilder::PLATFORM_HAS_FAST_INT8)?;
        // SAFETY: bound to the live builder.
        Ok(unsafe { has(this) })
    }

    /// Whether the GPU computes FP16 faster than FP32.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 11 and RTX 1.5.
    #[doc(alias = "platformHasFastFp16")]
    pub fn has_fast_fp16(&self) -> Result<bool, Error> {
        let (this, has) = self.raw.bind(&IBuilder::PLATFORM_HAS_FAST_FP16)?;
        // SAFETY: bound to the live builder.
        Ok(unsafe { has(this) })
    }

    /// Loads the plugins of a library, before a model with operators of theirs is parsed.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 8.5; [`Error::PluginLibrary`] for a library TensorRT cannot load.
    #[doc(alias = "loadLibrary")]
    pub fn load_plugins(&self, library: &Path) -> Result<(), Error> {
        let (this, get) = self.raw.bind(&IBuilder::GET_PLUGIN_REGISTRY)?;
        // SAFETY: bound to the live builder.
        let registry = unsafe { get(this) };
        let call = "IBuilder::getPluginRegistry";
        // SAFETY: the registry belongs to the builder, which this borrows.
        plugins::load(unsafe { plugins::registry(registry, self.library(), call) }?, library)
    }

    /// An empty network.
    ///
    /// # Errors
    /// [`Error::MissingValue`] or [`Error::Refused`] where the version has no such typing.
    #[doc(alias = "createNetworkV2")]
    pub fn create_network(&self, typing: NetworkTyping) -> Result<Network<'_>, Error> {
        let flags = typing.flags(self.library().version())?;
        let (this, create) = self.raw.bind(&IBuilder::CREATE_NETWORK_V2)?;
        // SAFETY: bound to the live builder, with a flag word of its version.
        let network = unsafe { create(this, flags) };
        // SAFETY: a new network is the caller's to delete.
        let raw =
            unsafe { self.own(network, &INetworkDefinition::DELETE, "IBuilder::createNetworkV2") }?;
        Ok(Network::new(raw))
    }

    /// A config with TensorRT's defaults.
    ///
    /// # Errors
    /// [`Error::Null`].
    #[doc(alias = "createBuilderConfig")]
    pub fn create_config(&self) -> Result<Config<'_>, Error> {
        let (this, create) = self.raw.bind(&IBuilder::CREATE_BUILDER_CONFIG)?;
        // SAFETY: bound to the live builder.
        let config = unsafe { create(this) };
        // SAFETY: a new config is the caller's to delete.
        let raw =
            unsafe { self.own(config, &IBuilderConfig::DELETE, "IBuilder::createBuilderConfig") }?;
        Ok(Config::new(raw))
    }

    /// An empty optimization profile.
    ///
    /// # Errors
    /// [`Error::Null`].
    #[doc(alias = "createOptimizationProfile")]
    pub fn create_profile(&self) -> Result<Profile<'_>, Error> {
        let (this, create) = self.raw.bind(&IBuilder::CREATE_OPTIMIZATION_PROFILE)?;
        // SAFETY: bound to the live builder.
        let profile = unsafe { create(this) };
        // SAFETY: a profile belongs to its builder and lives as long as that.
        let raw = unsafe { Borrowed::new(profile, self.library()) };
        raw.map(Profile::new).ok_or(Error::Null { call: "IBuilder::createOptimizationProfile" })
    }

    /// Builds the plan.
    ///
    /// # Errors
    /// [`Error::Null`]: the log says why, or the progress monitor stopped it. [`Error::Refused`] for a network or config
    /// of another library.
    ///
    /// # Panics
    /// With the panic of a log sink or of the progress monitor, if one panicked.
    #[doc(alias = "buildSerializedNetwork")]
    pub fn build(
        &self,
        network: &mut Network<'_>,
        config: &Config<'_>,
    ) -> Result<HostMemory, Error> {
        if !self.library().is(network.library()) || !self.library().is(config.library()) {
            let given = "a network or config of another library".to_owned();
            return Err(Error::Refused { call: "IBuilder::buildSerializedNetwork", given });
        }
        let (this, build) = self.raw.bind(&IBuilder::BUILD_SERIALIZED_NETWORK)?;
        // SAFETY: builder, network and config are alive and of one library.
        let plan = unsafe { build(this, network.as_ptr(), config.as_ptr()) };
        // SAFETY: host memory is the caller's to delete.
        let plan =
            unsafe { self.own(plan, &IHostMemory::DELETE, "IBuilder::buildSerializedNetwork") };
        config.resume_panic();
        Ok(HostMemory::new(plan?))
    }

    /// Builds the plan and lets TensorRT calibrate on the way, with what `calibrator` gives it.
    ///
    /// The calibrator is with the config for the length of this call only. Its error or panic stops the build at the next
    /// step, where this version has progress monitors, and comes back as it was, whatever TensorRT made of it.
    ///
    /// # Errors
    /// [`Error::Calibrator`] with the calibrator's own error. [`Error::MissingMethod`] or [`Error::MissingValue`] where
    /// the version does not calibrate: TensorRT 11 and RTX. [`Error::Refused`] without `kINT8` among the config's flags.
    /// Else as [`build`](Self::build).
    ///
    /// # Panics
    /// With the panic of the calibrator, of a log sink or of the progress monitor, if one panicked.
    #[doc(alias = "setInt8Calibrator")]
    pub fn build_calibrated(
        &self,
        network: &mut Network<'_>,
        config: &mut Config<'_>,
        algorithm: CalibrationAlgoType,
        calibrator: &mut dyn Calibrator,
    ) -> Result<HostMemory, Error> {
        let version = self.library().version();
        // The algorithm first: a version that lacks it lacks calibration altogether.
        algorithm.to_raw(version)?;
        if !config.has_flag(BuilderFlag::Int8)? {
            let given = "a calibrator without BuilderFlag::kINT8".to_owned();
            return Err(Error::Refused { call: "IBuilderConfig::setInt8Calibrator", given });
        }
        let class_type_info = self.library().raw().class_type_info();
        let stop = config.stop();
        let session =
            Session::new(version, class_type_info, algorithm, calibrator, Arc::clone(&stop))?;
        // Declared after the session, so that even a panic takes the calibrator off the config first.
        let attached = Attached::new(config, &session, stop)?;
        let plan = self.build(network, attached.config());
        drop(attached);
        session.outcome()?;
        plan
    }

    /// Takes over an object that this builder made.
    ///
    /// # Safety
    /// As [`Owned::new`].
    unsafe fn own<C>(
        &self,
        object: *mut C,
        delete: &'static Delete<C>,
        call: &'static str,
    ) -> Result<Owned<C>, Error> {
        // SAFETY: the caller's promise.
        unsafe { Owned::new(object, delete, self.library(), call) }
    }
}
