//! `cargo xtask`: the `calibrant` command line in a release build, and the project's own chores.

#![forbid(unsafe_code)]

mod bench;
mod test_arm;
mod test_gpu;
mod test_kill;
mod tidy;

use std::io::Write as _;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    match command.as_deref() {
        Some("bench") => done(bench::run(std::env::args_os().skip(2))),
        Some("codegen") => done(cargo(&["run", "--quiet", "--package=codegen"])),
        Some("test-arm") => done(test_arm::run()),
        Some("test-gpu") => done(test_gpu::run()),
        Some("test-kill") => done(test_kill::run(std::env::args().skip(2))),
        Some("tidy") => done(tidy::run()),
        _ => calibrant::main(std::env::args_os()),
    }
}

fn done(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nowhere to complain when the terminal has gone.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs cargo, the one that runs this.
fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).args(arguments).status().context("cannot start cargo")?;
    if !status.success() {
        bail!("`cargo {}` failed with {status}", arguments.join(" "));
    }
    Ok(())
}
