//! Interpolation on 8-bit pixels: kernels equal to those of OpenCV, Pillow and torchvision, and
//! `fast_image_resize` for the other filters.
//!
//! A [`Resizer`] takes the rows of a picture from the top, as a decoder makes them, and gives the
//! lines of one window of the scaled picture as soon as they are whole. The rest of the scaled
//! picture is never made, and neither is a copy of the picture.

mod area;
mod convolve;
mod cubic;
mod fir;
mod linear;
mod nearest;
mod rgb;
mod sampling;
mod simd;
mod taps;
mod wide;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

use calibrant_fir::{FilterType, ResizeAlg};
use calibrant_jpeg::Region;

pub use fir::FirError;
pub(crate) use sampling::sampling;
pub use sampling::{ResizeKernel, Sampling};

use crate::geometry::Plan;
use crate::recipe::{Filter, Size};
use simd::{Loops, Vectors};

/// Interleaved 8-bit pixels of 1 or 3 channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) size: Size,
    pub(crate) channels: usize,
}

/// What takes rows of a picture or lines of a window: their number from the top and their bytes.
pub(crate) type Rows<'a> = dyn FnMut(usize, &[u8]) + 'a;

/// A resize that is to be begun; equal ones have equal tables.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Job {
    filter: Filter,
    from: Size,
    channels: usize,
    plan: Plan,
}

impl Job {
    /// Returns the bytes of a line of the window.
    fn line_bytes(&self) -> usize {
        self.plan.window.size.width as usize * self.channels
    }
}

/// A kernel that makes lines of rows.
trait Kernel {
    /// Takes a row that it wanted, with [`ROW_SLACK`](calibrant_jpeg::ROW_SLACK) bytes behind it, and gives the lines that it
    /// completes.
    ///
    /// It has to be `#[inline(always)]`, with the loops that it reaches.
    fn row(&mut self, y: usize, row: &[u8], vectors: Vectors, lines: &mut Rows<'_>);
}

/// Resizes one picture after the other, in memory that it keeps.
#[derive(Debug, Default)]
pub(crate) struct Resizer {
    vectors: Vectors,
    active: Active,
    identity: Identity,
    linear: linear::Linear,
    halves: area::Halves,
    cells: area::Cells,
    parts: area::Parts,
    cubic: cubic::Cubic,
    nearest: nearest::Nearest,
    convolution: convolve::Convolution,
    fir: fir::Fir,
}

/// The kernel that a picture was begun with.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Active {
    #[default]
    Identity,
    Linear,
    Halves,
    Cells,
    Parts,
    Cubic,
    Nearest,
    Convolution,
    Fir,
}

impl Resizer {
    /// Begins a picture, and makes the region what has to come of it.
    ///
    /// # Errors
    ///
    /// [`FirError::Elongated`].
    pub(crate) fn begin(
        &mut self,
        filter: Filter,
        from: Size,
        channels: usize,
        plan: &Plan,
        region: &mut Region,
    ) -> Result<(), FirError> {
        region.clear(from.width, from.height);
        let job = Job { filter, from, channels, plan: *plan };
        let algorithm = Algorithm::of(filter, from, plan.scaled);
        self.active = match algorithm {
            _ if from == plan.scaled && from == plan.window.size => {
                self.identity.begin(job, region);
                Active::Identity
            }
            Algorithm::Halves => {
                self.halves.begin(job, region);
                Active::Halves
            }
            Algorithm::Linear(position) => {
                self.linear.begin(job, position, self.vectors, region);
                Active::Linear
            }
            Algorithm::Cells(cell) => {
                self.cells.begin(job, cell, region);
                Active::Cells
            }
            Algorithm::Parts(ratios) => {
                self.parts.begin(job, ratios, region);
                Active::Parts
            }
            Algorithm::Cubic => {
                self.cubic.begin(job, region);
                Active::Cubic
            }
            Algorithm::Nearest(rule) => {
                self.nearest.begin(job, rule, region);
                Active::Nearest
            }
            Algorithm::Convolution(filter) => {
                self.convolution.begin(job, filter, region);
                Active::Convolution
            }
            Algorithm::Fir(algorithm) => {
                self.fir.begin(job, algorithm, region)?;
                Active::Fir
            }
        };
        Ok(())
    }

    /// Takes a row of the region, with [`ROW_SLACK`](calibrant_jpeg::ROW_SLACK) bytes behind it, and calls `lines` with those
    /// that it completes; the rows come from the top, and all of them.
    pub(crate) fn row(&mut self, y: usize, row: &[u8], lines: &mut Rows<'_>) {
        let vectors = self.vectors;
        match self.active {
            Active::Identity => vectors.run(Step { kernel: &mut self.identity, y, row, lines }),
            Active::Linear => vectors.run(Step { kernel: &mut self.linear, y, row, lines }),
            Active::Halves => vectors.run(Step { kernel: &mut self.halves, y, row, lines }),
            Active::Cells => vectors.run(Step { kernel: &mut self.cells, y, row, lines }),
            Active::Parts => vectors.run(Step { kernel: &mut self.parts, y, row, lines }),
            Active::Cubic => vectors.run(Step { kernel: &mut self.cubic, y, row, lines }),
            Active::Nearest => vectors.run(Step { kernel: &mut self.nearest, y, row, lines }),
            Active::Convolution => {
                vectors.run(Step { kernel: &mut self.convolution, y, row, lines });
            }
            Active::Fir => self.fir.row(row),
        }
    }

    /// Ends a picture; the `fir-*` filters, which need it whole, make their lines here.
    ///
    /// # Errors
    ///
    /// [`FirError`].
    pub(crate) fn end(&mut self, lines: &mut Rows<'_>) -> Result<(), FirError> {
        match self.active {
            Active::Fir => self.fir.end(lines),
            _ => Ok(()),
        }
    }
}

/// A row on its way into a kernel.
struct Step<'a, 'b, K> {
    kernel: &'a mut K,
    y: usize,
    row: &'a [u8],
    lines: &'a mut Rows<'b>,
}

impl<K: Kernel> Loops for Step<'_, '_, K> {
    #[inline(always)]
    fn run(self, vectors: Vectors) {
        self.kernel.row(self.y, self.row, vectors, self.lines);
    }
}

/// What computes a filter between two sizes.
#[derive(Debug, Clone, Copy)]
enum Algorithm {
    Linear(linear::Position),
    Halves,
    Cells((usize, usize)),
    Parts((f64, f64)),
    Cubic,
    Nearest(nearest::Rule),
    Convolution(convolve::Filter),
    Fir(ResizeAlg),
}

impl Algorithm {
    fn of(filter: Filter, from: Size, to: Size) -> Self {
        use Algorithm::{Convolution, Cubic, Fir, Halves, Linear, Nearest};
        let fir = |filter| Fir(ResizeAlg::Convolution(filter));
        match filter {
            Filter::Cv2Linear if area::halves(from, to) => Halves,
            Filter::Cv2Linear => Linear(linear::Position::Centre),
            Filter::Cv2Area if area::shrinks(from, to) => area::algorithm(from, to),
            Filter::Cv2Area => Linear(linear::Position::Overlap),
            Filter::Cv2Nearest => Nearest(nearest::Rule::Corner),
            Filter::Cv2Cubic => Cubic,
            Filter::PilBilinear => Convolution(convolve::PIL_BILINEAR),
            Filter::PilBicubic => Convolution(convolve::PIL_BICUBIC),
            Filter::PilLanczos => Convolution(convolve::PIL_LANCZOS),
            Filter::PilBox => Convolution(convolve::PIL_BOX),
            Filter::PilHamming => Convolution(convolve::PIL_HAMMING),
            Filter::PilNearest => Nearest(nearest::Rule::Centre),
            Filter::TvBilinear => Convolution(convolve::TV_BILINEAR),
            Filter::TvBicubic => Convolution(convolve::TV_BICUBIC),
            Filter::TvLanczos => Convolution(convolve::TV_LANCZOS),
            Filter::FirNearest => Fir(ResizeAlg::Nearest),
            Filter::FirBox => fir(FilterType::Box),
            Filter::FirBilinear => fir(FilterType::Bilinear),
            Filter::FirHamming => fir(FilterType::Hamming),
            Filter::FirCatmullRom => fir(FilterType::CatmullRom),
            Filter::FirMitchell => fir(FilterType::Mitchell),
            Filter::FirGaussian => fir(FilterType::Gaussian),
            Filter::FirLanczos3 => fir(FilterType::Lanczos3),
        }
    }
}

/// Adds all pixels of some columns and rows.
fn want(region: &mut Region, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) {
    region.want_columns(columns);
    region.want_rows(rows);
}

/// Nothing to do: the picture has the size that is asked for.
#[derive(Debug, Default)]
struct Identity {
    bytes: usize,
}

impl Identity {
    fn begin(&mut self, job: Job, region: &mut Region) {
        self.bytes = job.line_bytes();
        want(region, 0..job.from.width as usize, 0..job.from.height as usize);
    }
}

impl Kernel for Identity {
    #[inline(always)]
    fn row(&mut self, y: usize, row: &[u8], _: Vectors, lines: &mut Rows<'_>) {
        lines(y, &row[..self.bytes]);
    }
}
