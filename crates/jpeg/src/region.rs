//! Which rows and columns of a picture are wanted.

use std::ops::Range;

/// Rows and columns of a picture; what lies in no wanted row or in no wanted column need not be
/// made.
///
/// It keeps its memory from picture to picture.
#[derive(Debug, Default, Clone)]
pub struct Region {
    rows: Vec<bool>,
    columns: Vec<bool>,
}

impl Region {
    /// Returns a region of a picture without pixels.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins anew for a picture of this size, with nothing wanted.
    pub fn clear(&mut self, width: u32, height: u32) {
        self.columns.clear();
        self.columns.resize(width as usize, false);
        self.rows.clear();
        self.rows.resize(height as usize, false);
    }

    /// Adds rows.
    ///
    /// # Panics
    ///
    /// When the range ends beyond the height given to [`clear`](Self::clear).
    pub fn want_rows(&mut self, rows: Range<usize>) {
        self.rows[rows].fill(true);
    }

    /// Adds columns.
    ///
    /// # Panics
    ///
    /// When the range ends beyond the width given to [`clear`](Self::clear).
    pub fn want_columns(&mut self, columns: Range<usize>) {
        self.columns[columns].fill(true);
    }

    /// Makes it a region of a larger picture, of which it was a part that begins at that column and
    /// row.
    pub fn embed(&mut self, width: u32, height: u32, (left, top): (u32, u32)) {
        for (wanted, n, before) in [(&mut self.columns, width, left), (&mut self.rows, height, top)]
        {
            wanted.splice(..0, std::iter::repeat_n(false, before as usize));
            wanted.resize(n as usize, false);
        }
    }

    /// Returns whether a row is wanted.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    #[must_use]
    pub fn wants_row(&self, row: usize) -> bool {
        self.rows[row]
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        (self.columns.len(), self.rows.len())
    }

    /// Returns whether a row of the range, cut at the borders, is wanted.
    pub(crate) fn wants_rows(&self, rows: Range<usize>) -> bool {
        any(&self.rows, rows)
    }

    /// Returns whether a column of the range, cut at the borders, is wanted.
    pub(crate) fn wants_columns(&self, columns: Range<usize>) -> bool {
        any(&self.columns, columns)
    }

    /// Returns the range from the first wanted column to the last.
    pub(crate) fn column_span(&self) -> Range<usize> {
        let first = self.columns.iter().position(|&wanted| wanted);
        let last = self.columns.iter().rposition(|&wanted| wanted);
        first.zip(last).map_or(0..0, |(first, last)| first..last + 1)
    }
}

fn any(wanted: &[bool], range: Range<usize>) -> bool {
    let end = range.end.min(wanted.len());
    wanted[range.start.min(end)..end].contains(&true)
}
