//! Enumerations.

/// `nvinfer1::ComputeCapability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the vendor's names, spelled for Rust")]
pub enum ComputeCapability {
    None,
    Current,
    Sm75,
    Sm80,
    Sm86,
    Sm89,
    Sm120,
    Sm121,
}

/// `nvinfer1::DataType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the vendor's names, spelled for Rust")]
pub enum DataType {
    Float,
    Half,
    Int8,
    Int32,
    Bool,
    Uint8,
    Fp8,
    Bf16,
    Int64,
    Int4,
    Fp4,
    E8m0,
}

/// `nvinfer1::ProfilingVerbosity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the vendor's names, spelled for Rust")]
pub enum ProfilingVerbosity {
    LayerNamesOnly,
    None,
    Detailed,
}

/// `nvinfer1::ILogger::Severity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the vendor's names, spelled for Rust")]
pub enum Severity {
    InternalError,
    Error,
    Warning,
    Info,
    Verbose,
}
