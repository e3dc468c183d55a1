//! `Image.resize` of Pillow with `BILINEAR` and `BICUBIC`, to the bit: `Resample.c`.
//!
//! The filter widens with the reduction, so shrinking is antialiased. Weights are normalised in
//! f64 and kept with 22 bits; the horizontal pass comes first and rounds to 8 bits, then the
//! vertical one.

use super::View;
use crate::geometry::Plan;

/// Bits after the point of the weights: `PRECISION_BITS`, 32 − 8 − 2.
const PRECISION: u32 = 22;
/// One half in that precision, where every sum begins.
const HALF: i32 = 1 << (PRECISION - 1);

/// A filter and how far it reaches when nothing is reduced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel {
    weight: fn(f64) -> f64,
    support: f64,
}

/// `BILINEAR`: a triangle.
pub(super) const BILINEAR: Kernel = Kernel { weight: triangle, support: 1.0 };
/// `BICUBIC`: Keys' cubic with a = −0.5.
pub(super) const BICUBIC: Kernel = Kernel { weight: cubic, support: 2.0 };

fn triangle(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 { 1.0 - x } else { 0.0 }
}

fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// The tables of both axes, the picture between the passes, the sums of a row.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    columns: Taps,
    rows: Taps,
    between: Vec<u8>,
    sums: Vec<i32>,
}

/// For each output position, the source positions it sums and their weights.
#[derive(Debug, Default)]
struct Taps {
    /// First source position and number of weights.
    spans: Vec<(usize, usize)>,
    /// The weights of all positions, one after another.
    weights: Vec<i32>,
    scratch: Vec<f64>,
}

impl Taps {
    /// Computes the taps of output positions `start .. start + count`: `precompute_coeffs`.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "positions are clamped to the picture, weights are below 2 in 22 bits"
    )]
    fn prepare(&mut self, kernel: Kernel, from: u32, to: u32, start: u32, count: u32) {
        self.spans.clear();
        self.weights.clear();
        let scale = f64::from(from) / f64::from(to);
        let stretch = scale.max(1.0);
        let support = kernel.support * stretch;
        let per_px = 1.0 / stretch;
        for d in start..start + count {
            let centre = (f64::from(d) + 0.5) * scale;
            let first = ((centre - support + 0.5) as i64).max(0);
            let end = ((centre + support + 0.5) as i64).min(i64::from(from));
            self.scratch.clear();
            self.scratch
                .extend((first..end).map(|s| (kernel.weight)((s as f64 - centre + 0.5) * per_px)));
            let sum: f64 = self.scratch.iter().fold(0.0, |sum, w| sum + w);
            self.spans.push((first as usize, self.scratch.len()));
            self.weights.extend(self.scratch.iter().map(|w| {
                let w = if sum == 0.0 { *w } else { w / sum };
                let fixed = w * f64::from(1 << PRECISION);
                (if w < 0.0 { fixed - 0.5 } else { fixed + 0.5 }) as i32
            }));
        }
    }

    /// Returns, for each output position, its first source position and its weights.
    fn iter(&self) -> impl Iterator<Item = (usize, &[i32])> {
        let mut rest = &self.weights[..];
        self.spans.iter().map(move |&(first, n)| {
            let (weights, after) = rest.split_at(n);
            rest = after;
            (first, weights)
        })
    }

    /// Returns the range of source positions that any output position needs.
    fn reach(&self) -> std::ops::Range<usize> {
        let first = self.spans.iter().map(|s| s.0).min().unwrap_or(0);
        let end = self.spans.iter().map(|s| s.0 + s.1).max().unwrap_or(0);
        first..end
    }
}

/// Writes the plan's window of the resized picture into `out`.
pub(super) fn resize(
    kernel: Kernel,
    picture: View<'_>,
    plan: &Plan,
    buffers: &mut Buffers,
    out: &mut [u8],
) {
    let Buffers { columns, rows, between, sums } = buffers;
    let (from, to, window) = (picture.size, plan.scaled, plan.window);
    columns.prepare(kernel, from.width, to.width, window.left, window.size.width);
    rows.prepare(kernel, from.height, to.height, window.top, window.size.height);
    let needed = rows.reach();
    let stride = window.size.width as usize * picture.channels;
    between.resize(needed.len() * stride, 0);
    for (y, line) in needed.clone().zip(between.chunks_exact_mut(stride)) {
        match picture.channels {
            1 => horizontal::<1>(picture.row(y), columns, line),
            _ => horizontal::<3>(picture.row(y), columns, line),
        }
    }
    for ((first, weights), line) in rows.iter().zip(out.chunks_exact_mut(stride)) {
        vertical(&between[(first - needed.start) * stride..], weights, sums, line);
    }
}

fn horizontal<const C: usize>(row: &[u8], columns: &Taps, line: &mut [u8]) {
    let (pixels, _) = row.as_chunks::<C>();
    let (line, _) = line.as_chunks_mut::<C>();
    for (out, (first, weights)) in line.iter_mut().zip(columns.iter()) {
        let mut sum = [HALF; C];
        for (pixel, &weight) in pixels[first..].iter().zip(weights) {
            for c in 0..C {
                sum[c] += i32::from(pixel[c]) * weight;
            }
        }
        *out = sum.map(clip);
    }
}

/// Sums rows that lie one after another, each as long as `line`.
fn vertical(rows: &[u8], weights: &[i32], sums: &mut Vec<i32>, line: &mut [u8]) {
    sums.clear();
    sums.resize(line.len(), HALF);
    for (row, &weight) in rows.chunks_exact(line.len()).zip(weights) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += i32::from(value) * weight;
        }
    }
    for (out, &sum) in line.iter_mut().zip(sums.iter()) {
        *out = clip(sum);
    }
}

/// `clip8`: the value without the bits after the point, between 0 and 255.
#[expect(clippy::cast_possible_truncation, reason = "clamped to a byte")]
fn clip(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}
