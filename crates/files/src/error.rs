//! Why a file is not read although it is there, and why one could not be written.

use std::fmt;
use std::fs::FileType;
use std::io;
use std::path::PathBuf;

/// What is wrong with a file that the system would have read.
///
/// The functions of this crate return it as the inner error of an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// It is no regular file: reading it may never end.
    #[error("it is {kind} and not a regular file{}", kind.way_out())]
    Kind {
        /// What it is.
        kind: Kind,
    },
    /// It is longer than anything of its sort.
    #[error("it has {n_bytes} bytes, and no more than {limit} are read of such a file")]
    TooLarge {
        /// Its length.
        n_bytes: u64,
        /// The largest length that is read.
        limit: u64,
    },
    /// It was cut short, or grew, while it was read.
    #[error("it changed while it was read: it had {expected} bytes and gave {found}{}", if found > expected { " or more" } else { "" })]
    Changed {
        /// Its length when it was opened.
        expected: u64,
        /// The bytes that it gave.
        found: u64,
    },
    /// It should be text and is none.
    #[error("it is not UTF-8 from byte {valid_up_to} on")]
    NotUtf8 {
        /// Bytes that are.
        valid_up_to: usize,
    },
}

/// What a path leads to that is no regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It holds other files.
    Folder,
    /// A named pipe, or one end of a shell's.
    Pipe,
    /// A program listens behind it.
    Socket,
    /// A terminal, a disk, `/dev/zero` and their like.
    Device,
    /// Something that only this system knows.
    Other,
}

/// Why a file could not be written; what was there before is untouched.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct WriteError {
    /// The file that was to be written.
    pub path: PathBuf,
    pub(crate) source: io::Error,
}

impl From<Unusable> for io::Error {
    fn from(unusable: Unusable) -> Self {
        let kind = match unusable {
            Unusable::Kind { kind: Kind::Folder } => io::ErrorKind::IsADirectory,
            Unusable::Kind { .. } => io::ErrorKind::InvalidInput,
            Unusable::TooLarge { .. } => io::ErrorKind::FileTooLarge,
            Unusable::Changed { .. } => io::ErrorKind::UnexpectedEof,
            Unusable::NotUtf8 { .. } => io::ErrorKind::InvalidData,
        };
        Self::new(kind, unusable)
    }
}

impl Unusable {
    /// Returns what this crate has against a file, of an error of this crate's.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl Kind {
    pub(crate) fn of(file: FileType) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt as _;
            if file.is_fifo() {
                return Self::Pipe;
            }
            if file.is_socket() {
                return Self::Socket;
            }
            if file.is_char_device() || file.is_block_device() {
                return Self::Device;
            }
        }
        if file.is_dir() { Self::Folder } else { Self::Other }
    }

    /// What to do about it, where anything can be done.
    fn way_out(self) -> &'static str {
        match self {
            Self::Pipe => "; write what it gives into a file, and name that file",
            _ => "",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Folder => "a folder",
            Self::Pipe => "a pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
            Self::Other => "something else",
        })
    }
}
