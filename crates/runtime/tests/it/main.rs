//! Tests of the public API.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

mod scripted;
mod sources;
