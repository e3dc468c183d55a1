//! The files that could be a library: names and places, none of them opened.

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use calibrant_search::ChildError;

use super::{Nothing, Origin, Say};
use crate::environment::Environment;
use crate::error::Tried;
use crate::fetch::{LocateEvent, fetched_before};
use crate::product::Product;

/// A library, as a file or as a bare name for the loader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) library: PathBuf,
    /// The ONNX parser that belongs to a TensorRT; of others the library itself.
    pub(crate) parser: PathBuf,
    pub(crate) origin: Origin,
}

impl Candidate {
    /// A library that needs no other beside it.
    fn alone(library: PathBuf, origin: Origin) -> Self {
        Self { parser: library.clone(), library, origin }
    }
}

/// The sonames of every known generation, the preferred first: TensorRT itself before TensorRT-RTX, new before old.
const SONAMES: [(&str, &str); 6] = [
    ("libnvinfer.so.11", "libnvonnxparser.so.11"),
    ("libnvinfer.so.10", "libnvonnxparser.so.10"),
    ("libnvinfer.so.9", "libnvonnxparser.so.9"),
    ("libnvinfer.so.8", "libnvonnxparser.so.8"),
    ("libtensorrt_rtx.so.1", "libtensorrt_onnxparser_rtx.so.1"),
    // A development package's link, or a folder of a user's own making.
    ("libnvinfer.so", "libnvonnxparser.so"),
];

/// The library's and the parser's file names up to their version.
const STEMS: [(&str, &str); 2] = [
    ("libnvinfer.so", "libnvonnxparser.so"),
    ("libtensorrt_rtx.so", "libtensorrt_onnxparser_rtx.so"),
];

/// The names of an ONNX Runtime, the preferred first: the soname, and a link or a folder of a user's own making.
const ONNXRUNTIME: [&str; 2] = ["libonnxruntime.so.1", "libonnxruntime.so"];

/// How the name of an ONNX Runtime begins that has its whole version behind it, as in Microsoft's packages.
const ONNXRUNTIME_STEM: &str = "libonnxruntime.so.1.";

/// The file names looked for, to be shown.
pub(super) fn library_names(product: Product) -> Vec<String> {
    match product {
        Product::TensorRt => SONAMES.map(|(library, _)| library.to_owned()).into(),
        Product::OnnxRuntime => ONNXRUNTIME.map(str::to_owned).into(),
    }
}

/// The candidates in a folder, or the one that a file is.
pub(super) fn at(product: Product, path: &Path, origin: Origin) -> Vec<Candidate> {
    match product {
        Product::TensorRt => tensorrts_at(path, origin),
        Product::OnnxRuntime => onnxruntimes_at(path, origin),
    }
}

fn onnxruntimes_at(path: &Path, origin: Origin) -> Vec<Candidate> {
    // The loader takes a bare name for one to search for, not for a file here.
    let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if path.is_file() {
        return vec![Candidate::alone(path.to_owned(), origin)];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let has_version = |name: &String| name.starts_with(ONNXRUNTIME_STEM);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut versioned: Vec<String> = names.filter(has_version).collect();
    versioned.sort();
    let named = ONNXRUNTIME.iter().map(|&name| name.to_owned()).chain(versioned);
    let present = named.map(|name| path.join(name)).filter(|file| file.is_file());
    present.map(|file| Candidate::alone(file, origin)).collect()
}

fn tensorrts_at(path: &Path, origin: Origin) -> Vec<Candidate> {
    // The loader takes a bare name for one to search for, not for a file here.
    let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if path.is_file() {
        let parser = parser_beside(path);
        return vec![Candidate { library: path.to_owned(), parser, origin }];
    }
    let present = SONAMES.iter().filter(|(library, _)| path.join(library).is_file());
    present
        .map(|(library, parser)| Candidate {
            library: path.join(library),
            parser: path.join(parser),
            origin,
        })
        .collect()
}

/// The parser that belongs to a library's file: the same version in the same folder, or the nearest that exists.
fn parser_beside(library: &Path) -> PathBuf {
    let name = library.file_name().unwrap_or_default().to_string_lossy();
    let folder = library.parent().unwrap_or(Path::new(""));
    let Some((rest, parser)) =
        STEMS.iter().find_map(|(stem, parser)| Some((name.strip_prefix(stem)?, parser)))
    else {
        // Opening the library will tell what it is; the parser's name then no longer matters.
        return folder.join(STEMS[0].1);
    };
    // .so.10.3.0 may stand beside a parser called .so.10.3.0, .so.10.3, .so.10, .so
    let mut version = rest;
    loop {
        let candidate = folder.join(format!("{parser}{version}"));
        match version.rfind('.') {
            Some(at) if !candidate.exists() => version = &version[..at],
            None if !candidate.exists() => return folder.join(format!("{parser}{rest}")),
            _ => return candidate,
        }
    }
}

/// The candidates of all places, in the order to try them, and in their turn the places that have none; a place is
/// looked at when its turn comes.
pub(crate) fn everywhere<'look>(
    product: Product,
    environment: &'look Environment,
    say: &'look mut Say<'_>,
) -> impl Iterator<Item = Result<Candidate, Nothing>> {
    let named = product.named(environment).into_iter();
    let named = named.flat_map(move |path| at(product, path, Origin::Variable(product)));
    let bare: Vec<Candidate> = match product {
        Product::TensorRt => SONAMES
            .map(|(library, parser)| Candidate {
                library: library.into(),
                parser: parser.into(),
                origin: Origin::Loader,
            })
            .into(),
        Product::OnnxRuntime => {
            ONNXRUNTIME.map(|name| Candidate::alone(name.into(), Origin::Loader)).into()
        }
    };
    let looked_at = move |origin, found: Result<Vec<PathBuf>, Nothing>| match found {
        Ok(folders) => {
            folders.iter().flat_map(|folder| at(product, folder, origin)).map(Ok).collect()
        }
        Err(nothing) => vec![Err(nothing)],
    };
    let python = iter::once_with(move || {
        looked_at(Origin::Python, python_packages(product, environment, say))
    })
    .flatten();
    let fetched =
        iter::once_with(move || looked_at(Origin::Fetched, fetched(product, environment)))
            .flatten();
    named.chain(bare).map(Ok).chain(python).chain(fetched)
}

/// The folder of what was fetched, where there is a place for it.
fn fetched(product: Product, environment: &Environment) -> Result<Vec<PathBuf>, Nothing> {
    if environment.cache.is_none() {
        return Ok(Vec::new());
    }
    match fetched_before(product, environment) {
        Ok(folder) => Ok(vec![folder]),
        Err((place, reason)) => {
            Err(Nothing::Tried(Tried { origin: Origin::Fetched, place, reason }))
        }
    }
}

/// The folders of the Python environment's packages of a product.
fn python_packages(
    product: Product,
    environment: &Environment,
    say: &mut Say<'_>,
) -> Result<Vec<PathBuf>, Nothing> {
    let packages = product.python_packages();
    let python = environment.interpreter();
    let nothing = |reason: String| {
        let place = python.name().to_owned();
        Nothing::Tried(Tried { origin: Origin::Python, place, reason })
    };
    let mut go_on = || say(LocateEvent::Asking { python: python.name().to_owned() });
    let folders: Vec<PathBuf> = python
        .package_folders(&mut go_on)
        .map_err(|error| match error {
            ChildError::Cancelled => Nothing::Cancelled,
            error => nothing(error.to_string()),
        })?
        .iter()
        .flat_map(|folder| packages.iter().map(move |package| folder.join(package)))
        .filter(|folder| folder.is_dir())
        .collect();
    if folders.is_empty() {
        let names = packages.iter().filter_map(|package| package.split('/').next());
        return Err(nothing(format!("no package {}", names.collect::<Vec<_>>().join(" or "))));
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn a_folder_gives_its_libraries_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["libtensorrt_rtx.so.1", "libnvinfer.so.8", "libnvinfer.so.10", "libother.so"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names: Vec<_> = at(Product::TensorRt, folder.path(), Origin::Given)
            .into_iter()
            .map(|candidate| candidate.library.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["libnvinfer.so.10", "libnvinfer.so.8", "libtensorrt_rtx.so.1"]);
    }

    #[test]
    fn a_file_gets_the_parser_of_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("libnvonnxparser.so.10"), "").unwrap();
        let cases = [
            ("libnvinfer.so.10.3.0", "libnvonnxparser.so.10"),
            ("libnvinfer.so.10", "libnvonnxparser.so.10"),
            // None is there, so the message is to name the one that fits best.
            ("libnvinfer.so.8", "libnvonnxparser.so.8"),
            ("libtensorrt_rtx.so.1", "libtensorrt_onnxparser_rtx.so.1"),
        ];
        for (library, parser) in cases {
            assert_eq!(parser_beside(&file(library)), file(parser), "{library}");
        }
    }

    #[test]
    fn python_packages_are_found_through_the_interpreter() {
        let missing =
            Environment { python: Some("/nonexistent/python3".into()), ..Environment::default() };
        let nothing =
            python_packages(Product::TensorRt, &missing, &mut |_| ControlFlow::Continue(()))
                .unwrap_err();
        let Nothing::Tried(tried) = nothing else { panic!("{nothing:?}") };
        assert_eq!((tried.origin, tried.place), (Origin::Python, "/nonexistent/python3".into()));
    }
}
