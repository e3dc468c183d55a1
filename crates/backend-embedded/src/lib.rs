//! The embedded calibration backend: runs the model in pure Rust, node by node, and observes every tensor.

#![forbid(unsafe_code)]
