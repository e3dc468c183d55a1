//! Interpolation on 8-bit pixels: kernels equal to those of OpenCV, Pillow and torchvision, and
//! `fast_image_resize` for the other filters.
//!
//! Every kernel computes one window of the scaled picture; the rest of it is never made.

mod area;
mod convolve;
mod cubic;
mod fir;
mod lanes;
mod linear;
mod nearest;
mod sampling;
mod simd;
mod taps;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

use calibrant_jpeg::Region;
use fast_image_resize::{FilterType, ResizeAlg, Resizer};

pub use fir::FirError;
pub(crate) use sampling::sampling;
pub use sampling::{Method, Sampling};

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
    exact: ExactBuffers,
    fir: Resizer,
}

/// Makes the region the part of a picture that [`window`] will read; returns whether that leaves out
/// enough to be worth the trouble.
///
/// Only OpenCV's bilinear filter leaves anything out: the others read every pixel of the window.
pub(crate) fn part(filter: Filter, picture: Size, plan: &Plan, region: &mut Region) -> bool {
    /// A pixel that is read takes the blocks around it along, so a picture has to shrink well.
    const LEAST_REDUCTION: u32 = 3;
    let shrinks = |from: u32, to: u32| from / to >= LEAST_REDUCTION;
    let Algorithm::Exact(Kernel::Linear(position)) = Algorithm::of(filter, picture, plan.scaled)
    else {
        return false;
    };
    let shrinks =
        shrinks(picture.width, plan.scaled.width) && shrinks(picture.height, plan.scaled.height);
    if shrinks {
        region.clear(picture.width, picture.height);
        linear::want(position, picture, plan, region);
    }
    shrinks
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
    let Buffers { out, exact: buffers, fir } = buffers;
    out.resize(plan.window.size.area() * picture.channels, 0);
    match Algorithm::of(filter, picture.size, plan.scaled) {
        Algorithm::Exact(kernel) => simd::run(Exact { kernel, picture, plan, buffers, out }),
        Algorithm::Fir(algorithm) => fir::resize(algorithm, picture, plan, fir, out)
            .map_err(|source| PreprocessError::Resize { found: picture.size, source })?,
    }
    Ok(out)
}

/// What computes a filter.
#[derive(Debug, Clone, Copy)]
enum Algorithm {
    Exact(Kernel),
    Fir(ResizeAlg),
}

/// The kernels that equal a framework's.
#[derive(Debug, Clone, Copy)]
enum Kernel {
    Linear(linear::Position),
    Area,
    Cubic,
    Nearest(nearest::Rule),
    Convolve(convolve::Kernel),
}

impl Algorithm {
    fn of(filter: Filter, from: Size, to: Size) -> Self {
        use Kernel::{Area, Convolve, Cubic, Linear, Nearest};
        let convolution = |filter| Self::Fir(ResizeAlg::Convolution(filter));
        Self::Exact(match filter {
            Filter::Cv2Linear => Linear(linear::Position::Centre),
            Filter::Cv2Area if area::shrinks(from, to) => Area,
            Filter::Cv2Area => Linear(linear::Position::Overlap),
            Filter::Cv2Nearest => Nearest(nearest::Rule::Corner),
            Filter::Cv2Cubic => Cubic,
            Filter::PilBilinear => Convolve(convolve::PIL_BILINEAR),
            Filter::PilBicubic => Convolve(convolve::PIL_BICUBIC),
            Filter::PilLanczos => Convolve(convolve::PIL_LANCZOS),
            Filter::PilBox => Convolve(convolve::PIL_BOX),
            Filter::PilHamming => Convolve(convolve::PIL_HAMMING),
            Filter::PilNearest => Nearest(nearest::Rule::Centre),
            Filter::TvBilinear => Convolve(convolve::TV_BILINEAR),
            Filter::TvBicubic => Convolve(convolve::TV_BICUBIC),
            Filter::TvLanczos => Convolve(convolve::TV_LANCZOS),
            Filter::FirNearest => return Self::Fir(ResizeAlg::Nearest),
            Filter::FirBox => return convolution(FilterType::Box),
            Filter::FirBilinear => return convolution(FilterType::Bilinear),
            Filter::FirHamming => return convolution(FilterType::Hamming),
            Filter::FirCatmullRom => return convolution(FilterType::CatmullRom),
            Filter::FirMitchell => return convolution(FilterType::Mitchell),
            Filter::FirGaussian => return convolution(FilterType::Gaussian),
            Filter::FirLanczos3 => return convolution(FilterType::Lanczos3),
        })
    }
}

/// What the exact kernels keep between pictures.
#[derive(Debug, Default)]
struct ExactBuffers {
    linear: linear::Buffers,
    area: area::Buffers,
    cubic: cubic::Buffers,
    nearest: nearest::Buffers,
    convolve: convolve::Buffers,
}

/// One picture to be resized by an exact kernel.
#[derive(Debug)]
struct Exact<'a> {
    kernel: Kernel,
    picture: View<'a>,
    plan: &'a Plan,
    buffers: &'a mut ExactBuffers,
    out: &'a mut [u8],
}

impl simd::Loops for Exact<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { kernel, picture, plan, buffers, out } = self;
        match kernel {
            Kernel::Linear(position) => {
                linear::resize(position, picture, plan, &mut buffers.linear, out);
            }
            Kernel::Area => area::resize(picture, plan, &mut buffers.area, out),
            Kernel::Cubic => cubic::resize(picture, plan, &mut buffers.cubic, out),
            Kernel::Nearest(rule) => {
                nearest::resize(rule, picture, plan, &mut buffers.nearest, out);
            }
            Kernel::Convolve(kernel) => {
                convolve::resize(kernel, picture, plan, &mut buffers.convolve, out);
            }
        }
    }
}
