//! Where the libraries of the CUDA toolkit are, and how they are opened.
//!
//! They are found by the loader, in a toolkit, or in the Python packages that NVIDIA makes of them.

use std::env;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use calibrant_search::{ChildError, GoOn, Python, led_astray};
use libloading::Library;

use crate::error::{Attempt, Error};

/// A library of the toolkit that is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// What people call it.
    pub(crate) name: &'static str,
    /// Its file names, newest first.
    pub(crate) files: &'static [&'static str],
    /// The Python package that has it.
    pub(crate) package: &'static str,
    /// Where in `nvidia` of a Python environment the packages of each CUDA put it.
    pub(crate) python: &'static [&'static str],
}

/// The compiler.
pub(crate) const NVRTC: Wanted = Wanted {
    name: "NVRTC",
    files: &["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"],
    package: "nvidia-cuda-nvrtc",
    python: &["cu13/lib", "cuda_nvrtc/lib"],
};

/// The JPEG decoder.
pub(crate) const NVJPEG: Wanted = Wanted {
    name: "nvJPEG",
    files: &["libnvjpeg.so.13", "libnvjpeg.so.12", "libnvjpeg.so"],
    package: "nvidia-nvjpeg",
    python: &["cu13/lib", "nvjpeg/lib"],
};

/// A library that was opened, and is never closed: it has threads and exit handlers of its own.
pub(crate) struct Opened {
    pub(crate) library: ManuallyDrop<Library>,
    pub(crate) path: PathBuf,
}

/// Opens a library of the toolkit, unless `go_on` says `Break` while an interpreter is asked for its packages: by the loader's own search, then in the toolkit that
/// `CUDA_HOME` or `CUDA_PATH` name, in `/usr/local/cuda`, and in the Python environment of
/// `CALIBRANT_PYTHON` or else of `python3`.
pub(crate) fn open(wanted: &Wanted, go_on: &mut GoOn<'_>) -> Result<Opened, Error> {
    let mut tried = Vec::new();
    let bare = wanted.files.iter().map(PathBuf::from);
    let found = first(bare, &mut tried).or_else(|| {
        let toolkits = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(env::var_os);
        let toolkits = toolkits.map(PathBuf::from).chain([PathBuf::from("/usr/local/cuda")]);
        let folders = toolkits.flat_map(|root| ["lib64", "lib"].map(|folder| root.join(folder)));
        first(present(folders, wanted), &mut tried)
    });
    if let Some(found) = found {
        return Ok(found);
    }
    let inside = |root: PathBuf| wanted.python.iter().map(move |folder| root.join(folder));
    let folders = python_roots(&mut tried, go_on)?.into_iter().flat_map(inside);
    first(present(folders, wanted), &mut tried).ok_or(Error::NoToolkit {
        library: wanted.name,
        package: wanted.package,
        tried,
    })
}

/// The files of a library that are there.
fn present<'w>(
    folders: impl Iterator<Item = PathBuf> + 'w,
    wanted: &'w Wanted,
) -> impl Iterator<Item = PathBuf> + 'w {
    let files = |folder: PathBuf| wanted.files.iter().map(move |file| folder.join(file));
    folders.flat_map(files).filter(|path| path.is_file())
}

/// Opens the first that opens; the others go to `tried`.
fn first(candidates: impl Iterator<Item = PathBuf>, tried: &mut Vec<Attempt>) -> Option<Opened> {
    for path in candidates {
        if let Some(found) = led_astray(&path) {
            tried.push(Attempt::astray(&path, &found));
            continue;
        }
        // SAFETY: the file is NVIDIA's library by its name, in a place where NVIDIA's packages or the
        // system's administrator put it.
        match unsafe { Library::new(&path) } {
            Ok(library) => return Some(Opened { library: ManuallyDrop::new(library), path }),
            Err(error) => tried.push(Attempt::failed(&path, &error)),
        }
    }
    None
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
        let wanted = Wanted {
            name: "NVNOTHING",
            files: &["libnvnothing.so.1"],
            package: "nvidia-nothing",
            python: &["cu13/lib"],
        };
        let mut go_on = || ControlFlow::Continue(());
        let Err(error) = open(&wanted, &mut go_on) else { panic!("there is no such library") };
        let text = error.to_string();
        assert!(text.starts_with("NVNOTHING cannot be opened: libnvnothing.so.1 ("), "{text}");
        assert!(text.ends_with("or run `pip install nvidia-nothing`"), "{text}");
        assert!(error.is_missing());
    }
}
