//! Where TensorRT is.

mod candidates;

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use calibrant_tensorrt::{Library, OpenError, Version};

use crate::environment::Environment;
use crate::error::{LocateError, Tried};
use crate::fetch::{LocateEvent, fetch};

pub(crate) use self::candidates::{Candidate, everywhere};

/// Where the user wants TensorRT from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Wherever it is: `CALIBRANT_TENSORRT`, the loader's path, the Python environment, what was fetched before.
    Auto,
    /// NVIDIA's TensorRT-RTX, downloaded unless it was fetched before.
    Fetch,
    /// A folder with the libraries, or the library itself.
    Path(PathBuf),
}

impl FromStr for Source {
    type Err = Infallible;

    /// `auto`, `fetch`, or a path.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "auto" => Self::Auto,
            "fetch" => Self::Fetch,
            path => Self::Path(path.into()),
        })
    }
}

/// Which way led to a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// [`Source::Path`].
    Given,
    /// `CALIBRANT_TENSORRT`.
    Variable,
    /// The loader's own path: `LD_LIBRARY_PATH`, `ld.so.conf`.
    Loader,
    /// A package of the Python environment.
    Python,
    /// Fetched by this program.
    Fetched,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given => "as given",
            Self::Variable => "CALIBRANT_TENSORRT",
            Self::Loader => "loader path",
            Self::Python => "Python environment",
            Self::Fetched => "fetched",
        })
    }
}

/// A TensorRT that was opened and can be built with.
#[derive(Debug, Clone)]
pub struct Found {
    /// The opened library and its ONNX parser.
    pub library: Library,
    /// Which way led to it.
    pub origin: Origin,
}

impl Found {
    /// The library's version.
    pub fn version(&self) -> Version {
        self.library.version()
    }
}

/// Hears what happens; `Break` cancels.
pub(crate) type Say<'s> = dyn FnMut(LocateEvent) -> ControlFlow<()> + 's;

/// Why a place gives no library.
#[derive(Debug)]
pub(crate) enum Nothing {
    /// It has none that would do.
    Tried(Tried),
    /// The caller had enough of looking there.
    Cancelled,
}

/// Finds TensorRT and opens it, with its ONNX parser.
///
/// What the user names must do: a path that holds no usable TensorRT is an error, not a reason to look elsewhere.
/// `say` hears what is waited for, again and again; it answers `Break` to cancel.
///
/// # Errors
/// [`LocateError`], with every place looked at and how to get a library.
pub fn locate(
    source: &Source,
    environment: &Environment,
    say: &mut dyn FnMut(LocateEvent) -> ControlFlow<()>,
) -> Result<Found, LocateError> {
    match (source, &environment.tensorrt) {
        (Source::Path(path), _) => open_named(path, Origin::Given),
        (Source::Fetch, _) => open_named(&fetch(environment, say)?.folder, Origin::Fetched),
        (Source::Auto, Some(path)) => open_named(path, Origin::Variable),
        (Source::Auto, None) => open_first(environment, say),
    }
}

/// Opens the TensorRT in the one place that the user named.
fn open_named(path: &Path, origin: Origin) -> Result<Found, LocateError> {
    if !path.exists() {
        return Err(LocateError::Missing { path: path.to_owned(), origin });
    }
    let Some(candidate) = candidates::at(path, origin).into_iter().next() else {
        let names = candidates::library_names();
        return Err(LocateError::NoLibrary { path: path.to_owned(), origin, names });
    };
    candidate.open().map_err(|source| LocateError::Open { path: candidate.library, origin, source })
}

/// Opens the first TensorRT of all places that opens.
fn open_first(environment: &Environment, say: &mut Say<'_>) -> Result<Found, LocateError> {
    let mut tried = Vec::new();
    for candidate in everywhere(environment, say) {
        match candidate {
            Ok(candidate) => match candidate.open() {
                Ok(found) => return Ok(found),
                Err(error) => tried.push(candidate.tried(&error)),
            },
            Err(Nothing::Tried(nothing)) => tried.push(nothing),
            Err(Nothing::Cancelled) => return Err(LocateError::Cancelled),
        }
    }
    Err(LocateError::NotFound { tried })
}

impl Candidate {
    /// Opens the library and its parser.
    pub(crate) fn open(&self) -> Result<Found, OpenError> {
        let library = Library::open(&self.library, &self.parser)?;
        Ok(Found { library, origin: self.origin })
    }

    /// The entry for a list of what was tried.
    pub(crate) fn tried(&self, error: &OpenError) -> Tried {
        // The file stands in the entry already, so the loader's own words, the innermost error, say all.
        let mut innermost: &dyn Error = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Tried { origin: self.origin, place: self.library.clone(), reason: innermost.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn silent(_: LocateEvent) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn refused(source: &Source, environment: &Environment) -> LocateError {
        locate(source, environment, &mut silent).expect_err("there is no TensorRT here")
    }

    #[test]
    fn sources_are_read() {
        assert_eq!("auto".parse(), Ok(Source::Auto));
        assert_eq!("fetch".parse(), Ok(Source::Fetch));
        assert_eq!("/opt/tensorrt".parse(), Ok(Source::Path("/opt/tensorrt".into())));
    }

    #[test]
    fn a_named_place_that_is_not_there_is_an_error() {
        let error = refused(&Source::Path("/nonexistent".into()), &Environment::default());
        assert_eq!(error.to_string(), "/nonexistent (as given) does not exist");
    }

    #[test]
    fn a_named_place_without_tensorrt_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let given = refused(&Source::Path(folder.path().into()), &Environment::default());
        assert!(
            matches!(&given, LocateError::NoLibrary { origin: Origin::Given, .. }),
            "{given:?}"
        );
        assert!(given.to_string().contains("libtensorrt_rtx.so.1"), "{given}");

        let environment =
            Environment { tensorrt: Some(folder.path().into()), ..Environment::default() };
        let variable = refused(&Source::Auto, &environment);
        assert!(
            matches!(variable, LocateError::NoLibrary { origin: Origin::Variable, .. }),
            "{variable:?}"
        );
    }

    #[test]
    fn a_file_that_is_no_library_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libnvinfer.so.10");
        fs::write(&library, "no library").unwrap();
        fs::write(folder.path().join("libnvonnxparser.so.10"), "no library").unwrap();
        for named in [folder.path(), &library] {
            let error = refused(&Source::Path(named.into()), &Environment::default());
            let LocateError::Open { path, source: OpenError::Load { .. }, .. } = error else {
                panic!("{error:?}");
            };
            assert_eq!(path, library);
        }
    }

    #[test]
    fn nothing_anywhere_lists_every_place() {
        let tried = vec![Tried {
            origin: Origin::Loader,
            place: "libnvinfer.so.11".into(),
            reason: "not there".into(),
        }];
        let text = LocateError::NotFound { tried }.to_string();
        assert!(text.contains("loader path: libnvinfer.so.11: not there"), "{text}");
        assert!(text.contains("have NVIDIA's TensorRT-RTX fetched"), "{text}");
    }
}
