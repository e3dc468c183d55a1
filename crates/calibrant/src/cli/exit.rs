//! Exit statuses, and what an error prints.

use std::error::Error as StdError;
use std::process::ExitCode;

use calibrant_decode_cuda::OpenError;

use crate::error::Error;
use crate::printable::message;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    LibraryMissing = 3,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The status that an error ends in.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Interrupted => Self::Interrupted,
            Error::Usage(_) | Error::Shapes(_) => Self::Usage,
            // A plan needs the version that built it, and a GPU: both are a vendor's.
            Error::Locate(_) | Error::Inspect(_) => Self::LibraryMissing,
            Error::Cuda(error) | Error::Decode { source: OpenError::Cuda(error), .. }
                if error.is_missing() =>
            {
                Self::LibraryMissing
            }
            _ => Self::Failed,
        }
    }
}

/// The error and its causes, each on a line of its own; further lines of one are indented.
pub(crate) fn explain(error: &dyn StdError) -> String {
    let mut last = error.to_string();
    let mut text = format!("error: {}", message(&last));
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        // A transparent wrapper says what its source says.
        if !last.ends_with(&said) {
            text.push_str("\n  because: ");
            text.push_str(&message(&said));
            last = said;
        }
        cause = error.source();
    }
    text
}
