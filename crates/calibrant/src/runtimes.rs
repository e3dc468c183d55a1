//! The runtimes that come with this program: the one place that names them.

use std::sync::Arc;

use calibrant_runtime::Runtime;
use calibrant_runtime_embedded::{Embedded, silence_caught_panics};

/// The runtime of a job that names none: pure Rust on the CPU, which is always there.
#[must_use]
pub fn default_runtime() -> Arc<dyn Runtime> {
    Arc::new(Embedded)
}

/// All runtimes that come with this program, the default first.
#[must_use]
pub fn built_in() -> Vec<Arc<dyn Runtime>> {
    vec![default_runtime()]
}

/// What a program does at its start, so that the runtimes behave in it.
pub(crate) fn prepare_process() {
    silence_caught_panics();
}
