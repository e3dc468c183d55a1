//! Tests of the public API.

mod goldens;
mod invariance;
mod scripted;
