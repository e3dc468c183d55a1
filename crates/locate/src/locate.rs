//! Where a library is.

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
use crate::product::Product;

pub(crate) use self::candidates::{Candidate, everywhere};

/// Where the user wants a library from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Wherever it is: its [variable](Product::variable), the loader's path, the Python environment, what was fetched before.
    Auto,
    /// [What is fetched of it](Product::fetched), downloaded unless it was fetched before.
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
    /// The product's [variable](Product::variable).
    Variable(Product),
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
            Self::Variable(product) => product.variable(),
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
    let mut open = |candidate: &Candidate| Ok(candidate.open()?);
    Sought { product: Product::TensorRt, environment }.find(source, &mut open, say)
}

/// Finds a library of a product and has somebody open it, who returns what is made of it.
///
/// As [`locate()`], for libraries that this crate does not know how to open.
///
/// # Errors
/// [`LocateError`], with every place looked at and how to get a library.
pub fn locate_by<T>(
    product: Product,
    source: &Source,
    environment: &Environment,
    mut open: impl FnMut(&Path) -> Result<T, Box<dyn Error + Send + Sync>>,
    say: &mut dyn FnMut(LocateEvent) -> ControlFlow<()>,
) -> Result<T, LocateError> {
    let mut open = |candidate: &Candidate| open(&candidate.library);
    Sought { product, environment }.find(source, &mut open, say)
}

/// Opens a candidate.
type Open<'o, T> = dyn FnMut(&Candidate) -> Result<T, Box<dyn Error + Send + Sync>> + 'o;

/// What is looked for, and by what.
struct Sought<'a> {
    product: Product,
    environment: &'a Environment,
}

impl Sought<'_> {
    fn find<T>(
        &self,
        source: &Source,
        open: &mut Open<'_, T>,
        say: &mut Say<'_>,
    ) -> Result<T, LocateError> {
        let Self { product, environment } = *self;
        match (source, product.named(environment)) {
            (Source::Path(path), _) => self.named(path, Origin::Given, open),
            (Source::Fetch, _) => {
                let fetched = fetch(product, environment, say)
                    .map_err(|source| LocateError::Fetch { product, source })?;
                self.named(&fetched.folder, Origin::Fetched, open)
            }
            (Source::Auto, Some(path)) => self.named(path, Origin::Variable(product), open),
            (Source::Auto, None) => self.first(open, say),
        }
    }

    /// Opens the library in the one place that the user named.
    fn named<T>(
        &self,
        path: &Path,
        origin: Origin,
        open: &mut Open<'_, T>,
    ) -> Result<T, LocateError> {
        let product = self.product;
        if !path.exists() {
            return Err(LocateError::Missing { product, path: path.to_owned(), origin });
        }
        let Some(candidate) = candidates::at(product, path, origin).into_iter().next() else {
            let names = candidates::library_names(product);
            return Err(LocateError::NoLibrary { product, path: path.to_owned(), origin, names });
        };
        open(&candidate).map_err(|source| LocateError::Open {
            product,
            path: candidate.library,
            origin,
            source,
        })
    }

    /// Opens the first library of all places that opens.
    fn first<T>(&self, open: &mut Open<'_, T>, say: &mut Say<'_>) -> Result<T, LocateError> {
        let Self { product, environment } = *self;
        let mut tried = Vec::new();
        for candidate in everywhere(product, environment, say) {
            match candidate {
                Ok(candidate) => match open(&candidate) {
                    Ok(found) => return Ok(found),
                    Err(error) => tried.push(candidate.tried(&*error)),
                },
                Err(Nothing::Tried(nothing)) => tried.push(nothing),
                Err(Nothing::Cancelled) => return Err(LocateError::Cancelled),
            }
        }
        Err(LocateError::NotFound { product, tried })
    }
}

impl Candidate {
    /// Opens the library and its parser.
    pub(crate) fn open(&self) -> Result<Found, OpenError> {
        let library = Library::open(&self.library, &self.parser)?;
        Ok(Found { library, origin: self.origin })
    }

    /// The entry for a list of what was tried.
    pub(crate) fn tried(&self, error: &(dyn Error + 'static)) -> Tried {
        // The file stands in the entry already, so the loader's own words, the innermost error, say all.
        let mut innermost = error;
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
            matches!(
                variable,
                LocateError::NoLibrary { origin: Origin::Variable(Product::TensorRt), .. }
            ),
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
            let LocateError::Open { path, source, .. } = error else { panic!("{error:?}") };
            assert!(matches!(source.downcast_ref(), Some(OpenError::Load { .. })), "{source:?}");
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
        let text = LocateError::NotFound { product: Product::TensorRt, tried }.to_string();
        assert!(text.contains("loader path: libnvinfer.so.11: not there"), "{text}");
        assert!(text.contains("have NVIDIA's TensorRT-RTX fetched"), "{text}");
    }

    #[test]
    fn an_onnx_runtime_is_taken_from_the_folder_of_its_package_and_by_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["libonnxruntime.so.1.32.0", "libonnxruntime_providers_shared.so"];
        names.iter().for_each(|name| fs::write(folder.path().join(name), "").unwrap());
        let find = |source: &Source, environment: &Environment| {
            let open = |path: &Path| match path.file_name() {
                Some(name) if name == names[0] => Ok(path.to_owned()),
                _ => Err("it is another".into()),
            };
            locate_by(Product::OnnxRuntime, source, environment, open, &mut silent)
        };
        let library = folder.path().join(names[0]);
        let nothing = Environment::default();
        for named in [folder.path(), &library] {
            assert_eq!(find(&Source::Path(named.into()), &nothing).unwrap(), library);
        }
        let variable =
            Environment { onnxruntime: Some(folder.path().into()), ..Environment::default() };
        assert_eq!(find(&Source::Auto, &variable).unwrap(), library);

        let python = Environment { python: Some("/nonexistent".into()), ..Environment::default() };
        let error = find(&Source::Auto, &python).unwrap_err().to_string();
        assert!(error.starts_with("no ONNX Runtime found; looked at:"), "{error}");
        assert!(error.contains("libonnxruntime.so.1: it is another"), "{error}");
        assert!(error.ends_with("as in CALIBRANT_ONNXRUNTIME"), "{error}");
        let empty = tempfile::tempdir().unwrap();
        let error = find(&Source::Path(empty.path().into()), &nothing).unwrap_err().to_string();
        assert!(
            error.contains("holds no ONNX Runtime: expected one of libonnxruntime.so"),
            "{error}"
        );
    }
}
