//! Safe TensorRT: library, builder, network, parser, config, profiles, calibrator, log, progress monitor, runtime.
//!
//! The way from a model to a plan:
//!
//! ```no_run
//! use calibrant_tensorrt::{Builder, Library, NetworkTyping, Parser, Turn};
//!
//! let folder = std::path::Path::new("/usr/lib/x86_64-linux-gnu");
//! let library = Library::open(&folder.join("libnvinfer.so.10"), &folder.join("libnvonnxparser.so.10"))?;
//! let log = library.subscribe(|severity, text| eprintln!("{severity:?}: {text}"));
//! let turn = Turn::take();
//! let builder = Builder::new(&library, &turn)?;
//! let mut parser = Parser::new(builder.create_network(NetworkTyping::Strong)?)?;
//! parser.parse_file("model.onnx".as_ref())?;
//! let config = builder.create_config()?;
//! let plan = builder.build(parser.network_mut(), &config)?;
//! std::fs::write("model.plan", plan.as_bytes())?;
//! # drop(log);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Lifetimes
//!
//! Each object deletes its C++ twin when it is dropped, and holds its [`Library`]. What TensorRT wants to outlive
//! something else does: a builder borrows its thread's [`Turn`], a network and a config borrow their builder, tensors and layers borrow their network, a parser
//! owns the network it fills (whose weights it holds), a config owns its progress monitor and its timing cache.
//!
//! ```compile_fail
//! # fn f(library: &calibrant_tensorrt::Library) -> Result<(), Box<dyn std::error::Error>> {
//! let turn = calibrant_tensorrt::Turn::take();
//! let builder = calibrant_tensorrt::Builder::new(library, &turn)?;
//! let config = builder.create_config()?;
//! drop(builder);      // error: `builder` is borrowed by `config`
//! config.flags()?;
//! # Ok(()) }
//! ```
//!
//! # Generations
//!
//! Every call looks up the slot of the loaded version first. What that version lacks is [`Error::MissingMethod`] or
//! [`Error::MissingValue`], without a call.

#![expect(
    unsafe_code,
    reason = "every call into TensorRT is one; the calls lie in small functions that say why"
)]

mod builder;
mod calibrator;
mod config;
mod dims;
mod error;
mod layer;
mod library;
mod log;
mod memory;
mod network;
mod owned;
mod parser;
mod plugins;
mod profile;
mod progress;
mod runtime;
mod settings;
mod timing_cache;

#[cfg(test)]
mod calibrated;
#[cfg(test)]
mod double;
#[cfg(test)]
mod generations;

pub use builder::{Builder, NetworkTyping, Turn};
pub use calibrator::{BoxError, Calibrator, NoAddress};
pub use config::Config;
pub use error::Error;
pub use layer::Layer;
pub use library::Library;
pub use log::Subscription;
pub use memory::HostMemory;
pub use network::{Network, Tensor};
pub use parser::{Parser, ParserError};
pub use profile::Profile;
pub use progress::{Progress, ProgressMonitor};
pub use runtime::{Engine, Inspector, IoTensor, Runtime};
pub use tensorrt_sys::enums::{
    ActivationType, BuilderFlag, CalibrationAlgoType, ComputeCapability, DataType, DeviceType,
    EngineCapability, HardwareCompatibilityLevel, InterpolationMode, LayerType, MemoryPoolType,
    ParserErrorCode, PoolingType, ProfilingVerbosity, QuantizationFlag, Severity, TensorIOMode,
};
pub use tensorrt_sys::{
    Enumeration, Generation, MissingMethod, MissingValue, OpenError, Product, Version,
};
pub use timing_cache::TimingCache;
