//! Settings of a config beyond those of every build: devices, calibration, compatibility, plugins.

use std::ffi::CString;
use std::path::Path;

use tensorrt_sys::classes::IBuilderConfig;
use tensorrt_sys::enums::{
    DeviceType, EngineCapability, HardwareCompatibilityLevel, QuantizationFlag,
};
use tensorrt_sys::{Enumeration, This, VirtualMethod};

use crate::config::Config;
use crate::error::Error;
use crate::layer::Layer;
use crate::profile::Profile;

/// A method that sets a number, and one that gets it.
type Set = VirtualMethod<IBuilderConfig, unsafe extern "C" fn(This, i32)>;
type Get = VirtualMethod<IBuilderConfig, unsafe extern "C" fn(This) -> i32>;

impl<'b> Config<'b> {
    /// Sets a number, and sees to it that TensorRT keeps it: most of these methods have no other way to refuse.
    fn set_number(
        &mut self,
        (set, get): (&Set, &Get),
        number: i32,
        refused: impl FnOnce() -> Error,
    ) -> Result<(), Error> {
        let (this, set) = self.bind(set)?;
        // SAFETY: bound to the live config.
        unsafe { set(this, number) }
        let (this, get) = self.bind(get)?;
        // SAFETY: bound to the live config.
        let kept = unsafe { get(this) };
        if kept == number { Ok(()) } else { Err(refused()) }
    }

    /// As [`set_number`](Self::set_number), with an enumerator of this version.
    fn set_value<E: Enumeration>(
        &mut self,
        methods: (&Set, &Get),
        value: E,
        call: &'static str,
    ) -> Result<(), Error> {
        let raw = value.to_raw(self.library().version())?;
        let refused = || Error::Refused { call, given: value.vendor_name().to_owned() };
        self.set_number(methods, raw, refused)
    }

    /// Sets how often a kernel is timed, to take the average.
    ///
    /// # Errors
    /// [`Error::Refused`] for 0.
    #[doc(alias = "setAvgTimingIterations")]
    pub fn set_average_timing_iterations(&mut self, iterations: u32) -> Result<(), Error> {
        let refused = || Error::Refused {
            call: "IBuilderConfig::setAvgTimingIterations",
            given: format!("{iterations} iterations"),
        };
        let number =
            i32::try_from(iterations).ok().filter(|&number| number > 0).ok_or_else(refused)?;
        let methods = (
            &IBuilderConfig::SET_AVG_TIMING_ITERATIONS,
            &IBuilderConfig::GET_AVG_TIMING_ITERATIONS,
        );
        self.set_number(methods, number, refused)
    }

    /// Sets the DLA core that layers of the DLA run on.
    ///
    /// # Errors
    /// [`Error::Refused`] for a core that is not there.
    #[doc(alias = "setDLACore")]
    pub fn set_dla_core(&mut self, core: u8) -> Result<(), Error> {
        let refused =
            || Error::Refused { call: "IBuilderConfig::setDLACore", given: format!("core {core}") };
        let methods = (&IBuilderConfig::SET_DLA_CORE, &IBuilderConfig::GET_DLA_CORE);
        self.set_number(methods, i32::from(core), refused)
    }

    /// Sets what layers run on that nothing else is said of.
    ///
    /// # Errors
    /// [`Error::Refused`] where the device is not there.
    #[doc(alias = "setDefaultDeviceType")]
    pub fn set_default_device(&mut self, device: DeviceType) -> Result<(), Error> {
        let methods =
            (&IBuilderConfig::SET_DEFAULT_DEVICE_TYPE, &IBuilderConfig::GET_DEFAULT_DEVICE_TYPE);
        self.set_value(methods, device, "IBuilderConfig::setDefaultDeviceType")
    }

    /// Sets what one layer runs on.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "setDeviceType")]
    pub fn set_device(&mut self, layer: &Layer<'_>, device: DeviceType) -> Result<(), Error> {
        let device = device.to_raw(self.library().version())?;
        let (this, set) = self.bind(&IBuilderConfig::SET_DEVICE_TYPE)?;
        // SAFETY: bound to the live config, with a live layer and a device of its version.
        unsafe { set(this, layer.as_ptr(), device) }
        Ok(())
    }

    /// Whether a layer can run on the DLA.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "canRunOnDLA")]
    pub fn can_run_on_dla(&self, layer: &Layer<'_>) -> Result<bool, Error> {
        let (this, can) = self.bind(&IBuilderConfig::CAN_RUN_ON_DLA)?;
        // SAFETY: bound to the live config, with a live layer.
        Ok(unsafe { can(this, layer.as_ptr()) })
    }

    /// Sets for what kind of runtime the plan is.
    ///
    /// # Errors
    /// [`Error::Refused`] for a kind that is not built here.
    #[doc(alias = "setEngineCapability")]
    pub fn set_engine_capability(&mut self, capability: EngineCapability) -> Result<(), Error> {
        let methods =
            (&IBuilderConfig::SET_ENGINE_CAPABILITY, &IBuilderConfig::GET_ENGINE_CAPABILITY);
        self.set_value(methods, capability, "IBuilderConfig::setEngineCapability")
    }

    /// Sets which other GPUs the plan is to run on.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 8.5, [`Error::MissingValue`] for a level newer than the version.
    #[doc(alias = "setHardwareCompatibilityLevel")]
    pub fn set_hardware_compatibility(
        &mut self,
        level: HardwareCompatibilityLevel,
    ) -> Result<(), Error> {
        let methods = (
            &IBuilderConfig::SET_HARDWARE_COMPATIBILITY_LEVEL,
            &IBuilderConfig::GET_HARDWARE_COMPATIBILITY_LEVEL,
        );
        self.set_value(methods, level, "IBuilderConfig::setHardwareCompatibilityLevel")
    }

    /// Sets a flag of calibration.
    ///
    /// # Errors
    /// [`Error::MissingValue`] in TensorRT 11 and RTX, which do not calibrate.
    #[doc(alias = "setQuantizationFlag")]
    pub fn set_quantization_flag(&mut self, flag: QuantizationFlag) -> Result<(), Error> {
        let flag = flag.to_raw(self.library().version())?;
        let (this, set) = self.bind(&IBuilderConfig::SET_QUANTIZATION_FLAG)?;
        // SAFETY: bound to the live config, with a flag of its version.
        unsafe { set(this, flag) }
        Ok(())
    }

    /// Whether a flag of calibration is set.
    ///
    /// # Errors
    /// [`Error::MissingValue`] in TensorRT 11 and RTX, which do not calibrate.
    #[doc(alias = "getQuantizationFlag")]
    pub fn has_quantization_flag(&self, flag: QuantizationFlag) -> Result<bool, Error> {
        let flag = flag.to_raw(self.library().version())?;
        let (this, get) = self.bind(&IBuilderConfig::GET_QUANTIZATION_FLAG)?;
        // SAFETY: bound to the live config, with a flag of its version.
        Ok(unsafe { get(this, flag) })
    }

    /// Sets the shapes to calibrate in: the profile's usual ones.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 11 and RTX, which do not calibrate; [`Error::Refused`] for an incomplete
    /// profile, and for one of another library.
    #[doc(alias = "setCalibrationProfile")]
    pub fn set_calibration_profile(&mut self, profile: &Profile<'b>) -> Result<(), Error> {
        let refused = |given: &str| Error::Refused {
            call: "IBuilderConfig::setCalibrationProfile",
            given: given.to_owned(),
        };
        if !self.library().is(profile.library()) {
            return Err(refused("a profile of another library"));
        }
        let (this, set) = self.bind(&IBuilderConfig::SET_CALIBRATION_PROFILE)?;
        // SAFETY: the profile is of the same library, and its builder lives as long as the config.
        if unsafe { set(this, profile.as_ptr()) } {
            Ok(())
        } else {
            Err(refused("an incomplete calibration profile"))
        }
    }

    /// Sets the plugin libraries that a version compatible plan carries with it.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 8.5; [`Error::Refused`] where TensorRT keeps others.
    #[doc(alias = "setPluginsToSerialize")]
    pub fn set_plugins_to_serialize(&mut self, libraries: &[&Path]) -> Result<(), Error> {
        let c_path = |path: &&Path| {
            CString::new(path.as_os_str().as_encoded_bytes())
                .map_err(|_| Error::ZeroByte(path.display().to_string()))
        };
        let paths: Vec<CString> = libraries.iter().map(c_path).collect::<Result<_, _>>()?;
        let mut pointers: Vec<_> = paths.iter().map(|path| path.as_ptr()).collect();
        let refused = || Error::Refused {
            call: "IBuilderConfig::setPluginsToSerialize",
            given: format!("{} libraries", libraries.len()),
        };
        let count = i32::try_from(pointers.len()).map_err(|_| refused())?;
        let (this, set) = self.bind(&IBuilderConfig::SET_PLUGINS_TO_SERIALIZE)?;
        // SAFETY: bound to the live config, with so many paths; TensorRT copies them.
        unsafe { set(this, pointers.as_mut_ptr().cast(), count) }
        let (this, get) = self.bind(&IBuilderConfig::GET_NB_PLUGINS_TO_SERIALIZE)?;
        // SAFETY: bound to the live config.
        let kept = unsafe { get(this) };
        if kept == count { Ok(()) } else { Err(refused()) }
    }
}
