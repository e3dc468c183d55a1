//! Where TensorRT is: found on the machine, or fetched.
//!
//! [`locate()`] looks for one to work with, [`fetch()`] gets NVIDIA's TensorRT-RTX, [`survey()`] lists all that there is.
//! Whatever takes its time is told to the caller as a [`LocateEvent`], who may cancel it.
//!
//! What a library is good for once it is found is none of its business.
//! Works on Linux, x86-64 and aarch64; elsewhere it compiles, and opening a library is a typed error.

#![forbid(unsafe_code)]

mod environment;
mod error;
mod fetch;
mod locate;
mod survey;

pub use environment::Environment;
pub use error::{FetchError, LocateError, Tried};
pub use fetch::{Fetched, LocateEvent, fetch};
pub use locate::{Found, Origin, Source, locate};
pub use survey::{Survey, Surveyed, survey};
