//! Classes, and the slot of each method in every generation.
//!
//! Written by `cargo xtask codegen tensorrt` from `fixtures/tensorrt/{slots,destructors,sizes,interfaces}.tsv`; not to be
//! edited. The columns are those of [`Generation`](crate::Generation): TensorRT 8 and 9, 10, 11, RTX 1.3, RTX 1.5.

use std::ffi::{c_char, c_void};

use crate::layout::{Derived, Dims32, Dims64, Direct, InterfaceInfo, Public};
use crate::method::{Identity, Method, This};
use crate::table::{NONE, at, since};

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Dims32>() == 36);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Dims64>() == 72);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<InterfaceInfo>() == 16);

/// `IBuilder`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IBuilder(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IBuilder>() == 16);

impl IBuilder {
    /// The deleting destructor.
    pub const DELETE: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_object("IBuilder", "~IBuilder", [at(1), at(1), at(1), at(1), at(1)]);
    /// `IBuilderConfig *createBuilderConfig()`.
    pub const CREATE_BUILDER_CONFIG: Method<Self, unsafe extern "C" fn(This) -> *mut IBuilderConfig> =
        Method::on_implementation("IBuilder", "createBuilderConfig", [at(9), at(7), at(5), at(7), at(5)]);
    /// `INetworkDefinition *createNetworkV2(unsigned int)`.
    pub const CREATE_NETWORK_V2: Method<Self, unsafe extern "C" fn(This, u32) -> *mut INetworkDefinition> =
        Method::on_implementation("IBuilder", "createNetworkV2", [at(11), at(8), at(6), at(8), at(6)]);
    /// `IOptimizationProfile *createOptimizationProfile()`.
    pub const CREATE_OPTIMIZATION_PROFILE: Method<Self, unsafe extern "C" fn(This) -> *mut IOptimizationProfile> =
        Method::on_implementation("IBuilder", "createOptimizationProfile", [at(12), at(9), at(7), at(9), at(7)]);
    /// `IHostMemory *buildSerializedNetwork(INetworkDefinition &, IBuilderConfig &)`.
    pub const BUILD_SERIALIZED_NETWORK: Method<Self, unsafe extern "C" fn(This, *mut INetworkDefinition, *mut IBuilderConfig) -> *mut IHostMemory> =
        Method::on_implementation("IBuilder", "buildSerializedNetwork", [at(17), at(14), at(11), at(14), at(11)]);
    /// `bool platformHasFastFp16() const`.
    pub const PLATFORM_HAS_FAST_FP16: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("IBuilder", "platformHasFastFp16", [at(4), at(2), NONE, at(2), NONE]);
    /// `bool platformHasFastInt8() const`.
    pub const PLATFORM_HAS_FAST_INT8: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("IBuilder", "platformHasFastInt8", [at(5), at(3), NONE, at(3), NONE]);
    /// `bool setMaxThreads(int)`.
    pub const SET_MAX_THREADS: Method<Self, unsafe extern "C" fn(This, i32) -> bool> =
        Method::on_implementation("IBuilder", "setMaxThreads", [at(20), at(17), at(14), at(17), at(14)]);
    /// `int getMaxThreads() const`.
    pub const GET_MAX_THREADS: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilder", "getMaxThreads", [at(21), at(18), at(15), at(18), at(15)]);
    /// `int getMaxDLABatchSize() const`.
    pub const GET_MAX_DLA_BATCH_SIZE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilder", "getMaxDLABatchSize", [at(6), at(4), at(2), at(4), at(2)]);
    /// `int getNbDLACores() const`.
    pub const GET_NB_DLA_CORES: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilder", "getNbDLACores", [at(7), at(5), at(3), at(5), at(3)]);
    /// `IPluginRegistry & getPluginRegistry()`.
    pub const GET_PLUGIN_REGISTRY: Method<Self, unsafe extern "C" fn(This) -> *mut IPluginRegistry> =
        Method::on_implementation("IBuilder", "getPluginRegistry", [since(22, 8601), at(19), at(16), at(19), at(16)]);
}

/// `IBuilderConfig`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IBuilderConfig(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IBuilderConfig>() == 16);

impl IBuilderConfig {
    /// The deleting destructor.
    pub const DELETE: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_object("IBuilderConfig", "~IBuilderConfig", [at(1), at(1), at(1), at(1), at(1)]);
    /// `void setInt8Calibrator(IInt8Calibrator *)`.
    pub const SET_INT8_CALIBRATOR: Method<Self, unsafe extern "C" fn(This, *mut IInt8Calibrator)> =
        Method::on_implementation("IBuilderConfig", "setInt8Calibrator", [at(8), at(6), NONE, NONE, NONE]);
    /// `IInt8Calibrator *getInt8Calibrator() const`.
    pub const GET_INT8_CALIBRATOR: Method<Self, unsafe extern "C" fn(This) -> *mut IInt8Calibrator> =
        Method::on_implementation("IBuilderConfig", "getInt8Calibrator", [at(9), at(7), NONE, NONE, NONE]);
    /// `unsigned int getFlags() const`.
    pub const GET_FLAGS: Method<Self, unsafe extern "C" fn(This) -> u32> =
        Method::on_implementation("IBuilderConfig", "getFlags", [at(13), at(9), at(7), at(7), at(7)]);
    /// `void clearFlag(BuilderFlag)`.
    pub const CLEAR_FLAG: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IBuilderConfig", "clearFlag", [at(14), at(10), at(8), at(8), at(8)]);
    /// `void setFlag(BuilderFlag)`.
    pub const SET_FLAG: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IBuilderConfig", "setFlag", [at(15), at(11), at(9), at(9), at(9)]);
    /// `bool getFlag(BuilderFlag) const`.
    pub const GET_FLAG: Method<Self, unsafe extern "C" fn(This, i32) -> bool> =
        Method::on_implementation("IBuilderConfig", "getFlag", [at(16), at(12), at(10), at(10), at(10)]);
    /// `int addOptimizationProfile(const IOptimizationProfile *)`.
    pub const ADD_OPTIMIZATION_PROFILE: Method<Self, unsafe extern "C" fn(This, *mut IOptimizationProfile) -> i32> =
        Method::on_implementation("IBuilderConfig", "addOptimizationProfile", [at(29), at(25), at(23), at(23), at(23)]);
    /// `int getNbOptimizationProfiles() const`.
    pub const GET_NB_OPTIMIZATION_PROFILES: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilderConfig", "getNbOptimizationProfiles", [at(30), at(26), at(24), at(24), at(24)]);
    /// `void setProfilingVerbosity(ProfilingVerbosity)`.
    pub const SET_PROFILING_VERBOSITY: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IBuilderConfig", "setProfilingVerbosity", [at(31), at(27), at(25), at(25), at(25)]);
    /// `ProfilingVerbosity getProfilingVerbosity() const`.
    pub const GET_PROFILING_VERBOSITY: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilderConfig", "getProfilingVerbosity", [at(32), at(28), at(26), at(26), at(26)]);
    /// `bool setCalibrationProfile(const IOptimizationProfile *)`.
    pub const SET_CALIBRATION_PROFILE: Method<Self, unsafe extern "C" fn(This, *mut IOptimizationProfile) -> bool> =
        Method::on_implementation("IBuilderConfig", "setCalibrationProfile", [at(35), at(31), NONE, NONE, NONE]);
    /// `const IOptimizationProfile *getCalibrationProfile()`.
    pub const GET_CALIBRATION_PROFILE: Method<Self, unsafe extern "C" fn(This) -> *mut IOptimizationProfile> =
        Method::on_implementation("IBuilderConfig", "getCalibrationProfile", [at(36), at(32), NONE, NONE, NONE]);
    /// `ITimingCache *createTimingCache(const void *, unsigned long) const`.
    pub const CREATE_TIMING_CACHE: Method<Self, unsafe extern "C" fn(This, *const c_void, usize) -> *mut ITimingCache> =
        Method::on_implementation("IBuilderConfig", "createTimingCache", [at(44), at(40), at(29), at(29), at(29)]);
    /// `bool setTimingCache(const ITimingCache &, bool)`.
    pub const SET_TIMING_CACHE: Method<Self, unsafe extern "C" fn(This, *mut ITimingCache, bool) -> bool> =
        Method::on_implementation("IBuilderConfig", "setTimingCache", [at(45), at(41), at(30), at(30), at(30)]);
    /// `const ITimingCache *getTimingCache() const`.
    pub const GET_TIMING_CACHE: Method<Self, unsafe extern "C" fn(This) -> *mut ITimingCache> =
        Method::on_implementation("IBuilderConfig", "getTimingCache", [at(46), at(42), at(31), at(31), at(31)]);
    /// `void setMemoryPoolLimit(MemoryPoolType, unsigned long)`.
    pub const SET_MEMORY_POOL_LIMIT: Method<Self, unsafe extern "C" fn(This, i32, usize)> =
        Method::on_implementation("IBuilderConfig", "setMemoryPoolLimit", [at(47), at(43), at(32), at(32), at(32)]);
    /// `unsigned long getMemoryPoolLimit(MemoryPoolType) const`.
    pub const GET_MEMORY_POOL_LIMIT: Method<Self, unsafe extern "C" fn(This, i32) -> usize> =
        Method::on_implementation("IBuilderConfig", "getMemoryPoolLimit", [at(48), at(44), at(33), at(33), at(33)]);
    /// `void setBuilderOptimizationLevel(int)`.
    pub const SET_BUILDER_OPTIMIZATION_LEVEL: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IBuilderConfig", "setBuilderOptimizationLevel", [since(51, 8601), at(47), at(36), at(36), at(36)]);
    /// `int getBuilderOptimizationLevel() const`.
    pub const GET_BUILDER_OPTIMIZATION_LEVEL: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilderConfig", "getBuilderOptimizationLevel", [since(52, 8601), at(48), at(37), at(37), at(37)]);
    /// `void setProgressMonitor(IProgressMonitor *)`.
    pub const SET_PROGRESS_MONITOR: Method<Self, unsafe extern "C" fn(This, *mut IProgressMonitor)> =
        Method::on_implementation("IBuilderConfig", "setProgressMonitor", [since(60, 9300), at(56), at(45), at(45), at(45)]);
    /// `IProgressMonitor *getProgressMonitor() const`.
    pub const GET_PROGRESS_MONITOR: Method<Self, unsafe extern "C" fn(This) -> *mut IProgressMonitor> =
        Method::on_implementation("IBuilderConfig", "getProgressMonitor", [since(61, 9300), at(57), at(46), at(46), at(46)]);
    /// `bool setNbComputeCapabilities(int)`.
    pub const SET_NB_COMPUTE_CAPABILITIES: Method<Self, unsafe extern "C" fn(This, i32) -> bool> =
        Method::on_implementation("IBuilderConfig", "setNbComputeCapabilities", [NONE, NONE, NONE, at(55), at(55)]);
    /// `int getNbComputeCapabilities() const`.
    pub const GET_NB_COMPUTE_CAPABILITIES: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilderConfig", "getNbComputeCapabilities", [NONE, NONE, NONE, at(56), at(56)]);
    /// `bool setComputeCapability(ComputeCapability, int)`.
    pub const SET_COMPUTE_CAPABILITY: Method<Self, unsafe extern "C" fn(This, i32, i32) -> bool> =
        Method::on_implementation("IBuilderConfig", "setComputeCapability", [NONE, NONE, NONE, at(57), at(57)]);
    /// `ComputeCapability getComputeCapability(int) const`.
    pub const GET_COMPUTE_CAPABILITY: Method<Self, unsafe extern "C" fn(This, i32) -> i32> =
        Method::on_implementation("IBuilderConfig", "getComputeCapability", [NONE, NONE, NONE, at(58), at(58)]);
    /// `void setAvgTimingIterations(int)`.
    pub const SET_AVG_TIMING_ITERATIONS: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IBuilderConfig", "setAvgTimingIterations", [at(4), at(2), at(2), at(2), at(2)]);
    /// `int getAvgTimingIterations() const`.
    pub const GET_AVG_TIMING_ITERATIONS: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilderConfig", "getAvgTimingIterations", [at(5), at(3), at(3), at(3), at(3)]);
    /// `void setEngineCapability(EngineCapability)`.
    pub const SET_ENGINE_CAPABILITY: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IBuilderConfig", "setEngineCapability", [at(6), at(4), at(4), at(4), at(4)]);
    /// `EngineCapability getEngineCapability() const`.
    pub const GET_ENGINE_CAPABILITY: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilderConfig", "getEngineCapability", [at(7), at(5), at(5), at(5), at(5)]);
    /// `void setDeviceType(const ILayer *, DeviceType)`.
    pub const SET_DEVICE_TYPE: Method<Self, unsafe extern "C" fn(This, *mut ILayer, i32)> =
        Method::on_implementation("IBuilderConfig", "setDeviceType", [at(17), at(13), at(11), at(11), at(11)]);
    /// `DeviceType getDeviceType(const ILayer *) const`.
    pub const GET_DEVICE_TYPE: Method<Self, unsafe extern "C" fn(This, *mut ILayer) -> i32> =
        Method::on_implementation("IBuilderConfig", "getDeviceType", [at(18), at(14), at(12), at(12), at(12)]);
    /// `bool isDeviceTypeSet(const ILayer *) const`.
    pub const IS_DEVICE_TYPE_SET: Method<Self, unsafe extern "C" fn(This, *mut ILayer) -> bool> =
        Method::on_implementation("IBuilderConfig", "isDeviceTypeSet", [at(19), at(15), at(13), at(13), at(13)]);
    /// `bool canRunOnDLA(const ILayer *) const`.
    pub const CAN_RUN_ON_DLA: Method<Self, unsafe extern "C" fn(This, *mut ILayer) -> bool> =
        Method::on_implementation("IBuilderConfig", "canRunOnDLA", [at(21), at(17), at(15), at(15), at(15)]);
    /// `void setDLACore(int)`.
    pub const SET_DLA_CORE: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IBuilderConfig", "setDLACore", [at(22), at(18), at(16), at(16), at(16)]);
    /// `int getDLACore() const`.
    pub const GET_DLA_CORE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilderConfig", "getDLACore", [at(23), at(19), at(17), at(17), at(17)]);
    /// `void setDefaultDeviceType(DeviceType)`.
    pub const SET_DEFAULT_DEVICE_TYPE: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IBuilderConfig", "setDefaultDeviceType", [at(24), at(20), at(18), at(18), at(18)]);
    /// `DeviceType getDefaultDeviceType() const`.
    pub const GET_DEFAULT_DEVICE_TYPE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilderConfig", "getDefaultDeviceType", [at(25), at(21), at(19), at(19), at(19)]);
    /// `void setQuantizationFlag(QuantizationFlag)`.
    pub const SET_QUANTIZATION_FLAG: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IBuilderConfig", "setQuantizationFlag", [at(40), at(36), NONE, NONE, NONE]);
    /// `bool getQuantizationFlag(QuantizationFlag) const`.
    pub const GET_QUANTIZATION_FLAG: Method<Self, unsafe extern "C" fn(This, i32) -> bool> =
        Method::on_implementation("IBuilderConfig", "getQuantizationFlag", [at(41), at(37), NONE, NONE, NONE]);
    /// `void setHardwareCompatibilityLevel(HardwareCompatibilityLevel)`.
    pub const SET_HARDWARE_COMPATIBILITY_LEVEL: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IBuilderConfig", "setHardwareCompatibilityLevel", [since(53, 8601), at(49), at(38), at(38), at(38)]);
    /// `HardwareCompatibilityLevel getHardwareCompatibilityLevel() const`.
    pub const GET_HARDWARE_COMPATIBILITY_LEVEL: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilderConfig", "getHardwareCompatibilityLevel", [since(54, 8601), at(50), at(39), at(39), at(39)]);
    /// `void setPluginsToSerialize(const char *const *, int)`.
    pub const SET_PLUGINS_TO_SERIALIZE: Method<Self, unsafe extern "C" fn(This, *mut c_void, i32)> =
        Method::on_implementation("IBuilderConfig", "setPluginsToSerialize", [since(55, 8601), at(51), at(40), at(40), at(40)]);
    /// `int getNbPluginsToSerialize() const`.
    pub const GET_NB_PLUGINS_TO_SERIALIZE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IBuilderConfig", "getNbPluginsToSerialize", [since(57, 8601), at(53), at(42), at(42), at(42)]);
    /// `void setAvgTimingIterations(int)`, where programs compiled with the headers call it.
    pub const SET_AVG_TIMING_ITERATIONS_BY_OBJECT: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_object("IBuilderConfig", "setAvgTimingIterations", [at(4), at(2), at(2), at(2), at(2)]);
}

/// `INetworkDefinition`.
#[repr(transparent)]
#[derive(Debug)]
pub struct INetworkDefinition(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<INetworkDefinition>() == 16);

impl INetworkDefinition {
    /// The deleting destructor.
    pub const DELETE: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_object("INetworkDefinition", "~INetworkDefinition", [at(1), at(1), at(1), at(1), at(1)]);
    /// `int getNbLayers() const`.
    pub const GET_NB_LAYERS: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("INetworkDefinition", "getNbLayers", [at(17), at(12), at(12), at(12), at(12)]);
    /// `ILayer *getLayer(int) const`.
    pub const GET_LAYER: Method<Self, unsafe extern "C" fn(This, i32) -> *mut ILayer> =
        Method::on_implementation("INetworkDefinition", "getLayer", [at(18), at(13), at(13), at(13), at(13)]);
    /// `int getNbInputs() const`.
    pub const GET_NB_INPUTS: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("INetworkDefinition", "getNbInputs", [at(19), at(14), at(14), at(14), at(14)]);
    /// `ITensor *getInput(int) const`.
    pub const GET_INPUT: Method<Self, unsafe extern "C" fn(This, i32) -> *mut ITensor> =
        Method::on_implementation("INetworkDefinition", "getInput", [at(20), at(15), at(15), at(15), at(15)]);
    /// `int getNbOutputs() const`.
    pub const GET_NB_OUTPUTS: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("INetworkDefinition", "getNbOutputs", [at(21), at(16), at(16), at(16), at(16)]);
    /// `ITensor *getOutput(int) const`.
    pub const GET_OUTPUT: Method<Self, unsafe extern "C" fn(This, i32) -> *mut ITensor> =
        Method::on_implementation("INetworkDefinition", "getOutput", [at(22), at(17), at(17), at(17), at(17)]);
    /// `void setName(const char *)`.
    pub const SET_NAME: Method<Self, unsafe extern "C" fn(This, *const c_char)> =
        Method::on_implementation("INetworkDefinition", "setName", [at(35), at(30), at(30), at(28), at(28)]);
    /// `const char *getName() const`.
    pub const GET_NAME: Method<Self, unsafe extern "C" fn(This) -> *const c_char> =
        Method::on_implementation("INetworkDefinition", "getName", [at(36), at(31), at(31), at(29), at(29)]);
    /// `unsigned int getFlags() const`.
    pub const GET_FLAGS: Method<Self, unsafe extern "C" fn(This) -> u32> =
        Method::on_implementation("INetworkDefinition", "getFlags", [since(70, 9300), at(64), at(61), at(60), at(59)]).with_exception(100800, 65);
    /// `bool getFlag(NetworkDefinitionCreationFlag) const`.
    pub const GET_FLAG: Method<Self, unsafe extern "C" fn(This, i32) -> bool> =
        Method::on_implementation("INetworkDefinition", "getFlag", [since(71, 9300), at(65), at(62), at(61), at(60)]).with_exception(100800, 66);
    /// `IBuilder & getBuilder() const`, where programs compiled with the headers call it.
    pub const GET_BUILDER_BY_OBJECT: Method<Self, unsafe extern "C" fn(This) -> *mut IBuilder> =
        Method::on_object("INetworkDefinition", "getBuilder", [since(2, 8601), at(2), at(2), at(2), at(2)]);
    /// `IBuilder & getBuilder() const`.
    pub const GET_BUILDER: Method<Self, unsafe extern "C" fn(This) -> *mut IBuilder> =
        Method::on_implementation("INetworkDefinition", "getBuilder", [since(69, 8601), at(63), at(60), at(59), at(58)]).with_exception(100800, 64);
}

/// `ITensor`.
#[repr(transparent)]
#[derive(Debug)]
pub struct ITensor(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<ITensor>() == 16);

impl ITensor {
    /// `const char *getName() const`.
    pub const GET_NAME: Method<Self, unsafe extern "C" fn(This) -> *const c_char> =
        Method::on_implementation("ITensor", "getName", [at(3), at(3), at(3), at(3), at(3)]);
    /// `void setDimensions(Dims32)`.
    pub const SET_DIMENSIONS_TRT8: Method<Self, unsafe extern "C" fn(This, Dims32)> =
        Method::on_implementation("ITensor", "setDimensions", [at(4), NONE, NONE, NONE, NONE]);
    /// `void setDimensions(const Dims64 &)`.
    pub const SET_DIMENSIONS: Method<Self, unsafe extern "C" fn(This, *const Dims64)> =
        Method::on_implementation("ITensor", "setDimensions", [NONE, at(4), at(4), at(4), at(4)]);
    /// `Dims32 getDimensions() const`.
    pub const GET_DIMENSIONS_TRT8: Method<Self, unsafe extern "C" fn(This) -> Dims32> =
        Method::on_implementation("ITensor", "getDimensions", [at(5), NONE, NONE, NONE, NONE]);
    /// `Dims64 getDimensions() const`.
    pub const GET_DIMENSIONS: Method<Self, unsafe extern "C" fn(This) -> Dims64> =
        Method::on_implementation("ITensor", "getDimensions", [NONE, at(5), at(5), at(5), at(5)]);
    /// `DataType getType() const`.
    pub const GET_TYPE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("ITensor", "getType", [at(7), at(7), at(6), at(7), at(6)]);
    /// `bool setDynamicRange(float, float)`.
    pub const SET_DYNAMIC_RANGE: Method<Self, unsafe extern "C" fn(This, f32, f32) -> bool> =
        Method::on_implementation("ITensor", "setDynamicRange", [at(8), at(8), NONE, NONE, NONE]);
    /// `bool dynamicRangeIsSet() const`.
    pub const DYNAMIC_RANGE_IS_SET: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("ITensor", "dynamicRangeIsSet", [at(15), at(15), NONE, NONE, NONE]);
    /// `void resetDynamicRange()`.
    pub const RESET_DYNAMIC_RANGE: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_implementation("ITensor", "resetDynamicRange", [at(16), at(16), NONE, NONE, NONE]);
    /// `float getDynamicRangeMin() const`.
    pub const GET_DYNAMIC_RANGE_MIN: Method<Self, unsafe extern "C" fn(This) -> f32> =
        Method::on_implementation("ITensor", "getDynamicRangeMin", [at(17), at(17), NONE, NONE, NONE]);
    /// `float getDynamicRangeMax() const`.
    pub const GET_DYNAMIC_RANGE_MAX: Method<Self, unsafe extern "C" fn(This) -> f32> =
        Method::on_implementation("ITensor", "getDynamicRangeMax", [at(18), at(18), NONE, NONE, NONE]);
    /// `bool isNetworkInput() const`.
    pub const IS_NETWORK_INPUT: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("ITensor", "isNetworkInput", [at(9), at(9), at(7), at(8), at(7)]);
    /// `bool isNetworkOutput() const`.
    pub const IS_NETWORK_OUTPUT: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("ITensor", "isNetworkOutput", [at(10), at(10), at(8), at(9), at(8)]);
    /// `bool isShapeTensor() const`.
    pub const IS_SHAPE_TENSOR: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("ITensor", "isShapeTensor", [at(21), at(21), at(15), at(12), at(11)]);
    /// `bool isExecutionTensor() const`.
    pub const IS_EXECUTION_TENSOR: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("ITensor", "isExecutionTensor", [at(22), at(22), at(16), at(13), at(12)]);
}

/// `ILayer`.
#[repr(transparent)]
#[derive(Debug)]
pub struct ILayer(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<ILayer>() == 16);

impl ILayer {
    /// `LayerType getType() const`.
    pub const GET_TYPE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("ILayer", "getType", [at(2), at(2), at(2), at(2), at(2)]);
    /// `const char *getName() const`.
    pub const GET_NAME: Method<Self, unsafe extern "C" fn(This) -> *const c_char> =
        Method::on_implementation("ILayer", "getName", [at(4), at(4), at(4), at(4), at(4)]);
    /// `int getNbInputs() const`.
    pub const GET_NB_INPUTS: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("ILayer", "getNbInputs", [at(5), at(5), at(5), at(5), at(5)]);
    /// `ITensor *getInput(int) const`.
    pub const GET_INPUT: Method<Self, unsafe extern "C" fn(This, i32) -> *mut ITensor> =
        Method::on_implementation("ILayer", "getInput", [at(6), at(6), at(6), at(6), at(6)]);
    /// `int getNbOutputs() const`.
    pub const GET_NB_OUTPUTS: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("ILayer", "getNbOutputs", [at(7), at(7), at(7), at(7), at(7)]);
    /// `ITensor *getOutput(int) const`.
    pub const GET_OUTPUT: Method<Self, unsafe extern "C" fn(This, i32) -> *mut ITensor> =
        Method::on_implementation("ILayer", "getOutput", [at(8), at(8), at(8), at(8), at(8)]);
    /// `void setPrecision(DataType)`.
    pub const SET_PRECISION: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("ILayer", "setPrecision", [at(10), at(10), NONE, at(10), NONE]);
    /// `DataType getPrecision() const`.
    pub const GET_PRECISION: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("ILayer", "getPrecision", [at(11), at(11), NONE, at(11), NONE]);
    /// `void setOutputType(int, DataType)`.
    pub const SET_OUTPUT_TYPE: Method<Self, unsafe extern "C" fn(This, i32, i32)> =
        Method::on_implementation("ILayer", "setOutputType", [at(14), at(14), NONE, at(14), NONE]);
    /// `DataType getOutputType(int) const`.
    pub const GET_OUTPUT_TYPE: Method<Self, unsafe extern "C" fn(This, i32) -> i32> =
        Method::on_implementation("ILayer", "getOutputType", [at(15), at(15), at(10), at(15), at(10)]);
    /// `bool precisionIsSet() const`.
    pub const PRECISION_IS_SET: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("ILayer", "precisionIsSet", [at(12), at(12), NONE, at(12), NONE]);
    /// `void resetPrecision()`.
    pub const RESET_PRECISION: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_implementation("ILayer", "resetPrecision", [at(13), at(13), NONE, at(13), NONE]);
    /// `bool outputTypeIsSet(int) const`.
    pub const OUTPUT_TYPE_IS_SET: Method<Self, unsafe extern "C" fn(This, i32) -> bool> =
        Method::on_implementation("ILayer", "outputTypeIsSet", [at(16), at(16), NONE, at(16), NONE]);
    /// `void resetOutputType(int)`.
    pub const RESET_OUTPUT_TYPE: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("ILayer", "resetOutputType", [at(17), at(17), NONE, at(17), NONE]);
}

/// `IActivationLayer`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IActivationLayer(Derived);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IActivationLayer>() == 24);

impl IActivationLayer {
    /// `ActivationType getActivationType() const`.
    pub const GET_ACTIVATION_TYPE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_own_implementation("IActivationLayer", "getActivationType", [at(3), at(3), at(3), at(3), at(3)]);
}

/// `IPoolingLayer`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IPoolingLayer(Derived);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IPoolingLayer>() == 24);

impl IPoolingLayer {
    /// `PoolingType getPoolingType() const`.
    pub const GET_POOLING_TYPE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_own_implementation("IPoolingLayer", "getPoolingType", [at(3), at(3), at(3), at(3), at(3)]);
}

/// `IResizeLayer`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IResizeLayer(Derived);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IResizeLayer>() == 24);

impl IResizeLayer {
    /// `InterpolationMode getResizeMode() const`.
    pub const GET_RESIZE_MODE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_own_implementation("IResizeLayer", "getResizeMode", [at(7), at(7), at(7), at(7), at(7)]);
}

/// `IOptimizationProfile`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IOptimizationProfile(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IOptimizationProfile>() == 16);

impl IOptimizationProfile {
    /// `bool setDimensions(const char *, OptProfileSelector, Dims32)`.
    pub const SET_DIMENSIONS_TRT8: Method<Self, unsafe extern "C" fn(This, *const c_char, i32, Dims32) -> bool> =
        Method::on_implementation("IOptimizationProfile", "setDimensions", [at(2), NONE, NONE, NONE, NONE]);
    /// `bool setDimensions(const char *, OptProfileSelector, const Dims64 &)`.
    pub const SET_DIMENSIONS: Method<Self, unsafe extern "C" fn(This, *const c_char, i32, *const Dims64) -> bool> =
        Method::on_implementation("IOptimizationProfile", "setDimensions", [NONE, at(2), at(2), at(2), at(2)]);
    /// `Dims32 getDimensions(const char *, OptProfileSelector) const`.
    pub const GET_DIMENSIONS_TRT8: Method<Self, unsafe extern "C" fn(This, *const c_char, i32) -> Dims32> =
        Method::on_implementation("IOptimizationProfile", "getDimensions", [at(3), NONE, NONE, NONE, NONE]);
    /// `Dims64 getDimensions(const char *, OptProfileSelector) const`.
    pub const GET_DIMENSIONS: Method<Self, unsafe extern "C" fn(This, *const c_char, i32) -> Dims64> =
        Method::on_implementation("IOptimizationProfile", "getDimensions", [NONE, at(3), at(3), at(3), at(3)]);
    /// `bool isValid() const`.
    pub const IS_VALID: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("IOptimizationProfile", "isValid", [at(9), at(9), at(7), at(9), at(7)]);
}

/// `IHostMemory`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IHostMemory(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IHostMemory>() == 16);

impl IHostMemory {
    /// The deleting destructor.
    pub const DELETE: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_object("IHostMemory", "~IHostMemory", [at(1), at(1), at(1), at(1), at(1)]);
    /// `void *data() const`.
    pub const DATA: Method<Self, unsafe extern "C" fn(This) -> *mut c_void> =
        Method::on_implementation("IHostMemory", "data", [at(2), at(2), at(2), at(2), at(2)]);
    /// `unsigned long size() const`.
    pub const SIZE: Method<Self, unsafe extern "C" fn(This) -> usize> =
        Method::on_implementation("IHostMemory", "size", [at(3), at(3), at(3), at(3), at(3)]);
    /// `DataType type() const`.
    pub const TYPE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("IHostMemory", "type", [at(4), at(4), at(4), at(4), at(4)]);
}

/// `ITimingCache`.
#[repr(transparent)]
#[derive(Debug)]
pub struct ITimingCache(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<ITimingCache>() == 16);

impl ITimingCache {
    /// The deleting destructor.
    pub const DELETE: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_object("ITimingCache", "~ITimingCache", [at(1), at(1), at(1), at(1), at(1)]);
    /// `IHostMemory *serialize() const`.
    pub const SERIALIZE: Method<Self, unsafe extern "C" fn(This) -> *mut IHostMemory> =
        Method::on_implementation("ITimingCache", "serialize", [at(2), at(2), at(2), at(2), at(2)]);
    /// `bool combine(const ITimingCache &, bool)`.
    pub const COMBINE: Method<Self, unsafe extern "C" fn(This, *mut Self, bool) -> bool> =
        Method::on_implementation("ITimingCache", "combine", [at(3), at(3), at(3), at(3), at(3)]);
    /// `bool reset()`.
    pub const RESET: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("ITimingCache", "reset", [at(4), at(4), at(4), at(4), at(4)]);
}

/// `IRuntime`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IRuntime(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IRuntime>() == 16);

impl IRuntime {
    /// The deleting destructor.
    pub const DELETE: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_object("IRuntime", "~IRuntime", [at(1), at(1), at(1), at(1), at(1)]);
    /// `ICudaEngine *deserializeCudaEngine(const void *, unsigned long, IPluginFactory *)`.
    pub const DESERIALIZE_CUDA_ENGINE_TRT8: Method<Self, unsafe extern "C" fn(This, *const c_void, usize, *mut c_void) -> *mut ICudaEngine> =
        Method::on_implementation("IRuntime", "deserializeCudaEngine", [at(2), NONE, NONE, NONE, NONE]);
    /// `ICudaEngine *deserializeCudaEngine(const void *, unsigned long)`.
    pub const DESERIALIZE_CUDA_ENGINE: Method<Self, unsafe extern "C" fn(This, *const c_void, usize) -> *mut ICudaEngine> =
        Method::on_implementation("IRuntime", "deserializeCudaEngine", [NONE, at(3), at(3), at(3), at(3)]);
    /// `void setDLACore(int)`.
    pub const SET_DLA_CORE: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_implementation("IRuntime", "setDLACore", [at(3), at(5), at(4), at(5), at(4)]);
    /// `void setEngineHostCodeAllowed(bool)`.
    pub const SET_ENGINE_HOST_CODE_ALLOWED: Method<Self, unsafe extern "C" fn(This, bool)> =
        Method::on_implementation("IRuntime", "setEngineHostCodeAllowed", [since(20, 8601), at(21), at(20), at(21), at(20)]);
    /// `IPluginRegistry & getPluginRegistry()`.
    pub const GET_PLUGIN_REGISTRY: Method<Self, unsafe extern "C" fn(This) -> *mut IPluginRegistry> =
        Method::on_implementation("IRuntime", "getPluginRegistry", [since(17, 8601), at(18), at(17), at(18), at(17)]);
}

/// `ICudaEngine`.
#[repr(transparent)]
#[derive(Debug)]
pub struct ICudaEngine(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<ICudaEngine>() == 16);

impl ICudaEngine {
    /// The deleting destructor.
    pub const DELETE: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_object("ICudaEngine", "~ICudaEngine", [at(1), at(1), at(1), at(1), at(1)]);
    /// `int getNbLayers() const`.
    pub const GET_NB_LAYERS: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("ICudaEngine", "getNbLayers", [at(9), at(3), at(3), at(3), at(3)]);
    /// `int getNbIOTensors() const`.
    pub const GET_NB_IO_TENSORS: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("ICudaEngine", "getNbIOTensors", [at(45), at(30), at(26), at(28), at(26)]);
    /// `const char *getIOTensorName(int) const`.
    pub const GET_IO_TENSOR_NAME: Method<Self, unsafe extern "C" fn(This, i32) -> *const c_char> =
        Method::on_implementation("ICudaEngine", "getIOTensorName", [at(46), at(31), at(27), at(29), at(27)]);
    /// `DataType getTensorDataType(const char *) const`.
    pub const GET_TENSOR_DATA_TYPE: Method<Self, unsafe extern "C" fn(This, *const c_char) -> i32> =
        Method::on_implementation("ICudaEngine", "getTensorDataType", [at(35), at(20), at(16), at(18), at(16)]);
    /// `IEngineInspector *createEngineInspector() const`.
    pub const CREATE_ENGINE_INSPECTOR: Method<Self, unsafe extern "C" fn(This) -> *mut IEngineInspector> =
        Method::on_implementation("ICudaEngine", "createEngineInspector", [at(33), at(18), at(14), at(16), at(14)]);
    /// `bool isRefittable() const`.
    pub const IS_REFITTABLE: Method<Self, unsafe extern "C" fn(This) -> bool> =
        Method::on_implementation("ICudaEngine", "isRefittable", [at(15), at(8), at(6), at(6), at(6)]);
    /// `const char *getName() const`.
    pub const GET_NAME: Method<Self, unsafe extern "C" fn(This) -> *const c_char> =
        Method::on_implementation("ICudaEngine", "getName", [at(21), at(9), at(7), at(7), at(7)]);
    /// `int getNbOptimizationProfiles() const`.
    pub const GET_NB_OPTIMIZATION_PROFILES: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("ICudaEngine", "getNbOptimizationProfiles", [at(22), at(10), at(8), at(8), at(8)]);
    /// `Dims32 getTensorShape(const char *) const`.
    pub const GET_TENSOR_SHAPE_TRT8: Method<Self, unsafe extern "C" fn(This, *const c_char) -> Dims32> =
        Method::on_implementation("ICudaEngine", "getTensorShape", [at(34), NONE, NONE, NONE, NONE]);
    /// `Dims64 getTensorShape(const char *) const`.
    pub const GET_TENSOR_SHAPE: Method<Self, unsafe extern "C" fn(This, *const c_char) -> Dims64> =
        Method::on_implementation("ICudaEngine", "getTensorShape", [NONE, at(19), at(15), at(17), at(15)]);
    /// `TensorIOMode getTensorIOMode(const char *) const`.
    pub const GET_TENSOR_IO_MODE: Method<Self, unsafe extern "C" fn(This, *const c_char) -> i32> =
        Method::on_implementation("ICudaEngine", "getTensorIOMode", [at(38), at(23), at(19), at(21), at(19)]);
    /// `Dims32 getProfileShape(const char *, int, OptProfileSelector) const`.
    pub const GET_PROFILE_SHAPE_TRT8: Method<Self, unsafe extern "C" fn(This, *const c_char, i32, i32) -> Dims32> =
        Method::on_implementation("ICudaEngine", "getProfileShape", [at(44), NONE, NONE, NONE, NONE]);
    /// `Dims64 getProfileShape(const char *, int, OptProfileSelector) const`.
    pub const GET_PROFILE_SHAPE: Method<Self, unsafe extern "C" fn(This, *const c_char, i32, i32) -> Dims64> =
        Method::on_implementation("ICudaEngine", "getProfileShape", [NONE, at(29), at(25), at(27), at(25)]);
    /// `HardwareCompatibilityLevel getHardwareCompatibilityLevel() const`.
    pub const GET_HARDWARE_COMPATIBILITY_LEVEL: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_implementation("ICudaEngine", "getHardwareCompatibilityLevel", [since(47, 8601), at(32), at(28), at(30), at(28)]);
}

/// `IEngineInspector`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IEngineInspector(Public);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IEngineInspector>() == 16);

impl IEngineInspector {
    /// The deleting destructor.
    pub const DELETE: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_object("IEngineInspector", "~IEngineInspector", [at(1), at(1), at(1), at(1), at(1)]);
    /// `const char *getLayerInformation(int, LayerInformationFormat) const`.
    pub const GET_LAYER_INFORMATION: Method<Self, unsafe extern "C" fn(This, i32, i32) -> *const c_char> =
        Method::on_implementation("IEngineInspector", "getLayerInformation", [at(4), at(5), at(5), at(5), at(5)]);
    /// `const char *getEngineInformation(LayerInformationFormat) const`.
    pub const GET_ENGINE_INFORMATION: Method<Self, unsafe extern "C" fn(This, i32) -> *const c_char> =
        Method::on_implementation("IEngineInspector", "getEngineInformation", [at(5), at(6), at(6), at(6), at(6)]);
}

/// `IParser`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IParser(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IParser>() == 8);

impl IParser {
    /// The deleting destructor.
    pub const DELETE: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_object("IParser", "~IParser", [at(10), at(9), at(7), at(9), at(7)]);
    /// `bool parse(const void *, unsigned long, const char *)`.
    pub const PARSE: Method<Self, unsafe extern "C" fn(This, *const c_void, usize, *const c_char) -> bool> =
        Method::on_object("IParser", "parse", [at(0), at(0), at(0), at(0), at(0)]);
    /// `bool parseFromFile(const char *, int)`.
    pub const PARSE_FROM_FILE: Method<Self, unsafe extern "C" fn(This, *const c_char, i32) -> bool> =
        Method::on_object("IParser", "parseFromFile", [at(1), at(1), at(1), at(1), at(1)]);
    /// `bool supportsOperator(const char *) const`.
    pub const SUPPORTS_OPERATOR: Method<Self, unsafe extern "C" fn(This, *const c_char) -> bool> =
        Method::on_object("IParser", "supportsOperator", [at(4), at(4), at(2), at(4), at(2)]);
    /// `int getNbErrors() const`.
    pub const GET_NB_ERRORS: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_object("IParser", "getNbErrors", [at(6), at(5), at(3), at(5), at(3)]);
    /// `const IParserError *getError(int) const`.
    pub const GET_ERROR: Method<Self, unsafe extern "C" fn(This, i32) -> *mut IParserError> =
        Method::on_object("IParser", "getError", [at(7), at(6), at(4), at(6), at(4)]);
    /// `void clearErrors()`.
    pub const CLEAR_ERRORS: Method<Self, unsafe extern "C" fn(This)> =
        Method::on_object("IParser", "clearErrors", [at(8), at(7), at(5), at(7), at(5)]);
    /// `void setFlag(OnnxParserFlag)`.
    pub const SET_FLAG: Method<Self, unsafe extern "C" fn(This, i32)> =
        Method::on_object("IParser", "setFlag", [since(15, 8601), at(14), at(12), at(14), at(12)]);
    /// `bool getFlag(OnnxParserFlag) const`.
    pub const GET_FLAG: Method<Self, unsafe extern "C" fn(This, i32) -> bool> =
        Method::on_object("IParser", "getFlag", [since(16, 8601), at(15), at(13), at(15), at(13)]);
    /// `bool setBuilderConfig(const IBuilderConfig *)`.
    pub const SET_BUILDER_CONFIG: Method<Self, unsafe extern "C" fn(This, *mut IBuilderConfig) -> bool> =
        Method::on_object("IParser", "setBuilderConfig", [NONE, since(24, 101500), at(22), at(24), at(22)]);
}

/// `IParserError`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IParserError(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IParserError>() == 8);

impl IParserError {
    /// `ErrorCode code() const`.
    pub const CODE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_object("IParserError", "code", [at(0), at(0), at(0), at(0), at(0)]);
    /// `const char *desc() const`.
    pub const DESC: Method<Self, unsafe extern "C" fn(This) -> *const c_char> =
        Method::on_object("IParserError", "desc", [at(1), at(1), at(1), at(1), at(1)]);
    /// `const char *file() const`.
    pub const FILE: Method<Self, unsafe extern "C" fn(This) -> *const c_char> =
        Method::on_object("IParserError", "file", [at(2), at(2), at(2), at(2), at(2)]);
    /// `int line() const`.
    pub const LINE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_object("IParserError", "line", [at(3), at(3), at(3), at(3), at(3)]);
    /// `const char *func() const`.
    pub const FUNC: Method<Self, unsafe extern "C" fn(This) -> *const c_char> =
        Method::on_object("IParserError", "func", [at(4), at(4), at(4), at(4), at(4)]);
    /// `int node() const`.
    pub const NODE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_object("IParserError", "node", [at(5), at(5), at(5), at(5), at(5)]);
    /// `const char *nodeName() const`.
    pub const NODE_NAME: Method<Self, unsafe extern "C" fn(This) -> *const c_char> =
        Method::on_object("IParserError", "nodeName", [since(6, 9300), at(6), at(6), at(6), at(6)]);
    /// `const char *nodeOperator() const`.
    pub const NODE_OPERATOR: Method<Self, unsafe extern "C" fn(This) -> *const c_char> =
        Method::on_object("IParserError", "nodeOperator", [since(7, 9300), at(7), at(7), at(7), at(7)]);
}

/// `ILogger`.
#[repr(transparent)]
#[derive(Debug)]
pub struct ILogger(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<ILogger>() == 8);

impl ILogger {
    /// What `getInterfaceInfo` answers, where the interface is a versioned one.
    pub const IDENTITY: [Option<Identity>; 5] = [
        None,
        None,
        Some(Identity::new(c"ILogger", 1, 0)),
        None,
        Some(Identity::new(c"ILogger", 1, 0)),
    ];
    /// `void log(ILogger::Severity, const char *)`.
    pub const LOG: Method<Self, unsafe extern "C" fn(This, i32, *const c_char)> =
        Method::on_object("ILogger", "log", [at(0), at(0), at(4), at(0), at(4)]);
}

/// `IProgressMonitor`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IProgressMonitor(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IProgressMonitor>() == 8);

impl IProgressMonitor {
    /// What `getInterfaceInfo` answers, where the interface is a versioned one.
    pub const IDENTITY: [Option<Identity>; 5] = [
        None,
        Some(Identity::new(c"IProgressMonitor", 1, 0)),
        Some(Identity::new(c"IProgressMonitor", 1, 0)),
        Some(Identity::new(c"IProgressMonitor", 1, 0)),
        Some(Identity::new(c"IProgressMonitor", 1, 0)),
    ];
    /// `void phaseStart(const char *, const char *, int)`.
    pub const PHASE_START: Method<Self, unsafe extern "C" fn(This, *const c_char, *const c_char, i32)> =
        Method::on_object("IProgressMonitor", "phaseStart", [since(2, 9300), at(4), at(4), at(4), at(4)]);
    /// `bool stepComplete(const char *, int)`.
    pub const STEP_COMPLETE: Method<Self, unsafe extern "C" fn(This, *const c_char, i32) -> bool> =
        Method::on_object("IProgressMonitor", "stepComplete", [since(3, 9300), at(5), at(5), at(5), at(5)]);
    /// `void phaseFinish(const char *)`.
    pub const PHASE_FINISH: Method<Self, unsafe extern "C" fn(This, *const c_char)> =
        Method::on_object("IProgressMonitor", "phaseFinish", [since(4, 9300), at(6), at(6), at(6), at(6)]);
}

/// `IInt8Calibrator`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IInt8Calibrator(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IInt8Calibrator>() == 8);

impl IInt8Calibrator {
    /// `int getBatchSize() const`.
    pub const GET_BATCH_SIZE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_object("IInt8Calibrator", "getBatchSize", [at(0), at(4), NONE, NONE, NONE]);
    /// `bool getBatch(void **, const char **, int)`.
    pub const GET_BATCH: Method<Self, unsafe extern "C" fn(This, *mut *mut c_void, *mut *const c_char, i32) -> bool> =
        Method::on_object("IInt8Calibrator", "getBatch", [at(1), at(5), NONE, NONE, NONE]);
    /// `const void *readCalibrationCache(unsigned long &)`.
    pub const READ_CALIBRATION_CACHE: Method<Self, unsafe extern "C" fn(This, *mut usize) -> *const c_void> =
        Method::on_object("IInt8Calibrator", "readCalibrationCache", [at(2), at(6), NONE, NONE, NONE]);
    /// `void writeCalibrationCache(const void *, unsigned long)`.
    pub const WRITE_CALIBRATION_CACHE: Method<Self, unsafe extern "C" fn(This, *const c_void, usize)> =
        Method::on_object("IInt8Calibrator", "writeCalibrationCache", [at(3), at(7), NONE, NONE, NONE]);
    /// `CalibrationAlgoType getAlgorithm()`.
    pub const GET_ALGORITHM: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_object("IInt8Calibrator", "getAlgorithm", [at(4), at(8), NONE, NONE, NONE]);
}

/// `IInt8EntropyCalibrator`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IInt8EntropyCalibrator(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IInt8EntropyCalibrator>() == 8);

impl IInt8EntropyCalibrator {
    /// What `getInterfaceInfo` answers, where the interface is a versioned one.
    pub const IDENTITY: [Option<Identity>; 5] = [
        None,
        Some(Identity::new(c"IInt8EntropyCalibrator", 1, 0)),
        None,
        None,
        None,
    ];
}

/// `IInt8EntropyCalibrator2`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IInt8EntropyCalibrator2(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IInt8EntropyCalibrator2>() == 8);

impl IInt8EntropyCalibrator2 {
    /// What `getInterfaceInfo` answers, where the interface is a versioned one.
    pub const IDENTITY: [Option<Identity>; 5] = [
        None,
        Some(Identity::new(c"IInt8EntropyCalibrator2", 1, 0)),
        None,
        None,
        None,
    ];
}

/// `IInt8MinMaxCalibrator`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IInt8MinMaxCalibrator(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IInt8MinMaxCalibrator>() == 8);

impl IInt8MinMaxCalibrator {
    /// What `getInterfaceInfo` answers, where the interface is a versioned one.
    pub const IDENTITY: [Option<Identity>; 5] = [
        None,
        Some(Identity::new(c"IInt8MinMaxCalibrator", 1, 0)),
        None,
        None,
        None,
    ];
}

/// `IInt8LegacyCalibrator`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IInt8LegacyCalibrator(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IInt8LegacyCalibrator>() == 8);

impl IInt8LegacyCalibrator {
    /// What `getInterfaceInfo` answers, where the interface is a versioned one.
    pub const IDENTITY: [Option<Identity>; 5] = [
        None,
        Some(Identity::new(c"IInt8Calibrator", 1, 0)),
        None,
        None,
        None,
    ];
    /// `double getQuantile() const`.
    pub const GET_QUANTILE: Method<Self, unsafe extern "C" fn(This) -> f64> =
        Method::on_object("IInt8LegacyCalibrator", "getQuantile", [at(7), at(9), NONE, NONE, NONE]);
    /// `double getRegressionCutoff() const`.
    pub const GET_REGRESSION_CUTOFF: Method<Self, unsafe extern "C" fn(This) -> f64> =
        Method::on_object("IInt8LegacyCalibrator", "getRegressionCutoff", [at(8), at(10), NONE, NONE, NONE]);
    /// `const void *readHistogramCache(unsigned long &)`.
    pub const READ_HISTOGRAM_CACHE: Method<Self, unsafe extern "C" fn(This, *mut usize) -> *const c_void> =
        Method::on_object("IInt8LegacyCalibrator", "readHistogramCache", [at(9), at(11), NONE, NONE, NONE]);
    /// `void writeHistogramCache(const void *, unsigned long)`.
    pub const WRITE_HISTOGRAM_CACHE: Method<Self, unsafe extern "C" fn(This, *const c_void, usize)> =
        Method::on_object("IInt8LegacyCalibrator", "writeHistogramCache", [at(10), at(12), NONE, NONE, NONE]);
}

/// `IPluginRegistry`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IPluginRegistry(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IPluginRegistry>() == 8);

impl IPluginRegistry {
    /// `void *loadLibrary(const char *)`.
    pub const LOAD_LIBRARY: Method<Self, unsafe extern "C" fn(This, *const c_char) -> *mut c_void> =
        Method::on_object("IPluginRegistry", "loadLibrary", [since(10, 8601), at(10), at(6), at(10), at(6)]);
    /// `void deregisterLibrary(void *)`.
    pub const DEREGISTER_LIBRARY: Method<Self, unsafe extern "C" fn(This, *mut c_void)> =
        Method::on_object("IPluginRegistry", "deregisterLibrary", [since(11, 8601), at(11), at(7), at(11), at(7)]);
}

/// `IVersionedInterface`.
#[repr(transparent)]
#[derive(Debug)]
pub struct IVersionedInterface(Direct);

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<IVersionedInterface>() == 8);

impl IVersionedInterface {
    /// `APILanguage getAPILanguage() const`.
    pub const GET_API_LANGUAGE: Method<Self, unsafe extern "C" fn(This) -> i32> =
        Method::on_object("IVersionedInterface", "getAPILanguage", [NONE, at(0), at(0), at(0), at(0)]);
    /// `InterfaceInfo getInterfaceInfo() const`.
    pub const GET_INTERFACE_INFO: Method<Self, unsafe extern "C" fn(This) -> InterfaceInfo> =
        Method::on_object("IVersionedInterface", "getInterfaceInfo", [NONE, at(1), at(1), at(1), at(1)]);
}
