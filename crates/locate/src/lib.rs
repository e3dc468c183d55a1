//! Where TensorRT and ONNX Runtime are: found on the machine, or fetched.
//!
//! [`locate()`] looks for a TensorRT to work with, [`locate_by()`] for what somebody else opens, [`fetch()`] gets NVIDIA's
//! TensorRT-RTX and Microsoft's ONNX Runtime, [`survey()`] lists every TensorRT that there is.
//! Whatever takes its time is told to the caller as a [`LocateEvent`], who may cancel it.
//!
//! What a library is good for once it is found is none of its business.
//! Works on Linux, x86-64 and aarch64; elsewhere it compiles, and opening a library is a typed error.

#![forbid(unsafe_code)]

mod environment;
mod error;
mod fetch;
mod locate;
mod product;
mod survey;

pub use environment::Environment;
pub use error::{FetchError, LocateError, Tried};
pub use fetch::{Fetched, LocateEvent, fetch};
pub use locate::{Found, Origin, Source, locate, locate_by};
pub use product::Product;
pub use survey::{Survey, Surveyed, survey};
