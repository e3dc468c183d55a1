//! The embedded backend through its public face.

mod determinism;
mod errors;
mod golden;
mod hostile;
mod support;
