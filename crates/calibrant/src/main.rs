//! The `calibrant` binary; see `calibrant --help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    calibrant::main(std::env::args_os())
}
