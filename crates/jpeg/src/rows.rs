//! From samples to rows of pixels, while the samples are in the cache.

use std::ops::Range;

use crate::header::{Coding, Header};
use crate::kernels::scalar;
use crate::kernels::{Kernels, LANES, Plane, Rounding};

/// Sums before the first, so that vectors of them lie as they should: the last of these repeats
/// the border.
const BEFORE: usize = 16;

/// What the bytes of a row are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    /// Red, green and blue, interleaved; a gray picture has the same value three times.
    Rgb,
    /// The luma as it is stored, one byte a pixel; not to be had of [`Coding::Rgb`].
    Luma,
}

impl Pixels {
    /// Returns how many bytes a pixel takes.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Luma => 1,
        }
    }
}

/// Where the samples and rows of a picture lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Pixels across and down that share a difference.
    pub(crate) across: usize,
    pub(crate) down: usize,
    coding: Coding,
    /// Columns of the differences, without what pads their blocks.
    chroma_width: usize,
    chroma_height: usize,
}

impl Geometry {
    pub(crate) fn of(header: &Header) -> Self {
        let (width, height) = (header.width as usize, header.height as usize);
        let (across, down) = (usize::from(header.subsampling.0), usize::from(header.subsampling.1));
        Self {
            width,
            height,
            across,
            down,
            coding: header.coding,
            chroma_width: width.div_ceil(across),
            chroma_height: height.div_ceil(down),
        }
    }

    pub(crate) fn mcus_across(&self) -> usize {
        self.width.div_ceil(8 * self.across)
    }

    pub(crate) fn mcus_down(&self) -> usize {
        self.height.div_ceil(8 * self.down)
    }

    /// Returns the blocks of a component in an MCU, across and down.
    pub(crate) fn blocks(&self, component: usize) -> (usize, usize) {
        if component == 0 { (self.across, self.down) } else { (1, 1) }
    }
}

/// The samples of two rows of MCUs, the one being decoded and the one before, and what is made of
/// them; its memory stays for the next picture.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    planes: [Vec<u8>; 3],
    strides: [usize; 3],
    /// Rows of each plane: those of two rows of MCUs.
    heights: [usize; 3],
    sums: [Vec<u16>; 2],
    mixed: [Vec<u8>; 2],
}

impl Rows {
    /// Makes room for a picture.
    pub(crate) fn reset(&mut self, geometry: &Geometry, n_components: usize) {
        for component in 0..n_components {
            let (h, v) = geometry.blocks(component);
            // One vector more than the row: windows begin at any vector.
            let stride = (8 * h * geometry.mcus_across()).next_multiple_of(LANES) + LANES;
            self.strides[component] = stride;
            self.heights[component] = 16 * v;
            self.planes[component].resize(stride * 16 * v, 0);
        }
        let sums = self.strides[1].max(self.strides[0] / 2) + BEFORE + LANES;
        for sums_of in &mut self.sums {
            sums_of.resize(sums, 0);
        }
        for mixed in &mut self.mixed {
            mixed.resize(self.strides[0], 0);
        }
    }

    pub(crate) fn plane(&mut self, component: usize) -> Plane<'_> {
        Plane { samples: &mut self.planes[component], stride: self.strides[component] }
    }

    /// Returns the place of a block, by its column and row of blocks in the picture.
    pub(crate) fn place(&self, component: usize, column: usize, row: usize) -> usize {
        8 * row % self.heights[component] * self.strides[component] + 8 * column
    }

    fn row(&self, component: usize, y: usize) -> &[u8] {
        let stride = self.strides[component];
        &self.planes[component][y % self.heights[component] * stride..][..stride]
    }

    /// Writes columns of row `y` to their places in `out`, a row of pixels.
    ///
    /// The columns begin at a multiple of [`LANES`].
    pub(crate) fn write(
        &mut self,
        kernels: &Kernels,
        geometry: &Geometry,
        pixels: Pixels,
        y: usize,
        columns: Range<usize>,
        out: &mut [u8],
    ) {
        let bytes = pixels.bytes();
        let out = &mut out[columns.start * bytes..columns.end * bytes];
        match (pixels, geometry.coding) {
            (Pixels::Luma, _) => out.copy_from_slice(&self.row(0, y)[columns]),
            (Pixels::Rgb, Coding::Gray) => {
                for (rgb, &luma) in out.as_chunks_mut().0.iter_mut().zip(&self.row(0, y)[columns]) {
                    *rgb = [luma; 3];
                }
            }
            (Pixels::Rgb, Coding::Rgb) => {
                let [r, g, b] = [0, 1, 2].map(|component| &self.row(component, y)[columns.clone()]);
                let colours = r.iter().zip(g).zip(b);
                for (rgb, ((&r, &g), &b)) in out.as_chunks_mut().0.iter_mut().zip(colours) {
                    *rgb = [r, g, b];
                }
            }
            (Pixels::Rgb, Coding::YCbCr) => self.convert(kernels, geometry, y, columns, out),
        }
    }

    fn convert(
        &mut self,
        kernels: &Kernels,
        geometry: &Geometry,
        y: usize,
        columns: Range<usize>,
        out: &mut [u8],
    ) {
        let near = y / geometry.down;
        let far = match (geometry.down, y % 2) {
            (1, _) => near,
            (_, 0) => near.saturating_sub(1),
            _ => (near + 1).min(geometry.chroma_height - 1),
        };
        match geometry.across {
            // libjpeg repeats the samples of so narrow a picture.
            2 if geometry.chroma_width <= 2 => self.repeat(y, near, out),
            2 => {
                for component in [1, 2] {
                    self.sum(kernels, geometry, component, [near, far], &columns);
                }
                let rounding = match geometry.down {
                    // The sums of one row alone are four times its samples.
                    1 => Rounding { even: 4, odd: 8 },
                    _ => Rounding { even: 8, odd: 7 },
                };
                let [blue, red] = self.sums.each_ref().map(|sums| &sums[BEFORE - 1..]);
                let luma = &self.row(0, y)[columns.start..];
                (kernels.rgb_of_sums)(luma, blue, red, rounding, out);
            }
            _ if geometry.down == 2 => {
                for component in [1, 2] {
                    self.mix(component, near, far, y % 2);
                }
                let luma = &self.row(0, y)[columns.start..];
                let [blue, red] = self.mixed.each_ref().map(|mixed| &mixed[columns.start..]);
                (kernels.rgb_of_rows)(luma, blue, red, out);
            }
            _ => {
                let [luma, blue, red] =
                    [0, 1, 2].map(|component| &self.row(component, y)[columns.start..]);
                (kernels.rgb_of_rows)(luma, blue, red, out);
            }
        }
    }

    /// Sums two rows of a difference over the columns and one more at either end, the border's
    /// own repeated beyond it.
    fn sum(
        &mut self,
        kernels: &Kernels,
        geometry: &Geometry,
        component: usize,
        [near, far]: [usize; 2],
        columns: &Range<usize>,
    ) {
        let first = columns.start / 2;
        let count = (columns.len()).div_ceil(2);
        let mut sums = std::mem::take(&mut self.sums[component - 1]);
        let (near, far) = (self.row(component, near), self.row(component, far));
        let one = |column: usize| 3 * u16::from(near[column]) + u16::from(far[column]);
        let vectors = count.next_multiple_of(LANES);
        (kernels.sums)(&near[first..], &far[first..], &mut sums[BEFORE..BEFORE + vectors]);
        sums[BEFORE - 1] = one(first.saturating_sub(1));
        sums[BEFORE + count] = one((first + count).min(geometry.chroma_width - 1));
        self.sums[component - 1] = sums;
    }

    /// `h1v2_fancy_upsample` of libjpeg-turbo's `jdsample.c`.
    fn mix(&mut self, component: usize, near: usize, far: usize, odd: usize) {
        let mut mixed = std::mem::take(&mut self.mixed[component - 1]);
        let rounding = if odd == 0 { 1 } else { 2 };
        let rows = self.row(component, near).iter().zip(self.row(component, far));
        for (out, (&near, &far)) in mixed.iter_mut().zip(rows) {
            let sum = 3 * u16::from(near) + u16::from(far) + rounding;
            *out = u8::try_from(sum >> 2).unwrap_or(u8::MAX);
        }
        self.mixed[component - 1] = mixed;
    }

    fn repeat(&self, y: usize, near: usize, out: &mut [u8]) {
        let (luma, blue, red) = (self.row(0, y), self.row(1, near), self.row(2, near));
        for (x, rgb) in out.as_chunks_mut().0.iter_mut().enumerate() {
            *rgb = scalar::pixel(luma[x], blue[x / 2], red[x / 2]);
        }
    }
}
