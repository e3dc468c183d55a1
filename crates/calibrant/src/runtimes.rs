//! The runtimes that come with this program: the one place that names them.

mod auto;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use calibrant_job::Control;
use calibrant_job::engine::find_by;
use calibrant_locate::{Environment, LocateError, Product, Source};
use calibrant_runtime::{Runtime, Unavailable};
use calibrant_runtime_embedded::{Embedded, silence_caught_panics};
use calibrant_runtime_onnxruntime::{Library, Missing, OnnxRuntime};

use self::auto::Auto;
use crate::args::{NONE, OnnxRuntimeArgs};
use crate::error::{Error, JobError};

/// The `--backend` that stands for the first that runs all that is needed.
pub(crate) const AUTO: &str = "auto";

/// What the runtime of ONNX Runtime is called.
pub(crate) const ONNXRUNTIME: &str = "onnxruntime";

/// The runtime that is always there: pure Rust on the CPU.
#[must_use]
pub fn default_runtime() -> Arc<dyn Runtime> {
    Arc::new(Embedded)
}

/// All runtimes that come with this program, the one that is always there first.
///
/// That of ONNX Runtime has no library before the command line, which knows where to look, has found one.
#[must_use]
pub fn built_in() -> Vec<Arc<dyn Runtime>> {
    let nothing = || Missing {
        tried: Vec::new(),
        reason: Unavailable::Library {
            library: Product::OnnxRuntime.to_string(),
            way_out: "nobody has looked for it".to_owned(),
        },
    };
    vec![default_runtime(), Arc::new(OnnxRuntime::found_by(move || Err(nothing())))]
}

/// What a program does at its start, so that the runtimes behave in it.
pub(crate) fn prepare_process() {
    silence_caught_panics();
}

/// What was asked for, and what there is.
pub(crate) struct Runtimes {
    /// All of them, those with a library opened.
    all: Vec<Arc<dyn Runtime>>,
    /// Why there is no ONNX Runtime.
    missing: Option<LocateError>,
}

impl Runtimes {
    /// `all`, with the library that `args` says, or that is here; where the program has no such runtime, or another is
    /// asked for by `name`, nothing is looked for.
    ///
    /// # Errors
    ///
    /// When what was asked for cannot be had, or the caller interrupts.
    pub(crate) fn find(
        all: &[Arc<dyn Runtime>],
        name: Option<&str>,
        args: &OnnxRuntimeArgs,
        control: Control<'_>,
    ) -> Result<Self, Error> {
        let mut all = all.to_vec();
        let Some(place) = all.iter().position(|runtime| runtime.name() == ONNXRUNTIME) else {
            return Ok(Self { all, missing: None });
        };
        if name.is_some_and(|name| ![AUTO, ONNXRUNTIME].contains(&name)) {
            return Ok(Self { all, missing: None });
        }
        let Some(source) = args.source() else {
            all.remove(place);
            return Ok(Self { all, missing: None });
        };
        // Where the variable is to keep one away, and the flag overrules it, it names no place.
        let named = |path: &PathBuf| path.as_os_str() != NONE;
        let mut environment = Environment::of_process();
        environment.onnxruntime = environment.onnxruntime.filter(named);
        let open = |path: &Path| Ok(Library::open(path)?);
        let found = find_by(Product::OnnxRuntime, &source, &environment, open, control)?;
        let missing = match found {
            Ok(library) => {
                all[place] = Arc::new(OnnxRuntime::new(library));
                None
            }
            Err(error @ LocateError::NotFound { .. }) if source == Source::Auto => {
                all[place] = Arc::new(without_library(&error));
                Some(error)
            }
            Err(error) => return Err(JobError::Locate(error).into()),
        };
        Ok(Self { all, missing })
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Arc<dyn Runtime>] {
        &self.all
    }

    /// The runtime of this name; `None` where the program has none. Without a name, and by `auto`, it is the first, or what
    /// chooses between it and ONNX Runtime, where there is one.
    ///
    /// # Errors
    ///
    /// When it was asked for by name and its library is missing.
    pub(crate) fn named(self, name: Option<&str>) -> Result<Option<Arc<dyn Runtime>>, Error> {
        let has = |name: &str| self.all.iter().find(|runtime| runtime.name() == name).cloned();
        match name {
            None | Some(AUTO) => {
                let first = self.all.first().cloned();
                let other = has(ONNXRUNTIME).filter(|_| self.missing.is_none());
                Ok(match (first, other) {
                    (Some(first), Some(other)) if first.name() == Embedded.name() => {
                        Some(Arc::new(Auto::new([first, other])))
                    }
                    (first, _) => first,
                })
            }
            Some(ONNXRUNTIME) => match self.missing {
                Some(missing) => Err(JobError::Locate(missing).into()),
                None => Ok(has(ONNXRUNTIME)),
            },
            Some(name) => Ok(has(name)),
        }
    }
}

/// The runtime of a library that is nowhere.
fn without_library(error: &LocateError) -> OnnxRuntime {
    let tried: Vec<String> = match error {
        LocateError::NotFound { tried, .. } => tried.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    OnnxRuntime::found_by(move || {
        Err(Missing {
            tried: tried.clone(),
            reason: Unavailable::Library {
                library: Product::OnnxRuntime.to_string(),
                way_out: "--onnxruntime fetch gets it through pip, --onnxruntime PATH names one"
                    .to_owned(),
            },
        })
    })
}

#[cfg(test)]
mod tests {
    use calibrant_runtime::scripted::Scripted;

    use super::*;

    fn named(runtimes: &[Arc<dyn Runtime>], name: Option<&str>) -> Option<String> {
        let runtimes = Runtimes { all: runtimes.to_vec(), missing: None };
        runtimes.named(name).unwrap().map(|runtime| runtime.name().to_owned())
    }

    #[test]
    fn without_onnx_runtime_auto_is_the_first() {
        let own: Arc<dyn Runtime> = Arc::new(Scripted::identity());
        let embedded = default_runtime();
        for name in [None, Some(AUTO)] {
            assert_eq!(named(&[embedded.clone(), own.clone()], name).as_deref(), Some("embedded"));
            assert_eq!(named(&[own.clone(), embedded.clone()], name).as_deref(), Some("scripted"));
            assert_eq!(named(&built_in(), name).as_deref(), Some("auto"));
        }
        assert_eq!(named(&[embedded], Some("scripted")), None);
    }

    #[test]
    fn a_missing_library_is_an_error_where_it_was_asked_for_and_nothing_to_auto() {
        let missing = || LocateError::NotFound { product: Product::OnnxRuntime, tried: Vec::new() };
        let runtimes = || Runtimes { all: built_in(), missing: Some(missing()) };
        let error = runtimes().named(Some(ONNXRUNTIME)).unwrap_err();
        assert!(error.to_string().contains("no ONNX Runtime found"), "{error}");
        let auto = runtimes().named(None).unwrap().unwrap();
        assert_eq!(auto.name(), "embedded");
    }
}
