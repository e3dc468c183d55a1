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
mod deform;
mod fold;
mod fourier;
mod grid;
mod pool;
mod rearrange;
mod resize;
mod roi;
mod sample;
mod signal;
mod unique;
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
        "AffineGrid" => Box::new(sample::AffineGrid::of(node)),
        "BlackmanWindow" | "HammingWindow" | "HannWindow" => Box::new(signal::Window::of(node)?),
        "CenterCropPad" | "Pad" | "SpaceToDepth" => Box::new(rearrange::Rearrange::of(node)?),
        "Col2Im" => Box::new(fold::Col2Im::of(node)?),
        "DFT" => Box::new(fourier::Dft::of(node)?),
        "DeformConv" => Box::new(deform::DeformConv::of(node)?),
        "GridSample" => Box::new(sample::GridSample::of(node)?),
        "MaxRoiPool" => Box::new(roi::MaxRoiPool::of(node)?),
        "MaxUnpool" => Box::new(fold::MaxUnpool::of(node)?),
        "MelWeightMatrix" => Box::new(signal::MelWeightMatrix::of(node)?),
        "Resize" => Box::new(resize::Resize::of(node)?),
        "RoiAlign" => Box::new(roi::RoiAlign::of(node)?),
        "STFT" => Box::new(fourier::Stft::of(node)),
        "Unique" => Box::new(unique::Unique::of(node)),
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
