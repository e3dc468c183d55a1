//! Files of the user's: read within bounds and without waiting, written whole or not at all.
//!
//! Everything that is named by somebody else is opened here: a [`RegularFile`] is never a pipe whose
//! writer does not come, nor a device that gives bytes for ever, and what is read into memory as a
//! whole has a bound ([`read`], [`read_text`]). [`write_atomic`] and [`unfinished`] make files that
//! appear only when they are complete. [`text_of`] writes paths as text that JSON takes, and [`printable`]
//! makes text harmless to a terminal.
//!
//! The functions that read return [`std::io::Error`], as those of [`std::fs`] do whose place they
//! take; its inner error is [`Unusable`] where the system had nothing against the file and this
//! crate has.

#![forbid(unsafe_code)]

mod error;
pub mod printable;
mod regular;
mod text;
mod write;

pub use error::{Kind, Unusable, WriteError};
pub use regular::{RegularFile, TEXT_LIMIT_BYTES, head, read, read_text};
pub use text::{serialize_path, text_of};
pub use write::{
    UNFINISHED, UNFINISHED_RANDOM, is_abandoned, is_unfinished, unfinished, write_atomic,
};
