//! Runs damaged models through the whole job: `mutate [--minutes N] [--seed S] [--from CASE]`, or one of them,
//! `mutate --seed S --case CASE [--write FILE]`.
//!
//! Ends with 1 when anything crashed, hung or panicked.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it tells what it finds")]

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fuzz::mutate::stages::{Build, Stages};
use fuzz::mutate::{Seeds, supervise};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mutate: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, seed, first, end] = &arguments[..]
        && flag == "--child"
    {
        supervise::child(seed.parse()?, first.parse()?..end.parse()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (mut minutes, mut seed, mut from) = (1, 1, 0);
    let (mut case, mut write) = (None, None);
    for pair in arguments.chunks(2) {
        let [flag, value] = pair else { return Err(format!("{} wants a value", pair[0]).into()) };
        match flag.as_str() {
            "--minutes" => minutes = value.parse()?,
            "--seed" => seed = value.parse()?,
            "--from" => from = value.parse()?,
            "--case" => case = Some(value.parse()?),
            "--write" => write = Some(value.clone()),
            _ => return Err(format!("unknown flag {flag}").into()),
        }
    }
    if let Some(case) = case {
        let bytes = Seeds::load().case(seed, case);
        match write {
            Some(path) => std::fs::write(path, bytes)?,
            None => println!("{}", Stages::new(Build::OnDouble).run(&bytes)),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let program = env::current_exe()?;
    let mut tell = |finding: &supervise::Finding| println!("seed {seed}, {finding}");
    let outcome = supervise::supervise(&program, seed, from, until, &mut tell)?;
    let (cases, findings) = (outcome.cases, outcome.findings.len());
    println!("{cases} cases ({}), {findings} findings", outcome.reached);
    Ok(if outcome.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
