//! The pass over the rows: lines are summed as their rows come.

use super::super::taps::Taps;
use super::{ROW_SLACK, add, clip, half};

/// Sums of the lines that have begun and not ended.
///
/// A picture that shrinks has a few of them at a time, one that grows at most as many as there are
/// lines; the number of its rows does not matter.
#[derive(Debug, Default)]
pub(super) struct Vertical {
    pub(super) taps: Taps<i32>,
    /// Bits after the point of the weights.
    precision: u32,
    /// Bytes of a row.
    width: usize,
    /// Sums of open lines, each at its number modulo their greatest number.
    sums: Vec<i32>,
    n_open: usize,
    /// A line that is whole.
    line: Vec<u8>,
    /// The first line that has not ended.
    next: usize,
}

impl Vertical {
    /// Makes room for rows of `width` bytes; the taps are set.
    pub(super) fn set(&mut self, precision: u32, width: usize) {
        (self.precision, self.width) = (precision, width);
        self.n_open = most_open(&self.taps);
        self.sums.resize(self.n_open * width, 0);
        self.line.resize(width + ROW_SLACK, 0);
    }

    /// Begins a picture: what was summed of the last one is forgotten.
    pub(super) fn restart(&mut self) {
        self.next = 0;
    }

    /// Adds a row to its lines, and gives those that it ends, with slack behind them.
    #[inline(always)]
    pub(super) fn row(&mut self, y: usize, row: &[u8], mut line: impl FnMut(usize, &[u8])) {
        let Self { taps, precision, width, sums, n_open, line: whole, next } = self;
        let (precision, row) = (*precision, &row[..*width]);
        for d in *next.. {
            let Some((first, weights)) = taps.get(d).filter(|(first, _)| *first <= y) else {
                break;
            };
            let weight = weights[y - first];
            let (begins, ends) = (y == first, y + 1 == first + weights.len());
            let whole = &mut whole[..];
            if begins && ends {
                for (out, &value) in whole.iter_mut().zip(row) {
                    *out = clip(add(half(precision), value, weight), precision);
                }
            } else {
                let sums = &mut sums[d % *n_open * *width..][..*width];
                match (begins, ends) {
                    (true, _) => {
                        for (sum, &value) in sums.iter_mut().zip(row) {
                            *sum = add(half(precision), value, weight);
                        }
                    }
                    (false, false) => {
                        for (sum, &value) in sums.iter_mut().zip(row) {
                            *sum = add(*sum, value, weight);
                        }
                    }
                    (false, true) => {
                        for ((out, &sum), &value) in whole.iter_mut().zip(&*sums).zip(row) {
                            *out = clip(add(sum, value, weight), precision);
                        }
                    }
                }
            }
            if ends {
                line(d, whole);
                *next = d + 1;
            }
        }
    }
}

/// Returns the most lines that any row leaves open.
fn most_open(taps: &Taps<i32>) -> usize {
    let mut begun = 0;
    let open_before_the_end = taps.iter().enumerate().map(|(d, (first, weights))| {
        let last = first + weights.len() - 1;
        while taps.get(begun).is_some_and(|(first, _)| first < last) {
            begun += 1;
        }
        begun.saturating_sub(d)
    });
    open_before_the_end.max().unwrap_or(0)
}
