//! Programs, libraries and Python environments by name, never out of the current folder.
//!
//! Whoever unpacks an archive and works in it must not run what lies there. `PATH` and
//! `LD_LIBRARY_PATH` lead there with an empty or a relative entry, and `python -m` by itself; so
//! programs are looked up here ([`program`]), interpreters run isolated ([`Python`]), and bare names
//! of libraries are refused where the loader would look in the current folder ([`led_astray`]).
//! What runs is waited for by [`run`], which ends it when the caller has had enough.

#![forbid(unsafe_code)]

mod child;
mod loader;
mod program;
mod python;

pub use child::{ChildError, Ended, GoOn, end_children, run};
pub use loader::led_astray;
pub use program::{NoProgram, program};
pub use python::Python;
