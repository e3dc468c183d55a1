//! Raw bindings to TensorRT of every generation, opened at run time: slot tables, layouts, entry points.
//!
//! TensorRT's interface is C++: objects with virtual methods, in five [`Generation`]s that keep the same method in
//! different slots of the virtual table. This crate holds the tables of all five and asks the opened library for its
//! version before any other call, so one program works with every TensorRT from 8.5 to 11 and TensorRT-RTX from 1.3
//! to 1.7, and needs neither a C++ compiler nor a header to be built.
//!
//! * [`classes`] names the classes with their [`VirtualMethod`]s: the slot in every generation, and the version it came with.
//!   [`VirtualMethod::bind`] turns one into a function pointer, or into [`MissingMethod`] where this version has none;
//!   never into a neighbour's slot.
//! * [`Interface`] is the other direction: an object of ours whose methods TensorRT calls.
//! * [`Library`] opens the files and calls their few exported functions.
//! * [`enums`] holds the enumerations, whose numbers differ between generations too.
//!
//! The crate is unsafe to use by nature; `calibrant-tensorrt` is the safe one. It speaks the C++ interface of Linux on
//! x86-64 and aarch64; elsewhere it compiles, and [`Library::open`] is an error.

#![expect(unsafe_code, reason = "calling a C++ library is what this crate is for")]

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod elf;
mod enumeration;
mod error;
mod file;
#[doc(hidden)]
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod fuzzing;
mod generated;
mod interface;
mod layout;
mod library;
mod method;
mod table;
mod version;

pub use enumeration::Enumeration;
pub use error::{MissingMethod, MissingValue, OpenError};
pub use file::EntryPoint;
pub use generated::{classes, entry_points, enums};
pub use interface::{Interface, Vtable};
pub use layout::{Derived, Dims32, Dims64, Direct, InterfaceInfo, MAX_DIMS, Public};
pub use library::{EntryPoints, Library};
pub use method::{Identity, Receiver, This, VirtualMethod};
pub use table::{Entry, Row};
pub use version::{Generation, Product, Version};
