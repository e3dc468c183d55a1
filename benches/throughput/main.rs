//! `cargo xtask bench`: how many pictures a second go from files to normalised batches, ours beside the peers?
//!
//! Every program, ours among them, is a process of its own that stays alive, confined to the cores of its row. Before
//! anything is timed their tensors are compared. Then each round has every program go once through all pictures, one
//! after another, so that whatever slows the machine down slows all of them; ratios are taken within a round.
//!
//! [`worker`] is our side of it, `benches/peers/throughput` the peers'. Nothing here decodes a picture itself but
//! [`pictures`], which makes some where none are given.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the results are what this is for")]

mod args;
mod check;
mod compare;
mod machine;
mod measure;
mod pictures;
mod process;
mod programs;
mod results;
mod svg;
mod table;
mod worker;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use crate::args::{Args, BenchArgs, Command};
use crate::machine::Machine;
use crate::measure::{Bench, Phase};
use crate::pictures::Pictures;
use crate::results::Results;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.command {
        Some(Command::Worker(worker)) => worker::serve(worker),
        None => bench(&args.bench),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &BenchArgs) -> anyhow::Result<()> {
    let baseline = args.compare.as_deref().map(read).transpose()?;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let pictures = match &args.images {
        Some(images) => Pictures::of_folder(images)?,
        None => Pictures::make(args.set, folder.path())?,
    };
    let machine = Machine::look();
    let setting = args.setting(&machine, &pictures)?;
    let mut bench = Bench::new(&setting, &machine, &pictures, folder.path());
    let mut runs = bench.run(&Phase::comparison(&setting))?;
    if args.svg.is_some() {
        for phase in Phase::sweep(&setting) {
            runs.extend(bench.run(&phase)?);
        }
    }
    let results = Results { about: bench.about(), runs };
    print!("{}", table::text(&results));
    if let Some(baseline) = &baseline {
        print!("\n{}", compare::text(baseline, &results));
    }
    if let Some(file) = &args.json {
        write(file, &(serde_json::to_string_pretty(&results)? + "\n"))?;
    }
    if let Some(file) = &args.svg {
        write(file, &svg::chart(&results))?;
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Results> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not from `--json`", file.display()))
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
