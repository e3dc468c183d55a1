//! What the process was given to find things by: captured once, so that tests can say it themselves.

use std::env;
use std::path::PathBuf;

use calibrant_search::Python;

use crate::product::Product;

/// The environment variables that steer the search, and the folder for fetched libraries.
///
/// An unset variable and an empty one are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `CALIBRANT_TENSORRT`: a folder with the libraries, or the library itself.
    pub tensorrt: Option<PathBuf>,
    /// `CALIBRANT_ONNXRUNTIME`: a folder with the library, or the library itself.
    pub onnxruntime: Option<PathBuf>,
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
        Self {
            tensorrt: path(Product::TensorRt.variable()),
            onnxruntime: path(Product::OnnxRuntime.variable()),
            python: path("CALIBRANT_PYTHON"),
            cache: cache_in(path("XDG_CACHE_HOME"), path("HOME")),
        }
    }

    /// The interpreter to run.
    pub(crate) fn interpreter(&self) -> Python {
        Python::named(self.python.clone())
    }
}

/// The folder for what is fetched. The base directory specification wants relative paths ignored, and a relative home
/// would make a cache of whatever folder the process is in.
fn cache_in(xdg: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let home = home.map(|home| home.join(".cache"));
    let base = xdg.filter(|path| path.is_absolute()).or(home).filter(|path| path.is_absolute());
    base.map(|base| base.join("calibrant"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_home_is_no_cache() {
        let cache = |xdg: Option<&str>, home: Option<&str>| {
            cache_in(xdg.map(PathBuf::from), home.map(PathBuf::from))
        };
        assert_eq!(cache(None, Some("/users/u")), Some("/users/u/.cache/calibrant".into()));
        assert_eq!(cache(Some("/x"), Some("/users/u")), Some("/x/calibrant".into()));
        assert_eq!(cache(Some("x"), Some("/users/u")), Some("/users/u/.cache/calibrant".into()));
        for home in [".", "users/u", "../u"] {
            assert_eq!(cache(None, Some(home)), None, "{home}");
        }
        assert_eq!(cache(None, None), None);
    }
}
