//! What can be wrong with a file of statistics.

use std::io;
use std::path::PathBuf;

use super::VERSION;

/// Why statistics cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatisticsError {
    /// The file cannot be read.
    #[error("cannot read the calibration statistics `{}`", path.display())]
    Read {
        /// Its path, as it was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("`{}` holds no calibration statistics that can be used", path.display())]
    Parse {
        /// Its path, as it was named.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<Self>,
    },
    /// The first bytes are those of something else.
    #[error("it does not begin with CALSTATS, as calibration statistics do")]
    NotStatistics,
    /// Another program wrote it.
    #[error(
        "its layout is version {found}, and this program reads {VERSION}; use the program that wrote it, or calibrate again"
    )]
    OtherVersion {
        /// The version in the file.
        found: u32,
    },
    /// Bytes are missing or too many.
    #[error(
        "it has {found} bytes and should have {expected}: it was cut short, or something was added"
    )]
    Length {
        /// Bytes that the header says.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The bytes are others than were written.
    #[error("its checksum differs: it was damaged")]
    Damaged,
    /// The manifest is none.
    #[error("its manifest does not parse")]
    Manifest(#[source] serde_json::Error),
    /// The bytes are not those of statistics.
    #[error("byte {at}: {what}")]
    Malformed {
        /// The first byte that cannot be.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
}
