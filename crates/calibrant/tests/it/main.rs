//! The whole job on real models and pictures, through the library and through the command line.

mod cli;
mod fixtures;
mod job;
mod samples;
