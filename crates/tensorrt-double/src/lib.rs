//! Stands in for TensorRT of any version, and for the CUDA driver, in tests.
//!
//! Neither a GPU nor the vendor's libraries are at hand where this project is built. This crate plays them: as a shared
//! library that [`install`] lays out under the vendor's names, for programs that open files; and linked into a test
//! ([`play`]), where [`record`] tells what the library was told.
//!
//! It is laid out by the slot tables of `tensorrt-sys`. By itself it therefore proves nothing about them; NVIDIA's own
//! Python bindings, which are compiled against the real headers, drive it too (`fixtures/tensorrt/witness`).
//!
//! What is modelled is what the vendor documents: which calls exist in which version, which settings contradict each
//! other, what a builder asks of a calibrator and does with its cache, what a parser and an inspector answer. The
//! "engine" is a text that lists all it was told ([`Plan`]). What kernels a builder would choose, and every number that
//! a network would compute, is made up. Calls that are not modelled end the process, naming class and slot.
//!
//! ```no_run
//! use tensorrt_double::{Installation, install};
//! use tensorrt_sys::Version;
//!
//! let version = Version::from_raw(101_601);
//! let installed = install("lib".as_ref(), version, &Installation::default())?;
//! assert!(installed.library.ends_with("libnvinfer.so.10"));
//! # Ok::<(), tensorrt_double::InstallError>(())
//! ```

#![expect(
    unsafe_code,
    reason = "it is the other side of a C++ interface: clients call it with their pointers"
)]

mod context;
mod home;
mod install;
mod play;

mod object;
mod type_info;
mod unforeseen;

mod client;
mod entry;

mod build;
mod builder;
mod config;
mod kind;
mod layer;
mod memory;
mod network;
mod parser;
mod profile;
mod registry;
mod runtime;
mod tensor;
mod timing_cache;

mod device;
mod digest;
mod driver;
mod plan;

pub use driver::{Faults, Live, live};
pub use install::{
    Addresses, Driver, InstallError, Installation, Installed, install, library_path,
};
pub use plan::{CalibrationPlan, ConfigPlan, LayerPlan, NetworkPlan, Plan, ShapesPlan, TensorPlan};
pub use play::{live_objects, play, play_with, record};
pub use registry::MAGIC as PLUGIN_LIBRARY;
