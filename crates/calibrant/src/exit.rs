//! Exit statuses, and what an error prints.

use std::error::Error as StdError;
use std::process::ExitCode;

use calibrant_decode_cuda::OpenError;
use calibrant_files::printable::message;

use crate::error::{Error, JobError};
use crate::wording;

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
            Error::Job(JobError::Interrupted) => Self::Interrupted,
            Error::Usage(_) | Error::Job(JobError::Config(_) | JobError::Shapes(_)) => Self::Usage,
            // A plan needs the version that built it, and a GPU: both are a vendor's.
            Error::Job(JobError::Locate(_)) | Error::Inspect(_) => Self::LibraryMissing,
            Error::Job(JobError::Cuda(error) | JobError::Decode(OpenError::Cuda(error)))
                if error.is_missing() =>
            {
                Self::LibraryMissing
            }
            _ => Self::Failed,
        }
    }
}

/// The error and its causes, each on a line of its own with the way out of it; further lines of one are indented.
pub(crate) fn explain(error: &(dyn StdError + 'static)) -> String {
    let (mut text, mut last) = (String::from("error: "), String::new());
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error.to_string();
        // A transparent wrapper says what its source says.
        if last.is_empty() || !last.ends_with(&said) {
            if !last.is_empty() {
                text.push_str("\n  because: ");
            }
            text.push_str(&message(&wording::said(error)));
            last = said;
        }
        next = error.source();
    }
    text
}
