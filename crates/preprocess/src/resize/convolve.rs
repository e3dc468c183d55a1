//! `Image.resize` of Pillow and `resize` of torchvision's uint8 tensors, to the bit: `Resample.c`
//! and `UpSampleKernelAVXAntialias.h`.
//!
//! The filter widens with the reduction, so shrinking is antialiased. Weights are normalised in
//! f64 and kept as whole numbers; two passes, each rounding to 8 bits.

mod filter;
mod vertical;

use calibrant_jpeg::{ROW_SLACK, Region};

use super::rgb::Runs;
use super::simd::Vectors;
use super::taps::Taps;
use super::{Job, Kernel, Rows, want};
use crate::geometry::Plan;
use crate::recipe::Size;
use filter::{Axis, Rules};
pub(super) use filter::{
    Filter, PIL_BICUBIC, PIL_BILINEAR, PIL_BOX, PIL_HAMMING, PIL_LANCZOS, TV_BICUBIC, TV_BILINEAR,
    TV_LANCZOS,
};
use vertical::Vertical;

/// Both passes of a convolution.
#[derive(Debug, Default)]
pub(super) struct Convolution {
    /// What the tables are for.
    job: Option<Job>,
    order: Order,
    horizontal: Horizontal,
    vertical: Vertical,
    /// Weights on their way to whole numbers.
    weights: Vec<f64>,
    /// A row or line that comes from the horizontal pass.
    resized: Vec<u8>,
    /// The bytes of a row that have any weight, where the rows are summed first.
    bytes: std::ops::Range<usize>,
}

/// Which pass comes first; the rounding between them makes a difference.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Order {
    #[default]
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
pub(super) fn tables(filter: Filter, picture: Size, plan: &Plan) -> Tables {
    let (to, window) = (plan.scaled, plan.window);
    let (mut taps, mut scratch) = (Taps::default(), Vec::new());
    let mut pass = |from, to, start, count| {
        let precision = filter.prepare(Axis { from, to, start, count }, &mut taps, &mut scratch);
        (precision, taps.words(i32::cast_unsigned))
    };
    let (across, columns) = pass(picture.width, to.width, window.left, window.size.width);
    let (down, rows) = pass(picture.height, to.height, window.top, window.size.height);
    let rows_first = Order::of(filter.rules, picture, to) == Order::VerticalFirst;
    Tables { rows_first, precision: (across, down), columns, rows }
}

impl Convolution {
    pub(super) fn begin(&mut self, job: Job, filter: Filter, region: &mut Region) {
        // Pictures of one size are common, and their tables take three parts in a hundred of the
        // time.
        if self.job != Some(job) {
            self.tables(job, filter);
            self.job = Some(job);
        }
        want(region, self.horizontal.taps.reach(), self.vertical.taps.reach());
        self.vertical.restart();
    }

    fn tables(&mut self, job: Job, filter: Filter) {
        let Job { from, channels, plan, .. } = job;
        let (to, window) = (plan.scaled, plan.window);
        let axis =
            Axis { from: from.width, to: to.width, start: window.left, count: window.size.width };
        let columns = &mut self.horizontal.taps;
        self.horizontal.precision = filter.prepare(axis, columns, &mut self.weights);
        let axis =
            Axis { from: from.height, to: to.height, start: window.top, count: window.size.height };
        let precision = filter.prepare(axis, &mut self.vertical.taps, &mut self.weights);
        let across = self.horizontal.taps.reach();
        self.order = Order::of(filter.rules, from, to);
        let (start, width) = match self.order {
            Order::HorizontalFirst => (0, job.line_bytes()),
            Order::VerticalFirst => (across.start, across.len() * channels),
        };
        self.bytes = start * channels..start * channels + width;
        self.horizontal.set(channels, start);
        self.vertical.set(precision, width);
        self.resized.resize(self.horizontal.runs.room().max(job.line_bytes()), 0);
    }
}

impl Kernel for Convolution {
    #[inline(always)]
    fn row(&mut self, y: usize, row: &[u8], vectors: Vectors, lines: &mut Rows<'_>) {
        let Self { order, horizontal, vertical, resized, bytes, .. } = self;
        let line_bytes = horizontal.taps.len() * horizontal.channels;
        match order {
            Order::HorizontalFirst => {
                horizontal.row(row, vectors, resized);
                vertical.row(y, &resized[..line_bytes], |y, line| lines(y, &line[..line_bytes]));
            }
            Order::VerticalFirst => {
                vertical.row(y, &row[bytes.clone()], |y, line| {
                    horizontal.row(line, vectors, resized);
                    lines(y, &resized[..line_bytes]);
                });
            }
        }
    }
}

/// The pass along the rows.
#[derive(Debug, Default)]
struct Horizontal {
    channels: usize,
    /// The first source position that rows begin with.
    start: usize,
    taps: Taps<i32>,
    /// Bits after the point of the weights.
    precision: u32,
    runs: Runs,
}

impl Horizontal {
    fn set(&mut self, channels: usize, start: usize) {
        (self.channels, self.start) = (channels, start);
        self.runs.set(&self.taps, start, self.precision);
    }

    #[inline(always)]
    fn row(&self, row: &[u8], vectors: Vectors, out: &mut [u8]) {
        match (self.channels, vectors) {
            (1, _) => self.plain::<1>(row, out),
            #[cfg(target_arch = "x86_64")]
            (_, Vectors::Avx512(avx512)) => self.runs.sums(avx512.avx2(), row, out),
            #[cfg(target_arch = "x86_64")]
            (_, Vectors::Avx2(avx2)) => self.runs.sums(avx2, row, out),
            (_, Vectors::Plain) => self.plain::<3>(row, out),
        }
    }

    #[inline(always)]
    fn plain<const C: usize>(&self, row: &[u8], out: &mut [u8]) {
        let pixels = row.as_chunks::<C>().0;
        for (out, (first, weights)) in out.as_chunks_mut::<C>().0.iter_mut().zip(self.taps.iter()) {
            let mut sums = [half(self.precision); C];
            for (pixel, &weight) in pixels[first - self.start..].iter().zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum = add(*sum, value, weight);
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = clip(sum, self.precision);
            }
        }
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
