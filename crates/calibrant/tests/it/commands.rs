//! How commands are run.

use std::path::Path;
use std::process::Command;

/// Keeps a command from the TensorRT that somebody fetched on this machine.
pub(crate) fn without_fetched(command: &mut Command) {
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nothing-fetched");
    command.env("XDG_CACHE_HOME", empty).env_remove("CALIBRANT_TENSORRT");
}
