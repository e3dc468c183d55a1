//! `cv2.resize(…, interpolation=cv2.INTER_CUBIC)` on 8-bit pixels, to the bit: `HResizeCubic` and
//! `VResizeCubic` of OpenCV with the vector unit that every x86-64 has.
//!
//! Weights have 11 bits and horizontal sums are whole. Vertically OpenCV sums eight values at a
//! time in f32, and what is left of a line in whole numbers; the two round differently.
//! Where OpenCV was built with Intel's IPP that library computes instead, and differently on each
//! kind of processor.

use calibrant_jpeg::Region;

use super::sampling::word;
use super::simd::Vectors;
use super::{Job, Kernel, Rows};
use crate::geometry::Plan;
use crate::recipe::Size;

/// One in the fixed point of the weights.
const ONE: f32 = 2048.0;
/// Bits after the point of a product of two weights.
const PRECISION: u32 = 22;
/// Values that OpenCV sums at once.
const VECTOR: usize = 8;

/// The tables of both axes, four horizontally resized rows and a line.
#[derive(Debug, Default)]
pub(super) struct Cubic {
    channels: usize,
    columns: Vec<Tap>,
    rows: Vec<Tap>,
    /// Of the last four rows each at its number modulo 4.
    sums: [Vec<i32>; 4],
    /// How much of a line OpenCV sums in vectors.
    vectors: usize,
    line: Vec<u8>,
    /// The next line to be made.
    next: usize,
}

/// The four source positions of an output position and their weights.
#[derive(Debug, Clone, Copy)]
struct Tap {
    at: [usize; 4],
    weights: [i32; 4],
}

/// Returns the entries of the window's columns and rows: four positions and their weights.
pub(super) fn tables(picture: Size, plan: &Plan) -> [Vec<u32>; 2] {
    let (to, window) = (plan.scaled, plan.window);
    let mut entries = Vec::new();
    let mut words = |from, to, start, count| {
        taps(&mut entries, from, to, start, count);
        let entry = |tap: &Tap| [tap.at.map(word), tap.weights.map(i32::cast_unsigned)];
        entries.iter().flat_map(entry).flatten().collect()
    };
    [
        words(picture.width, to.width, window.left, window.size.width),
        words(picture.height, to.height, window.top, window.size.height),
    ]
}

/// Returns how many values of a scaled line lie in whole vectors.
pub(super) fn vectors(scaled: Size, channels: usize) -> usize {
    scaled.width as usize * channels / VECTOR * VECTOR
}

impl Cubic {
    pub(super) fn begin(&mut self, job: Job, region: &mut Region) {
        let (from, to, window) = (job.from, job.plan.scaled, job.plan.window);
        taps(&mut self.columns, from.width, to.width, window.left, window.size.width);
        taps(&mut self.rows, from.height, to.height, window.top, window.size.height);
        for tap in &self.columns {
            region.want_columns(tap.at[0]..tap.at[3] + 1);
        }
        for tap in &self.rows {
            region.want_rows(tap.at[0]..tap.at[3] + 1);
        }
        let (channels, width) = (job.channels, job.line_bytes());
        self.sums.iter_mut().for_each(|sums| sums.resize(width, 0));
        self.line.resize(width, 0);
        // The whole vectors of the scaled picture's lines, as far as they lie in the window.
        let before = window.left as usize * channels;
        self.vectors = vectors(to, channels).saturating_sub(before).min(width);
        (self.channels, self.next) = (channels, 0);
    }
}

impl Kernel for Cubic {
    #[inline(always)]
    fn row(&mut self, y: usize, row: &[u8], _: Vectors, lines: &mut Rows<'_>) {
        let sums = &mut self.sums[y % 4];
        match self.channels {
            1 => horizontal::<1>(row, &self.columns, sums),
            _ => horizontal::<3>(row, &self.columns, sums),
        }
        while let Some(tap) = self.rows.get(self.next).filter(|tap| tap.at[3] == y) {
            let sums = tap.at.map(|row| &self.sums[row % 4][..]);
            let (out, rest) = self.line.split_at_mut(self.vectors);
            in_floats(sums, tap.weights, out);
            in_integers(sums.map(|sums| &sums[self.vectors..]), tap.weights, rest);
            lines(self.next, &self.line);
            self.next += 1;
        }
    }
}

/// Computes the taps of output positions `start .. start + count`.
#[expect(clippy::cast_possible_truncation, reason = "OpenCV computes the position in f32")]
fn taps(taps: &mut Vec<Tap>, from: u32, to: u32, start: u32, count: u32) {
    // Twice the reciprocal, as OpenCV does: it is not `from / to` in the last bit.
    let scale = 1.0 / (f64::from(to) / f64::from(from));
    let last = i64::from(from) - 1;
    taps.clear();
    taps.extend((start..start + count).map(|d| {
        let position = ((f64::from(d) + 0.5) * scale - 0.5) as f32;
        let floor = position.floor();
        let before = floor as i64 - 1;
        let at = [0, 1, 2, 3].map(|i| (before + i).clamp(0, last) as usize);
        let weights = weights(position - floor).map(|w| (w * ONE).round_ties_even() as i32);
        Tap { at, weights }
    }));
}

/// `interpolateCubic`: Keys' cubic with a = −0.75, the last weight as what is left of one.
fn weights(x: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let (y, z) = (x + 1.0, 1.0 - x);
    let first = ((A * y - 5.0 * A) * y + 8.0 * A) * y - 4.0 * A;
    let second = ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let third = ((A + 2.0) * z - (A + 3.0)) * z * z + 1.0;
    [first, second, third, 1.0 - first - second - third]
}

#[inline(always)]
fn horizontal<const C: usize>(row: &[u8], columns: &[Tap], sums: &mut [i32]) {
    let (pixels, _) = row.as_chunks::<C>();
    let (sums, _) = sums.as_chunks_mut::<C>();
    for (sum, tap) in sums.iter_mut().zip(columns) {
        let [a, b, c, d] = tap.at;
        let (a, b, c, d) = (pixels[a], pixels[b], pixels[c], pixels[d]);
        let [wa, wb, wc, wd] = tap.weights;
        for (i, sum) in sum.iter_mut().enumerate() {
            let [a, b, c, d] = [a[i], b[i], c[i], d[i]];
            *sum = i32::from(a) * wa + i32::from(b) * wb + i32::from(c) * wc + i32::from(d) * wd;
        }
    }
}

/// `VResizeCubicVec_32s8u`: the last product first, then the others from below, none of them fused.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as is wanted")]
fn in_floats(sums: [&[i32]; 4], weights: [i32; 4], out: &mut [u8]) {
    let [a, b, c, d] = weights.map(|w| w as f32 * (1.0 / (ONE * ONE)));
    let [above, upper, lower, below] = sums;
    let rows = above.iter().zip(upper).zip(lower).zip(below);
    for (out, (((&above, &upper), &lower), &below)) in out.iter_mut().zip(rows) {
        let sum = lower as f32 * c + below as f32 * d;
        let sum = above as f32 * a + (upper as f32 * b + sum);
        *out = sum.round_ties_even() as u8;
    }
}

/// `VResizeCubic` with `FixedPtCast`: halves away from zero.
#[inline(always)]
fn in_integers(sums: [&[i32]; 4], weights: [i32; 4], out: &mut [u8]) {
    for (x, out) in out.iter_mut().enumerate() {
        let products = sums.iter().zip(weights).map(|(sums, weight)| sums[x] * weight);
        let sum = products.sum::<i32>() + (1 << (PRECISION - 1));
        *out = (sum >> PRECISION).clamp(0, 255) as u8;
    }
}
