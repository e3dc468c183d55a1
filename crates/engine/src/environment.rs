//! What the process was given to find things by: captured once, so that tests can say it themselves.

use std::env;
use std::path::PathBuf;

/// The environment variables that steer the search, and the folder for fetched libraries.
///
/// An unset variable and an empty one are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `CALIBRANT_TENSORRT`: a folder with the libraries, or the library itself.
    pub tensorrt: Option<PathBuf>,
    /// `CALIBRANT_PYTHON`: the interpreter whose pip fetches and whose packages are searched; else `python3` of `PATH`.
    pub python: Option<PathBuf>,
    /// The folder for what is fetched: `calibrant` in `XDG_CACHE_HOME`, else in `~/.cache`.
    pub cache: Option<PathBuf>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let path =
            |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // The base directory specification wants relative paths ignored.
        let base = path("XDG_CACHE_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| path("HOME").map(|home| home.join(".cache")));
        Self {
            tensorrt: path("CALIBRANT_TENSORRT"),
            python: path("CALIBRANT_PYTHON"),
            cache: base.map(|base| base.join("calibrant")),
        }
    }

    /// The interpreter to run.
    pub(crate) fn python_or_default(&self) -> PathBuf {
        self.python.clone().unwrap_or_else(|| "python3".into())
    }
}
