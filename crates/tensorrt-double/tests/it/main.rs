//! The double as its users meet it: through the vendor's slots, linked in and as files.

#![allow(unsafe_code, reason = "the calls of a C++ interface")]

mod client;
mod files;
mod linked;
