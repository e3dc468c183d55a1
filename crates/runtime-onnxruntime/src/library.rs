//! Opens the library: the one place that calls into a file that somebody named.

#![expect(unsafe_code, reason = "a shared library is opened and asked for its functions")]

use std::ffi::CStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use calibrant_search::led_astray;
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::sys::{ORT_API_VERSION, OrtApi, OrtApiBase};

use crate::error::OpenError;
use crate::panics::caught;

/// The oldest version that is taken; its functions are those of every later 1.x, which ONNX Runtime promises.
pub const OLDEST: Version = Version { major: 1, minor: 23, patch: 0 };

/// A version of ONNX Runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1, so far.
    pub major: u32,
    /// What a release changes.
    pub minor: u32,
    /// What a repair changes.
    pub patch: u32,
}

/// An ONNX Runtime that was opened; it stays open until the process ends, because what it makes refers to it.
#[derive(Debug, Clone)]
pub struct Library {
    path: PathBuf,
    version: Version,
    environment: Environment,
}

/// The one that this process has.
static OPENED: Mutex<Option<Library>> = Mutex::new(None);

impl Library {
    /// Opens the library at a path, or the one that the loader finds under a bare name.
    ///
    /// Code of the file runs as soon as it is loaded, as that of any library; whoever names one trusts it.
    ///
    /// # Errors
    ///
    /// When it cannot be loaded, is no ONNX Runtime or one of another version, or another is open already.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = led_astray(path) {
            return Err(OpenError::LedAstray { file });
        }
        if let Some(library) = &*opened {
            let same = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
            return match same(path) == same(&library.path) {
                true => Ok(library.clone()),
                false => {
                    Err(OpenError::Second { path: path.to_owned(), opened: library.path.clone() })
                }
            };
        }
        let (api, version) = load(path)?;
        let environment = environment(api).map_err(|source| OpenError::Setup {
            path: path.to_owned(),
            version,
            source,
        })?;
        let library = Self { path: path.to_owned(), version, environment };
        Ok(opened.insert(library).clone())
    }

    /// The version of the library at a path, which is not set up for use.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but that another may be open.
    pub fn probe(path: &Path) -> Result<Version, OpenError> {
        match led_astray(path) {
            Some(file) => Err(OpenError::LedAstray { file }),
            None => Ok(load(path)?.1),
        }
    }

    /// The path, or the bare name, that it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// Loads a library, for good, and returns the functions of the version that this crate is written for.
fn load(path: &Path) -> Result<(OrtApi, Version), OpenError> {
    // SAFETY: what runs when the file is loaded is its own code, which whoever named it trusts.
    let library = unsafe { libloading::Library::new(path) }
        .map_err(|source| OpenError::Load { path: path.to_owned(), source })?;
    let other = || OpenError::Other { path: path.to_owned() };
    let base = {
        // SAFETY: ONNX Runtime has exported this function with this signature since 1.0.
        let base = unsafe {
            library.get::<unsafe extern "C" fn() -> *const OrtApiBase>(b"OrtGetApiBase\0")
        };
        *base.map_err(|_| other())?
    };
    // What it makes refers to it, and its threads may run until the process ends: it is never closed.
    std::mem::forget(library);
    // SAFETY: it takes nothing and returns a static, or null.
    let base = unsafe { base() };
    // SAFETY: what it returns is a static of the library, which stays loaded.
    let base = unsafe { base.as_ref() }.ok_or_else(other)?;
    // SAFETY: it takes nothing and returns a static text that ends with a zero.
    let said = unsafe { (base.GetVersionString)() };
    if said.is_null() {
        return Err(other());
    }
    // SAFETY: as above.
    let said = unsafe { CStr::from_ptr(said) }.to_string_lossy();
    let version = Version::parse(&said).filter(|version| version.is_known());
    let unknown = || OpenError::Version { path: path.to_owned(), version: said.to_string() };
    let version = version.ok_or_else(unknown)?;
    // SAFETY: it takes any number and returns a static of the library, or null where it does not know the version.
    let api = unsafe { (base.GetApi)(ORT_API_VERSION) };
    // SAFETY: as above; the table of a later version begins with that of an earlier one.
    let api = unsafe { api.as_ref() }.ok_or_else(unknown)?;
    Ok((api.clone(), version))
}

/// The environment of the process, which says nothing and sends nothing.
fn environment(api: OrtApi) -> Result<Environment, Box<dyn std::error::Error + Send + Sync>> {
    if !ort::set_api(api) {
        return Err("this process has tried to set up another one before".into());
    }
    caught(|| {
        let environment = ort::init().with_name("calibrant").with_telemetry(false).build()?;
        // What goes wrong is an error; the library would write it to standard error too.
        environment.set_log_level(LogLevel::Fatal);
        Ok(environment)
    })
}

impl Version {
    /// Reads `1.32.0`, and what builds of one's own put behind the numbers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..digits].parse::<u32>().ok()
        });
        let (major, minor) = (numbers.next()??, numbers.next()??);
        Some(Self { major, minor, patch: numbers.next().flatten().unwrap_or(0) })
    }

    fn is_known(self) -> bool {
        self.major == OLDEST.major && self >= OLDEST
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_old_and_unknown_ones_told_apart() {
        for (text, parsed, known) in [
            ("1.32.0", Some((1, 32, 0)), true),
            ("1.23.2", Some((1, 23, 2)), true),
            ("1.22.1", Some((1, 22, 1)), false),
            ("1.40.0-dev+cu13", Some((1, 40, 0)), true),
            ("2.0", Some((2, 0, 0)), false),
            ("trunk", None, false),
            ("1", None, false),
        ] {
            let version = Version::parse(text);
            assert_eq!(version.map(|it| (it.major, it.minor, it.patch)), parsed, "{text}");
            assert_eq!(version.is_some_and(Version::is_known), known, "{text}");
        }
    }

    #[test]
    fn what_is_no_onnx_runtime_is_told_by_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("libonnxruntime.so");
        std::fs::write(&file, "no library").unwrap();
        for path in [&file, &folder.path().join("nowhere.so")] {
            let error = Library::open(path).unwrap_err();
            assert!(matches!(&error, OpenError::Load { path: named, .. } if named == path));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn another_library_is_refused_by_name() {
        let error = Library::open(Path::new("libm.so.6")).unwrap_err();
        assert_eq!(error.to_string(), "libm.so.6 is no ONNX Runtime: it has no OrtGetApiBase");
    }
}
