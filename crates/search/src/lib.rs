//! Programs, libraries and Python environments by name, never out of the current folder.
//!
//! Whoever unpacks an archive and works in it must not run what lies there. `PATH` and
//! `LD_LIBRARY_PATH` lead there with an empty or a relative entry, and `python -m` by itself; so
//! programs are looked up here ([`program`]), interpreters run isolated ([`Python`]), and bare names
//! of libraries are refused where the loader would look in the current folder ([`led_astray`]).

#![forbid(unsafe_code)]

mod loader;
mod program;
mod python;

pub use loader::led_astray;
pub use program::{NoProgram, program};
pub use python::Python;
