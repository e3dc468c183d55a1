//! `cv2.resize(…, interpolation=cv2.INTER_AREA)` where no side grows, to the bit: `resizeAreaFast_`
//! and `resizeArea_` of OpenCV.
//!
//! Whole ratios add whole numbers. Other ratios weight what a pixel covers in f32, first along
//! each row and then row after row; the order of these sums is part of the result.

use calibrant_jpeg::Region;

use super::simd::Vectors;
use super::taps::Taps;
use super::{Algorithm, Job, Kernel, Rows, want};
use crate::geometry::Plan;
use crate::recipe::Size;

/// Returns whether both sides become shorter or stay; otherwise OpenCV interpolates.
pub(super) fn shrinks(from: Size, to: Size) -> bool {
    to.width <= from.width && to.height <= from.height
}

/// Returns whether both sides are halved, which `INTER_LINEAR` leaves to `INTER_AREA` too.
pub(super) fn halves(from: Size, to: Size) -> bool {
    u64::from(from.width) == 2 * u64::from(to.width)
        && u64::from(from.height) == 2 * u64::from(to.height)
}

/// Returns what computes the filter where both sides shrink.
pub(super) fn algorithm(from: Size, to: Size) -> Algorithm {
    let (x, y) = (ratio(from.width, to.width), ratio(from.height, to.height));
    match whole(x).zip(whole(y)) {
        Some((2, 2)) => Algorithm::Halves,
        Some(cell) => Algorithm::Cells(cell),
        None => Algorithm::Parts((x, y)),
    }
}

/// Twice the reciprocal, as OpenCV does: it is not `from / to` in the last bit.
fn ratio(from: u32, to: u32) -> f64 {
    1.0 / (f64::from(to) / f64::from(from))
}

#[expect(clippy::cast_possible_truncation, reason = "at least 1, at most a side")]
fn whole(ratio: f64) -> Option<usize> {
    let rounded = ratio.round_ties_even();
    ((ratio - rounded).abs() < f64::EPSILON).then_some(rounded as usize)
}

/// Returns the runs of the window's columns and rows, for a device.
pub(super) fn tables((x, y): (f64, f64), picture: Size, plan: &Plan) -> [Vec<u32>; 2] {
    let window = plan.window;
    let mut taps = Taps::default();
    let mut runs = |from, ratio, start, count| {
        parts(&mut taps, from, ratio, start, count);
        taps.words(f32::to_bits)
    };
    [
        runs(picture.width, x, window.left, window.size.width),
        runs(picture.height, y, window.top, window.size.height),
    ]
}

/// Returns the source positions of a window of cells.
fn cells(start: u32, count: u32, cell: usize) -> std::ops::Range<usize> {
    start as usize * cell..(start as usize + count as usize) * cell
}

/// The rounded mean of two by two pixels.
#[derive(Debug, Default)]
pub(super) struct Halves {
    channels: usize,
    /// The first byte of the window in a row.
    left: usize,
    top: usize,
    /// Sums of two neighbours in the upper row.
    sums: Vec<u16>,
    line: Vec<u8>,
}

impl Halves {
    pub(super) fn begin(&mut self, job: Job, region: &mut Region) {
        let window = job.plan.window;
        let across = cells(window.left, window.size.width, 2);
        let down = cells(window.top, window.size.height, 2);
        self.channels = job.channels;
        (self.left, self.top) = (across.start * job.channels, window.top as usize);
        self.sums.resize(job.line_bytes(), 0);
        self.line.resize(job.line_bytes(), 0);
        want(region, across, down);
    }

    #[inline(always)]
    fn upper<const C: usize>(&mut self, row: &[u8]) {
        let cells = row[self.left..].as_chunks::<C>().0.as_chunks::<2>().0;
        for (sum, [a, b]) in self.sums.as_chunks_mut::<C>().0.iter_mut().zip(cells) {
            for i in 0..C {
                sum[i] = u16::from(a[i]) + u16::from(b[i]);
            }
        }
    }

    #[inline(always)]
    fn lower<const C: usize>(&mut self, row: &[u8]) {
        let cells = row[self.left..].as_chunks::<C>().0.as_chunks::<2>().0;
        let upper = self.sums.as_chunks::<C>().0;
        let line = self.line.as_chunks_mut::<C>().0;
        for ((out, upper), [c, d]) in line.iter_mut().zip(upper).zip(cells) {
            for i in 0..C {
                let sum = upper[i] + u16::from(c[i]) + u16::from(d[i]);
                out[i] = (((sum + 2) >> 2) & 0xff) as u8;
            }
        }
    }
}

impl Kernel for Halves {
    #[inline(always)]
    fn row(&mut self, y: usize, row: &[u8], _: Vectors, lines: &mut Rows<'_>) {
        match (y % 2, self.channels) {
            (0, 1) => self.upper::<1>(row),
            (0, _) => self.upper::<3>(row),
            (_, 1) => self.lower::<1>(row),
            (_, _) => self.lower::<3>(row),
        }
        if y % 2 == 1 {
            lines(y / 2 - self.top, &self.line);
        }
    }
}

/// The mean of cells of whole pixels: their sum times the reciprocal of their number.
///
/// More than eight million white pixels in one cell overflow the sum, as they do in OpenCV.
#[derive(Debug, Default)]
pub(super) struct Cells {
    channels: usize,
    cell: (usize, usize),
    /// The first byte of the window in a row.
    left: usize,
    top: usize,
    /// Sums of each column of the cells.
    sums: Vec<i32>,
    line: Vec<u8>,
}

impl Cells {
    pub(super) fn begin(&mut self, job: Job, cell: (usize, usize), region: &mut Region) {
        let window = job.plan.window;
        let across = cells(window.left, window.size.width, cell.0);
        let down = cells(window.top, window.size.height, cell.1);
        (self.channels, self.cell) = (job.channels, cell);
        (self.left, self.top) = (across.start * job.channels, window.top as usize);
        self.sums.clear();
        self.sums.resize(across.len() * job.channels, 0);
        self.line.resize(job.line_bytes(), 0);
        want(region, across, down);
    }

    #[inline(always)]
    fn means<const C: usize>(&mut self) {
        let (across, down) = self.cell;
        let share = 1.0 / (across * down) as f32;
        let cells = self.sums.chunks_exact(across * C);
        for (out, cell) in self.line.as_chunks_mut::<C>().0.iter_mut().zip(cells) {
            let mut total = [0_i32; C];
            for pixel in cell.as_chunks::<C>().0 {
                for (total, value) in total.iter_mut().zip(pixel) {
                    *total = total.wrapping_add(*value);
                }
            }
            for (out, total) in out.iter_mut().zip(total) {
                *out = rounded(total as f32 * share);
            }
        }
    }
}

impl Kernel for Cells {
    #[inline(always)]
    fn row(&mut self, y: usize, row: &[u8], _: Vectors, lines: &mut Rows<'_>) {
        for (sum, &value) in self.sums.iter_mut().zip(&row[self.left..]) {
            *sum = sum.wrapping_add(i32::from(value));
        }
        let down = self.cell.1;
        if (y + 1).is_multiple_of(down) {
            match self.channels {
                1 => self.means::<1>(),
                _ => self.means::<3>(),
            }
            self.sums.fill(0);
            lines(y / down - self.top, &self.line);
        }
    }
}

/// The weighted mean of all pixels that a pixel covers, whole or in part.
#[derive(Debug, Default)]
pub(super) struct Parts {
    channels: usize,
    columns: Taps<f32>,
    rows: Taps<f32>,
    /// A row, horizontally resized.
    resized: Vec<f32>,
    /// Sums of the line that is being made.
    sums: Vec<f32>,
    line: Vec<u8>,
    /// The line that is being made.
    next: usize,
}

impl Parts {
    pub(super) fn begin(&mut self, job: Job, (x, y): (f64, f64), region: &mut Region) {
        let (from, window) = (job.from, job.plan.window);
        parts(&mut self.columns, from.width, x, window.left, window.size.width);
        parts(&mut self.rows, from.height, y, window.top, window.size.height);
        self.channels = job.channels;
        self.resized.resize(job.line_bytes(), 0.0);
        self.sums.clear();
        self.sums.resize(job.line_bytes(), 0.0);
        self.line.resize(job.line_bytes(), 0);
        self.next = 0;
        want(region, self.columns.reach(), self.rows.reach());
    }
}

impl Kernel for Parts {
    #[inline(always)]
    fn row(&mut self, y: usize, row: &[u8], _: Vectors, lines: &mut Rows<'_>) {
        match self.channels {
            1 => horizontal::<1>(row, &self.columns, &mut self.resized),
            _ => horizontal_rgb(row, &self.columns, &mut self.resized),
        }
        // Two lines may share a row: it is the last of the one and the first of the other.
        while let Some((first, weights)) = self.rows.get(self.next)
            && let Some(&weight) = y.checked_sub(first).and_then(|i| weights.get(i))
        {
            for (sum, value) in self.sums.iter_mut().zip(&self.resized) {
                *sum += weight * value;
            }
            if y + 1 < first + weights.len() {
                break;
            }
            for (out, sum) in self.line.iter_mut().zip(&mut self.sums) {
                *out = rounded(std::mem::take(sum));
            }
            lines(self.next, &self.line);
            self.next += 1;
        }
    }
}

#[inline(always)]
fn horizontal<const C: usize>(row: &[u8], columns: &Taps<f32>, resized: &mut [f32]) {
    let pixels = row.as_chunks::<C>().0;
    for (out, (first, weights)) in resized.as_chunks_mut::<C>().0.iter_mut().zip(columns.iter()) {
        let mut sums = [0.0_f32; C];
        for (pixel, &weight) in pixels[first..].iter().zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += f32::from(value) * weight;
            }
        }
        *out = sums;
    }
}

/// As [`horizontal`]; a fourth sum, of the next pixel's red, makes a vector of the three.
#[inline(always)]
fn horizontal_rgb(row: &[u8], columns: &Taps<f32>, resized: &mut [f32]) {
    for (out, (first, weights)) in resized.as_chunks_mut::<3>().0.iter_mut().zip(columns.iter()) {
        let mut sums = [0.0_f32; 4];
        let pixels = &row[3 * first..][..3 * weights.len() + 1];
        for (i, &weight) in weights.iter().enumerate() {
            let pixel = &pixels[3 * i..3 * i + 4];
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += f32::from(value) * weight;
            }
        }
        out.copy_from_slice(&sums[..3]);
    }
}

/// Computes the taps of output positions `start .. start + count`: `computeResizeAreaTab`.
#[expect(clippy::cast_possible_truncation, reason = "positions lie in the picture")]
fn parts(taps: &mut Taps<f32>, from: u32, ratio: f64, start: u32, count: u32) {
    /// A part of a pixel that is smaller is left out.
    const LEAST: f64 = 1e-3;
    let end_of_side = f64::from(from);
    taps.clear();
    for d in start..start + count {
        let begin = f64::from(d) * ratio;
        let end = begin + ratio;
        let covered = ratio.min(end_of_side - begin);
        let last = end.floor().min(end_of_side - 1.0);
        let first = begin.ceil().min(last);
        let before = first - begin;
        let after = end - last;
        let before = (before > LEAST).then(|| (before / covered) as f32);
        let after = (after > LEAST).then(|| (after.min(1.0).min(covered) / covered) as f32);
        let inside = std::iter::repeat_n((1.0 / covered) as f32, (last - first) as usize);
        let begins_at = first as usize - usize::from(before.is_some());
        taps.push(begins_at, before.into_iter().chain(inside).chain(after));
    }
}

/// `saturate_cast<uchar>`: to the nearest whole number, halves to even.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as is wanted")]
fn rounded(value: f32) -> u8 {
    value.round_ties_even() as u8
}
