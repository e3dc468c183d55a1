//! Fuzz targets for every parser of outside bytes.
//!
//! Each target is a plain function here, which panics when a parser breaks a promise: that it returns instead of
//! crashing, and that what it accepts survives being written and read again.
//! The tests beside each function run it on the fixtures and on damaged copies of them, so the ordinary test command
//! keeps the targets alive; `cargo fuzz run onnx` and so on search further.
//!
//! [`mutate`] goes on where the readers end: it runs damaged models through the whole job.

#![forbid(unsafe_code)]

mod braces;
mod cache;
mod cache_manifest;
mod coco;
mod elf;
mod external;
mod half;
mod jpeg;
mod labels;
mod list;
mod normaliser;
mod onnx;
mod picture;
mod plan_layers;
mod recipe;
mod rewriter;
mod statistics;
mod table;
mod tar;
mod tensors;

pub mod mutate;

mod damage;
mod random;

pub use braces::braces;
pub use cache::cache;
pub use cache_manifest::cache_manifest;
pub use coco::coco;
pub use elf::elf;
pub use external::external;
pub use half::half;
pub use jpeg::jpeg;
pub use labels::labels;
pub use list::list;
pub use normaliser::normaliser;
pub use onnx::onnx;
pub use picture::picture;
pub use plan_layers::plan_layers;
pub use recipe::recipe;
pub use rewriter::rewriter;
pub use statistics::statistics;
pub use table::table;
pub use tar::tar;
pub use tensors::tensors;
