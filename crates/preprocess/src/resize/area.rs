//! `cv2.resize(…, interpolation=cv2.INTER_AREA)` where no side grows, to the bit: `resizeAreaFast_`
//! and `resizeArea_` of OpenCV.
//!
//! Whole ratios add whole numbers. Other ratios weight what a pixel covers in f32, first along
//! each row and then row after row; the order of these sums is part of the result.

use super::View;
use super::lanes::Rows;
use super::sampling::word;
use super::taps::Taps;
use crate::geometry::Plan;
use crate::recipe::Size;

/// Rows that are summed along at once.
const LANES: usize = 32;

/// The tables of both axes, a block of rows and the sums of a line.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    columns: Taps<f32>,
    rows: Taps<f32>,
    source: Vec<[u8; LANES]>,
    resized: Vec<[f32; LANES]>,
    sums: Vec<f32>,
    whole_sums: Vec<i32>,
}

/// Returns whether both sides become shorter or stay; otherwise OpenCV interpolates.
pub(super) fn shrinks(from: Size, to: Size) -> bool {
    to.width <= from.width && to.height <= from.height
}

/// Returns whether both sides are halved, which `INTER_LINEAR` leaves to `INTER_AREA` too.
pub(super) fn halves(from: Size, to: Size) -> bool {
    u64::from(from.width) == 2 * u64::from(to.width)
        && u64::from(from.height) == 2 * u64::from(to.height)
}

/// What a device needs for the window.
#[derive(Debug)]
pub(super) enum Tables {
    /// Columns and rows of the cells.
    Cells(u32, u32),
    /// The runs of the columns and of the rows.
    Parts([Vec<u32>; 2]),
}

/// Returns the tables of a picture that shrinks.
pub(super) fn tables(picture: Size, plan: &Plan) -> Tables {
    let (to, window) = (plan.scaled, plan.window);
    let (x, y) = (ratio(picture.width, to.width), ratio(picture.height, to.height));
    if let Some((across, down)) = whole(x).zip(whole(y)) {
        return Tables::Cells(word(across), word(down));
    }
    let mut taps = Taps::default();
    let mut runs = |from, ratio, start, count| {
        parts(&mut taps, from, ratio, start, count);
        taps.words(f32::to_bits)
    };
    Tables::Parts([
        runs(picture.width, x, window.left, window.size.width),
        runs(picture.height, y, window.top, window.size.height),
    ])
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
    let (from, to) = (picture.size, plan.scaled);
    let (x, y) = (ratio(from.width, to.width), ratio(from.height, to.height));
    match whole(x).zip(whole(y)) {
        Some((2, 2)) => halve::<C>(picture, plan, out),
        Some(cell) => mean_of_cells::<C>(picture, plan, cell, &mut buffers.whole_sums, out),
        None => mean_of_parts::<C>(picture, plan, (x, y), buffers, out),
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

/// The rounded mean of two by two pixels.
#[inline(always)]
pub(super) fn halve<const C: usize>(picture: View<'_>, plan: &Plan, out: &mut [u8]) {
    let (left, top) = (plan.window.left as usize, plan.window.top as usize);
    for (y, line) in out.chunks_exact_mut(plan.window.size.width as usize * C).enumerate() {
        let row = |y| picture.row(y)[2 * left * C..].as_chunks::<C>().0.as_chunks::<2>().0;
        let (above, below) = (row(2 * (top + y)), row(2 * (top + y) + 1));
        for ((out, [a, b]), [c, d]) in line.as_chunks_mut::<C>().0.iter_mut().zip(above).zip(below)
        {
            for i in 0..C {
                let sum = u16::from(a[i]) + u16::from(b[i]) + u16::from(c[i]) + u16::from(d[i]);
                out[i] = (((sum + 2) >> 2) & 0xff) as u8;
            }
        }
    }
}

/// The mean of cells of whole pixels: their sum times the reciprocal of their number.
///
/// More than eight million white pixels in one cell overflow the sum, as they do in OpenCV.
#[inline(always)]
fn mean_of_cells<const C: usize>(
    picture: View<'_>,
    plan: &Plan,
    (across, down): (usize, usize),
    sums: &mut Vec<i32>,
    out: &mut [u8],
) {
    let (left, top) = (plan.window.left as usize, plan.window.top as usize);
    let width = plan.window.size.width as usize * C;
    let share = 1.0 / (across * down) as f32;
    sums.resize(width * across, 0);
    for (y, line) in out.chunks_exact_mut(width).enumerate() {
        sums.fill(0);
        for row in (top + y) * down..(top + y + 1) * down {
            let row = &picture.row(row)[left * across * C..];
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(i32::from(value));
            }
        }
        let cells = sums.chunks_exact(across * C);
        for (out, cell) in line.as_chunks_mut::<C>().0.iter_mut().zip(cells) {
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

/// The weighted mean of all pixels that a pixel covers, whole or in part.
#[inline(always)]
fn mean_of_parts<const C: usize>(
    picture: View<'_>,
    plan: &Plan,
    (x, y): (f64, f64),
    buffers: &mut Buffers,
    out: &mut [u8],
) {
    let (from, window) = (picture.size, plan.window);
    let Buffers { columns, rows, source, resized, sums, .. } = buffers;
    parts(columns, from.width, x, window.left, window.size.width);
    parts(rows, from.height, y, window.top, window.size.height);
    let (across, down) = (columns.reach(), rows.reach());
    let stride = from.width as usize * C;
    let data = &picture.data[down.start * stride + across.start * C..];
    let input = Rows { data, stride, count: down.len() };
    source.resize(across.len() * C, [0; LANES]);
    resized.resize(columns.len() * C, [0.0; LANES]);
    sums.resize(columns.len() * C, 0.0);
    let mut block = None;
    for ((first, mut weights), line) in rows.iter().zip(out.chunks_exact_mut(columns.len() * C)) {
        sums.fill(0.0);
        let mut row = first - down.start;
        while !weights.is_empty() {
            // A row that two lines share is the last that the first one takes: blocks only go on.
            if block != Some(row / LANES) {
                block = Some(row / LANES);
                input.gather(row / LANES * LANES, source);
                horizontal::<C>(source, columns, across.start, resized);
            }
            let lane = row % LANES;
            let (within, beyond) = weights.split_at(weights.len().min(LANES - lane));
            for (sum, lanes) in sums.iter_mut().zip(&*resized) {
                for (value, weight) in lanes[lane..].iter().zip(within) {
                    *sum += weight * value;
                }
            }
            row += within.len();
            weights = beyond;
        }
        for (out, &sum) in line.iter_mut().zip(&*sums) {
            *out = rounded(sum);
        }
    }
}

/// Sums the columns of [`LANES`] rows at once.
#[inline(always)]
fn horizontal<const C: usize>(
    source: &[[u8; LANES]],
    columns: &Taps<f32>,
    start: usize,
    resized: &mut [[f32; LANES]],
) {
    let (pixels, _) = source.as_chunks::<C>();
    let (resized, _) = resized.as_chunks_mut::<C>();
    for (out, (first, weights)) in resized.iter_mut().zip(columns.iter()) {
        let pixels = &pixels[first - start..];
        for (c, out) in out.iter_mut().enumerate() {
            let mut sums = [0.0_f32; LANES];
            for (pixel, &weight) in pixels.iter().zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(&pixel[c]) {
                    *sum += f32::from(value) * weight;
                }
            }
            *out = sums;
        }
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
