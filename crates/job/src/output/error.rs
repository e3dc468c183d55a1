//! Why a folder cannot take the results of a job.

use std::io;
use std::path::PathBuf;

use crate::guard::Role;
use crate::report::REPORT_SCHEMA_VERSION;

/// Why a folder cannot take the results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// It cannot be made, or is no folder.
    #[error("cannot use `{}` as the folder for the results", folder.display())]
    Folder {
        /// Where it lies.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another job writes into it.
    #[error("another job is writing into `{}`", folder.display())]
    Busy {
        /// Where it lies.
        folder: PathBuf,
    },
    /// A result would take the place of a file that is read.
    #[error("`{}` is {role}, and a result would take its place", file.display())]
    Input {
        /// Where it lies.
        file: PathBuf,
        /// What it is read as.
        role: Role,
    },
    /// A result would take the place of a file that no job wrote.
    #[error(
        "`{}` is in the way: no earlier job says that it wrote it",
        file.display()
    )]
    Foreign {
        /// Where it lies.
        file: PathBuf,
    },
    /// A result would take the place of a file that was changed since a job wrote it.
    #[error(
        "`{}` is in the way: it was changed since an earlier job wrote it",
        file.display()
    )]
    Changed {
        /// Where it lies.
        file: PathBuf,
    },
    /// The report that lies there does not say what an earlier job wrote.
    #[error("`{}` is in the way", file.display())]
    Report {
        /// The report.
        file: PathBuf,
        /// What is wrong with it.
        source: ReportProblem,
    },
    /// A file of an earlier job cannot be read.
    #[error("cannot read `{}`, whose place a result would take", file.display())]
    Unread {
        /// Where it lies.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of an earlier job cannot be removed.
    #[error("cannot remove `{}`, which an earlier job left and which would not fit the new results", file.display())]
    Remove {
        /// Where it lies.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A result cannot be written.
    #[error("cannot write `{}`", file.display())]
    Write {
        /// Where it lies.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a report does not say what an earlier job wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportProblem {
    /// It is no report of this program.
    #[error("it is no report of calibrant")]
    Foreign,
    /// It is of a version with another layout.
    #[error(
        "it is a report of version {found}, and version {REPORT_SCHEMA_VERSION} says what was written"
    )]
    Version {
        /// The version of its layout.
        found: u32,
    },
    /// It is not as it was written.
    #[error("it was changed since an earlier job wrote it")]
    Changed,
}
