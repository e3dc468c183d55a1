//! `cv2.resize(…, interpolation=cv2.INTER_LINEAR)` on 8-bit pixels, to the bit.
//!
//! Weights have 11 bits. The horizontal sums are narrowed by 4 bits before the vertical pass, whose
//! two products are each cut to their upper half and the sum rounded: `resize.cpp` of OpenCV,
//! `HResizeLinear` and `VResizeLinear` with `FixedPtCast`.
//! Shrinking by exactly two in both directions is `INTER_AREA` there, the rounded mean of four;
//! and `INTER_AREA` is this kernel with other positions where a side grows.

use calibrant_jpeg::Region;

use super::rgb::Pairs;
use super::sampling::word;
use super::simd::Vectors;
use super::wide::WidePairs;
use super::{Job, Kernel, Rows};
use crate::geometry::Plan;
use crate::recipe::Size;

/// One in the fixed point of the weights.
const ONE: f32 = 2048.0;

/// Where an output pixel lies between the source pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// Centre upon centre: `INTER_LINEAR`.
    Centre,
    /// At the source pixel that it begins in, and beyond that only as far as it reaches over into
    /// the next one: `INTER_AREA` of a picture that grows.
    Overlap,
}

/// The tables of both axes, the last two rows horizontally resized, and a line.
#[derive(Debug, Default)]
pub(super) struct Linear {
    /// What the tables are for.
    job: Option<Job>,
    channels: usize,
    columns: Vec<Tap>,
    pairs: Pairs,
    wide_pairs: WidePairs,
    rows: Vec<Tap>,
    before: Vec<u16>,
    last: Vec<u16>,
    line: Vec<u8>,
    /// The next line to be made.
    next: usize,
}

/// The two source positions of an output position and their weights.
///
/// The second position is the one after the first, or has no weight, or is the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tap {
    pub(super) first: usize,
    pub(super) second: usize,
    pub(super) weights: [u16; 2],
}

/// Returns the entries of the window's columns and rows: two positions and their weights.
pub(super) fn tables(position: Position, picture: Size, plan: &Plan) -> [Vec<u32>; 2] {
    let (scaled, window) = (plan.scaled, plan.window);
    let columns = Axis { position, edge: Edge::Replicate, from: picture.width, to: scaled.width };
    let rows = Axis { position, edge: Edge::Clamp, from: picture.height, to: scaled.height };
    let words = |axis: Axis, start: u32, count: u32| {
        let taps = (start..start + count).map(|d| axis.tap(d));
        taps.flat_map(|Tap { first, second, weights: [a, b] }| {
            [word(first), word(second), a.into(), b.into()]
        })
        .collect()
    };
    [words(columns, window.left, window.size.width), words(rows, window.top, window.size.height)]
}

impl Linear {
    pub(super) fn begin(
        &mut self,
        job: Job,
        position: Position,
        vectors: Vectors,
        region: &mut Region,
    ) {
        // Pictures of one size are common, and their tables take two parts in a hundred of the time.
        if self.job != Some(job) {
            self.tables(job, position, vectors);
            self.job = Some(job);
        }
        for tap in &self.columns {
            region.want_columns(tap.first..tap.second + 1);
        }
        for tap in &self.rows {
            region.want_rows(tap.first..tap.second + 1);
        }
        self.next = 0;
    }

    fn tables(&mut self, job: Job, position: Position, vectors: Vectors) {
        let Job { from, channels, plan, .. } = job;
        let (to, window) = (plan.scaled, plan.window);
        let axis = Axis { position, edge: Edge::Replicate, from: from.width, to: to.width };
        axis.taps(&mut self.columns, window.left, window.size.width);
        let axis = Axis { position, edge: Edge::Clamp, from: from.height, to: to.height };
        axis.taps(&mut self.rows, window.top, window.size.height);
        self.channels = channels;
        self.pairs.set(&self.columns);
        self.wide_pairs.set(vectors, &self.columns);
        let sums = self.pairs.room().max(self.wide_pairs.room()).max(job.line_bytes());
        self.before.resize(sums, 0);
        self.last.resize(sums, 0);
        self.line.resize(job.line_bytes(), 0);
    }
}

impl Kernel for Linear {
    #[inline(always)]
    fn row(&mut self, y: usize, row: &[u8], vectors: Vectors, lines: &mut Rows<'_>) {
        std::mem::swap(&mut self.before, &mut self.last);
        match (self.channels, vectors) {
            (1, _) => horizontal::<1>(row, &self.columns, &mut self.last),
            #[cfg(target_arch = "x86_64")]
            (_, Vectors::Avx512(avx512)) if !self.wide_pairs.is_empty() => {
                self.wide_pairs.sums(avx512, row, &mut self.last);
            }
            #[cfg(target_arch = "x86_64")]
            (_, Vectors::Avx512(avx512)) => self.pairs.sums(avx512.avx2(), row, &mut self.last),
            #[cfg(target_arch = "x86_64")]
            (_, Vectors::Avx2(avx2)) => self.pairs.sums(avx2, row, &mut self.last),
            (_, Vectors::Plain) => horizontal::<3>(row, &self.columns, &mut self.last),
        }
        // Lines go down with their rows, and the first row of a line comes right before the second.
        while let Some(tap) = self.rows.get(self.next).filter(|tap| tap.second == y) {
            let first = if tap.first == y { &self.last } else { &self.before };
            vertical(first, &self.last, tap.weights, &mut self.line);
            lines(self.next, &self.line);
            self.next += 1;
        }
    }
}

/// What happens at the border: the weight of the one pixel becomes whole, or both rows are it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Replicate,
    Clamp,
}

/// An axis that is resized.
#[derive(Debug, Clone, Copy)]
struct Axis {
    position: Position,
    edge: Edge,
    from: u32,
    to: u32,
}

impl Axis {
    /// Computes the taps of output positions `start .. start + count`.
    fn taps(self, taps: &mut Vec<Tap>, start: u32, count: u32) {
        taps.clear();
        taps.extend((start..start + count).map(|d| self.tap(d)));
    }

    #[expect(clippy::cast_possible_truncation, reason = "a weight is at most 2048")]
    fn tap(self, d: u32) -> Tap {
        let last = i64::from(self.from) - 1;
        let (first, mut fraction) = self.at(d);
        if self.edge == Edge::Replicate && (first < 0 || first >= last) {
            fraction = 0.0;
        }
        let weight = |w: f32| (w * ONE).round_ties_even() as u16;
        Tap {
            first: index(first.clamp(0, last)),
            second: index((first + 1).clamp(0, last)),
            weights: [weight(1.0 - fraction), weight(fraction)],
        }
    }

    /// Returns the first of the two source positions, and how far towards the second `d` lies.
    #[expect(clippy::cast_possible_truncation, reason = "OpenCV computes the position in f32")]
    fn at(self, d: u32) -> (i64, f32) {
        // Twice the reciprocal, as OpenCV does: it is not `from / to` in the last bit.
        let growth = f64::from(self.to) / f64::from(self.from);
        let scale = 1.0 / growth;
        match self.position {
            Position::Centre => {
                let position = ((f64::from(d) + 0.5) * scale - 0.5) as f32;
                (position.floor() as i64, position - position.floor())
            }
            Position::Overlap => {
                let first = (f64::from(d) * scale).floor();
                let beyond = (f64::from(d) + 1.0 - (first + 1.0) * growth) as f32;
                (first as i64, if beyond <= 0.0 { 0.0 } else { beyond - beyond.floor() })
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped between 0 and a side")]
fn index(position: i64) -> usize {
    position as usize
}

/// Interpolates a row; the sums, at most 255 · 2048, keep 15 bits.
#[inline(always)]
fn horizontal<const C: usize>(row: &[u8], columns: &[Tap], sums: &mut [u16]) {
    let (pixels, _) = row.as_chunks::<C>();
    let (sums, _) = sums.as_chunks_mut::<C>();
    for (sum, tap) in sums.iter_mut().zip(columns) {
        let (a, b) = (pixels[tap.first], pixels[tap.second]);
        let [wa, wb] = tap.weights;
        let (wa, wb) = (u32::from(wa), u32::from(wb));
        for c in 0..C {
            sum[c] = narrowed(u32::from(a[c]) * wa + u32::from(b[c]) * wb);
        }
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "255 * 2048 >> 4 is 32640")]
fn narrowed(sum: u32) -> u16 {
    (sum >> 4) as u16
}

#[inline(always)]
fn vertical(upper: &[u16], lower: &[u16], weights: [u16; 2], line: &mut [u8]) {
    let [wa, wb] = weights;
    for ((out, &a), &b) in line.iter_mut().zip(upper).zip(lower) {
        *out = rounded(upper_half(a, wa) + upper_half(b, wb));
    }
}

#[inline(always)]
fn upper_half(sum: u16, weight: u16) -> u16 {
    ((u32::from(sum) * u32::from(weight)) >> 16) as u16
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "at most ((32640 * 2048 >> 16) + 2) >> 2, 255")]
fn rounded(sum: u16) -> u8 {
    ((sum + 2) >> 2) as u8
}
