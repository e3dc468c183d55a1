//! Benchmarks of calibration throughput: the library itself is empty, the questions are in `benches/`.
//!
//! `cargo bench` measures, `cargo test -p benches --benches` runs each benchmark once.
//! `cargo bench -- --save-baseline main` keeps what was measured; after a change, `cargo bench -- --baseline main` says by
//! how much each has changed.
//! `throughput/` is `cargo xtask bench`: the whole data pipeline, beside its peers.
//! `gpu/` measures what needs a GPU, in programs that need no cargo.
//! `peers/` has the other tools, in Python, and `docs/benchmarks.md` records what came out.

#![forbid(unsafe_code)]
