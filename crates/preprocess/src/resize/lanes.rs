//! Rows side by side: eight of them transposed, so that equal columns lie together and a vector
//! holds one sample of each row.

/// Rows that lie side by side, one to a vector lane.
pub(super) const LANES: usize = 8;

/// The columns that have any weight, of rows that lie `stride` bytes apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) data: &'a [u8],
    pub(super) stride: usize,
    pub(super) count: usize,
}

impl<'a> Rows<'a> {
    /// Returns the first `width` bytes of [`LANES`] rows; past the last row, that one again.
    #[inline(always)]
    pub(super) fn eight(self, first: usize, width: usize) -> [&'a [u8]; LANES] {
        std::array::from_fn(|lane| {
            let row = (first + lane).min(self.count - 1);
            &self.data[row * self.stride..][..width]
        })
    }
}

/// Writes the rows' bytes column by column.
#[inline(always)]
pub(super) fn gather(rows: [&[u8]; LANES], columns: &mut [[u8; LANES]]) {
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
pub(super) fn scatter(columns: &[[u8; LANES]], rows: &mut [u8]) {
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
