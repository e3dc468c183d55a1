//! The timing cache of a build: read, used, written back.

use std::io::{self, Write};
use std::path::Path;

use calibrant_tensorrt::{Config, Error};

use super::{cannot, unfinished};
use crate::error::BuildError;
use crate::options::BuildOptions;

/// The largest timing cache that is read: a thousand times what a network's timings take.
const LIMIT_BYTES: u64 = 1 << 30;

/// The timing cache to use, where this TensorRT has one: RTX times kernels where they run, and its cache stays empty.
pub(super) fn cache_of<'o>(
    config: &Config<'_>,
    options: &'o BuildOptions,
    warnings: &mut Vec<String>,
) -> Option<&'o Path> {
    let path = options.timing_cache.as_deref()?;
    let library = config.library();
    if library.generation().is_rtx() {
        let version = library.version();
        warnings.push(format!(
            "{version} keeps no timings: {} is neither read nor written",
            path.display()
        ));
        return None;
    }
    Some(path)
}

/// Gives a build the timings of earlier ones; there are none yet if there is no file.
///
/// # Errors
/// [`BuildError::TimingCache`] for one that TensorRT refuses: timings of another GPU would choose the wrong kernels, and
/// building without them would overwrite the file.
pub(super) fn read(config: &mut Config<'_>, path: &Path) -> Result<(), BuildError> {
    let bytes = match calibrant_files::read(path, LIMIT_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(cannot("read", path, source)),
    };
    match config.set_timing_cache(&bytes) {
        Err(source @ (Error::Null { .. } | Error::Refused { .. })) if !bytes.is_empty() => {
            let library = config.library().version().to_string();
            Err(BuildError::TimingCache { path: path.to_owned(), library, source })
        }
        outcome => Ok(outcome?),
    }
}

/// Writes the timings back, complete or not at all.
pub(super) fn write(
    config: &Config<'_>,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<(), BuildError> {
    let Some(cache) = config.timing_cache() else { return Ok(()) };
    let bytes = match cache.serialize() {
        Ok(bytes) => bytes,
        Err(error) => {
            warnings.push(format!("timing cache {} is not written: {error}", path.display()));
            return Ok(());
        }
    };
    let write = |bytes: &[u8]| -> io::Result<()> {
        let mut file = unfinished(path)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write(bytes.as_bytes()).map_err(|source| cannot("write", path, source))
}
