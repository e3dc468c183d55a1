//! The double as its users meet it: through the vendor's slots, linked in and as files.

#![allow(unsafe_code, reason = "the calls of a C++ interface")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

mod calibrated;
mod calibrator;
mod client;
mod cuda;
mod files;
mod linked;
