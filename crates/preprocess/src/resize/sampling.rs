//! The tables of a resize, for whoever computes it elsewhere with the same arithmetic.

use super::{Algorithm, area, convolve, cubic, linear, nearest};
use crate::geometry::Plan;
use crate::recipe::{Fill, Filter, Size};

/// What a device needs to know to bring pictures of one size to a tensor: the same positions and
/// weights that the processor uses.
///
/// Tables have entries for the columns and rows of the [`window`](Self::window), in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampling {
    /// How a pixel is computed.
    pub kernel: ResizeKernel,
    /// The entries of the window's columns, as the kernel says.
    pub columns: Vec<u32>,
    /// The entries of the window's rows.
    pub rows: Vec<u32>,
    /// What of the scaled picture is computed.
    pub window: Size,
    /// Where the window begins in the scaled picture: column and row.
    pub from: (u32, u32),
    /// Where the window begins in the tensor: column and row.
    pub at: (u32, u32),
    /// The value of all pixels around the window.
    pub fill: u8,
}

/// How a pixel of the window is made of a picture's, and what the tables hold.
///
/// The arithmetic of each is that of the kernel of its name in this crate's `resize` module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResizeKernel {
    /// The pixel at the same place; no tables.
    Copy,
    /// The pixel at the tables' positions: one word each.
    Nearest,
    /// Two by two pixels. Four words: the two positions, and their weights in 11 bits.
    Linear,
    /// Four by four pixels. Eight words: the positions, and their weights in 11 bits, signed.
    Cubic {
        /// Values of a scaled line, channels counted, that are summed in f32; the rest is summed
        /// in whole numbers.
        vectors: u32,
    },
    /// The rounded mean of cells of whole pixels; no tables. Two by two pixels are rounded half up,
    /// others multiplied with the f32 nearest to the reciprocal of their number and rounded half
    /// to even.
    Cells {
        /// Columns of a cell.
        across: u32,
        /// Rows of a cell.
        down: u32,
    },
    /// Weighted runs of pixels, summed in f32 along each row and then row after row. For each entry
    /// three words: first position, first weight counted in words from the table's beginning,
    /// number of weights; behind all entries the weights, as bits.
    Parts,
    /// Weighted runs of pixels, in two passes that each round to 8 bits. Tables as of
    /// [`Parts`](Self::Parts), with signed whole numbers for weights.
    Convolve {
        /// Whether the rows are summed before the columns.
        rows_first: bool,
        /// Bits after the point of the columns' weights and of the rows'.
        precision: (u32, u32),
    },
}

/// Returns the tables for a picture of that size and so many channels; `None` for the filters
/// that equal no framework, and for bars that are no pixels.
pub(crate) fn sampling(
    filter: Filter,
    picture: Size,
    channels: usize,
    plan: &Plan,
) -> Option<Sampling> {
    let Plan { scaled, window, at, fill: Fill::Pixel(fill) } = *plan else { return None };
    let (window, from) = (window.size, (window.left, window.top));
    let whole = |kernel, [columns, rows]: [Vec<u32>; 2]| {
        Some(Sampling { kernel, columns, rows, window, from, at, fill })
    };
    let none = || [Vec::new(), Vec::new()];
    if picture == scaled && picture == window {
        return whole(ResizeKernel::Copy, none());
    }
    match Algorithm::of(filter, picture, scaled) {
        Algorithm::Linear(position) => {
            whole(ResizeKernel::Linear, linear::tables(position, picture, plan))
        }
        Algorithm::Halves => whole(ResizeKernel::Cells { across: 2, down: 2 }, none()),
        Algorithm::Cells((across, down)) => {
            whole(ResizeKernel::Cells { across: word(across), down: word(down) }, none())
        }
        Algorithm::Parts(ratios) => whole(ResizeKernel::Parts, area::tables(ratios, picture, plan)),
        Algorithm::Cubic => {
            let vectors = word(cubic::vectors(scaled, channels));
            whole(ResizeKernel::Cubic { vectors }, cubic::tables(picture, plan))
        }
        Algorithm::Nearest(rule) => {
            whole(ResizeKernel::Nearest, nearest::tables(rule, picture, plan))
        }
        Algorithm::Convolution(filter) => {
            let convolve::Tables { rows_first, precision, columns, rows } =
                convolve::tables(filter, picture, plan);
            whole(ResizeKernel::Convolve { rows_first, precision }, [columns, rows])
        }
        Algorithm::Fir(_) => None,
    }
}

/// A position or a number of values as a word of a table.
pub(super) fn word(number: usize) -> u32 {
    u32::try_from(number).expect("no side is longer than 2^20, and no line of weights than 2^31")
}
