//! What a plan says of itself, to the TensorRT that built it.

mod header;
pub(crate) mod layers;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use calibrant_tensorrt::{Error, Library, Runtime, Severity, TensorIOMode};
use serde::Serialize;

use crate::build::{TensorSummary, type_name};
use crate::options::BuildOptions;

pub use self::header::PlanHeader;
pub use self::layers::{LayerError, PlanLayer, PlanTensor};

/// A plan, as TensorRT reads it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanInspection {
    /// The name of the network it was built from.
    pub network: String,
    /// The library that read it, as `TensorRT 10.16.1`.
    pub library_version: String,
    /// How many optimization profiles it has.
    pub profiles: usize,
    /// Whether its weights can be exchanged.
    pub refittable: bool,
    /// What a run takes.
    pub inputs: Vec<TensorSummary>,
    /// What a run gives.
    pub outputs: Vec<TensorSummary>,
    /// Its layers after fusion. A plan built without `detailed` profiling verbosity tells their names alone, and one
    /// built with `none` not even those.
    pub layers: Vec<PlanLayer>,
}

/// A plan that cannot be inspected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Its path, as it was named.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// TensorRT does not read the plan.
    #[error(
        "{library} cannot read the plan {}{}; a plan is read by the version that built it, on a GPU of the kind it was built for",
        path.display(),
        said(messages)
    )]
    Refused {
        /// The plan.
        path: PathBuf,
        /// The library and its version.
        library: String,
        /// The errors of TensorRT's log, verbatim.
        messages: Vec<String>,
        /// The call.
        source: Error,
    },
    /// TensorRT read the plan, and what it says of the layers cannot be understood.
    #[error("what {library} says of the layers of {} is not understood", path.display())]
    Layers {
        /// The plan.
        path: PathBuf,
        /// The library and its version.
        library: String,
        /// What is wrong.
        source: LayerError,
    },
}

/// The log as the middle of a message.
fn said(messages: &[String]) -> String {
    if messages.is_empty() { String::new() } else { format!(" ({})", messages.join("; ")) }
}

/// Reads a plan with a library, and asks it about its layers.
///
/// TensorRT prepares a plan for running as it reads it, so this needs a GPU, and the version that built the plan.
/// Plugins and the DLA core are those of `options`, as for the build. A version compatible plan brings code of its own,
/// which then runs in this process.
///
/// # Errors
/// [`InspectError`].
pub fn inspect(
    library: &Library,
    plan: &Path,
    options: &BuildOptions,
) -> Result<PlanInspection, InspectError> {
    // A plan is as large as its network, and held in memory as a whole by TensorRT too.
    let bytes = calibrant_files::read(plan, u64::MAX)
        .map_err(|source| InspectError::Read { path: plan.to_owned(), source })?;
    let version = library.version().to_string();
    let errors = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&errors);
    let _subscription = library.subscribe(move |severity, text| {
        if severity <= Severity::Error {
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
        }
    });
    let refused = |source| InspectError::Refused {
        path: plan.to_owned(),
        library: version.clone(),
        messages: errors.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        source,
    };
    let (mut inspection, json) = read(library, &bytes, options).map_err(refused)?;
    inspection.layers = layers::parse(&json).map_err(|source| InspectError::Layers {
        path: plan.to_owned(),
        library: version.clone(),
        source,
    })?;
    Ok(inspection)
}

/// What TensorRT says of a plan but its layers, and those as JSON.
fn read(
    library: &Library,
    plan: &[u8],
    options: &BuildOptions,
) -> Result<(PlanInspection, String), Error> {
    let mut runtime = Runtime::new(library)?;
    if let Some(dla) = options.dla {
        runtime.set_dla_core(dla.core)?;
    }
    if options.version_compatible.is_some() {
        runtime.allow_engine_host_code()?;
    }
    for plugins in &options.plugins {
        runtime.load_plugins(plugins)?;
    }
    let engine = runtime.deserialize(plan)?;
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for tensor in engine.io_tensors()? {
        let summary = TensorSummary {
            name: tensor.name,
            dims: tensor.dims.unwrap_or_default(),
            data_type: tensor.data_type.map_or_else(|| "unknown".to_owned(), type_name),
        };
        if tensor.mode == Some(TensorIOMode::Input) { &mut inputs } else { &mut outputs }
            .push(summary);
    }
    let inspection = PlanInspection {
        network: engine.name()?,
        library_version: library.version().to_string(),
        profiles: engine.n_profiles()?,
        refittable: engine.is_refittable()?,
        inputs,
        outputs,
        layers: Vec::new(),
    };
    let json = engine.inspector()?.engine_json()?;
    Ok((inspection, json))
}
