//! Rows side by side: many of them transposed, so that equal columns lie together and vectors
//! hold one sample of each row.

/// Rows and columns that change places at once.
const TILE: usize = 8;

/// The columns that have any weight, of rows that lie `stride` bytes apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) data: &'a [u8],
    pub(super) stride: usize,
    pub(super) count: usize,
}

impl Rows<'_> {
    /// Writes the beginnings of `LANES` rows column by column; past the last row, that one again.
    #[inline(always)]
    pub(super) fn gather<const LANES: usize>(self, first: usize, columns: &mut [[u8; LANES]]) {
        let width = columns.len();
        for lane in (0..LANES).step_by(TILE) {
            let rows: [&[u8]; TILE] = std::array::from_fn(|i| {
                let row = (first + lane + i).min(self.count - 1);
                &self.data[row * self.stride..][..width]
            });
            let tiles = width / TILE;
            for tile in 0..tiles {
                let mut bytes = [0; TILE];
                for (bytes, row) in bytes.iter_mut().zip(rows) {
                    *bytes = piece(&row[tile * TILE..]);
                }
                let columns = &mut columns[tile * TILE..][..TILE];
                for (column, bytes) in columns.iter_mut().zip(transposed(bytes)) {
                    column[lane..lane + TILE].copy_from_slice(&bytes.to_le_bytes());
                }
            }
            for (x, column) in columns.iter_mut().enumerate().skip(tiles * TILE) {
                for (byte, row) in column[lane..lane + TILE].iter_mut().zip(rows) {
                    *byte = row[x];
                }
            }
        }
    }
}

/// Writes columns into rows that lie one after another, as many as there are.
#[inline(always)]
pub(super) fn scatter<const LANES: usize>(columns: &[[u8; LANES]], rows: &mut [u8]) {
    let stride = columns.len();
    let (tiles, rest) = columns.as_chunks::<TILE>();
    let done = tiles.len() * TILE;
    for (group, rows) in rows.chunks_mut(TILE * stride).enumerate() {
        let lane = group * TILE;
        for (i, tile) in tiles.iter().enumerate() {
            let mut bytes = [0; TILE];
            for (bytes, column) in bytes.iter_mut().zip(tile) {
                *bytes = piece(&column[lane..]);
            }
            for (row, bytes) in rows.chunks_exact_mut(stride).zip(transposed(bytes)) {
                row[i * TILE..][..TILE].copy_from_slice(&bytes.to_le_bytes());
            }
        }
        for (i, column) in rest.iter().enumerate() {
            for (row, &byte) in rows.chunks_exact_mut(stride).zip(&column[lane..]) {
                row[done + i] = byte;
            }
        }
    }
}

/// Returns the first bytes as a number.
#[inline(always)]
fn piece(bytes: &[u8]) -> u64 {
    let mut piece = [0; TILE];
    piece.copy_from_slice(&bytes[..TILE]);
    u64::from_le_bytes(piece)
}

/// Transposes 8 × 8 bytes: halves, quarters and single bytes change places in turn.
#[inline(always)]
fn transposed(mut rows: [u64; TILE]) -> [u64; TILE] {
    swap::<4>(&mut rows, 0x0000_0000_ffff_ffff);
    swap::<2>(&mut rows, 0x0000_ffff_0000_ffff);
    swap::<1>(&mut rows, 0x00ff_00ff_00ff_00ff);
    rows
}

/// Exchanges the upper part of each row with the lower part of the row `DISTANCE` below it.
#[inline(always)]
fn swap<const DISTANCE: usize>(rows: &mut [u64; TILE], low: u64) {
    let shift = 8 * DISTANCE;
    for group in rows.chunks_exact_mut(2 * DISTANCE) {
        let (upper, lower) = group.split_at_mut(DISTANCE);
        for (upper, lower) in upper.iter_mut().zip(lower) {
            let (a, b) = (*upper, *lower);
            *upper = (a & low) | ((b & low) << shift);
            *lower = ((a >> shift) & low) | (b & !low);
        }
    }
}
