//! ONNX models made ready for a rewrite.
//!
//! [`prepare`] is what every rewrite begins with, in this order: dimensions that share a name without sharing a size are
//! named apart, the opset is raised, weights lose their graph inputs, constants and batch norms are folded.
//! What is amiss in a model is put right before, by [`repaired`].
//! Each step is public on its own, and none changes what the model computes but for the rounding of folded constants.
//!
//! It knows neither formats nor half precision.

#![forbid(unsafe_code)]

mod constants;
mod error;
mod fold_batch_norm;
mod names;
mod opset;
mod prepare;
mod repair;
mod summary;
mod symbols;

pub use constants::drop_unread;
pub use error::{PrepareError, RaiseProblem};
pub use fold_batch_norm::fold_batch_norm;
pub use names::Names;
pub use opset::{BFLOAT16, BLOCKS, HALF_SCALES, NEEDED, raise_opset, raise_to};
pub use prepare::prepare;
pub use repair::{Repair, RepairKind, repaired};
pub use summary::{FoldedBatchNorm, OpsetChange, Preparation, RenamedDimension};
pub use symbols::rename_unrelated_symbols;
