//! What can go wrong, each with the way out.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use calibrant_search::ChildError;

use crate::locate::Origin;
use crate::product::Product;

/// A place that was looked at, and why it did not do.
#[derive(Debug, thiserror::Error)]
#[error("{origin}: {}: {reason}", place.display())]
pub struct Tried {
    /// Which way led there.
    pub origin: Origin,
    /// The file or folder, or the bare file name that the loader was asked for.
    pub place: PathBuf,
    /// Why it did not do.
    pub reason: String,
}

impl Tried {
    /// A line for each place; names that the loader does not know share one.
    #[must_use]
    pub fn list(tried: &[Self]) -> String {
        let (unknown, others): (Vec<&Self>, Vec<&Self>) =
            tried.iter().partition(|it| it.is_unknown_to_the_loader());
        let names: Vec<String> = unknown.iter().map(|it| it.place.display().to_string()).collect();
        let unknown = unknown
            .first()
            .map(|first| format!("  {}: none of {}", first.origin, names.join(", ")));
        let others = others.into_iter().map(|it| format!("  {it}"));
        unknown.into_iter().chain(others).collect::<Vec<_>>().join("\n")
    }

    /// Whether it is a bare name that the loader found nowhere.
    fn is_unknown_to_the_loader(&self) -> bool {
        let is_bare = self.place.components().count() == 1;
        self.origin == Origin::Loader && is_bare && self.reason.contains("No such file")
    }
}

/// No library to work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocateError {
    /// Nothing usable anywhere.
    #[error(
        "no {product} found; looked at:\n{}\nget one: have {} {} fetched through pip, or install {product} and name its folder, as in {}",
        Tried::list(tried),
        product.maker(),
        product.fetched(),
        product.variable()
    )]
    NotFound {
        /// What was looked for.
        product: Product,
        /// Every place looked at.
        tried: Vec<Tried>,
    },
    /// The place that the user named is not there.
    #[error("{} ({origin}) does not exist", path.display())]
    Missing {
        /// What was looked for.
        product: Product,
        /// The place.
        path: PathBuf,
        /// Which setting named it.
        origin: Origin,
    },
    /// The place that the user named holds none.
    #[error("{} ({origin}) holds no {product}: expected one of {}", path.display(), names.join(", "))]
    NoLibrary {
        /// What was looked for.
        product: Product,
        /// The place.
        path: PathBuf,
        /// Which setting named it.
        origin: Origin,
        /// The file names that would do.
        names: Vec<String>,
    },
    /// The library that the user named cannot be used.
    #[error("{product} at {} ({origin}) cannot be used", path.display())]
    Open {
        /// What was looked for.
        product: Product,
        /// The library.
        path: PathBuf,
        /// Which setting named it.
        origin: Origin,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The caller cancelled.
    #[error("looking for a library was cancelled")]
    Cancelled,
    /// Fetching was asked for and failed.
    #[error("cannot fetch {}", product.fetched())]
    Fetch {
        /// What was to be fetched.
        product: Product,
        /// Why it cannot be.
        source: FetchError,
    },
}

/// A library could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No wheel is pinned for this machine.
    #[error("no {} is pinned for {target}; install {product} by hand and name its folder", product.fetched())]
    NotPinned {
        /// What was to be fetched.
        product: Product,
        /// The machine, as `linux aarch64`.
        target: String,
    },
    /// No folder to keep it in.
    #[error(
        "no folder to keep {} in: neither XDG_CACHE_HOME nor HOME is an absolute path",
        product.fetched()
    )]
    NoCacheFolder {
        /// What was to be fetched.
        product: Product,
    },
    /// The interpreter that runs pip cannot be started.
    #[error("cannot run {} to fetch with pip; install Python 3 with pip, name an interpreter with CALIBRANT_PYTHON, or install {product} by hand and name its folder", python.display())]
    Python {
        /// What was to be fetched.
        product: Product,
        /// The interpreter.
        python: PathBuf,
        /// Why.
        source: ChildError,
    },
    /// pip ran and failed, every time.
    #[error(
        "pip could not download {requirement} ({attempts} tries); its last words:\n{stderr}\nwithout a network, install {product} by hand and name its folder"
    )]
    Pip {
        /// What was to be fetched.
        product: Product,
        /// What was asked for.
        requirement: String,
        /// How often.
        attempts: u32,
        /// What pip said, verbatim.
        stderr: String,
    },
    /// The file is not the one pinned.
    #[error("{} has SHA-256 {found}, but {expected} is pinned; nothing was installed", wheel.display())]
    Hash {
        /// The downloaded file.
        wheel: PathBuf,
        /// Its hash.
        found: String,
        /// The hash pinned.
        expected: String,
    },
    /// The file lacks what it should hold, or cannot be unpacked.
    #[error("cannot unpack {member} from {}", wheel.display())]
    Unpack {
        /// The downloaded file.
        wheel: PathBuf,
        /// What was to be unpacked.
        member: String,
        /// Why.
        source: io::Error,
    },
    /// A file or folder in the cache cannot be written or read.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The caller cancelled.
    #[error("fetching was cancelled")]
    Cancelled,
}
