//! `cargo xtask tidy`: rules of this repository that neither the compiler nor clippy checks.
//!
//! Every rule lists all its findings before the command fails, so one run shows everything that is to be done.
//! The rules read what git tracks, without network.

mod licence;
mod text;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// One broken rule: where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    place: String,
    rule: String,
}

impl Finding {
    fn new(place: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { place: place.into(), rule: rule.into() }
    }
}

/// Checks the licences of all dependencies and the form of all tracked files.
///
/// # Errors
///
/// When a rule is broken, naming every place, or when git or cargo cannot be asked.
#[expect(clippy::print_stderr, reason = "the findings are what this chore is for")]
pub(crate) fn run() -> anyhow::Result<()> {
    let root = root()?;
    let mut findings = licence::check(&root)?;
    for path in tracked(&root)? {
        // Fixtures hold deliberately broken files, and a file may be tracked but deleted in the working tree.
        let Ok(bytes) = std::fs::read(root.join(&path)) else { continue };
        let Ok(content) = String::from_utf8(bytes) else { continue };
        findings.extend(text::check(&path, &content));
    }
    for Finding { place, rule } in &findings {
        eprintln!("{place}: {rule}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} places are not tidy"),
    }
}

fn root() -> anyhow::Result<PathBuf> {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(xtask.parent().context("xtask lies in the workspace's root")?.to_owned())
}

fn tracked(root: &Path) -> anyhow::Result<Vec<String>> {
    let listing = output(Command::new("git").args(["ls-files", "-z"]).current_dir(root))?;
    Ok(listing.split_terminator('\0').map(str::to_owned).collect())
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{command:?} wrote something other than UTF-8"))
}
