//! Safe TensorRT: library, builder, network, parser, config, profiles, logger, progress monitor.

mod library;

pub use library::{Error, Library, OpenError};
pub use tensorrt_sys::{
    ComputeCapability, DataType, Generation, Product, ProfilingVerbosity, Severity, Version,
};
