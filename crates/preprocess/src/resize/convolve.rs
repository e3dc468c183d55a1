//! `Image.resize` of Pillow with `BILINEAR` and `BICUBIC`, to the bit: `Resample.c`.
//!
//! The filter widens with the reduction, so shrinking is antialiased. Weights are normalised in
//! f64 and kept with 22 bits; two passes, each rounding to 8 bits.

use super::View;
use crate::geometry::Plan;
use crate::recipe::Size;

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

/// The tables of both axes and the picture between the passes.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    columns: Taps,
    rows: Taps,
    between: Vec<u8>,
    block: Block,
}

/// [`LANES`] rows before and after the horizontal pass, transposed: one element for each byte of
/// a row.
#[derive(Debug, Default)]
struct Block {
    source: Vec<[u8; LANES]>,
    resized: Vec<[u8; LANES]>,
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

/// Rows that the horizontal pass takes at once, one to a vector lane.
const LANES: usize = 8;
/// Bytes of a line whose sums the vertical pass keeps in registers.
const CHUNK: usize = 32;

/// Bytes that the picture between the passes may take, unless one column alone takes more.
const BETWEEN_BYTES: usize = 32 << 20;

/// Writes the plan's window of the resized picture into `out`.
pub(super) fn resize(
    kernel: Kernel,
    picture: View<'_>,
    plan: &Plan,
    buffers: &mut Buffers,
    out: &mut [u8],
) {
    resize_with(passes_as_the_processor_can, kernel, picture, plan, buffers, out);
}

/// [`resize`] with either form of [`passes`].
pub(super) fn resize_with(
    passes: fn(View<'_>, &mut Buffers, Job, &mut [u8]),
    kernel: Kernel,
    picture: View<'_>,
    plan: &Plan,
    buffers: &mut Buffers,
    out: &mut [u8],
) {
    let (from, to, window) = (picture.size, plan.scaled, plan.window);
    buffers.rows.prepare(kernel, from.height, to.height, window.top, window.size.height);
    let order = Order::of(from, to);
    // Columns are independent of each other: a picture of very many rows is done in strips.
    let column = buffers.rows.reach().len() * picture.channels;
    let strip = match order {
        Order::HorizontalFirst => (BETWEEN_BYTES / column).clamp(1, window.size.width as usize),
        Order::VerticalFirst => window.size.width as usize,
    };
    let stride = window.size.width as usize * picture.channels;
    for left in (0..window.size.width).step_by(strip) {
        let width = (window.size.width - left).min(u32::try_from(strip).unwrap_or(u32::MAX));
        buffers.columns.prepare(kernel, from.width, to.width, window.left + left, width);
        passes(
            picture,
            buffers,
            Job { order, stride, offset: left as usize * picture.channels },
            out,
        );
    }
}

/// Which pass comes first; the rounding between them makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    HorizontalFirst,
    VerticalFirst,
}

impl Order {
    /// Pillow 13 starts with the rows where they become fewer by more than twice as many as the
    /// columns do. (Versions up to 9.4 at least always start with the columns.)
    fn of(from: Size, to: Size) -> Self {
        let fewer = |from: u32, to: u32| i64::from(from) - i64::from(to);
        let (rows, columns) = (fewer(from.height, to.height), fewer(from.width, to.width));
        if rows > 0 && rows > 2 * columns { Self::VerticalFirst } else { Self::HorizontalFirst }
    }
}

/// The order of the passes and where a strip lies in the lines of the output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    order: Order,
    stride: usize,
    offset: usize,
}

fn passes_as_the_processor_can(picture: View<'_>, buffers: &mut Buffers, job: Job, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just said that it has AVX2.
        #[expect(unsafe_code, reason = "twice as fast as with the baseline's instructions")]
        unsafe {
            passes_avx2(picture, buffers, job, out);
        }
        return;
    }
    passes(picture, buffers, job, out);
}

/// [`passes`] compiled for processors with AVX2; the result is the same.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn passes_avx2(picture: View<'_>, buffers: &mut Buffers, job: Job, out: &mut [u8]) {
    passes(picture, buffers, job, out);
}

/// Both passes over one strip of columns.
#[inline(always)]
pub(super) fn passes(picture: View<'_>, buffers: &mut Buffers, job: Job, out: &mut [u8]) {
    let Buffers { columns, rows, between, block } = buffers;
    let (channels, stride) = (picture.channels, picture.size.width as usize * picture.channels);
    let (across, down) = (columns.reach(), rows.reach());
    // The part of the picture that has any weight.
    let data = &picture.data[down.start * stride + across.start * channels..];
    let source = Rows { data, stride, count: down.len() };
    let (wide, narrow) = (across.len() * channels, columns.spans.len() * channels);
    match job.order {
        Order::HorizontalFirst => {
            between.resize(down.len() * narrow, 0);
            horizontal(source, channels, columns, block, between);
            let source = Rows { data: between, stride: narrow, count: down.len() };
            let lines = out.chunks_exact_mut(job.stride);
            vertical(source, rows, lines.map(|line| &mut line[job.offset..][..narrow]));
        }
        Order::VerticalFirst => {
            between.resize(rows.spans.len() * wide, 0);
            vertical(source, rows, between.chunks_exact_mut(wide));
            let source = Rows { data: between, stride: wide, count: rows.spans.len() };
            horizontal(source, channels, columns, block, out);
        }
    }
}

/// The columns that have any weight, of rows that lie `stride` bytes apart.
#[derive(Debug, Clone, Copy)]
struct Rows<'a> {
    data: &'a [u8],
    stride: usize,
    count: usize,
}

/// Resizes every row into lines that lie one after another.
#[inline(always)]
fn horizontal(
    source: Rows<'_>,
    channels: usize,
    columns: &Taps,
    block: &mut Block,
    lines: &mut [u8],
) {
    let wide = columns.reach().len() * channels;
    let narrow = columns.spans.len() * channels;
    for (i, lines) in lines.chunks_mut(LANES * narrow).enumerate() {
        // A last block of fewer rows repeats its last row; only the lines that exist are written.
        let rows = std::array::from_fn(|lane| {
            let row = (i * LANES + lane).min(source.count - 1);
            &source.data[row * source.stride..][..wide]
        });
        match channels {
            1 => horizontal_block::<1>(rows, columns, block, lines),
            _ => horizontal_block::<3>(rows, columns, block, lines),
        }
    }
}

/// Resizes [`LANES`] rows, transposed so that equal columns of all of them lie together.
#[inline(always)]
fn horizontal_block<const C: usize>(
    rows: [&[u8]; LANES],
    columns: &Taps,
    block: &mut Block,
    lines: &mut [u8],
) {
    let Block { source, resized } = block;
    source.resize(rows[0].len(), [0; LANES]);
    resized.resize(columns.spans.len() * C, [0; LANES]);
    gather(rows, source);
    let start = columns.reach().start;
    let (pixels, _) = source.as_chunks::<C>();
    let (resized_pixels, _) = resized.as_chunks_mut::<C>();
    for (out, (first, weights)) in resized_pixels.iter_mut().zip(columns.iter()) {
        let mut sums = [[HALF; LANES]; C];
        for (pixel, &weight) in pixels[first - start..].iter().zip(weights) {
            for (sum, &value) in sums.as_flattened_mut().iter_mut().zip(pixel.as_flattened()) {
                *sum = add(*sum, value, weight);
            }
        }
        for (byte, &sum) in out.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
            *byte = clip(sum);
        }
    }
    scatter(resized, lines);
}

/// Writes the rows' bytes column by column.
#[inline(always)]
fn gather(rows: [&[u8]; LANES], columns: &mut [[u8; LANES]]) {
    let (tiles, rest) = columns.as_chunks_mut::<LANES>();
    let done = tiles.len() * LANES;
    for (i, tile) in tiles.iter_mut().enumerate() {
        *tile = transposed(rows.map(|row| {
            let mut bytes = [0; LANES];
            bytes.copy_from_slice(&row[i * LANES..][..LANES]);
            bytes
        }));
    }
    for (i, column) in rest.iter_mut().enumerate() {
        *column = rows.map(|row| row[done + i]);
    }
}

/// Writes columns into rows that lie one after another, as many as there are.
#[inline(always)]
fn scatter(columns: &[[u8; LANES]], rows: &mut [u8]) {
    let stride = columns.len();
    let (tiles, rest) = columns.as_chunks::<LANES>();
    let done = tiles.len() * LANES;
    for (i, tile) in tiles.iter().enumerate() {
        let tile = transposed(*tile);
        for (row, bytes) in rows.chunks_exact_mut(stride).zip(&tile) {
            row[i * LANES..][..LANES].copy_from_slice(bytes);
        }
    }
    for (i, column) in rest.iter().enumerate() {
        for (row, &byte) in rows.chunks_exact_mut(stride).zip(column) {
            row[done + i] = byte;
        }
    }
}

/// Transposes 8 × 8 bytes: halves, quarters and single bytes change places in turn.
#[inline(always)]
fn transposed(rows: [[u8; LANES]; LANES]) -> [[u8; LANES]; LANES] {
    const STEPS: [(usize, u64); 3] =
        [(4, 0x0000_0000_ffff_ffff), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff)];
    let mut rows = rows.map(u64::from_le_bytes);
    for (distance, low) in STEPS {
        let shift = 8 * distance;
        for i in (0..LANES).filter(|i| i & distance == 0) {
            let (a, b) = (rows[i], rows[i + distance]);
            rows[i] = (a & low) | ((b & low) << shift);
            rows[i + distance] = ((a >> shift) & low) | (b & !low);
        }
    }
    rows.map(u64::to_le_bytes)
}

/// Sums the rows of each line.
#[inline(always)]
fn vertical<'a>(source: Rows<'_>, rows: &Taps, lines: impl Iterator<Item = &'a mut [u8]>) {
    let start = rows.reach().start;
    for ((first, weights), line) in rows.iter().zip(lines) {
        vertical_line(
            &source.data[(first - start) * source.stride..],
            source.stride,
            weights,
            line,
        );
    }
}

/// Sums rows that lie `stride` bytes apart, as many as there are weights.
#[inline(always)]
fn vertical_line(rows: &[u8], stride: usize, weights: &[i32], line: &mut [u8]) {
    let (chunks, rest) = line.as_chunks_mut::<CHUNK>();
    let done = chunks.len() * CHUNK;
    for (i, chunk) in chunks.iter_mut().enumerate() {
        let mut sums = [HALF; CHUNK];
        for (row, &weight) in rows.chunks(stride).zip(weights) {
            let values = &row[i * CHUNK..][..CHUNK];
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum = add(*sum, value, weight);
            }
        }
        *chunk = sums.map(clip);
    }
    for (x, out) in rest.iter_mut().enumerate() {
        let mut sum = HALF;
        for (row, &weight) in rows.chunks(stride).zip(weights) {
            sum = add(sum, row[done + x], weight);
        }
        *out = clip(sum);
    }
}

/// Adds a product; only millions of weights rounded up could pass the end of the range.
#[inline(always)]
fn add(sum: i32, value: u8, weight: i32) -> i32 {
    sum.wrapping_add(i32::from(value).wrapping_mul(weight))
}

/// `clip8`: the value without the bits after the point, between 0 and 255.
#[inline(always)]
fn clip(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}
