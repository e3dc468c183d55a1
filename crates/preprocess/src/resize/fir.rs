//! The filters of `fast_image_resize`, for recipes that equal no framework.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U8x3};
use fast_image_resize::{
    ImageBufferError, PixelTrait, ResizeAlg, ResizeError, ResizeOptions, Resizer,
};

use super::View;
use crate::geometry::Plan;
use crate::recipe::Size;

/// What the resampler refuses.
#[derive(Debug, thiserror::Error)]
pub enum FirError {
    /// A buffer that does not have the size of its picture.
    #[error("a pixel buffer has another length than its picture")]
    Buffer(#[from] ImageBufferError),
    /// A shape so long that the picture between its passes would fill the memory.
    #[error(
        "a picture so long needs {bytes} bytes between the passes; use cv2-linear or a pil-* filter"
    )]
    Elongated {
        /// What it would take.
        bytes: usize,
    },
    /// Sizes or a crop that it does not take.
    #[error("the resampler refuses the sizes")]
    Resize(#[from] ResizeError),
}

/// Bytes that the resampler may take for the picture between its two passes.
const BETWEEN_BYTES: usize = 256 << 20;

/// Writes the plan's window of the resized picture into `out`.
pub(super) fn resize(
    algorithm: ResizeAlg,
    picture: View<'_>,
    plan: &Plan,
    resizer: &mut Resizer,
    out: &mut [u8],
) -> Result<(), FirError> {
    let (from, to, window) = (picture.size, plan.scaled, plan.window);
    // Either pass may come first.
    let (across, down) = (window.size.width as usize, window.size.height as usize);
    let between = (from.height as usize * across).max(from.width as usize * down);
    let bytes = between * picture.channels;
    if bytes > BETWEEN_BYTES {
        return Err(FirError::Elongated { bytes });
    }
    // The window in the source's coordinates: all of it, or the part that a crop keeps.
    let x = f64::from(from.width) / f64::from(to.width);
    let y = f64::from(from.height) / f64::from(to.height);
    let (left, top) = (f64::from(window.left) * x, f64::from(window.top) * y);
    // Products may end a rounding error beyond the border, which the resampler refuses.
    let width = (f64::from(window.size.width) * x).min(f64::from(from.width) - left);
    let height = (f64::from(window.size.height) * y).min(f64::from(from.height) - top);
    let options = ResizeOptions::new().resize_alg(algorithm).crop(left, top, width, height);
    if picture.channels == 1 {
        resize_typed::<U8>(picture, window.size, resizer, &options, out)
    } else {
        resize_typed::<U8x3>(picture, window.size, resizer, &options, out)
    }
}

/// The resampler is generic: naming the kind of pixel keeps the compiler from building it for all others.
fn resize_typed<P: InnerPixel + PixelTrait>(
    picture: View<'_>,
    size: Size,
    resizer: &mut Resizer,
    options: &ResizeOptions,
    out: &mut [u8],
) -> Result<(), FirError> {
    let from =
        TypedImageRef::<P>::from_buffer(picture.size.width, picture.size.height, picture.data)?;
    let mut to = TypedImage::<P>::from_buffer(size.width, size.height, out)?;
    Ok(resizer.resize_typed(&from, &mut to, options)?)
}
