//! Rewrites as a user sees them: a model in, a model out.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod formats;
mod graphs;
mod implicit;
mod models;
mod of_samples;
mod placement;
mod printer;
mod refusals;
