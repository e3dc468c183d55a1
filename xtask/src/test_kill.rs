//! `cargo xtask test-kill [KILLS [SEED]]`: jobs are killed at random moments, and what they leave is checked.
//!
//! The test of `crates/calibrant/tests/it/kill.rs`, with 200 kills unless another number is named; half of them fall
//! between the first result and the last, where the TensorRT that stands in is slow for the purpose.

use std::process::Command;

use anyhow::{Context, bail};

/// How many jobs are killed when nothing says otherwise.
const KILLS: &str = "200";

/// Runs the test and shows what the kills hit.
///
/// # Errors
///
/// When cargo cannot be started, or a killed job left what it must not.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut test = Command::new(cargo);
    test.args(["test", "--package=calibrant", "--test=it", "kill::", "--", "--nocapture"]);
    test.env("CALIBRANT_KILLS", arguments.next().as_deref().unwrap_or(KILLS));
    test.envs(arguments.next().map(|seed| ("CALIBRANT_KILL_SEED", seed)));
    let status = test.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("the test of killed jobs failed with {status}");
    }
    Ok(())
}
