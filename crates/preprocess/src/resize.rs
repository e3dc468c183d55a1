//! Interpolation on 8-bit pixels: exact integer kernels for OpenCV and Pillow, and
//! `fast_image_resize` for the other filters.
//!
//! Every kernel computes one window of the scaled picture; the rest of it is never made.

mod convolve;
mod fir;
mod linear;
#[cfg(test)]
mod naive;

use fast_image_resize::{FilterType, ResizeAlg, Resizer};

pub use fir::FirError;

use crate::error::PreprocessError;
use crate::geometry::Plan;
use crate::recipe::{Filter, Size};

/// Interleaved 8-bit pixels of 1 or 3 channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) size: Size,
    pub(crate) channels: usize,
}

impl<'a> View<'a> {
    /// Returns the bytes of row `y`.
    fn row(&self, y: usize) -> &'a [u8] {
        let stride = self.size.width as usize * self.channels;
        &self.data[y * stride..][..stride]
    }
}

/// Rows and tables kept between pictures.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    out: Vec<u8>,
    linear: linear::Buffers,
    convolve: convolve::Buffers,
    fir: Resizer,
}

/// Returns the window's pixels, interleaved and packed.
///
/// # Errors
///
/// [`PreprocessError::Resize`] from the `fir-*` filters.
pub(crate) fn window<'a>(
    filter: Filter,
    picture: View<'a>,
    plan: &Plan,
    buffers: &'a mut Buffers,
) -> Result<&'a [u8], PreprocessError> {
    if picture.size == plan.scaled && picture.size == plan.window.size {
        return Ok(picture.data);
    }
    buffers.out.resize(plan.window.size.area() * picture.channels, 0);
    let out = &mut buffers.out[..];
    let algorithm = match filter {
        Filter::Cv2Linear => {
            linear::resize(picture, plan, &mut buffers.linear, out);
            return Ok(out);
        }
        Filter::PilBilinear => {
            convolve::resize(convolve::BILINEAR, picture, plan, &mut buffers.convolve, out);
            return Ok(out);
        }
        Filter::PilBicubic => {
            convolve::resize(convolve::BICUBIC, picture, plan, &mut buffers.convolve, out);
            return Ok(out);
        }
        Filter::FirNearest => ResizeAlg::Nearest,
        Filter::FirBox => ResizeAlg::Convolution(FilterType::Box),
        Filter::FirBilinear => ResizeAlg::Convolution(FilterType::Bilinear),
        Filter::FirHamming => ResizeAlg::Convolution(FilterType::Hamming),
        Filter::FirCatmullRom => ResizeAlg::Convolution(FilterType::CatmullRom),
        Filter::FirMitchell => ResizeAlg::Convolution(FilterType::Mitchell),
        Filter::FirLanczos3 => ResizeAlg::Convolution(FilterType::Lanczos3),
    };
    fir::resize(algorithm, picture, plan, &mut buffers.fir, out)
        .map_err(|source| PreprocessError::Resize { found: picture.size, source })?;
    Ok(out)
}
