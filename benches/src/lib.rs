//! Benchmarks of calibration throughput: the library itself is empty, the questions are in `benches/`.
//!
//! `cargo bench -p benches` measures, `cargo test -p benches --benches` runs each benchmark once.
//! `gpu/` measures what needs a GPU, in programs that need no cargo.
//! `peers/` compares whole calibrations with other tools, and `docs/benchmarks.md` records what came out.

#![forbid(unsafe_code)]
