//! `cv2.resize(…, interpolation=cv2.INTER_CUBIC)` on 8-bit pixels, to the bit: `HResizeCubic` and
//! `VResizeCubic` of OpenCV with the vector unit that every x86-64 has.
//!
//! Weights have 11 bits and horizontal sums are whole. Vertically OpenCV sums eight values at a
//! time in f32, and what is left of a line in whole numbers; the two round differently.
//! Where OpenCV was built with Intel's IPP that library computes instead, and differently on each
//! kind of processor.

use super::View;
use super::sampling::word;
use crate::geometry::Plan;
use crate::recipe::Size;

/// One in the fixed point of the weights.
const ONE: f32 = 2048.0;
/// Bits after the point of a product of two weights.
const PRECISION: u32 = 22;
/// Values that OpenCV sums at once.
const VECTOR: usize = 8;

/// The tables of both axes and four horizontally resized rows.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    columns: Vec<Tap>,
    rows: Vec<Tap>,
    lines: [Line; 4],
}

/// A horizontally resized row, and which one it is.
#[derive(Debug, Default)]
struct Line {
    row: Option<usize>,
    sums: Vec<i32>,
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

/// Writes the plan's window of the resized picture into `out`.
#[inline(always)]
pub(super) fn resize(picture: View<'_>, plan: &Plan, buffers: &mut Buffers, out: &mut [u8]) {
    match picture.channels {
        1 => resize_channels::<1>(picture, plan, buffers, out),
        _ => resize_channels::<3>(picture, plan, buffers, out),
    }
}

#[inline(always)]
fn resize_channels<const C: usize>(
    picture: View<'_>,
    plan: &Plan,
    buffers: &mut Buffers,
    out: &mut [u8],
) {
    let (from, to, window) = (picture.size, plan.scaled, plan.window);
    let Buffers { columns, rows, lines } = buffers;
    taps(columns, from.width, to.width, window.left, window.size.width);
    taps(rows, from.height, to.height, window.top, window.size.height);
    let width = window.size.width as usize * C;
    for line in &mut *lines {
        *line = Line { row: None, sums: std::mem::take(&mut line.sums) };
        line.sums.resize(width, 0);
    }
    // How much of the window's lines lies in whole vectors of the scaled picture's lines.
    let vectors = vectors(to, C).saturating_sub(window.left as usize * C).min(width);
    for (tap, out) in rows.iter().zip(out.chunks_exact_mut(width)) {
        for row in tap.at {
            let line = &mut lines[row % 4];
            if line.row != Some(row) {
                line.row = Some(row);
                horizontal::<C>(picture.row(row), columns, &mut line.sums);
            }
        }
        let sums = tap.at.map(|row| &lines[row % 4].sums[..width]);
        let (out, rest) = out.split_at_mut(vectors);
        in_floats(sums, tap.weights, out);
        in_integers(sums.map(|sums| &sums[vectors..]), tap.weights, rest);
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
