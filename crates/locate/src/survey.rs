//! Which TensorRTs there are.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;

use calibrant_tensorrt::{Library, Version};

use crate::environment::Environment;
use crate::error::{LocateError, Tried};
use crate::fetch::LocateEvent;
use crate::locate::{Candidate, Nothing, Origin, everywhere};
use crate::product::Product;

/// Every TensorRT found, and every place that holds none.
#[derive(Debug)]
pub struct Survey {
    /// What was found, in the order in which [`locate`](crate::locate()) would try it.
    pub found: Vec<Surveyed>,
    /// Where there is none, and why.
    pub tried: Vec<Tried>,
}

/// One library, as found.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// The library's file.
    pub library: PathBuf,
    /// Its ONNX parser, if one lies beside it.
    pub parser: Option<PathBuf>,
    /// Which way led to it.
    pub origin: Origin,
    /// Its version; where [`Version::generation`] knows no tables that fit, it is not used.
    pub version: Version,
}

/// Looks everywhere that [`locate`](crate::locate()) looks, and further after the first find.
///
/// It opens each library to ask for its version, so the process should not build afterwards: two TensorRTs of one
/// soname do not mix.
///
/// `say` hears what is waited for, again and again; it answers `Break` to cancel.
///
/// # Errors
/// [`LocateError::Cancelled`].
pub fn survey(
    environment: &Environment,
    say: &mut dyn FnMut(LocateEvent) -> ControlFlow<()>,
) -> Result<Survey, LocateError> {
    let mut tried = Vec::new();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for candidate in everywhere(Product::TensorRt, environment, say) {
        let candidate = match candidate {
            Ok(candidate) => candidate,
            Err(Nothing::Tried(nothing)) => {
                tried.push(nothing);
                continue;
            }
            Err(Nothing::Cancelled) => return Err(LocateError::Cancelled),
        };
        match Library::probe(&candidate.library) {
            Ok((version, library)) => {
                // One file may be reached by several ways and links; the first way is the one that counts.
                if seen.insert(library.canonicalize().unwrap_or_else(|_| library.clone())) {
                    found.push(surveyed(&candidate, version, library));
                }
            }
            Err(error) => tried.push(candidate.tried(&error)),
        }
    }
    Ok(Survey { found, tried })
}

fn surveyed(candidate: &Candidate, version: Version, library: PathBuf) -> Surveyed {
    // A bare name was found by the loader: its parser lies beside the file that the loader took.
    let parser =
        library.parent().unwrap_or(&library).join(candidate.parser.file_name().unwrap_or_default());
    let parser = parser.is_file().then_some(parser);
    Surveyed { library, parser, origin: candidate.origin, version }
}
