//! `cache diff`: which tensors moved, and by how much.

use std::fmt::Write as _;

use calibrant_calibration::{Cache, Diff, Moved};
use calibrant_files::printable;
use serde::Serialize;

use crate::args::GeneralArgs;
use crate::cache::args::DiffArgs;
use crate::cache::file::read_cache;
use crate::cache::show::rounded;
use crate::cache::{amax, name_width, print_result};
use crate::error::Error;
use crate::exit::Exit;

/// The difference, for programs.
#[derive(Debug, Serialize)]
struct Compared<'a> {
    /// Number of tensors of each.
    tensors: [usize; 2],
    versions: [u32; 2],
    algorithms: [&'static str; 2],
    above_percent: f64,
    moved: Vec<Row<'a>>,
    only_first: &'a [String],
    only_second: &'a [String],
    /// Tensors with the same scale, bit for bit.
    same: usize,
    /// Tensors that moved by no more than the threshold.
    below: usize,
}

/// One tensor that moved.
#[derive(Debug, Serialize)]
struct Row<'a> {
    tensor: &'a str,
    first_amax: f64,
    second_amax: f64,
    /// `null` where no percentage tells it, as from 0 or to infinity.
    percent: f64,
}

/// Prints in what the files differ.
///
/// # Errors
///
/// When one of them is no cache or table.
pub(crate) fn diff(args: &DiffArgs, general: &GeneralArgs) -> Result<Exit, Error> {
    let method = args.method.method;
    let caches = [read_cache(&args.first, method)?, read_cache(&args.second, method)?];
    let diff = caches[0].diff(&caches[1]);
    let compared = Compared::new(&diff, &caches, args.above);
    let printed = print_result(&compared, &compared.to_text(&diff), general)?;
    let differs = args.check && !diff.is_within(args.above);
    Ok(if differs { Exit::Failed } else { printed })
}

impl<'a> Compared<'a> {
    fn new(diff: &'a Diff, caches: &[Cache; 2], above: f64) -> Self {
        let moved = diff.above(above);
        let each = caches.each_ref();
        Self {
            tensors: each.map(|cache| cache.entries().len()),
            versions: each.map(|cache| cache.version()),
            algorithms: each.map(|cache| cache.algorithm().name()),
            above_percent: above,
            moved: moved.iter().map(Row::new).collect(),
            only_first: &diff.only_first,
            only_second: &diff.only_second,
            same: diff.same,
            below: diff.moved.len() - moved.len(),
        }
    }

    fn to_text(&self, diff: &Diff) -> String {
        let mut text = String::new();
        if let Some((first, second)) = diff.version {
            let _ = writeln!(text, "version: {first} and {second}");
        }
        if let Some((first, second)) = diff.algorithm {
            let _ = writeln!(text, "algorithm: {} and {}", first.name(), second.name());
        }
        let width = name_width(self.moved.iter().map(|row| row.tensor));
        if !self.moved.is_empty() {
            let _ = writeln!(
                text,
                "{:width$}  {:>12}  {:>12}  {:>10}",
                "tensor", "first amax", "second amax", "percent"
            );
        }
        for row in &self.moved {
            let percent = if row.percent.is_finite() {
                format!("{:+.3}", row.percent)
            } else {
                "-".to_owned()
            };
            let (first, second) = (rounded(row.first_amax), rounded(row.second_amax));
            let name = printable::name(row.tensor);
            let _ = writeln!(text, "{name:width$}  {first:>12}  {second:>12}  {percent:>10}");
        }
        for (which, names) in [("first", self.only_first), ("second", self.only_second)] {
            for name in names {
                let _ = writeln!(text, "only in the {which}: {}", printable::name(name));
            }
        }
        let _ = write!(text, "{} tensors are the same, {} moved", self.same, self.moved.len());
        if self.above_percent > 0.0 {
            let _ = write!(text, " by more than {} %, {} by less", self.above_percent, self.below);
        }
        let _ = writeln!(
            text,
            ", {} are only in the first, {} only in the second",
            self.only_first.len(),
            self.only_second.len()
        );
        text
    }
}

impl<'a> Row<'a> {
    fn new(moved: &'a Moved) -> Self {
        Self {
            tensor: &moved.name,
            first_amax: amax(moved.first),
            second_amax: amax(moved.second),
            percent: moved.percent(),
        }
    }
}
