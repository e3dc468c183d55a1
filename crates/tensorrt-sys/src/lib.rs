//! Raw bindings to TensorRT of every generation, opened at run time: slot tables, layouts, entry points.

mod generated;
mod version;

pub use generated::enums::{ComputeCapability, DataType, ProfilingVerbosity, Severity};
pub use version::{Generation, Product, Version};
