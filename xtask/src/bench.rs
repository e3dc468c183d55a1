//! `cargo xtask bench`: throughput of the data pipeline beside its peers; `benches/throughput` is the program.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, bail};

/// Builds the program and runs it with these arguments.
///
/// # Errors
///
/// When cargo cannot be started or the program fails, which says why itself.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--release", "--quiet", "--package=benches", "--bin=throughput", "--"])
        .args(arguments)
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("the benchmark ended with {status}");
    }
    Ok(())
}
