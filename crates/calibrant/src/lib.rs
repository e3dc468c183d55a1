//! The command line of Calibrant: flags in, results to standard output, progress and remarks to standard error.
//!
//! [`main`] is the whole program, so that the `calibrant` binary and `cargo xtask` are the same, and [`main_with`] that of
//! somebody who has runtimes of their own; see `examples/own_runtime.rs`. The job itself is `calibrant_job`, which knows
//! nothing of all this.

mod args;
mod build;
mod cache;
mod doctor;
mod error;
mod exit;
mod inspect;
mod pace;
mod preprocess;
mod progress;
mod resolve;
mod runtimes;
mod self_test;
mod wording;
mod words;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use calibrant_files::printable;
use calibrant_job::{Cancel, Config, Control, run};
use calibrant_runtime::Runtime;
use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::{Cli, Command, GeneralArgs};
use crate::error::Error;
use crate::exit::{Exit, explain};
use crate::progress::Progress;
use crate::runtimes::prepare_process;

pub use crate::runtimes::{built_in, default_runtime};

/// Runs the command line with these arguments, the program's name first, and returns its exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    main_with(args, &built_in())
}

/// Runs the command line of a program with runtimes of its own: `--backend` takes their names, the first is the default
/// unless it is one of [`built_in`], and `doctor` lists them.
pub fn main_with(
    args: impl IntoIterator<Item = OsString>,
    runtimes: &[Arc<dyn Runtime>],
) -> ExitCode {
    prepare_process();
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            let asked_for =
                matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            say_usage(error, &args);
            return if asked_for { Exit::Done } else { Exit::Usage }.into();
        }
    };
    match dispatch(cli, runtimes) {
        Ok(exit) => exit.into(),
        Err(error) => {
            say(&explain(&error));
            Exit::of(&error).into()
        }
    }
}

fn dispatch(cli: Cli, runtimes: &[Arc<dyn Runtime>]) -> Result<Exit, Error> {
    static INTERRUPTED: Cancel = Cancel::new();
    catch_interrupt(&INTERRUPTED);
    let progress = Progress::new(cli.general.quiet);
    let (control, general) = (Control::new(&progress, &INTERRUPTED), &cli.general);
    match cli.command {
        Command::Quantize(args) => {
            job(&resolve::quantize(*args, runtimes, control)?, general, control)
        }
        Command::Calibrate(args) => {
            job(&resolve::calibrate(args, runtimes, control)?, general, control)
        }
        Command::Build(args) => build::run(&args, general, control),
        Command::Preprocess(args) => preprocess::run(&args, general),
        Command::Inspect(args) => inspect::run(&args, general, control),
        Command::Cache(command) => cache::run(&command, general, control),
        Command::Doctor(args) => doctor::run(&args, general, runtimes, control),
    }
}

fn job(config: &Config, general: &GeneralArgs, control: Control<'_>) -> Result<Exit, Error> {
    let report = run(config, control)?;
    if general.json { print_json(&report.to_json()) } else { print(&format!("{report}\n")) }
}

/// Writes a text to standard output, harmless to a terminal.
fn print(text: &str) -> Result<Exit, Error> {
    write_out(&printable::lines(text))
}

/// Writes JSON to standard output, harmless to a terminal.
fn print_json(json: &str) -> Result<Exit, Error> {
    write_out(&printable::json(json))
}

/// Writes a result to standard output; a reader that has gone is no error, a full disk is.
fn write_out(text: &str) -> Result<Exit, Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Print(error)),
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}

/// Prints what clap has to say of arguments that are not to be understood, which it repeats: harmless ones in their place.
fn say_usage(error: clap::Error, args: &[OsString]) {
    let harmless = args.iter().map(|arg| printable::path(Path::new(arg)));
    let error = Cli::try_parse_from(harmless).err().unwrap_or(error);
    // Nowhere to complain when the terminal has gone.
    let _ = error.print();
}

/// Writes a line to standard error. What becomes of it changes nothing: a reader that has gone must not end a job.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// How long a cancelled command may take to end: one operator, or one step of a builder, hears nothing while it runs.
const GRACE: Duration = Duration::from_secs(5);

/// Has the first interrupt cancel the command, and end the process where that takes too long; the second ends it at once.
fn catch_interrupt(cancel: &'static Cancel) {
    // Without a handler an interrupt still ends the process, and no half-written file appears.
    let _ = ctrlc::set_handler(|| {
        if cancel.cancel() {
            end_interrupted();
        }
        // Without the thread it is left to the second interrupt.
        let _ = thread::Builder::new().spawn(|| {
            thread::sleep(GRACE);
            say("error: interrupted in the middle of a step; what is complete stays in the output folder");
            end_interrupted();
        });
    });
}

/// Ends the process and what it started. Results are complete or not there at any moment.
fn end_interrupted() {
    calibrant_search::end_children();
    std::process::exit(Exit::Interrupted as i32);
}
