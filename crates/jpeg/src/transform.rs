//! From the coefficients of a chunk to samples: each block by the cheapest way that gives the same
//! bytes.

use crate::entropy::Block;
use crate::kernels::scalar::{FIRST_SHIFT, SECOND_SHIFT, idct_pass, sample};
use crate::kernels::{Idct, Kernels, Plane, Quantization};

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

/// Blocks of one component on their way into its plane.
///
/// Those that need the whole transform wait for a second one, as the kernels take two at a time.
#[derive(Debug)]
pub(crate) struct Transform<'a> {
    kernels: &'a Kernels,
    quantization: &'a Quantization,
    plane: Plane<'a>,
    waiting_full: Option<(&'a Block, usize)>,
    waiting_quarter: Option<(&'a Block, usize)>,
}

impl<'a> Transform<'a> {
    pub(crate) fn new(
        kernels: &'a Kernels,
        quantization: &'a Quantization,
        plane: Plane<'a>,
    ) -> Self {
        Self { kernels, quantization, plane, waiting_full: None, waiting_quarter: None }
    }

    /// Takes a block of so many coefficients for the place `at`.
    #[inline]
    pub(crate) fn take(&mut self, block: &'a Block, length: u8, at: usize) {
        let shape = match SHAPES[usize::from(length) % SHAPES.len()] {
            Shape::EndsInFirstRow if first_row_only(block) => {
                return self.first_row(block, at);
            }
            Shape::EndsInFirstRow if length <= 10 => Shape::Quarter,
            shape => shape,
        };
        match shape {
            Shape::Flat => self.flat(block, at),
            Shape::Quarter => {
                let idct = self.kernels.idct_quarter;
                self.pair(idct, block, at, |transform| &mut transform.waiting_quarter);
            }
            Shape::Full | Shape::EndsInFirstRow => {
                let idct = self.kernels.idct;
                self.pair(idct, block, at, |transform| &mut transform.waiting_full);
            }
        }
    }

    #[inline]
    fn pair(
        &mut self,
        idct: Idct,
        block: &'a Block,
        at: usize,
        waiting: impl Fn(&mut Self) -> &mut Option<(&'a Block, usize)>,
    ) {
        match waiting(self).take() {
            Some((first, place)) => {
                idct([first, block], self.quantization, &mut self.plane, [place, at]);
            }
            None => *waiting(self) = Some((block, at)),
        }
    }

    /// Transforms what still waits.
    pub(crate) fn finish(mut self) {
        for (waiting, idct) in [
            (self.waiting_full.take(), self.kernels.idct),
            (self.waiting_quarter.take(), self.kernels.idct_quarter),
        ] {
            if let Some((block, at)) = waiting {
                idct([block; 2], self.quantization, &mut self.plane, [at; 2]);
            }
        }
    }

    fn flat(&mut self, block: &Block, at: usize) {
        let first = block.0[0].wrapping_mul(self.quantization[0]).wrapping_shl(2);
        // Within 16 bits: an eighth of one.
        let [mean, ..] = idct_pass::<SECOND_SHIFT>([first, 0, 0, 0, 0, 0, 0, 0]);
        for y in 0..8 {
            *self.plane.row(at, y) = [sample(mean); 8];
        }
    }

    /// All rows are equal, and the first pass is the shift that libjpeg-turbo takes for it.
    fn first_row(&mut self, block: &Block, at: usize) {
        let first: [i16; 8] = std::array::from_fn(|x| {
            block.0[x].wrapping_mul(self.quantization[x]).wrapping_shl(13 - FIRST_SHIFT as u32)
        });
        let row = idct_pass::<SECOND_SHIFT>(first).map(sample);
        for y in 0..8 {
            *self.plane.row(at, y) = row;
        }
    }
}

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
