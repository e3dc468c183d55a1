//! Enumerations and the number of each enumerator in every generation.
//!
//! Written by `cargo xtask codegen tensorrt` from `fixtures/tensorrt/enums.tsv`; not to be edited.

use crate::enumeration::Enumeration;
use crate::table::{NONE, Row, at, since};

/// `nvinfer1::DataType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DataType {
    /// `kFLOAT`.
    Float,
    /// `kHALF`.
    Half,
    /// `kINT8`.
    Int8,
    /// `kINT32`.
    Int32,
    /// `kBOOL`.
    Bool,
    /// `kUINT8`.
    Uint8,
    /// `kFP8`.
    Fp8,
    /// `kBF16`.
    Bf16,
    /// `kINT64`.
    Int64,
    /// `kINT4`.
    Int4,
    /// `kFP4`.
    Fp4,
    /// `kE8M0`.
    E8m0,
}

impl Enumeration for DataType {
    const NAME: &'static str = "DataType";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Float, "kFLOAT", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::Half, "kHALF", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::Int8, "kINT8", [at(2), at(2), at(2), at(2), at(2)]),
        (Self::Int32, "kINT32", [at(3), at(3), at(3), at(3), at(3)]),
        (Self::Bool, "kBOOL", [at(4), at(4), at(4), at(4), at(4)]),
        (Self::Uint8, "kUINT8", [at(5), at(5), at(5), at(5), at(5)]),
        (Self::Fp8, "kFP8", [since(6, 8601), at(6), at(6), at(6), at(6)]),
        (Self::Bf16, "kBF16", [since(7, 9300), at(7), at(7), at(7), at(7)]),
        (Self::Int64, "kINT64", [since(8, 9300), at(8), at(8), at(8), at(8)]),
        (Self::Int4, "kINT4", [NONE, at(9), at(9), at(9), at(9)]),
        (Self::Fp4, "kFP4", [NONE, since(10, 100800), at(10), at(10), at(10)]),
        (Self::E8m0, "kE8M0", [NONE, since(11, 101200), at(11), at(11), at(11)]),
    ];
}

/// `nvinfer1::BuilderFlag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BuilderFlag {
    /// `kFP16`.
    Fp16,
    /// `kINT8`.
    Int8,
    /// `kDEBUG`.
    Debug,
    /// `kGPU_FALLBACK`.
    GpuFallback,
    /// `kSTRICT_TYPES`.
    StrictTypes,
    /// `kREFIT`.
    Refit,
    /// `kDISABLE_TIMING_CACHE`.
    DisableTimingCache,
    /// `kTF32`.
    Tf32,
    /// `kSPARSE_WEIGHTS`.
    SparseWeights,
    /// `kSAFETY_SCOPE`.
    SafetyScope,
    /// `kOBEY_PRECISION_CONSTRAINTS`.
    ObeyPrecisionConstraints,
    /// `kPREFER_PRECISION_CONSTRAINTS`.
    PreferPrecisionConstraints,
    /// `kDIRECT_IO`.
    DirectIo,
    /// `kREJECT_EMPTY_ALGORITHMS`.
    RejectEmptyAlgorithms,
    /// `kENABLE_TACTIC_HEURISTIC`.
    EnableTacticHeuristic,
    /// `kVERSION_COMPATIBLE`.
    VersionCompatible,
    /// `kEXCLUDE_LEAN_RUNTIME`.
    ExcludeLeanRuntime,
    /// `kFP8`.
    Fp8,
    /// `kERROR_ON_TIMING_CACHE_MISS`.
    ErrorOnTimingCacheMiss,
    /// `kBF16`.
    Bf16,
    /// `kDISABLE_COMPILATION_CACHE`.
    DisableCompilationCache,
    /// `kSTRIP_PLAN`.
    StripPlan,
    /// `kREFIT_IDENTICAL`.
    RefitIdentical,
    /// `kWEIGHT_STREAMING`.
    WeightStreaming,
    /// `kINT4`.
    Int4,
    /// `kREFIT_INDIVIDUAL`.
    RefitIndividual,
    /// `kSTRICT_NANS`.
    StrictNans,
    /// `kMONITOR_MEMORY`.
    MonitorMemory,
    /// `kFP4`.
    Fp4,
    /// `kEDITABLE_TIMING_CACHE`.
    EditableTimingCache,
    /// `kDISTRIBUTIVE_INDEPENDENCE`.
    DistributiveIndependence,
    /// `kREQUIRE_USER_ALLOCATION`.
    RequireUserAllocation,
}

impl Enumeration for BuilderFlag {
    const NAME: &'static str = "BuilderFlag";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Fp16, "kFP16", [at(0), at(0), NONE, at(0), NONE]),
        (Self::Int8, "kINT8", [at(1), at(1), NONE, at(1), NONE]),
        (Self::Debug, "kDEBUG", [at(2), at(2), at(2), at(2), at(2)]),
        (Self::GpuFallback, "kGPU_FALLBACK", [at(3), at(3), at(3), at(3), at(3)]),
        (Self::StrictTypes, "kSTRICT_TYPES", [at(4), NONE, NONE, NONE, NONE]),
        (Self::Refit, "kREFIT", [at(5), at(4), at(4), at(4), at(4)]),
        (Self::DisableTimingCache, "kDISABLE_TIMING_CACHE", [at(6), at(5), at(5), at(5), at(5)]),
        (Self::Tf32, "kTF32", [at(7), at(6), at(6), at(6), at(6)]),
        (Self::SparseWeights, "kSPARSE_WEIGHTS", [at(8), at(7), at(7), at(7), at(7)]),
        (Self::SafetyScope, "kSAFETY_SCOPE", [at(9), at(8), at(8), at(8), at(8)]),
        (Self::ObeyPrecisionConstraints, "kOBEY_PRECISION_CONSTRAINTS", [at(10), at(9), NONE, at(9), NONE]),
        (Self::PreferPrecisionConstraints, "kPREFER_PRECISION_CONSTRAINTS", [at(11), at(10), NONE, at(10), NONE]),
        (Self::DirectIo, "kDIRECT_IO", [at(12), at(11), at(11), at(11), at(11)]),
        (Self::RejectEmptyAlgorithms, "kREJECT_EMPTY_ALGORITHMS", [at(13), at(12), NONE, at(12), NONE]),
        (Self::EnableTacticHeuristic, "kENABLE_TACTIC_HEURISTIC", [at(14), NONE, NONE, NONE, NONE]),
        (Self::VersionCompatible, "kVERSION_COMPATIBLE", [since(15, 8601), at(13), at(12), at(13), at(12)]),
        (Self::ExcludeLeanRuntime, "kEXCLUDE_LEAN_RUNTIME", [since(16, 8601), at(14), at(13), at(14), at(13)]),
        (Self::Fp8, "kFP8", [since(17, 8601), at(15), NONE, at(15), NONE]),
        (Self::ErrorOnTimingCacheMiss, "kERROR_ON_TIMING_CACHE_MISS", [since(18, 9300), at(16), at(15), at(16), at(15)]),
        (Self::Bf16, "kBF16", [since(19, 9300), at(17), NONE, at(17), NONE]),
        (Self::DisableCompilationCache, "kDISABLE_COMPILATION_CACHE", [since(20, 9300), at(18), at(17), at(18), at(17)]),
        (Self::StripPlan, "kSTRIP_PLAN", [NONE, at(19), at(18), at(19), at(18)]),
        (Self::RefitIdentical, "kREFIT_IDENTICAL", [NONE, at(20), at(19), at(20), at(19)]),
        (Self::WeightStreaming, "kWEIGHT_STREAMING", [NONE, at(21), at(20), at(21), at(20)]),
        (Self::Int4, "kINT4", [NONE, since(22, 100100), NONE, at(22), NONE]),
        (Self::RefitIndividual, "kREFIT_INDIVIDUAL", [NONE, since(23, 100200), at(22), at(23), at(22)]),
        (Self::StrictNans, "kSTRICT_NANS", [NONE, since(24, 100600), at(23), at(24), at(23)]),
        (Self::MonitorMemory, "kMONITOR_MEMORY", [NONE, since(25, 100600), at(24), at(25), at(24)]),
        (Self::Fp4, "kFP4", [NONE, since(26, 100800), NONE, at(26), NONE]),
        (Self::EditableTimingCache, "kEDITABLE_TIMING_CACHE", [NONE, since(27, 100800), at(26), at(27), at(26)]),
        (Self::DistributiveIndependence, "kDISTRIBUTIVE_INDEPENDENCE", [NONE, since(28, 101200), at(27), at(28), at(27)]),
        (Self::RequireUserAllocation, "kREQUIRE_USER_ALLOCATION", [NONE, NONE, NONE, NONE, at(28)]),
    ];
}

/// `nvinfer1::NetworkDefinitionCreationFlag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NetworkDefinitionCreationFlag {
    /// `kEXPLICIT_BATCH`.
    ExplicitBatch,
    /// `kEXPLICIT_PRECISION`.
    ExplicitPrecision,
    /// `kSTRONGLY_TYPED`.
    StronglyTyped,
    /// `kPREFER_JIT_PYTHON_PLUGINS`.
    PreferJitPythonPlugins,
    /// `kPREFER_AOT_PYTHON_PLUGINS`.
    PreferAotPythonPlugins,
}

impl Enumeration for NetworkDefinitionCreationFlag {
    const NAME: &'static str = "NetworkDefinitionCreationFlag";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::ExplicitBatch, "kEXPLICIT_BATCH", [at(0), at(0), NONE, at(0), NONE]),
        (Self::ExplicitPrecision, "kEXPLICIT_PRECISION", [at(1), NONE, NONE, NONE, NONE]),
        (Self::StronglyTyped, "kSTRONGLY_TYPED", [since(2, 9300), at(1), at(0), at(1), at(0)]),
        (Self::PreferJitPythonPlugins, "kPREFER_JIT_PYTHON_PLUGINS", [NONE, since(2, 100900), at(1), NONE, NONE]),
        (Self::PreferAotPythonPlugins, "kPREFER_AOT_PYTHON_PLUGINS", [NONE, since(3, 100900), at(2), NONE, NONE]),
    ];
}

/// `nvinfer1::MemoryPoolType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MemoryPoolType {
    /// `kWORKSPACE`.
    Workspace,
    /// `kDLA_MANAGED_SRAM`.
    DlaManagedSram,
    /// `kDLA_LOCAL_DRAM`.
    DlaLocalDram,
    /// `kDLA_GLOBAL_DRAM`.
    DlaGlobalDram,
    /// `kTACTIC_DRAM`.
    TacticDram,
    /// `kTACTIC_SHARED_MEMORY`.
    TacticSharedMemory,
}

impl Enumeration for MemoryPoolType {
    const NAME: &'static str = "MemoryPoolType";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Workspace, "kWORKSPACE", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::DlaManagedSram, "kDLA_MANAGED_SRAM", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::DlaLocalDram, "kDLA_LOCAL_DRAM", [at(2), at(2), at(2), at(2), at(2)]),
        (Self::DlaGlobalDram, "kDLA_GLOBAL_DRAM", [at(3), at(3), at(3), at(3), at(3)]),
        (Self::TacticDram, "kTACTIC_DRAM", [since(4, 8601), at(4), at(4), at(4), at(4)]),
        (Self::TacticSharedMemory, "kTACTIC_SHARED_MEMORY", [NONE, at(5), at(5), at(5), at(5)]),
    ];
}

/// `nvinfer1::OptProfileSelector`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OptProfileSelector {
    /// `kMIN`.
    Min,
    /// `kOPT`.
    Opt,
    /// `kMAX`.
    Max,
}

impl Enumeration for OptProfileSelector {
    const NAME: &'static str = "OptProfileSelector";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Min, "kMIN", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::Opt, "kOPT", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::Max, "kMAX", [at(2), at(2), at(2), at(2), at(2)]),
    ];
}

/// `nvinfer1::ProfilingVerbosity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProfilingVerbosity {
    /// `kLAYER_NAMES_ONLY`.
    LayerNamesOnly,
    /// `kNONE`.
    None,
    /// `kDETAILED`.
    Detailed,
}

impl Enumeration for ProfilingVerbosity {
    const NAME: &'static str = "ProfilingVerbosity";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::LayerNamesOnly, "kLAYER_NAMES_ONLY", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::None, "kNONE", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::Detailed, "kDETAILED", [at(2), at(2), at(2), at(2), at(2)]),
    ];
}

/// `nvinfer1::ILogger::Severity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// `kINTERNAL_ERROR`.
    InternalError,
    /// `kERROR`.
    Error,
    /// `kWARNING`.
    Warning,
    /// `kINFO`.
    Info,
    /// `kVERBOSE`.
    Verbose,
}

impl Enumeration for Severity {
    const NAME: &'static str = "Severity";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::InternalError, "kINTERNAL_ERROR", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::Error, "kERROR", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::Warning, "kWARNING", [at(2), at(2), at(2), at(2), at(2)]),
        (Self::Info, "kINFO", [at(3), at(3), at(3), at(3), at(3)]),
        (Self::Verbose, "kVERBOSE", [at(4), at(4), at(4), at(4), at(4)]),
    ];
}

/// `nvinfer1::LayerType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LayerType {
    /// `kCONVOLUTION`.
    Convolution,
    /// `kFULLY_CONNECTED`.
    FullyConnected,
    /// `kACTIVATION`.
    Activation,
    /// `kPOOLING`.
    Pooling,
    /// `kLRN`.
    Lrn,
    /// `kSCALE`.
    Scale,
    /// `kSOFTMAX`.
    Softmax,
    /// `kDECONVOLUTION`.
    Deconvolution,
    /// `kCONCATENATION`.
    Concatenation,
    /// `kELEMENTWISE`.
    Elementwise,
    /// `kPLUGIN`.
    Plugin,
    /// `kUNARY`.
    Unary,
    /// `kPADDING`.
    Padding,
    /// `kSHUFFLE`.
    Shuffle,
    /// `kREDUCE`.
    Reduce,
    /// `kTOPK`.
    Topk,
    /// `kGATHER`.
    Gather,
    /// `kMATRIX_MULTIPLY`.
    MatrixMultiply,
    /// `kRAGGED_SOFTMAX`.
    RaggedSoftmax,
    /// `kCONSTANT`.
    Constant,
    /// `kRNN_V2`.
    RnnV2,
    /// `kIDENTITY`.
    Identity,
    /// `kPLUGIN_V2`.
    PluginV2,
    /// `kSLICE`.
    Slice,
    /// `kSHAPE`.
    Shape,
    /// `kPARAMETRIC_RELU`.
    ParametricRelu,
    /// `kRESIZE`.
    Resize,
    /// `kTRIP_LIMIT`.
    TripLimit,
    /// `kRECURRENCE`.
    Recurrence,
    /// `kITERATOR`.
    Iterator,
    /// `kLOOP_OUTPUT`.
    LoopOutput,
    /// `kSELECT`.
    Select,
    /// `kFILL`.
    Fill,
    /// `kQUANTIZE`.
    Quantize,
    /// `kDEQUANTIZE`.
    Dequantize,
    /// `kCONDITION`.
    Condition,
    /// `kCONDITIONAL_INPUT`.
    ConditionalInput,
    /// `kCONDITIONAL_OUTPUT`.
    ConditionalOutput,
    /// `kSCATTER`.
    Scatter,
    /// `kEINSUM`.
    Einsum,
    /// `kASSERTION`.
    Assertion,
    /// `kONE_HOT`.
    OneHot,
    /// `kNON_ZERO`.
    NonZero,
    /// `kGRID_SAMPLE`.
    GridSample,
    /// `kNMS`.
    Nms,
    /// `kREVERSE_SEQUENCE`.
    ReverseSequence,
    /// `kNORMALIZATION`.
    Normalization,
    /// `kCAST`.
    Cast,
    /// `kPLUGIN_V3`.
    PluginV3,
    /// `kSQUEEZE`.
    Squeeze,
    /// `kUNSQUEEZE`.
    Unsqueeze,
    /// `kCUMULATIVE`.
    Cumulative,
    /// `kDYNAMIC_QUANTIZE`.
    DynamicQuantize,
    /// `kATTENTION_INPUT`.
    AttentionInput,
    /// `kATTENTION_OUTPUT`.
    AttentionOutput,
    /// `kROTARY_EMBEDDING`.
    RotaryEmbedding,
    /// `kKVCACHE_UPDATE`.
    KvcacheUpdate,
    /// `kMOE`.
    Moe,
    /// `kDIST_COLLECTIVE`.
    DistCollective,
}

impl Enumeration for LayerType {
    const NAME: &'static str = "LayerType";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Convolution, "kCONVOLUTION", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::FullyConnected, "kFULLY_CONNECTED", [at(1), NONE, NONE, NONE, NONE]),
        (Self::Activation, "kACTIVATION", [at(2), at(2), at(2), at(2), at(2)]),
        (Self::Pooling, "kPOOLING", [at(3), at(3), at(3), at(3), at(3)]),
        (Self::Lrn, "kLRN", [at(4), at(4), at(4), at(4), at(4)]),
        (Self::Scale, "kSCALE", [at(5), at(5), at(5), at(5), at(5)]),
        (Self::Softmax, "kSOFTMAX", [at(6), at(6), at(6), at(6), at(6)]),
        (Self::Deconvolution, "kDECONVOLUTION", [at(7), at(7), at(7), at(7), at(7)]),
        (Self::Concatenation, "kCONCATENATION", [at(8), at(8), at(8), at(8), at(8)]),
        (Self::Elementwise, "kELEMENTWISE", [at(9), at(9), at(9), at(9), at(9)]),
        (Self::Plugin, "kPLUGIN", [at(10), at(10), at(10), at(10), at(10)]),
        (Self::Unary, "kUNARY", [at(11), at(11), at(11), at(11), at(11)]),
        (Self::Padding, "kPADDING", [at(12), at(12), at(12), at(12), at(12)]),
        (Self::Shuffle, "kSHUFFLE", [at(13), at(13), at(13), at(13), at(13)]),
        (Self::Reduce, "kREDUCE", [at(14), at(14), at(14), at(14), at(14)]),
        (Self::Topk, "kTOPK", [at(15), at(15), at(15), at(15), at(15)]),
        (Self::Gather, "kGATHER", [at(16), at(16), at(16), at(16), at(16)]),
        (Self::MatrixMultiply, "kMATRIX_MULTIPLY", [at(17), at(17), at(17), at(17), at(17)]),
        (Self::RaggedSoftmax, "kRAGGED_SOFTMAX", [at(18), at(18), at(18), at(18), at(18)]),
        (Self::Constant, "kCONSTANT", [at(19), at(19), at(19), at(19), at(19)]),
        (Self::RnnV2, "kRNN_V2", [at(20), NONE, NONE, NONE, NONE]),
        (Self::Identity, "kIDENTITY", [at(21), at(20), at(20), at(20), at(20)]),
        (Self::PluginV2, "kPLUGIN_V2", [at(22), at(21), at(21), at(21), at(21)]),
        (Self::Slice, "kSLICE", [at(23), at(22), at(22), at(22), at(22)]),
        (Self::Shape, "kSHAPE", [at(24), at(23), at(23), at(23), at(23)]),
        (Self::ParametricRelu, "kPARAMETRIC_RELU", [at(25), at(24), at(24), at(24), at(24)]),
        (Self::Resize, "kRESIZE", [at(26), at(25), at(25), at(25), at(25)]),
        (Self::TripLimit, "kTRIP_LIMIT", [at(27), at(26), at(26), at(26), at(26)]),
        (Self::Recurrence, "kRECURRENCE", [at(28), at(27), at(27), at(27), at(27)]),
        (Self::Iterator, "kITERATOR", [at(29), at(28), at(28), at(28), at(28)]),
        (Self::LoopOutput, "kLOOP_OUTPUT", [at(30), at(29), at(29), at(29), at(29)]),
        (Self::Select, "kSELECT", [at(31), at(30), at(30), at(30), at(30)]),
        (Self::Fill, "kFILL", [at(32), at(31), at(31), at(31), at(31)]),
        (Self::Quantize, "kQUANTIZE", [at(33), at(32), at(32), at(32), at(32)]),
        (Self::Dequantize, "kDEQUANTIZE", [at(34), at(33), at(33), at(33), at(33)]),
        (Self::Condition, "kCONDITION", [at(35), at(34), at(34), at(34), at(34)]),
        (Self::ConditionalInput, "kCONDITIONAL_INPUT", [at(36), at(35), at(35), at(35), at(35)]),
        (Self::ConditionalOutput, "kCONDITIONAL_OUTPUT", [at(37), at(36), at(36), at(36), at(36)]),
        (Self::Scatter, "kSCATTER", [at(38), at(37), at(37), at(37), at(37)]),
        (Self::Einsum, "kEINSUM", [at(39), at(38), at(38), at(38), at(38)]),
        (Self::Assertion, "kASSERTION", [at(40), at(39), at(39), at(39), at(39)]),
        (Self::OneHot, "kONE_HOT", [at(41), at(40), at(40), at(40), at(40)]),
        (Self::NonZero, "kNON_ZERO", [at(42), at(41), at(41), at(41), at(41)]),
        (Self::GridSample, "kGRID_SAMPLE", [at(43), at(42), at(42), at(42), at(42)]),
        (Self::Nms, "kNMS", [at(44), at(43), at(43), at(43), at(43)]),
        (Self::ReverseSequence, "kREVERSE_SEQUENCE", [since(45, 8601), at(44), at(44), at(44), at(44)]),
        (Self::Normalization, "kNORMALIZATION", [since(46, 8601), at(45), at(45), at(45), at(45)]),
        (Self::Cast, "kCAST", [since(47, 8601), at(1), at(1), at(1), at(1)]),
        (Self::PluginV3, "kPLUGIN_V3", [NONE, at(46), at(46), at(46), at(46)]),
        (Self::Squeeze, "kSQUEEZE", [NONE, since(47, 100700), at(47), at(47), at(47)]),
        (Self::Unsqueeze, "kUNSQUEEZE", [NONE, since(48, 100700), at(48), at(48), at(48)]),
        (Self::Cumulative, "kCUMULATIVE", [NONE, since(49, 100800), at(49), at(49), at(49)]),
        (Self::DynamicQuantize, "kDYNAMIC_QUANTIZE", [NONE, since(50, 100800), at(50), at(50), at(50)]),
        (Self::AttentionInput, "kATTENTION_INPUT", [NONE, since(51, 101400), at(51), at(51), at(51)]),
        (Self::AttentionOutput, "kATTENTION_OUTPUT", [NONE, since(52, 101400), at(52), at(52), at(52)]),
        (Self::RotaryEmbedding, "kROTARY_EMBEDDING", [NONE, since(53, 101500), at(53), at(53), at(53)]),
        (Self::KvcacheUpdate, "kKVCACHE_UPDATE", [NONE, since(54, 101500), at(54), at(54), at(54)]),
        (Self::Moe, "kMOE", [NONE, since(55, 101600), at(55), since(55, 10400), at(55)]),
        (Self::DistCollective, "kDIST_COLLECTIVE", [NONE, since(56, 101600), at(56), since(56, 10400), at(56)]),
    ];
}

/// `nvinfer1::ActivationType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ActivationType {
    /// `kRELU`.
    Relu,
    /// `kSIGMOID`.
    Sigmoid,
    /// `kTANH`.
    Tanh,
    /// `kLEAKY_RELU`.
    LeakyRelu,
    /// `kELU`.
    Elu,
    /// `kSELU`.
    Selu,
    /// `kSOFTSIGN`.
    Softsign,
    /// `kSOFTPLUS`.
    Softplus,
    /// `kCLIP`.
    Clip,
    /// `kHARD_SIGMOID`.
    HardSigmoid,
    /// `kSCALED_TANH`.
    ScaledTanh,
    /// `kTHRESHOLDED_RELU`.
    ThresholdedRelu,
    /// `kGELU_ERF`.
    GeluErf,
    /// `kGELU_TANH`.
    GeluTanh,
}

impl Enumeration for ActivationType {
    const NAME: &'static str = "ActivationType";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Relu, "kRELU", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::Sigmoid, "kSIGMOID", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::Tanh, "kTANH", [at(2), at(2), at(2), at(2), at(2)]),
        (Self::LeakyRelu, "kLEAKY_RELU", [at(3), at(3), at(3), at(3), at(3)]),
        (Self::Elu, "kELU", [at(4), at(4), at(4), at(4), at(4)]),
        (Self::Selu, "kSELU", [at(5), at(5), at(5), at(5), at(5)]),
        (Self::Softsign, "kSOFTSIGN", [at(6), at(6), at(6), at(6), at(6)]),
        (Self::Softplus, "kSOFTPLUS", [at(7), at(7), at(7), at(7), at(7)]),
        (Self::Clip, "kCLIP", [at(8), at(8), at(8), at(8), at(8)]),
        (Self::HardSigmoid, "kHARD_SIGMOID", [at(9), at(9), at(9), at(9), at(9)]),
        (Self::ScaledTanh, "kSCALED_TANH", [at(10), at(10), at(10), at(10), at(10)]),
        (Self::ThresholdedRelu, "kTHRESHOLDED_RELU", [at(11), at(11), at(11), at(11), at(11)]),
        (Self::GeluErf, "kGELU_ERF", [NONE, at(12), at(12), at(12), at(12)]),
        (Self::GeluTanh, "kGELU_TANH", [NONE, at(13), at(13), at(13), at(13)]),
    ];
}

/// `nvinfer1::PoolingType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PoolingType {
    /// `kMAX`.
    Max,
    /// `kAVERAGE`.
    Average,
    /// `kMAX_AVERAGE_BLEND`.
    MaxAverageBlend,
}

impl Enumeration for PoolingType {
    const NAME: &'static str = "PoolingType";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Max, "kMAX", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::Average, "kAVERAGE", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::MaxAverageBlend, "kMAX_AVERAGE_BLEND", [at(2), at(2), at(2), at(2), at(2)]),
    ];
}

/// `nvinfer1::InterpolationMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum InterpolationMode {
    /// `kNEAREST`.
    Nearest,
    /// `kLINEAR`.
    Linear,
    /// `kCUBIC`.
    Cubic,
}

impl Enumeration for InterpolationMode {
    const NAME: &'static str = "InterpolationMode";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Nearest, "kNEAREST", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::Linear, "kLINEAR", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::Cubic, "kCUBIC", [at(2), at(2), at(2), at(2), at(2)]),
    ];
}

/// `nvinfer1::ComputeCapability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ComputeCapability {
    /// `kNONE`.
    None,
    /// `kCURRENT`.
    Current,
    /// `kSM75`.
    Sm75,
    /// `kSM80`.
    Sm80,
    /// `kSM86`.
    Sm86,
    /// `kSM89`.
    Sm89,
    /// `kSM120`.
    Sm120,
    /// `kSM121`.
    Sm121,
}

impl Enumeration for ComputeCapability {
    const NAME: &'static str = "ComputeCapability";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::None, "kNONE", [NONE, NONE, NONE, at(0), at(0)]),
        (Self::Current, "kCURRENT", [NONE, NONE, NONE, at(1), at(1)]),
        (Self::Sm75, "kSM75", [NONE, NONE, NONE, at(75), at(75)]),
        (Self::Sm80, "kSM80", [NONE, NONE, NONE, at(80), at(80)]),
        (Self::Sm86, "kSM86", [NONE, NONE, NONE, at(86), at(86)]),
        (Self::Sm89, "kSM89", [NONE, NONE, NONE, at(89), at(89)]),
        (Self::Sm120, "kSM120", [NONE, NONE, NONE, at(120), at(120)]),
        (Self::Sm121, "kSM121", [NONE, NONE, NONE, NONE, at(121)]),
    ];
}

/// `nvinfer1::TensorIOMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TensorIOMode {
    /// `kNONE`.
    None,
    /// `kINPUT`.
    Input,
    /// `kOUTPUT`.
    Output,
}

impl Enumeration for TensorIOMode {
    const NAME: &'static str = "TensorIOMode";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::None, "kNONE", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::Input, "kINPUT", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::Output, "kOUTPUT", [at(2), at(2), at(2), at(2), at(2)]),
    ];
}

/// `nvinfer1::CalibrationAlgoType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CalibrationAlgoType {
    /// `kLEGACY_CALIBRATION`.
    LegacyCalibration,
    /// `kENTROPY_CALIBRATION`.
    EntropyCalibration,
    /// `kENTROPY_CALIBRATION_2`.
    EntropyCalibration2,
    /// `kMINMAX_CALIBRATION`.
    MinmaxCalibration,
}

impl Enumeration for CalibrationAlgoType {
    const NAME: &'static str = "CalibrationAlgoType";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::LegacyCalibration, "kLEGACY_CALIBRATION", [at(0), at(0), NONE, NONE, NONE]),
        (Self::EntropyCalibration, "kENTROPY_CALIBRATION", [at(1), at(1), NONE, NONE, NONE]),
        (Self::EntropyCalibration2, "kENTROPY_CALIBRATION_2", [at(2), at(2), NONE, NONE, NONE]),
        (Self::MinmaxCalibration, "kMINMAX_CALIBRATION", [at(3), at(3), NONE, NONE, NONE]),
    ];
}

/// `nvinfer1::LayerInformationFormat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LayerInformationFormat {
    /// `kONELINE`.
    Oneline,
    /// `kJSON`.
    Json,
}

impl Enumeration for LayerInformationFormat {
    const NAME: &'static str = "LayerInformationFormat";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Oneline, "kONELINE", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::Json, "kJSON", [at(1), at(1), at(1), at(1), at(1)]),
    ];
}

/// `nvinfer1::APILanguage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum APILanguage {
    /// `kCPP`.
    Cpp,
    /// `kPYTHON`.
    Python,
}

impl Enumeration for APILanguage {
    const NAME: &'static str = "APILanguage";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Cpp, "kCPP", [NONE, at(0), at(0), at(0), at(0)]),
        (Self::Python, "kPYTHON", [NONE, at(1), at(1), at(1), at(1)]),
    ];
}

/// `nvonnxparser::ErrorCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ParserErrorCode {
    /// `kSUCCESS`.
    Success,
    /// `kINTERNAL_ERROR`.
    InternalError,
    /// `kMEM_ALLOC_FAILED`.
    MemAllocFailed,
    /// `kMODEL_DESERIALIZE_FAILED`.
    ModelDeserializeFailed,
    /// `kINVALID_VALUE`.
    InvalidValue,
    /// `kINVALID_GRAPH`.
    InvalidGraph,
    /// `kINVALID_NODE`.
    InvalidNode,
    /// `kUNSUPPORTED_GRAPH`.
    UnsupportedGraph,
    /// `kUNSUPPORTED_NODE`.
    UnsupportedNode,
    /// `kUNSUPPORTED_NODE_ATTR`.
    UnsupportedNodeAttr,
    /// `kUNSUPPORTED_NODE_INPUT`.
    UnsupportedNodeInput,
    /// `kUNSUPPORTED_NODE_DATATYPE`.
    UnsupportedNodeDatatype,
    /// `kUNSUPPORTED_NODE_DYNAMIC`.
    UnsupportedNodeDynamic,
    /// `kUNSUPPORTED_NODE_SHAPE`.
    UnsupportedNodeShape,
    /// `kREFIT_FAILED`.
    RefitFailed,
}

impl Enumeration for ParserErrorCode {
    const NAME: &'static str = "ParserErrorCode";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Success, "kSUCCESS", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::InternalError, "kINTERNAL_ERROR", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::MemAllocFailed, "kMEM_ALLOC_FAILED", [at(2), at(2), at(2), at(2), at(2)]),
        (Self::ModelDeserializeFailed, "kMODEL_DESERIALIZE_FAILED", [at(3), at(3), at(3), at(3), at(3)]),
        (Self::InvalidValue, "kINVALID_VALUE", [at(4), at(4), at(4), at(4), at(4)]),
        (Self::InvalidGraph, "kINVALID_GRAPH", [at(5), at(5), at(5), at(5), at(5)]),
        (Self::InvalidNode, "kINVALID_NODE", [at(6), at(6), at(6), at(6), at(6)]),
        (Self::UnsupportedGraph, "kUNSUPPORTED_GRAPH", [at(7), at(7), at(7), at(7), at(7)]),
        (Self::UnsupportedNode, "kUNSUPPORTED_NODE", [at(8), at(8), at(8), at(8), at(8)]),
        (Self::UnsupportedNodeAttr, "kUNSUPPORTED_NODE_ATTR", [since(9, 9300), at(9), at(9), at(9), at(9)]),
        (Self::UnsupportedNodeInput, "kUNSUPPORTED_NODE_INPUT", [since(10, 9300), at(10), at(10), at(10), at(10)]),
        (Self::UnsupportedNodeDatatype, "kUNSUPPORTED_NODE_DATATYPE", [since(11, 9300), at(11), at(11), at(11), at(11)]),
        (Self::UnsupportedNodeDynamic, "kUNSUPPORTED_NODE_DYNAMIC", [since(12, 9300), at(12), at(12), at(12), at(12)]),
        (Self::UnsupportedNodeShape, "kUNSUPPORTED_NODE_SHAPE", [since(13, 9300), at(13), at(13), at(13), at(13)]),
        (Self::RefitFailed, "kREFIT_FAILED", [NONE, at(14), at(14), at(14), at(14)]),
    ];
}

/// `nvonnxparser::OnnxParserFlag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum OnnxParserFlag {
    /// `kNATIVE_INSTANCENORM`.
    NativeInstancenorm,
    /// `kENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA`.
    EnableUint8AndAsymmetricQuantizationDla,
    /// `kREPORT_CAPABILITY_DLA`.
    ReportCapabilityDla,
    /// `kENABLE_PLUGIN_OVERRIDE`.
    EnablePluginOverride,
    /// `kADJUST_FOR_DLA`.
    AdjustForDla,
}

impl Enumeration for OnnxParserFlag {
    const NAME: &'static str = "OnnxParserFlag";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::NativeInstancenorm, "kNATIVE_INSTANCENORM", [since(0, 8601), at(0), at(0), at(0), at(0)]),
        (Self::EnableUint8AndAsymmetricQuantizationDla, "kENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA", [NONE, since(1, 101400), at(1), at(1), at(1)]),
        (Self::ReportCapabilityDla, "kREPORT_CAPABILITY_DLA", [NONE, since(2, 101500), at(2), at(2), at(2)]),
        (Self::EnablePluginOverride, "kENABLE_PLUGIN_OVERRIDE", [NONE, since(3, 101500), at(3), at(3), at(3)]),
        (Self::AdjustForDla, "kADJUST_FOR_DLA", [NONE, since(4, 101600), at(4), since(4, 10400), at(4)]),
    ];
}

/// `nvinfer1::EngineCapability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EngineCapability {
    /// `kSTANDARD`.
    Standard,
    /// `kSAFETY`.
    Safety,
    /// `kDLA_STANDALONE`.
    DlaStandalone,
}

impl Enumeration for EngineCapability {
    const NAME: &'static str = "EngineCapability";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Standard, "kSTANDARD", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::Safety, "kSAFETY", [at(1), at(1), at(1), at(1), at(1)]),
        (Self::DlaStandalone, "kDLA_STANDALONE", [at(2), at(2), at(2), at(2), at(2)]),
    ];
}

/// `nvinfer1::DeviceType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeviceType {
    /// `kGPU`.
    Gpu,
    /// `kDLA`.
    Dla,
}

impl Enumeration for DeviceType {
    const NAME: &'static str = "DeviceType";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::Gpu, "kGPU", [at(0), at(0), at(0), at(0), at(0)]),
        (Self::Dla, "kDLA", [at(1), at(1), at(1), at(1), at(1)]),
    ];
}

/// `nvinfer1::QuantizationFlag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum QuantizationFlag {
    /// `kCALIBRATE_BEFORE_FUSION`.
    CalibrateBeforeFusion,
}

impl Enumeration for QuantizationFlag {
    const NAME: &'static str = "QuantizationFlag";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::CalibrateBeforeFusion, "kCALIBRATE_BEFORE_FUSION", [at(0), at(0), NONE, NONE, NONE]),
    ];
}

/// `nvinfer1::HardwareCompatibilityLevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HardwareCompatibilityLevel {
    /// `kNONE`.
    None,
    /// `kAMPERE_PLUS`.
    AmperePlus,
    /// `kSAME_COMPUTE_CAPABILITY`.
    SameComputeCapability,
}

impl Enumeration for HardwareCompatibilityLevel {
    const NAME: &'static str = "HardwareCompatibilityLevel";
    const ROWS: &'static [(Self, &'static str, Row)] = &[
        (Self::None, "kNONE", [since(0, 8601), at(0), at(0), at(0), at(0)]),
        (Self::AmperePlus, "kAMPERE_PLUS", [since(1, 8601), at(1), at(1), at(1), at(1)]),
        (Self::SameComputeCapability, "kSAME_COMPUTE_CAPABILITY", [NONE, since(2, 100900), at(2), at(2), at(2)]),
    ];
}
