//! The filters of `fast_image_resize`, for recipes that equal no framework.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{
    ImageBufferError, PixelType, ResizeAlg, ResizeError, ResizeOptions, Resizer,
};

use super::View;
use crate::geometry::Plan;

/// What the resampler refuses.
#[derive(Debug, thiserror::Error)]
pub enum FirError {
    /// A buffer that does not have the size of its picture.
    #[error("a pixel buffer has another length than its picture")]
    Buffer(#[from] ImageBufferError),
    /// So many rows that the picture between its passes would fill the memory.
    #[error(
        "a picture so tall needs {bytes} bytes between the passes; use cv2-linear or a pil-* filter"
    )]
    TooTall {
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
    let pixel = if picture.channels == 1 { PixelType::U8 } else { PixelType::U8x3 };
    let (from, to, window) = (picture.size, plan.scaled, plan.window);
    let bytes = from.height as usize * window.size.width as usize * picture.channels;
    if bytes > BETWEEN_BYTES {
        return Err(FirError::TooTall { bytes });
    }
    let from_image = ImageRef::new(from.width, from.height, picture.data, pixel)?;
    let mut to_image = Image::from_slice_u8(window.size.width, window.size.height, out, pixel)?;
    // The window in the source's coordinates: all of it, or the part that a crop keeps.
    let x = f64::from(from.width) / f64::from(to.width);
    let y = f64::from(from.height) / f64::from(to.height);
    let (left, top) = (f64::from(window.left) * x, f64::from(window.top) * y);
    // Products may end a rounding error beyond the border, which the resampler refuses.
    let width = (f64::from(window.size.width) * x).min(f64::from(from.width) - left);
    let height = (f64::from(window.size.height) * y).min(f64::from(from.height) - top);
    let options = ResizeOptions::new().resize_alg(algorithm).crop(left, top, width, height);
    Ok(resizer.resize(&from_image, &mut to_image, &options)?)
}
