//! The trait of everything that can run a network and say what its activations are.

use std::error::Error;
use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::{BatchSource, SourceError, Statistics};

/// A loaded network that can be calibrated.
///
/// A backend pulls batches until the source ends and gives every float activation, and every float graph input, of
/// every sample to [`TensorStatistics::observe`](crate::TensorStatistics::observe), under the tensor's name in the
/// original graph.
/// It keeps no activations beyond the batch in hand.
pub trait Backend: Debug {
    /// What runs the network, for the manifest and the report.
    fn info(&self) -> BackendInfo;

    /// Runs all batches of `source` and returns what was seen.
    ///
    /// # Errors
    ///
    /// When the source fails, a sample does not fit the network, the network fails, or an activation is NaN or infinite.
    /// Nothing is returned then: half a calibration is no calibration.
    fn calibrate(&mut self, source: &mut dyn BatchSource) -> Result<Statistics, BackendError>;
}

/// What a backend is, as written into the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendInfo {
    /// Short name, for example `embedded`.
    pub name: String,
    /// Version of what does the arithmetic, for example `rten 0.27.0`.
    pub version: String,
    /// What a reader should know, one sentence each, for example "runs every sample alone".
    pub notes: Vec<String>,
}

/// Why a calibration ended without statistics.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The samples ended early.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The network computed a value that has no place on any scale.
    #[error(
        "tensor `{tensor}` has the value {value} at element {index} for sample `{sample}`; \
         see whether the model overflows in float too, or leave the sample out"
    )]
    NonFinite {
        /// Name of the tensor in the original graph.
        tensor: String,
        /// Name of the sample, or of the batch's samples joined by `, ` where they ran together.
        sample: String,
        /// NaN or an infinity.
        value: f32,
        /// Row-major index of the first such value.
        index: usize,
    },
    /// A sample lacks an input of the network.
    #[error("sample `{sample}` has no tensor for the model's input `{input}`; it has {}", list(.given))]
    MissingInput {
        /// The input's name.
        input: String,
        /// Name of the sample.
        sample: String,
        /// Names of the tensors that the sample has.
        given: Vec<String>,
    },
    /// A node of the network failed.
    #[error("{operator} node `{node}` failed on sample `{sample}`")]
    Execution {
        /// Name of the node, or of its first output when it has none.
        node: String,
        /// Operator, for example `Conv`.
        operator: String,
        /// Name of the sample.
        sample: String,
        /// What the runtime said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The runtime failed outside any node.
    #[error("backend `{backend}` failed")]
    Runtime {
        /// [`BackendInfo::name`].
        backend: String,
        /// What the runtime said.
        source: Box<dyn Error + Send + Sync>,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
