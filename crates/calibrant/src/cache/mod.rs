//! `cache`: calibration caches, tables and statistics as data.

pub(crate) mod args;
mod diff;
mod file;
mod merge;
mod onnx;
mod plot;
mod show;
mod validate;

use calibrant_files::printable;
use calibrant_format::INT8;
use calibrant_job::Control;
use serde::Serialize;

use crate::args::GeneralArgs;
use crate::cache::args::CacheCommand;
use crate::error::Error;
use crate::exit::Exit;
use crate::{print, print_json};

/// Does what `command` says and prints the result.
///
/// # Errors
///
/// When a file cannot be used for it, or the result cannot be written.
pub(crate) fn run(
    command: &CacheCommand,
    general: &GeneralArgs,
    control: Control<'_>,
) -> Result<Exit, Error> {
    match command {
        CacheCommand::Show(args) => show::show(args, general),
        CacheCommand::Diff(args) => diff::diff(args, general),
        CacheCommand::Merge(args) => merge::merge(args, general, control),
        CacheCommand::Convert(args) => merge::convert(args, general),
        CacheCommand::Validate(args) => validate::validate(args, general),
        CacheCommand::ToOnnx(args) => onnx::to_onnx(args, general, control),
        CacheCommand::FromOnnx(args) => onnx::from_onnx(args, general, control),
    }
}

/// Prints a result in the form that was asked for.
fn print_result(result: &impl Serialize, text: &str, general: &GeneralArgs) -> Result<Exit, Error> {
    if !general.json {
        return print(text);
    }
    let mut json = serde_json::to_string_pretty(result).expect("strings and numbers serialize");
    json.push('\n');
    print_json(&json)
}

/// The width of a column of names.
fn name_width<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| printable::name(name).chars().count()).max().unwrap_or(0).clamp(6, 60)
}

/// The amax of a scale in a cache, for people.
fn amax(scale: f32) -> f64 {
    amax_of(scale, INT8.grid.largest())
}

/// The amax of a scale of a format that ends at `largest`, for people.
fn amax_of(scale: f32, largest: f32) -> f64 {
    f64::from(scale) * f64::from(largest)
}
