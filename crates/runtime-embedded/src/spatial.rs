//! Operators that look at pictures, volumes and signals by place: convolutions, pools, and what moves or resamples them.
//!
//! Each takes any number of spatial axes, and computes what ONNX Runtime does on a CPU up to the rounding of its sums.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;

use crate::demand::Args;
use crate::dense::{self, Dense};
use crate::error::StepError;
use crate::ours::Compute;

mod conv;
mod conv_transpose;
mod grid;
mod pool;
mod resize;
mod window;

/// The operator of this module that `node` is.
///
/// # Errors
///
/// When it is none, or not with these attributes.
pub(crate) fn of(node: &NodeProto) -> Result<Box<dyn Compute>, Refusal> {
    Ok(match node.op() {
        "Conv" => Box::new(conv::Conv::of(node)?),
        "ConvTranspose" => Box::new(conv_transpose::ConvTranspose::of(node)?),
        "AveragePool" | "GlobalLpPool" | "LpPool" | "MaxPool" => Box::new(pool::Pool::of(node)?),
        "Resize" => Box::new(resize::Resize::of(node)?),
        _ => return Err(Refusal::Operator),
    })
}

/// The floats of an input that there has to be.
///
/// # Errors
///
/// When it is left out, or holds something else.
fn floats<'a>(
    args: &'a Args<'_, '_>,
    index: usize,
    name: &'static str,
) -> Result<Dense<'a, f32>, StepError> {
    dense::floats(args, index, name)?.ok_or(StepError::Unfit { what: name })
}
