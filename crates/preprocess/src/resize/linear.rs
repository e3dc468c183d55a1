//! `cv2.resize(…, interpolation=cv2.INTER_LINEAR)` on 8-bit pixels, to the bit.
//!
//! Weights have 11 bits. The horizontal sums are narrowed by 4 bits before the vertical pass, whose
//! two products are each cut to their upper half and the sum rounded: `resize.cpp` of OpenCV,
//! `HResizeLinear` and `VResizeLinear` with `FixedPtCast`.
//! Shrinking by exactly two in both directions is `INTER_AREA` there, the rounded mean of four.

use super::View;
use crate::geometry::Plan;

/// One in the fixed point of the weights.
const ONE: f32 = 2048.0;

/// Two horizontally resized rows and the tables of both axes.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    columns: Vec<Tap>,
    rows: Vec<Tap>,
    upper: Vec<u16>,
    lower: Vec<u16>,
}

/// The two source positions of an output position and their weights.
#[derive(Debug, Clone, Copy)]
struct Tap {
    first: usize,
    second: usize,
    weights: [u16; 2],
}

/// Writes the plan's window of the resized picture into `out`.
pub(super) fn resize(picture: View<'_>, plan: &Plan, buffers: &mut Buffers, out: &mut [u8]) {
    match picture.channels {
        1 => resize_channels::<1>(picture, plan, buffers, out),
        _ => resize_channels::<3>(picture, plan, buffers, out),
    }
}

fn resize_channels<const C: usize>(
    picture: View<'_>,
    plan: &Plan,
    buffers: &mut Buffers,
    out: &mut [u8],
) {
    let (from, to, window) = (picture.size, plan.scaled, plan.window);
    let width = window.size.width as usize;
    if halves(from.width, to.width) && halves(from.height, to.height) {
        let (left, top) = (window.left as usize, window.top as usize);
        for (y, line) in out.chunks_exact_mut(width * C).enumerate() {
            let y = 2 * (top + y);
            mean_of_four::<C>(picture.row(y), picture.row(y + 1), left, line);
        }
        return;
    }
    let Buffers { columns, rows, upper, lower } = buffers;
    taps(columns, from.width, to.width, window.left, window.size.width, Edge::Replicate);
    taps(rows, from.height, to.height, window.top, window.size.height, Edge::Clamp);
    upper.resize(width * C, 0);
    lower.resize(width * C, 0);
    let (mut in_upper, mut in_lower) = (None, None);
    for (row, line) in rows.iter().zip(out.chunks_exact_mut(width * C)) {
        if in_upper != Some(row.first) && in_lower == Some(row.first) {
            std::mem::swap(upper, lower);
            std::mem::swap(&mut in_upper, &mut in_lower);
        }
        if in_upper != Some(row.first) {
            horizontal::<C>(picture.row(row.first), columns, upper);
            in_upper = Some(row.first);
        }
        if in_lower != Some(row.second) {
            horizontal::<C>(picture.row(row.second), columns, lower);
            in_lower = Some(row.second);
        }
        vertical(upper, lower, row.weights, line);
    }
}

/// What happens at the border: the weight of the one pixel becomes whole, or both rows are it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Replicate,
    Clamp,
}

/// Computes the taps of output positions `start .. start + count`.
#[expect(clippy::cast_possible_truncation, reason = "OpenCV computes the position in f32")]
fn taps(taps: &mut Vec<Tap>, from: u32, to: u32, start: u32, count: u32, edge: Edge) {
    // Twice the reciprocal, as OpenCV does: it is not `from / to` in the last bit.
    let scale = 1.0 / (f64::from(to) / f64::from(from));
    let last = i64::from(from) - 1;
    taps.clear();
    taps.extend((start..start + count).map(|d| {
        let position = ((f64::from(d) + 0.5) * scale - 0.5) as f32;
        let floor = position.floor();
        let mut fraction = position - floor;
        let first = floor as i64;
        if edge == Edge::Replicate && (first < 0 || first >= last) {
            fraction = 0.0;
        }
        let weight = |w: f32| (w * ONE).round_ties_even() as u16;
        Tap {
            first: index(first.clamp(0, last)),
            second: index((first + 1).clamp(0, last)),
            weights: [weight(1.0 - fraction), weight(fraction)],
        }
    }));
}

#[expect(clippy::cast_possible_truncation, reason = "clamped between 0 and a side")]
fn index(position: i64) -> usize {
    position as usize
}

/// Interpolates a row; the sums, at most 255 · 2048, keep 15 bits.
fn horizontal<const C: usize>(row: &[u8], columns: &[Tap], sums: &mut [u16]) {
    let (pixels, _) = row.as_chunks::<C>();
    let (sums, _) = sums.as_chunks_mut::<C>();
    for (sum, tap) in sums.iter_mut().zip(columns) {
        let (a, b) = (pixels[tap.first], pixels[tap.second]);
        let [wa, wb] = tap.weights.map(u32::from);
        for c in 0..C {
            sum[c] = narrowed(u32::from(a[c]) * wa + u32::from(b[c]) * wb);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "255 * 2048 >> 4 is 32640")]
fn narrowed(sum: u32) -> u16 {
    (sum >> 4) as u16
}

fn vertical(upper: &[u16], lower: &[u16], weights: [u16; 2], line: &mut [u8]) {
    let [wa, wb] = weights;
    for ((out, &a), &b) in line.iter_mut().zip(upper).zip(lower) {
        *out = rounded(upper_half(a, wa) + upper_half(b, wb));
    }
}

fn upper_half(sum: u16, weight: u16) -> u16 {
    ((u32::from(sum) * u32::from(weight)) >> 16) as u16
}

#[expect(clippy::cast_possible_truncation, reason = "at most ((32640 * 2048 >> 16) + 2) >> 2, 255")]
fn rounded(sum: u16) -> u8 {
    ((sum + 2) >> 2) as u8
}

fn halves(from: u32, to: u32) -> bool {
    from.is_multiple_of(2) && from / 2 == to
}

#[expect(clippy::cast_possible_truncation, reason = "the mean of four bytes")]
fn mean_of_four<const C: usize>(upper: &[u8], lower: &[u8], left: usize, line: &mut [u8]) {
    let (upper, _) = upper[2 * left * C..].as_chunks::<C>();
    let (lower, _) = lower[2 * left * C..].as_chunks::<C>();
    let (pairs_above, _) = upper.as_chunks::<2>();
    let (pairs_below, _) = lower.as_chunks::<2>();
    let (line, _) = line.as_chunks_mut::<C>();
    for ((out, [a, b]), [c, d]) in line.iter_mut().zip(pairs_above).zip(pairs_below) {
        for i in 0..C {
            let sum = u16::from(a[i]) + u16::from(b[i]) + u16::from(c[i]) + u16::from(d[i]);
            out[i] = ((sum + 2) >> 2) as u8;
        }
    }
}
