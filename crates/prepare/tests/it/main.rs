//! Models made ready, as a user sees them: a model in, a model out.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod batch_norm;
mod constants;
#[path = "../../../rewrite/tests/it/graphs.rs"]
#[allow(dead_code, reason = "shared with the tests of rewrite and cast")]
mod graphs;
mod opset;
#[path = "../../../rewrite/tests/it/printer.rs"]
mod printer;
mod symbols;
