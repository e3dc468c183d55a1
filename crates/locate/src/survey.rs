//! Which TensorRTs there are and what each can do, for `doctor`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;

use calibrant_files::text_of;
use calibrant_tensorrt::{Generation, Library, Version};
use serde::{Serialize, Serializer};

use crate::environment::Environment;
use crate::error::{LocateError, Tried};
use crate::fetch::FetchEvent;
use crate::locate::{Candidate, Nothing, everywhere};

/// Every TensorRT found, and every place that holds none.
#[derive(Debug)]
pub struct Survey {
    /// What was found, in the order in which [`locate`](crate::locate()) would try it.
    pub found: Vec<Surveyed>,
    /// Where there is none, and why.
    pub tried: Vec<Tried>,
}

/// One library, as found.
#[derive(Debug, Clone, Serialize)]
pub struct Surveyed {
    /// The library's file.
    #[serde(serialize_with = "calibrant_files::serialize_path")]
    pub library: PathBuf,
    /// Its ONNX parser, if one lies beside it.
    #[serde(serialize_with = "text_if_any")]
    pub parser: Option<PathBuf>,
    /// Which way led to it.
    pub origin: String,
    /// Its version, as `TensorRT-RTX 1.7.1`.
    pub version: String,
    /// The generation whose tables fit it; `None` if this program knows none, and then it is not used.
    pub generation: Option<String>,
    /// What it can do here.
    pub abilities: Abilities,
}

/// What a library can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// Builds plans from ONNX: a known generation, with its parser.
    pub builds: bool,
    /// Builds without a GPU.
    pub builds_without_gpu: bool,
    /// Builds INT8 from `QuantizeLinear` and `DequantizeLinear`.
    pub explicit_int8: bool,
    /// Calibrates through callbacks and reads calibration caches.
    pub implicit_int8: bool,
    /// Reports progress and can be cancelled.
    pub progress: bool,
}

impl Abilities {
    /// What a version can do, with its parser or without.
    fn of(version: Version, parser: Option<&PathBuf>) -> Self {
        let generation = version.generation();
        let builds = generation.is_some() && parser.is_some();
        let rtx = generation.is_some_and(Generation::is_rtx);
        let implicit = matches!(generation, Some(Generation::TensorRt8 | Generation::TensorRt10));
        Self {
            builds,
            builds_without_gpu: builds && rtx,
            // RTX before 1.7 fails on INT8 convolutions.
            explicit_int8: builds && (!rtx || version >= Version::from_raw(10_700)),
            implicit_int8: builds && implicit,
            progress: builds && version >= Version::from_raw(9_300),
        }
    }
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
    say: &mut dyn FnMut(FetchEvent) -> ControlFlow<()>,
) -> Result<Survey, LocateError> {
    let mut tried = Vec::new();
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for candidate in everywhere(environment, say) {
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
    Surveyed {
        abilities: Abilities::of(version, parser.as_ref()),
        library,
        parser,
        origin: candidate.origin.to_string(),
        version: version.to_string(),
        generation: version.generation().map(|generation| generation.to_string()),
    }
}

/// A path as text, where there is one.
fn text_if_any<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_deref().map(text_of).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abilities_follow_version_and_parser() {
        let parser = PathBuf::from("parser");
        let of = |raw| Abilities::of(Version::from_raw(raw), Some(&parser));
        let all = Abilities {
            builds: true,
            builds_without_gpu: true,
            explicit_int8: true,
            implicit_int8: true,
            progress: true,
        };
        let none = Abilities {
            builds: false,
            builds_without_gpu: false,
            explicit_int8: false,
            implicit_int8: false,
            progress: false,
        };
        assert_eq!(of(10_701), Abilities { implicit_int8: false, ..all });
        assert_eq!(of(10_500), Abilities { implicit_int8: false, explicit_int8: false, ..all });
        assert_eq!(of(101_601), Abilities { builds_without_gpu: false, ..all });
        assert_eq!(
            of(110_400),
            Abilities { builds_without_gpu: false, implicit_int8: false, ..all }
        );
        assert_eq!(of(8_601), Abilities { builds_without_gpu: false, progress: false, ..all });
        assert_eq!(of(120_000), none);
        assert_eq!(Abilities::of(Version::from_raw(10_701), None), none);
    }
}
