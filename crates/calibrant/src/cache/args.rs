//! The flags of `cache`.

use std::path::PathBuf;

use calibrant_calibration::{Algorithm, MergeBy, Method, parse_tensorrt_version};
use calibrant_job::guard::{GuardError, Inputs, Role, Target};
use clap::{Args, Subcommand, ValueEnum};

use crate::words;

/// What to do with caches; each takes a calibration table, calibration.json, or calibration statistics,
/// calibration.stats, wherever it takes a cache.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Show each tensor's range and scale, and which of them are not to be trusted; or a tensor's histogram.
    Show(ShowArgs),
    /// Show which tensors moved from one file to the other, and by how many percent.
    Diff(DiffArgs),
    /// Make one cache of several, or of the statistics of several shards those of one run over all their samples.
    #[command(disable_version_flag = true)]
    Merge(MergeArgs),
    /// Put a cache under another header, or write a table as a cache.
    #[command(disable_version_flag = true)]
    Convert(ConvertArgs),
    /// Say everything that is to be said against a cache; exit status 1 if TensorRT would not use it.
    #[command(disable_version_flag = true)]
    Validate(ValidateArgs),
    /// Write the model with Q/DQ pairs of the cache's scales.
    ToOnnx(ToOnnxArgs),
    /// Write the scales of a model's Q/DQ pairs as a cache.
    #[command(disable_version_flag = true)]
    FromOnnx(FromOnnxArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// A calibration cache, table or statistics.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) method: MethodArg,
    /// The order of the tensors.
    #[arg(long, value_enum, default_value_t = Order::Name)]
    pub(crate) sort: Order,
    /// Show the histogram of this tensor instead: as a plot, with --json every bin.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sort", "method"])]
    pub(crate) tensor: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// What to compare with.
    #[arg(value_name = "FIRST")]
    pub(crate) first: PathBuf,
    /// What is compared.
    #[arg(value_name = "SECOND")]
    pub(crate) second: PathBuf,
    #[command(flatten)]
    pub(crate) method: MethodArg,
    /// Leave out tensors that moved by no more than this, such as 1% or 0.5.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent)]
    pub(crate) above: f64,
    /// Exit with status 1 when anything is listed.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Calibration caches and tables; or the statistics, calibration.stats, of shards of one calibration.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Whose scale a tensor gets on which caches disagree: max, first or mean [default: max].
    #[arg(long, value_name = "RULE")]
    pub(crate) by: Option<MergeBy>,
    #[command(flatten)]
    pub(crate) header: HeaderArgs,
    #[command(flatten)]
    pub(crate) output: OutputFile,
}

#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// A calibration cache, table or statistics.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) method: MethodArg,
    #[command(flatten)]
    pub(crate) header: HeaderArgs,
    #[command(flatten)]
    pub(crate) output: OutputFile,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// A calibration cache, table or statistics.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The float ONNX model that it is for.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// The TensorRT that is to read it, such as 8.6.1 or 101601.
    #[arg(long = "version", value_name = "VERSION", value_parser = parse_tensorrt_version, conflicts_with = "target")]
    pub(crate) tensorrt_version: Option<u32>,
    /// Where it goes, such as jetpack-6.1: its TensorRT's version.
    #[arg(long = "for", id = "target", value_name = "TARGET", value_parser = words::target)]
    pub(crate) target: Option<&'static calibrant_calibration::Target>,
}

impl ValidateArgs {
    /// The number of the TensorRT that is to read the cache, where the flags say it.
    pub(crate) fn wanted(&self) -> Option<u32> {
        self.tensorrt_version.or(self.target.map(calibrant_calibration::Target::version))
    }
}

impl HeaderArgs {
    /// The number in the header, where the flags say it.
    pub(crate) fn version(&self) -> Option<u32> {
        self.tensorrt_version.or(self.target.map(calibrant_calibration::Target::version))
    }
}

#[derive(Debug, Args)]
pub(crate) struct ToOnnxArgs {
    /// A calibration cache, table or statistics.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The float ONNX model that it is for.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) method: MethodArg,
    #[command(flatten)]
    pub(crate) output: OutputFile,
}

#[derive(Debug, Args)]
pub(crate) struct FromOnnxArgs {
    /// An ONNX model with Q/DQ pairs.
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Leave out the tensors that have no pair, though their range is known because their values only move.
    #[arg(long)]
    pub(crate) only_pairs: bool,
    #[command(flatten)]
    pub(crate) header: HeaderArgs,
    #[command(flatten)]
    pub(crate) output: OutputFile,
}

/// Which amax of a table counts.
#[derive(Debug, Args)]
pub(crate) struct MethodArg {
    /// The method of the ranges [default: a table's own, of statistics percentile:99.99]
    ///
    /// Any method is computed from statistics, which a table has beside it.
    #[arg(long)]
    pub(crate) method: Option<Method>,
}

/// The first line of a cache.
#[derive(Debug, Args)]
pub(crate) struct HeaderArgs {
    /// The TensorRT that the cache is for, such as 8.6.1 or 101601 [default: as it is, else 101601].
    #[arg(long = "version", value_name = "VERSION", value_parser = words::cache_version, conflicts_with = "target")]
    pub(crate) tensorrt_version: Option<u32>,
    /// Where the cache goes, such as jetpack-6.1 or deepstream-7.0: its TensorRT's version; docs/targets.md lists the targets.
    #[arg(long = "for", id = "target", value_name = "TARGET", value_parser = words::target_with_caches)]
    pub(crate) target: Option<&'static calibrant_calibration::Target>,
    /// The calibrator that the cache is for: entropy2, entropy-v1, minmax or legacy [default: as it is, for a table by its method, for a model entropy2].
    #[arg(long, value_name = "NAME")]
    pub(crate) algorithm: Option<Algorithm>,
}

#[derive(Debug, Args)]
pub(crate) struct OutputFile {
    /// The file to write; one that is there is replaced, unless it is read.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

impl OutputFile {
    /// Makes sure that it is none of the files that are read.
    ///
    /// # Errors
    ///
    /// When it is, or cannot be replaced by a file.
    pub(crate) fn check(
        &self,
        read: impl IntoIterator<Item = (Role, PathBuf)>,
    ) -> Result<(), GuardError> {
        Inputs::new(read).check(&[Target { file: &self.output, what: "--output" }])
    }
}

/// The order in which tensors are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// By name.
    Name,
    /// The widest range first.
    Amax,
    /// As in the file.
    File,
}

/// Reads a number of percent, with or without the sign.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    let percent =
        number.parse().ok().filter(|percent: &f64| percent.is_finite() && *percent >= 0.0);
    percent.ok_or_else(|| format!("`{text}` is no percentage; write it as 1% or 0.5"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_may_have_their_sign() {
        assert_eq!((percent("1%"), percent("0.5"), percent("1 %")), (Ok(1.0), Ok(0.5), Ok(1.0)));
        for text in ["", "%", "-1%", "1%%", "inf", "NaN", "one"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
