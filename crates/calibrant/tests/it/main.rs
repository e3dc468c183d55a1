//! The whole job on real models and pictures, through the library and through the command line.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

mod cache;
mod children;
mod cli;
mod commands;
mod findings;
#[path = "../../../job/tests/it/fixtures.rs"]
mod fixtures;
mod formats;
mod generations;
mod hints;
mod inputs;
mod interrupts;
mod keeping;
mod kill;
mod models;
mod preprocess;
mod reach;
mod runtimes;
mod sets;
mod shapes;
mod statistics;
mod surroundings;
mod targets;
mod tensorrt;
