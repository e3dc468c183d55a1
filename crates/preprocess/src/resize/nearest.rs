//! `cv2.resize(…, interpolation=cv2.INTER_NEAREST)` and `Image.resize(…, NEAREST)`: one source
//! pixel for each, chosen by two different rules.

use calibrant_jpeg::Region;

use super::sampling::word;
use super::simd::Vectors;
use super::{Job, Kernel, Rows};
use crate::geometry::Plan;
use crate::recipe::Size;

/// Which source position an output position takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// That of the pixel's upper left corner: `resizeNN` of OpenCV.
    Corner,
    /// That of the pixel's centre, reached by adding: `ImagingScaleAffine` of Pillow.
    Centre,
}

/// The source positions of both axes and a line.
#[derive(Debug, Default)]
pub(super) struct Nearest {
    channels: usize,
    columns: Vec<usize>,
    rows: Vec<usize>,
    line: Vec<u8>,
    /// The next line to be made.
    next: usize,
}

/// Returns the positions of the window's columns and rows.
pub(super) fn tables(rule: Rule, picture: Size, plan: &Plan) -> [Vec<u32>; 2] {
    let (to, window) = (plan.scaled, plan.window);
    let mut at = Vec::new();
    let mut words = |from, to, start, count| {
        positions(rule, from, to, start, count, &mut at);
        at.iter().copied().map(word).collect()
    };
    [
        words(picture.width, to.width, window.left, window.size.width),
        words(picture.height, to.height, window.top, window.size.height),
    ]
}

impl Nearest {
    pub(super) fn begin(&mut self, job: Job, rule: Rule, region: &mut Region) {
        let (from, to, window) = (job.from, job.plan.scaled, job.plan.window);
        let Self { columns, rows, .. } = self;
        positions(rule, from.width, to.width, window.left, window.size.width, columns);
        positions(rule, from.height, to.height, window.top, window.size.height, rows);
        columns.iter().for_each(|&x| region.want_columns(x..x + 1));
        rows.iter().for_each(|&y| region.want_rows(y..y + 1));
        (self.channels, self.next) = (job.channels, 0);
        self.line.resize(job.line_bytes(), 0);
    }
}

impl Kernel for Nearest {
    #[inline(always)]
    fn row(&mut self, y: usize, row: &[u8], _: Vectors, lines: &mut Rows<'_>) {
        match self.channels {
            1 => pick::<1>(row, &self.columns, &mut self.line),
            _ => pick::<3>(row, &self.columns, &mut self.line),
        }
        while self.rows.get(self.next) == Some(&y) {
            lines(self.next, &self.line);
            self.next += 1;
        }
    }
}

#[inline(always)]
fn pick<const C: usize>(row: &[u8], columns: &[usize], line: &mut [u8]) {
    let (pixels, _) = row.as_chunks::<C>();
    let (line, _) = line.as_chunks_mut::<C>();
    for (out, &x) in line.iter_mut().zip(columns) {
        *out = pixels[x];
    }
}

/// Computes the source positions of output positions `start .. start + count`.
#[expect(clippy::cast_possible_truncation, reason = "not negative, and kept below a side")]
fn positions(rule: Rule, from: u32, to: u32, start: u32, count: u32, positions: &mut Vec<usize>) {
    let last = from as usize - 1;
    positions.clear();
    match rule {
        Rule::Corner => {
            // Twice the reciprocal, as OpenCV does: it is not `from / to` in the last bit.
            let scale = 1.0 / (f64::from(to) / f64::from(from));
            let at = |d| ((f64::from(d) * scale) as usize).min(last);
            positions.extend((start..start + count).map(at));
        }
        Rule::Centre => {
            // A sum, not a product: its rounding errors choose between neighbours.
            let scale = f64::from(from) / f64::from(to);
            let centres = std::iter::successors(Some(scale * 0.5), |x| Some(x + scale));
            let wanted = centres.skip(start as usize).take(count as usize);
            positions.extend(wanted.map(|x| (x as usize).min(last)));
        }
    }
}
