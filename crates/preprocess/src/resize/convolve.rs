//! `Image.resize` of Pillow and `resize` of torchvision's uint8 tensors, to the bit: `Resample.c`
//! and `UpSampleKernelAVXAntialias.h`.
//!
//! The filter widens with the reduction, so shrinking is antialiased. Weights are normalised in
//! f64 and kept as whole numbers; two passes, each rounding to 8 bits.

mod kernel;

use super::View;
use super::lanes::{Rows, scatter};
use super::taps::Taps;
use crate::geometry::Plan;
use crate::recipe::Size;
use kernel::{Axis, Rules};
pub(super) use kernel::{
    Kernel, PIL_BICUBIC, PIL_BILINEAR, PIL_BOX, PIL_HAMMING, PIL_LANCZOS, TV_BICUBIC, TV_BILINEAR,
    TV_LANCZOS,
};

/// The tables of both axes and the picture between the passes.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    columns: Pass,
    rows: Pass,
    weights: Vec<f64>,
    between: Vec<u8>,
    block: Block,
}

/// The taps of an axis.
#[derive(Debug, Default)]
struct Pass {
    taps: Taps<i32>,
    /// Bits after the point of the weights.
    precision: u32,
}

/// Rows that the horizontal pass takes at once.
const LANES: usize = CHUNK;

/// [`LANES`] rows before and after the horizontal pass, transposed: one element for each byte of
/// a row.
#[derive(Debug, Default)]
struct Block {
    source: Vec<[u8; LANES]>,
    resized: Vec<[u8; LANES]>,
}

/// Bytes of a line whose sums are kept in registers.
const CHUNK: usize = 32;

/// Bytes that the picture between the passes may take, unless one column alone takes more.
const BETWEEN_BYTES: usize = 32 << 20;

/// What a device needs for the window.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) rows_first: bool,
    /// Bits after the point of the columns' weights and of the rows'.
    pub(super) precision: (u32, u32),
    pub(super) columns: Vec<u32>,
    pub(super) rows: Vec<u32>,
}

/// Returns the tables of both passes.
pub(super) fn tables(kernel: Kernel, picture: Size, plan: &Plan) -> Tables {
    let (to, window) = (plan.scaled, plan.window);
    let (mut taps, mut scratch) = (Taps::default(), Vec::new());
    let mut pass = |from, to, start, count| {
        let precision = kernel.prepare(Axis { from, to, start, count }, &mut taps, &mut scratch);
        (precision, taps.words(i32::cast_unsigned))
    };
    let (across, columns) = pass(picture.width, to.width, window.left, window.size.width);
    let (down, rows) = pass(picture.height, to.height, window.top, window.size.height);
    let rows_first = Order::of(kernel.rules, picture, to) == Order::VerticalFirst;
    Tables { rows_first, precision: (across, down), columns, rows }
}

/// Writes the plan's window of the resized picture into `out`.
#[inline(always)]
pub(super) fn resize(
    kernel: Kernel,
    picture: View<'_>,
    plan: &Plan,
    buffers: &mut Buffers,
    out: &mut [u8],
) {
    let (from, to, window) = (picture.size, plan.scaled, plan.window);
    let Buffers { rows, weights, .. } = buffers;
    let axis =
        Axis { from: from.height, to: to.height, start: window.top, count: window.size.height };
    rows.precision = kernel.prepare(axis, &mut rows.taps, weights);
    let order = Order::of(kernel.rules, from, to);
    // Columns are independent of each other: a picture of very many rows is done in strips.
    let column = rows.taps.reach().len() * picture.channels;
    let strip = match order {
        Order::HorizontalFirst => (BETWEEN_BYTES / column).clamp(1, window.size.width as usize),
        Order::VerticalFirst => window.size.width as usize,
    };
    let stride = window.size.width as usize * picture.channels;
    let axis =
        Axis { from: from.width, to: to.width, start: window.left, count: window.size.width };
    for left in (0..window.size.width).step_by(strip) {
        let count = (window.size.width - left).min(u32::try_from(strip).unwrap_or(u32::MAX));
        let axis = Axis { start: window.left + left, count, ..axis };
        let columns = &mut buffers.columns;
        columns.precision = kernel.prepare(axis, &mut columns.taps, &mut buffers.weights);
        let job = Job { order, stride, offset: left as usize * picture.channels };
        passes(picture, buffers, job, out);
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
    /// columns do. (Versions up to 9.4 at least always start with the columns, as ATen does.)
    fn of(rules: Rules, from: Size, to: Size) -> Self {
        let fewer = |from: u32, to: u32| i64::from(from) - i64::from(to);
        let (rows, columns) = (fewer(from.height, to.height), fewer(from.width, to.width));
        if rules == Rules::Pillow && rows > 0 && rows > 2 * columns {
            Self::VerticalFirst
        } else {
            Self::HorizontalFirst
        }
    }
}

/// The order of the passes and where a strip lies in the lines of the output.
#[derive(Debug, Clone, Copy)]
struct Job {
    order: Order,
    stride: usize,
    offset: usize,
}

/// Both passes over one strip of columns.
#[inline(always)]
fn passes(picture: View<'_>, buffers: &mut Buffers, job: Job, out: &mut [u8]) {
    let Buffers { columns, rows, between, block, .. } = buffers;
    let (channels, stride) = (picture.channels, picture.size.width as usize * picture.channels);
    let (across, down) = (columns.taps.reach(), rows.taps.reach());
    // The part of the picture that has any weight.
    let data = &picture.data[down.start * stride + across.start * channels..];
    let source = Rows { data, stride, count: down.len() };
    let (wide, narrow) = (across.len() * channels, columns.taps.len() * channels);
    match job.order {
        Order::HorizontalFirst => {
            between.resize(down.len() * narrow, 0);
            horizontal(source, channels, columns, block, between);
            let source = Rows { data: between, stride: narrow, count: down.len() };
            let lines = out.chunks_exact_mut(job.stride);
            vertical(source, rows, lines.map(|line| &mut line[job.offset..][..narrow]));
        }
        Order::VerticalFirst => {
            between.resize(rows.taps.len() * wide, 0);
            vertical(source, rows, between.chunks_exact_mut(wide));
            let source = Rows { data: between, stride: wide, count: rows.taps.len() };
            horizontal(source, channels, columns, block, out);
        }
    }
}

/// Resizes every row into lines that lie one after another.
#[inline(always)]
fn horizontal(
    source: Rows<'_>,
    channels: usize,
    columns: &Pass,
    block: &mut Block,
    lines: &mut [u8],
) {
    let wide = columns.taps.reach().len() * channels;
    let narrow = columns.taps.len() * channels;
    for (i, lines) in lines.chunks_mut(LANES * narrow).enumerate() {
        // A last block of fewer rows repeats its last row; only the lines that exist are written.
        block.source.resize(wide, [0; LANES]);
        source.gather(i * LANES, &mut block.source);
        block.resized.resize(narrow, [0; LANES]);
        horizontal_block(channels, columns, block);
        scatter(&block.resized, lines);
    }
}

/// Resizes [`LANES`] rows, transposed so that equal columns of all of them lie together: what is a
/// column of the rows is a line here.
///
/// (The distance of the lines has to be unknown to the compiler: where it is constant, a sum is
/// vectorised along its weights, byte by byte.)
#[inline(always)]
fn horizontal_block(channels: usize, columns: &Pass, block: &mut Block) {
    let start = columns.taps.reach().start;
    let data = block.source.as_flattened();
    let resized = block.resized.chunks_exact_mut(channels);
    for (pixel, (first, weights)) in resized.zip(columns.taps.iter()) {
        for (c, line) in pixel.iter_mut().enumerate() {
            let data = &data[((first - start) * channels + c) * LANES..];
            let column = Rows { data, stride: channels * LANES, count: weights.len() };
            sum_rows(column, weights, columns.precision, line);
        }
    }
}

/// Sums the rows of each line.
#[inline(always)]
fn vertical<'a>(source: Rows<'_>, rows: &Pass, lines: impl Iterator<Item = &'a mut [u8]>) {
    let start = rows.taps.reach().start;
    for ((first, weights), line) in rows.taps.iter().zip(lines) {
        let data = &source.data[(first - start) * source.stride..];
        sum_rows(Rows { data, ..source }, weights, rows.precision, line);
    }
}

/// Sums the first rows, as many as there are weights.
#[inline(always)]
fn sum_rows(source: Rows<'_>, weights: &[i32], precision: u32, line: &mut [u8]) {
    let Rows { data, stride, .. } = source;
    let (chunks, rest) = line.as_chunks_mut::<CHUNK>();
    let done = chunks.len() * CHUNK;
    for (i, chunk) in chunks.iter_mut().enumerate() {
        let mut sums = [half(precision); CHUNK];
        for (row, &weight) in weights.iter().enumerate() {
            let values = &data[row * stride + i * CHUNK..][..CHUNK];
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum = add(*sum, value, weight);
            }
        }
        // A loop, because `map` on an array is a call that leaves the vectors behind.
        for (out, &sum) in chunk.iter_mut().zip(&sums) {
            *out = clip(sum, precision);
        }
    }
    for (x, out) in rest.iter_mut().enumerate() {
        let mut sum = half(precision);
        for (row, &weight) in weights.iter().enumerate() {
            sum = add(sum, data[row * stride + done + x], weight);
        }
        *out = clip(sum, precision);
    }
}

/// One half in that precision, where every sum begins.
#[inline(always)]
fn half(precision: u32) -> i32 {
    1 << (precision - 1)
}

/// Adds a product; only millions of weights rounded up could pass the end of the range.
#[inline(always)]
fn add(sum: i32, value: u8, weight: i32) -> i32 {
    sum.wrapping_add(i32::from(value).wrapping_mul(weight))
}

/// `clip8`: the value without the bits after the point, between 0 and 255.
#[inline(always)]
fn clip(sum: i32, precision: u32) -> u8 {
    (sum >> precision).clamp(0, 255) as u8
}
