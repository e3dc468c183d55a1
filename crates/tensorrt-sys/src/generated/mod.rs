//! Written by `cargo xtask codegen tensorrt`; a test of xtask holds it to be current.

// Tables read better with a row a line than as rustfmt would break them.
#[rustfmt::skip]
pub mod classes;
#[rustfmt::skip]
pub mod entry_points;
#[rustfmt::skip]
pub mod enums;
