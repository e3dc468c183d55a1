//! Pictures at a half, a quarter or an eighth of their size, by shorter transforms.
//!
//! libjpeg-turbo calls it a scaled decode; Pillow's `Image.draft` and OpenCV's
//! `IMREAD_REDUCED_COLOR_2` ask for it, and the pixels are theirs. Each is near the mean of those of
//! the whole picture that it stands for.

use crate::coefficients::Blocks;
use crate::decoder::{Picture, ROW_SLACK, Sink};
use crate::entropy::{CHUNK, Chunk};
use crate::error::Error;
use crate::header::Coding;
use crate::kernels::{Kernels, LANES, Plane};
use crate::rows::{Geometry, Pixels};

/// How much smaller a picture is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// A half of its sides.
    Half,
    /// A quarter of them.
    Quarter,
    /// An eighth of them.
    Eighth,
}

impl Reduction {
    /// Returns how long a side becomes: a part of a pixel counts as one.
    #[must_use]
    pub fn of(self, side: u32) -> u32 {
        side.div_ceil(match self {
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        })
    }

    /// Returns the samples that a block of luma becomes, across and down.
    fn side(self) -> usize {
        match self {
            Self::Half => 4,
            Self::Quarter => 2,
            Self::Eighth => 1,
        }
    }
}

/// The samples of a row of MCUs; its memory stays for the next picture.
#[derive(Debug, Default)]
pub(crate) struct Planes {
    samples: [Vec<u8>; 3],
    row: Vec<u8>,
}

impl Picture<'_> {
    /// Returns whether [`reduced_rows`](Self::reduced_rows) takes the picture: a gray one, or one
    /// whose differences are as dense across as down (4:4:4, 4:2:0).
    ///
    /// Then all components come to the same size, and nothing has to be interpolated.
    #[must_use]
    pub fn is_reducible(&self) -> bool {
        let (across, down) = self.header().subsampling;
        across == down
    }

    /// Calls `row` with the number and the bytes of each row of the reduced picture, from the top,
    /// as soon as it is made; there are [`ROW_SLACK`] bytes behind each, and all are the caller's
    /// to change.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), and [`Error::Unsupported`] for a picture that is not
    /// [reducible](Self::is_reducible); rows may have been given before damage was met.
    pub fn reduced_rows(
        self,
        pixels: Pixels,
        reduction: Reduction,
        row: impl FnMut(usize, &mut [u8]),
    ) -> Result<(), Error> {
        if !self.is_reducible() {
            let what = "differences that are denser one way, to be reduced,";
            return Err(Error::Unsupported { what, offset: self.segments().scan });
        }
        let (blocks, coding) = (self.blocks(pixels), self.header().coding);
        self.with_job(pixels, None, |job, decoder| {
            let mut planes = std::mem::take(&mut decoder.planes);
            let shape = Shape::new(&job.geometry, reduction);
            planes.reset(&shape, pixels);
            let kernels = decoder.kernels;
            let mut sink = Reduced { kernels, shape, blocks, coding, pixels, planes, row };
            let result = job.coefficients(decoder, &mut sink);
            decoder.planes = sink.planes;
            result
        })
    }
}

/// Sizes of a reduced picture.
#[derive(Debug, Clone, Copy)]
struct Shape {
    geometry: Geometry,
    width: usize,
    height: usize,
    /// Samples that a block of luma becomes.
    side: usize,
    /// From one row of a plane to the next.
    stride: usize,
}

impl Shape {
    fn new(geometry: &Geometry, reduction: Reduction) -> Self {
        let side = reduction.side();
        let reduced = |length: usize| length.div_ceil(8 / side);
        Self {
            geometry: *geometry,
            width: reduced(geometry.width),
            height: reduced(geometry.height),
            side,
            // Rows are readable up to a multiple of the vectors.
            stride: (geometry.mcus_across() * geometry.across * side).next_multiple_of(LANES),
        }
    }

    /// Returns the rows of a row of MCUs.
    fn rows(&self) -> usize {
        self.geometry.down * self.side
    }
}

impl Planes {
    fn reset(&mut self, shape: &Shape, pixels: Pixels) {
        for samples in &mut self.samples {
            samples.resize(shape.stride * shape.rows(), 0);
        }
        self.row.resize(shape.width * pixels.bytes() + ROW_SLACK, 0);
    }
}

/// Makes samples of coefficients, and rows of them as soon as a row of MCUs is there.
struct Reduced<R> {
    kernels: &'static Kernels,
    shape: Shape,
    blocks: Blocks,
    coding: Coding,
    pixels: Pixels,
    planes: Planes,
    row: R,
}

impl<R: FnMut(usize, &mut [u8])> Sink for Reduced<R> {
    fn take(&mut self, chunk: &Chunk, [mcu_x, _]: [usize; 2], n: usize) {
        let Shape { geometry, side, stride, .. } = self.shape;
        let mut first = 0;
        for component in 0..self.blocks.n_planes {
            let (h, v) = geometry.blocks(component);
            let steps = &self.blocks.planes[component].quantization;
            // Where a component has fewer blocks, each becomes more samples.
            let side = side * geometry.across / h;
            let mut plane = Plane { samples: &mut self.planes.samples[component], stride };
            for line in 0..v {
                let run = first + line * CHUNK * h..first + line * CHUNK * h + n * h;
                let (blocks, lengths) = (&chunk.blocks[run.clone()], &chunk.lengths[run]);
                let at = line * side * stride + mcu_x * h * side;
                if side < 8 {
                    (self.kernels.reduce)(blocks, lengths, side, steps, &mut plane, at);
                } else {
                    let wanted = &[true; CHUNK];
                    (self.kernels.transform)(blocks, lengths, wanted, steps, &mut plane, at);
                }
            }
            first += CHUNK * h * v;
        }
    }

    fn end_row(&mut self, mcu_y: usize) {
        let rows = self.shape.rows();
        let first = mcu_y * rows;
        for y in first..(first + rows).min(self.shape.height) {
            self.write(y - first);
            (self.row)(y, &mut self.planes.row);
        }
    }
}

impl<R> Reduced<R> {
    /// Makes the pixels of a row of samples.
    fn write(&mut self, y: usize) {
        let Shape { width, stride, .. } = self.shape;
        let Planes { samples, row } = &mut self.planes;
        let [luma, blue, red] = samples.each_ref().map(|samples| &samples[y * stride..][..stride]);
        let row = &mut row[..width * self.pixels.bytes()];
        match (self.pixels, self.coding) {
            (Pixels::Luma, _) => row.copy_from_slice(&luma[..width]),
            (Pixels::Rgb, Coding::Gray) => {
                let pixels = row.as_chunks_mut().0.iter_mut().zip(luma);
                pixels.for_each(|(pixel, &luma)| *pixel = [luma; 3]);
            }
            (Pixels::Rgb, Coding::Rgb) => {
                let colours = luma.iter().zip(blue).zip(red);
                let pixels = row.as_chunks_mut().0.iter_mut().zip(colours);
                pixels.for_each(|(pixel, ((&r, &g), &b))| *pixel = [r, g, b]);
            }
            (Pixels::Rgb, Coding::YCbCr) => (self.kernels.rgb_of_rows)(luma, blue, red, row),
        }
    }
}
