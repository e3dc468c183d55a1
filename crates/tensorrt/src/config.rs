//! The builder's settings.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tensorrt_sys::classes::{IBuilderConfig, ITimingCache};
use tensorrt_sys::enums::{BuilderFlag, ComputeCapability, MemoryPoolType, ProfilingVerbosity};
use tensorrt_sys::{Enumeration, MissingMethod, This, VirtualMethod};

use crate::calibrator::Session;
use crate::error::Error;
use crate::library::Library;
use crate::owned::Owned;
use crate::profile::Profile;
use crate::progress::ProgressMonitor;
use crate::timing_cache::TimingCache;

/// The settings of a build, and what a build works with.
#[doc(alias = "IBuilderConfig")]
#[derive(Debug)]
pub struct Config<'b> {
    // Fields are dropped in order: the config goes before what it refers to.
    raw: Owned<IBuilderConfig>,
    progress_monitor: Option<ProgressMonitor>,
    timing_cache: Option<TimingCache>,
    builder: PhantomData<&'b ()>,
}

impl<'b> Config<'b> {
    pub(crate) fn new(raw: Owned<IBuilderConfig>) -> Self {
        Self { raw, progress_monitor: None, timing_cache: None, builder: PhantomData }
    }

    pub(crate) fn as_ptr(&self) -> *mut IBuilderConfig {
        self.raw.as_ptr()
    }

    /// The method to call, with its first argument.
    pub(crate) fn bind<F: Copy>(
        &self,
        method: &VirtualMethod<IBuilderConfig, F>,
    ) -> Result<(This, F), MissingMethod> {
        self.raw.bind(method)
    }

    /// The TensorRT that made it.
    pub fn library(&self) -> &Library {
        self.raw.library()
    }

    /// Sets a flag.
    ///
    /// # Errors
    /// [`Error::MissingValue`] where the version has no such flag, as TensorRT 11 and RTX 1.5 have no `kINT8`.
    #[doc(alias = "setFlag")]
    pub fn set_flag(&mut self, flag: BuilderFlag) -> Result<(), Error> {
        let flag = flag.to_raw(self.library().version())?;
        let (this, set) = self.raw.bind(&IBuilderConfig::SET_FLAG)?;
        // SAFETY: bound to the live config, with a flag of its version.
        unsafe { set(this, flag) }
        Ok(())
    }

    /// Clears a flag, as `kTF32`, which TensorRT sets by itself.
    ///
    /// # Errors
    /// [`Error::MissingValue`] where the version has no such flag.
    #[doc(alias = "clearFlag")]
    pub fn clear_flag(&mut self, flag: BuilderFlag) -> Result<(), Error> {
        let flag = flag.to_raw(self.library().version())?;
        let (this, clear) = self.raw.bind(&IBuilderConfig::CLEAR_FLAG)?;
        // SAFETY: bound to the live config, with a flag of its version.
        unsafe { clear(this, flag) }
        Ok(())
    }

    /// Whether a flag is set.
    ///
    /// # Errors
    /// [`Error::MissingValue`] where the version has no such flag.
    #[doc(alias = "getFlag")]
    pub fn has_flag(&self, flag: BuilderFlag) -> Result<bool, Error> {
        let flag = flag.to_raw(self.library().version())?;
        let (this, get) = self.raw.bind(&IBuilderConfig::GET_FLAG)?;
        // SAFETY: bound to the live config, with a flag of its version.
        Ok(unsafe { get(this, flag) })
    }

    /// The flags, a bit each.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "getFlags")]
    pub fn flags(&self) -> Result<u32, Error> {
        let (this, get) = self.raw.bind(&IBuilderConfig::GET_FLAGS)?;
        // SAFETY: bound to the live config.
        Ok(unsafe { get(this) })
    }

    /// Limits a memory pool, in bytes.
    ///
    /// # Errors
    /// [`Error::MissingValue`] where the version has no such pool; [`Error::Refused`] where it keeps another limit.
    #[doc(alias = "setMemoryPoolLimit")]
    pub fn set_memory_pool_limit(&mut self, pool: MemoryPoolType, bytes: u64) -> Result<(), Error> {
        let raw_pool = pool.to_raw(self.library().version())?;
        let refused = || Error::Refused {
            call: "IBuilderConfig::setMemoryPoolLimit",
            given: format!("{bytes} bytes for {}", pool.vendor_name()),
        };
        let size = usize::try_from(bytes).map_err(|_| refused())?;
        let (this, set) = self.raw.bind(&IBuilderConfig::SET_MEMORY_POOL_LIMIT)?;
        // SAFETY: bound to the live config, with a pool of its version.
        unsafe { set(this, raw_pool, size) }
        if self.memory_pool_limit(pool)? == bytes { Ok(()) } else { Err(refused()) }
    }

    /// The limit of a memory pool, in bytes.
    ///
    /// # Errors
    /// [`Error::MissingValue`] where the version has no such pool.
    #[doc(alias = "getMemoryPoolLimit")]
    pub fn memory_pool_limit(&self, pool: MemoryPoolType) -> Result<u64, Error> {
        let pool = pool.to_raw(self.library().version())?;
        let (this, get) = self.raw.bind(&IBuilderConfig::GET_MEMORY_POOL_LIMIT)?;
        // SAFETY: bound to the live config, with a pool of its version.
        Ok(unsafe { get(this, pool) } as u64)
    }

    /// Sets how hard the builder searches: 0 to 5.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 8.5; [`Error::Refused`] for a level it does not have.
    #[doc(alias = "setBuilderOptimizationLevel")]
    pub fn set_optimization_level(&mut self, level: u8) -> Result<(), Error> {
        let (this, set) = self.raw.bind(&IBuilderConfig::SET_BUILDER_OPTIMIZATION_LEVEL)?;
        // SAFETY: bound to the live config.
        unsafe { set(this, i32::from(level)) }
        let (this, get) = self.raw.bind(&IBuilderConfig::GET_BUILDER_OPTIMIZATION_LEVEL)?;
        // SAFETY: bound to the live config.
        let kept = unsafe { get(this) };
        if kept == i32::from(level) {
            return Ok(());
        }
        Err(Error::Refused {
            call: "IBuilderConfig::setBuilderOptimizationLevel",
            given: format!("level {level}"),
        })
    }

    /// Sets how much the plan tells about its layers.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "setProfilingVerbosity")]
    pub fn set_profiling_verbosity(&mut self, verbosity: ProfilingVerbosity) -> Result<(), Error> {
        let verbosity = verbosity.to_raw(self.library().version())?;
        let (this, set) = self.raw.bind(&IBuilderConfig::SET_PROFILING_VERBOSITY)?;
        // SAFETY: bound to the live config, with a verbosity of its version.
        unsafe { set(this, verbosity) }
        Ok(())
    }

    /// Adds an optimization profile, and returns its index.
    ///
    /// # Errors
    /// [`Error::Refused`] for an incomplete profile, and for one of another library.
    #[doc(alias = "addOptimizationProfile")]
    pub fn add_profile(&mut self, profile: &Profile<'b>) -> Result<usize, Error> {
        let refused = |given: &str| Error::Refused {
            call: "IBuilderConfig::addOptimizationProfile",
            given: given.to_owned(),
        };
        if !self.library().is(profile.library()) {
            return Err(refused("a profile of another library"));
        }
        let (this, add) = self.raw.bind(&IBuilderConfig::ADD_OPTIMIZATION_PROFILE)?;
        // SAFETY: the profile is of the same library, and its builder lives as long as the config.
        let index = unsafe { add(this, profile.as_ptr()) };
        usize::try_from(index).map_err(|_| refused("an incomplete optimization profile"))
    }

    /// Lets a monitor hear of the build's progress, and stop it.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] before TensorRT 9.3.
    #[doc(alias = "setProgressMonitor")]
    pub fn set_progress_monitor(&mut self, monitor: ProgressMonitor) -> Result<(), Error> {
        let (this, set) = self.raw.bind(&IBuilderConfig::SET_PROGRESS_MONITOR)?;
        // SAFETY: the monitor was made for this version; the config keeps it until after its own end.
        unsafe { set(this, monitor.as_object()) }
        self.progress_monitor = Some(monitor);
        Ok(())
    }

    /// Sets the GPUs that an RTX plan is for.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] where TensorRT builds for the GPU at hand, [`Error::MissingValue`] for a capability newer
    /// than the library, [`Error::Refused`] for others it does not take.
    #[doc(alias = "setComputeCapability")]
    pub fn set_compute_capabilities(
        &mut self,
        capabilities: &[ComputeCapability],
    ) -> Result<(), Error> {
        let (this, set_count) = self.raw.bind(&IBuilderConfig::SET_NB_COMPUTE_CAPABILITIES)?;
        let refused =
            |given| Error::Refused { call: "IBuilderConfig::setNbComputeCapabilities", given };
        let count = i32::try_from(capabilities.len())
            .map_err(|_| refused(capabilities.len().to_string()))?;
        let raw = |capability: &ComputeCapability| capability.to_raw(self.library().version());
        let raw: Vec<i32> = capabilities.iter().map(raw).collect::<Result<_, _>>()?;
        // SAFETY: bound to the live config.
        if !unsafe { set_count(this, count) } {
            return Err(refused(count.to_string()));
        }
        for (index, (capability, raw)) in (0..count).zip(capabilities.iter().zip(raw)) {
            let (this, set) = self.raw.bind(&IBuilderConfig::SET_COMPUTE_CAPABILITY)?;
            // SAFETY: bound to the live config, with a capability of its version and an index below the count.
            if !unsafe { set(this, raw, index) } {
                let given = capability.vendor_name().to_owned();
                return Err(Error::Refused { call: "IBuilderConfig::setComputeCapability", given });
            }
        }
        Ok(())
    }

    /// Attaches a timing cache made of what an earlier one serialized to; empty bytes make an empty cache.
    ///
    /// # Errors
    /// [`Error::Null`] or [`Error::Refused`] for the cache of another device or version.
    #[doc(alias = "createTimingCache")]
    #[doc(alias = "setTimingCache")]
    pub fn set_timing_cache(&mut self, serialized: &[u8]) -> Result<(), Error> {
        let (this, create) = self.raw.bind(&IBuilderConfig::CREATE_TIMING_CACHE)?;
        // SAFETY: bound to the live config; TensorRT copies the bytes.
        let cache = unsafe { create(this, serialized.as_ptr().cast(), serialized.len()) };
        let call = "IBuilderConfig::createTimingCache";
        // SAFETY: a new timing cache is the caller's to delete.
        let cache = unsafe { Owned::new(cache, &ITimingCache::DELETE, self.library(), call) }?;
        let (this, set) = self.raw.bind(&IBuilderConfig::SET_TIMING_CACHE)?;
        // SAFETY: both are alive; the config keeps the cache until after its own end.
        if !unsafe { set(this, cache.as_ptr(), false) } {
            let given = "a timing cache of another device or version".to_owned();
            return Err(Error::Refused { call: "IBuilderConfig::setTimingCache", given });
        }
        self.timing_cache = Some(TimingCache::new(cache));
        Ok(())
    }

    /// The timing cache attached, with what builds have added to it.
    pub fn timing_cache(&self) -> Option<&TimingCache> {
        self.timing_cache.as_ref()
    }

    /// Lets a panic of the progress monitor, caught while TensorRT was building, go on here.
    pub(crate) fn resume_panic(&self) {
        if let Some(panic) = self.progress_monitor.as_ref().and_then(ProgressMonitor::take_panic) {
            resume_unwind(panic);
        }
    }

    /// What stops a build with this config at its next step: its progress monitor's, or that of one to come.
    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        self.progress_monitor.as_ref().map(ProgressMonitor::stop).cloned().unwrap_or_default()
    }

    /// Takes the progress monitor off.
    fn unset_progress_monitor(&mut self) {
        if let Ok((this, set)) = self.raw.bind(&IBuilderConfig::SET_PROGRESS_MONITOR) {
            // SAFETY: bound to the live config; null is its word for no monitor.
            unsafe { set(this, ptr::null_mut()) }
        }
        self.progress_monitor = None;
    }
}

/// A config with a calibrator, which it loses when this is dropped.
pub(crate) struct Attached<'a, 'b> {
    config: &'a mut Config<'b>,
    stop: Arc<AtomicBool>,
    /// Whether the config's progress monitor goes with the calibrator.
    own_monitor: bool,
}

impl<'a, 'b> Attached<'a, 'b> {
    /// Puts a calibrator on a config; where that has no progress monitor, adds one that `stop` stops the build with.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] where the version does not calibrate.
    pub(crate) fn new(
        config: &'a mut Config<'b>,
        session: &'a Session<'_>,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let mut attached = Self { config, stop, own_monitor: false };
        let (this, set) = attached.config.raw.bind(&IBuilderConfig::SET_INT8_CALIBRATOR)?;
        // SAFETY: the calibrator was made for this version, and is borrowed until it is off the config.
        unsafe { set(this, session.as_object()) }
        if attached.config.progress_monitor.is_none() {
            let stop = Arc::clone(&attached.stop);
            let hear = |_| ControlFlow::Continue(());
            match ProgressMonitor::stopped_by(attached.config.library(), stop, hear) {
                Ok(monitor) => {
                    attached.config.set_progress_monitor(monitor)?;
                    attached.own_monitor = true;
                }
                // A version without monitors is stopped by the calibrator's answers alone.
                Err(Error::MissingMethod(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(attached)
    }

    pub(crate) fn config(&self) -> &Config<'b> {
        self.config
    }
}

impl Drop for Attached<'_, '_> {
    fn drop(&mut self) {
        if let Ok((this, set)) = self.config.raw.bind(&IBuilderConfig::SET_INT8_CALIBRATOR) {
            // SAFETY: bound to the live config; null is its word for no calibrator.
            unsafe { set(this, ptr::null_mut()) }
        }
        if self.own_monitor {
            self.config.unset_progress_monitor();
        }
        self.stop.store(false, Ordering::Release);
    }
}
