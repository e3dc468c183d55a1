//! From the coefficients of a chunk to samples: each block by the cheapest way that gives the same
//! bytes.

use crate::entropy::Block;
use crate::kernels::scalar::{FIRST_SHIFT, SECOND_SHIFT, idct_pass, sample};
use crate::kernels::{Plane, Quantization};

/// What the number of coefficients says about a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// The mean alone.
    Flat,
    /// The last coefficient lies in the first row, and perhaps all of them.
    EndsInFirstRow,
    /// All lie in the first four rows and columns.
    Quarter,
    Full,
}

/// The shape by the number of coefficients.
static SHAPES: [Shape; 65] = {
    let mut shapes = [Shape::Full; 65];
    let mut length = 0;
    while length <= 64 {
        shapes[length] = match length {
            0 | 1 => Shape::Flat,
            2 | 6 | 7 | 15 | 16 | 28 | 29 => Shape::EndsInFirstRow,
            _ if length <= 10 => Shape::Quarter,
            _ => Shape::Full,
        };
        length += 1;
    }
    shapes
};

/// Transforms two blocks into the samples at two places of a plane.
///
/// A place is the index of the block's first sample; both may be the same.
pub(crate) type Pair = fn([&Block; 2], &Quantization, &mut Plane<'_>, at: [usize; 2]);

/// What transforms two blocks at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pairs {
    /// For blocks with any coefficients.
    pub(crate) full: Pair,
    /// For blocks whose coefficients lie in the first four rows and columns.
    pub(crate) quarter: Pair,
}

/// [`Transform`](crate::kernels::Transform) by pairs, to be compiled for several processors: blocks
/// that need more than a row wait for another one of their shape.
#[inline(always)]
pub(crate) fn in_pairs(
    pairs: Pairs,
    blocks: &[Block],
    lengths: &[u8],
    wanted: &[bool],
    steps: &Quantization,
    plane: &mut Plane<'_>,
    at: usize,
) {
    let (mut waiting_quarter, mut waiting_full) = (None, None);
    for (i, ((block, &length), &wanted)) in blocks.iter().zip(lengths).zip(wanted).enumerate() {
        let at = at + 8 * i;
        if !wanted {
            continue;
        }
        let (pair, waiting) = match SHAPES[usize::from(length) % SHAPES.len()] {
            Shape::Flat => {
                flat(block, steps, plane, at);
                continue;
            }
            Shape::EndsInFirstRow if first_row_only(block) => {
                first_row(block, steps, plane, at);
                continue;
            }
            Shape::EndsInFirstRow | Shape::Quarter if length <= 10 => {
                (pairs.quarter, &mut waiting_quarter)
            }
            _ => (pairs.full, &mut waiting_full),
        };
        match waiting.take() {
            Some((first, place)) => pair([first, block], steps, plane, [place, at]),
            None => *waiting = Some((block, at)),
        }
    }
    for (waiting, pair) in [(waiting_quarter, pairs.quarter), (waiting_full, pairs.full)] {
        if let Some((block, at)) = waiting {
            pair([block; 2], steps, plane, [at; 2]);
        }
    }
}

#[inline(always)]
fn flat(block: &Block, steps: &Quantization, plane: &mut Plane<'_>, at: usize) {
    let first = block.0[0].wrapping_mul(steps[0]).wrapping_shl(2);
    // Within 16 bits: an eighth of one.
    let [mean, ..] = idct_pass::<SECOND_SHIFT>([first, 0, 0, 0, 0, 0, 0, 0]);
    for y in 0..8 {
        *plane.row(at, y) = [sample(mean); 8];
    }
}

/// All rows are equal, and the first pass is the shift that libjpeg-turbo takes for it.
#[inline(always)]
fn first_row(block: &Block, steps: &Quantization, plane: &mut Plane<'_>, at: usize) {
    let first: [i16; 8] = std::array::from_fn(|x| {
        block.0[x].wrapping_mul(steps[x]).wrapping_shl(13 - FIRST_SHIFT as u32)
    });
    let row = idct_pass::<SECOND_SHIFT>(first).map(sample);
    for y in 0..8 {
        *plane.row(at, y) = row;
    }
}

#[inline(always)]
fn first_row_only(block: &Block) -> bool {
    block.0[8..].iter().fold(0, |any, &value| any | value) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::NATURAL;

    #[test]
    fn shapes_are_where_the_coefficients_lie() {
        for length in 1..=64 {
            let places = NATURAL[..length].iter().map(|&place| (place % 8, place / 8));
            let quarter = places.clone().all(|(x, y)| x < 4 && y < 4);
            let first_row = length > 1 && NATURAL[length - 1] < 8;
            match SHAPES[length] {
                Shape::Flat => assert_eq!(length, 1),
                Shape::EndsInFirstRow => assert!(first_row, "{length}"),
                Shape::Quarter => assert!(quarter && !first_row, "{length}"),
                Shape::Full => assert!(!quarter && !first_row, "{length}"),
            }
            assert!(length > 10 || quarter, "{length}");
        }
    }
}
