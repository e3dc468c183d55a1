//! Fuzz targets for every parser of outside bytes.
//!
//! Each target is a plain function here, which panics when a parser breaks a promise: that it returns instead of
//! crashing, and that what it accepts survives being written and read again.
//! The tests beside each function run it on the fixtures and on damaged copies of them, so the ordinary test command
//! keeps the targets alive; `cargo fuzz run onnx` and so on search further.

#![forbid(unsafe_code)]

mod cache;
mod coco;
mod jpeg;
mod onnx;
mod picture;
mod recipe;
mod statistics;
mod table;
mod tar;
mod tensors;

#[cfg(test)]
mod damage;

pub use cache::cache;
pub use coco::coco;
pub use jpeg::jpeg;
pub use onnx::onnx;
pub use picture::picture;
pub use recipe::recipe;
pub use statistics::statistics;
pub use table::table;
pub use tar::tar;
pub use tensors::tensors;
