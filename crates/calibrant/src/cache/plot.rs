//! `cache show --tensor`: the histogram of one tensor.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use calibrant_calibration::{BINS, Method, SavedStatistics, TensorStatistics};
use calibrant_files::printable;
use calibrant_format::INT8;
use calibrant_job::given;
use serde::Serialize;

use crate::args::GeneralArgs;
use crate::cache::print_result;
use crate::cache::show::rounded;
use crate::error::Error;
use crate::exit::Exit;

/// Rows of a plot: the bins that they stand for are a power of two, and so are those in use.
const ROWS: usize = 32;
/// Columns of the longest bar.
const COLUMNS: f64 = 50.0;

/// What was seen of a tensor.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    tensor: &'a str,
    /// Number of values.
    count: u64,
    zeros: u64,
    minimum: f32,
    maximum: f32,
    /// What each method would keep.
    amax: BTreeMap<String, f32>,
    /// The bins are equal parts of 0 to 2 to the power of this.
    exponent: i32,
    bin_width: f64,
    /// Magnitudes in each bin, from 0 upwards.
    counts: Vec<u64>,
}

/// Prints the histogram of `tensor`.
///
/// # Errors
///
/// When the file neither is statistics nor has them beside it, or has no such tensor.
pub(super) fn plot(file: &Path, tensor: &str, general: &GeneralArgs) -> Result<Exit, Error> {
    let statistics = given::open(file)?.statistics(file)?;
    let Some(seen) = statistics.tensor(tensor)? else {
        let (path, tensor) = (file.to_owned(), tensor.to_owned());
        let tensors = most_like(&tensor, &statistics)?;
        return Err(Error::NoSuchTensor { path, tensor, tensors });
    };
    let shown = Shown::new(tensor, &seen);
    print_result(&shown, &shown.to_text(), general)
}

/// The names of all tensors, those first that share most of their beginning or end with `name`.
fn most_like(name: &str, statistics: &SavedStatistics) -> Result<Vec<String>, Error> {
    let alike = |other: &str| {
        let start = name.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        let end = name.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b).count();
        start + end
    };
    let names = statistics.tensors().map(|tensor| tensor.map(|(name, _)| name.to_owned()));
    let mut names = names.collect::<Result<Vec<_>, _>>()?;
    names.sort_by_key(|other| std::cmp::Reverse(alike(other)));
    Ok(names)
}

impl<'a> Shown<'a> {
    fn new(tensor: &'a str, seen: &TensorStatistics) -> Self {
        let methods = Method::USUAL.into_iter().chain([Method::TensorrtFaithful]);
        let amax = methods.filter_map(|it| Some((it.to_string(), seen.amax(it, &INT8)?))).collect();
        Self {
            tensor,
            count: seen.count(),
            zeros: seen.zeros(),
            minimum: seen.minimum(),
            maximum: seen.maximum(),
            amax,
            exponent: seen.histogram().exponent(),
            bin_width: seen.histogram().bin_width(),
            counts: seen.histogram().counts().to_vec(),
        }
    }

    /// Bars as long as the logarithm of a count, so that a few values far out are seen beside millions.
    fn to_text(&self) -> String {
        let Self { tensor, count, zeros, .. } = self;
        let (minimum, maximum) = (rounded(self.minimum.into()), rounded(self.maximum.into()));
        let mut text =
            format!("{}\n  values: {count}, {zeros} of them 0\n", printable::name(tensor));
        let _ = writeln!(text, "  range: {minimum} to {maximum}");
        for (method, amax) in &self.amax {
            let _ = writeln!(text, "  amax by {method}: {}", rounded(f64::from(*amax)));
        }
        let rows: Vec<u64> =
            self.counts.chunks(BINS / ROWS).map(|bins| bins.iter().sum()).collect();
        let used = rows.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
        let length = |count: u64| (count as f64 + 1.0).ln();
        let longest = rows.iter().map(|&count| length(count)).fold(1.0, f64::max);
        let _ = writeln!(text, "\n{:>14}  {:>12}", "magnitude from", "values");
        for (row, &count) in rows[..used].iter().enumerate() {
            let from = rounded((row * (BINS / ROWS)) as f64 * self.bin_width);
            let bar = "#".repeat(columns(length(count) / longest));
            let line = format!("{from:>14}  {count:>12}  {bar}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}

/// The columns of a bar of this part of the longest; of anything at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to the longest bar"
)]
fn columns(part: f64) -> usize {
    (part * COLUMNS).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_a_row_for_each_part_in_use_and_every_value_in_one() {
        let mut seen = TensorStatistics::new();
        seen.observe(&[0.0, 0.1, -0.1, 0.9, 3.0]).unwrap();
        let text = Shown::new("x", &seen).to_text();
        let (about, rows) = text.split_once("magnitude from").unwrap();
        assert!(about.contains("values: 5, 1 of them 0"), "{about}");
        assert!(about.contains("amax by minmax: 3.000000"), "{about}");
        assert!(!about.contains("tensorrt-faithful"), "{about}");
        let rows: Vec<Vec<&str>> =
            rows.lines().skip(1).map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(rows.len(), 25, "3 is 24/32 of 4");
        let counted: u64 = rows.iter().map(|row| row[1].parse::<u64>().unwrap()).sum();
        assert_eq!(counted, 5);
        assert_eq!((rows[0][1], rows[0][2].len()), ("3", 50));
        assert_eq!((rows[1].len(), rows[24][0], rows[24][1]), (2, "3.000000", "1"));
    }
}
