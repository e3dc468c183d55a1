//! The runtime, as the traits have it.

use std::fmt;
use std::sync::Arc;

use calibrant_calibration::BackendInfo;
use calibrant_onnx::Model;
use calibrant_runtime::{
    Availability, LoadError, Network, Observations, RunError, Runtime, Settings, Source, Survey,
    Unavailable, Wanted,
};

use crate::error::NAME;
use crate::library::Library;
use crate::loaded::Loaded;
use crate::survey::survey;

/// ONNX Runtime on the CPU, as far as there is a library.
#[derive(Clone)]
pub struct OnnxRuntime {
    find: Arc<Find>,
}

/// Finds and opens the library; called whenever the runtime is asked for something.
type Find = dyn Fn() -> Result<Library, Missing> + Send + Sync;

/// Why there is no library.
#[derive(Debug)]
pub struct Missing {
    /// Places that were looked at, in order.
    pub tried: Vec<String>,
    /// Why none of them will do.
    pub reason: Unavailable,
}

impl OnnxRuntime {
    /// The runtime of a library that is open.
    #[must_use]
    pub fn new(library: Library) -> Self {
        Self { find: Arc::new(move || Ok(library.clone())) }
    }

    /// The runtime of a library that is found when it is needed.
    ///
    /// `find` is called each time, so it should remember what it found.
    pub fn found_by(find: impl Fn() -> Result<Library, Missing> + Send + Sync + 'static) -> Self {
        Self { find: Arc::new(find) }
    }

    fn library(&self) -> Result<Library, LoadError> {
        (self.find)().map_err(|missing| LoadError::Unavailable {
            runtime: NAME.to_owned(),
            source: missing.reason,
        })
    }
}

impl Runtime for OnnxRuntime {
    fn name(&self) -> &str {
        NAME
    }

    fn availability(&self) -> Availability {
        let what = "ONNX Runtime on the CPU";
        match (self.find)() {
            Ok(library) => Availability {
                version: Some(library.version().to_string()),
                notes: vec![format!("{} at {}", library.version(), library.path().display())],
                ..Availability::usable(what)
            },
            Err(Missing { tried, reason }) => {
                Availability { tried, why_not: Some(reason), ..Availability::usable(what) }
            }
        }
    }

    fn survey(&self, model: &Model) -> Result<Survey, LoadError> {
        survey(&self.library()?, model)
    }

    fn load(
        &self,
        model: &Model,
        wanted: &Wanted,
        settings: &Settings,
    ) -> Result<Box<dyn Network>, LoadError> {
        Ok(Box::new(Loaded::new(self.library()?, model, wanted, settings)?))
    }
}

impl Network for Loaded {
    fn info(&self) -> BackendInfo {
        let notes = match self.settings.samples_per_run.get() {
            1 => "runs every sample alone, so the batch size changes no activation".to_owned(),
            several => format!("runs {several} samples together"),
        };
        let mut notes = vec![notes];
        if self.is_faithful() {
            notes.push(
                "keeps TensorRT's own histograms too, whose bins the first batch sets".to_owned(),
            );
        }
        let version = format!("ONNX Runtime {}", self.library.version());
        BackendInfo { name: NAME.to_owned(), version, notes }
    }

    fn run(&mut self, source: &mut dyn Source) -> Result<Observations, RunError> {
        self.spread(source)
    }
}

impl fmt::Debug for OnnxRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxRuntime").finish_non_exhaustive()
    }
}
