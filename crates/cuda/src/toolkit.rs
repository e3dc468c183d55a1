//! Where the libraries of the CUDA toolkit are, and how they are opened.
//!
//! They are found by the loader, in a toolkit, or in the Python packages that NVIDIA makes of them.

use std::env;
use std::fmt;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use calibrant_search::{ChildError, GoOn, Python, led_astray};
use libloading::Library;

use crate::driver::symbol;
use crate::error::{Attempt, Error};

/// A library of the CUDA toolkit, as it is looked for.
#[derive(Debug, Clone, Copy)]
pub struct ToolkitLibrary {
    /// What people call it.
    pub name: &'static str,
    /// Its file names, newest first.
    pub files: &'static [&'static str],
    /// The Python package that has it.
    pub package: &'static str,
    /// Where in `nvidia` of a Python environment the packages of each CUDA put it.
    pub python: &'static [&'static str],
}

/// The compiler.
pub(crate) const NVRTC: ToolkitLibrary = ToolkitLibrary {
    name: "NVRTC",
    files: &["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"],
    package: "nvidia-cuda-nvrtc",
    python: &["cu13/lib", "cuda_nvrtc/lib"],
};

/// A library that was opened, and is never closed: it has threads and exit handlers of its own.
pub struct OpenedLibrary {
    library: ManuallyDrop<Library>,
    path: PathBuf,
}

impl OpenedLibrary {
    /// The file, or the bare name that the loader found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks a function up, which can be called for as long as the process runs.
    ///
    /// # Safety
    ///
    /// The symbol, where the library has it, is a function of type `F`.
    ///
    /// # Errors
    ///
    /// [`Error::MissingSymbol`].
    pub unsafe fn symbol<F: Copy>(&self, name: &'static str) -> Result<F, Error> {
        // SAFETY: the caller's promise.
        unsafe { symbol(&self.library, &self.path, name) }
    }
}

impl ToolkitLibrary {
    /// Opens a library of the toolkit, unless `go_on` says `Break` while an interpreter is asked for its packages: by the loader's own search, then in the toolkit that
    /// `CUDA_HOME` or `CUDA_PATH` name, in `/usr/local/cuda`, and in the Python environment of
    /// `CALIBRANT_PYTHON` or else of `python3`.
    ///
    /// # Safety
    ///
    /// Whatever library has one of these names in these places may be loaded: its initialisers run in this process.
    ///
    /// # Errors
    ///
    /// [`Error::NoToolkit`], [`Error::Cancelled`].
    pub unsafe fn open(&self, go_on: &mut GoOn<'_>) -> Result<OpenedLibrary, Error> {
        let mut tried = Vec::new();
        let bare = self.files.iter().map(PathBuf::from);
        // SAFETY: the caller's promise.
        let found = unsafe { first(bare, &mut tried) }.or_else(|| {
            let toolkits = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(env::var_os);
            let toolkits = toolkits.map(PathBuf::from).chain([PathBuf::from("/usr/local/cuda")]);
            let folders =
                toolkits.flat_map(|root| ["lib64", "lib"].map(|folder| root.join(folder)));
            // SAFETY: as above.
            unsafe { first(present(folders, self), &mut tried) }
        });
        if let Some(found) = found {
            return Ok(found);
        }
        let inside = |root: PathBuf| self.python.iter().map(move |folder| root.join(folder));
        let folders = python_roots(&mut tried, go_on)?.into_iter().flat_map(inside);
        // SAFETY: as above.
        let found = unsafe { first(present(folders, self), &mut tried) };
        found.ok_or(Error::NoToolkit { library: self.name, package: self.package, tried })
    }
}

/// The files of a library that are there.
fn present<'w>(
    folders: impl Iterator<Item = PathBuf> + 'w,
    wanted: &'w ToolkitLibrary,
) -> impl Iterator<Item = PathBuf> + 'w {
    let files = |folder: PathBuf| wanted.files.iter().map(move |file| folder.join(file));
    folders.flat_map(files).filter(|path| path.is_file())
}

/// Opens the first that opens; the others go to `tried`.
///
/// # Safety
///
/// The code of any of them may run in this process.
unsafe fn first(
    candidates: impl Iterator<Item = PathBuf>,
    tried: &mut Vec<Attempt>,
) -> Option<OpenedLibrary> {
    for path in candidates {
        if let Some(found) = led_astray(&path) {
            tried.push(Attempt::astray(&path, &found));
            continue;
        }
        // SAFETY: the caller's promise.
        match unsafe { Library::new(&path) } {
            Ok(library) => {
                return Some(OpenedLibrary { library: ManuallyDrop::new(library), path });
            }
            Err(error) => tried.push(Attempt::failed(&path, &error)),
        }
    }
    None
}

impl fmt::Debug for OpenedLibrary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

/// The `nvidia` folders of the Python environment.
fn python_roots(tried: &mut Vec<Attempt>, go_on: &mut GoOn<'_>) -> Result<Vec<PathBuf>, Error> {
    let python = env::var_os("CALIBRANT_PYTHON").filter(|it| !it.is_empty());
    let python = Python::named(python.map(PathBuf::from));
    let mut nothing = |reason: String| {
        tried.push(Attempt { library: python.name().join("nvidia"), reason });
        Ok(Vec::new())
    };
    match python.package_folders(go_on) {
        Err(ChildError::Cancelled) => Err(Error::Cancelled),
        Err(error) => nothing(error.to_string()),
        Ok(folders) => {
            let roots = folders.iter().map(|folder| folder.join("nvidia"));
            let roots: Vec<_> = roots.filter(|root| root.is_dir()).collect();
            if roots.is_empty() {
                return nothing("the Python environment has no package of NVIDIA's".to_owned());
            }
            Ok(roots)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn a_library_that_is_nowhere_names_the_places_and_the_package() {
        let wanted = ToolkitLibrary {
            name: "NVNOTHING",
            files: &["libnvnothing.so.1"],
            package: "nvidia-nothing",
            python: &["cu13/lib"],
        };
        let mut go_on = || ControlFlow::Continue(());
        // SAFETY: there is no such library.
        let outcome = unsafe { wanted.open(&mut go_on) };
        let Err(error) = outcome else { panic!("there is no such library") };
        let text = error.to_string();
        assert!(text.starts_with("NVNOTHING cannot be opened: libnvnothing.so.1 ("), "{text}");
        assert!(text.ends_with("or run `pip install nvidia-nothing`"), "{text}");
        assert!(error.is_missing());
    }
}
