//! Sessions of the library.

use std::error::Error;
use std::sync::Arc;

use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use crate::graph::{Encoded, WEIGHTS};
use crate::library::Library;
use crate::panics::caught;

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Whether the library takes the model.
    Probe,
    /// Running it.
    Run,
}

/// A session on one thread.
///
/// # Errors
///
/// What the library says against the model.
pub(crate) fn open(
    library: &Library,
    encoded: &Encoded,
    purpose: Purpose,
) -> Result<Session, Box<dyn Error + Send + Sync>> {
    caught(|| {
        let level = match purpose {
            Purpose::Probe => GraphOptimizationLevel::Disable,
            Purpose::Run => GraphOptimizationLevel::All,
        };
        let mut builder = Session::builder(library.environment())?
            .with_log_level(LogLevel::Fatal)?
            .with_optimization_level(level)?
            .with_intra_threads(1)?
            // A plan of the memory is made for each shape of the inputs, and kept.
            .with_memory_pattern(false)?;
        if !encoded.weights.is_empty() {
            let weights = Arc::clone(&encoded.weights);
            builder = builder.with_external_initializer_file_in_memory(WEIGHTS, weights)?;
        }
        builder.commit_from_memory(&encoded.model)
    })
}
